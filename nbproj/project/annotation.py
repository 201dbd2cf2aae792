"""The type of a parameter from a Python annotation: names are taken at their word, and nothing is imported (contract, section 8)."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from nbproj.project.model import Parameter

__all__ = ["read_annotation"]

TYPES: Final[Mapping[str, str]] = {
    "Dict": "dict",
    "List": "list",
    "Path": "path",
    "bool": "bool",
    "date": "date",
    "datetime": "datetime",
    "dict": "dict",
    "float": "float",
    "int": "int",
    "list": "list",
    "str": "string",
}
LITERALS: Final[Mapping[type, str]] = {bool: "bool", float: "float", int: "int", str: "choice"}
ELEMENTS: Final = frozenset({"bool", "date", "datetime", "float", "int", "path", "string"})


def read_annotation(annotation: ast.expr | None, parameter: Parameter) -> Parameter | None:
    """Return the parameter with the type, choices and the like that an annotation gives it, or None when it says nothing to us.

    Parameters
    ----------
    annotation : ast.expr, optional
        The annotation: `float`, `pathlib.Path`, `list[float]`, `Literal["a", "b"]`, `int | None`, `Secret`.
    parameter : Parameter
        What is known besides.

    Examples
    --------
    >>> rates = read_annotation(ast.parse("list[float] | None", mode="eval").body, Parameter("rates"))
    >>> (rates.type, rates.item, rates.optional) if rates else None
    ('list', 'float', True)
    """
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return read_annotation(ast.parse(annotation.value, mode="eval").body, parameter)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _union([annotation.left, annotation.right], parameter)
    if isinstance(annotation, ast.Subscript):
        return _subscripted(annotation, parameter)
    name = _name(annotation)
    if name == "Secret":
        return replace(parameter, secret=True)
    return replace(parameter, type=TYPES[name]) if name in TYPES else None


def _subscripted(annotation: ast.Subscript, parameter: Parameter) -> Parameter | None:
    name = _name(annotation.value)
    inner = annotation.slice
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        return _literal(parts, parameter)
    if name == "Optional":
        return _union([inner, ast.Constant(None)], parameter)
    if name == "Union":
        return _union(parts, parameter)
    if name in {"Annotated", "Final", "Secret"}:
        known = read_annotation(parts[0], parameter)
        return replace(known or parameter, secret=True) if name == "Secret" else known
    kind = TYPES.get(name)
    if kind == "list":
        element = TYPES.get(_name(inner), "")
        return replace(parameter, type="list", item=element if element in ELEMENTS else None)
    return replace(parameter, type="dict") if kind == "dict" else None


def _union(parts: list[ast.expr], parameter: Parameter) -> Parameter | None:
    """Return what `X | None` says; a union of several types says nothing."""
    others = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is None)]
    if len(others) != 1:
        return None
    known = read_annotation(others[0], parameter)
    return known if known is None or len(others) == len(parts) else replace(known, optional=True)


def _literal(parts: list[ast.expr], parameter: Parameter) -> Parameter | None:
    values: list[object] = []
    for part in parts:
        try:
            values.append(ast.literal_eval(part))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) != 1 or not kinds <= LITERALS.keys():
        return None
    return replace(parameter, type=LITERALS[kinds.pop()], choices=tuple(value for value in values if value is not None), optional=None in values)


def _name(annotation: ast.expr | None) -> str:
    """Return the last part of a name: `Path` for `pathlib.Path`."""
    if isinstance(annotation, ast.Name):
        return annotation.id
    return annotation.attr if isinstance(annotation, ast.Attribute) else ""
