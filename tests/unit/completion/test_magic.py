"""The tab key in a real IPython shell."""

from __future__ import annotations

import time
import warnings

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbproj import cli
from nbproj.completion import magic
from nbproj.completion.magic import register, unregister

QUIET = Config({"HistoryManager": {"enabled": False}})


@pytest.fixture
def shell(work, monkeypatch):
    """Return a shell whose `%mlrun` is completed, however long it takes on a busy machine."""
    monkeypatch.setattr(magic, "_SECONDS", 60.0)
    made = InteractiveShell(config=QUIET)
    register(made, lambda: {"mlrun": cli.nbproj.commands["run"]})
    yield made
    unregister(made)


def ends(shell: InteractiveShell, line: str, after: str = "", above: str = "") -> list[str]:
    """Return what the line up to the cursor becomes, for each candidate that IPython gives."""
    code = above + line + after
    cursor = len(above + line)
    with warnings.catch_warnings(), provisionalcompleter():
        warnings.simplefilter("ignore")
        return [line[: one.start - len(above)] + one.text for one in shell.Completer.completions(code, cursor)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%mlrun pro", ["%mlrun project/"]),
        ("%mlrun project -e tra", ["%mlrun project -e train", "%mlrun project -e trace"]),
        ("%mlrun project --env-m", ["%mlrun project --env-manager"]),
        ("%mlrun project -e train -P al", ["%mlrun project -e train -P alpha="]),
        ("%mlrun project -e train -P mode=", ["%mlrun project -e train -P mode=fast", "%mlrun project -e train -P mode=exact"]),
        ("%mlrun project -e train -P data=./d", ["%mlrun project -e train -P data=./data/", "%mlrun project -e train -P data=./day.csv"]),
        ("result = %mlrun project -e trai", ["result = %mlrun project -e train"]),
        ("    %mlrun project -e trai", ["    %mlrun project -e train"]),
    ],
)
def test_the_line_becomes(line, expected, shell):
    assert ends(shell, line) == expected
    assert ends(shell, line, above="x = 1\n") == expected


def test_the_older_way_to_ask_gives_the_same(shell):
    line = "%mlrun project -e tra"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert shell.Completer.complete(line_buffer=line, cursor_pos=len(line)) == ("tra", ["train", "trace"])


def test_words_with_spaces_stay_one_word(shell, work):
    (work / "my data").mkdir()
    (work / "my data/day 1.csv").write_text("")
    start = "%mlrun project -e train -P "
    assert ends(shell, f"{start}data=my") == [rf"{start}data=my\ data/"]
    assert ends(shell, f"{start}'data=my d") == [f"{start}'data=my data/"]
    assert ends(shell, f"{start}data='my data/d") == [f"{start}data='my data/day 1.csv'"]


def test_words_behind_the_cursor_count(shell):
    assert ends(shell, "%mlrun project -P al", " -e train") == ["%mlrun project -P alpha="]


def test_an_expression_is_left_to_ipython(shell):
    shell.user_ns["best_alpha"] = 0.5
    assert ends(shell, "%mlrun project -e train -P alpha={best_al") == ["%mlrun project -e train -P alpha={best_alpha"]


def test_other_lines_are_ipythons_own(shell):
    shell.user_ns["mlrun_result"] = 1
    assert ends(shell, "mlrun_res") == ["mlrun_result"]
    assert ends(shell, "%lsmag") == ["%lsmagic"]


def test_nothing_is_looked_up_before_it_is_needed(work, monkeypatch):
    monkeypatch.setattr(magic, "_SECONDS", 60.0)
    shell = InteractiveShell(config=QUIET)
    asked = []
    register(shell, lambda: asked.append(1) or {})
    ends(shell, "x = pri")
    assert not asked
    ends(shell, "%mlrun x")
    assert asked


def test_registered_twice_it_answers_once_and_leaves_nothing(shell):
    before = [one for one in shell.Completer.custom_matchers if "nbproj" not in getattr(one, "matcher_identifier", "")]
    register(shell, lambda: {"mlrun": cli.nbproj.commands["run"]})
    assert len(shell.Completer.custom_matchers) == len(before) + 1
    unregister(shell)
    assert shell.Completer.custom_matchers == before
    unregister(shell)


def test_whatever_goes_wrong_ipython_goes_on(shell, capsys):
    def broken():
        raise RuntimeError

    register(shell, broken)
    ends(shell, "%mlrun pro")
    assert "RuntimeError" not in "".join(capsys.readouterr())


def test_what_does_not_answer_is_given_up(shell, work, monkeypatch):
    (work / "bin").mkdir()
    (work / "bin/git").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    (work / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{work}/bin")
    monkeypatch.setattr(magic, "_SECONDS", 2.0)
    start = time.monotonic()
    assert ends(shell, "%mlrun project -v v") == []
    assert time.monotonic() - start < 40
