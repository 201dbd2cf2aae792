"""A notebook whose declarations are edited in a table keeps its other lines, and stays a notebook that declares what the table says."""

from __future__ import annotations

from dataclasses import replace

import nbformat
import nbformat.v4
import pytest

from nbproj.declaring.notebook import NotebookDeclarations
from nbproj.declaring.rows import EntryRow, ParameterRow
from nbproj.errors import NbprojError
from nbproj.project.directory import load_project

PARAMETERS = """%%parameters
# the strength
alpha: float = 0.5  #@param {type: "slider", min: 0, max: 1}
name = "grüße"  # für alle
seed: int = 1
"""


@pytest.fixture
def notebook(tmp_path):
    def write(*sources):
        cells = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
        path = tmp_path / "wine.ipynb"
        nbformat.write(
            nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}), path
        )
        return path

    return write


def parameters_of(path, name="main"):
    return {one.name: one for one in load_project(path.parent, notebook=path.name).entry_points[name].parameters}


def test_rows_that_nobody_touched_change_no_byte(notebook):
    path = notebook(PARAMETERS, "%%entrypoint train --help Train it\nprint(alpha)")
    declared = NotebookDeclarations(path)
    revision = declared.revised(declared.parameters, declared.entries)
    assert (revision.difference, revision.after) == ("", path.read_bytes())


def test_rows_are_changed_moved_added_and_removed(notebook):
    path = notebook(PARAMETERS, "print(alpha)")
    declared = NotebookDeclarations(path)
    alpha, name, seed = declared.parameters
    declared.revised(
        [replace(seed, default="7"), alpha, replace(name, help="für niemanden"), ParameterRow("rate", "float", "1e-3")], declared.entries
    ).write()
    assert nbformat.read(path, 4).cells[0].source.splitlines() == [
        "%%parameters",
        "seed: int = 7",
        "# the strength",
        'alpha: float = 0.5  #@param {type: "slider", min: 0, max: 1}',
        'name = "grüße"  # für niemanden',
        "rate: float = 1e-3",
    ]
    again = NotebookDeclarations(path)
    again.revised(again.parameters[:1], again.entries).write()
    assert list(parameters_of(path)) == ["seed"]


def test_a_notebook_without_parameters_gets_a_cell_for_them(notebook):
    path = notebook("print(1)")
    declared = NotebookDeclarations(path)
    declared.revised([ParameterRow("alpha", "float", "0.5", "strength")], declared.entries).write()
    first = nbformat.read(path, 4).cells[0]
    assert (first.source, first.metadata.tags) == ("# parameters\nalpha: float = 0.5  # strength", ["parameters"])
    assert parameters_of(path)["alpha"].help == "strength"


def test_cells_are_given_to_entry_points_and_taken_from_them(notebook):
    path = notebook("a = 1", "%%entrypoint train --help Train it\nprint(a)", "print(2)")
    declared = NotebookDeclarations(path)
    assert [row.name for row in declared.entries] == ["", "train", ""]
    first, train, last = declared.entries
    declared.revised((), [first, replace(train, name="train fit"), replace(last, name="report")]).write()
    points = load_project(path.parent, notebook=path.name).entry_points
    assert set(points) == {"train", "fit", "report"}
    assert points["train"].help == "Train it"
    assert nbformat.read(path, 4).cells[1].source == "# entrypoint: train fit --help Train it\nprint(a)"


def test_a_new_entry_point_becomes_a_cell_at_the_end(notebook):
    path = notebook(PARAMETERS, "%%entrypoint train\nprint(alpha)")
    declared = NotebookDeclarations(path)
    told = declared.revised(declared.parameters, [*declared.entries, EntryRow("report", "print('a')\nprint(seed)")])
    assert told.difference == "wine.ipynb, new cell below cell 2\n+ # entrypoint: report\n+ print('a')\n+ print(seed)"
    told.write()
    assert set(load_project(path.parent, notebook=path.name).entry_points) == {"train", "report"}
    assert "seed" in parameters_of(path, "report")
    written = nbformat.read(path, 4)
    nbformat.validate(written)
    assert [cell.id for cell in written.cells[:2]] == ["cell-0", "cell-1"]
    with pytest.raises(NbprojError, match="give it a name"):
        declared.revised(declared.parameters, [*declared.entries, EntryRow("", "print(1)")])


@pytest.mark.parametrize(
    "row",
    [
        ParameterRow("al pha", "float"),
        ParameterRow("a.b", "float"),
        ParameterRow("x", "float", "high low"),
        ParameterRow("x", "float", "'high'"),
        ParameterRow("x", "float = 1; import os"),
        ParameterRow("x", "", "1\nimport os"),
    ],
)
def test_what_is_no_declaration_is_refused(row, notebook):
    path = notebook(PARAMETERS)
    before = path.read_bytes()
    declared = NotebookDeclarations(path)
    with pytest.raises(NbprojError):
        declared.revised([*declared.parameters, row], declared.entries)
    assert path.read_bytes() == before
