"""A run as text and as JSON. Pure functions of plain values: every front door shows the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nbproj.display.columns import clip, columns, printable, wrap
from nbproj.display.quantity import duration, number
from nbproj.errors import one_line

__all__ = ["JSON_VERSION", "run_json", "run_text"]

JSON_VERSION = 1
_MANY = 12
_PAIR = 60  # columns of a name and its value
_REASON_LINES = 4
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


def _labelled(label: str, text: str, width: int, *, between: str = " ") -> list[str]:
    head = f"  {label:<11}"
    return wrap(text, width, first=head, rest=" " * len(head), between=between)


def _limited(texts: Sequence[str]) -> list[str]:
    return [*texts[:_MANY], f"and {len(texts) - _MANY} more"] if len(texts) > _MANY else list(texts)


def _pairs(label: str, values: Mapping[str, str], width: int) -> list[str]:
    if not values:
        return []
    pairs = [clip(f"{one_line(name)}={one_line(value)}", _PAIR) for name, value in values.items()]
    return _labelled(label, "  ".join(_limited(pairs)), width, between="  ")


def _trace(text: str) -> list[str]:
    # IPython opens with a rule as wide as its own idea of the terminal.
    lines = [printable(line.expandtabs()).rstrip() for line in text.rstrip().splitlines() if set(line) != {"-"}]
    if len(lines) > _TRACE_LINES:
        lines = [f"... {len(lines) - _TRACE_LINES} lines above", *lines[-_TRACE_LINES:]]
    return lines


def run_text(values: Mapping[str, Any], *, width: int = 100) -> str:
    """Return what came out of a run, in a few lines: a traceback if there is one, how it ended, what it left, where to look.

    Parameters
    ----------
    values : mapping
        What `Run` collects.
    width : int
        Columns of the terminal. Addresses and ids are never cut or broken, so that they can be copied.

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
    lines = _trace(values["traceback"]) if values.get("traceback") else []
    seconds = _seconds(values)
    parts = [one_line(values["status"]), one_line(values.get("entry_point") or ""), duration(seconds) if seconds is not None else ""]
    title, name = "  ".join(part for part in parts if part), f"run {values['run_id']}"
    beside = columns(title) + 2 + columns(name) <= width
    lines.extend([f"{title}  {name}"] if beside else [title, f"  {'run':<11}{values['run_id']}"])
    if values.get("reason"):
        lines.extend(_labelled("reason", clip(one_line(values["reason"]), _REASON_LINES * width), width))
    lines.extend(_pairs("metrics", {name: number(value) for name, value in sorted(values["metrics"].items())}, width))
    lines.extend(_pairs("params", values["params"], width))
    others = [printable(path) for path in values.get("artifacts", ()) if not path.startswith("run/")]
    if others:
        lines.extend(_labelled("artifacts", "  ".join(_limited(others)), width, between="  "))
    for label in ("notebook", "store", "look"):
        if values.get(label):
            lines.append(f"  {label:<11}{printable(values[label])}")
    return "\n".join(lines)
