"""A run whose driver died while its job goes on elsewhere: another driver takes it up and carries it to its settled end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from nbproj.backends.backend import Rejoined, Rejoining, RunRequest
from nbproj.backends.lifecycle import carry
from nbproj.backends.registry import find_backend
from nbproj.errors import NbprojError, RunError
from nbproj.execution.process import Guard
from nbproj.execution.signals import Signals
from nbproj.progress import Progress
from nbproj.project.model import EntryPoint, EnvironmentSpec, Project
from nbproj.project.parameters import Resolved
from nbproj.sources.source import Checkout
from nbproj.tracking.heartbeats import is_lost
from nbproj.tracking.owner import owner_of_tag
from nbproj.tracking.settlement import is_finished

__all__ = ["rejoin"]


def rejoin(left: Mapping[str, object], progress: Progress) -> str:
    """Take up a run and carry it to its settled end; return its id.

    Parameters
    ----------
    left : mapping
        What the dead driver's entry says: the store, the run, the job, the folder.
    progress : Progress
        Told of every step.

    Raises
    ------
    RunError
        The entry names no run and no job.
    NbprojError
        Whoever runs the job does not answer, or the one that is configured is another.
    StoreError
        The store does not answer.
    """
    from nbproj.tracking.mlflow_store import open_store

    try:
        run_id, folder = str(left["run_id"]), Path(str(left["folder"]))
        carrier = _carrier(str(left["job"]), folder)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"nothing to take up: {error}"
        raise RunError(msg) from error
    store = open_store(str(left["store"]), create=False)
    record = store.get_run(run_id)
    known = owner_of_tag(record.tags)
    if is_finished(record) or (known is not None and known[1] != left.get("token") and not is_lost(record)):
        return run_id  # it was settled, or somebody else has taken it up: only the entry was left
    carrier.look()
    source = record.tags.get("mlflow.source.name", "")
    request = RunRequest(
        checkout=Checkout(folder, source),
        project=Project(source or "project", folder),
        entry_point=EntryPoint(record.tags.get("mlflow.project.entryPoint", "main")),
        resolved=Resolved(),
        environment=EnvironmentSpec(),
        store=store,
        experiment_id=record.experiment_id,
        tags={},
        command=record.tags.get("nbproj.command", ""),
        run_id=run_id,
        progress=progress,
        sole=True,
    )
    with Signals() as signals, Guard() as guard:
        settled = carry(request, carrier, guard, signals)
    if isinstance(settled.error, NbprojError):
        raise settled.error
    return run_id


def _carrier(job: str, folder: Path) -> Rejoined:
    name = str(json.loads(job)["backend"])
    backend = find_backend(name)
    if not isinstance(backend, Rejoining):
        msg = f"backend {name!r} takes up no jobs"
        raise TypeError(msg)
    return backend.rejoined(job, folder)
