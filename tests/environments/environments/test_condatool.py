"""Which conda is called, how, and what becomes of its words."""

import json
import os

import pytest
from environments.conda_channel import conda_home, describe, without_conda

from nbproj.environments.builder import BuildFailed
from nbproj.environments.conda import CondaEnvironments
from nbproj.environments.condacomplaints import why_conda
from nbproj.environments.condatool import find_conda
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import EnvironmentSpec


@pytest.mark.parametrize("name", ["micromamba", "mamba"])
def test_the_program_that_mlflow_would_call_is_called(name, tmp_path, told, monkeypatch):
    root = describe(tmp_path / "project", "demo-data")
    home = conda_home(tmp_path / "theirs", name)
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(home))
    monkeypatch.setenv("MLFLOW_CONDA_CREATE_ENV_CMD", name)
    CondaEnvironments().prepare(EnvironmentSpec("conda", file="conda.yaml"), root, told.append)
    (words,) = [json.loads(line) for line in (home / "called.txt").read_text().splitlines()]
    assert words[: words.index("-p")] == (["create", "-y"] if name == "micromamba" else ["env", "create"])


def test_a_conda_is_looked_for_where_its_variables_say(tmp_path, monkeypatch):
    without_conda(monkeypatch)
    assert find_conda().name == "py-rattler"
    on_path = conda_home(tmp_path / "path", "mamba") / "bin"
    monkeypatch.setenv("PATH", f"{on_path}{os.pathsep}{os.environ['PATH']}")
    assert find_conda().program == str(on_path / "mamba")
    active = conda_home(tmp_path / "active") / "bin"
    monkeypatch.setenv("CONDA_EXE", str(active / "conda"))
    assert find_conda().program == str(active / "conda")
    named = conda_home(tmp_path / "named")
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(named))
    assert find_conda().program == str(named / "bin" / "conda")
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(tmp_path))
    with pytest.raises(EnvironmentPreparationError, match="MLFLOW_CONDA_HOME"):
        find_conda()
    monkeypatch.setenv("MLFLOW_CONDA_CREATE_ENV_CMD", "nosuch")
    with pytest.raises(EnvironmentPreparationError, match="MLFLOW_CONDA_CREATE_ENV_CMD names 'nosuch'"):
        find_conda()


SOLVER = """Channels:
 - conda-forge
Platform: linux-64
Collecting package metadata (repodata.json): done
Solving environment: failed

LibMambaUnsatisfiableError: Encountered problems while solving:
  - nothing provides requested nosuch 1.*

Could not solve for environment specs
The following package could not be installed
\u2514\u2500 nosuch 1.* does not exist (perhaps a typo).
"""
CLASSIC = """
PackagesNotFoundError: The following packages are not available from current channels:

  - nosuch

Current channels:

  - https://conda.anaconda.org/conda-forge

To search for alternate channels that may provide the conda package
"""
MICRO = """error    libmamba Could not solve for environment specs
    The following package could not be installed
    \u2514\u2500 nosuch   does not exist (perhaps a typo).
critical libmamba Could not solve for environment specs
"""


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        (SOLVER, "LibMambaUnsatisfiableError: Encountered problems while solving: nothing provides requested nosuch 1.* ", "(perhaps a typo)."),
        (CLASSIC, "PackagesNotFoundError: The following packages are not available", "from current channels: nosuch"),
        (MICRO, "Could not solve for environment specs The following package could not be installed nosuch", "does not exist (perhaps a typo)."),
    ],
)
def test_what_each_conda_says_is_trimmed_to_what_the_solver_found(text, begins, ends):
    error = why_conda(BuildFailed(1, text), "conda")
    assert str(error).startswith(begins)
    assert str(error).endswith(ends)
    assert "contradict" in error.hint
