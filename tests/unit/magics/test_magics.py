"""`%load_ext nbproj`, what a line means, and that nothing is left behind - in a real shell."""

from __future__ import annotations

import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import nbproj
from nbproj.errors import NbprojError, UsageError
from nbproj.magics.expansion import expand, words
from nbproj.magics.mlrun import parse_line


@pytest.fixture
def shell():
    """Return a shell of its own, with the extension loaded."""
    one = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    nbproj.load_ipython_extension(one)
    yield one
    nbproj.unload_ipython_extension(one)


def test_loading_and_unloading_leaves_nothing(shell):
    before = (set(shell.magics_manager.magics["line"]), len(shell.Completer.custom_matchers))
    assert "mlrun" in before[0]
    nbproj.unload_ipython_extension(shell)
    assert "mlrun" not in shell.magics_manager.magics["line"]
    nbproj.load_ipython_extension(shell)
    nbproj.load_ipython_extension(shell)
    assert (set(shell.magics_manager.magics["line"]), len(shell.Completer.custom_matchers)) == before


def test_a_line_says_what_the_command_line_says(shell):
    order = parse_line(". -e train -P alpha=0.5 -P 'name=a b' --run-name first --timeout 5", shell)
    assert (order.uri, order.entry_point, order.run_name, order.timeout) == (".", "train", "first", 5.0)
    assert order.parameters == {"alpha": "0.5", "name": "a b"}


def test_an_expression_hands_over_the_object_and_nothing_else_is_expanded(shell):
    shell.user_ns.update(rates=[0.1, 0.2], where={"folder": "data"})
    order = parse_line("{rates} -e $HOME -P lr={rates[1]} -P 'all={[r * 2 for r in rates]}' -P text=x{rates} -P 'opts={\"a\": 1}' -P e={}", shell)
    assert (order.uri, order.entry_point) == ("{rates}", "$HOME")
    assert order.parameters == {"lr": 0.2, "all": [0.2, 0.4], "text": "x{rates}", "opts": '{"a": 1}', "e": "{}"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "no current notebook in a terminal: name what to run"),
        ("-e train", "no current notebook in a terminal: name what to run"),
        (". --stale-ok", "leave one of them out"),
        (". --frobnicate", "No such option"),
        (". -P alpha", "NAME=VALUE"),
        (". -P lr={rtaes}", "Did you mean 'rates'?"),
        (". -P lr={1 +}", "is not an expression"),
        (". -P lr={1/0}", "ZeroDivisionError"),
        (". 'open", "close what was opened"),
        (". --json", "the Run itself comes back"),
    ],
)
def test_wrong_use_is_one_line(line, message, shell):
    shell.user_ns["rates"] = [1]
    with pytest.raises(NbprojError) as caught:
        parse_line(line, shell)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a -P x={d['k']}", ["a", "-P", "x={d['k']}"]),
        ("-P x={f('}', \"{\")} b", ["-P", "x={f('}', \"{\")}", "b"]),
        ("-P x={{'a': {1}}} y", ["-P", "x={{'a': {1}}}", "y"]),
        ("-P 'x={a b}' c\\ d", ["-P", "x={a b}", "c d"]),
        ("-P x={open y", ["-P", "x={open", "y"]),
        ("-P 'a={' -P b=}", ["-P", "a={", "-P", "b=}"]),
    ],
)
def test_a_value_in_braces_is_one_word(line, expected):
    assert words(line) == expected


def test_help_is_printed_and_nothing_runs(shell, capsys):
    assert shell.run_line_magic("mlrun", "--help") is None
    assert "--entry-point" in capsys.readouterr().out
    assert "Interrupt ends the run cleanly" in shell.magics_manager.magics["line"]["mlrun"].__doc__


def test_names_of_the_expression_are_not_changed_by_it():
    names = {"x": 1}
    expand({"a": "{(y := x + 1)}"}, names)
    assert names == {"x": 1}


def test_an_expression_that_is_wrong_is_a_usage_error():
    with pytest.raises(UsageError, match="name 'q' is not defined"):
        expand({"a": "{q}"}, {})


def test_loading_the_extension_imports_nothing_heavy():
    code = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell()\nbefore = set(sys.modules)\n"
        "shell.extension_manager.load_extension('nbproj')\nshell.history_manager.end_session()\n"
        "heavy = {'mlflow', 'papermill', 'git', 'docker', 'pandas', 'click', 'nbformat', 'yaml'}\n"
        "print([name for name in set(sys.modules) - before if name.split('.')[0] in heavy])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
