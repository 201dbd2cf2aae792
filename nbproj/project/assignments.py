"""Parameters from Python source: top-level assignments are declarations (contract, section 8). Read, never executed."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from nbproj.errors import EntryPointError
from nbproj.project.annotation import read_annotation
from nbproj.project.conversion import convert, text_of
from nbproj.project.field import Field, fitted, read_field
from nbproj.project.limits import check_limits
from nbproj.project.model import REQUIRED, Parameter, Place
from nbproj.project.names import name_problem
from nbproj.project.python_source import parse_python

__all__ = ["declared_parameters"]

MAXIMUM_SOURCE: Final = 200
# What a comment says to a tool is no help to a reader.
FOR_TOOLS: Final = re.compile(r"(@param\b|fmt:|isort:|mypy:|noqa\b|nosec\b|pragma:|pylint:|pyright:|ruff:|type:)", re.IGNORECASE)
BY_CALL: Final = {
    "Path": "path",
    "bool": "bool",
    "date": "date",
    "datetime": "datetime",
    "dict": "dict",
    "float": "float",
    "int": "int",
    "list": "list",
}


@dataclass(frozen=True, slots=True)
class _Assignment:
    name: str
    annotation: ast.expr | None
    value: ast.expr | None
    line: int
    end: int


def declared_parameters(source: str, place: Place, *, only: bool = False) -> tuple[Parameter, ...]:
    r"""Return the parameters that the top-level assignments of a cell declare; the last assignment of a name counts.

    A type comes from the annotation, else from Colab's `#@param`, else from the literal. What is not a literal stays its author's: optional, shown
    as source, no value here.
    The comment behind an assignment is its help.

    Parameters
    ----------
    source : str
        The cell.
    place : Place
        The file and the cell; lines are counted in the source.
    only : bool
        The cell holds nothing else, as the body of `%%parameters`: other statements, names that no parameter can have and a second assignment of a
        name are refused.

    Raises
    ------
    EntryPointError
        The cell is not Python, a default is not of its type, or something stands in it that may not.

    Examples
    --------
    >>> alpha, mode = declared_parameters("alpha: float = 1  # strength\nmode = find_mode()", Place("train.ipynb", cell=1))
    >>> alpha.default, alpha.default_text, alpha.help
    (1.0, '1', 'strength')
    >>> mode.required, mode.default, mode.default_text
    (False, REQUIRED, 'find_mode()')
    """
    try:
        tree = parse_python(source)
    except SyntaxError as error:
        msg = f"is not Python: {error.msg}"
        raise EntryPointError(msg, place=replace(place, line=error.lineno)) from None
    if only:
        _refuse_others(tree, source, place)
    comments = _comments(source)
    found: dict[str, Parameter] = {}
    for assignment in _assignments(tree):
        if name_problem(assignment.name) or assignment.name.startswith("__"):
            continue
        here = replace(place, line=assignment.line)
        comment = comments.get(assignment.end) or comments.get(assignment.line, "")
        field = read_field(comment)
        parameter = _parameter(assignment, source, here, field)
        found[assignment.name] = replace(parameter, help=field.help if field is not None else _help(comment))
    return tuple(found.values())


def _assignments(tree: ast.Module) -> Iterator[_Assignment]:
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield _Assignment(node.target.id, node.annotation, node.value, node.lineno, node.end_lineno or node.lineno)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield _Assignment(target.id, None, node.value, node.lineno, node.end_lineno or node.lineno)


def _refuse_others(tree: ast.Module, source: str, place: Place) -> None:
    """Refuse what is no assignment of one name that a parameter can have."""
    lines = source.split("\n")
    seen: dict[str, int] = {}
    for node in tree.body:
        here = replace(place, line=node.lineno)
        if isinstance(node, ast.Pass) and lines[node.lineno - 1].lstrip().startswith("%%"):
            continue  # another cell magic around the assignments
        targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets if isinstance(node, ast.Assign) else []
        if not targets:
            msg = "is no assignment. A %parameters cell holds nothing else: put this into another cell, or mark this one with '# parameters'"
            raise EntryPointError(msg, place=here)
        for target in targets:
            if not isinstance(target, ast.Name):
                msg = f"{ast.unparse(target)!r} is no name of a parameter. Assign one name at a time"
                raise EntryPointError(msg, place=here)
            problem = name_problem(target.id)
            if problem:
                msg = f"parameter {target.id!r}: a name {problem}"
                raise EntryPointError(msg, place=here)
            if target.id in seen:
                msg = f"parameter {target.id!r} is declared twice; the first time in line {seen[target.id]}"
                raise EntryPointError(msg, place=here)
            seen[target.id] = node.lineno


def _parameter(assignment: _Assignment, source: str, place: Place, field: Field | None) -> Parameter:
    parameter = Parameter(assignment.name, declared=place)
    known = read_annotation(assignment.annotation, parameter)
    value: object = REQUIRED
    if assignment.value is not None:
        with contextlib.suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):  # not a literal: its author's
            value = ast.literal_eval(assignment.value)
    if field is not None:
        base = known or _of_literal(parameter, value) or parameter
        known = fitted(base, field, None if value is REQUIRED else value, typed=known is not None)
    if assignment.value is None:  # `alpha: float`, which an ordinary run would not survive: a value is needed
        return known or parameter
    inferred = known or _of_literal(parameter, value)
    if inferred is None:
        return _left_alone(known or _of_call(parameter, assignment.value), source, assignment.value)
    if value is None:
        return replace(inferred, default=None, optional=True)
    if value is REQUIRED:
        return _left_alone(inferred, source, assignment.value)
    try:
        default = convert(inferred, value)
        check_limits(replace(inferred, default=default), default)
    except ValueError as error:
        msg = f"parameter {assignment.name!r}: " + ("the default does not fit" if inferred.secret else f"default {error}")
        raise EntryPointError(msg, place=place) from None
    written = ast.get_source_segment(source, assignment.value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return replace(inferred, default=default, default_text=written or text_of(default))


def _of_literal(parameter: Parameter, value: object) -> Parameter | None:
    """Return the parameter with the type that a literal has, or None when none of our types holds it."""
    types = {bool: "bool", int: "int", float: "float", str: "string", list: "list", dict: "dict"}
    if value is None:
        return parameter
    return replace(parameter, type=types[type(value)]) if type(value) in types else None


def _of_call(parameter: Parameter, value: ast.expr) -> Parameter:
    """Return the parameter with the type that a call of a well-known constructor gives."""
    function = value.func if isinstance(value, ast.Call) else None
    name = function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    return replace(parameter, type=BY_CALL.get(name, "string"))


def _left_alone(parameter: Parameter, source: str, value: ast.expr) -> Parameter:
    text = " ".join((ast.get_source_segment(source, value) or ast.unparse(value)).split())
    return replace(parameter, optional=True, default_text=text if len(text) <= MAXIMUM_SOURCE else f"{text[: MAXIMUM_SOURCE - 3]}...")


def _help(comment: str) -> str:
    text = comment.lstrip("#").strip()
    return "" if FOR_TOOLS.match(text) else text


def _comments(source: str) -> dict[int, str]:
    """Return the comments behind code, from their `#` on, by line."""
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip():
                found[token.start[0]] = token.string
    except (tokenize.TokenError, SyntaxError):  # IPython's syntax further down; what came before it counts
        pass
    return found
