"""The experiment that a program's source names."""

import json

import pytest

from nbproj.project.experiment import declared_experiment
from nbproj.project.model import EntryPoint


@pytest.fixture
def script(tmp_path):
    def naming(source):
        (tmp_path / "train.py").write_text(source)
        return declared_experiment(EntryPoint("train.py", script="train.py"), tmp_path)

    return naming


@pytest.mark.parametrize(
    "source",
    [
        'import mlflow\nmlflow.set_experiment("wine")',
        'import mlflow\nmlflow.set_experiment(experiment_name="wine")',
        "import mlflow as mf\nmf.set_experiment('wine')",
        "from mlflow import set_experiment\nset_experiment('wine')",
        "from mlflow import set_experiment as use\nuse('wine')",
        "def main():\n    import mlflow\n    if True:\n        mlflow.set_experiment('wine')\nmain()",
        "import mlflow\nmlflow.set_experiment(name)\nmlflow.set_experiment('wine')\nmlflow.set_experiment('other')",
        "\ufeffimport mlflow\nmlflow.set_experiment('wine')",
        "x = '\\d'\nimport mlflow\nmlflow.set_experiment('wine')",
    ],
)
def test_a_literal_names_the_experiment(script, source):
    assert script(source) == "wine"


@pytest.mark.parametrize(
    "source",
    [
        "",
        "import mlflow\nmlflow.set_experiment(name)",
        "import mlflow\nmlflow.set_experiment(f'{name}')",
        "import mlflow\nmlflow.set_experiment(experiment_id='1')",
        "import mlflow\nmlflow.set_experiment('')",
        "# mlflow.set_experiment('wine')",
        '"""mlflow.set_experiment("wine")"""',
        "other.set_experiment('wine')",
        "set_experiment('wine')",
        "mlflow.set_experiment('wine'",
        "mlflow.set_experiment('wine')\0",
    ],
)
def test_what_is_no_literal_call_names_none(script, source):
    assert script(source) is None


def test_a_notebook_names_it_in_a_code_cell(tmp_path):
    cells = [("markdown", "mlflow.set_experiment('no')"), ("code", "def ("), ("code", "%matplotlib inline\nmlflow.set_experiment('wine')")]
    document = {"nbformat": 4, "cells": [{"cell_type": kind, "source": source, "metadata": {}} for kind, source in cells]}
    (tmp_path / "t.ipynb").write_text(json.dumps(document))
    assert declared_experiment(EntryPoint("main", notebook="t.ipynb"), tmp_path) == "wine"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("python train.py {alpha}", "wine"),
        ("cd . && python3 -u -X dev ./train.py; echo", "wine"),
        ("FOO=1 uv run python3.12 'train.py'", "wine"),
        ("/usr/bin/python train.py", "wine"),
        ("python train.py;", "wine"),
        ("echo train.py", None),
        ("python -m train", None),
        ("python -c 'import train' train.py", None),
        ("python {file}", None),
        ("python other.py", None),
        ("python ../train.py", None),
        ("bash train.sh", None),
        ("python 'train.py", None),
    ],
)
def test_the_file_that_a_command_runs_names_it(tmp_path, command, name):
    (tmp_path / "train.py").write_text("import mlflow\nmlflow.set_experiment('wine')")
    (tmp_path / "train.sh").write_text("mlflow.set_experiment('wine')")
    assert declared_experiment(EntryPoint("main", command=command), tmp_path) == name


@pytest.mark.parametrize(
    "entry_point",
    [
        EntryPoint("x", script="nowhere.py"),
        EntryPoint("x", script="../out.py"),
        EntryPoint("x", notebook="nowhere.ipynb"),
        EntryPoint("x", script="run.sh"),
        EntryPoint("x"),
    ],
)
def test_what_cannot_be_read_names_none(tmp_path, entry_point):
    assert declared_experiment(entry_point, tmp_path) is None


def test_reading_executes_nothing(script, tmp_path):
    assert script(f"open({str(tmp_path / 'PWNED')!r}, 'w')\nimport mlflow\nmlflow.set_experiment('wine')") == "wine"
    assert not (tmp_path / "PWNED").exists()
