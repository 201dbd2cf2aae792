"""A project as text and as JSON: its entry points and parameters, as `--help` would tell them. Pure functions of plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbproj.display.columns import clip, columns, pad, printable, wrap
from nbproj.display.parameter import parameter_json, told_default, told_place, told_rule
from nbproj.errors import one_line
from nbproj.project.model import EntryPoint, Parameter, Project

__all__ = ["JSON_VERSION", "entry_point_text", "project_json", "project_text"]

JSON_VERSION = 1
_CELL = 30  # columns: what is longer is cut, or would push everything else off the screen
_NARROWEST = 24  # columns for an explanation beside a parameter; with less it goes below


def _entry_point_json(entry_point: EntryPoint) -> dict[str, Any]:
    result: dict[str, Any] = {"parameters": {parameter.name: parameter_json(parameter) for parameter in entry_point.parameters}}
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


def _explained(parameter: Parameter, point: EntryPoint) -> str:
    rule, place = told_rule(parameter), told_place(parameter.declared, point)
    return f"{rule} [{place}]".lstrip() if place else rule


def _table(point: EntryPoint, width: int, indent: str) -> list[str]:
    """Return a line for each parameter, or more where its explanation is long or the terminal narrow."""
    rows = [
        ((printable(parameter.name), clip(printable(parameter.type), _CELL), clip(told_default(parameter), _CELL)), _explained(parameter, point))
        for parameter in point.parameters
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
    if point.declared is not None and str(point.declared) != point.notebook:
        lines.append(f"{indent}declared in {printable(str(point.declared))}")
    if point.help:
        lines.extend(wrap(one_line(point.help), width, first=indent, rest=indent))
    if point.problem is not None:
        lines.extend(wrap(f"cannot be run: {one_line(str(point.problem))}", width, first=indent, rest=indent + "  "))
    return [*lines, *_table(point, width, indent)]


def entry_point_text(point: EntryPoint, *, width: int = 100) -> str:
    """Return what one entry point takes, as `--help` would tell it.

    Examples
    --------
    >>> print(entry_point_text(EntryPoint("main", [Parameter("alpha", "float", help="strength")], command="run {alpha}")))
    main  run {alpha}
      alpha  float  required  strength
    """
    lines = [*_title(point.name, point, width + 2), *_details(point, width + 2, "    ")]
    return "\n".join(line[2:] for line in lines)


def project_text(project: Project, found: Mapping[str, EntryPoint] | None = None, *, only: str | None = None, width: int = 100) -> str:
    """Return what a project offers, as `--help` would tell it.

    Parameters
    ----------
    project : Project
        The project.
    found : mapping of str to EntryPoint, optional
        Scripts and notebooks that can be run by their path; None where nobody has looked for them.
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
        lines.extend(["", "  no entry points: no MLproject, script or notebook here" if found is not None else "  no entry points declared"])
    return "\n".join(lines)
