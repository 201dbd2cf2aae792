"""What there is of a batch already: which run stands for it, which of its points have finished, and whether they ran the same files."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nbproj.batches.plan import Plan
from nbproj.batches.record import SOURCE_FILE, Standing, find_batch, standing
from nbproj.continuation import refuse_carried
from nbproj.errors import RunError, StoreError
from nbproj.identity.manifest import changed_files
from nbproj.progress import Event, Progress
from nbproj.runner import open_default_store
from nbproj.tracking.heartbeats import is_lost
from nbproj.tracking.settlement import JOB_TAG, is_finished, sweep
from nbproj.tracking.spool import Spool
from nbproj.tracking.store import RunRecord, Store

__all__ = ["look_back"]

_NAMED: Final = 8
_LOOK_SECONDS: Final = 1.0


def look_back(plan: Plan, source: Mapping[str, str], progress: Progress) -> tuple[RunRecord | None, Standing]:
    """Return the run that stands for a batch, and how its points stand; None where the batch is new, or is to begin anew.

    Parameters
    ----------
    plan : Plan
        The batch. Its lock is held.
    source : mapping of str to str
        The project's files and their digests, as they are now.
    progress : Progress
        Told of what was settled.

    Raises
    ------
    RunError
        Its files have changed, and the caller has not said what that means.
    StoreError
        Another host carries it, or the store does not answer.
    """
    store, experiment = plan.request.store, plan.request.experiment_id
    found = None if plan.asked.fresh else find_batch(store, experiment, plan.key)
    if found is None:
        return None, Standing()
    refuse_carried(found)
    if Spool.open().waiting():  # of a run that has finished, and whose store has not heard of it, nothing may be done again
        Spool.open(progress=progress).replay(open_store=lambda uri: open_default_store(uri, progress, create=False), progress=progress)
    stand = standing(store, found)
    if stand.running and sweep(store, [experiment]):
        stand = standing(store, found)
    stand = _awaited(store, found, stand, progress)
    if not plan.asked.keep:
        _refuse_changed(store, found, source)
    return found, stand


def _awaited(store: Store, parent: RunRecord, stand: Standing, progress: Progress) -> Standing:
    """Return how the points stand when those have ended that go on without the driver of before: as Jobs, which other drivers have taken up."""
    told = 0
    while True:
        going = [run_id for run_id in stand.running.values() if _is_carried(store.get_run(run_id))]
        if not going:
            return stand
        if len(going) != told:
            told = len(going)
            progress(Event("note", f"{told} run{'s' if told > 1 else ''} of this batch still go{'' if told > 1 else 'es'} on: waiting for the end"))
        time.sleep(_LOOK_SECONDS)
        stand = standing(store, parent)


def _is_carried(record: RunRecord) -> bool:
    return JOB_TAG in record.tags and not is_finished(record) and not is_lost(record)


def _refuse_changed(store: Store, parent: RunRecord, source: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            before = json.loads(store.download_artifact(parent.run_id, SOURCE_FILE, Path(folder)).read_text(encoding="utf-8"))
        except (StoreError, OSError, ValueError):  # it was killed before it had kept them: nothing has run
            return
    differences = changed_files(before, source)
    if differences:
        more = f" and {len(differences) - _NAMED} more" if len(differences) > _NAMED else ""
        msg = f"the project's files have changed since this batch (run {parent.run_id[:8]}) ran: {', '.join(differences[:_NAMED])}{more}"
        hint = "--keep goes on, and leaves the runs that have finished as they are; --fresh begins a new batch"
        raise RunError(msg, hint=hint)
