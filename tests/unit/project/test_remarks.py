"""What a reader is told before an entry point of a notebook runs."""

import nbformat
import pytest

from nbproj.inspection import check_project
from nbproj.project.model import EntryPoint
from nbproj.project.notebook import read_declarations
from nbproj.project.remarks import remarks_on


@pytest.fixture
def told(tmp_path):
    def telling(*sources, name="main", **metadata):
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), tmp_path / "a.ipynb")
        return remarks_on(tmp_path, read_declarations(tmp_path, "a.ipynb").entry_points[name])

    return telling


def test_names_of_cells_that_do_not_run_are_told(told):
    assert told("# entrypoint: a\nimport numpy as np", "# parameters\nx = 1", "# entrypoint: b\nnp.array(x)", name="b") == (
        "a.ipynb, cell 3, line 2: 'np' is used here, and only cell 1 binds it, which this entry point does not run",
    )


def test_annotations_that_run_all_would_need_an_import_for_are_told_once(told):
    found = told("import pathlib", "# parameters\na: Literal['x'] = 'x'\nb: pathlib.Path = 'y'\nc: int = 1\nd: Literal['z'] = 'z'")
    assert found == (
        "a.ipynb, cell 2, line 2: 'Literal' is no name here for a plain Run All, which would need an import of it above; a run of nbproj needs none",
    )


@pytest.mark.parametrize("above", ["from typing import Literal", "from typing import *", "%run setup.py", "Literal = dict"])
def test_an_import_above_needs_no_remark(told, above):
    assert told(above, "# parameters\na: Literal['x'] = 'x'") == ()


def test_an_import_in_a_cell_of_another_entry_point_counts_for_run_all(told):
    assert told("# entrypoint: a\nfrom typing import Literal", "# parameters\na: Literal['x'] = 'x'", "# entrypoint: b\na", name="b") == ()


def test_a_secret_that_everyone_can_read_is_told(told):
    assert told("Secret = str", "# parameters\ntoken: Secret = 'hunter2'") == (
        "a.ipynb, cell 2, line 2: parameter 'token': everyone who reads this notebook reads the default of a secret",
    )


UNFIT = """
name: remote
entry_points:
  main:
    parameters:
      files: {type: path, default: data.csv}
      fits: {type: path, default: "s3://bucket/data.csv"}
      scheme: {type: path, default: "ftp://example.org/data.csv"}
      nowhere: {type: path, default: "s3:///data.csv"}
      written: {type: path, default: "s3://bucket/model", exists: false}
      passed: {type: uri, default: "ftp://example.org/data.csv"}
      hidden: {type: path, secret: true, default: "ftp://me:hunter2@example.org/"}
    command: "true"
"""


def test_addresses_from_which_nothing_can_be_fetched_are_told_before_a_run_refuses_them(tmp_path):
    (tmp_path / "MLproject").write_text(UNFIT)
    verdict = check_project(str(tmp_path))
    told = [warning for warning in verdict.warnings if "cannot be used" in warning]
    assert verdict.problems == ()
    assert [warning.partition(": the default of ")[2].partition(" ")[0] for warning in told] == ["'scheme'", "'nowhere'", "'written'"]
    assert "'s3:///data.csv' names no bucket" in told[1]
    assert told[1].startswith("MLproject:9:")
    assert "declare the parameter as a uri" in told[2]
    assert "hunter2" not in str(verdict)


def test_an_unfit_address_in_a_list_of_paths_is_told(told):
    found = told("from pathlib import Path", "# parameters\nmany: list[Path] = ['https://example.org/a', 'gs://', 'here.csv']")
    assert found == ("a.ipynb, cell 2, line 2: the default of 'many' cannot be used: 'gs://' names nothing",)


def test_other_languages_and_other_programs_have_no_remarks(told, tmp_path):
    assert told("# parameters\na: Literal['x']", language_info={"name": "R"}) == ()
    assert remarks_on(tmp_path, EntryPoint("x", command="true")) == ()


def test_check_tells_them(told, tmp_path):
    told("# parameters\na: Literal['x'] = 'x'")
    verdict = check_project(str(tmp_path))
    assert verdict.problems == ()
    assert [warning.partition(": ")[0] for warning in verdict.warnings] == ["a.ipynb, cell 1, line 2"]
