"""A run as text and as JSON. Pure functions of plain values: every front door shows the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nbproj.display.card_text import card_text
from nbproj.display.facts import Facts

__all__ = ["JSON_VERSION", "run_json", "run_text"]

JSON_VERSION = 1


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


def run_text(values: Mapping[str, Any], *, width: int = 100) -> str:
    """Return what came out of a run, in a few lines: the content of its card, as text.

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
    return card_text(Facts.of(values), width=width)
