"""A folder as a `Project`: its MLproject file, else conventions; and the entry point that a name means (contract, section 3)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from nbproj.errors import EntryPointError, NbprojError, ProjectError, suggestion
from nbproj.paths import inside
from nbproj.project.listing import SCRIPTS, runnable_files
from nbproj.project.mlproject import read_mlproject
from nbproj.project.model import EntryPoint, EnvironmentSpec, Place, Project
from nbproj.project.notebook import read_notebook
from nbproj.project.surroundings import conventional_environment

__all__ = ["find_entry_point", "load_project", "scan"]

MAIN = "main"
SHOWN = 10  # names in an error


def load_project(root: Path, *, notebook: str | None = None, strict: bool = False) -> Project:
    """Return the project that a folder, or one notebook in it, is. Nothing is executed.

    Parameters
    ----------
    root : Path
        The folder.
    notebook : str, optional
        The notebook that is the project: its path in the folder. The folder's other files then mean nothing.
    strict : bool
        Refuse every key and type of an MLproject file that is not known, instead of remarking on it.

    Returns
    -------
    Project
        Named by its MLproject file, else after the folder.

    Raises
    ------
    ProjectError
        There is no such folder, or its MLproject file is wrong; with the place.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "requirements.txt").write_text("numpy")
    ...     load_project(Path(folder)).environment
    EnvironmentSpec(kind='uv', file='requirements.txt', docker=None, declared=None)
    """
    if not root.is_dir():
        msg = f"there is no folder {str(root)!r}" if not root.exists() else f"{str(root)!r} is not a folder"
        raise ProjectError(msg)
    root = root.resolve()
    if notebook is not None:
        main = replace(read_notebook(root, notebook), name=MAIN)
        return Project(PurePosixPath(notebook).stem, root, MappingProxyType({MAIN: main}), notebook=notebook)
    file = _mlproject_file(root)
    if file is None:
        return Project(root.name or "project", root, environment=conventional_environment(root))
    project = read_mlproject(inside(root, file, what="the file"), strict=strict)
    project = replace(project, root=root, file=file)
    if project.environment == EnvironmentSpec() and project.spark_job is None:
        return replace(project, environment=conventional_environment(root))
    return project


def find_entry_point(project: Project, name: str | None = None) -> EntryPoint:
    """Return the entry point that a name means: a declared one, else a script or notebook by its path.

    Parameters
    ----------
    project : Project
        What was loaded.
    name : str, optional
        `main` when it is not given: the declared one, else `main.py`, `main.ipynb`, or the only notebook. A notebook that is the whole project
        may be called by its file name too.

    Raises
    ------
    EntryPointError
        There is none of that name (the error names those there are), or its declaration is wrong.
    ProjectError
        The path leaves the project.
    """
    asked = MAIN if name is None or name == project.notebook else name
    if asked in project.entry_points:
        found = project.entry_points[asked]
        if found.problem is not None:
            raise found.problem
        return found
    if asked == MAIN:
        main = _main(project)
        if main is not None:
            return main
    elif _is_runnable(asked) and project.notebook is None:
        return _by_path(project, asked)
    raise EntryPointError(_none_such(project, asked))


def scan(project: Project) -> Mapping[str, EntryPoint]:
    """Return every script and notebook of a project as an entry point, by path.

    A notebook that cannot be read carries its error as `problem`. See `listing.runnable_files` for what is left out.
    """
    return {} if project.notebook is not None else {path: _read(project.root, path) for path in runnable_files(project.root)}


def _mlproject_file(root: Path) -> str | None:
    names = sorted(entry.name for entry in os.scandir(root) if entry.name.lower() == "mlproject" and not entry.is_dir())
    return names[0] if names else None


def _main(project: Project) -> EntryPoint | None:
    for candidate in ("main.py", "main.ipynb"):
        if (project.root / candidate).is_file():
            return _by_path(project, candidate)
    notebooks = [path for path in runnable_files(project.root) if path.endswith(".ipynb")]
    return _by_path(project, notebooks[0]) if len(notebooks) == 1 else None


def _is_runnable(name: str) -> bool:
    return PurePosixPath(name).suffix in {*SCRIPTS, ".ipynb"}


def _by_path(project: Project, name: str) -> EntryPoint:
    path = inside(project.root, name, what="entry point")
    if not path.is_file():
        msg = f"entry point {name!r} is not a file" if path.exists() else _none_such(project, name)
        raise EntryPointError(msg)
    parts = Path(name).parts
    # As it was asked for, where that is plain: a link keeps the folder it lies in.
    plain = not Path(name).is_absolute() and ".." not in parts
    relative = os.path.normpath(name) if plain else os.path.relpath(path, os.path.realpath(project.root))
    if relative.endswith(".ipynb"):
        return read_notebook(project.root, relative)
    return EntryPoint(relative, script=relative)


def _read(root: Path, path: str) -> EntryPoint:
    if not path.endswith(".ipynb"):
        return EntryPoint(path, script=path)
    try:
        return read_notebook(root, path)
    except NbprojError as problem:
        return EntryPoint(path, notebook=path, declared=Place(path), problem=problem)


def _none_such(project: Project, name: str) -> str:
    declared = list(project.entry_points)
    files = [] if project.notebook is not None else runnable_files(project.root)
    near = suggestion(name, [*declared, *files])
    parts = [f"{kind}: {_listed(names)}" for kind, names in (("Entry points", declared), ("Files", files)) if names]
    return f"there is no entry point {name!r}.{near} " + (". ".join(parts) if parts else "The project has none, no script and no notebook")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
