"""What of a notebook runs, and where the parameters go."""

from __future__ import annotations

from pathlib import Path

import nbformat
import nbformat.v4
import pytest

from nbproj.errors import EntryPointError, ParameterError
from nbproj.execution.kernels import Kernel, interpreter_kernel
from nbproj.execution.plan import prepare, refuse_lost_values

PYTHON = interpreter_kernel("python")


def notebook(*sources: str | tuple[str, str], language: str = "python") -> dict:
    """Return a notebook's document: a cell a source, or a source and its tag."""
    cells = []
    for source in sources:
        text, tag = source if isinstance(source, tuple) else (source, "")
        cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": [tag]} if tag else {}))
    metadata = {"kernelspec": {"name": "k", "display_name": "k", "language": language}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def sources(document: dict) -> list[str]:
    """Return what the cells of a document hold, injected ones by their assignments."""
    assert nbformat.validate(nbformat.from_dict(document)) is None
    return [cell["source"].replace("# Parameters\n", "-> ").replace("\n", "; ") for cell in document["cells"]]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["a", ("x = 0", "parameters"), "b"], ["a", "x = 0", "-> x = 1", "b"]),
        (["a", "b"], ["-> x = 1", "a", "b"]),
        ([("x = 0", "parameters"), ("x = 5", "injected-parameters"), "b"], ["x = 0", "-> x = 1", "b"]),
        (["# parameters\nx = 0", "b"], ["# parameters; x = 0", "-> x = 1", "b"]),
    ],
)
def test_the_parameter_cell_stands_where_papermill_puts_it(cells, expected):
    document = notebook(*cells)
    prepare(document, kernel=PYTHON, values={"x": 1}, secrets={})
    assert sources(document) == expected
    assert [cell["metadata"].get("tags") for cell in document["cells"] if "Parameters" in cell["source"]] == [["injected-parameters"]]


def test_each_declaring_cell_is_followed_by_what_it_declares_and_the_rest_goes_with_the_first():
    document = notebook("%parameters\nx = 0", "print(x)", "# parameters\ny = 0\nz = 0", "print(y)")
    plan = prepare(document, kernel=PYTHON, values={"x": 1, "y": 2, "extra": "3"}, secrets={"z": "Z"})
    assert sources(document) == [
        "%parameters; x = 0",
        "-> x = 1; extra = '3'",
        "print(x)",
        "# parameters; y = 0; z = 0",
        '-> import os; y = 2; z = os.environ["Z"]',
        "print(y)",
    ]
    assert [step.number for step in plan.steps] == [1, None, 2, 3, None, 4]
    assert len({cell["id"] for cell in document["cells"]}) == 6


def test_only_the_cells_of_the_entry_point_run_and_the_kernel_gets_no_declarations():
    document = notebook("import this", "%%entrypoint train\nx: Literal[1] = 1", "%%entrypoint evaluate\ny", "%%parameters\nz: Literal[1] = 1", "z")
    before = [dict(cell) for cell in document["cells"]]
    plan = prepare(document, kernel=PYTHON, entry_point="train", values={"z": 1}, secrets={})
    assert [(step.number, step.source) for step in plan.steps] == [
        (1, "import this"),
        (2, "# %%entrypoint train\nx: Literal[1] = 1"),
        (4, "# %%parameters\nz             = 1"),
        (None, "# Parameters\nz = 1"),
        (5, "z"),
    ]
    assert plan.not_selected == (3,)
    assert [dict(cell) for cell in document["cells"] if "nbproj-parameters" not in cell["id"]] == before


def test_cells_that_are_skipped_empty_or_no_code_have_no_step():
    document = notebook(("a", "nbproj-skip"), ("b", "skip-execution"), "  ", ("c", "raises-exception"))
    document["cells"].append(nbformat.v4.new_markdown_cell("# parameters"))
    plan = prepare(document, kernel=PYTHON, values={}, secrets={})
    assert [(step.number, step.may_fail) for step in plan.steps] == [(4, True)]


def test_a_source_of_lines_and_a_notebook_without_ids_are_taken_as_they_are():
    cells = [{"cell_type": "code", "source": ["# parameters\n", "x = 0"], "metadata": {}, "outputs": [], "execution_count": None}]
    document = {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": cells}
    plan = prepare(document, kernel=PYTHON, values={"x": 1}, secrets={})
    assert plan.steps[0].source == "# parameters\nx = 0"
    assert document["cells"][0]["source"] == ["# parameters\n", "x = 0"]
    assert "id" not in document["cells"][1]


def test_another_language_gets_its_own_code_behind_its_first_declaring_cell():
    document = notebook("library(x)", "# parameters\nalpha <- 1", language="R")
    prepare(document, kernel=Kernel("ir", ("R",), "r"), values={"alpha": 0.5, "data": Path("/d")}, secrets={})
    assert document["cells"][2]["source"] == '# Parameters\nalpha = 0.5\ndata = "/d"\n'


@pytest.mark.parametrize(
    ("language", "values", "secrets", "message"),
    [
        ("cobol", {"x": 1}, {}, "parameters cannot be given to a notebook in cobol"),
        ("r", {}, {"token": "TOKEN"}, "read by Python notebooks only"),
        ("r", {"x; system('id')": 1}, {}, "no name of a variable"),
    ],
)
def test_what_another_language_cannot_take_is_refused(language, values, secrets, message):
    with pytest.raises(ParameterError, match=message):
        prepare(notebook(("x", "parameters"), language=language), kernel=Kernel("other", ("x",), language), values=values, secrets=secrets)


@pytest.mark.parametrize(
    ("cells", "entry_point", "message"),
    [
        (["# parameters\nx = 0", "x = 5", "print(x)"], None, "nb.ipynb, cell 2, line 1: 'x' is assigned again before anything reads"),
        (["%parameters --entry b\nx = 0", "# entrypoint: a"], "a", "nb.ipynb, cell 1: 'x' is a parameter of 'b' only"),
    ],
)
def test_a_value_without_effect_is_refused(cells, entry_point, message, tmp_path):
    path = tmp_path / "nb.ipynb"
    path.write_text(nbformat.writes(notebook(*cells)))
    with pytest.raises(ParameterError, match=message):
        refuse_lost_values(path, entry_point, ["x"], file="nb.ipynb")
    refuse_lost_values(path, entry_point, [], file="nb.ipynb")


def test_the_parameters_of_an_earlier_run_are_no_reason_to_refuse_new_ones(tmp_path):
    path = tmp_path / "nb.ipynb"
    path.write_text(nbformat.writes(notebook(("x = 1", "parameters"), ("x = 2", "injected-parameters"), "print(x)")))
    refuse_lost_values(path, None, ["x"], file="nb.ipynb")


def test_a_declaration_that_is_not_understood_is_said_with_its_cell():
    with pytest.raises(EntryPointError, match=r"nb.ipynb, cell 2, line 1: parameters: unknown option '--entri'"):
        prepare(notebook("a", "%parameters --entri b"), kernel=PYTHON, values={}, secrets={}, file="nb.ipynb")
