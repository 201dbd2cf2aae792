"""A batch as a card: how far it is, its best runs, what failed. Plain text, HTML without scripts, JSON. Pure functions of plain values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from nbproj.display.batch_html import batch_html
from nbproj.display.batch_rows import MOST_ROWS, about_rows, failure_rows, lasted, more_failures, progress_words, table_of
from nbproj.display.card_json import Level, fitting, plain_number, whole
from nbproj.display.columns import clip, columns, pad
from nbproj.display.facts import cut
from nbproj.display.run import JSON_VERSION
from nbproj.display.sparkline import plain_float
from nbproj.progress import Event

__all__ = ["MIME", "batch_text", "bundle", "failures_of", "rows_of"]

MIME = "application/vnd.nbproj.batch.v1+json"


def failures_of(event: Event) -> list[str]:
    """Return a line for each run that an event tells the end of, if it did not finish."""
    ended: Any = event.data.get("ended") or []
    lines = []
    for one in ended:
        if one["status"] != "FINISHED":
            again = "" if one["last"] or one["status"] != "FAILED" else " (it is tried again)"
            lines.append(f"{one['status'].lower()}: {one['label']}: {one['reason'] or 'no reason is known'}, run {one['run_id'][:8]}{again}")
    return lines


def rows_of(event: Event) -> list[str]:
    """Return a line for each run that goes on, as an event tells it."""
    running: Any = event.data.get("running") or []
    rows = []
    for one in running[:MOST_ROWS]:
        cells = one.get("cells")
        rows.append(f"  {one['label']}" + (f"  cell {cells[0] + 1} of {cells[1]}" if cells and cells[0] < cells[1] else ""))
    return rows + ([f"  and {len(running) - MOST_ROWS} more"] if len(running) > MOST_ROWS else [])


def batch_text(values: Mapping[str, Any], *, now: float | None = None, width: int = 100) -> str:
    """Return a batch as plain text.

    Parameters
    ----------
    values : mapping
        As `Batch.values` collects them.
    now : float, optional
        Milliseconds since the epoch.
    width : int
        Columns.
    """
    took = lasted(values, now)
    head = f"{cut(str(values['status']), 20)} {cut(str(values.get('entry_point') or ''), 60)}: {progress_words(values)}"
    lines = [clip(head, width - len(took) - 4) + (f" in {took}" if took else "")]
    table = table_of(values)
    if table.rows:
        grid = [list(table.heads), *([*row[:-1], row[-1][:8]] for row in table.rows)]
        widths = [max(columns(line[index]) for line in grid) for index in range(len(table.heads))]
        while sum(widths) + 2 * len(widths) > width and len(widths) > 2:  # noqa: PLR2004 - the first and the run stay
            del widths[-2]
            for line in grid:
                del line[-2]
        lines += ["  " + "  ".join(pad(clip(cell, size), size) for cell, size in zip(line, widths, strict=True)).rstrip() for line in grid]
    about = about_rows(values)
    lines += [f"  {about}"] if about else []
    lines += [clip(f"  failed: {label}: {reason} (run {run_id[:8]})", width) for label, reason, run_id in failure_rows(values)]
    more = more_failures(values)
    lines += [f"  {more}"] if more else []
    lines.append(f"  batch {cut(str(values['batch_id']), 80)[:8]}" + (f" in {cut(str(values['store']), 200)}" if values.get("store") else ""))
    return "\n".join(lines)


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    def make(level: Level) -> dict[str, Any]:
        runs = [
            {
                "run_id": cut(str(row.get("run_id") or ""), 64),
                "status": cut(str(row.get("status") or "?"), 20),
                "params": {
                    cut(str(name), level.characters): cut(str(value), level.characters)
                    for name, value in list((row.get("params") or {}).items())[: level.entries]
                },
                "metrics": {
                    cut(str(name), level.characters): plain_number(plain_float(value))
                    for name, value in list((row.get("metrics") or {}).items())[: level.entries]
                },
            }
            for row in list(values.get("rows") or [])[: min(level.entries, MOST_ROWS)]
        ]
        failures = [
            {"label": cut(label, level.characters), "reason": cut(reason, level.characters), "run_id": run_id}
            for label, reason, run_id in failure_rows(values)[: level.entries]
        ]
        return {
            "version": JSON_VERSION,
            "batch_id": cut(str(values["batch_id"]), 64),
            "status": cut(str(values["status"]), 20),
            "entry_point": cut(str(values.get("entry_point") or ""), max(level.characters, 12)),
            "counts": {cut(str(name), 20): int(count) for name, count in values["counts"].items()},
            "start_time": whole(values.get("start_time")),
            "end_time": whole(values.get("end_time")),
            "runs": runs,
            "failures": failures,
        }

    return fitting(make)


def bundle(values: Mapping[str, Any], *, now: float | None = None, zone: dt.tzinfo = dt.UTC, width: int = 100) -> dict[str, Any]:
    """Return a batch for display, by MIME type.

    Parameters
    ----------
    values : mapping
        As `Batch.values` collects them: batch_id, status, entry_point, counts, varying, metric, rows, failures, start_time, end_time, store; of a
        batch that goes on `active`, a text for each run.
    now : float, optional
        Milliseconds since the epoch.
    zone : tzinfo
        In which times are told.
    width : int
        Columns of the plain text.

    Returns
    -------
    dict
        `text/plain`, `text/html` and the batch's own type with less than 10 kB of JSON.

    Examples
    --------
    >>> counts = {"points": 2, "finished": 1, "failed": 1}
    >>> run = {"run_id": "0123456789ab", "params": {"alpha": "0.5"}, "metrics": {"rmse": 58.836}, "start_time": 0, "end_time": 2345}
    >>> values = {"batch_id": "abcdef012345", "status": "FAILED", "entry_point": "train", "counts": counts, "varying": ["alpha"], "rows": [run]}
    >>> print(bundle(values)["text/plain"])
    FAILED train: 1 of 2 finished, 1 failed
      alpha  rmse   took   run
      0.5    58.84  2.3 s  01234567
      and 1 more that failed
      batch abcdef01
    """
    return {
        "text/plain": batch_text(values, now=now, width=width),
        "text/html": str(batch_html(values, now=now, zone=zone)),
        MIME: _json(values),
    }
