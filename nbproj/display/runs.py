"""A list of runs as a table: plain text, HTML and JSON. Pure functions of plain values."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbproj.display.card import FRAME, HEAD, IGNORED, STATUS_COLOURS, TABLE, TD, TH, identity
from nbproj.display.card_json import Level, fitting, plain_number, whole
from nbproj.display.columns import clip, columns, pad
from nbproj.display.facts import between, cut, moment
from nbproj.display.html import Markup, element, style
from nbproj.display.quantity import duration, elapsed, number
from nbproj.display.run import JSON_VERSION
from nbproj.display.sparkline import plain_float

__all__ = ["MIME", "bundle", "since"]

MIME = "application/vnd.nbproj.runs.v1+json"
_ROWS = 50
_METRICS = 4
_FIXED = 5  # columns besides the metrics
_NAME = 12  # columns that an entry point keeps
_SHORT = TD + ";" + style(white_space="nowrap")
_NUMBER = _SHORT + ";" + style(text_align="right")


def since(start: float | None, now: float | None) -> str:
    """Return how long ago something was, in the largest unit; an empty text where that is unknown.

    Examples
    --------
    >>> [since(0, seconds * 1000) for seconds in (2, 90, 7300, 200000)], since(None, 1), since(5000, 0)
    (['2 s ago', '1 min ago', '2 h ago', '2 d ago'], '', '0 s ago')
    """
    seconds = between(start, now)
    if seconds is None:
        return ""
    return " ".join(elapsed(seconds).split()[:2]) + " ago"


@dataclass(frozen=True, slots=True)
class _Row:
    status: str
    entry_point: str
    started: str
    ago: str
    took: str
    lasts: str
    metrics: Sequence[str]
    run_id: str


def _row(values: Mapping[str, Any], keys: Sequence[str], now: float | None, zone: dt.tzinfo) -> _Row:
    start, end = values.get("start_time"), values.get("end_time")
    metrics = values.get("metrics") or {}
    seconds, running = between(start, end), between(start, now) if end is None else None
    return _Row(
        status=cut(str(values.get("status") or "?"), 20),
        entry_point=cut(str(values.get("entry_point") or values.get("name") or ""), 60),
        started=moment(start, zone),
        ago=since(start, now),
        took=duration(seconds) if seconds is not None else "",
        lasts=elapsed(running) if running is not None else "",
        metrics=[number(plain_float(metrics[key])) if key in metrics else "" for key in keys],
        run_id=cut(str(values.get("run_id") or ""), 80),
    )


def _key_metrics(runs: Iterable[Mapping[str, Any]]) -> list[str]:
    counts = Counter(key for values in runs for key in values.get("metrics") or {})
    return [key for key, _count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_METRICS]]


def bundle(
    runs: Iterable[Mapping[str, Any]],
    *,
    now: float | None = None,
    metrics: Sequence[str] | None = None,
    zone: dt.tzinfo = dt.UTC,
    width: int = 120,
    total: int | None = None,
) -> dict[str, Any]:
    """Return runs for display, by MIME type, in the order in which they come.

    Parameters
    ----------
    runs : iterable of mapping
        The values of each, as `Run` collects them: status, entry_point, start_time, end_time, metrics, run_id.
    now : float, optional
        Milliseconds since the epoch: the plain text tells how long ago a run started, and how long a running one lasts. What is saved in a page
        tells the time itself.
    metrics : sequence of str, optional
        The metrics to show; by default those that most runs have.
    zone : tzinfo
        In which times are told.
    width : int
        Columns of the plain text.
    total : int, optional
        How many there are, where `runs` are the first of them.

    Returns
    -------
    dict
        `text/plain`, `text/html` and the list's own type with less than 10 kB of JSON.

    Examples
    --------
    >>> one = dict(status="FINISHED", entry_point="train", start_time=0, end_time=2345, metrics={"rmse": 58.836}, run_id="0123456789abcdef")
    >>> print(bundle([one], now=7_200_000)["text/plain"])
    state     entry point  started  took   rmse   run
    FINISHED  train        2 h ago  2.3 s  58.84  01234567
    """
    every = list(runs)
    keys = list(metrics)[:_METRICS] if metrics is not None else _key_metrics(every)
    rows = [_row(values, keys, now, zone) for values in every[:_ROWS]]
    heads = ["state", "entry point", "started", "took", *(cut(key, 24) for key in keys), "run"]
    total = max(total or 0, len(every))
    more = f"and {total - len(rows)} more" if total > len(rows) else ""
    return {
        "text/plain": _text(rows, heads, more, width),
        "text/html": str(_html(rows, heads, more)),
        MIME: _json(every, keys, total),
    }


def _text(rows: Sequence[_Row], heads: Sequence[str], more: str, width: int) -> str:
    if not rows:
        return "no runs"
    table = [list(heads)] + [
        [row.status, row.entry_point, row.ago or row.started, row.took or row.lasts, *row.metrics, row.run_id[:8]] for row in rows
    ]
    widths = [max(columns(line[index]) for line in table) for index in range(len(heads))]

    def surplus() -> int:
        return sum(widths) + 2 * len(widths) - 2 - width

    # What does not fit is taken from the entry point, of which a beginning tells most, then metrics are left out.
    widths[1] = max(widths[1] - max(surplus(), 0), min(widths[1], _NAME))
    while surplus() > 0 and len(widths) > _FIXED:
        del widths[-2]
        for line in table:
            del line[-2]
    lines = ["  ".join(pad(clip(cell, size), size) for cell, size in zip(line, widths, strict=True)).rstrip() for line in table]
    return "\n".join([*lines, *([more] if more else [])])


def _html(rows: Sequence[_Row], heads: Sequence[str], more: str) -> Markup:
    if not rows:
        return element("div", "no runs", class_=IGNORED, style=FRAME)
    right = HEAD + ";" + style(text_align="right")
    looks = [HEAD] * 3 + [right] * (len(heads) - 4) + [HEAD]
    top = element(
        "thead", element("tr", *(element("th", head, scope="col", style=head_style) for head, head_style in zip(heads, looks, strict=True)))
    )
    body = [
        element(
            "tr",
            element("td", element("b", row.status, style=style(color=STATUS_COLOURS.get(row.status, "#757575"))), style=TD),
            element("th", row.entry_point, scope="row", style=TH),
            element("td", row.started, style=_SHORT),
            element("td", row.took, style=_NUMBER),
            *(element("td", value, style=_NUMBER) for value in row.metrics),
            element("td", identity(row.run_id), style=TD),
        )
        for row in rows
    ]
    if more:
        body.append(element("tr", element("td", more, colspan=len(heads), style=TD)))
    return element("div", element("table", top, element("tbody", *body), style=TABLE), class_=IGNORED, style=FRAME)


def _json(every: Sequence[Mapping[str, Any]], keys: Sequence[str], total: int) -> dict[str, Any]:
    def make(level: Level) -> dict[str, Any]:
        shown = every[: level.entries * 2]
        runs = [
            {
                "run_id": cut(str(values.get("run_id") or ""), 64),
                "status": cut(str(values.get("status") or "?"), 20),
                "entry_point": cut(str(values.get("entry_point") or values.get("name") or ""), level.characters),
                "start_time": whole(values.get("start_time")),
                "end_time": whole(values.get("end_time")),
                "metrics": {
                    cut(key, level.characters): plain_number(plain_float((values.get("metrics") or {})[key]))
                    for key in keys
                    if key in (values.get("metrics") or {})
                },
            }
            for values in shown
        ]
        return {"version": JSON_VERSION, "total": total, "left_out": total - len(shown), "runs": runs}

    return fitting(make)
