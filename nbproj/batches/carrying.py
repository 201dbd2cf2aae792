"""A batch, carried in this process or by a driver of its own."""

from __future__ import annotations

import dataclasses

from nbproj.ancestry import active_run, running_above
from nbproj.backends.lifecycle import Settled, carry
from nbproj.backends.registry import find_backend
from nbproj.backends.shared import Shared
from nbproj.batches.history import look_back
from nbproj.batches.key import Keys
from nbproj.batches.lock import BatchLock
from nbproj.batches.order import BatchOrder
from nbproj.batches.parent import Parent, parent_request
from nbproj.batches.plan import Plan
from nbproj.batches.record import Standing
from nbproj.batches.result import Batch
from nbproj.batches.tally import Tally
from nbproj.detached import start
from nbproj.errors import NbprojError
from nbproj.execution.process import Guard
from nbproj.execution.signals import STOPS, Signals
from nbproj.housekeeping import tidy
from nbproj.progress import Event, Progress, silent
from nbproj.runner import fetch_project, open_default_store, own_settings, store_uri
from nbproj.supply import open_downloads, supplied

__all__ = ["carry_batch", "detach_batch", "execute_batch"]


class _Listener:
    """Passes events on; nobody need ask the store for metrics of the run that stands for the batch."""

    shows_metrics = False

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, event: Event) -> None:
        self._progress(event)


def carry_batch(asked: BatchOrder, progress: Progress = silent, *, sole: bool = False) -> Batch:
    """Carry out an order in this process, or hand it to one of its own, as the order asks; `nbproj.batch` documents it."""
    return execute_batch(asked, progress, sole=sole) if asked.synchronous else detach_batch(asked, progress)


def detach_batch(asked: BatchOrder, progress: Progress = silent) -> Batch:
    """Hand an order to a driver process of its own; return the batch as soon as the run exists that stands for it.

    Raises
    ------
    NbprojError
        Everything that can be refused before there is a run.
    """
    asked = asked.configured(own_settings())
    asked.check()
    find_backend(asked.order.backend)
    tidy(progress)
    uri = store_uri(asked.order.tracking_uri)
    order = dataclasses.replace(asked.order, tracking_uri=uri, synchronous=True)
    run_id = start(dataclasses.replace(asked, order=order), progress, parent=active_run())
    return Batch(lambda: open_default_store(uri, progress, create=False), run_id)  # to look at it takes less of the library than to make it


def execute_batch(asked: BatchOrder, progress: Progress = silent, *, sole: bool = False) -> Batch:
    """Carry out an order and return the finished batch, whether or not all its points have finished; `nbproj.batch` documents it.

    Parameters
    ----------
    asked : BatchOrder
        What to run.
    progress : Progress
        Told how the batch goes on.
    sole : bool
        This process does nothing else: whoever stops the batch may end it.

    Raises
    ------
    NbprojError
        The batch cannot be begun, or cannot go on: the store is away, the disk is full. What has finished stays finished.
    KeyboardInterrupt, SystemExit
        The driver was interrupted or terminated; all runs are settled.
    """
    chosen = own_settings()
    asked = asked.configured(chosen)
    asked.check()
    backend = find_backend(asked.order.backend)
    tidy(progress)
    order = asked.order
    with (
        Signals() as signals,
        Guard() as guard,
        fetch_project(order, progress) as checkout,
        Shared() as shared,
        open_downloads(order) as downloads,
    ):
        above = running_above(order, checkout)
        if above is not None:
            note = f"{order.entry_point or 'main'} already runs above as {above[:8]}: this call would recurse and is skipped"
            progress(Event("note", note))
            return Batch(open_default_store(order.tracking_uri), above)
        plan = Plan.make(asked, checkout, backend, lambda: open_default_store(order.tracking_uri, progress), progress, chosen)
        plan = dataclasses.replace(plan, request=supplied(plan.request, backend, downloads, progress, plan.remotes()))
        with BatchLock(plan.request.store.uri, plan.key, progress), Keys(plan.request, outputs=plan.outputs()) as keys:
            parent, standing = look_back(plan, keys.manifest, progress)
            size = _size(plan, standing)
            tally = Tally(size, len(standing.finished), asked.most_failures)
            if parent is not None and parent.status == "FINISHED" and not tally.open:
                progress(Event("note", f"nothing is left to do: all {size} points have finished (--fresh runs them again)"))
                return Batch(plan.request.store, parent.run_id)
            before = f", {tally.finished} of them finished already" if tally.finished else ""
            progress(Event("batch", f"{plan.space.describe()}{before}", done=tally.finished, total=tally.size))
            request = parent_request(plan, parent.run_id if parent is not None else None, size, shared, _Listener(progress), sole=sole)
            settled = carry(request, Parent(plan, standing, tally, backend, keys), guard, signals)
    return _result(plan, settled, tally)


def _size(plan: Plan, standing: Standing) -> int:
    """Return how many points a batch has: those of this command, and those that an earlier one has brought under the same name."""
    before = standing.points()
    if not before:
        return plan.space.size
    return len(before.union(plan.digest(plan.space.point(index)) for index in range(plan.space.size)))


def _result(plan: Plan, settled: Settled, tally: Tally) -> Batch:
    result = Batch(plan.request.store, settled.run_id)
    if isinstance(settled.error, STOPS):
        settled.error.run = result
    if settled.error is not None:
        raise settled.error
    if tally.fatal is not None:
        kind = type(tally.fatal) if isinstance(tally.fatal, NbprojError) else NbprojError
        msg = f"{tally.fatal.message}. {tally.finished} of {tally.size} points have finished: the same command goes on from there"
        raise kind(msg, hint=tally.fatal.hint) from tally.fatal
    return result
