"""What a batch shows of its runs, as texts: how far it is, the rows of its table, what failed. The card and the plain text are made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nbproj.display.facts import between, cut
from nbproj.display.quantity import duration, elapsed, number
from nbproj.display.sparkline import plain_float

__all__ = ["MOST_ROWS", "BatchTable", "about_rows", "failure_rows", "lasted", "more_failures", "progress_words", "table_of"]

MOST_ROWS: Final = 10
"""Of runs, of failures, of what goes on."""

_PARAMS: Final = 5
_METRICS: Final = 4
_DIGITS: Final = 8
_STATES: Final = ("failed", "killed", "running", "waiting")


def progress_words(values: Mapping[str, Any]) -> str:
    """Return how far a batch is, in words.

    Examples
    --------
    >>> progress_words({"counts": {"points": 20, "finished": 12, "failed": 1, "running": 2, "waiting": 5, "killed": 0}})
    '12 of 20 finished, 1 failed, 2 running, 5 waiting'
    """
    counts = values["counts"]
    return ", ".join(
        [f"{int(counts['finished'])} of {int(counts['points'])} finished", *(f"{int(counts[name])} {name}" for name in _STATES if counts.get(name))]
    )


@dataclass(frozen=True, slots=True)
class BatchTable:
    """The rows that are shown, as texts."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: int
    """Columns before the last that hold numbers, counted from it."""


def table_of(values: Mapping[str, Any]) -> BatchTable:
    """Return the rows that a batch shows: the parameters that vary, the metrics that most have, the named one first."""
    rows = list(values.get("rows") or [])[:MOST_ROWS]
    params = [str(name) for name in values.get("varying") or []][:_PARAMS]
    wanted = str(values.get("metric") or "")
    counted = Counter(name for row in rows for name in row.get("metrics") or {})
    metrics = sorted(counted, key=lambda name: (name != wanted, -counted[name], name))[:_METRICS]
    return BatchTable(
        [*(cut(name, 24) for name in params), *(cut(name, 24) for name in metrics), "took", "run"],
        [
            [
                *(_value(str((row.get("params") or {}).get(name, ""))) for name in params),
                *(number(plain_float(row["metrics"][name])) if name in (row.get("metrics") or {}) else "" for name in metrics),
                _took(row),
                cut(str(row.get("run_id") or ""), 80),
            ]
            for row in rows
        ],
        len(metrics) + 1,
    )


def _value(text: str) -> str:
    """Return a parameter's value; of a number no more digits than anybody reads."""
    try:
        return number(float(text)) if len(text) > _DIGITS else cut(text, 24)
    except ValueError:
        return cut(text, 24)


def _took(row: Mapping[str, Any]) -> str:
    seconds = between(row.get("start_time"), row.get("end_time"))
    return duration(seconds) if seconds is not None else ""


def about_rows(values: Mapping[str, Any]) -> str:
    """Return which of the runs the rows are; empty when they are all."""
    metric = str(values.get("metric") or "")
    shown, finished = len(list(values.get("rows") or [])[:MOST_ROWS]), int(values["counts"].get("finished", 0))
    if shown >= finished:
        return ""
    return f"the best {shown} by {cut(metric, 40)}" if metric else f"the first {shown} of {finished}"


def failure_rows(values: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the points that failed: what they are called, why, and their runs."""
    varying = list(values.get("varying") or [])
    found = []
    for row in list(values.get("failures") or [])[:MOST_ROWS]:
        params = row.get("params") or {}
        label = row.get("label") or " ".join(f"{name}={params[name]}" for name in varying if name in params)
        found.append((cut(str(label), 80), cut(str(row.get("reason") or "failed"), 160), cut(str(row.get("run_id") or ""), 80)))
    return found


def more_failures(values: Mapping[str, Any]) -> str:
    """Return how many failed that have no row."""
    more = int(values["counts"].get("failed", 0)) - len(failure_rows(values))
    return f"and {more} more that failed" if more > 0 else ""


def lasted(values: Mapping[str, Any], now: float | None = None) -> str:
    """Return how long it took, or takes by now."""
    end = values.get("end_time")
    seconds = between(values.get("start_time"), end if end is not None else now)
    return "" if seconds is None else duration(seconds) if end is not None else elapsed(seconds)
