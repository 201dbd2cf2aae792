"""What a store knows of a batch: a parent run, and a child for each attempt at a point."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from nbproj.batches.identity import digest_of
from nbproj.tracking.settlement import is_finished
from nbproj.tracking.store import RunRecord, Store

__all__ = [
    "BATCH_TAG",
    "METRIC_TAG",
    "PARENT_TAG",
    "POINT_TAG",
    "SIZE_TAG",
    "SOURCE_FILE",
    "SPACE_FILE",
    "Standing",
    "children",
    "find_batch",
    "standing",
]

BATCH_TAG: Final = "nbproj.batch"
"""On the parent: what identifies the batch, so that the same command finds it."""

SIZE_TAG: Final = "nbproj.batch.size"
METRIC_TAG: Final = "nbproj.batch.metric"
"""On the parent: what its runs are ordered by, as `minimize rmse`."""

POINT_TAG: Final = "nbproj.point"
"""On a child: which point it is."""

PARENT_TAG: Final = "mlflow.parentRunId"
SPACE_FILE: Final = "batch/space.json"
SOURCE_FILE: Final = "batch/source.json"


@dataclass(slots=True)
class Standing:
    """How the points of a batch stand, by the best that each has come to: only what has to be known of each is in memory.

    Parameters
    ----------
    finished, failed, killed, running : dict of str to str
        Points by the id of a run: the one that finished, else the latest.
    """

    finished: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    killed: dict[str, str] = field(default_factory=dict)
    running: dict[str, str] = field(default_factory=dict)

    def take(self, record: RunRecord) -> None:
        """Take a child, the oldest first."""
        point = digest_of(record.tags[POINT_TAG])
        if point in self.finished:
            return
        for other in (self.failed, self.killed, self.running):
            other.pop(point, None)
        states = {"FINISHED": self.finished, "FAILED": self.failed, "KILLED": self.killed}
        (states.get(record.status, self.running) if is_finished(record) else self.running)[point] = record.run_id

    def points(self) -> set[str]:
        """Return the points of which there is any run."""
        return {*self.finished, *self.failed, *self.killed, *self.running}

    def counts(self, size: int) -> dict[str, int]:
        """Return how many points are in which state; `waiting` are those of which there is no run yet."""
        found = {one.name: len(getattr(self, one.name)) for one in dataclasses.fields(self)}
        return {"points": size, **found, "waiting": max(size - sum(found.values()), 0)}


def children(store: Store, parent: RunRecord) -> Iterator[RunRecord]:
    """Give the children of a batch one by one, the oldest first."""
    wanted = f"tags.`{PARENT_TAG}` = '{parent.run_id}'"
    for record in store.walk_runs([parent.experiment_id], filter_string=wanted, order_by=["attributes.start_time ASC"]):
        if POINT_TAG in record.tags:
            yield record


def standing(store: Store, parent: RunRecord) -> Standing:
    """Return how the points of a batch stand.

    Raises
    ------
    StoreError
        The store refuses or does not answer.
    """
    found = Standing()
    for record in children(store, parent):
        found.take(record)
    return found


def find_batch(store: Store, experiment_id: str, key: str) -> RunRecord | None:
    """Return the newest parent of the batch that a key identifies, None when there is none yet.

    Raises
    ------
    StoreError
        The store refuses or does not answer.
    """
    return next(iter(store.search_runs([experiment_id], filter_string=f"tags.`{BATCH_TAG}` = '{key}'", limit=1)), None)
