"""Work that is done one after the other in a thread of its own, and a beat when there is none."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

__all__ = ["Worker"]


class Worker:
    """A thread that does what it is given, in order.

    Parameters
    ----------
    name : str
        Of the thread.
    beat : callable, optional
        Called when nothing has come for a while; returns after how many seconds again, None for not until something has come.
    """

    def __init__(self, name: str, beat: Callable[[], float | None] | None = None) -> None:
        self._name = name
        self._beat = beat
        self._given: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def do(self, task: Callable[[], None]) -> None:
        """Have something done; the thread starts with the first."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
        self._given.put(task)

    def end(self, seconds: float = 5.0) -> None:
        """End the thread when it has done what it has; wait for that, but not for ever."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._given.put(None)
            if thread is not threading.current_thread():
                thread.join(seconds)

    def _work(self) -> None:
        pause: float | None = None
        while True:
            try:
                task = self._given.get(timeout=pause)
            except queue.Empty:
                pause = self._beat() if self._beat is not None else None
                continue
            if task is None:
                return
            task()
            if self._beat is not None and pause is None:
                pause = self._beat()
