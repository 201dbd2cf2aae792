"""What an environment costs: to make it when its packages were downloaded before, and to run in it when it is there."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import side_by_side, whole_process

from nbproj.environments.uvcommand import find_uv

pytestmark = pytest.mark.timeout(2400)  # virtualenv and pip take a minute each time

OURS = Path(sys.executable)
PYTHON = ".".join(map(str, sys.version_info[:3]))
PACKAGES = ("scikit-learn", "pandas", "ipykernel")


@pytest.fixture
def project(tmp_path):
    """Return a project whose environment is one for data science, outside any Git repository."""
    folder = tmp_path / "science"
    folder.mkdir()
    (folder / "MLproject").write_text("name: science\npython_env: python_env.yaml\nentry_points:\n  main:\n    command: python -c pass\n")
    (folder / "python_env.yaml").write_text(f"python: '{PYTHON}'\ndependencies:\n" + "".join(f"  - {name}\n" for name in PACKAGES))
    return folder


@pytest.fixture
def desk(tmp_path):
    """Return a folder to work in and the variables of a process there, with a store and a cache of environments of its own."""

    def prepare(name):
        folder = tmp_path / name
        folder.mkdir()
        # mlflow looks for uv and for the Python that a project names on the path.
        path = os.pathsep.join([str(OURS.parent), str(Path(find_uv()).parent), str(Path(os.path.realpath(OURS)).parent), os.environ["PATH"]])
        own = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "PATH": path, "NBPROJ_CACHE_DIR": str(folder / "cache")}
        return {"cwd": folder, "env": os.environ | own}

    return prepare


def test_a_warm_create_takes_a_small_part_of_virtualenv_and_pip(compare, project, desk, nbproj_python, tmp_path):
    ours, theirs = desk("ours"), desk("theirs")
    virtualenv = tmp_path / "tools"
    subprocess.run([find_uv(), "venv", "--quiet", "--python", OURS, virtualenv], check=True, timeout=120)
    subprocess.run([find_uv(), "pip", "install", "--quiet", "--python", virtualenv / "bin/python", "virtualenv"], check=True, timeout=300)
    number = itertools.count()

    def make():
        shutil.rmtree(ours["cwd"] / "cache", ignore_errors=True)
        return whole_process([nbproj_python.with_name("nbproj"), "env", "create", project], **ours)

    def make_as_mlflow_did():
        folder = theirs["cwd"] / f"env{next(number)}"
        steps = f'"{virtualenv}/bin/virtualenv" -q --python "{OURS}" "{folder}" && "{folder}/bin/pip" install -q {" ".join(PACKAGES)}'
        return whole_process(["sh", "-c", steps], **theirs)

    assert side_by_side(compare("make an environment, warm", "virtualenv + pip"), make, make_as_mlflow_did, rounds=2).wall <= 0.08


def test_a_run_in_a_prepared_environment_takes_less_than_mlflows_with_uv(compare, project, desk, nbproj_python, full_mlflow_python):
    ours, theirs = desk("ours"), desk("theirs")
    result = side_by_side(
        compare("a run in a prepared environment", "mlflow run, uv"),
        lambda: whole_process([nbproj_python.with_name("nbproj"), "run", project], **ours),
        lambda: whole_process([full_mlflow_python.with_name("mlflow"), "run", project, "--env-manager", "uv"], **theirs),
        rounds=5,
    )
    assert result.wall <= 0.6


def test_a_run_in_a_prepared_environment_costs_what_one_in_the_current_costs(compare, project, desk, nbproj_python):
    place = desk("ours")
    command = [nbproj_python.with_name("nbproj"), "run", project]
    result = side_by_side(
        compare("a run in a prepared environment", "our own, system"),
        lambda: whole_process(command, **place),
        lambda: whole_process([*command, "--env-manager", "local"], **place),
        rounds=9,
    )
    assert result.wall <= 1.1
