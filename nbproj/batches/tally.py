"""How a batch goes on, as its driver knows it: counts, what runs now, and whether more may start. Used by several threads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nbproj.errors import NbprojError
from nbproj.progress import Event

__all__ = ["Active", "Tally"]

_LABEL: Final = 80
_NOTES: Final = 50


@dataclass(slots=True)
class Active:
    """A run that goes on now.

    Parameters
    ----------
    label : str
        Its parameters, as far as they differ between the points.
    since : float
        When it began, in seconds since the epoch.
    run_id : str
        Once it exists.
    step : str
        What it does.
    cells : tuple of int, optional
        How many cells of how many are through.
    note : callable
        Told what is remarked about the run.
    """

    label: str
    since: float
    run_id: str = ""
    step: str = ""
    cells: tuple[int, int] | None = None
    note: Callable[[str], None] = field(default=lambda _text: None, repr=False)

    def __call__(self, event: Event) -> None:
        """Take an event of the run."""
        if event.step == "note":
            self.note(event.text)
            return
        if event.step == "created":
            self.run_id = str(event.data.get("run_id", ""))
        elif event.step == "cell" and event.done is not None and event.total is not None:
            self.cells = (event.done, event.total)
        if event.step != "output" and event.text:
            self.step = event.text[:_LABEL]

    shows_metrics = False
    """Nobody need ask the store for them while the run goes on."""


class Tally:
    """The counts of a batch.

    Parameters
    ----------
    size : int
        How many points there are.
    finished : int
        How many of them had finished before.
    most_failures : int, optional
        After how many failed points nothing starts any more.
    """

    def __init__(self, size: int, finished: int, most_failures: int | None) -> None:
        self.size = size
        self.before = finished
        self.finished = finished
        self.failed = 0
        self.killed = 0
        self.fatal: NbprojError | None = None
        self._most = most_failures
        self._stopping = False
        self._active: dict[int, Active] = {}
        self._took = 0.0
        self._ended = 0
        self._notes: deque[str] = deque()
        self._noted: set[str] = set()
        self._just_ended: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._news = True

    @property
    def stopping(self) -> bool:
        """Whether nothing starts any more."""
        return self._stopping

    def stop(self) -> None:
        """Let nothing start any more."""
        with self._changed:
            self._stopping = True
            self._tell()

    def fail(self, error: NbprojError) -> None:
        """Let nothing start any more, because the batch itself cannot go on: the store is away, the disk is full."""
        with self._changed:
            self.fatal = self.fatal or error
            self._stopping = True
            self._tell()

    def begin(self, worker: int, label: str) -> Active:
        """Note that a worker has taken a point."""
        with self._changed:
            active = self._active[worker] = Active(label, time.time(), note=self.note)
            self._tell()
            return active

    def end(self, worker: int, status: str, reason: str, *, last: bool) -> None:
        """Note how the run of a worker has ended.

        Parameters
        ----------
        worker : int
            Which worker.
        status : str
            How.
        reason : str
            Why it did not finish.
        last : bool
            The point is not tried again.
        """
        with self._changed:
            active = self._active.pop(worker)
            seconds = time.time() - active.since
            self._ended += 1
            self._took += seconds
            if status == "FINISHED":
                self.finished += 1
            elif status == "KILLED":
                self.killed += 1
            elif last:
                self.failed += 1
            if self._most is not None and self.failed >= self._most:
                self._stopping = True
            about = {"run_id": active.run_id, "status": status, "label": active.label, "reason": reason, "seconds": seconds, "last": last}
            self._just_ended.append(about)
            self._tell()

    def drop(self, worker: int) -> None:
        """Note that a worker's point did not become a run."""
        with self._changed:
            self._active.pop(worker, None)
            self._tell()

    def note(self, text: str) -> None:
        """Keep a remark about a run, once for all runs about which it is made."""
        with self._changed:
            if text not in self._noted and len(self._noted) < _NOTES:
                self._noted.add(text)
                self._notes.append(text)
                self._tell()

    @property
    def has_notes(self) -> bool:
        """Whether there is a remark that has not been told yet."""
        return bool(self._notes)

    def next_note(self) -> str | None:
        """Return a remark that has not been told yet."""
        with self._changed:
            return self._notes.popleft() if self._notes else None

    def poke(self) -> None:
        """Let whoever waits look again."""
        with self._changed:
            self._tell()

    def _tell(self) -> None:
        self._news = True
        self._changed.notify_all()

    def wait(self, timeout: float) -> bool:
        """Wait until something has changed, and return whether it has."""
        with self._changed:
            if not self._news:
                self._changed.wait(timeout)
            news, self._news = self._news, False
            return news

    @property
    def open(self) -> int:
        """How many points have neither finished nor failed."""
        return self.size - self.finished - self.failed

    def event(self, workers: int) -> Event:
        """Return how the batch goes on, as an event; `ended` in it are the runs that have ended since the last one."""
        with self._changed:
            ended, self._just_ended = self._just_ended, []
            counts = self._counts()
            running = [
                {"run_id": one.run_id, "label": one.label, "since": one.since, "step": one.step, "cells": one.cells} for one in self._active.values()
            ]
            left = self._took / self._ended * self.open / max(min(workers, self.open), 1) if self._ended and self.open else None
            data: Mapping[str, object] = {"counts": counts, "running": running, "ended": ended, "seconds_left": left}
            return Event("batch", _said(counts, left, stopping=self._stopping), done=self.finished + self.failed, total=self.size, data=data)

    def _counts(self) -> dict[str, int]:
        waiting = self.size - self.finished - self.failed - len(self._active) - self.killed
        return {
            "points": self.size,
            "finished": self.finished,
            "failed": self.failed,
            "killed": self.killed,
            "running": len(self._active),
            "waiting": max(waiting, 0),
        }


def _said(counts: Mapping[str, int], left: float | None, *, stopping: bool) -> str:
    from nbproj.display.quantity import elapsed

    parts = [f"{counts['finished']} of {counts['points']} finished"]
    parts += [f"{counts[name]} {name}" for name in ("failed", "killed", "running") if counts[name]]
    parts += ["nothing more starts"] if stopping else [f"about {elapsed(left)} left"] if left is not None and left >= 1 else []
    return ", ".join(parts)
