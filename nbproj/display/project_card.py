"""A project, and one entry point of it, for notebooks and pages: static, without scripts, equal bytes for equal values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbproj.display.card import FRAME, HEAD, IGNORED, TABLE, TD, TH
from nbproj.display.card_json import Level, fitting
from nbproj.display.facts import cut
from nbproj.display.html import Markup, clean, element, style
from nbproj.display.parameter import told_default, told_place, told_rule
from nbproj.display.project import JSON_VERSION, entry_point_text, project_json, project_text
from nbproj.project.model import EntryPoint, Project

__all__ = ["MIME", "entry_point_bundle", "project_bundle"]

MIME = "application/vnd.nbproj.project.v1+json"
_MANY = 24
_FEW = 5
_LONG = 400
_MUTED = style(opacity="0.8")
_BLOCK = style(margin="8px 0 0 0")
_CODE = style(padding="0", background="transparent", color="inherit", overflow_wrap="break-word", font_family="monospace")
_VALUE = TD + ";" + style(overflow_wrap="break-word", white_space="normal")
_LINES = style(margin="2px 0", padding="0", background="transparent", color="inherit", white_space="pre", overflow="auto", font_family="monospace")


def project_bundle(project: Project, *, width: int = 100) -> dict[str, Any]:
    """Return a project for display, by MIME type.

    Parameters
    ----------
    project : Project
        What is shown: its declared entry points, without executing anything.
    width : int
        Columns of the plain text.

    Returns
    -------
    dict
        `text/plain`, `text/html` and the project's own type with less than 10 kB of JSON.

    Examples
    --------
    >>> from pathlib import Path
    >>> sorted(project_bundle(Project("wine", Path("/wine"))))
    ['application/vnd.nbproj.project.v1+json', 'text/html', 'text/plain']
    """
    environment = project.environment
    about = f"{environment.kind} environment" + (f" ({environment.file})" if environment.file else "")
    points = list(project.entry_points.values())
    warnings = [f"warning: {warning}" for warning in project.warnings[:_FEW]]
    html = element(
        "div",
        element("div", element("b", cut(project.name, 80)), " \u00b7 ", cut(about)),
        *(element("div", cut(warning, _LONG), style=_MUTED) for warning in warnings),
        _more(len(project.warnings) - _FEW, "warnings"),
        *map(_entry_point, points[:_MANY]),
        _more(len(points) - _MANY, "entry points"),
        element("div", "no entry points declared", style=_BLOCK) if not points else None,
        class_=IGNORED,
        style=FRAME,
    )
    text = "\n".join([project_text(project, width=width), *([""] if warnings else []), *(cut(warning, _LONG) for warning in warnings)])
    return {"text/plain": text, "text/html": str(html), MIME: _small(project_json(project))}


def entry_point_bundle(point: EntryPoint, *, width: int = 100) -> dict[str, Any]:
    """Return one entry point for display, by MIME type; in the project's own type it is the only one of a project without a name.

    Parameters
    ----------
    point : EntryPoint
        What is shown.
    width : int
        Columns of the plain text.

    Examples
    --------
    >>> print(entry_point_bundle(EntryPoint("main", command="true"))["text/plain"])
    main  true
    """
    document = {"version": JSON_VERSION, "name": "", "environment": {}, "entry_points": {point.name: _document(point)}, "warnings": []}
    return {
        "text/plain": entry_point_text(point, width=width),
        "text/html": str(element("div", _entry_point(point), class_=IGNORED, style=FRAME)),
        MIME: _small(document),
    }


def _document(point: EntryPoint) -> dict[str, Any]:
    document: dict[str, Any] = project_json(Project("", Path(), {point.name: point}))["entry_points"][point.name]
    return document


def _more(count: int, what: str) -> Markup | None:
    return element("div", f"and {count} more {what}", style=_MUTED) if count > 0 else None


def _entry_point(point: EntryPoint) -> Markup:
    commands = [clean(line[:_LONG]) for line in (point.command or "").split("\n") if line.strip()]
    what: Markup | None = None
    if point.notebook:
        what = element("span", cut(f"notebook {point.notebook}" + (f" ({point.cells})" if point.cells else "")))
    elif len(commands) == 1:
        what = element("code", cut(commands[0], _LONG), style=_CODE)
    place = str(point.declared) if point.declared is not None and str(point.declared) != point.notebook else ""
    title = [
        element("b", cut(point.name)),
        *([" \u00b7 ", what] if what else []),
        *([" \u00b7 ", element("span", cut(place), style=_MUTED)] if place else []),
    ]
    return element(
        "div",
        element("div", *title),
        element("pre", "\n".join(commands[:_MANY]), tabindex="0", style=_LINES) if len(commands) > 1 else None,
        element("div", cut(point.help, _LONG)) if point.help else None,
        element("div", element("b", "cannot be run"), ": ", cut(str(point.problem), _LONG)) if point.problem is not None else None,
        _parameters(point),
        style=_BLOCK,
    )


def _parameters(point: EntryPoint) -> Markup | None:
    if not point.parameters:
        return None
    rows = [
        (
            cut(one.name),
            cut(one.type, 40),
            cut(told_default(one).removeprefix("= ")),
            cut(told_rule(one), _LONG),
            cut(told_place(one.declared, point), 80),
        )
        for one in point.parameters[:_MANY]
    ]
    heads = ["parameter", "type", "default", "what it is", "declared"]
    kept = [index for index in range(len(heads)) if index == 0 or any(row[index] for row in rows)]
    top = element("thead", element("tr", *(element("th", heads[index], scope="col", style=HEAD) for index in kept)))
    body = [_row([row[index] for index in kept]) for row in rows]
    if len(point.parameters) > _MANY:
        body.append(element("tr", element("td", f"and {len(point.parameters) - _MANY} more", colspan=len(kept), style=TD)))
    return element("table", top, element("tbody", *body), style=TABLE)


def _row(cells: Iterable[str]) -> Markup:
    first, *rest = cells
    return element("tr", element("th", first, scope="row", style=TH), *(element("td", cell, style=_VALUE) for cell in rest))


def _small(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document cut until it is small enough; `left_out` counts the entries that are missing, of lists and mappings alike."""

    def make(level: Level) -> dict[str, Any]:
        left = 0

        def less(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
            nonlocal left
            if isinstance(value, str):
                lines = value[: 4 * level.characters].split("\n")[: level.lines + 1]  # a command keeps its lines
                return "\n".join(cut(line, level.characters) for line in lines)
            if isinstance(value, Mapping):
                kept = {cut(str(name), level.characters): less(item) for name, item in list(value.items())[: _room(value, level)]}
                left += len(value) - len(kept)
                return kept
            if isinstance(value, Sequence):
                left += max(len(value) - level.entries, 0)
                return [less(item) for item in value[: level.entries]]
            return cut(str(value), level.characters) if isinstance(value, int) and abs(value) >= 2**63 else value

        small = {name: less(value) for name, value in document.items()}
        return {**small, "left_out": left}

    return fitting(make)


def _room(mapping: Mapping[str, Any], level: Level) -> int:
    # What describes one thing - a parameter, an entry point - stays whole; what lists many is cut.
    return level.entries if all(isinstance(value, Mapping) for value in mapping.values()) else max(level.entries, 16)
