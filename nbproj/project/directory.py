"""A folder as a `Project`: its MLproject file, else conventions; and the entry point that a name means (contract, section 3)."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from nbproj.errors import EntryPointError, NbprojError, ProjectError, suggestion
from nbproj.paths import inside
from nbproj.project.declared import Notebook
from nbproj.project.listing import SCRIPTS, runnable_files
from nbproj.project.mlproject import read_mlproject
from nbproj.project.model import EntryPoint, EnvironmentSpec, Place, Project
from nbproj.project.notebook import listed_declarations, read_declarations, read_notebook
from nbproj.project.script import script_environment
from nbproj.project.selection import MAIN
from nbproj.project.surroundings import conventional_environment

__all__ = ["find_entry_point", "load_project", "mlproject_file", "scan"]

NOTEBOOK = ".ipynb"
TEXTS = (".md", ".Rmd", ".R", ".jl", ".py")  # what jupytext reads as notebooks
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
    EnvironmentSpec(kind='uv', file='requirements.txt', docker=None, declared=None, python=None, dependencies=())
    """
    if not root.is_dir():
        msg = f"there is no folder {str(root)!r}" if not root.exists() else f"{str(root)!r} is not a folder"
        raise ProjectError(msg)
    root = root.resolve()
    if notebook is not None:
        return _of_notebook(root, notebook)
    file = mlproject_file(root)
    if file is None:
        return Project(root.name or "project", root, environment=conventional_environment(root))
    project = read_mlproject(inside(root, file, what="the file"), strict=strict)
    project = replace(project, root=root, file=file)
    if project.environment == EnvironmentSpec() and project.spark_job is None:
        return replace(project, environment=conventional_environment(root))
    return project


def find_entry_point(project: Project, name: str | None = None, *, as_notebook: bool = False) -> EntryPoint:
    """Return the entry point that a name means: a declared one, a script or notebook by its path, or one that a notebook declares.

    Parameters
    ----------
    project : Project
        What was loaded.
    name : str, optional
        `train.ipynb:eval` is that notebook's `eval`. `main` when it is not given: the declared one, else `main.py`, `main.ipynb`, the `main` of some
        notebook, or the only notebook. Of a notebook its `main` or its only entry point is meant when none is named.
    as_notebook : bool
        A script or Markdown file is meant as the notebook that jupytext sees in it.

    Raises
    ------
    EntryPointError
        There is none of that name (the error names those there are), two notebooks declare it, or its declaration is wrong.
    ProjectError
        The path leaves the project.
    """
    if project.notebook is not None:
        return _of_its_own(project, project.notebook, name)
    asked = MAIN if name is None else name
    if asked in project.entry_points:
        return _sound(project.entry_points[asked])
    if asked == MAIN and (job := _spark_file(project)) is not None:
        return job
    file, cells = _split(asked)
    if _is_runnable(file, as_notebook=as_notebook):
        return _by_path(project, file, cells, as_notebook=as_notebook)
    if name is None or asked == MAIN:
        main = _main(project, as_notebook=as_notebook)
        if main is not None:
            return main
    found = _in_notebooks(project, asked)
    if found is None:
        raise EntryPointError(_none_such(project, asked))
    return found


def scan(project: Project) -> Mapping[str, EntryPoint]:
    """Return every script and notebook of a project as an entry point, by path; of a notebook that declares entry points, those.

    They are listed by their own name, and as `path:name` where another one has that name. What cannot be read carries its error as `problem`. See
    `listing.runnable_files` for what is left out.
    """
    if project.notebook is not None:
        return {}
    listed: dict[str, EntryPoint] = {}
    declared: list[tuple[str, EntryPoint]] = []
    for path in runnable_files(project.root):
        if not path.endswith(NOTEBOOK):
            listed[path] = EntryPoint(path, script=path)
            continue
        try:
            notebook = listed_declarations(project.root, path, project.root / path)
        except NbprojError as problem:
            listed[path] = EntryPoint(path, notebook=path, declared=Place(path), problem=problem)
            continue
        if notebook.is_marked:
            declared += [(path, entry_point) for entry_point in notebook.entry_points.values()]
        else:
            listed[path] = replace(notebook.entry_points[MAIN], name=path)
    counts = Counter(entry_point.name for _, entry_point in declared)
    for path, entry_point in declared:
        name = entry_point.name
        if counts[name] > 1 or name in project.entry_points or name in listed:
            name = f"{path}:{name}"
        listed[name] = replace(entry_point, name=name)
    return listed


def mlproject_file(root: Path) -> str | None:
    """Return the name of a folder's MLproject file, in whatever case it is written; None when there is none."""
    names = sorted(entry.name for entry in os.scandir(root) if entry.name.lower() == "mlproject" and not entry.is_dir())
    return names[0] if names else None


def _of_notebook(root: Path, file: str) -> Project:
    """Return the project that a notebook alone is."""
    notebook = read_declarations(root, file)
    return Project(
        notebook.name or PurePosixPath(file).stem,
        root,
        notebook.entry_points,
        environment=notebook.environment or EnvironmentSpec(),
        notebook=file,
        warnings=notebook.warnings,
    )


def _of_its_own(project: Project, file: str, name: str | None) -> EntryPoint:
    """Return an entry point of a project that is a notebook; its file's name, with or without an entry point behind it, may be written out."""
    asked = None if name in {None, file} else str(name).removeprefix(f"{file}:")
    if asked is None and len(project.entry_points) == 1:
        return _sound(next(iter(project.entry_points.values())))
    found = project.entry_points.get(asked or MAIN)
    if found is None and asked is None:
        msg = f"has several entry points: {', '.join(project.entry_points)}. Name one: -e {next(iter(project.entry_points))}"
        raise EntryPointError(msg, place=Place(file))
    if found is None:
        raise EntryPointError(_none_such(project, asked or MAIN))
    return _sound(found)


def _spark_file(project: Project) -> EntryPoint | None:
    """Return the entry point that a Databricks Spark job with a `python_file` is; None for any other project."""
    job = project.spark_job or {}
    if not job.get("python_file"):
        return None
    given = job.get("parameters")
    words = ["python", str(job["python_file"]), *(str(one) for one in (given if isinstance(given, list) else []))]
    return EntryPoint(MAIN, command=shlex.join(words).replace("{", "{{").replace("}", "}}"))


def _sound(entry_point: EntryPoint) -> EntryPoint:
    if entry_point.problem is not None:
        raise entry_point.problem
    return entry_point


def _main(project: Project, *, as_notebook: bool) -> EntryPoint | None:
    for candidate in ("main.py", "main.ipynb"):
        if (project.root / candidate).is_file():
            return _by_path(project, candidate, as_notebook=as_notebook)
    declared = _in_notebooks(project, MAIN)
    if declared is not None:
        return declared
    notebooks = _notebooks(project)
    return _by_path(project, notebooks[0]) if len(notebooks) == 1 else None


def _notebooks(project: Project) -> list[str]:
    return [path for path in runnable_files(project.root) if path.endswith(NOTEBOOK)]


def _declaring(project: Project) -> Iterator[tuple[str, Notebook]]:
    """Give the notebooks of a folder that name entry points of their own; those that cannot be read are told by who asks for them."""
    for path in _notebooks(project):
        try:
            notebook = listed_declarations(project.root, path, project.root / path)
        except NbprojError:
            continue
        if notebook.is_marked:
            yield path, notebook


def _in_notebooks(project: Project, name: str) -> EntryPoint | None:
    """Return the entry point that some notebook of a folder declares."""
    found = [(path, notebook) for path, notebook in _declaring(project) if name in notebook.entry_points]
    if len(found) > 1:
        files = ", ".join(path for path, _ in found)
        msg = f"entry point {name!r} is declared by {files}. Name one of them: {found[0][0]}:{name}"
        raise EntryPointError(msg)
    return found[0][1].entry_point(name) if found else None


def _split(name: str) -> tuple[str, str | None]:
    """Return the file and the entry point that `file:name` means."""
    file, colon, cells = name.rpartition(":")
    return (file, cells) if colon and PurePosixPath(file).suffix in {NOTEBOOK, ".py", *TEXTS} else (name, None)


def _is_runnable(name: str, *, as_notebook: bool = False) -> bool:
    suffix = PurePosixPath(name).suffix
    return suffix in {*SCRIPTS, NOTEBOOK} or (as_notebook and suffix in TEXTS)


def _by_path(project: Project, name: str, cells: str | None = None, *, as_notebook: bool = False) -> EntryPoint:
    path = inside(project.root, name, what="entry point")
    if not path.is_file():
        msg = f"entry point {name!r} is not a file" if path.exists() else _none_such(project, name)
        raise EntryPointError(msg)
    parts = Path(name).parts
    # As it was asked for, where that is plain: a link keeps the folder it lies in.
    plain = not Path(name).is_absolute() and ".." not in parts
    relative = os.path.normpath(name) if plain else os.path.relpath(path, os.path.realpath(project.root))
    if relative.endswith(NOTEBOOK) or as_notebook:
        return read_notebook(project.root, relative, cells)
    if cells is not None:
        msg = f"{relative} is a script: {cells!r} would be an entry point of the notebook in it. Ask for it with --as-notebook"
        raise EntryPointError(msg)
    return EntryPoint(relative, script=relative, environment=script_environment(path, relative))


def _none_such(project: Project, name: str) -> str:
    declared = list(project.entry_points)
    files = [] if project.notebook is not None else runnable_files(project.root)
    named = [] if project.notebook is not None else [other for _, notebook in _declaring(project) for other in notebook.entry_points]
    near = suggestion(name, [*declared, *named, *files])
    kinds = (("Entry points", [*declared, *named]), ("Files", files))
    parts = [f"{kind}: {_listed(names)}" for kind, names in kinds if names]
    return f"there is no entry point {name!r}.{near} " + (". ".join(parts) if parts else "The project has none, no script and no notebook")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
