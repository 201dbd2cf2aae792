"""An MLproject file that is edited in a table keeps what nobody touched, and is never written wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nbproj.declaring.mlproject import MLprojectDeclarations
from nbproj.declaring.rows import EntryRow, ParameterRow
from nbproj.errors import NbprojError, ProjectError
from nbproj.project.directory import load_project

FILE = """\
# The wine project.
name: wine

entry_points:
  # the one that matters
  train:
    parameters:
      alpha: {type: float, default: 0.50}   # strength
      data: path  # what is read
    command: "python train.py {alpha} {data}"
  report:
    command: 'python report.py'
docker_env:
  image: "python:3.12"   # pinned elsewhere
"""


@pytest.fixture
def declared(tmp_path):
    (tmp_path / "MLproject").write_text(FILE)
    return MLprojectDeclarations(tmp_path)


def changed(revision):
    """Return the lines of a difference that are taken away and added."""
    lines = revision.difference.splitlines()[2:]
    return [line[1:].strip() for line in lines if line.startswith("-")], [line[1:].strip() for line in lines if line.startswith("+")]


def test_rows_that_nobody_touched_change_no_byte(declared):
    revision = declared.revised(declared.entries)
    assert (revision.difference, revision.after) == ("", FILE.encode())


def test_a_changed_default_changes_its_line_alone(declared):
    train, report = declared.entries
    alpha, data = train.parameters
    revision = declared.revised([replace(train, parameters=(replace(alpha, default="0.7"), data)), report])
    gone, come = changed(revision)
    assert gone == ["alpha: {type: float, default: 0.50}   # strength"]
    assert [" ".join(line.split()) for line in come] == ["alpha: {type: float, default: 0.7} # strength"]


def test_a_new_parameter_and_a_new_entry_point_are_read_back_as_they_were_typed(declared, tmp_path):
    train, report = declared.entries
    seed = ParameterRow("seed", "int", "1", 'a "help": with # marks')
    words = ParameterRow("words", "string", "1.0", "")
    evaluate = EntryRow("evaluate", "python eval.py {seed} {words}", (seed, words))
    declared.revised([train, evaluate, report]).write()
    project = load_project(tmp_path)
    assert list(project.entry_points) == ["train", "evaluate", "report"]
    one, two = project.entry_points["evaluate"].parameters
    assert (one.type, one.default, one.help) == ("int", 1, 'a "help": with # marks')
    assert (two.type, two.default) == ("string", "1.0")
    text = (tmp_path / "MLproject").read_text()
    for kept in ("# The wine project.", "# the one that matters", "# strength", "# what is read", "# pinned elsewhere", "'python report.py'"):
        assert kept in text


def test_rows_are_moved_renamed_and_removed(declared, tmp_path):
    train, report = declared.entries
    alpha, data = train.parameters
    fit = replace(train, name="fit", runs="python train.py {lr} {data}", parameters=(data, replace(alpha, name="lr")))
    declared.revised([report, fit]).write()
    project = load_project(tmp_path)
    assert list(project.entry_points) == ["report", "fit"]
    assert [one.name for one in project.entry_points["fit"].parameters] == ["data", "lr"]
    again = MLprojectDeclarations(tmp_path)
    again.revised([row for row in again.entries if row.name == "report"]).write()
    assert list(load_project(tmp_path).entry_points) == ["report"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (ParameterRow("alpha", "flaot"), "Did you mean 'float'"),
        (ParameterRow("al pha", "float"), "'al pha'"),
        (ParameterRow("", "float"), "a name is missing"),
        (ParameterRow("alpha", "float", "high"), "'high' is not a float"),
        (ParameterRow("data", "float"), "declared twice"),
    ],
)
def test_what_would_be_wrong_is_refused_and_nothing_is_written(row, told, declared, tmp_path):
    train, report = declared.entries
    with pytest.raises(NbprojError, match=told):
        declared.revised([replace(train, parameters=(*train.parameters[1:], row)), report])
    assert (tmp_path / "MLproject").read_text() == FILE


def test_a_file_that_somebody_changed_meanwhile_is_left_alone(declared, tmp_path):
    train, _ = declared.entries
    revision = declared.revised([train])
    (tmp_path / "MLproject").write_text(FILE + "# more\n")
    with pytest.raises(ProjectError, match="has changed meanwhile"):
        revision.write()
    assert (tmp_path / "MLproject").read_text() == FILE + "# more\n"


def test_a_folder_without_the_file_gets_one(tmp_path):
    declared = MLprojectDeclarations(tmp_path)
    revision = declared.revised([EntryRow("main", "true")])
    revision.write()
    assert load_project(tmp_path).entry_points["main"].command == "true"
    with pytest.raises(ProjectError, match="meanwhile"):
        revision.write()
