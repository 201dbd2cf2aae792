"""A project as text and as JSON: its entry points and parameters, as `--help` would tell them. Pure functions of plain values."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from nbproj.display.quantity import number
from nbproj.errors import one_line
from nbproj.project.model import REQUIRED, EntryPoint, Parameter, Project

__all__ = ["project_json", "project_text"]

JSON_VERSION = 1


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dt.date | PurePath):
        return str(value)
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
        if value is not None and value not in ("", ()):
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
    points = {**{name: point for name, point in (found or {}).items() if name not in project.entry_points}}
    return {
        "version": JSON_VERSION,
        "name": project.name,
        "environment": environment,
        "entry_points": {name: _entry_point_json(point) for name, point in [*project.entry_points.items(), *points.items()]},
        "warnings": list(project.warnings),
    }


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at least {number(low)}" if low is not None else f"at most {number(high or 0)}"
    return f"{number(low)} to {number(high)}"


def _rule(parameter: Parameter) -> str:
    parts = [one_line(parameter.help)] if parameter.help else []
    if parameter.choices:
        parts.append("one of " + ", ".join(map(str, parameter.choices)))
    if parameter.min is not None or parameter.max is not None:
        parts.append(_range(parameter.min, parameter.max))
    if parameter.secret:
        parts.append(f"secret, in ${parameter.variable}")
    if parameter.optional:
        parts.append("optional")
    return "; ".join(parts)


def _default(parameter: Parameter) -> str:
    if parameter.secret:
        return ""
    if parameter.required:
        return "required"
    if parameter.default_text is not None:
        return one_line(f"= {parameter.default_text}")
    return "" if parameter.default is REQUIRED or parameter.default is None else one_line(f"= {parameter.default}")


def _table(rows: Iterable[tuple[str, ...]], width: int) -> list[str]:
    table = list(rows)
    if not table:
        return []
    columns = [min(max(len(row[index]) for row in table), 30) for index in range(len(table[0]) - 1)]
    indent = 4 + sum(columns) + 2 * len(columns)
    lines = []
    for row in table:
        head = "    " + "".join(f"{cell:<{column}}  " for cell, column in zip(row, columns, strict=False))
        if row[-1] and width - indent > 20:  # noqa: PLR2004 - less is no column
            lines.extend(textwrap.wrap(row[-1], width, initial_indent=head, subsequent_indent=" " * indent) or [head.rstrip()])
        else:
            lines.append((head + row[-1]).rstrip())
    return lines


def _what(point: EntryPoint) -> str:
    if point.notebook:
        return f"notebook {point.notebook}"
    return one_line(point.command or "") if point.command else ""


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
    kind = project.environment.kind
    lines = [f"{one_line(project.name)}: {kind} environment" + (f" ({project.environment.file})" if project.environment.file else "")]
    for name, point in project.entry_points.items():
        if only is not None and name != only:
            continue
        lines.extend(["", f"  {one_line(name)}  {_what(point)}".rstrip()])
        if point.help:
            lines.append(f"    {one_line(point.help)}")
        if point.problem is not None:
            lines.append(f"    cannot be run: {point.problem}")
        rows = [(parameter.name, parameter.type, _default(parameter), _rule(parameter)) for parameter in point.parameters]
        lines.extend(_table(rows, width))
    others = {name: point for name, point in (found or {}).items() if name not in project.entry_points}
    if others and only is None:
        lines.extend(["", "  also, by path: " if project.entry_points else "  by path:"])
        for name, point in others.items():
            lines.append(f"    {one_line(name)}")
            rows = [(parameter.name, parameter.type, _default(parameter), _rule(parameter)) for parameter in point.parameters]
            lines.extend("  " + line for line in _table(rows, width - 2))
    if not project.entry_points and not others:
        lines.extend(["", "  no entry points: no MLproject, script or notebook here"])
    return "\n".join(line.rstrip() for line in lines)
