"""The runs of a store that answers through MLflow's library - a server, another database, a folder: read in pages, sorted and searched here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from nbproj.display.sparkline import places
from nbproj.tracking.catalogue.grouping import grouped
from nbproj.tracking.catalogue.view import ENTRY_POINT_TAG, PARENT_TAG, Keys, Line, Span, View, split
from nbproj.tracking.course import stored_value
from nbproj.tracking.mlflow_store import MlflowStore
from nbproj.tracking.store import Metric, RunRecord

__all__ = ["MOST", "MemoryCatalogue"]

MOST: Final = 10_000
"""Runs that are read, the newest."""

_SHARE: Final = 10  # of the time at most a tenth goes into reading again
_FILTERS: Final = 3  # whose answers are kept


class MemoryCatalogue:
    """A `Catalogue` on any store.

    Parameters
    ----------
    store : MlflowStore
        The store.
    experiments : sequence of str, optional
        Ids of the experiments whose runs are meant; all that are not deleted by default.
    """

    pause = 3.0

    def __init__(self, store: MlflowStore, experiments: Sequence[str] | None = None) -> None:
        self._store = store
        self._chosen = experiments
        self._answers: dict[str, list[RunRecord]] = {}
        self._known: dict[str, RunRecord] = {}
        self._next = 0.0

    def close(self) -> None:
        """Forget what was read."""
        self._answers.clear()

    def _read(self, text: str) -> list[RunRecord]:
        begun = time.monotonic()
        found = self._store.search_runs(self._chosen, filter_string=text, limit=MOST)
        self._answers.pop(text, None)
        self._answers[text] = found
        for old in list(self._answers)[: -_FILTERS or None]:
            del self._answers[old]
        self._known |= {record.run_id: record for record in found}
        spent = time.monotonic() - begun
        self._next = time.monotonic() + max(self.pause, _SHARE * spent)
        return found

    def has_changed(self) -> bool:
        """Return whether what was read last is different now; the store is asked for it seldom enough."""
        if time.monotonic() < self._next:
            return False
        if not self._answers:
            return True
        text = next(reversed(self._answers))
        before = self._answers[text]
        changed = self._read(text) != before
        if changed:
            for other in [one for one in self._answers if one != text]:
                del self._answers[other]
        return changed

    def experiments(self) -> Mapping[str, str]:
        """Return the names of experiments by id."""
        found = self._store.consult("list experiments", lambda backing: list(backing.search_experiments(max_results=1000)))
        return {str(one.experiment_id): str(one.name) for one in found}

    def span(self, view: View, start: int, count: int) -> Span:
        """Return a window of the lines of a view."""
        text = view.filter.strip()
        every = self._answers[text] if text in self._answers else self._read(text)
        words = [word.lower() for word in view.words]
        found = [record for record in every if all(_holds(record, word) for word in words)]
        found.sort(key=lambda record: record.start_time or 0, reverse=True)
        keyed = [(_key(record, view.sort), record) for record in found]
        valued = sorted((one for one in keyed if one[0] is not None), key=lambda one: one[0], reverse=view.descending)
        valued.sort(key=lambda one: one[0][0] if isinstance(one[0], tuple) else 0)  # numbers before words in both orders
        ordered = [record for _value, record in valued] + [record for value, record in keyed if value is None]
        if view.grouped:
            lines = grouped(
                [(record.run_id, record.tags.get(PARENT_TAG)) for record in ordered], view.opened, lambda ids: set(ids) & set(self._known)
            )
            return Span(len(lines), len(ordered), lines[start : start + count])
        return Span(len(ordered), len(ordered), [Line(record.run_id) for record in ordered[start : start + count]])

    def records(self, run_ids: Sequence[str], columns: Iterable[str] | None = None) -> dict[str, RunRecord]:  # noqa: ARG002 - all values are here
        """Return runs by id."""
        return {run_id: self._known[run_id] if run_id in self._known else self._store.get_run(run_id) for run_id in run_ids}

    def keys(self, newest: int | None = None) -> Keys:
        """Return what values there are."""
        every = (self._answers[""] if "" in self._answers else self._read(""))[:newest]

        def counted(kind: str) -> dict[str, int]:
            counts = Counter(key for record in every for key in getattr(record, kind))
            varied: dict[str, bool] = {}
            if kind == "params":
                varied = {key: len({record.params.get(key) for record in every} - {None}) > 1 for key in counts}
            return dict(sorted(counts.items(), key=lambda item: (not varied.get(item[0], False), -item[1], item[0])))

        return Keys(counted("metrics"), counted("params"), counted("tags"))

    def history(self, run_id: str, key: str, limit: int) -> list[Metric]:
        """Return the course of a metric by its steps."""
        every = sorted(self._store.metric_history(run_id, key), key=lambda one: (one.step, one.timestamp))
        values = [stored_value(one.value) for one in every]
        return [Metric(key, values[place], every[place].timestamp, every[place].step) for place in places(values, limit)]


def _holds(record: RunRecord, word: str) -> bool:
    own = (record.name, record.run_id, record.status, record.tags.get("mlflow.user", ""), record.tags.get(ENTRY_POINT_TAG, ""))
    more = (record.tags.get("mlflow.note.content", ""), record.tags.get("nbproj.reason", ""))
    return any(word in text.lower() for text in (*own, *more)) or any(word in f"{key}={value}".lower() for key, value in record.params.items())


def _key(record: RunRecord, column: str) -> Any:  # noqa: ANN401 - what can be compared with its like
    """Return what a run is sorted by; None where it has no value, and stands last."""
    found = split(column)
    if found is None:
        now = time.time() * 1000
        values = {
            "status": record.status,
            "name": record.name.lower(),
            "start_time": record.start_time,
            "duration": (record.end_time or now) - record.start_time if record.start_time is not None else None,
            "user": record.tags.get("mlflow.user", "").lower(),
            "experiment": record.experiment_id,
            "run_id": record.run_id,
            "entry_point": record.tags.get(ENTRY_POINT_TAG),
        }
        return values.get(column)
    kind, key = found
    if kind == "metrics":
        value = stored_value(record.metrics.get(key))
        return None if value != value else value  # noqa: PLR0124 - NaN is no value to sort by
    text = (record.params if kind == "params" else record.tags).get(key)
    if text is None:
        return None
    try:
        return (0, float(text), "")
    except ValueError:
        return (1, 0.0, text.lower())
