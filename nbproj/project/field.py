"""The field of a form that Colab's `#@param` describes: a type, bounds and choices for the assignment before it (contract, section 8)."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from nbproj.project.model import Parameter

__all__ = ["Field", "fitted", "read_field"]

FIELD: Final = re.compile(r"#\s*@param\b\s*(.*)$", re.DOTALL)
OPTION: Final = re.compile(r"""\s*(?:"([\w-]+)"|'([\w-]+)'|([\w-]+))\s*:\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^,{}\s]+)\s*(?:,|(?=\}))""")
CLOSING: Final = re.compile(r"\s*\}")
TYPES: Final[Mapping[str, str]] = {"boolean": "bool", "date": "date", "integer": "int", "number": "float", "string": "string"}
KINDS: Final[Mapping[type, str]] = {bool: "bool", float: "float", int: "int", str: "choice"}
CONSTANTS: Final = {"true": "True", "false": "False", "null": "None"}


@dataclass(frozen=True, slots=True)
class Field:
    """What a `#@param` says.

    Parameters
    ----------
    kind : str, optional
        Colab's type: `slider`, `number`, `integer`, `boolean`, `string`, `date`, `raw`.
    options : tuple, optional
        The entries of a drop-down list; None without one.
    free : bool
        Whether values beside the options are admitted (`allow-input`).
    min, max, step : float, optional
        Of a slider or number.
    help : str
        What the comment says behind it.
    """

    kind: str | None = None
    options: tuple[object, ...] | None = None
    free: bool = False
    min: float | None = None
    max: float | None = None
    step: float | None = None
    help: str = ""


def read_field(comment: str) -> Field | None:
    """Return what a comment says as a `#@param`, or None when it is another comment.

    Parameters
    ----------
    comment : str
        From its `#` on.

    Examples
    --------
    >>> read_field('#@param {type:"slider", min:0, max:1, step:0.1}  # strength')
    Field(kind='slider', options=None, free=False, min=0, max=1, step=0.1, help='strength')
    >>> read_field('# @param ["a", "b"] {allow-input: true}')
    Field(kind=None, options=('a', 'b'), free=True, min=None, max=None, step=None, help='')
    """
    found = FIELD.match(comment)
    if found is None:
        return None
    options, rest = _options(found[1].strip())
    settings, rest = _settings(rest)
    if options is None:
        options, rest = _options(rest)
    numbers = {key: _number(settings.get(key)) for key in ("min", "max", "step")}
    kind = settings.get("type")
    return Field(
        kind if isinstance(kind, str) else None,
        options,
        settings.get("allow-input") is True,
        numbers["min"],
        numbers["max"],
        numbers["step"],
        rest.strip().lstrip("#").strip(),
    )


def fitted(parameter: Parameter, field: Field, value: object, *, typed: bool) -> Parameter:
    """Return a parameter with what a field adds to it.

    Parameters
    ----------
    parameter : Parameter
        What is known besides.
    field : Field
        The field.
    value : object
        The default as it is written, which decides whether a slider is one of whole numbers.
    typed : bool
        Whether an annotation gave the type: then the field adds only what that type has a meaning for.

    Examples
    --------
    >>> fitted(Parameter("n"), Field("slider", min=0, max=9), 3, typed=False).type
    'int'
    """
    options = _values(field)
    kinds = {type(option) for option in options}
    kind = KINDS.get(next(iter(kinds))) if len(kinds) == 1 else None
    if options and kinds == {int, float}:
        kind, options = "float", tuple(float(option) for option in options if isinstance(option, int | float))
    if not typed:
        parameter = replace(parameter, type=_type(field, value, kind, parameter.type))
    if parameter.type in {"int", "float"} and not (field.min is not None and field.max is not None and field.min > field.max):
        step = field.step if field.step is not None and field.step > 0 else None
        parameter = replace(parameter, min=field.min, max=field.max, step=step)
    same = kind is not None and (parameter.type == kind or (kind == "choice" and parameter.type == "string"))
    if options and same and not field.free and not parameter.choices:
        parameter = replace(parameter, type=kind or parameter.type, choices=options)
    return parameter


def _type(field: Field, value: object, kind: str | None, otherwise: str) -> str:
    if field.kind == "slider":
        written = (value, field.min, field.max, field.step)
        whole = all(isinstance(number, int) and not isinstance(number, bool) for number in written if number is not None)
        return "int" if whole else "float"
    if field.options is not None and kind is not None:
        return "string" if kind == "choice" and field.free else kind
    return TYPES.get(field.kind or "", otherwise)


def _values(field: Field) -> tuple[object, ...]:
    """Return the options as values: those of a `raw` list are source."""
    values: list[object] = []
    for option in field.options or ():
        if field.kind != "raw" or not isinstance(option, str):
            values.append(option)
            continue
        try:
            values.append(ast.literal_eval(option))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return ()
    return tuple(value for value in values if value is not None)


def _options(text: str) -> tuple[tuple[object, ...] | None, str]:
    """Return the list that a text begins with, and what follows it."""
    if not text.startswith("["):
        return None, text
    for end in (index for index, character in enumerate(text, start=1) if character == "]"):
        source = re.sub(r"\b(true|false|null)\b(?=\s*[,\]])", lambda word: CONSTANTS[word[0]], text[:end])
        try:
            value = ast.literal_eval(source)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue
        return tuple(value), text[end:].strip()
    return None, ""


def _settings(text: str) -> tuple[dict[str, object], str]:
    """Return the settings in braces that a text begins with, and what follows them: keys of JavaScript, values of JSON."""
    if not text.startswith("{"):
        return {}, text
    found: dict[str, object] = {}
    position = 1
    while (option := OPTION.match(text, position)) is not None:
        key, written = option[1] or option[2] or option[3], option[4]
        position = option.end()
        try:
            found[key] = ast.literal_eval(CONSTANTS.get(written, written))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            found[key] = written
    closing = CLOSING.match(text, position)
    return found, text[closing.end() :] if closing else ""


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
