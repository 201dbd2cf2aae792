"""Signs of life of runs: how a driver gives them, and when a run that gives none is lost."""

from __future__ import annotations

import time

from nbproj import processes
from nbproj.tracking.owner import owner_of_tag
from nbproj.tracking.settlement import is_finished
from nbproj.tracking.store import RunRecord, Store

__all__ = ["HEARTBEAT_SECONDS", "HEARTBEAT_TAG", "heartbeat", "is_lost"]

HEARTBEAT_TAG = "nbproj.heartbeat"
HEARTBEAT_SECONDS = 30.0
"""How often a driver says that it lives."""

LOST_SECONDS = 300.0
"""Silence after which a run of another host is lost: ten heartbeats, and room for clocks that differ."""


def heartbeat(store: Store, run_id: str) -> None:
    """Say, in the run's tags, that its driver lives; to be called every `HEARTBEAT_SECONDS`.

    Raises
    ------
    StoreError
        The store refuses or does not answer.
    """
    store.set_tags(run_id, {HEARTBEAT_TAG: str(int(time.time() * 1000))})


def is_lost(record: RunRecord, *, now: float | None = None, threshold: float = LOST_SECONDS) -> bool:
    """Return whether a run that claims to be running has nobody who carries it.

    On this host the process is looked at; from another host only its silence tells, measured from its start when it never gave a sign.

    Parameters
    ----------
    record : RunRecord
        The run. One that is over, or that nbproj does not carry, is not lost.
    now : float, optional
        Seconds since the epoch.
    threshold : float
        Seconds of silence.

    Examples
    --------
    >>> owner = '{"host": "elsewhere", "boot": "b", "pid": 7, "started": 1.0, "token": "t"}'
    >>> record = RunRecord("1", "0", "RUNNING", start_time=0, tags={"nbproj.owner": owner, "nbproj.heartbeat": "60000"})
    >>> is_lost(record, now=100), is_lost(record, now=1000)
    (False, True)
    """
    known = owner_of_tag(record.tags)
    if known is None or is_finished(record):
        return False
    if known[0].host == processes.host_name():
        return not processes.is_alive(known[0])
    try:
        last = int(record.tags.get(HEARTBEAT_TAG, ""))
    except ValueError:
        last = record.start_time or 0
    return (time.time() if now is None else now) - last / 1000 > threshold
