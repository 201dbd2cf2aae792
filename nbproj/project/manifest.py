"""What a notebook says about itself beside its cells: a `%%mlproject` cell, or `[tool.nbproj]` in its `# /// script` block (contract, section 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from nbproj.errors import EntryPointError, NbprojError, ProjectError, suggestion
from nbproj.project.cells import Cell
from nbproj.project.declaration import Remarks, read_scalar, refuse_unknown
from nbproj.project.document import parse_document
from nbproj.project.entry import read_entry, with_command
from nbproj.project.marks import Mark, entry_point_problem
from nbproj.project.model import EntryPoint, EnvironmentSpec
from nbproj.project.neutral import body
from nbproj.project.node import Node, Pair
from nbproj.project.script import Script
from nbproj.project.surroundings import ENVIRONMENT_KEYS, read_environment

__all__ = ["Manifest", "of_script", "read_manifest", "without_cells"]

TOP_KEYS: Final = ("name", *ENVIRONMENT_KEYS, "entry_points")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is said.

    Parameters
    ----------
    name : str, optional
        Of the project that the notebook alone would be.
    environment : EnvironmentSpec, optional
        What the notebook needs.
    entry_points : mapping of str to EntryPoint
        With a command, or with the name of their cells where that is not their own name; a wrong one carries its problem.
    """

    name: str | None = None
    environment: EnvironmentSpec | None = None
    entry_points: Mapping[str, EntryPoint] = field(default_factory=lambda: MappingProxyType({}))


def read_manifest(cells: Sequence[tuple[Cell, Mark]], file: str, root: Path, remarks: Remarks) -> Manifest:
    """Return what the `%%mlproject` cell of a notebook says: the keys of an MLproject file, for this notebook.

    Parameters
    ----------
    cells : sequence of (Cell, Mark)
        All cells with what they say about themselves.
    file : str
        What errors call the notebook.
    root : Path
        The project's folder.
    remarks : Remarks
        Takes what is not understood and does no harm.

    Raises
    ------
    ProjectError
        There are two such cells, or it is wrong; with the cell and the line in it.
    """
    found = [(cell, mark) for cell, mark in cells if mark.kind == "mlproject"]
    if not found:
        return Manifest()
    if len(found) > 1:
        msg = f"a second %%mlproject cell; the first is cell {found[0][0].number}. A notebook has one"
        raise EntryPointError(msg, place=found[1][0].place(file, found[1][1].lines[0]))
    cell, mark = found[0]
    # The declaration line is left empty, so that YAML counts the lines as the cell does.
    document = parse_document(body(cell.source, mark), cell.place(file))
    fields = document.fields("%%mlproject") if document else {}
    return _manifest(fields, TOP_KEYS, "%%mlproject", root, remarks)


def of_script(script: Script | None, file: str, root: Path, remarks: Remarks) -> Manifest:
    """Return what a `# /// script` block says: Python, packages, and under `[tool.nbproj]` a name and entry points.

    Raises
    ------
    ProjectError
        It is wrong; with the cell and the line in it.
    """
    if script is None:
        return Manifest()
    manifest = _manifest(script.fields, ("name", "entry_points"), "[tool.nbproj]", root, remarks)
    if script.python is None and not script.dependencies:
        return manifest
    return replace(
        manifest,
        environment=EnvironmentSpec("uv", file=file, declared=script.place, python=script.python, dependencies=script.dependencies),
    )


def _manifest(fields: Mapping[str, Pair], keys: Sequence[str], what: str, root: Path, remarks: Remarks) -> Manifest:
    refuse_unknown(fields, keys, what, remarks)
    named = fields.get("name")
    entries: dict[str, EntryPoint] = {}
    pair = fields.get("entry_points")
    for name, entry in pair.value.fields("'entry_points'").items() if pair is not None else ():
        try:
            entries[name] = _entry(name, entry, remarks)
        except NbprojError as problem:
            entries[name] = EntryPoint(name, declared=entry.key.place, problem=problem)
    return Manifest(
        read_scalar(named.value, "the project's name") if named is not None and not _is_empty(named.value) else None,
        read_environment(fields, root, remarks),
        MappingProxyType(entries),
    )


def _is_empty(node: Node) -> bool:
    return node.is_null or (node.kind == "scalar" and not node.text.strip())


def _entry(name: str, pair: Pair, remarks: Remarks) -> EntryPoint:
    problem = entry_point_problem(name)
    if problem:
        msg = f"entry point {name!r}: a name {problem}"
        raise ProjectError(msg, place=pair.key.place)
    entry_point, given = read_entry(name, pair, remarks)
    if "notebook" in given:
        msg = f"entry point {name!r}: 'notebook' belongs in an MLproject file; here it is this notebook's cells that run, those that 'cells' names"
        raise ProjectError(msg, place=given["notebook"].key.place)
    if "command" in given:
        return with_command(entry_point, given["command"].value)
    flagged = next((parameter for parameter in entry_point.parameters if parameter.flag is not None), None)
    if flagged is not None:
        msg = f"parameter {flagged.name!r}: a flag is part of a command, and entry point {name!r} is a notebook"
        raise ProjectError(msg, place=flagged.declared)
    return entry_point


def without_cells(name: str, known: Sequence[str]) -> str:
    """Return the sentence on an entry point that no cell belongs to."""
    return f"entry point {name!r} has no cells.{suggestion(name, known)} Mark those it runs with '# entrypoint: {name}'"
