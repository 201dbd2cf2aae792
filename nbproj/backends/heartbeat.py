"""The sign that a driver lives, told to the store now and then, so that other hosts can see a lost run."""

from __future__ import annotations

import contextlib
import threading

from nbproj.errors import StoreError
from nbproj.tracking.heartbeats import HEARTBEAT_SECONDS, heartbeat
from nbproj.tracking.store import Store

__all__ = ["Heartbeat"]


class Heartbeat:
    """Beats from when it is made until it is stopped, in a thread of its own.

    Parameters
    ----------
    store : Store
        Where it is told.
    run_id : str
        The run.
    """

    def __init__(self, store: Store, run_id: str) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, args=(store, run_id), name="nbproj-heartbeat", daemon=True)
        self._thread.start()

    def _beat(self, store: Store, run_id: str) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(StoreError):  # a store that is away for a while harms nobody
                heartbeat(store, run_id)

    def stop(self) -> None:
        """Let it stop. May be called twice."""
        self._stop.set()
