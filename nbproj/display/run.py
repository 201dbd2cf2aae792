"""A run as text and as JSON. Pure functions of plain values: every front door shows the same."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from nbproj.display.quantity import duration, number
from nbproj.errors import one_line

__all__ = ["JSON_VERSION", "run_json", "run_text"]

JSON_VERSION = 1
_MANY = 12
_TRACE_LINES = 40


def _seconds(values: Mapping[str, Any]) -> float | None:
    start, end = values.get("start_time"), values.get("end_time")
    return None if start is None or end is None else (end - start) / 1000


def run_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stable form for programs (docs/contract.md, section 2).

    Parameters
    ----------
    values : mapping
        What `Run` collects.

    Returns
    -------
    dict
        Plain values; metrics that JSON cannot hold are texts ("NaN", "Infinity", "-Infinity").
    """

    def metric(value: float) -> float | str:
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"

    return {
        "version": JSON_VERSION,
        "run_id": values["run_id"],
        "status": values["status"],
        "exit_code": values["exit_code"],
        "stage": "ended" if values["exit_code"] is not None else "running",
        "experiment_id": values["experiment_id"],
        "params": dict(values["params"]),
        "metrics": {name: metric(value) for name, value in values["metrics"].items()},
        "tags": dict(values["tags"]),
        "artifact_uri": values["artifact_uri"],
        "notebook": values["notebook"],
        "duration_s": _seconds(values),
    }


def _pairs(values: Mapping[str, str], width: int, label: str) -> list[str]:
    if not values:
        return []
    shown = [f"{one_line(name)}={one_line(value)}" for name, value in list(values.items())[:_MANY]]
    if len(values) > _MANY:
        shown.append(f"and {len(values) - _MANY} more")
    head = f"  {label:<11}"
    text = "  ".join(textwrap.shorten(pair, width=60, placeholder="...") if len(pair) > 60 else pair for pair in shown)  # noqa: PLR2004 - half a line
    return textwrap.wrap(text, width=width, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False, break_on_hyphens=False)


def run_text(values: Mapping[str, Any], *, width: int = 100) -> str:
    """Return what came out of a run, in a few lines.

    Parameters
    ----------
    values : mapping
        What `Run` collects.
    width : int
        Columns of the terminal.

    Examples
    --------
    >>> values = dict(run_id="0123456789", status="FINISHED", exit_code=0, entry_point="train", params={"alpha": "0.3"}, metrics={"rmse": 58.836})
    >>> values |= dict(artifacts=["run/train.ipynb"], notebook="/a/run/train.ipynb", start_time=0, end_time=2345, store="mlflow.db", reason="")
    >>> print(run_text(values))
    FINISHED  train  2.3 s  run 0123456789
      metrics    rmse=58.84
      params     alpha=0.3
      notebook   /a/run/train.ipynb
      store      mlflow.db
    """
    seconds = _seconds(values)
    parts = [values["status"], one_line(values.get("entry_point") or ""), duration(seconds) if seconds is not None else "", f"run {values['run_id']}"]
    lines = ["  ".join(part for part in parts if part)]
    if values.get("reason"):
        lines.append(f"  {'reason':<11}{one_line(values['reason'])}")
    if values.get("traceback"):
        trace = values["traceback"].rstrip().splitlines()
        lines.extend("    " + line for line in trace[-_TRACE_LINES:])
    lines.extend(_pairs({name: number(value) for name, value in values["metrics"].items()}, width, "metrics"))
    lines.extend(_pairs(values["params"], width, "params"))
    others = [path for path in values.get("artifacts", ()) if not path.startswith("run/")]
    if others:
        more = f" and {len(others) - _MANY} more" if len(others) > _MANY else ""
        lines.append(f"  {'artifacts':<11}{', '.join(map(one_line, others[:_MANY]))}{more}")
    if values.get("notebook"):
        lines.append(f"  {'notebook':<11}{values['notebook']}")
    lines.append(f"  {'store':<11}{values['store']}")
    return "\n".join(lines)
