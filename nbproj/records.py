"""Runs found again: by id, or by what they have in common, from any folder and any process."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping

from nbproj.batches.record import BATCH_TAG
from nbproj.batches.result import Batch
from nbproj.errors import RunError, StoreError, UsageError
from nbproj.housekeeping import tidy
from nbproj.lookup import checked, find_run
from nbproj.order import Order
from nbproj.progress import Progress, silent
from nbproj.recollection import order_of
from nbproj.record import Run
from nbproj.runlist import RunList
from nbproj.runner import carry_out, open_default_store, store_uri
from nbproj.tracking.heartbeats import is_lost
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.location import label
from nbproj.tracking.redact import MASK
from nbproj.tracking.reopening import Stores
from nbproj.tracking.settlement import is_finished, sweep
from nbproj.tracking.store import RunNotFoundError, RunRecord, Store

__all__ = ["found_run", "get_batch", "get_run", "rerun", "runs"]

_FAILED = "attributes.status != 'FINISHED' and attributes.status != 'RUNNING' and attributes.status != 'SCHEDULED'"
_ACTIVE = "attributes.status = 'RUNNING'"


def found_run(store: Store | Callable[[], Store], run_id: str, record: RunRecord | None = None) -> Run:
    """Return a run of a store by its id; nothing is looked at yet.

    Parameters
    ----------
    store : Store or callable
        Where its record is; or what opens that.
    run_id : str
        The whole id.
    record : RunRecord, optional
        What the store holds, where it was read just now.
    """
    found = Run(store, run_id, record=record, again=lambda: rerun(run_id, tracking_uri=found.store_uri))
    return found


def _run(store: Store, record: RunRecord) -> Run:
    return found_run(store, record.run_id, record)


def runs(
    *,
    active: bool = False,
    failed: bool = False,
    experiment: str | None = None,
    filter: str = "",  # noqa: A002 - the word of the command line
    limit: int = 20,
    tracking_uri: str | None = None,
    progress: Progress | None = None,
) -> RunList:
    """Return the runs of a store, the newest first. What dead drivers left behind is settled before.

    Parameters
    ----------
    active : bool
        Only those that run now; those too that this user's processes on this host record elsewhere.
    failed : bool
        Only those that failed or were killed.
    experiment : str, optional
        Only those of an experiment, by name or id.
    filter : str
        A filter in MLflow's language, such as `metrics.rmse < 60 and params.alpha = '0.3'`.
    limit : int
        How many at most.
    tracking_uri : str, optional
        The store; by default the one that a run started here would be recorded in.
    progress : callable, optional
        Told of what was settled.

    Returns
    -------
    RunList
        A sequence of `Run`.

    Raises
    ------
    NbprojError
        There is no such experiment, the filter is not understood, the store does not answer.

    Examples
    --------
    >>> import nbproj
    >>> nbproj.runs(experiment="wine", filter="metrics.rmse < 60")  # doctest: +SKIP
    """
    if active and failed:
        msg = "a run that is active has not failed: ask for one of the two"
        raise UsageError(msg)
    if limit < 1:
        msg = f"limit must be at least 1, not {limit}"
        raise UsageError(msg)
    tell = progress or silent
    tidy(tell)
    try:
        store = open_default_store(tracking_uri, tell, create=False)
    except RunNotFoundError:  # looking for runs makes no store
        return RunList(_carried(set()) if active else [], label(store_uri(tracking_uri)))
    conditions = [*([_FAILED] if failed else []), *([_ACTIVE] if active else []), *([filter] if filter.strip() else [])]
    experiments = [_experiment(store, experiment)] if experiment is not None else None

    def look() -> list[RunRecord]:
        return store.search_runs(experiments, filter_string=" and ".join(conditions), limit=limit)

    found = look()
    if any(is_lost(record) for record in found) and sweep(store, experiments):
        found = look()
    listed = [_run(store, record) for record in found]
    if active and experiment is None and not filter.strip():
        listed += _carried({run.run_id for run in listed})
    return RunList(listed[:limit], store.label)


def _experiment(store: Store, named: str) -> str:
    if named.isdecimal():
        with contextlib.suppress(StoreError):  # a name may be a number too
            return store.experiment(experiment_id=named)
    return store.experiment(name=named, create=False)


def _carried(known: set[str]) -> list[Run]:
    """Return the runs that this user's processes on this host carry now, whatever the store."""
    stores = Stores()
    found = []
    for entry in Ledger.open():
        run_id = entry.owner.run_id
        if run_id is None or run_id in known:
            continue
        try:
            store = stores[entry.owner.store]
            record = store.get_run(run_id)
        except StoreError:
            continue
        if not is_finished(record):
            found.append(_run(store, record))
    return found


def get_run(run_id: str, *, tracking_uri: str | None = None, progress: Progress | None = None) -> Run:
    """Return a run by its id, from any folder: one that a process of this user carries, or has carried lately, or one of the store here.

    Parameters
    ----------
    run_id : str
        The id, or its first characters where they name one run only.
    tracking_uri : str, optional
        The store to look in; nothing else is looked at then.
    progress : callable, optional
        Told of what was settled.

    Raises
    ------
    RunError
        There is no such run, or several whose ids begin so.
    StoreError
        The store does not answer.

    Examples
    --------
    >>> import nbproj
    >>> nbproj.get_run("1f3c89ab").wait()  # doctest: +SKIP
    """
    tell = progress or silent
    checked(run_id)
    tidy(tell)
    store, record = find_run(
        run_id,
        lambda: open_default_store(tracking_uri, tell, create=False),
        label(store_uri(tracking_uri)),
        elsewhere=tracking_uri is None,
    )
    if is_lost(record) and sweep(store, [record.experiment_id]):
        record = store.get_run(record.run_id)
    return _run(store, record)


def get_batch(batch_id: str, *, tracking_uri: str | None = None, progress: Progress | None = None) -> Batch:
    """Return a batch by the id of the run that stands for it, from any folder.

    Parameters
    ----------
    batch_id, tracking_uri, progress
        As `get_run` takes them.

    Raises
    ------
    RunError
        There is no such run, or it stands for no batch.
    StoreError
        The store does not answer.

    Examples
    --------
    >>> import nbproj
    >>> nbproj.get_batch("1f3c89ab").best("rmse")  # doctest: +SKIP
    """
    run = get_run(batch_id, tracking_uri=tracking_uri, progress=progress)
    if BATCH_TAG not in run.tags:
        msg = f"run {run.run_id[:8]} stands for no batch: nbproj.get_run returns it"
        raise RunError(msg)
    return Batch(lambda: open_default_store(run.store_uri, progress or silent, create=False), run.run_id)


def rerun(
    run_id: str,
    parameters: Mapping[str, object] | None = None,
    *,
    synchronous: bool = True,
    timeout: float | None = None,
    run_name: str | None = None,
    tracking_uri: str | None = None,
    progress: Progress | None = None,
    sole: bool = False,
) -> Run:
    """Run the entry point of an earlier run once more, with its parameters, in its experiment.

    Parameters
    ----------
    run_id : str
        The earlier run, or the beginning of its id.
    parameters : mapping, optional
        Values in place of the earlier ones. A secret is not kept with a run: it is given here, or in its environment variable.
    synchronous : bool
        Wait for the end; otherwise a process of its own carries the run.
    timeout : float, optional
        Seconds after which it is ended.
    run_name : str, optional
        The new run's name.
    tracking_uri : str, optional
        The store in which the earlier run is, and the new one will be.
    progress : callable, optional
        Told of every step.
    sole : bool
        This process does nothing else.

    Raises
    ------
    RunFailed
        The entry point failed.
    NbprojError
        There is no such run, or it cannot be started again.
    """
    tell = progress or silent
    earlier = get_run(run_id, tracking_uri=tracking_uri, progress=tell)
    order = order_of(earlier.record)
    given = {str(name): value for name, value in (parameters or {}).items()}
    values = {**order.parameters, **given}
    masked = [name for name, value in values.items() if name not in given and MASK in str(value)]
    if masked:
        msg = f"run {earlier.run_id[:8]}: the value of {', '.join(masked)} held a secret and was not kept: give it again, -P {masked[0]}=..."
        raise RunError(msg)
    order = dataclasses.replace(
        order,
        parameters=values,
        bases={name: base for name, base in {**dict.fromkeys(order.parameters, order.base), **order.bases}.items() if name not in given},
        base=Order(order.uri).base,
        timeout=timeout if timeout is not None else order.timeout,
        run_name=run_name if run_name is not None else order.run_name,
        tracking_uri=earlier.store_uri,
        synchronous=synchronous,
    )
    return carry_out(order, tell, sole=sole)
