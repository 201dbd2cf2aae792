"""What a conda specification comes down to once its file is read; its key; and the same without conda, where that can be."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nbproj.environments.blame import blamed
from nbproj.environments.condachannels import CondaSettings
from nbproj.environments.condafile import CondaFile, CondaPackage, read_conda_file, read_package
from nbproj.environments.condalock import CondaLock, read_lock
from nbproj.environments.interpreters import choose, platform_key
from nbproj.environments.recipe import Recipe
from nbproj.environments.requirements import of_texts
from nbproj.errors import EnvironmentPreparationError
from nbproj.paths import inside
from nbproj.project.model import EnvironmentSpec, Place

__all__ = ["CondaRecipe", "read_conda_recipe"]

_FORMAT: Final = 1
_PYTHON_ONLY: Final = CondaFile(packages=(read_package("python", Place("")),))
_EVERYWHERE: Final = frozenset({"python", "pip", "setuptools", "wheel"})
"""Packages that a virtual environment has, or that a package index has under the same name."""


@dataclass(frozen=True, slots=True)
class CondaRecipe:
    """A conda environment, as far as it can be known before it is built.

    Parameters
    ----------
    file : CondaFile
        What is asked for.
    lock : CondaLock, optional
        The exact packages, where a run's record says them.
    settings : CondaSettings
        Where channels without an address are.
    """

    file: CondaFile
    lock: CondaLock | None = None
    settings: CondaSettings = field(default_factory=lambda: CondaSettings({}))

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"{self.file.file}, conda" if self.file.file else "conda, Python only"

    @property
    def key(self) -> str:
        """What identifies it: the same for the same, whatever the order of the packages, the comments, the name."""
        overrides = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("CONDA_OVERRIDE_"))
        known: list[object] = [_FORMAT, "conda", platform_key(), overrides]
        if self.lock is not None:
            known += [sorted(self.lock.urls), self.file.pip.key()]
        else:
            channels = [channel.key() for channel in self.file.channels]
            packages = sorted({package.key for package in self.file.packages})
            known += [channels, self.settings.addresses(self.file.channels), packages, self.file.pip.key(), sorted(self.file.variables.items())]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:32]

    def without_conda(self, root: Path, cache: Path) -> Recipe | None:
        """Return the same as a recipe for uv; None where it names packages that only conda has.

        Parameters
        ----------
        root : Path
            The project's folder.
        cache : Path
            Folder of the environments.

        Raises
        ------
        EnvironmentPreparationError
            There is no such Python on this machine.
        """
        versions = {package.name: _bounds(package) for package in self.file.packages}
        if self.lock is not None or not versions.keys() <= _EVERYWHERE or None in versions.values() or "python" not in versions:
            return None
        place = next(package.place for package in self.file.packages if package.name == "python")
        wish = str(versions.pop("python")).removesuffix(".*")
        interpreter = choose(wish.removeprefix("==") or None, cache, place=place, newest=not self.file.file)
        tools = of_texts([f"{name}{bounds}" for name, bounds in versions.items()], root, place)
        return Recipe(self.file.file, interpreter, tools + self.file.pip, variables=self.file.variables)

    def only_conda(self) -> str:
        """Return a package that only conda has, for the message that conda is missing."""
        return next((package.text for package in self.file.packages if package.name not in _EVERYWHERE or _bounds(package) is None), "")


def _bounds(package: CondaPackage) -> str | None:
    """Return what is asked of a version in the words of Python's own packages; None where they have none for it."""
    if not package.version:
        return ""
    fuzzy = re.fullmatch(r"=(\d+(?:\.\d+)*)(?:\.\*)?", package.version) or re.fullmatch(r"(\d+(?:\.\d+)*)\.\*", package.version)
    if fuzzy:
        return f"=={fuzzy[1]}.*"
    if re.fullmatch(r"\d+(\.\d+)*", package.version):
        return f"=={package.version}"
    return package.version if re.fullmatch(r"(?:[<>=!]=|[<>])[\d.*]+(?:,(?:[<>=!]=|[<>])[\d.*]+)*", package.version) else None


def read_conda_recipe(spec: EnvironmentSpec, root: Path) -> CondaRecipe:
    """Return what a specification comes down to. Nothing is downloaded, nothing started.

    Parameters
    ----------
    spec : EnvironmentSpec
        Of kind `conda`. Without a file, and without a record's exact packages: an environment that has only Python.
    root : Path
        The project's folder.

    Raises
    ------
    EnvironmentPreparationError
        A file is wrong; with the place.
    """
    settings = CondaSettings.read(os.environ)
    if spec.dependencies:
        name = spec.file or "environment.txt"
        lock = read_lock(spec.dependencies, Place(name))
        return CondaRecipe(CondaFile(name, pip=of_texts(lock.pins, root, Place(name))), lock, settings)
    if spec.file is None:
        return CondaRecipe(_PYTHON_ONLY, settings=settings)
    with blamed(spec.declared):
        path = inside(root, spec.file, what="the environment's file")
    if not path.is_file():
        msg = f"there is no file {spec.file!r} in the project"
        raise EnvironmentPreparationError(msg, place=spec.declared)
    return CondaRecipe(read_conda_file(spec.file, root, path), settings=settings)
