"""A batch as its user holds it: what came out, and what can be done with it. The runs stay in the store; they are read when they are asked for."""

from __future__ import annotations

import datetime as dt
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from nbproj.batches.identity import digest_of
from nbproj.batches.order import Direction
from nbproj.batches.record import METRIC_TAG, POINT_TAG, SIZE_TAG, SPACE_FILE, Standing, children, standing
from nbproj.batches.space import Space
from nbproj.display.shown import ShownOnce
from nbproj.errors import NbprojError, RunError, UsageError, suggestion
from nbproj.record import Run
from nbproj.runlist import RunList
from nbproj.tracking.store import RunRecord, Store

__all__ = ["Batch"]

_SHOWN: Final = 10


class Batch(ShownOnce):
    """Many runs of one entry point, and the run that stands for all of them.

    Parameters
    ----------
    store : Store or callable
        Where they are; or what opens that, when it is first looked at.
    batch_id : str
        The id of the run that stands for the batch.

    Examples
    --------
    >>> import nbproj
    >>> batch = nbproj.batch("notebooks/diabetes", "train", parameters={"alpha": "logspace(-3, 0, 4)"})  # doctest: +SKIP
    >>> batch.counts["finished"], batch.best("rmse").params["alpha"]  # doctest: +SKIP
    (4, '0.1')
    """

    def __init__(self, store: Store | Callable[[], Store], batch_id: str) -> None:
        self.batch_id = batch_id
        self._run = Run(store, batch_id)
        self._place = store
        self._space: Space | None = None

    @property
    def _store(self) -> Store:
        if callable(self._place):
            self._place = self._place()
        return self._place

    @property
    def run(self) -> Run:
        """The run that stands for the batch."""
        return self._run

    @property
    def status(self) -> str:
        """`RUNNING`, `FINISHED` when all points have finished, `FAILED` when some have not, or `KILLED`."""
        return self._run.status

    @property
    def counts(self) -> dict[str, int]:
        """How many points there are, and how many are `finished`, `failed`, `killed`, `running` or `waiting`."""
        return self._standing().counts(self._size(self._run.record))

    def _standing(self) -> Standing:
        return standing(self._store, self._run.record)

    @staticmethod
    def _size(parent: RunRecord) -> int:
        text = parent.tags.get(SIZE_TAG, "")
        return int(text) if text.isdecimal() else 0

    def _records(self) -> Iterator[RunRecord]:
        """Give one run for each point that has any: the one that finished, else the latest."""
        stand = self._standing()
        wanted = {run_id for state in (stand.finished, stand.failed, stand.killed, stand.running) for run_id in state.values()}
        return (record for record in children(self._store, self._run.record) if record.run_id in wanted)

    @property
    def runs(self) -> RunList:
        """One run for each point that has any, in the order of the points: the one that finished, else the latest."""
        return self._listed(self._records())

    @property
    def failures(self) -> RunList:
        """The points that have not finished, by their latest run; its tag `nbproj.reason` says why."""
        return self._listed(record for record in self._records() if record.status in {"FAILED", "KILLED"})

    def _listed(self, records: Iterator[RunRecord]) -> RunList:
        found = sorted(records, key=_index)
        return RunList([Run(self._store, record.run_id, record=record) for record in found], self._store.label)

    def best(self, metric: str, direction: Direction = "minimize") -> Run:
        """Return the run that finished with the lowest, or highest, value of a metric.

        Parameters
        ----------
        metric : str
            Its name.
        direction : str
            `minimize` or `maximize`.

        Raises
        ------
        UsageError
            The direction is neither.
        RunError
            No run that finished has such a metric; the message names those that there are.
        """
        if direction not in {"minimize", "maximize"}:
            msg = f"direction must be minimize or maximize, not {direction!r}.{suggestion(str(direction), ('minimize', 'maximize'))}"
            raise UsageError(msg)
        better = min if direction == "minimize" else max
        known: set[str] = set()
        best: tuple[float, RunRecord] | None = None
        for record in children(self._store, self._run.record):
            if record.status == "FINISHED":
                known.update(record.metrics)
                value = record.metrics.get(metric)
                if value is not None and value == value and (best is None or better(value, best[0]) != best[0]):  # noqa: PLR0124 - NaN is no best
                    best = (value, record)
        if best is None:
            named = f"It has {', '.join(sorted(known))}" if known else "No run that finished has any"
            msg = f"no finished run of batch {self.batch_id[:8]} has a metric {metric!r}.{suggestion(metric, known)} {named}"
            raise RunError(msg)
        return Run(self._store, best[1].run_id, record=best[1])

    def to_frame(self) -> Any:  # noqa: ANN401 - a DataFrame: pandas has no types where it is not installed
        """Return a data frame of pandas with a row for each point that has a run: its parameters, metrics, status, seconds and run id.

        Raises
        ------
        UsageError
            pandas is not installed.
        """
        from nbproj.batches.frame import frame_of

        return frame_of(self.runs)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the batch has ended; return whether all points have finished."""
        return self._run.wait(timeout)

    def cancel(self) -> None:
        """End all runs and the batch, and return when they are settled. What has finished stays finished; the same command goes on from there."""
        self._run.cancel()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for programs: the stable form of `nbproj batch --json`.

        Returns
        -------
        dict
            batch_id, counts, runs.
        """
        return {"batch_id": self.batch_id, "counts": self.counts, "runs": self.runs.to_list()}

    @property
    def space(self) -> Space | None:
        """The points; None where the record does not hold them any more."""
        if self._space is None:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    path = self._store.download_artifact(self.batch_id, SPACE_FILE, Path(folder))
                    self._space = Space.from_document(json.loads(path.read_text(encoding="utf-8")))
                except (NbprojError, OSError, ValueError):
                    return None
        return self._space

    def values(self) -> dict[str, Any]:
        """Return everything that a display shows of the batch, as plain values."""
        record, stand = self._run.record, Standing()
        direction, _, metric = record.tags.get(METRIC_TAG, "").partition(" ")
        failed: dict[str, dict[str, Any]] = {}
        rows: list[dict[str, Any]] = []
        for child in children(self._store, record):
            stand.take(child)
            point = digest_of(child.tags[POINT_TAG])
            failed.pop(point, None)
            if point in stand.failed:
                failed[point] = _row(child)
            if child.status == "FINISHED":
                rows = _first([*rows, _row(child)], metric, direction)
        space = self.space
        return {
            "batch_id": self.batch_id,
            "name": record.name,
            "status": record.status,
            "entry_point": record.tags.get("mlflow.project.entryPoint", ""),
            "counts": stand.counts(self._size(record)),
            "varying": list(space.varying) if space is not None else [],
            "metric": metric,
            "rows": rows,
            "failures": list(failed.values())[:_SHOWN],
            "start_time": record.start_time,
            "end_time": record.end_time if self._run.exit_code is not None else None,
            "store": self._store.label,
        }

    def summary(self, *, width: int = 100) -> str:
        """Return what came out, in a few lines of plain text."""
        return str(self.bundle(width)["text/plain"])

    def bundle(self, width: int = 100) -> dict[str, Any]:
        """Return the batch's card, by MIME type; the plain text in some columns."""
        from nbproj.display.batch import bundle

        zone = dt.datetime.now().astimezone().tzinfo or dt.UTC
        return bundle(self.values(), now=time.time() * 1000, zone=zone, width=width)

    def __repr__(self) -> str:
        counts = self.counts
        return f"<Batch {self.batch_id[:8]} {self.status}: {counts['finished']} of {counts['points']} finished>"


def _index(record: RunRecord) -> int:
    number = record.tags[POINT_TAG].partition("-")[0]
    return int(number) if number.isdecimal() else 0


def _row(record: RunRecord) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "index": _index(record),
        "status": record.status,
        "reason": record.tags.get("nbproj.reason", ""),
        "params": dict(record.params),
        "metrics": dict(record.metrics),
        "start_time": record.start_time,
        "end_time": record.end_time,
    }


def _first(rows: list[dict[str, Any]], metric: str, direction: str) -> list[dict[str, Any]]:
    """Return those that are shown: the best by a metric, or, where none is named, the first."""

    def place(row: dict[str, Any]) -> tuple[bool, float, int]:
        value = float(row["metrics"].get(metric, math.nan))
        return math.isnan(value), 0.0 if math.isnan(value) else -value if direction == "maximize" else value, row["index"]

    return sorted(rows, key=place)[:_SHOWN]
