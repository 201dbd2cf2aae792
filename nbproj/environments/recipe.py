"""What a specification comes down to once its files are read: a Python, requirements, a lock; and the key that is the same for what is the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nbproj.environments.blame import blamed
from nbproj.environments.interpreters import Interpreter, choose, platform_key
from nbproj.environments.pyproject import PythonProject, read_pyproject
from nbproj.environments.pythonenv import read_python_env
from nbproj.environments.requirements import Requirements, of_texts, read_file
from nbproj.errors import EnvironmentPreparationError
from nbproj.paths import inside
from nbproj.project.model import EnvironmentSpec, Place

__all__ = ["Recipe", "derived_key", "read_recipe"]

_FORMAT: Final = 1
_CONDA_KEY: Final = re.compile(r"^(channels|name|variables|prefix)\s*:", re.MULTILINE)
"""What a `conda_env` of any name has, and a `python_env` has not."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A Python environment, as far as it can be known before it is built.

    Parameters
    ----------
    source : str
        Which file asks for it, for people.
    interpreter : Interpreter
        Its Python.
    requirements : Requirements
        Its packages.
    build : Requirements
        What is installed before them.
    project : PythonProject, optional
        Of a `pyproject.toml`.
    variables : mapping of str to str
        Set for every process in it.
    """

    source: str
    interpreter: Interpreter
    requirements: Requirements = field(default_factory=Requirements)
    build: Requirements = field(default_factory=Requirements)
    project: PythonProject | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"{self.source}, Python {self.interpreter}" if self.source else f"Python {self.interpreter}, no packages"

    @property
    def key(self) -> str:
        """What identifies it."""
        locked = self.project.locked if self.project is not None else ""
        known = [_FORMAT, "uv", platform_key(), str(self.interpreter), self.interpreter.path, self.build.key(), self.requirements.key(), locked]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:32]


def derived_key(*parts: str) -> str:
    """Return the key of an environment that stands on others."""
    return hashlib.sha256(json.dumps([_FORMAT, *parts]).encode()).hexdigest()[:32]


def read_recipe(spec: EnvironmentSpec, root: Path, cache: Path) -> Recipe:
    """Return what a specification comes down to. Nothing is downloaded; a Python may be asked for its version.

    Parameters
    ----------
    spec : EnvironmentSpec
        Of kind `uv`.
    root : Path
        The project's folder.
    cache : Path
        Folder of the environments.

    Raises
    ------
    EnvironmentPreparationError
        A file is wrong, or there is no such Python; with the place.
    """
    if spec.python is not None or spec.dependencies:
        place = spec.declared or Place(spec.file or "")
        interpreter = choose(spec.python, cache, place=place)
        return Recipe(spec.file or "", interpreter, of_texts(spec.dependencies, root, place))
    if spec.file is None:
        return Recipe("", choose(None, cache, newest=True))
    path = _existing(spec, root)
    name = path.name.lower()
    if name in {"uv.lock", "pyproject.toml"}:
        project = read_pyproject(spec.file, root)
        pinned, place = _pinned(root)
        interpreter = choose(pinned or project.python, cache, place=place if pinned else Place("pyproject.toml"))
        return Recipe(spec.file, interpreter, project.requirements, project=project)
    if name.endswith((".yaml", ".yml")):
        if "conda" in name or name.startswith("environment.") or _CONDA_KEY.search(path.read_text(encoding="utf-8", errors="replace")):
            return _of_conda(spec, root, cache)
        read = read_python_env(spec.file, root, path)
        return Recipe(spec.file, choose(read.python, cache, place=read.place), read.requirements, read.build)
    requirements = read_file(spec.file, root)
    pinned, place = _pinned(root)
    return Recipe(spec.file, choose(pinned, cache, place=place), requirements)


def _of_conda(spec: EnvironmentSpec, root: Path, cache: Path) -> Recipe:
    """Return what a file for conda asks for, if that needs no conda."""
    from nbproj.environments.condarecipe import read_conda_recipe

    described = read_conda_recipe(spec, root)
    recipe = described.without_conda(root, cache)
    if recipe is None:
        msg = f"asks for {described.only_conda() or 'no Python'}, which is conda's matter: choose --env-manager conda, or local"
        raise EnvironmentPreparationError(msg, place=Place(str(spec.file)))
    return recipe


def _existing(spec: EnvironmentSpec, root: Path) -> Path:
    with blamed(spec.declared):
        path = inside(root, str(spec.file), what="the environment's file")
    if not path.is_file():
        msg = f"there is no file {spec.file!r} in the project"
        raise EnvironmentPreparationError(msg, place=spec.declared)
    return path


def _pinned(root: Path) -> tuple[str | None, Place]:
    """Return the version that a `.python-version` file names, as uv and pyenv read it."""
    try:
        lines = (root / ".python-version").read_text(encoding="utf-8").splitlines()[:20]
    except (OSError, UnicodeDecodeError):
        return None, Place(".python-version")
    wish = next((line.strip() for line in lines if line.strip() and not line.startswith("#")), None)
    return (wish.removeprefix("cpython-").removeprefix("cpython@") if wish else None), Place(".python-version", 1)
