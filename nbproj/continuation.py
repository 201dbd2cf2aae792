"""Whether a run may be continued: it is there, it belongs where it is looked for, and nobody carries it."""

from __future__ import annotations

import os

from nbproj.errors import StoreError
from nbproj.order import Order
from nbproj.tracking.heartbeats import is_lost
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.owner import owner_of_tag
from nbproj.tracking.settlement import is_finished
from nbproj.tracking.store import RunRecord, Store

__all__ = ["continued", "refuse_carried"]


def continued(order: Order, store: Store, experiment_id: str | None) -> str:
    """Return the experiment of the run that is to be continued.

    Raises
    ------
    StoreError
        There is no such run, it belongs to another experiment, or somebody else carries it.
    """
    record = store.get_run(str(order.run_id))
    if experiment_id is not None and experiment_id != record.experiment_id:
        short = record.run_id[:8]
        msg = f"run {short} belongs to experiment {record.experiment_id}, and experiment {experiment_id} was asked for: leave the experiment out"
        raise StoreError(msg)
    refuse_carried(record)
    return record.experiment_id


def refuse_carried(record: RunRecord) -> None:
    """Refuse to continue a run that somebody carries.

    Raises
    ------
    StoreError
        The message names the process.
    """
    known = owner_of_tag(record.tags)
    if known is not None and not is_finished(record) and not is_lost(record):
        process, token = known
        # What this very process has let go - a final status that the store did not take - is nobody's.
        if process.pid != os.getpid() or Ledger.open().find(token) is not None:
            msg = f"run {record.run_id[:8]} is carried by process {process.pid} on {process.host}: wait for its end, or interrupt it there"
            raise StoreError(msg)
