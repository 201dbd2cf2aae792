"""What `nbproj export` writes, where it writes it, and what it refuses; that others run it is tested with them."""

import json
import os

import nbformat
import pytest
import yaml

from nbproj.errors import EntryPointError, NbprojError, UsageError
from nbproj.exporting.export import export_project
from nbproj.exporting.typed import typed


def written(path, *sources, tags=()):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    for number, some in enumerate(tags):
        cells[number].metadata["tags"] = list(some)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}}), path)


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "wine"
    written(folder / "wine.ipynb", "%parameters\nalpha: Literal[1, 2] = 1  # strength", "%%entrypoint a\nprint(alpha)", "%%entrypoint b\nprint(2)")
    return folder


def document(folder):
    return yaml.safe_load((folder / "MLproject").read_text())


def sources(path):
    return [cell.source for cell in nbformat.read(path, 4).cells]


def test_a_notebook_that_says_it_all_in_one_cell_stays_as_its_author_wrote_it(project, tmp_path):
    made = export_project(str(project), tmp_path / "out")
    assert made.entry_points == ("a", "b")
    plain = nbformat.read(tmp_path / "out/a.ipynb", 4)
    assert plain.cells[0].source == "alpha: 'Literal[1, 2]' = 1  # strength"
    assert plain.cells[0].metadata.tags == ["parameters"]
    assert plain.cells[1].source.endswith("alpha = _nbproj_typed(alpha, 'int')")
    assert plain.cells[2].source == "print(alpha)"
    assert len(plain.cells) == 3
    assert sources(tmp_path / "out/b.ipynb")[-1] == "print(2)"
    nbformat.validate(plain)
    assert "nbproj" not in plain.metadata
    assert not (tmp_path / "out/wine.ipynb").exists()


def test_every_form_of_a_value_reaches_the_notebook_as_the_type_that_it_declares():
    assert [typed(value, "bool") for value in ("true", "True", True, "0", "no", False)] == [True, True, True, False, False, False]
    assert (typed(1, "string"), typed("[]", "list"), typed([1], "list[string]"), typed('{"a": 1}', "dict")) == ("1", [], ["1"], {"a": 1})
    assert (typed("None", "string?"), typed("", "string?"), typed("null", "date?"), typed("null", "string?")) == (None, "", None, "null")
    assert typed("2026-01-31T12:00:00", "datetime").hour == 12
    assert str(typed("x", "path")) == os.path.join(os.getcwd(), "x")  # noqa: PTH109, PTH118 - what is expected is a text


def test_the_folder_appears_as_a_whole_or_not_at_all(project, tmp_path):
    (project / "MLproject").write_text("entry_points: {x: {parameters: {v: {type: bool, default: false, flag: -v}}, command: 'ls {v}'}}")
    with pytest.raises(EntryPointError, match="mlflow has no flags: parameter 'v' cannot be exported"):
        export_project(str(project), tmp_path / "out")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["wine"]


def test_only_an_earlier_export_is_replaced(project, tmp_path):
    out = tmp_path / "out"
    export_project(str(project), out)
    with pytest.raises(UsageError, match="is there already: --force replaces an earlier export"):
        export_project(str(project), out)
    (out / "old.txt").write_text("x")
    export_project(str(project), out, force=True)
    assert not (out / "old.txt").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("x")
    with pytest.raises(UsageError, match="is no earlier export: nothing of it is replaced"):
        export_project(str(project), other, force=True)
    for folder in (project, tmp_path):
        with pytest.raises(UsageError, match="holds the project itself"):
            export_project(str(project), folder, force=True)
    assert (other / "precious").read_text() == "x"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["other", "out", "wine"]


def test_other_files_come_along_without_stores_hidden_and_ignored_ones(project, tmp_path):
    for name in ("data/x.csv", "mlruns/0/m", ".env", "mlflow.db", "big.bin"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(name)
    (project / ".git").mkdir()
    (project / ".gitignore").write_text("big.bin")
    (tmp_path / "secret").write_text("x")
    (project / "link").symlink_to(tmp_path / "secret")
    export_project(str(project), project / "out")
    export_project(str(project), project / "out", force=True)
    found = sorted(str(path.relative_to(project / "out")) for path in (project / "out").rglob("*") if path.is_file())
    assert found == ["MLproject", "a.ipynb", "b.ipynb", "data/x.csv"]


def test_values_that_a_notebook_makes_itself_stay_its_own_unless_given(tmp_path):
    written(tmp_path / "p/n.ipynb", "# parameters\na = 1\nb = a * 2\nc: str | None = None", "print(a, b, c)")
    export_project(str(tmp_path / "p"), tmp_path / "out")
    parameters = document(tmp_path / "out")["entry_points"]["n.ipynb"]["parameters"]
    assert parameters["b"] == {"type": "string", "default": "a * 2"}
    assert parameters["c"] == {"type": "string", "default": "None"}
    for given, expected in (({}, (1, 2, None)), ({"a": "3"}, (3, 2, None)), ({"a": "3", "b": "x", "c": "y"}, (3, "x", "y"))):
        scope = {}
        cells = sources(tmp_path / "out/n.ipynb")
        exec(cells[0], scope)
        scope.update(given)
        for source in cells[1:-1]:
            exec(source, scope)
        assert (scope["a"], scope["b"], scope["c"]) == expected


def test_secrets_come_from_the_environment_and_stand_nowhere(tmp_path):
    written(tmp_path / "p/n.ipynb", "# parameters\na = 1\ntoken: Secret = None", "print(a)")
    made = export_project(str(tmp_path / "p"), tmp_path / "out")
    assert "token" not in document(tmp_path / "out")["entry_points"]["n.ipynb"]["parameters"]
    assert 'token = __import__("os").environ["TOKEN"]' in "\n".join(sources(tmp_path / "out/n.ipynb"))
    assert any("set the environment variable TOKEN" in note for note in made.notes)


PYPROJECT = "[project]\nname = 'x'\nrequires-python = '==3.12.*'\ndependencies = ['numpy>1']"
ADDED = ["papermill", "ipykernel"]
ENVIRONMENTS = [
    ({"requirements.txt": "numpy"}, "python_env", "python_env.yaml", ["-r requirements.txt", *ADDED]),
    ({"python_env.yaml": "python: 3.10\ndependencies: [papermill==2.6]"}, "python_env", "python_env.yaml", ["papermill==2.6", "ipykernel"]),
    ({"pyproject.toml": PYPROJECT}, "python_env", "python_env.yaml", ["numpy>1", *ADDED]),
    ({"conda.yaml": "name: x\ndependencies: [python=3.11, numpy]"}, "conda_env", "conda.yaml", ["python=3.11", "numpy", *ADDED]),
]


@pytest.mark.parametrize(("files", "section", "name", "expected"), ENVIRONMENTS)
def test_the_environment_comes_along_with_papermill_in_it(project, tmp_path, files, section, name, expected):
    for file, text in files.items():
        (project / file).write_text(text)
    export_project(str(project), tmp_path / "out")
    assert document(tmp_path / "out")[section] == name
    environment = yaml.safe_load((tmp_path / "out" / name).read_text())
    assert environment["dependencies"] == expected
    if "pyproject.toml" in files:
        assert environment["python"] == "3.12"
    if "python_env.yaml" in files:
        assert environment["python"] == "3.10"


def test_a_notebook_alone_brings_its_packages_and_the_files_it_names(tmp_path):
    block = '# /// script\n# requires-python = ">=3.9"\n# dependencies = ["numpy"]\n# ///'
    written(tmp_path / "n.ipynb", block, "# parameters\ndata: Path = 'd.csv'", "print(data)\nimport nbproj")
    (tmp_path / "d.csv").write_text("x")
    (tmp_path / "other.csv").write_text("x")
    export_project(str(tmp_path / "n.ipynb"), tmp_path / "out")
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == ["MLproject", "d.csv", "main.ipynb", "python_env.yaml"]
    assert yaml.safe_load((tmp_path / "out/python_env.yaml").read_text())["dependencies"] == ["numpy", "papermill", "ipykernel", "nbproj"]


def test_what_is_wrong_is_said_in_one_line_and_leaves_nothing(tmp_path):
    for name, text in {"a": "{", "b": json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "%%parameters\nprint(1)"}]})}.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "x.ipynb").write_text(text)
        with pytest.raises(NbprojError, match=r"x\.ipynb"):
            export_project(str(folder), tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EntryPointError, match="there is nothing to export"):
        export_project(str(tmp_path / "empty"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
