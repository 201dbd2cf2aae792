"""Any mixture of declarations means the same wherever it travels; hostile notebooks are only ever read."""

import ast
import json
import re
import string
import tempfile
import warnings
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbproj.errors import NbprojError
from nbproj.project.candidates import candidates
from nbproj.project.cells import read_cells
from nbproj.project.directory import find_entry_point, load_project, scan
from nbproj.project.marks import read_mark
from nbproj.project.notebook import read_declarations
from nbproj.project.revision import read_draft, without_magics
from nbproj.project.selection import lost_overrides, plan, unbound_names

NAMES = st.sampled_from(["train", "eval", "main", "a-b", "x.1"])
VALUES = st.sampled_from(["1", "-2.5", "'text # no comment'", "True", "None", "[1, 2]", "{'a': 1}", "find()", '"""two\nlines"""'])
TYPES = st.sampled_from(["", ": float", ": int | None", ": Literal['a', 'b']", ": Path", ": list[float]", ": 'str'", ": Secret", ": Unknown"])
COMMENTS = st.sampled_from(["", "  # what it is", '  #@param {type:"slider", min:0, max:9}', "  # noqa: E501"])
FORMS = st.sampled_from(["%%{}", "%{}", "# {}", "tag"])


@st.composite
def assignments(draw, names):
    lines = [f"{name}{draw(TYPES)} = {draw(VALUES)}{draw(COMMENTS)}" for name in names]
    return "\n".join(lines)


@st.composite
def declaring_cells(draw):
    """Give a cell of some kind in some form, with parameters that no other cell has."""
    kind = draw(st.sampled_from(["parameters", "entrypoint", "plain", "skip", "markdown", "both"]))
    form = draw(FORMS)
    names = draw(st.lists(NAMES, min_size=1, max_size=2, unique=True))
    body = draw(assignments([f"p{draw(st.integers(0, 10**9))}" for _ in range(draw(st.integers(1, 3)))]))
    if kind == "markdown":
        return nbformat.v4.new_markdown_cell("Some *prose*")
    if kind == "plain":
        return nbformat.v4.new_code_cell("import math\nprint(math.pi)")
    if kind == "skip":
        return nbformat.v4.new_code_cell(body, metadata={"tags": ["nbproj-skip", "parameters"]})
    if kind == "entrypoint":
        return tagged("run()", *[f"entrypoint:{name}" for name in names]) if form == "tag" else first(form, "entrypoint", " ".join(names), "run()")
    limited = kind == "both"
    if form == "tag":
        return tagged(body, "parameters", *([f"entrypoint:{name}" for name in names] if limited else []))
    return first(form, "parameters", " ".join(f"--entry {name}" for name in names) if limited else "", body)


def tagged(source, *tags):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})


def first(form, word, arguments, source):
    word = f"{word}:" if form.startswith("#") and word == "entrypoint" else word
    return nbformat.v4.new_code_cell(f"{form.format(word)} {arguments}".strip() + "\n" + source)


def meaning(folder, name):
    """Return what a file declares, but for the numbers of lines and cells; a refusal counts as a meaning, too."""
    try:
        notebook = read_declarations(folder, name)
    except NbprojError as error:
        return str(error.message)
    return {
        key: (point.cells, point.help, str(point.problem.message) if point.problem else "", [plain(one) for one in point.parameters])
        for key, point in notebook.entry_points.items()
    }


def plain(parameter):
    kept = ("name", "type", "default", "default_text", "help", "choices", "min", "max", "secret", "optional", "item")
    return tuple(repr(getattr(parameter, key)) for key in kept)


def notebook_of(cells):
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=spec)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=25)
@given(
    st.lists(declaring_cells(), min_size=1, max_size=5),
    st.sampled_from([("py:percent", ".py"), ("py:light", ".py"), ("md", ".md"), ("md:myst", ".md")]),
)
def test_any_mixture_of_declarations_keeps_its_meaning_through_nbformat_and_jupytext(cells, how):
    import jupytext

    form, suffix = how
    notebook = notebook_of(cells)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nbformat.write(notebook, folder / "a.ipynb")
        before = meaning(folder, "a.ipynb")
        nbformat.write(nbformat.read(folder / "a.ipynb", 4), folder / "b.ipynb")
        assert meaning(folder, "b.ipynb") == before
        (folder / f"c{suffix}").write_text(jupytext.writes(notebook, fmt=form))
        assert meaning(folder, f"c{suffix}") == before


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=30)
@given(
    st.lists(declaring_cells(), min_size=1, max_size=5),
    st.sampled_from([("ipynb", ".ipynb"), ("py:percent", ".py"), ("py:light", ".py"), ("md", ".md"), ("md:myst", ".md")]),
)
def test_any_mixture_of_declarations_keeps_its_meaning_when_its_magics_become_comments_and_tags(cells, how):
    import jupytext

    form, suffix = how
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"a{suffix}").write_text(jupytext.writes(notebook_of(cells), fmt=form))
        before = meaning(folder, f"a{suffix}")
        try:
            draft = without_magics(read_draft(folder / f"a{suffix}", f"a{suffix}"), folder)
        except NbprojError as error:
            refused = str(error.message)
        else:
            refused = None
        if refused is not None:  # what is wrong with one entry point is told, and nothing changes
            assert isinstance(before, str) or refused in {point[2] for point in before.values()}
            return
        (folder / f"b{suffix}").write_bytes(draft.after)
        assert meaning(folder, f"b{suffix}") == before
        again = read_draft(folder / f"b{suffix}", f"b{suffix}")
        assert not without_magics(again, folder).is_changed
        assert not any(re.match(r"%%?(parameters|entrypoint|load_ext)", cell.source) for cell in again.cells)
        tagged_cells = [cell for cell in again.cells if "parameters" in cell.tags and "nbproj-skip" not in cell.tags]
        assert len(tagged_cells) == min(1, sum(read_mark(cell.source, cell.tags).kind == "parameters" for cell in again.cells if cell.kind == "code"))
        # And so it goes on through every other form.
        (folder / "c.ipynb").write_text(jupytext.writes(jupytext.read(folder / f"b{suffix}"), fmt="ipynb"))
        assert meaning(folder, "c.ipynb") == before


@settings(max_examples=50)
@given(st.lists(declaring_cells(), min_size=1, max_size=6))
def test_every_entry_point_that_is_sound_can_be_planned_as_python(cells):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nbformat.write(notebook_of(cells), folder / "a.ipynb")
        notebook = read_declarations(folder, "a.ipynb")
        for point in notebook.entry_points.values():
            if point.problem is not None:
                continue
            plans = plan(read_cells(folder / "a.ipynb"), "python", point.cells)
            declared = set().union(*(one.declares for one in plans if one.runs))
            assert {one.name for one in point.parameters} == declared
            for one in plans:
                if one.runs:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        tree = ast.parse(one.source)
                    assert one.source.count("\n") == one.original.count("\n")
                    assert not any(isinstance(node, ast.AnnAssign) for node in tree.body) or not one.is_declaring


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
FRAGMENTS = st.sampled_from(
    [
        *("%%parameters", "%parameters --entry a", "# parameters", "%%entrypoint a b", "# entrypoint: a", "%%mlproject", "# /// script", "# ///"),
        *("# [tool.nbproj.entry_points.a.parameters]", "# x = {type = 'int'}", "name: *a", "entry_points: {a: {parameters: {x: int}}}", "&a [*a]"),
        *("x: int = 1", "x: Literal[open('PWNED', 'w')] = 1", "x = open('PWNED', 'w')", "x = (", "x = '''", "%load_ext nbproj", "!touch PWNED"),
        *("#@param [open('PWNED','w')]", '#@param {type:"slider", min:0', "x = 1 #@param [1, 2] {type:'raw'}", "\\", "\t", "\f", "\x00", "é = 1"),
        *("\ud800", "lambda: (yield)", "f'{x!r:>{y}}'", "(" * 300, "-" * 3000 + "1", "[" * 5000, "x = " + "9" * 5000, "class A: x: int = 1"),
        "import os; os.system('touch PWNED')",
    ],
)
SOURCES = st.lists(FRAGMENTS | st.text(alphabet=string.printable, max_size=30), max_size=6).map("\n".join)
CELLS = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "code", "markdown", "raw"]) | JSON, "source": SOURCES | st.lists(SOURCES, max_size=3) | JSON},
    optional={
        "metadata": st.fixed_dictionaries({"tags": st.lists(st.sampled_from(["parameters", "entrypoint:a", "nbproj-skip"]) | st.text()) | JSON})
        | JSON,
        "id": JSON,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {"nbformat": st.just(4) | JSON, "cells": st.lists(CELLS, max_size=5) | JSON},
    optional={"metadata": JSON | st.just({"language_info": {"name": "python"}}), "nbformat_minor": JSON},
)


@settings(max_examples=150)
@given(DOCUMENTS.map(lambda document: json.dumps(document).encode()) | st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_notebook_holds_is_only_read_and_refused_in_one_line(data):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.ipynb").write_bytes(data)
        look_at_all_of(folder, "a.ipynb")
        assert [path.name for path in folder.iterdir()] == ["a.ipynb"]


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=40)
@given(SOURCES | st.lists(SOURCES.map(lambda source: f"# %%\n{source}")).map("\n".join), st.sampled_from([".py", ".md", ".R"]))
def test_whatever_a_text_holds_is_only_read_as_a_notebook_and_refused_in_one_line(text, suffix):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"a{suffix}").write_bytes(text.encode("utf-8", "replace"))
        look_at_all_of(folder, f"a{suffix}")
        assert [path.name for path in folder.iterdir()] == [f"a{suffix}"]


def look_at_all_of(folder, file):
    refused = None
    try:
        cells = read_cells(folder / file)
        notebook = read_declarations(folder, file)
        for point in notebook.entry_points.values():
            plans = plan(cells, "python", point.cells)
            lost_overrides(plans, [one.name for one in point.parameters])
            unbound_names(plans)
        find_entry_point(load_project(folder, notebook=file))
        draft = read_draft(folder / file, file)
        candidates(draft.cells)
        without_magics(draft, folder)
    except NbprojError as error:
        refused = error
    assert "\n" not in str(refused)
    scan(load_project(folder))
