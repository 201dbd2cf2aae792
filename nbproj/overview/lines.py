"""Runs as the lines of a table that is sent: numbers as numbers, everything else as text of bounded length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nbproj.display.card_json import plain_number
from nbproj.display.facts import between, cut
from nbproj.display.html import clean
from nbproj.record import brief_of
from nbproj.tracking.catalogue.view import Keys, Line, split
from nbproj.tracking.store import RunRecord

__all__ = ["cell", "default_columns", "line", "sound_columns"]

_TEXT: Final = 300
_MOST_COLUMNS: Final = 60
_FIRST: Final = ("status", "name", "entry_point", "start_time", "duration")
_EACH: Final = 4  # metrics, and parameters, that are shown when nobody has chosen
_BOOKKEEPING: Final = ("mlflow.", "nbproj.")

Cell = str | float | int | None


def default_columns(keys: Keys) -> list[str]:
    """Return the columns that are shown when nobody has chosen: those that tell runs apart.

    Examples
    --------
    >>> default_columns(Keys(metrics={"rmse": 3}, params={"lr": 3}, tags={}))
    ['status', 'name', 'start_time', 'duration', 'metrics.rmse', 'params.lr']
    """
    first = [one for one in _FIRST if one != "entry_point" or "mlflow.project.entryPoint" in keys.tags]
    return [*first, *(f"metrics.{key}" for key in list(keys.metrics)[:_EACH]), *(f"params.{key}" for key in list(keys.params)[:_EACH])]


def own_tags(keys: Sequence[str]) -> list[str]:
    """Return the tags that people have set."""
    return [key for key in keys if not key.startswith(_BOOKKEEPING)]


def sound_columns(asked: object, attributes: Sequence[str]) -> list[str]:
    """Return the columns among what a front end has asked for."""
    if not isinstance(asked, list):
        return []
    found = [one for one in asked if isinstance(one, str) and (one in attributes or split(one) is not None)]
    return list(dict.fromkeys(found))[:_MOST_COLUMNS]


def cell(record: RunRecord, brief: Mapping[str, Any], column: str, experiments: Mapping[str, str]) -> Cell:
    """Return what stands in a column of a run.

    Parameters
    ----------
    record : RunRecord
        The run.
    brief : mapping
        What `brief_of` tells of it.
    column : str
        The column.
    experiments : mapping of str to str
        Names by id.
    """
    found = split(column)
    if found is not None:
        kind, key = found
        if kind == "metrics":
            return plain_number(record.metrics[key]) if key in record.metrics else None
        value = (record.params if kind == "params" else record.tags).get(key)
        return cut(value, _TEXT) if value is not None else None
    if column == "duration":
        return between(brief["start_time"], brief["end_time"])
    if column == "user":
        return cut(record.tags.get("mlflow.user", ""), _TEXT)
    if column == "experiment":
        return cut(experiments.get(record.experiment_id, record.experiment_id), _TEXT)
    value = brief.get(column)
    return cut(value, _TEXT) if isinstance(value, str) else value


def line(place: Line, record: RunRecord | None, columns: Sequence[str], experiments: Mapping[str, str]) -> dict[str, Any]:
    """Return a line as it is sent: `id`, `status`, `depth`, `kids`, `start`, `end`, `reason`, and `cells` in the order of the columns."""
    if record is None:  # deleted since the order was made
        return {"id": place.run_id, "status": "DELETED", "depth": place.depth, "kids": 0, "start": None, "end": None, "cells": [None] * len(columns)}
    brief = brief_of(record)
    return {
        "id": place.run_id,
        "label": cut(clean(record.name or place.run_id[:8]), _TEXT),
        "status": brief["status"],
        "depth": place.depth,
        "kids": place.children,
        "start": brief["start_time"],
        "end": brief["end_time"],
        "reason": cut(record.tags.get("nbproj.reason", ""), _TEXT),
        "cells": [cell(record, brief, column, experiments) for column in columns],
    }
