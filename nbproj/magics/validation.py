"""What a cell declares, checked when it has run, in the words that a run uses: its declarations and the values it gave them."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from nbproj.errors import EntryPointError, NbprojError
from nbproj.project.assignments import declared_parameters
from nbproj.project.conversion import convert
from nbproj.project.limits import check_limits
from nbproj.project.marks import Mark
from nbproj.project.model import Place
from nbproj.project.neutral import body
from nbproj.project.python_source import parse_python

__all__ = ["check_parameters", "placed"]


def check_parameters(source: str, mark: Mark, names: Mapping[str, object], where: str) -> None:
    r"""Refuse values that the annotations of a cell do not admit.

    Parameters
    ----------
    source : str
        The cell.
    mark : Mark
        What it says about itself.
    names : mapping of str to object
        The notebook's names.
    where : str
        The cell, for the error.

    Raises
    ------
    EntryPointError
        A declaration is wrong, or a value is not what it says.

    Examples
    --------
    >>> from nbproj.project.marks import read_mark
    >>> source = "%parameters\nalpha: float = f()"
    >>> check_parameters(source, read_mark(source), {"alpha": 0.5}, "In [1]")
    >>> check_parameters(source, read_mark(source), {"alpha": "x"}, "In [1]")
    Traceback (most recent call last):
    nbproj.errors.EntryPointError: In [1], line 2: parameter 'alpha': 'x' is not a float
    """
    assignments = body(source, mark)
    try:
        parameters = declared_parameters(assignments, Place(where), only=mark.by_magic)
    except EntryPointError as error:
        raise placed(error, where) from None
    annotated = _annotated(assignments)
    for parameter in parameters:
        if parameter.name not in annotated or parameter.name not in names:
            continue
        try:
            check_limits(parameter, convert(parameter, names[parameter.name]))
        except ValueError as error:
            msg = f"parameter {parameter.name!r}: " + ("the value does not fit" if parameter.secret else str(error))
            raise placed(EntryPointError(msg, place=parameter.declared), where) from None


def placed(error: NbprojError, where: str) -> NbprojError:
    """Return an error of a cell that is executed, which is known by its number in the session and not by a file.

    Examples
    --------
    >>> str(placed(EntryPointError("no name", place=Place("", 2, cell=1)), "In [7]"))
    'In [7], line 2: no name'
    """
    line = error.place.line if isinstance(error.place, Place) else None
    return type(error)(error.message, place=where if line is None else f"{where}, line {line}", hint=error.hint)


def _annotated(source: str) -> set[str]:
    """Return the names that have an annotation: a type that was only guessed from the source refuses nothing."""
    nodes = parse_python(source).body
    return {node.target.id for node in nodes if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
