"""An execution that a thread of its own carries: what every such one has in common."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbproj.execution.execution import Inbox, Outcome
from nbproj.progress import Event

__all__ = ["ThreadedExecution"]


class ThreadedExecution:
    """The half of an `Execution` that the caller's thread sees; the other half is the function of its thread.

    That one puts events into `_inbox`, sets `_outcome`, and closes the inbox as its last deed.

    Parameters
    ----------
    size : int
        How many events may wait to be taken.
    """

    def __init__(self, size: int = 64) -> None:
        self._inbox = Inbox(size)
        self._outcome: Outcome | None = None
        self._thread: threading.Thread | None = None
        self._files: dict[str, Path] = {}

    @property
    def artifacts(self) -> dict[str, Path]:
        """Files that it leaves for the record, by their path among the run's artifacts."""
        return self._files

    def next(self, timeout: float) -> Event | None:
        """Return the next event, or None when none came in that many seconds."""
        return self._inbox.get(timeout)

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, once all its events were taken."""
        return self._outcome if self._inbox.closed else None

    def _begin(self, name: str, work: Callable[..., None], *arguments: Any) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=work, args=arguments, name=f"nbproj-{name}", daemon=True)
        self._thread.start()

    def _join(self, seconds: float) -> None:
        """Let the thread come to its end, for so long at most; at once when it was not started."""
        if self._thread is not None:
            self._thread.join(seconds)
