"""The environment of an earlier run, exactly: from the list of packages that the run's record holds."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from nbproj.environments.condalock import CONDA_LINE
from nbproj.environments.condarecipe import read_conda_recipe
from nbproj.environments.lock import locked, locked_spec
from nbproj.environments.places import environments_folder
from nbproj.environments.recipe import read_recipe
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import EnvironmentSpec

__all__ = ["recorded_spec"]


def recorded_spec(description: str, named: str, spec: EnvironmentSpec, root: Path) -> EnvironmentSpec:
    """Return the specification of exactly what a record describes; packages that are part of the project are taken from the project as it is now.

    Parameters
    ----------
    description : str
        The record's list.
    named : str
        What messages call it: `run 1f3c89ab`.
    spec : EnvironmentSpec
        What the project asks for now: it says which packages are part of it.
    root : Path
        The project's folder.

    Raises
    ------
    EnvironmentPreparationError
        The record says nothing, or names a package of the project that the project has not.
    """
    if not locked(description) and CONDA_LINE not in description:
        msg = f"{named} holds no list of packages: it was not started by nbproj, or its environment could not be had"
        raise EnvironmentPreparationError(msg)
    pinned = locked_spec(description, named)
    if "part of the project" not in description:
        return pinned
    own = _of_the_project(spec, root) if spec.kind in {"uv", "conda"} else []
    if not own:
        msg = f"{named} had a package that was part of the project, and the project has none now. Run its version of the project: -v COMMIT"
        raise EnvironmentPreparationError(msg)
    return dataclasses.replace(pinned, dependencies=(*pinned.dependencies, *own))


def _of_the_project(spec: EnvironmentSpec, root: Path) -> list[str]:
    if spec.kind == "conda":
        named = [(line.local, line.extras) for line in read_conda_recipe(spec, root).file.pip.lines if line.local is not None]
        return _relative(named, root)
    recipe = read_recipe(spec, root, environments_folder())
    lines = [*recipe.build.lines, *recipe.requirements.lines]
    found = [(line.local, line.extras) for line in lines if line.local is not None]
    if recipe.project is not None:
        found += [(path, "") for path in (*recipe.project.local, *([recipe.project.folder] if recipe.project.package else []))]
    return _relative(found, root)


def _relative(found: list[tuple[Path, str]], root: Path) -> list[str]:
    return [f"./{os.path.relpath(path.resolve(), root.resolve())}{extras}" for path, extras in dict.fromkeys(found)]
