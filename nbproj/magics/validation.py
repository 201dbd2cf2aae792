"""The values of a parameters cell that has run: what its declarations admit, in the words that a run uses."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from nbproj.errors import EntryPointError
from nbproj.project.assignments import declared_parameters
from nbproj.project.conversion import convert
from nbproj.project.limits import check_limits
from nbproj.project.model import Place
from nbproj.project.python_source import parse_python

__all__ = ["check_parameters"]


def check_parameters(source: str, names: Mapping[str, object], where: str) -> None:
    r"""Refuse values that the annotations of a cell do not admit.

    Parameters
    ----------
    source : str
        The cell.
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
    >>> check_parameters("%parameters\nalpha: float = f()", {"alpha": 0.5}, "In [1]")
    >>> check_parameters("%parameters\nalpha: float = f()", {"alpha": "x"}, "In [1]")
    Traceback (most recent call last):
    nbproj.errors.EntryPointError: In [1], line 2: parameter 'alpha': 'x' is not a float
    """
    try:
        parameters = declared_parameters(source, Place(where))
    except EntryPointError as error:
        raise EntryPointError(error.message, place=_place(where, error.place), hint=error.hint) from None
    annotated = _annotated(source)
    for parameter in parameters:
        if parameter.name not in annotated or parameter.name not in names:
            continue
        try:
            check_limits(parameter, convert(parameter, names[parameter.name]))
        except ValueError as error:
            msg = f"parameter {parameter.name!r}: " + ("the value does not fit" if parameter.secret else str(error))
            raise EntryPointError(msg, place=_place(where, parameter.declared)) from None


def _annotated(source: str) -> set[str]:
    """Return the names that have an annotation: a type that was only guessed from the source refuses nothing."""
    nodes = parse_python(source).body
    return {node.target.id for node in nodes if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}


def _place(where: str, place: object) -> str:
    line = place.line if isinstance(place, Place) else None
    return where if line is None else f"{where}, line {line}"
