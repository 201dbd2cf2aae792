"""The card of a run: one bundle for notebooks, pages, terminals and programs. Static, without scripts, equal bytes for equal values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from nbproj.display import sparkline
from nbproj.display.card_json import MIME, card_json
from nbproj.display.card_text import card_text
from nbproj.display.facts import Facts
from nbproj.display.html import Markup, element, style
from nbproj.display.preview import previews_html
from nbproj.display.terminal import spans_html

__all__ = ["FRAME", "HEAD", "IGNORED", "STATUS_COLOURS", "TABLE", "TD", "TH", "bundle", "card_html", "identity"]

STATUS_COLOURS = {
    "FINISHED": "#1a8745",
    "FAILED": "#d93f4c",
    "REFUSED": "#d93f4c",
    "KILLED": "#9a6e00",
    "RUNNING": "#2f75d6",
}
"""The word says it; the colour, which reads on light and dark, repeats it."""

IGNORED = "tex2jax_ignore mathjax_ignore"
"""Pages of notebooks typeset what stands between dollars; data is text."""

_QUIET = "#757575"
_MUTED = style(opacity="0.8")
FRAME = style(margin="4px 0", padding="2px 0 2px 12px", line_height="1.45", text_align="left")
# JupyterLab stripes rows, draws a line below heads and sets lines close: good for data frames, not for a handful of facts.
_ROW = style(background="transparent")
_TOP = style(border="none", background="transparent")
TABLE = style(border_collapse="collapse", border="none", margin="6px 0 6px 0", font_size="inherit")
HEAD = style(
    text_align="left",
    line_height="inherit",
    vertical_align="top",
    padding="1px 16px 1px 0",
    border="none",
    background="transparent",
    opacity="0.8",
    font_weight="normal",
)
TH = style(
    text_align="left",
    line_height="inherit",
    padding="1px 16px 1px 0",
    border="none",
    background="transparent",
    font_weight="normal",
    vertical_align="top",
)
TD = style(
    text_align="left",
    line_height="inherit",
    padding="1px 16px 1px 0",
    border="none",
    background="transparent",
    vertical_align="top",
    max_width="640px",
)
# On a narrow page long values are broken, not names; of metrics the names.
_VALUE = f"{TD};{style(overflow_wrap='anywhere', white_space='normal')}"
_NUMBER = f"{TD};{style(white_space='nowrap')}"
_METRIC = f"{TH};{style(overflow_wrap='anywhere')}"
_PRE = style(
    margin="4px 0",
    padding="6px 8px",
    overflow="auto",
    max_height="360px",
    white_space="pre",
    font_family="monospace",
    line_height="1.3",
    background="rgba(117,117,117,0.12)",
    color="inherit",
    border="none",
)
_ID = style(display="inline-block", max_width="8ch", padding="0", overflow="hidden", white_space="nowrap", vertical_align="bottom", user_select="all")


def bundle(values: Mapping[str, Any], *, zone: dt.tzinfo = dt.UTC, width: int = 100) -> dict[str, Any]:
    """Return a run for display, by MIME type.

    Parameters
    ----------
    values : mapping
        What `Run` or `CardState` collect; `facts.Facts.of` names them.
    zone : tzinfo
        In which times are told.
    width : int
        Columns of the plain text.

    Returns
    -------
    dict
        `text/plain`, `text/html` and the run's own type with less than 10 kB of JSON.

    Examples
    --------
    >>> sorted(bundle({"status": "FINISHED", "run_id": "0123456789abcdef"}))
    ['application/vnd.nbproj.run.v1+json', 'text/html', 'text/plain']
    """
    facts = Facts.of(values, zone)
    return {"text/plain": card_text(facts, width=width), "text/html": str(card_html(facts)), MIME: card_json(values, facts)}


def identity(run_id: str) -> Markup:
    """Return an id of which eight characters show and the whole is copied."""
    return element("code", run_id, title=run_id, style=_ID)


def card_html(facts: Facts) -> Markup:
    """Return a run as HTML that stays a readable page where styles, colours and pictures are taken away.

    Parameters
    ----------
    facts : Facts
        What is told.
    """
    colour = STATUS_COLOURS.get(facts.status, _QUIET)
    return element(
        "div",
        _header(facts, colour),
        _progress(facts, colour),
        element("div", facts.reason, style=style(overflow_wrap="break-word", margin="2px 0")) if facts.reason else None,
        _failure(facts),
        _metrics(facts),
        _params(facts),
        _output(facts),
        previews_html(facts.previews),
        _places(facts),
        class_=IGNORED,
        style=f"{FRAME};{style(border_left=f'4px solid {colour}')}",
    )


def _header(facts: Facts, colour: str) -> Markup:
    parts: list[str] = [element("b", facts.status, style=style(color=colour))]
    parts += [element("b", facts.title)] if facts.title else []
    parts += [text for text in (facts.name, facts.lasted) if text]
    parts += [Markup("run " + identity(facts.run_id))] if facts.run_id else []
    parts += [element("span", f"as of {facts.saved}", style=_MUTED)] if facts.saved else []
    separated = [part for one in parts for part in (" \u00b7 ", one)]
    return element("div", *separated[1:])


def _progress(facts: Facts, colour: str) -> Markup | None:
    if facts.ended or not (facts.step or facts.cells):
        return None
    if facts.cells is None:
        return element("div", facts.step, style=_MUTED)
    done, total = facts.cells
    share = f"{100 * done / max(total, 1):.0f}%"
    filled = element("div", style=style(width=share, height="6px", background=colour, border_radius="3px"))
    return element(
        "div",
        element("span", facts.step or f"{done} of {total} cells done", style=_MUTED),
        element(
            "div",
            filled,
            role="progressbar",
            aria_label="cells done",
            aria_valuemin="0",
            aria_valuenow=str(done),
            aria_valuemax=str(total),
            style=style(width="240px", max_width="100%", height="6px", margin="3px 0", background="rgba(117,117,117,0.3)", border_radius="3px"),
        ),
    )


def _failure(facts: Facts) -> Markup | None:
    if not facts.source and not facts.trace:
        return None
    cell = f"cell {facts.cell}" if facts.cell is not None else "the failing cell"
    parts: list[str] = []
    if facts.source:
        more = _more(facts, "source", "lines below")
        parts += [element("div", cell, " ", more, style=_MUTED), _pre("\n".join(facts.source))]
    if facts.trace:
        more = _more(facts, "trace", "lines above")
        parts += [element("div", "traceback ", more, style=_MUTED), _pre(spans_html(facts.trace))]
    return element("div", *parts)


def _pre(text: str) -> Markup:
    return element("pre", text, tabindex="0", style=_PRE)  # what scrolls can be reached by keyboard


def _more(facts: Facts, field: str, unit: str = "more") -> str | None:
    return f"({facts.left_out[field]} {unit})" if field in facts.left_out else None


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], more: str | None, *, name: str = TH, value: str = _VALUE) -> Markup:
    heads = list(head)
    body = [
        element("tr", element("th", first, scope="row", style=name), *(element("td", one, style=value) for one in rest), style=_ROW)
        for first, *rest in rows
    ]
    if more:
        body.append(element("tr", element("td", more, colspan=len(heads), style=TD), style=_ROW))
    top = element("thead", element("tr", *(element("th", one, scope="col", style=HEAD) for one in heads), style=_ROW), style=_TOP)
    return element("table", top, element("tbody", *body), style=TABLE)


def _metrics(facts: Facts) -> Markup | None:
    if not facts.metrics:
        return None
    curves = [sparkline.svg(metric.points, count=metric.count) if metric.count > 1 else "" for metric in facts.metrics]
    head = ["metric", "value", *(["course"] if any(curves) else [])]
    rows = [[metric.name, element("b", metric.value), curve][: len(head)] for metric, curve in zip(facts.metrics, curves, strict=True)]
    return _table(head, rows, _more(facts, "metrics"), name=_METRIC, value=_NUMBER)


def _params(facts: Facts) -> Markup | None:
    return _table(["parameter", "value"], facts.params, _more(facts, "params")) if facts.params else None


def _output(facts: Facts) -> Markup | None:
    if not facts.tail:
        return None
    unfolded = not facts.ended or (facts.status != "FINISHED" and not facts.trace)
    lines = f"output: the last {len(facts.tail)} lines" if len(facts.tail) > 1 else "output: the last line"
    return element("details", element("summary", lines, style=_MUTED), _pre(spans_html(facts.tail)), open=unfolded)


def _places(facts: Facts) -> Markup | None:
    more = _more(facts, "artifacts")
    artifacts = [*facts.artifacts, *([more] if more else [])]
    more = _more(facts, "notes")
    rows = [("artifacts", ", ".join(artifacts))] if artifacts else []
    rows += [*facts.about, *(("note", note) for note in facts.notes), *([("notes", more)] if more else [])]
    if not rows:
        return None
    body = [element("tr", element("th", label, scope="row", style=HEAD), element("td", text, style=_VALUE), style=_ROW) for label, text in rows]
    return element("table", element("tbody", *body), style=TABLE)
