"""The run that stands for a batch: its request, and the backend that carries it by carrying the others."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from nbproj.backends.backend import Backend, RunRequest, Workplace
from nbproj.backends.local import LocalBackend
from nbproj.backends.shared import Shared
from nbproj.batches.key import Keys
from nbproj.batches.plan import Plan
from nbproj.batches.queue import Queue
from nbproj.batches.record import BATCH_TAG, METRIC_TAG, SIZE_TAG, SOURCE_FILE, SPACE_FILE, Standing
from nbproj.batches.tally import Tally
from nbproj.execution.execution import Execution
from nbproj.execution.forkserver import KernelServers
from nbproj.paths import writing
from nbproj.progress import Progress
from nbproj.project.parameters import Resolved
from nbproj.request import ORDER_TAG
from nbproj.tracking.redact import mask_url

__all__ = ["Parent", "parent_request"]

_NOT_ITS_OWN: Final = (ORDER_TAG, "nbproj.command")


def parent_request(plan: Plan, run_id: str | None, size: int, shared: Shared, progress: Progress, *, sole: bool) -> RunRequest:
    """Return the request of the run that stands for a batch.

    Parameters
    ----------
    plan : Plan
        The batch.
    run_id : str, optional
        The run that stands for it already.
    size : int
        How many points it has, those of earlier commands among them.
    shared : Shared
        What its runs have in common.
    progress : Progress
        Told how the batch goes on.
    sole : bool
        The driver is a process that does nothing else.
    """
    first = plan.request
    resolved = Resolved(tracked=plan.parameters(), secrets=first.resolved.secrets, secret_names=plan.secret)
    tags = {name: value for name, value in first.tags.items() if name not in _NOT_ITS_OWN}
    metric = {METRIC_TAG: f"{plan.asked.direction} {plan.asked.metric}"} if plan.asked.metric else {}
    return dataclasses.replace(
        first,
        resolved=resolved,
        tags={**tags, **metric, BATCH_TAG: plan.key, SIZE_TAG: str(size)},
        run_id=run_id,
        run_name=plan.asked.name or f"{first.entry_point.name}: {plan.space.describe()}",
        timeout=None,
        output=None,
        progress=progress,
        sole=sole,
        shared=shared,
    )


class Parent:
    """Carries the run that stands for a batch.

    Parameters
    ----------
    plan : Plan
        The batch.
    standing : Standing
        What of it is done.
    tally : Tally
        Counts.
    backend : Backend
        Carries the other runs.
    keys : Keys
        By which equal runs are known; it knows the project's files.
    """

    def __init__(self, plan: Plan, standing: Standing, tally: Tally, backend: Backend, keys: Keys) -> None:
        self._plan = plan
        self._standing = standing
        self._tally = tally
        self._backend = backend
        self._keys = keys

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        """Keep what the batch is found again by, prepare what its runs have in common, and return the queue."""
        run_id = workplace.variables["MLFLOW_RUN_ID"]
        files = {
            SPACE_FILE: self._write(workplace.folder / "space.json", self._plan.space.to_document(self._plan.secret)),
            SOURCE_FILE: self._write(workplace.folder / "source.json", self._keys.manifest),
        }
        request.store.log_artifacts(run_id, files)
        if isinstance(self._backend, LocalBackend):
            self._backend.prepare(request, run_id)
        workers = min(self._plan.asked.workers or cores(), max(self._tally.open, 1))
        shared = request.shared
        if shared is not None and request.command is None:
            servers = KernelServers(workplace.guard, self._plan.asked.kernel_start, runs=self._tally.open, workers=workers)
            shared.once(KernelServers.NAME, lambda stack: stack.enter_context(servers))
        base = dataclasses.replace(self._plan.request, shared=shared)
        done = self._standing.finished
        points = (self._plan.space.point(index) for index in range(self._plan.space.size))
        return Queue(
            self._plan,
            base,
            (point for point in points if self._plan.digest(point) not in done),
            self._tally,
            self._keys,
            backend=self._backend,
            workplace=workplace,
            workers=workers,
        )

    @staticmethod
    def _write(path: Path, document: Mapping[str, object] | Sequence[object]) -> Path:
        with writing(path):
            path.write_text(mask_url(json.dumps(document, indent=1)), encoding="utf-8")  # a value may be an address with a password
        return path


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
