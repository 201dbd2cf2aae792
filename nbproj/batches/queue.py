"""The queue of a batch: threads of one driver that carry run after run, each by the way of every run.

It is the execution of the parent run: what follows, stops, settles and records a run does so for a batch, too.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from nbproj.backends.backend import Backend, RunRequest, Workplace
from nbproj.backends.lifecycle import Settled, carry
from nbproj.batches.child import own_checkout, request_of
from nbproj.batches.key import Keys
from nbproj.batches.plan import Plan
from nbproj.batches.space import Point
from nbproj.batches.tally import Tally
from nbproj.errors import EnvironmentPreparationError, NbprojError, RunError, StoreError
from nbproj.execution.execution import Outcome
from nbproj.execution.signals import Signals
from nbproj.progress import Event

__all__ = ["Queue"]

_PAUSE_SECONDS: Final = 0.25
"""How long changes are collected before they are told."""

_LONGEST_SECONDS: Final = 2.0
"""After which it is told how the batch goes on, although nothing has ended: cells go by, and time."""

_END_SECONDS: Final = 60.0
"""How long the runs have for their end once they are told to."""


class Queue:
    """Points that are carried by threads until there are no more, or none may start any more.

    Parameters
    ----------
    plan : Plan
        The batch.
    base : RunRequest
        What its runs have in common.
    todo : iterator of Point
        Those that have not finished yet.
    tally : Tally
        Counts.
    keys : Keys
        By which equal runs are known.
    backend : Backend
        Carries the runs.
    workplace : Workplace
        The batch's own: the guard of all runs, and the file for a line about each.
    workers : int
        How many threads.
    """

    def __init__(
        self,
        plan: Plan,
        base: RunRequest,
        todo: Iterator[Point],
        tally: Tally,
        keys: Keys,
        *,
        backend: Backend,
        workplace: Workplace,
        workers: int,
    ) -> None:
        self.artifacts: dict[str, Path] = {}
        self._plan = plan
        self._base = base
        self._todo = todo
        self._tally = tally
        self._keys = keys
        self._backend = backend
        self._workplace = workplace
        self._taking = threading.Lock()
        # Never entered: signals come to the main thread, which passes them on to the runs that go on.
        self._signals = [Signals() for _ in range(workers)]
        self._threads = [threading.Thread(target=self._work, args=(number,), name=f"nbproj-batch-{number}", daemon=True) for number in range(workers)]
        # Nobody joins them while signals come: an exception that interrupts it makes Python 3.11 take a thread that goes on for one that has ended.
        self._left = 0
        self._over = threading.Event()
        self._stream: BinaryIO | None = None
        self._outcome: Outcome | None = None
        self._cancelled = False
        self._told_at = 0.0

    def start(self) -> None:
        """Start the threads."""
        with contextlib.suppress(OSError):  # a full disk: the lines are left out
            self._stream = self._workplace.resources.enter_context(self._workplace.log.open("ab"))
        self._left = len(self._threads)
        for number, thread in enumerate(self._threads):
            try:
                thread.start()
            except BaseException:
                self._leave(len(self._threads) - number)
                raise

    def _leave(self, threads: int = 1) -> None:
        with self._taking:
            self._left -= threads
            if not self._left:
                self._over.set()

    def next(self, timeout: float) -> Event | None:
        """Return how the batch goes on, when something has changed; changes are collected for a moment."""
        note = self._tally.next_note()
        if note is not None:
            return Event("note", note)
        if not self._over.is_set() and not self._tally.wait(timeout) and time.monotonic() - self._told_at < _LONGEST_SECONDS:
            return None
        over = self._over.wait(_PAUSE_SECONDS)
        event = self._told()
        if over and self._outcome is None and not self._tally.has_notes:
            self._outcome = self._judged()
        return event

    def _told(self) -> Event:
        """Return how the batch goes on, once the log has a line for each run that has ended."""
        self._told_at = time.monotonic()
        event = self._tally.event(len(self._threads))
        ended: Any = event.data["ended"]
        for one in ended:
            again = "" if one["last"] or one["status"] != "FAILED" else ", is tried again"
            why = f": {one['reason']}" if one["reason"] and one["status"] != "FINISHED" else ""
            line = f"{one['status']} {one['run_id'][:8]} {one['label']} ({one['seconds']:.1f} s){again}{why}\n"
            if self._stream is not None:
                with contextlib.suppress(OSError):
                    self._stream.write(self._workplace.mask(line).encode())
        if ended and self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.flush()
        return event

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, once no thread is left."""
        return self._outcome

    def _judged(self) -> Outcome:
        tally = self._tally
        if tally.fatal is not None:
            return Outcome(tally.fatal.exit_code, str(tally.fatal))
        if tally.finished == tally.size:
            return Outcome(0)
        parts = [f"{tally.failed} of {tally.size} points failed"] if tally.failed else []
        parts += [f"{tally.open} of {tally.size} did not finish"] if tally.open else []
        return Outcome(1, ", ".join(parts))

    def cancel(self) -> None:
        """End all runs, and let none start any more."""
        self._cancelled = True
        self._tally.stop()
        for signals in self._signals:
            signals.pass_on(signal.SIGTERM)
        if self._left:
            self._over.wait(_END_SECONDS)
        self._told()

    def _take(self) -> Point | None:
        with self._taking:
            return None if self._tally.stopping else next(self._todo, None)

    def _work(self, number: int) -> None:
        """Carry point after point; in a thread of its own."""
        try:
            while (point := self._take()) is not None:
                for attempt in range(self._plan.asked.retries + 1):
                    if attempt and self._tally.stopping:
                        break
                    if not self._carry(number, point, last=attempt == self._plan.asked.retries):
                        break
        except NbprojError as error:
            self._tally.fail(error)
        except BaseException as error:  # noqa: BLE001 - a defect ends the batch, not the thread alone
            self._tally.fail(RunError(f"the driver of the batch failed: {type(error).__name__}: {error}"))
        finally:
            self._leave()
            self._tally.poke()

    def _carry(self, number: int, point: Point, *, last: bool) -> bool:
        """Carry one run; return whether it is to be tried again.

        Raises
        ------
        NbprojError
            There is no run, and the next one would fare no better: the store does not answer, the disk is full, the environment cannot be had.
        """
        active = self._tally.begin(number, self._plan.label(point))
        signals = self._signals[number] = Signals()
        if self._cancelled:  # it may have been told to those before this one
            signals.pass_on(signal.SIGTERM)
        try:
            with own_checkout(self._base) as base:
                request = request_of(self._plan, base, point, self._workplace.variables["MLFLOW_RUN_ID"], self._keys, active)
                settled: Settled = carry(request, self._backend, self._workplace.guard, signals)
        except BaseException:
            self._tally.drop(number)
            raise
        failed = settled.status == "FAILED"
        self._tally.end(number, settled.status, settled.outcome.reason, last=last or not failed)
        # What another run would meet, too: the environment, the store, the guard is gone.
        if isinstance(settled.error, EnvironmentPreparationError | StoreError) or (
            isinstance(settled.error, NbprojError) and not self._workplace.guard.lives
        ):
            raise settled.error
        return failed and not last
