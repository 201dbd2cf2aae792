"""Runs whose driver is dead: what they left running is ended, and the store is told the truth."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbproj import processes
from nbproj.containers import remove_containers
from nbproj.errors import StoreError, StoreUnreachableError
from nbproj.progress import Event, Progress, silent
from nbproj.tracking.ledger import AGED_SECONDS, Entry, Ledger
from nbproj.tracking.owner import OWNER_TAG, TOKEN_VARIABLE, Owner, owner_of_tag
from nbproj.tracking.reopening import OpenStore, Stores
from nbproj.tracking.store import TERMINAL, RunNotFoundError, RunRecord, Store

__all__ = [
    "EXIT_CODE_TAG",
    "JOB_TAG",
    "REASON_TAG",
    "Settled",
    "is_finished",
    "is_settled",
    "runs_of",
    "settle",
    "sweep",
]

EXIT_CODE_TAG = "nbproj.exit_code"
REASON_TAG = "nbproj.reason"
JOB_TAG = "nbproj.job"
"""Names the job that runs a run elsewhere, which does not end with its driver."""

_KILLED = "137"
_REASON = "the process that carried the run died"


@dataclass(frozen=True, slots=True)
class Settled:
    """One run that was settled.

    Parameters
    ----------
    token : str
        Its owner's token.
    run_id : str, optional
        The run; None when its driver died before there was one.
    changed : bool
        The store's record was changed; False when the run had ended properly, or is gone.
    """

    token: str
    run_id: str | None
    changed: bool


def is_finished(record: RunRecord) -> bool:
    """Return whether a run is over: its status is terminal, and we have set the exit code (user code may end a run early)."""
    return record.status in TERMINAL and EXIT_CODE_TAG in record.tags


def is_settled(record: RunRecord) -> bool:
    """Return whether nothing more comes: a run of nbproj is over, one that nbproj does not carry has a terminal status."""
    return record.status in TERMINAL and (EXIT_CODE_TAG in record.tags or OWNER_TAG not in record.tags)


def settle(
    ledger: Ledger,
    *,
    open_store: OpenStore | None = None,
    end_group: Callable[[int], None] = processes.end_group,
    remove: Callable[[str], bool] = remove_containers,
    rejoin: Callable[[Entry], bool] | None = None,
    spare: str | None = None,
    progress: Progress = silent,
) -> list[Settled]:
    """Settle every run of the ledger whose driver on this host is dead. May be called by any number of processes at once.

    What is left of a run's process group is ended, its output kept, its status set to KILLED unless it is over. A store that is out of
    reach leaves the entry for the next time.

    Parameters
    ----------
    ledger : Ledger
        This user's ledger.
    open_store : callable, optional
        Opens a store by its address; by default `open_store` of MLflow's stores, with two seconds of patience.
    end_group : callable
        Ends a process group.
    remove : callable
        Removes the containers of a run, by what its owner says of them.
    rejoin : callable, optional
        Takes up a run whose job goes on elsewhere; returns whether somebody else carries it now. Without it such a run waits for who can.
    spare : str, optional
        A run that the caller takes up itself.
    progress : callable
        Gets a note for each run that was settled, and one for stores out of reach.

    Returns
    -------
    list of Settled
        What was done. Nothing is raised for a store that refuses.
    """
    settled: list[Settled] = []
    refused: dict[str, StoreError] = {}
    stores = Stores(open_store)
    for entry in ledger:
        if not processes.is_dead(entry.owner.process):
            continue
        with entry.exclusively() as mine:
            current = ledger.find(entry.folder.name) if mine else None
            if current is None:
                continue
            if current.owner.job is not None and not current.is_aged():
                _take_up(current, rejoin if current.owner.run_id != spare else None, progress)
                continue
            _end_left_over(current.owner, end_group)
            _remove_container(current.owner, remove, progress)
            try:
                settled += _settle_entry(stores, current)
            except StoreError as error:
                stores.lost(current.owner.store, error)
                if not current.is_aged():
                    refused[current.owner.store] = error
                    continue
            current.close()
    for refusal in refused.values():
        progress(Event("note", f"a run whose process died is not settled yet: {refusal}"))
    for one in settled:
        if one.changed:
            progress(Event("note", f"run {one.run_id} was left behind by a process that died: it is now KILLED", data={"run_id": one.run_id}))
    return settled


def _take_up(entry: Entry, rejoin: Callable[[Entry], bool] | None, progress: Progress) -> None:
    """Let a run be followed on whose job does not depend on its driver."""
    if rejoin is None:
        return
    short = str(entry.owner.run_id)[:8]
    if rejoin(entry):
        progress(Event("note", f"run {short} has lost its driver and goes on elsewhere: another driver has taken it up"))
    else:
        progress(Event("note", f"run {short} goes on elsewhere and could not be taken up: the next command tries again"))


def _remove_container(owner: Owner, remove: Callable[[str], bool], progress: Progress) -> None:
    if owner.container is not None and not remove(owner.container):
        engine, _, name = owner.container.rpartition("#")
        progress(Event("note", f"container {name} may be left: the Docker engine at {engine} does not answer"))


def _settle_entry(stores: Stores, entry: Entry) -> list[Settled]:
    owner = entry.owner
    try:
        store = stores[owner.store]
    except RunNotFoundError:  # the user has removed the store
        return [Settled(owner.token, owner.run_id, changed=False)]
    run_ids = [owner.run_id] if owner.run_id else runs_of(store, owner.token)
    if not run_ids:
        return [Settled(owner.token, None, changed=False)]
    return [Settled(owner.token, run_id, _end_run(store, run_id, entry.folder / "output.log")) for run_id in run_ids]


def runs_of(store: Store, token: str) -> list[str]:
    """Return the ids of the runs that a driver has created under its token, also when the store's answer never reached it.

    Raises
    ------
    StoreError
        The store refuses or does not answer.
    """
    found = store.search_runs(filter_string=f"tags.`{OWNER_TAG}` LIKE '%{token}%'")
    return [one.run_id for one in found if (known := owner_of_tag(one.tags)) is not None and known[1] == token]


def _end_run(store: Store, run_id: str, output: Path | None = None) -> bool:
    try:
        record = store.get_run(run_id)
        if is_finished(record):
            return False
        if output is not None and output.is_file():
            try:
                store.log_artifacts(run_id, {"run/output.log": output})
            except StoreUnreachableError:
                raise
            except StoreError:
                pass  # the status matters more than the log
        # The status is last: whoever sees it terminal finds the rest in place.
        store.set_tags(run_id, {EXIT_CODE_TAG: _KILLED, REASON_TAG: _REASON})
        store.set_status(run_id, "KILLED")
    except RunNotFoundError:
        return False
    return True


def _end_left_over(owner: Owner, end_group: Callable[[int], None]) -> None:
    """End the recorded process group, when it is still the recorded one."""
    group = owner.group
    if group is None or group <= 1 or owner.process.boot != processes.boot_id():
        return
    leader = processes.start_time(group)
    if leader is not None and leader != owner.group_started:
        return  # the number names another process now, which no kernel gives away while a member of the old group lives
    if (leader is not None and owner.group_started is not None) or any(_carries(pid, owner.token) for pid in _members(group)):
        with contextlib.suppress(OSError, ValueError):
            end_group(group)


def _members(group: int) -> Iterator[int]:
    import psutil

    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if os.getpgid(pid) == group:
                yield pid


def _carries(pid: int, token: str) -> bool:
    # A group whose leader is gone may be a stranger's by now; its members inherited the token, or they are not ours.
    return processes.environment_of(pid).get(TOKEN_VARIABLE) == token


def sweep(store: Store, experiment_ids: Sequence[str] | None = None, *, spare: Sequence[str] = (), limit: int = 1000) -> list[Settled]:
    """Settle the runs of a store that are RUNNING, were started on this host and have lost their driver: what a lost ledger does not know.

    Parameters
    ----------
    store : Store
        Where to look. Runs of other hosts, and runs that are not nbproj's, are left alone; so are for a week those that a Job carries, which goes
        on without a driver and can be taken up.
    experiment_ids : sequence of str, optional
        Where in it; everywhere by default.
    spare : sequence of str
        Tokens that somebody else settles.
    limit : int
        How many running runs are looked at.

    Raises
    ------
    StoreError
        The store refuses or does not answer.
    """
    running = store.search_runs(experiment_ids, filter_string=f"attributes.status = 'RUNNING' and tags.`{OWNER_TAG}` LIKE '%token%'", limit=limit)
    settled = []
    for record in running:
        known = owner_of_tag(record.tags)
        if known is not None and known[1] not in spare and processes.is_dead(known[0]) and not _may_go_on(record):
            settled.append(Settled(known[1], record.run_id, _end_run(store, record.run_id)))
    return settled


def _may_go_on(record: RunRecord) -> bool:
    return JOB_TAG in record.tags and time.time() - (record.start_time or 0) / 1000 < AGED_SECONDS
