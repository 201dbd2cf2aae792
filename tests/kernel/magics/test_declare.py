"""Declarations in a live kernel: the cells they stand in are ordinary cells, and their values are checked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client import KernelManager
from kernel.magics.conftest import Kernel

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[Kernel]:
    """Return a kernel with the extension loaded."""
    folder = tmp_path_factory.mktemp("kernel")
    manager = KernelManager(kernel_name="python3", connection_file=str(folder / "kernel-of-the-test.json"))
    manager.start_kernel(cwd=str(folder), env={**os.environ, "HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")})
    kernel = Kernel(folder / "kernel-of-the-test.json")
    assert kernel("%load_ext nbproj").status == "ok"
    yield kernel
    kernel.close()
    manager.shutdown_kernel(now=True)


def plain(text: str) -> str:
    return COLOURS.sub("", text)


MARKS = ["%%entrypoint train --help 'Train it'", "%entrypoint train", "%%parameters", "%parameters --entry train", "# parameters"]


@pytest.mark.parametrize("mark", MARKS)
def test_await_at_the_top_level_works(live, mark):
    live("import asyncio\nasync def give(value):\n    await asyncio.sleep(0)\n    return value")
    answer = live(f"{mark}\nx = await give(3)")
    assert answer.status == "ok", answer.error
    assert live("x").text == "3\n"


def test_the_last_expression_is_shown_and_the_value_kept(live):
    answer = live("%%entrypoint train\n6 * 7")
    assert answer.text == "42\n"
    assert live("_").text == "42\n"


@pytest.mark.parametrize("mark", ["%%entrypoint train", "%entrypoint train", "%%entrypoint train\n\n%entrypoint also"])
def test_a_second_magic_below_is_one(live, mark):
    assert "Wall time" in live(f"{mark}\n%%time\nsum(range(3))").text
    answer = live(f"{mark}\n\n%%capture captured\nprint('hidden')")
    assert (answer.status, answer.text) == ("ok", "")
    assert live("captured.stdout").text == "'hidden\\n'\n"
    assert "per loop" in live(f"{mark}\n%timeit -n 1 -r 1 sum(range(3))").text
    assert live(f"{mark}\n!echo from the shell").printed.strip() == "from the shell"
    assert live(f"{mark}\nfiles = !echo one\nprint(files)").text == "['one']\n"


def test_help_about_something_works_below_and_about_the_magics_themselves(live):
    payload = live.payload("%%entrypoint train\nlen?")
    assert "number of items" in plain(payload)
    for name in ("parameters", "entrypoint"):
        for asked in (f"%%{name}?", f"%{name}?", f"?%{name}"):
            assert f"%%{name}" in plain(live.payload(asked))
    assert "Without it this notebook runs" in plain(live.payload("%mlrun?"))
    assert "%%mlproject" in plain(live.payload("%mlproject?"))


@pytest.mark.parametrize("mark", ["%%entrypoint train", "%parameters"])
def test_a_traceback_shows_the_right_lines(live, mark):
    answer = live(f"{mark}\na = 1\nb = 1 / 0\nc = 2")
    assert answer.status == "error"
    shown = plain(answer.error)
    assert re.search(r"-+> 3 b = 1 / 0", shown)
    assert "line 3" in shown.replace("Cell In", "line") or ":3" in shown or "line: 3" in shown


@pytest.mark.parametrize("mark", ["%%entrypoint train", "%parameters", "%%parameters"])
def test_a_syntax_error_has_the_right_line_and_runs_nothing(live, mark):
    answer = live(f"{mark}\nuntouched = 1\nb = = 2")
    assert answer.status == "error"
    assert re.search(r"line 3|, line:? 3", plain(answer.error))
    assert "b = = 2" in plain(answer.error)
    assert live("'untouched' in globals()").text == "False\n"


def test_a_traceback_through_an_annotated_parameter_keeps_its_columns(live):
    answer = live('%%parameters\nmode: Literal["a", "b"] = (1 +\n    undefined_here)')
    shown = plain(answer.error)
    assert "name 'undefined_here' is not defined" in shown
    assert re.search(r"mode\s+= \(1 \+", shown)


def test_annotations_of_parameters_need_no_import(live):
    source = (
        '%%parameters\nmode: Literal["a", "b"] = "a"  # which way\ntoken: Secret = "x"\ndata: Path = "w.csv"\nsince: date\n'
        "rates: list[\n    float\n] = [0.1]"
    )
    answer = live(source)
    assert answer.status == "ok", answer.error
    assert live("(mode, token, data, rates)").text == "('a', 'x', 'w.csv', [0.1])\n"
    # An ordinary cell is Python's own.
    assert "Nowhere" in plain(live('mode: Nowhere["a"] = "a"\nfrom typing import get_type_hints\nget_type_hints(__import__("__main__"))').error)


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ('%%parameters\na = 1\nmode: Literal["a", "b"] = "".join("c")', 3, "parameter 'mode': 'c' is not one of 'a', 'b'"),
        ('%parameters\nalpha: float = "x".strip()', 2, "parameter 'alpha': 'x' is not a float"),
        ('# parameters\nseed: int = str("seven")', 2, "parameter 'seed': 'seven' is not an int"),
        ("%%parameters\nrates: list[float] = ['a' for _ in 'b']", 2, "parameter 'rates': 'a' is not a float"),
        ("%%parameters\ntoken: Secret[int] = 'hidden' + ''", 2, "parameter 'token': the value does not fit"),
        ("%%parameters\n%%time\nalpha: float = str('x')", 3, "parameter 'alpha': 'x' is not a float"),
        ("%%parameters\nx: float = float('nan')", 2, "is not a finite number"),
        ("%%parameters\na = 1\nprint('seen')", 3, "is no assignment. A %parameters cell holds nothing else"),
        ("%parameters\na = 1\na = 2", 3, "parameter 'a' is declared twice; the first time in line 2"),
    ],
)
def test_a_value_that_its_declaration_does_not_admit_fails_the_cell_with_one_line(live, source, line, message):
    answer = live(source)
    assert answer.status == "error"
    assert len(answer.error.splitlines()) == 1
    assert re.search(rf"EntryPointError: In \[\d+\], line {line}: ", answer.error), answer.error
    assert message in answer.error
    assert "hidden" not in answer.error


def test_values_are_checked_after_the_cell_ran_and_it_may_be_repaired(live):
    assert live("%%parameters\nkept = 5\nwrong: int = str('a')").status == "error"
    assert live("kept").text == "5\n"
    assert live("%%parameters\nkept = 6\nwrong: int = 7").status == "ok"
    # What a cell without a type says about its value is a guess, and refuses nothing.
    assert live("%%parameters\nwhen = dict.fromkeys\nmade = object()").status == "ok"
    # The comment form holds any code.
    assert live("# parameters\nimport math\nalpha: float = math.sqrt(4)\nprint(alpha)").printed == "2.0\n"


def test_a_cell_that_fails_by_itself_is_told_once(live):
    answer = live("%%parameters\nalpha: float = 'x' + ''\n1 / 0")
    assert "ZeroDivisionError" in answer.error
    assert "is not a float" not in answer.error


def test_numpy_values_are_what_they_hold(live):
    answer = live("%%parameters\nimport_free: list[float] = __import__('numpy').array([1.0, 2.0])\none: float = __import__('numpy').float64(3)")
    assert answer.status == "ok", answer.error


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%%parameters --enty train\nuntouched = 1", "unknown option '--enty'. Did you mean '--entry'?"),
        ("%parameters --enty train\nuntouched = 1", "unknown option '--enty'. Did you mean '--entry'?"),
        ("%%entrypoint\nuntouched = 1", "names no entry point"),
        ("%entrypoint train train\nuntouched = 1", "names 'train' twice"),
        ("%%entrypoint a/b\nuntouched = 1", "entry point 'a/b'"),
        ("%%mlproject train\nname: x", "'train' is not expected"),
        ("pass\n%parameters\nuntouched = 1", "declares nothing here: write it as the first line of a cell"),
        ("if True:\n    %entrypoint train\n    untouched = 1", "declares nothing here"),
        ("get_ipython().run_cell_magic('parameters', '', 'untouched = 1')", "declares nothing here"),
        ("%mlform", "%mlform: it cannot be told which notebook this is: name what to run, as in %mlform train.ipynb"),
        ("%mlform --frob", "%mlform: No such option"),
        ("%mlproject --edit nowhere", "only a folder or a notebook on this machine can be edited"),
        ("%mlproject --frob", "there is no option '--frob'"),
        ("%mlproject a b", "one project at a time"),
        ("%mlproject 'a", "close what was opened"),
        ("%mlproject", "%mlproject: it cannot be told which notebook this is: name what to run, as in %mlproject train.ipynb"),
        ("%mlproject nowhere", "nowhere"),
    ],
)
def test_a_declaration_that_is_wrong_is_one_line_and_runs_nothing(live, source, message):
    answer = live(source)
    assert answer.status == "error"
    assert len(answer.error.splitlines()) == 1, answer.error
    assert message in answer.error
    assert live("'untouched' in globals()").text == "False\n"


def test_a_declaration_alone_is_nothing_to_complain_about(live):
    for source in ("%%parameters", "%%entrypoint train", "%parameters", "%entrypoint train\n", "# parameters\n", "%%parameters\n# nothing yet"):
        answer = live(source)
        assert (answer.status, answer.text) == ("ok", ""), answer.error


def test_the_history_holds_what_was_typed(live):
    live("%%entrypoint train\nremembered = 1")
    assert live("%history -n -l 2").printed.count("%%entrypoint train") == 1
    assert live("get_ipython().history_manager.input_hist_raw[-3]").text == "'%%entrypoint train\\nremembered = 1'\n"
    assert live("In[-4]").text == "'# %%entrypoint train\\nremembered = 1'\n"


def test_autoreload_sees_cells_with_a_mark(live):
    live("open('moved.py', 'w').write('value = 1\\n')\nimport sys\nsys.path.insert(0, '')\nsys.dont_write_bytecode = True\nimport moved")
    live("%load_ext autoreload\n%autoreload 2")
    live("import time, os\nopen('moved.py', 'w').write('value = 22\\n')\nos.utime('moved.py', (time.time() + 5,) * 2)")
    assert live("%%entrypoint train\nprint(moved.value)").text == "22\n"
    live("%autoreload 0")


def test_a_cell_of_project_yaml_says_nothing_when_it_is_right_and_its_line_when_it_is_wrong(live):
    assert live("%%mlproject\nname: wine\nentry_points:\n  train:\n    command: python train.py\n").text == ""
    for wrong, told in (
        ("name: wine\nentry_pionts: {}", "line 3.*Did you mean 'entry_points'?"),
        ("name: wine\nentry_points:\n  train: {parameters: {a: flaot}}", "line 4.*Did you mean 'float'?"),
        ("name: [", r"line \d"),
    ):
        answer = live(f"%%mlproject\n{wrong}\n")
        assert answer.status == "error"
        assert len(answer.error.splitlines()) == 1
        assert re.search(rf": In \[\d+\], {told}", answer.error), answer.error


def test_what_a_project_offers_is_shown(live, tmp_path):
    (tmp_path / "MLproject").write_text(
        "entry_points: {train: {parameters: {alpha: {type: float, default: 0.5, help: strength}}, command: 'echo {alpha}'}}"
    )
    answer = live(f"%mlproject '{tmp_path}'")
    assert answer.status == "ok", answer.error
    assert "alpha  float  = 0.5  strength" in answer.text
    assert "alpha" in answer.outputs[0][1]["text/html"]
    assert "train" in answer.outputs[0][1]["application/vnd.nbproj.project.v1+json"]["entry_points"]


def test_unloading_leaves_nothing(tmp_path):
    manager = KernelManager(kernel_name="python3", connection_file=str(tmp_path / "kernel-of-the-test.json"))
    manager.start_kernel(cwd=str(tmp_path))
    kernel = Kernel(Path(tmp_path / "kernel-of-the-test.json"))
    try:
        state = (
            "def state():\n    shell = get_ipython()\n    return ({kind: sorted(names) for kind, names in shell.magics_manager.magics.items()},"
            " len(shell.input_transformers_cleanup), len(shell.Completer.custom_matchers),"
            " {name: len(found) for name, found in shell.events.callbacks.items()}, sorted(shell.user_ns))\n"
            "from IPython.core.magic import register_line_magic\n"
            "register_line_magic('parameters')(lambda line: print('mine'))\nbefore = after = None\nbefore = state()"
        )
        assert kernel(state).status == "ok"
        kernel("%load_ext nbproj")
        assert kernel("%%parameters\nx: Literal[1] = 1").status == "ok"
        kernel("%reload_ext nbproj\n%load_ext nbproj")
        kernel("%unload_ext nbproj")
        kernel("after = state()")
        assert kernel("[one for one in zip(before[:4], after[:4]) if one[0] != one[1]]").text == "[]\n"
        assert kernel("%parameters").printed == "mine\n"
        assert kernel("%%entrypoint x\n1").printed.strip() == "UsageError: Cell magic `%%entrypoint` not found."
        assert kernel("%%parameters\nx: Literal[1] = 1").status in {"ok", "error"}
        assert kernel("# parameters\nalpha: float = str('x')").status == "ok"
    finally:
        kernel.close()
        manager.shutdown_kernel(now=True)
