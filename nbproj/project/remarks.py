"""What a reader should know about an entry point before it runs: names that will not be there, unfit defaults, what Run All would need."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from pathlib import Path

from nbproj.paths import inside
from nbproj.project.bindings import read_bindings
from nbproj.project.cells import PYTHON, cells_of, language, read_document
from nbproj.project.locations import locate
from nbproj.project.model import EntryPoint, Place
from nbproj.project.neutral import body
from nbproj.project.python_source import python_of
from nbproj.project.remote import is_address
from nbproj.project.selection import CellPlan, Remark, plan, unbound_names

__all__ = ["remarks_on"]


def remarks_on(root: Path, entry_point: EntryPoint) -> tuple[str, ...]:
    """Return the warnings on an entry point, a line each. Nothing is executed or fetched.

    Told are what its declaration says itself, and addresses among its defaults from which nothing can be fetched; of a notebook also names that
    its cells use and only cells that it does not run bind, and annotations of parameters that a plain Run All would need an import for (a run needs
    none).

    Parameters
    ----------
    root : Path
        The project's folder.
    entry_point : EntryPoint
        One that can be run.

    Raises
    ------
    ProjectError
        The notebook cannot be read.
    """
    known = (*entry_point.warnings, *_unfit_defaults(entry_point))
    if entry_point.notebook is None:
        return known
    file = entry_point.notebook
    place = Place(file)
    document = read_document(inside(root, file, what="notebook"), place)
    spoken = language(document)
    plans = plan(cells_of(document, place), spoken, entry_point.cells, file=file)
    names = [parameter.name for parameter in entry_point.parameters]
    told = [*unbound_names(plans, names, spoken, file=file), *(_missing_imports(plans, file) if spoken in PYTHON else ())]
    return (*known, *(str(remark) for remark in told))


def _unfit_defaults(entry_point: EntryPoint) -> list[str]:
    """Return the addresses among the defaults of paths that a run will refuse; the files of this machine may still come, and are left alone."""
    told = []
    for parameter in entry_point.parameters:
        if "path" not in {parameter.type, parameter.item} or parameter.secret:
            continue
        values = parameter.default if isinstance(parameter.default, list | tuple) else [parameter.default]
        for value in values:
            if isinstance(value, str) and is_address(value):
                try:
                    locate(value, Path(), exists=parameter.exists)
                except ValueError as error:
                    told.append(f"{parameter.declared or entry_point.name}: the default of {parameter.name!r} cannot be used: {error}")
    return told


def _missing_imports(plans: Sequence[CellPlan], file: str) -> list[Remark]:
    """Return the names in annotations of parameters that no cell above binds: Run All stops there, where a run does not."""
    bound = set(dir(builtins))
    told: dict[str, Remark] = {}
    for one in plans:
        if one.mark.kind in {"mlproject", "skip"} or not one.original or (one.mark.kind == "none" and not one.runs):
            continue
        source = body(one.original, one.mark)
        if one.is_declaring:
            for name, line in _annotation_names(source):
                if name not in bound:
                    text = f"{name!r} is no name here for a plain Run All, which would need an import of it above; a run of nbproj needs none"
                    told.setdefault(name, Remark(name, Place(file, line, cell=one.number, cell_id=one.cell_id), text))
        found = read_bindings(source)
        if found.opaque:
            return list(told.values())
        bound |= found.binds
    return list(told.values())


def _annotation_names(source: str) -> list[tuple[str, int]]:
    try:
        _python, tree = python_of(source)
    except SyntaxError:
        return []
    annotations = [node.annotation for node in tree.body if isinstance(node, ast.AnnAssign)]
    return [(node.id, node.lineno) for annotation in annotations for node in ast.walk(annotation) if isinstance(node, ast.Name)]
