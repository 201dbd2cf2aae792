"""Declaration lines as input transforms: what IPython makes of cells with and without them."""

from __future__ import annotations

import json
import subprocess
import sys

import nbformat.v4
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import nbproj
from nbproj.magics.declare import check_values, transform

MARKS = ("%%parameters", "%parameters --entry train", "%%entrypoint train", "%entrypoint a b --help 'Do it'", "# parameters", "# entrypoint: train")
LINES = st.sampled_from(
    [*MARKS, "%parameters --x", "%%time", "x: int = 1", "y = '''", "'''", "", "  ", "await f()", "%load_ext nbproj", "!ls", "é: T = 1", "?"]
)


@pytest.fixture(scope="module")
def shell():
    """Return a shell of its own, with the extension loaded."""
    one = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    nbproj.load_ipython_extension(one)
    yield one
    nbproj.unload_ipython_extension(one)


@given(st.lists(LINES | st.text(max_size=20), max_size=6))
@example(["%%parameters", "x: 'T' = (", "1)"])
@example(["\f%%parameters\x0b1", "\u2028x: T = 1"])
def test_any_cell_is_transformed_and_no_line_is_lost(lines):
    source = "\n".join(lines) + "\n"
    given_lines = source.splitlines(keepends=True)
    made = transform(given_lines)
    assert len("".join(made).split("\n")) == len(source.split("\n")) or made[0].startswith("%%")
    if not any(mark in source for mark in ("parameters", "entrypoint")):
        assert made == given_lines


@given(st.text(max_size=60))
def test_what_was_typed_below_an_entry_point_is_left_alone(text):
    body = f"x\n{text}"
    assert transform(["%%entrypoint train\n", *body.splitlines(keepends=True)]) == ["# %%entrypoint train\n", *body.splitlines(keepends=True)]


def test_a_declaration_that_is_being_typed_is_complete_when_an_empty_line_follows(shell):
    assert shell.check_complete("%%parameters\na = 1")[0] == "incomplete"
    assert shell.check_complete("%%parameters\na = 1\n\n")[0] == "complete"
    assert shell.check_complete("%parameters")[0] == "complete"
    assert shell.check_complete("%%entrypoint a/b\nf(")[0] == "incomplete"


def test_a_terminal_shows_a_wrong_value_as_one_line_and_the_cell_fails(shell, capsys):
    result = shell.run_cell("%%parameters\nalpha: float = str('x')", store_history=True)
    assert not result.success
    shown = capsys.readouterr().out.strip()
    assert shown.splitlines()[-1].endswith("line 2: parameter 'alpha': 'x' is not a float")
    assert len(shown.splitlines()) == 1


def test_a_value_of_a_parameter_without_an_annotation_is_not_judged():
    check_values("%%parameters\na = list(range(3))", {"a": object()}, "In [1]")


def test_linters_read_the_line_and_the_comment_forms_as_python(tmp_path):
    sources = [
        "%parameters\nalpha = 0.5  # strength",
        "# parameters\nbeta = undefined_in_comment",
        "%entrypoint train\nprint(alpha, undefined_in_line)",
    ]
    document = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources],
        metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}},
    )
    (tmp_path / "train.ipynb").write_text(nbformat.writes(document))
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,E9", "--output-format", "json", str(tmp_path / "train.ipynb")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = [(one["code"], one["message"]) for one in json.loads(done.stdout)]
    assert found == [("F821", "Undefined name `undefined_in_comment`"), ("F821", "Undefined name `undefined_in_line`")]
