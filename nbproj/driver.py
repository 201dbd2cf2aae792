"""The driver of a detached run: a process that does nothing but carry it.

It reads an order from its standard input, tells on standard output what happens until the run exists, and is then alone: no terminal, no pipe, nobody
who waits for it. What happens afterwards stands in the run's journal and output.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import sys
import traceback
from typing import Any

from nbproj.errors import NbprojError
from nbproj.order import Order
from nbproj.progress import Event, Progress, silent
from nbproj.tracking.journal import JournalWriter
from nbproj.tracking.ledger import Ledger

__all__ = ["main"]


class _Report:
    """Takes the events of the run: to the starter until the run exists, to the journal afterwards."""

    def __init__(self) -> None:
        self._journal: Progress | None = None
        self._before: list[Event] = []

    def __call__(self, event: Event) -> None:
        if self._journal is not None:
            self._journal(event)
            return
        self._before.append(event)
        self.tell({"event": event.to_dict()})
        if event.step == "created":
            run_id = str(event.data["run_id"])
            entry = Ledger.open().of_run(run_id)
            journal = self._journal = JournalWriter(entry.folder) if entry is not None else silent
            for earlier in self._before:
                journal(earlier)
            # Let go first: who was told may look at once whether the driver is alone.
            starter = os.dup(1)
            self.leave()
            self.tell({"run_id": run_id}, starter)
            os.close(starter)

    @staticmethod
    def tell(what: dict[str, Any], starter: int = 1) -> None:
        """Tell the starter; one that is gone need not know."""
        with contextlib.suppress(OSError):
            os.write(starter, json.dumps(what).encode() + b"\n")

    @staticmethod
    def leave() -> None:
        """Let go of everything that is the starter's."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        os.close(nowhere)


def main() -> None:
    """Carry the run that standard input orders; ends the process."""
    if os.fork():  # the starter waits for this one only, and never has a dead child on its hands
        os._exit(0)
    os.setsid()
    atexit.register(gc.freeze)  # as the command line does: nobody needs the last look for garbage
    report = _Report()
    report.tell({"driver": os.getpid()})
    try:
        report.tell({"run_id": _carry(json.loads(sys.stdin.buffer.read()), report)})  # a call that was skipped has created none
    except NbprojError as error:
        report.tell({"error": error.to_dict()})
    except SystemExit:  # terminated: the run is settled
        raise
    except BaseException as error:
        traceback.print_exc()
        report.tell({"error": {"type": "RunError", "message": f"the driver failed: {type(error).__name__}: {error}"}})
        raise


def _carry(document: dict[str, Any], report: _Report) -> str:
    """Carry the run or the batch that an order means; return the id of the run that stands for it."""
    if "batch" in document:
        from nbproj.batches.carrying import execute_batch
        from nbproj.batches.order import BatchOrder

        return execute_batch(BatchOrder.from_document(document), report, sole=True).batch_id
    if "rejoin" in document:
        from nbproj.backends.rejoining import rejoin

        return rejoin(document["rejoin"], report)
    from nbproj.runner import execute

    return execute(Order.from_document(document), report, sole=True).run_id
