"""An MLproject file as a `Project`: nothing is executed, and every error carries the file, the line and the column (contract, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from nbproj.errors import NbprojError, ProjectError
from nbproj.project.declaration import Remarks, read_scalar, refuse_unknown
from nbproj.project.document import read_document
from nbproj.project.entry import read_entry, with_command
from nbproj.project.model import EntryPoint, EnvironmentSpec, Place, Project
from nbproj.project.node import Node, Pair
from nbproj.project.notebook import read_declarations
from nbproj.project.overlay import overlaid
from nbproj.project.surroundings import ENVIRONMENT_KEYS, path_in_project, read_environment

__all__ = ["project_of", "read_mlproject"]

TOP_KEYS: Final = ("name", *ENVIRONMENT_KEYS, "entry_points", "databricks_spark_job")
SPARK_KEYS: Final = ("python_file", "parameters", "python_libraries")


def read_mlproject(path: Path, *, strict: bool = False) -> Project:
    """Return the project that an MLproject file describes.

    A wrong entry point does not block the others: it carries its error as `problem`. An empty file describes a project without entry points. The
    environment is the one that the file names; conventions are `directory.load_project`'s.

    Parameters
    ----------
    path : Path
        The file; its folder is the project's.
    strict : bool
        Refuse every key and type that is not known, instead of remarking on it.

    Returns
    -------
    Project
        Named after the folder unless the file names it.

    Raises
    ------
    ProjectError
        The file cannot be read, or its top level is wrong; begins with `MLproject:line:column`.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "MLproject"
    >>> _ = file.write_text("entry_points: {main: {parameters: {alpha: float}, command: 'train {alpha}'}}")
    >>> read_mlproject(file).entry_points["main"].parameters[0].type
    'float'
    >>> folder.cleanup()
    """
    return project_of(read_document(path), path.parent.resolve(), path.name, strict=strict)


def project_of(document: Node | None, root: Path, file: str, *, strict: bool = False) -> Project:
    """Return the project that the content of an MLproject file describes; `read_mlproject` documents it.

    Parameters
    ----------
    document : Node, optional
        The content; None for an empty file.
    root : Path
        The folder that the file lies in.
    file : str
        The file's name.
    strict : bool
        As for `read_mlproject`.
    """
    remarks = Remarks(strict=strict)
    fields = document.fields("the file") if document else {}
    refuse_unknown(fields, TOP_KEYS, "the file", remarks)
    environment = read_environment(fields, root, remarks)
    entry_points = _entry_points(fields.get("entry_points"), root, remarks)
    spark_job = _spark_job(fields, entry_points, remarks)
    named = fields.get("name")
    return Project(
        name=read_scalar(named.value, "the project's name") if named and not _is_empty(named.value) else root.name or "project",
        root=root,
        entry_points=MappingProxyType(entry_points),
        environment=environment or EnvironmentSpec(),
        file=file,
        spark_job=spark_job,
        warnings=tuple(remarks.texts),
    )


def _is_empty(node: Node) -> bool:
    return node.is_null or (node.kind == "scalar" and not node.text.strip())


def _entry_points(pair: Pair | None, root: Path, remarks: Remarks) -> dict[str, EntryPoint]:
    if pair is None:
        return {}
    found = {}
    for name, entry in pair.value.fields("'entry_points'").items():
        try:
            read_scalar(entry.key, "the name of an entry point")
            found[name] = _entry_point(name, entry, root, remarks)
        except NbprojError as problem:
            found[name] = EntryPoint(name, declared=entry.key.place, problem=problem)
    return found


def _entry_point(name: str, pair: Pair, root: Path, remarks: Remarks) -> EntryPoint:
    what = f"entry point {name!r}"
    entry_point, given = read_entry(name, pair, remarks)
    if "command" not in given and "notebook" not in given:
        msg = f"{what} has no 'command' (and no 'notebook')"
        raise ProjectError(msg, place=pair.key.place)
    if "notebook" in given:
        return _with_notebook(entry_point, given["notebook"].value, root, what)
    return with_command(entry_point, given["command"].value)


def _with_notebook(entry_point: EntryPoint, node: Node, root: Path, what: str) -> EntryPoint:
    relative = path_in_project(node, root, f"{what}: notebook")
    if not relative.endswith(".ipynb"):
        msg = f"{what}: {relative!r} is not a notebook (.ipynb)"
        raise ProjectError(msg, place=node.place)
    flagged = next((parameter for parameter in entry_point.parameters if parameter.flag is not None), None)
    if flagged is not None:
        msg = f"parameter {flagged.name!r}: a flag is part of a command, and {what} is a notebook"
        raise ProjectError(msg, place=flagged.declared)
    notebook = read_declarations(root, relative)
    # The cells of its own name, where the file names none and the notebook marks some.
    cells = entry_point.cells or (entry_point.name if entry_point.name in notebook.entry_points else None)
    if cells is None and notebook.default is None:
        msg = f"{what}: {relative} has several entry points. Name one by 'cells': {', '.join(notebook.entry_points)}"
        raise ProjectError(msg, place=node.place)
    found = notebook.entry_point(cells)
    if found.notebook is None:
        msg = f"{what}: {found.name!r} of {relative} is a command, not cells"
        raise ProjectError(msg, place=node.place)
    return replace(
        entry_point,
        notebook=relative,
        cells=found.cells,
        parameters=overlaid(entry_point.parameters, found.parameters),
        help=entry_point.help or found.help,
        environment=found.environment,
        warnings=found.warnings,
    )


def _spark_job(fields: Mapping[str, Pair], entry_points: Mapping[str, EntryPoint], remarks: Remarks) -> Mapping[str, object] | None:
    """Return the section of a Databricks Spark job, with the checks that MLflow makes when it reads it."""
    pair = fields.get("databricks_spark_job")
    if pair is None or pair.value.is_null:
        return None
    what = "databricks_spark_job"
    job = pair.value.fields(what)
    refuse_unknown(job, SPARK_KEYS, what, remarks)
    place: Place = pair.key.place
    other = next((key for key in ENVIRONMENT_KEYS if key in fields), None)
    if other:
        msg = f"{what} cannot have an environment of its own: {other!r} stands beside it"
        raise ProjectError(msg, place=fields[other].key.place)
    has_file = "python_file" in job and not job["python_file"].value.is_null
    if has_file is bool(entry_points):
        msg = f"{what} takes either a 'python_file' or entry points, " + ("not both" if has_file else "and has neither")
        raise ProjectError(msg, place=place)
    for key in ("parameters", "python_libraries"):
        if key in job and not job[key].value.is_null and job[key].value.kind != "list":
            msg = f"{what}: {key!r} is {job[key].value.description}, where a list belongs"
            raise ProjectError(msg, place=job[key].value.place)
    if has_file:
        read_scalar(job["python_file"].value, f"{what}: 'python_file'")
    for entry_point in entry_points.values():
        for parameter in entry_point.parameters:
            if parameter.type == "path":
                msg = f"parameter {parameter.name!r}: a Databricks Spark job has no local files, so no 'path'. Use 'uri'"
                raise ProjectError(msg, place=parameter.declared)
    return {key: found.value.plain() for key, found in job.items()}
