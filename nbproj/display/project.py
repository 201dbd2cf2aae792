"""A project as text and as JSON: its entry points and parameters, as `--help` would tell them. Pure functions of plain values."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from nbproj.display.columns import clip, columns, pad, printable, wrap
from nbproj.display.quantity import number
from nbproj.errors import one_line
from nbproj.project.model import REQUIRED, EntryPoint, Parameter, Project

__all__ = ["JSON_VERSION", "project_json", "project_text"]

JSON_VERSION = 1
_CELL = 30  # columns: what is longer is cut, or would push everything else off the screen
_MANY = 12
_NARROWEST = 24  # columns for an explanation beside a parameter; with less it goes below


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


def _parameter_json(parameter: Parameter) -> dict[str, Any]:
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
    return result


def _entry_point_json(entry_point: EntryPoint) -> dict[str, Any]:
    result: dict[str, Any] = {"parameters": {parameter.name: _parameter_json(parameter) for parameter in entry_point.parameters}}
    for key in ("command", "notebook", "script", "cells", "help"):
        value = getattr(entry_point, key)
        if value:
            result[key] = value
    result["declared_in"] = str(entry_point.declared) if entry_point.declared is not None else None
    if entry_point.problem is not None:
        result["problem"] = str(entry_point.problem)
    return result


def project_json(project: Project, found: Mapping[str, EntryPoint] | None = None) -> dict[str, Any]:
    """Return the stable form for programs (docs/contract.md, section 2).

    Parameters
    ----------
    project : Project
        The project.
    found : mapping of str to EntryPoint, optional
        Scripts and notebooks that can be run by their path; `declared_in` is null for them.

    Returns
    -------
    dict
        Plain values; numbers that JSON cannot hold are texts ("NaN", "Infinity", "-Infinity").

    Examples
    --------
    >>> from pathlib import Path
    >>> main = EntryPoint("main", [Parameter("alpha", "float")], command="run {alpha}")
    >>> project_json(Project("wine", Path("/wine"), {"main": main}))["entry_points"]["main"]["parameters"]
    {'alpha': {'type': 'float', 'required': True, 'secret': False, 'optional': False}}
    """
    environment: dict[str, Any] = {"kind": project.environment.kind}
    if project.environment.file:
        environment["file"] = project.environment.file
    if project.environment.docker is not None:
        environment["image"] = project.environment.docker.image
    points = {**project.entry_points, **{name: point for name, point in (found or {}).items() if name not in project.entry_points}}
    return {
        "version": JSON_VERSION,
        "name": project.name,
        "environment": environment,
        "entry_points": {name: _entry_point_json(point) for name, point in points.items()},
        "warnings": list(project.warnings),
    }


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at least {number(low)}" if low is not None else f"at most {number(high or 0)}"
    return f"{number(low)} to {number(high)}"


def _listed(values: Sequence[object]) -> str:
    texts = [clip(one_line(str(_plain(value))), _CELL) for value in values[:_MANY]]
    return ", ".join(texts) + (f" and {len(values) - _MANY} more" if len(values) > _MANY else "")


def _rule(parameter: Parameter) -> str:
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


def _default(parameter: Parameter) -> str:
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


def _table(parameters: Iterable[Parameter], width: int, indent: str) -> list[str]:
    """Return a line for each parameter, or more where its explanation is long or the terminal narrow."""
    rows = [
        ((printable(parameter.name), clip(printable(parameter.type), _CELL), clip(_default(parameter), _CELL)), _rule(parameter))
        for parameter in parameters
    ]
    widths = [max((min(columns(cells[index]), _CELL) for cells, _ in rows), default=0) for index in range(3)]
    beside = len(indent) + sum(widths) + 2 * len(widths)
    lines = []
    for cells, rule in rows:
        head = indent + "".join(pad(cell, size) + "  " for cell, size in zip(cells, widths, strict=True))
        below = indent + "    "
        if not rule:
            lines.append(head.rstrip())
        elif width - beside >= _NARROWEST and columns(head) <= beside:
            lines.extend(wrap(rule, width, first=head, rest=" " * beside))
        else:
            lines.extend([head.rstrip(), *wrap(rule, width, first=below, rest=below)])
    return lines


def _title(name: str, point: EntryPoint, width: int) -> list[str]:
    head = f"  {printable(name)}"
    if point.notebook:
        what = [f"notebook {printable(point.notebook)}" + (f" ({printable(point.cells)})" if point.cells else "")]
    else:
        what = [one_line(line) for line in (point.command or "").split("\n") if line.strip()]
    if len(what) == 1:
        return wrap(what[0], width, first=f"{head}  ", rest="      ")
    # A command of several lines keeps them: a shell reads each as a command of its own.
    return [head, *(piece for line in what for piece in wrap(line, width, first="    | ", rest="      "))]


def _details(point: EntryPoint, width: int, indent: str) -> list[str]:
    lines: list[str] = []
    if point.help:
        lines.extend(wrap(one_line(point.help), width, first=indent, rest=indent))
    if point.problem is not None:
        lines.extend(wrap(f"cannot be run: {one_line(str(point.problem))}", width, first=indent, rest=indent + "  "))
    return [*lines, *_table(point.parameters, width, indent)]


def project_text(project: Project, found: Mapping[str, EntryPoint] | None = None, *, only: str | None = None, width: int = 100) -> str:
    """Return what a project offers, as `--help` would tell it.

    Parameters
    ----------
    project : Project
        The project.
    found : mapping of str to EntryPoint, optional
        Scripts and notebooks that can be run by their path.
    only : str, optional
        Show this entry point alone.
    width : int
        Columns of the terminal.

    Examples
    --------
    >>> from pathlib import Path
    >>> alpha = Parameter("alpha", "float", default=0.5, default_text="0.5", help="strength", min=0.0)
    >>> print(project_text(Project("wine", Path("/wine"), {"main": EntryPoint("main", [alpha], command="run {alpha}")})))
    wine: system environment
    <BLANKLINE>
      main  run {alpha}
        alpha  float  = 0.5  strength; at least 0
    """
    environment = project.environment
    lines = [f"{printable(project.name)}: {environment.kind} environment" + (f" ({printable(environment.file)})" if environment.file else "")]
    others = {name: point for name, point in (found or {}).items() if name not in project.entry_points}
    if only is not None:
        point = project.entry_points.get(only) or others.get(only)
        return "\n".join([*lines, "", *_title(only, point, width), *_details(point, width, "    ")] if point is not None else lines)
    for name, point in project.entry_points.items():
        lines.extend(["", *_title(name, point, width), *_details(point, width, "    ")])
    if others:
        lines.extend(["", "  also, by path:" if project.entry_points else "  by path:"])
        for name, point in others.items():
            lines.extend([f"    {printable(name)}", *_details(point, width, "      ")])
    if not project.entry_points and not others:
        lines.extend(["", "  no entry points: no MLproject, script or notebook here"])
    return "\n".join(lines)
