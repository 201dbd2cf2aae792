"""What the contract of environments is tried on: for each kind a project that needs the package `tiny`. A new kind adds a line to `CASES`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from environments.conda_channel import address
from environments.wheelhouse import package

from nbproj.environments.conda import CondaEnvironments
from nbproj.environments.environment import Environment, EnvironmentProvider
from nbproj.environments.system import SystemEnvironments
from nbproj.environments.uv import UvEnvironments
from nbproj.environments.uvcommand import find_uv
from nbproj.project.model import EnvironmentSpec


@dataclass(frozen=True)
class Case:
    """A project and what makes its environment.

    Parameters
    ----------
    provider : EnvironmentProvider
        The provider.
    spec : EnvironmentSpec
        What the project asks for.
    root : Path
        The project.
    module : str
        A module that can be imported there.
    """

    provider: EnvironmentProvider
    spec: EnvironmentSpec
    root: Path
    module: str = "tiny"

    @property
    def kept(self) -> bool:
        """Whether it is an environment of its own."""
        return self.spec.kind != "system"


def _project(root: Path, **files: str) -> Path:
    root.mkdir(parents=True)
    for name, text in files.items():
        (root / name.replace("__", ".")).write_text(text)
    return root


def system(root: Path) -> Case:
    """Return the environment that is there already."""
    return Case(SystemEnvironments(), EnvironmentSpec(), _project(root), "pytest")


def python_env(root: Path) -> Case:
    """Return one by MLflow's own file, with packages to build with and a file of requirements."""
    text = "python: '>=3.11'\nbuild_dependencies: [tiny<3]\ndependencies:\n  - -r requirements.txt\n"
    return Case(UvEnvironments(), EnvironmentSpec("uv", file="python_env.yaml"), _project(root, python_env__yaml=text, requirements__txt="upper\n"))


def requirements(root: Path) -> Case:
    """Return one by pip's."""
    return Case(UvEnvironments(), EnvironmentSpec("uv", file="requirements.txt"), _project(root, requirements__txt="tiny  # one\n"))


def pyproject(root: Path) -> Case:
    """Return one by a package's own, which is installed too."""
    return Case(UvEnvironments(), EnvironmentSpec("uv", file="pyproject.toml"), package(root, "own", requires=["tiny"]), "own, tiny")


def lock(root: Path) -> Case:
    """Return one by uv's lock."""
    _project(root, pyproject__toml='[project]\nname = "p"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["tiny"]\n')
    command = [find_uv(), "lock", "--quiet", "--no-index", "--find-links", os.environ["WHEELS"], "--python", sys.executable]
    subprocess.run(command, cwd=root, check=True, timeout=60)
    return Case(UvEnvironments(), EnvironmentSpec("uv", file="uv.lock"), root)


def script_block(root: Path) -> Case:
    """Return one that a script or notebook describes in itself."""
    return Case(UvEnvironments(), EnvironmentSpec("uv", python=">=3.11", dependencies=("tiny<2",)), _project(root))


def conda(root: Path) -> Case:
    """Return one by conda's own file."""
    text = f"channels: [{address()}]\ndependencies: [python, demo-data, pip: [-r more.txt]]\n"
    return Case(CondaEnvironments(), EnvironmentSpec("conda", file="conda.yaml"), _project(root, conda__yaml=text, more__txt="tiny\n"))


CASES: dict[str, Callable[[Path], Case]] = {
    "system": system,
    "python_env.yaml": python_env,
    "requirements.txt": requirements,
    "pyproject.toml": pyproject,
    "uv.lock": lock,
    "script block": script_block,
    "conda.yaml": conda,
}


def ask(environment: Environment, code: str) -> str:
    """Return what a line of Python prints in an environment."""
    assert environment.python is not None
    done = subprocess.run([environment.python, "-c", code], env=dict(environment.variables), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
