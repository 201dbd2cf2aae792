"""How one parameter reads: its default, its rules, where it is declared. Pure functions of plain values."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from nbproj.display.columns import clip, printable
from nbproj.display.quantity import number
from nbproj.errors import one_line
from nbproj.project.model import REQUIRED, EntryPoint, Parameter, Place

__all__ = ["parameter_json", "told_default", "told_place", "told_rule"]

_CELL = 30  # columns of a choice
_MANY = 12


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def parameter_json(parameter: Parameter) -> dict[str, Any]:
    """Return the stable form for programs.

    Examples
    --------
    >>> parameter_json(Parameter("alpha", "float", default=0.5, max=1.0))
    {'type': 'float', 'default': 0.5, 'max': 1.0, 'secret': False, 'optional': False}
    """
    result: dict[str, Any] = {"type": parameter.type}
    if parameter.required:
        result["required"] = True
    elif not parameter.secret:
        result["default"] = None if parameter.default is REQUIRED else _plain(parameter.default)
    for key in ("help", "choices", "min", "max", "step", "item", "flag"):
        value = getattr(parameter, key)
        if value is not None and value not in ("", ()) and not (key == "choices" and parameter.secret):
            result[key] = _plain(value)
    result["secret"] = parameter.secret
    result["optional"] = parameter.optional
    if parameter.secret:
        result["env"] = parameter.variable
    if parameter.declared is not None:
        result["declared_in"] = str(parameter.declared)
    return result


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at least {number(low)}" if low is not None else f"at most {number(high or 0)}"
    return f"{number(low)} to {number(high)}"


def _listed(values: Sequence[object]) -> str:
    texts = [clip(one_line(str(_plain(value))), _CELL) for value in values[:_MANY]]
    return ", ".join(texts) + (f" and {len(values) - _MANY} more" if len(values) > _MANY else "")


def told_rule(parameter: Parameter) -> str:
    """Return what a parameter means and what values it takes, as one line.

    Examples
    --------
    >>> told_rule(Parameter("alpha", "float", help="strength", min=0.0, max=1.0))
    'strength; 0 to 1'
    """
    parts = [one_line(parameter.help)] if parameter.help else []
    if parameter.choices and not parameter.secret:
        parts.append("one of " + _listed(parameter.choices))
    if parameter.min is not None or parameter.max is not None:
        parts.append(_range(parameter.min, parameter.max))
    if parameter.secret:
        parts.append(f"secret, in the variable {printable(parameter.variable)}")
    if parameter.optional:
        parts.append("optional")
    return "; ".join(parts)


def told_default(parameter: Parameter) -> str:
    """Return the default as one line, `required` where a value must be given; nothing of a secret's.

    Examples
    --------
    >>> told_default(Parameter("alpha", "float", default=0.5)), told_default(Parameter("seed", "int")), told_default(Parameter("note", default=""))
    ('= 0.5', 'required', '= ""')
    """
    if parameter.required:
        return "required"
    if parameter.secret:
        return ""
    if parameter.default_text is not None:
        text = parameter.default_text
    elif parameter.default is None or parameter.default is REQUIRED:
        return ""
    else:
        text = str(_plain(parameter.default))
    return one_line(f"= {text}") if text else '= ""'


def told_place(place: Place | None, point: EntryPoint) -> str:
    """Return where a parameter is declared, without the file when it is the entry point's own.

    Examples
    --------
    >>> train = EntryPoint("train", command="run", declared=Place("MLproject", 3, 3))
    >>> told_place(Place("MLproject", 5, 7), train), told_place(Place("a.ipynb", 2, cell=4), train)
    ('line 5', 'a.ipynb, cell 4, line 2')
    """
    if place is None:
        return ""
    own = point.declared.file if point.declared is not None else point.notebook
    if place.file != own or (place.cell is None and place.line is None):
        return printable(str(place))
    parts = [f"cell {place.cell}"] if place.cell is not None else []
    return ", ".join([*parts, *([f"line {place.line}"] if place.line is not None else [])])
