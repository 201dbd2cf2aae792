"""One notebook in every form: two entry points, eight parameters of eight types, and the same declarations whatever says them."""

import ast
from datetime import date
from pathlib import Path

import nbformat
import pytest

from nbproj.inspection import check_project, inspect_project
from nbproj.project.cells import read_cells
from nbproj.project.directory import find_entry_point, load_project, scan
from nbproj.project.notebook import read_declarations
from nbproj.project.selection import plan

NOTEBOOKS = Path(__file__).parent / "notebooks"
FORMS = sorted(path.stem for path in NOTEBOOKS.glob("declared_by_*.ipynb"))
TEXTS = {"py:percent": "train.py", "py:light": "train.py", "md": "train.md", "md:myst": "train.md", "Rmd": "train.Rmd"}

SHARED = {
    "alpha": ("float", 0.5, "strength", (), None),
    "seed": ("int", 7, "", (), None),
    "verbose": ("bool", False, "say more", (), None),
    "label": ("string", "first", "", (), None),
    "mode": ("choice", "fast", "", ("fast", "good"), None),
}
DECLARED = {
    "train": {**SHARED, "rates": ("list", [0.1, 0.01], "to try", (), "float"), "since": ("date", date(2026, 1, 31), "", (), None)},
    "eval": {**SHARED, "data": ("path", "test.csv", "what to judge", (), None)},
}


def seen(entry_points):
    assert {name: str(point.problem) for name, point in entry_points.items() if point.problem is not None} == {}
    return {
        name: {one.name: (one.type, one.default, one.help, one.choices, one.item) for one in point.parameters} for name, point in entry_points.items()
    }


def test_there_is_a_notebook_for_every_form():
    forms = ["a_script_block", "cell_magics", "colab_fields", "comments", "line_magics", "project_yaml", "tags"]
    assert [f"declared_by_{form}" for form in forms] == FORMS


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form):
    notebook = read_declarations(NOTEBOOKS, f"{form}.ipynb")
    assert seen(notebook.entry_points) == DECLARED
    assert (notebook.is_marked, notebook.warnings) == (True, ())
    assert [point.cells for point in notebook.entry_points.values()] == ["train", "eval"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_every_form_says_the_same_after_a_round_trip_through_jupytext(form, text, tmp_path):
    import jupytext

    notebook = nbformat.read(NOTEBOOKS / f"{form}.ipynb", 4)
    (tmp_path / TEXTS[text]).write_text(jupytext.writes(notebook, fmt=text))
    assert seen(read_declarations(tmp_path, TEXTS[text]).entry_points) == DECLARED
    there = jupytext.read(tmp_path / TEXTS[text])
    nbformat.write(there, tmp_path / "back.ipynb")
    assert seen(read_declarations(tmp_path, "back.ipynb").entry_points) == DECLARED


@pytest.mark.parametrize("form", FORMS)
def test_show_and_check_say_the_same_of_every_form(form):
    uri = str(NOTEBOOKS / f"{form}.ipynb")
    found = inspect_project(uri).to_dict()["entry_points"]
    told = {
        name: {
            key: (one["type"], one["default"], one.get("help", ""), one.get("choices", []), one.get("item"))
            for key, one in point["parameters"].items()
        }
        for name, point in found.items()
    }
    plain = {
        name: {
            key: (kind, "2026-01-31" if kind == "date" else value, text, list(choices), item)
            for key, (kind, value, text, choices, item) in given.items()
        }
        for name, given in DECLARED.items()
    }
    assert told == plain
    assert all(point["declared_in"].startswith(f"{form}.ipynb, cell ") for point in found.values())
    assert check_project(uri).problems == ()


@pytest.mark.parametrize("name", ["train", "eval"])
@pytest.mark.parametrize("form", FORMS)
def test_what_reaches_the_kernel_is_python_that_needs_nothing_of_ours(form, name):
    plans = plan(read_cells(NOTEBOOKS / f"{form}.ipynb"), "python", name)
    scope = {}
    for parameter, (_type, default, *_) in DECLARED[name].items():
        scope[parameter] = default
    for one in plans:
        if one.runs:
            ast.parse(one.source)
            exec(compile(one.source, "cell", "exec"), scope)
    assert "nbproj" not in scope


def test_a_folder_lists_what_its_notebooks_declare_by_name_where_that_is_clear():
    listed = scan(load_project(NOTEBOOKS))
    assert sorted(listed) == sorted(f"{form}.ipynb:{name}" for form in FORMS for name in DECLARED)
    project = load_project(NOTEBOOKS)
    found = find_entry_point(project, "declared_by_tags.ipynb:eval")
    assert (found.name, found.cells, found.notebook) == ("declared_by_tags.ipynb:eval", "eval", "declared_by_tags.ipynb")
