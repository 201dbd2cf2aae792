"""`nbproj init`: what it finds, what it leaves alone, and that it writes nothing which was not wished."""

import io
import json
import os
import sys

import nbformat
import pexpect
import pytest

from nbproj.errors import EntryPointError, ProjectError, SourceError, UsageError
from nbproj.inspection import check_project
from nbproj.project.directory import load_project
from nbproj.project.notebook import read_declarations
from nbproj.proposing import propose


def written(folder, *sources, name="a.ipynb"):
    cells = [nbformat.v4.new_markdown_cell("Title"), *(nbformat.v4.new_code_cell(source) for source in sources)]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), folder / name)
    return folder / name


def found(folder, *sources):
    return [(one.name, one.parameter.type) for one in propose(written(folder, *sources)).found]


def test_literals_that_are_assigned_once_and_used_later_are_found_with_their_types(tmp_path):
    sources = ("a = 0.5\nb = 1\nc = True\nd = 'x'\ne = [1]\nf = {'k': 1}\ng: float = 1", "print(a, b, c, d, e, f, g)")
    types = ["float", "int", "bool", "string", "list", "dict", "float"]
    assert found(tmp_path, *sources) == list(zip("abcdefg", types, strict=True))


@pytest.mark.parametrize(
    "sources",
    [
        ("a = 1",),  # never used
        ("print(a)", "a = 1"),  # used before
        ("a = 1", "a = 2\nprint(a)"),
        ("a = 0", "for i in range(3):\n    a += i"),
        ("a = 0", "for a in range(3):\n    print(a)"),
        ("a = 0", "def a(): pass\na()"),
        ("a = 0", "import x as a\na.b"),
        ("if True:\n    a = 1", "print(a)"),
        ("a = b = 1", "print(a)"),
        ("_a = 1", "print(_a)"),
        ("a = find()", "print(a)"),
        ("a = None", "print(a)"),
        ("a = 1; b = 2", "print(a, b)"),
        ("%%time\na = 1", "print(a)"),
        ("a = '''one\ntwo'''", "print(a)"),
        ("a = 1", "print(a", "a = (("),  # what cannot be read may assign anything
        ("a: int = 'x'", "print(a)"),
    ],
)
def test_what_would_be_no_parameter_is_not_found(tmp_path, sources):
    path = written(tmp_path, *sources, "z = 1", "print(z)")
    assert [one.name for one in propose(path).found] == ["z"]


def test_a_use_in_a_function_above_or_in_a_shell_command_counts(tmp_path):
    assert found(tmp_path, "def f():\n    return a", "a = 1\nb = 2", "f()\n!echo {b}") == [("a", "int"), ("b", "int")]


def test_a_cell_of_nothing_else_is_marked_where_it_stands(tmp_path):
    path = written(tmp_path, "import math", "# what\na = 1\n\nb = 2  # how\n", "print(a + b, math.pi)")
    ids = [cell.id for cell in nbformat.read(path, 4).cells]
    propose(path).write()
    cells = nbformat.read(path, 4).cells
    assert cells[2].source == "# parameters\n# what\na = 1\n\nb = 2  # how\n"
    assert cells[2].metadata.tags == ["parameters"]
    assert [cell.id for cell in cells] == ids


def test_assignments_among_other_code_move_above_all_of_it(tmp_path):
    path = written(tmp_path, "import math\na: Path = 'x'  # where\nprint(1)", "b = {\n    'k': 1,\n}", "print(a, b)")
    proposal = propose(path)
    assert "a.ipynb, new cell above cell 2" in proposal.difference
    assert "a.ipynb, cell 3, removed" in proposal.difference
    proposal.write()
    cells = nbformat.read(path, 4).cells
    assert [cell.source for cell in cells[1:]] == [
        "# parameters\na: 'Path' = 'x'  # where\nb = {\n    'k': 1,\n}",
        "import math\nprint(1)",
        "print(a, b)",
    ]
    nbformat.validate(nbformat.read(path, 4))
    point = read_declarations(tmp_path, "a.ipynb").entry_points["main"]
    assert [(one.name, one.type, one.help) for one in point.parameters] == [("a", "path", "where"), ("b", "dict", "")]


@pytest.mark.parametrize(("name", "form"), [("a.py", "py:percent"), ("a.md", "md"), ("b.md", "md:myst")])
def test_scripts_and_markdown_are_understood(tmp_path, name, form):
    import jupytext

    notebook = nbformat.read(written(tmp_path, "import math\na = 1", "print(a)"), 4)
    (tmp_path / name).write_text(jupytext.writes(notebook, fmt=form))
    propose(tmp_path / name).write()
    assert [one.name for one in read_declarations(tmp_path, name).entry_points["main"].parameters] == ["a"]


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("# parameters\na = 1", UsageError, "declares parameters already"),
        ("print(1)", EntryPointError, "holds no literal that is assigned once"),
        ("%%parameters\nprint(1)", EntryPointError, "is no assignment"),
    ],
)
def test_what_has_nothing_to_propose_is_said(tmp_path, source, kind, message):
    path = written(tmp_path, source)
    before = path.read_bytes()
    with pytest.raises(kind, match=message):
        propose(path)
    assert path.read_bytes() == before


def test_what_is_no_notebook_is_said(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.ipynb").write_text("{")
    with pytest.raises(SourceError, match="there is no folder or notebook"):
        propose(tmp_path / "b.ipynb")
    with pytest.raises(UsageError, match="neither a folder nor a notebook"):
        propose(tmp_path / "a.txt")
    with pytest.raises(EntryPointError, match="not JSON"):
        propose(tmp_path / "a.ipynb")


def test_a_file_that_changes_meanwhile_is_left(tmp_path):
    path = written(tmp_path, "a = 1", "print(a)")
    proposal = propose(path)
    path.write_text("other")
    with pytest.raises(ProjectError, match="has changed meanwhile: nothing was written"):
        proposal.write()
    assert path.read_text() == "other"


TOOL = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("source", help="what to read")
p.add_argument("--learning-rate", "-l", type=float, default=0.1, help="how fast: very")
p.add_argument("--rounds", default=3)
p.add_argument("--verbose", action="store_true")
p.add_argument("--name")
p.add_argument("--many", action="append")
open("PWNED", "w")
"""


def test_a_folder_gets_an_mlproject_file_of_what_is_in_it(tmp_path):
    written(tmp_path, "# entrypoint: train\nx = 1", "# entrypoint: report")
    written(tmp_path, "x = 1", name="plain {x}.ipynb")
    (tmp_path / "tool.py").write_text(TOOL)
    (tmp_path / "module.py").write_text("def f(): pass")
    (tmp_path / "test_tool.py").write_text("if __name__ == '__main__': pass")
    (tmp_path / "clean.sh").write_text("echo")
    (tmp_path / "broken.ipynb").write_text("{")
    proposal = propose(tmp_path)
    proposal.write()
    project = load_project(tmp_path, strict=True)
    points = project.entry_points
    assert {str(point.problem) for point in points.values()} == {"None"}
    assert sorted(points) == ["clean", "plain__x_", "report", "tool", "train"]
    assert points["tool"].command == "python tool.py {source} --learning-rate {learning_rate} --rounds {rounds} {verbose}"
    assert [(one.name, one.type, one.required, one.flag) for one in points["tool"].parameters] == [
        ("source", "string", True, None),
        ("learning_rate", "float", False, None),
        ("rounds", "int", False, None),
        ("verbose", "bool", False, "--verbose"),
    ]
    assert (points["train"].notebook, points["train"].cells) == ("a.ipynb", "train")
    assert check_project(str(tmp_path)).problems[0].startswith("broken.ipynb")
    with pytest.raises(UsageError, match="has an MLproject file already"):
        propose(tmp_path)
    assert not (tmp_path / "PWNED").exists()


def test_an_empty_folder_has_nothing_to_propose(tmp_path):
    with pytest.raises(ProjectError, match="there is nothing to propose"):
        propose(tmp_path)


def asked(*arguments, answers):
    """Type answers into `nbproj init` on a terminal; return its exit code and what it showed."""
    child = pexpect.spawn(
        sys.executable, ["-m", "nbproj", "init", *map(str, arguments)], timeout=60, encoding="utf-8", env={**os.environ, "TERM": "xterm"}
    )
    shown = ""
    for question, answer in answers:
        child.expect(question)
        shown += child.before
        child.sendline(answer)
    child.expect(pexpect.EOF)
    child.wait()  # to close ends who is not quick enough
    child.close()
    return child.exitstatus, shown + child.before


def test_a_terminal_is_asked_which_and_whether(tmp_path):
    path = written(tmp_path, "import math\na = 1\nb = 2", "print(a, b)")
    before = path.read_bytes()
    code, _ = asked(path, answers=[("Parameters: ", "a"), (r"Write this .*\?", "n")])
    assert (code, path.read_bytes()) == (1, before)
    code, shown = asked(path, answers=[("Parameters: ", "aa")])
    assert (code, path.read_bytes()) == (2, before)
    assert "'aa' is not among what could be a parameter." in shown
    code, _ = asked(path, answers=[("Parameters: ", "b"), (r"Write this .*\?", "y")])
    assert code == 0
    assert [one.name for one in read_declarations(tmp_path, "a.ipynb").entry_points["main"].parameters] == ["b"]


def test_where_nobody_can_be_asked_nothing_is_written(tmp_path, capfd, monkeypatch):
    from nbproj.cli import main

    path = written(tmp_path, "a = 1", "print(a)")
    before = path.read_bytes()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    main(["init", str(path), "--json"])
    out, err = capfd.readouterr()
    assert json.loads(out)["parameters"]["a"] == {"type": "int", "default": "1", "help": "", "cell": 2}
    assert "nothing is changed: --yes writes it" in err
    assert path.read_bytes() == before
