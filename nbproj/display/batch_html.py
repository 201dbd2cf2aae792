"""A batch as HTML that needs neither style sheets nor scripts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from nbproj.display.batch_rows import about_rows, failure_rows, lasted, more_failures, progress_words, table_of
from nbproj.display.card import FRAME, HEAD, IGNORED, STATUS_COLOURS, TABLE, TD, TH, identity
from nbproj.display.facts import cut, moment
from nbproj.display.html import Markup, element, style

__all__ = ["batch_html"]

_MUTED = style(opacity="0.8")
_SHORT = f"{TD};{style(white_space='nowrap')}"
_NUMBER = f"{_SHORT};{style(text_align='right')}"


def batch_html(values: Mapping[str, Any], *, now: float | None = None, zone: dt.tzinfo = dt.UTC) -> Markup:
    """Return a batch as HTML that needs neither style sheets nor scripts.

    Parameters
    ----------
    values : mapping
        As `Batch.values` collects them.
    now : float, optional
        Milliseconds since the epoch: a batch that goes on says when it was looked at.
    zone : tzinfo
        In which that is told.
    """
    status, counts = cut(str(values["status"]), 20), values["counts"]
    colour = STATUS_COLOURS.get(status, "#757575")
    name, took = cut(str(values.get("entry_point") or ""), 60), lasted(values, now)
    parts: list[str] = [element("b", status, style=style(color=colour)), element("b", name), progress_words(values)]
    parts += [took] if took else []
    parts += [Markup("batch " + identity(cut(str(values["batch_id"]), 80)))]
    if values.get("end_time") is None and now is not None:
        parts.append(element("span", f"as of {moment(now, zone)}", style=_MUTED))
    header = element("div", *[part for one in parts for part in (" \u00b7 ", one)][1:])
    running = [cut(str(one), 120) for one in values.get("active") or []]
    return element(
        "div",
        header,
        _bar(counts),
        element("div", "; ".join(running), style=_MUTED) if running else None,
        _rows_html(values),
        _failures_html(values),
        class_=IGNORED,
        style=f"{FRAME};{style(border_left=f'4px solid {colour}')}",
    )


def _bar(counts: Mapping[str, int]) -> Markup:
    total = max(int(counts["points"]), 1)
    parts = [(int(counts["finished"]), STATUS_COLOURS["FINISHED"]), (int(counts.get("failed", 0)), STATUS_COLOURS["FAILED"])]
    filled = [
        element(
            "div", style=style(width=f"{100 * count / total:.1f}%", height="6px", background=colour, display="inline-block", vertical_align="top")
        )
        for count, colour in parts
        if count
    ]
    look = style(
        width="320px", max_width="100%", height="6px", margin="4px 0", background="rgba(117,117,117,0.3)", overflow="hidden", line_height="0"
    )
    return element(
        "div",
        *filled,
        role="progressbar",
        aria_label="points that are through",
        aria_valuemin="0",
        aria_valuenow=str(sum(count for count, _ in parts)),
        aria_valuemax=str(total),
        style=look,
    )


def _rows_html(values: Mapping[str, Any]) -> Markup | None:
    table = table_of(values)
    if not table.rows:
        return None
    texts = len(table.heads) - table.numbers - 1
    right = HEAD + ";" + style(text_align="right")
    looks = [HEAD] * texts + [right] * table.numbers + [HEAD]
    top = element("thead", element("tr", *(element("th", head, scope="col", style=look) for head, look in zip(table.heads, looks, strict=True))))
    body = [
        element(
            "tr",
            *(element("td", cell, style=_SHORT if index < texts else _NUMBER) for index, cell in enumerate(row[:-1])),
            element("td", identity(row[-1]), style=TD),
        )
        for row in table.rows
    ]
    about = about_rows(values)
    body += [element("tr", element("td", about, colspan=len(table.heads), style=TD))] if about else []
    return element("table", top, element("tbody", *body), style=TABLE)


def _failures_html(values: Mapping[str, Any]) -> Markup | None:
    failures = failure_rows(values)
    if not failures:
        return None
    heads = [element("th", head, scope="col", style=HEAD) for head in ("failed", "why", "run")]
    body = [
        element("tr", element("th", label, scope="row", style=TH), element("td", reason, style=TD), element("td", identity(run_id), style=TD))
        for label, reason, run_id in failures
    ]
    more = more_failures(values)
    body += [element("tr", element("td", more, colspan=3, style=TD))] if more else []
    return element("table", element("thead", element("tr", *heads)), element("tbody", *body), style=TABLE)
