"""The contract of an execution: one entry point that runs, told as a stream of events that ends with an outcome."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from nbproj.progress import Event

__all__ = ["Execution", "Inbox", "Mask", "Outcome"]

Mask: TypeAlias = Callable[[str], str]
"""Replaces what may not be shown in a text."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an entry point ended.

    Parameters
    ----------
    exit_code : int
        0 for success; the program's own code; 128 + N for signal N; 124 for a timeout.
    reason : str
        Why it failed, in one line; empty for success.
    cancelled : bool
        It was ended on request.
    cell : int, optional
        Number of the cell that failed, counted from 1.
    source, trace : str
        That cell's source, and its traceback without colours.
    died : bool
        A kernel ended by itself.
    """

    exit_code: int
    reason: str = ""
    cancelled: bool = False
    cell: int | None = None
    source: str = ""
    trace: str = ""
    died: bool = False


class Execution(Protocol):
    """One entry point that runs.

    The caller's thread takes the events; whatever threads the execution has never call the caller. Making one starts nothing: whoever holds it can
    end what `start` starts.
    """

    @property
    def artifacts(self) -> Mapping[str, Path]:
        """Files that it leaves for the record, by their path among the run's artifacts."""

    def start(self) -> None:
        """Start it; quick. The caller holds signals back meanwhile."""

    def next(self, timeout: float) -> Event | None:
        """Return the next event, or None when none came in that many seconds."""

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, once it has ended and all its events were taken."""

    def cancel(self) -> None:
        """End it: TERM, a pause, KILL. Returns when no process of it is left; at once when it was not started."""


class Inbox:
    """Events on their way from the threads of an execution to the caller's thread, bounded.

    A full inbox makes the producer wait, and through the pipe the program: memory stays flat. Once `drain` was called, events are dropped instead, so
    that a program that is being ended can write what it wants to.
    """

    def __init__(self, size: int = 64) -> None:
        # Simple queues only: a signal in the middle of `queue.Queue` would leave it locked, and the thread that fills it waiting for good.
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._room: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(size):
            self._room.put(None)
        self._draining = False
        self.closed = False

    def put(self, event: Event) -> None:
        """Hand an event over; waits while the inbox is full."""
        while not self._draining:
            try:
                self._room.get(timeout=0.1)
            except queue.Empty:
                continue
            self._queue.put(event)
            return

    def close(self) -> None:
        """Say that no event will follow."""
        self._queue.put(None)

    def drain(self) -> None:
        """Drop what comes from now on."""
        self._draining = True

    def get(self, timeout: float) -> Event | None:
        """Return the next event; None when none came in time or none will follow, which `closed` tells."""
        if self.closed:
            return None
        try:
            event = self._queue.get(timeout=max(timeout, 0.0))
        except queue.Empty:
            return None
        if event is None:
            self.closed = True
        else:
            self._room.put(None)
        return event
