"""The types of parameters: a text, or an object from Python, becomes a value of the declared type or is refused (contract, section 4).

A refusal is a plain `ValueError` that begins with the value: who knows the parameter and its place makes an error of it, and hides the value of a
secret.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Final

from nbproj.errors import NbprojError
from nbproj.project.document import parse_document
from nbproj.project.model import REQUIRED, Parameter

__all__ = ["ALIASES", "TYPES", "check_text", "convert", "default_text", "shown", "text_of", "type_of"]

TYPES: Final = ("string", "float", "path", "uri", "int", "bool", "date", "datetime", "list", "dict", "choice")
ALIASES: Final[Mapping[str, str]] = {"str": "string", "integer": "int", "number": "float", "boolean": "bool"}

MAXIMUM_SHOWN: Final = 60
INTEGER: Final = re.compile(r"[+-]?[0-9]+(_[0-9]+)*", re.ASCII)
BLANK: Final = re.compile(r"\s|[^\x00-\x7f]")
TRUTH: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


def shown(value: object) -> str:
    """Return a value as an error shows it: quoted when it is a text, short."""
    try:
        text = text_of(value)
    except ValueError as error:
        text = str(error)
    short = text if len(text) <= MAXIMUM_SHOWN else f"{text[: MAXIMUM_SHOWN - 3]}..."
    return repr(short) if isinstance(value, str) else short


def check_text(text: str) -> None:
    """Refuse a text that no program can be given: with a NUL character, or with half a character.

    Raises
    ------
    ValueError
        The message begins with the value.
    """
    if "\0" in text:
        msg = f"{shown(text)} holds a NUL character"
        raise ValueError(msg)
    if any("\ud800" <= character <= "\udfff" for character in text):
        msg = f"{shown(text)} is not UTF-8"
        raise ValueError(msg)


def type_of(written: str) -> tuple[str, str | None] | None:
    """Return the type that a declaration means and the type of its elements, or None when it is not one of ours.

    Examples
    --------
    >>> type_of("number"), type_of("list[int]"), type_of("tensor")
    (('float', None), ('list', 'int'), None)
    """
    elements = re.fullmatch(r"list\[\s*(\w+)\s*\]", written)
    if elements:
        item = ALIASES.get(elements[1], elements[1])
        return ("list", item) if item in TYPES and item not in {"list", "dict", "choice"} else None
    kind = ALIASES.get(written, written)
    return (kind, None) if kind in TYPES else None


def text_of(value: object) -> str:
    """Return a value as a text: what a command receives, and what is tracked, of an object that never was a text.

    Raises
    ------
    ValueError
        It is a list or mapping that JSON cannot hold.

    Examples
    --------
    >>> text_of(True), text_of(None), text_of([1, "a"]), text_of(1e-05)
    ('true', 'None', '[1, "a"]', '1e-05')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple):
        try:
            return json.dumps(value, default=_jsonable, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):  # keys that are no texts; a list in itself; too deep
            msg = f"a {type(value).__name__} that JSON cannot hold"
            raise ValueError(msg) from None
    return str(value)


def default_text(parameter: Parameter) -> str | None:
    """Return the default of a parameter as it would be typed; None where there is no value to type.

    Examples
    --------
    >>> default_text(Parameter("alpha", "float", default=0.5, default_text="5e-1")), default_text(Parameter("seed", "int"))
    ('5e-1', None)
    """
    if parameter.secret or parameter.default is REQUIRED or parameter.default is None:
        return None
    return parameter.default_text if parameter.default_text is not None else text_of(parameter.default)


def _jsonable(value: object) -> object:
    plain = _plain(value)
    if plain is not value:
        return plain
    return dict(value) if isinstance(value, Mapping) else text_of(value)


def convert(parameter: Parameter, value: object) -> object:
    """Return a value of the parameter's type; a `path` or `uri` stays the text it is.

    Parameters
    ----------
    parameter : Parameter
        The declaration; a type that is not one of ours counts as `string`.
    value : object
        A text, or an object from Python.

    Raises
    ------
    ValueError
        It is not of the type; the message begins with the value.

    Examples
    --------
    >>> convert(Parameter("seed", "int"), "1_000")
    1000
    """
    value = _plain(value)
    if _is_none(parameter, value):
        if parameter.optional:
            return None
        msg = "None is not admitted (the parameter is not optional)"
        raise ValueError(msg)
    if parameter.type == "list":
        elements = _list(value)
        return elements if parameter.item is None else [_CONVERTERS[parameter.item](_plain(element)) for element in elements]
    return _CONVERTERS.get(parameter.type, _string)(value)


def _plain(value: object) -> object:
    """Return a scalar of an array library (it has `item`, and no length) as Python's own."""
    if type(value).__module__.partition(".")[0] in {"numpy", "jax", "torch"} and getattr(value, "ndim", None) == 0:
        return value.item()  # type: ignore[attr-defined]  # checked by its home
    return value


def _is_none(parameter: Parameter, value: object) -> bool:
    """Whether a value means None: where None is admitted the text `None` does, and for all types but `string` also `null` and the empty text."""
    if value is None or not parameter.optional or not isinstance(value, str):
        return value is None
    return value == "None" or (value in {"null", ""} and parameter.type in TYPES and parameter.type != "string")


def _string(value: object) -> str:
    text = str(value) if isinstance(value, bool) else text_of(value)
    check_text(text)
    return text


def _location(value: object) -> str:
    if not isinstance(value, str | os.PathLike):
        msg = f"{shown(value)} is not a path"
        raise ValueError(msg)  # noqa: TRY004 - one kind of refusal, whatever the cause
    text = _string(os.fspath(value))
    if not text:
        msg = "'' is not a path"
        raise ValueError(msg)
    return text


def _float(value: object) -> float:
    try:
        if isinstance(value, str) and not BLANK.search(value):
            return float(value)
        # Whatever calls itself a number: int, Fraction, Decimal.
        if not isinstance(value, str | bool | bytes) and hasattr(value, "__float__"):
            return float(value)
    except (ValueError, TypeError, OverflowError):  # an array of several numbers calls itself a number, too
        pass
    msg = f"{shown(value)} is not a float"
    raise ValueError(msg)


def _int(value: object) -> int:
    try:
        if isinstance(value, str) and INTEGER.fullmatch(value):
            return int(value)
    except ValueError:  # Python's limit of 4300 digits
        pass
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    msg = f"{shown(value)} is not an int"
    raise ValueError(msg)


def _bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = TRUTH.get(value.lower()) if isinstance(value, str) else {0: False, 1: True}.get(value) if isinstance(value, int) else None
    if known is None:
        msg = f"{shown(value)} is not a bool (true or false)"
        raise ValueError(msg)
    return known


def _date(value: object) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        if isinstance(value, str):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    msg = f"{shown(value)} is not a date (2026-01-31)"
    raise ValueError(msg)


def _datetime(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a date has no zone, and none is made up
    try:
        if isinstance(value, str):
            return dt.datetime.fromisoformat(value)
    except ValueError:
        pass
    msg = f"{shown(value)} is not a date and time (2026-01-31T12:00:00)"
    raise ValueError(msg)


def _list(value: object) -> list[object]:
    found = _parsed(value) if isinstance(value, str) else value.tolist() if hasattr(value, "tolist") else value
    if isinstance(found, list | tuple):
        return list(found)
    msg = f"{shown(value)} is not a list ([1, 2] or [a, b])"
    raise ValueError(msg)


def _dict(value: object) -> dict[str, object]:
    found = _parsed(value) if isinstance(value, str) else value
    if isinstance(found, Mapping):
        return dict(found)
    msg = f'{shown(value)} is not a dict ({{"a": 1}} or {{a: 1}})'
    raise ValueError(msg)


def _parsed(text: str) -> object:
    """Return what a text means as JSON, else as YAML; None when it is neither."""
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text)
    try:
        node = parse_document(text, "value")
        return node.plain() if node else None
    except NbprojError:
        return None


_CONVERTERS: Final[Mapping[str, Callable[[object], object]]] = {
    "string": _string,
    "float": _float,
    "int": _int,
    "bool": _bool,
    "path": _location,
    "uri": _location,
    "date": _date,
    "datetime": _datetime,
    "choice": _string,
    "list": _list,
    "dict": _dict,
}
