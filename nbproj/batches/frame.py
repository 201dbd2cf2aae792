"""The runs of a batch as a table of pandas, which is imported here only."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from nbproj.errors import UsageError
from nbproj.record import Run

__all__ = ["frame_of"]


def frame_of(runs: Iterable[Run]) -> Any:  # noqa: ANN401 - a DataFrame: pandas has no types where it is not installed
    """Return a row for each run: its parameters and metrics by their names, `status`, `seconds` and `run_id`.

    A name that two of these have is told apart as `metrics.NAME`.

    Raises
    ------
    UsageError
        pandas is not installed.
    """
    try:
        pd: Any = import_module("pandas")
    except ImportError as error:
        msg = "Batch.to_frame needs pandas, which is not installed here: pip install pandas"
        raise UsageError(msg) from error
    records = [run.record for run in runs]
    params = dict.fromkeys(name for record in records for name in sorted(record.params))
    metrics = dict.fromkeys(name for record in records for name in sorted(record.metrics))
    taken = {*params, "status", "seconds", "run_id"}
    columns: dict[str, list[Any]] = {name: [record.params.get(name) for record in records] for name in params}
    table = {name: _numbers(pd, values) for name, values in columns.items()}
    table |= {f"metrics.{name}" if name in taken else name: [record.metrics.get(name) for record in records] for name in metrics}
    table["status"] = [record.status for record in records]
    table["seconds"] = [
        (record.end_time - record.start_time) / 1000 if record.end_time is not None and record.start_time is not None else None for record in records
    ]
    table["run_id"] = [record.run_id for record in records]
    return pd.DataFrame(table)


def _numbers(pd: Any, values: list[Any]) -> Any:  # noqa: ANN401 - pandas itself, and a column of it
    """Return texts as numbers where all of them are."""
    try:
        return pd.to_numeric(pd.Series(values))
    except (ValueError, TypeError):
        return values
