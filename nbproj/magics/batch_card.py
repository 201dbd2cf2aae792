"""The live card of a batch below a cell: a table that fills, brought up to date while the batch goes on."""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from types import TracebackType
from typing import Any, Final, Self

from nbproj.batches.result import Batch
from nbproj.display.batch import bundle, rows_of
from nbproj.errors import NbprojError
from nbproj.progress import Event
from nbproj.runner import open_default_store

__all__ = ["BatchCard"]

_SECONDS: Final = 0.5
_SHARE: Final = 10
"""What reading the store takes is at most this part of the time."""


class BatchCard:
    """Shows a batch in a notebook; a context manager.

    Counts come as events; the table is read from the store by a thread of its own, at a pace that harms neither the store nor the batch.

    Parameters
    ----------
    tracking_uri : str, optional
        The store, where the caller has named one.
    """

    shows_metrics = False

    def __init__(self, tracking_uri: str | None = None) -> None:
        self._tracking_uri = tracking_uri
        self._handle: Any = None
        self._batch: Batch | None = None
        self._event: Event | None = None
        self._started = time.time() * 1000
        self._entry_point = ""
        self._notes: list[str] = []
        self._table: dict[str, Any] = {}
        self._drawn = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._left = False
        self._reader = threading.Thread(target=self._read, name="nbproj-batch-card", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._left:
            self._close()

    def _close(self) -> None:
        self._over.set()
        if self._reader.is_alive():
            self._reader.join()

    def __call__(self, event: Event) -> None:
        """Take one event; nothing is shown before there is a run that stands for the batch."""
        with self._lock:
            if event.step == "checked":
                self._entry_point = str(event.data.get("entry_point") or "")
            elif event.step == "note" and self._handle is None:
                self._notes.append(event.text)
            elif event.step == "batch":
                self._event = event
            elif event.step == "created" and self._handle is None:
                self._begin(str(event.data["run_id"]))
            if self._handle is not None and time.monotonic() - self._drawn >= _SECONDS:
                self._draw()

    def _begin(self, batch_id: str) -> None:
        from IPython.display import display

        self._batch = Batch(lambda: open_default_store(self._tracking_uri), batch_id)
        self._handle = display(self._bundle(), raw=True, display_id=True)
        self._reader.start()

    def _read(self) -> None:
        pace = 2 * _SECONDS
        while not self._over.wait(pace):
            began = time.monotonic()
            try:
                table = self._batch.values() if self._batch is not None else {}
            except NbprojError:  # the driver says so, if it matters
                table = {}
            pace = max(2 * _SECONDS, _SHARE * (time.monotonic() - began))
            with self._lock:
                self._table = {name: table[name] for name in ("rows", "failures", "varying", "metric", "store") if name in table}
                if not self._over.is_set():
                    self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, Any]:
        event = self._event
        size = event.total or 0 if event is not None else 0
        counts: Any = (event.data.get("counts") if event is not None else None) or {
            "points": size,
            "finished": event.done or 0 if event is not None else 0,
        }
        values = {
            "batch_id": self._batch.batch_id if self._batch is not None else "",
            "status": "RUNNING",
            "entry_point": self._entry_point,
            "counts": counts,
            "start_time": self._started,
            "active": [row.strip() for row in rows_of(event)] if event is not None else [],
            **self._table,
        }
        return bundle(values, now=time.time() * 1000, zone=_zone())

    def finish(self, batch: Batch) -> None:
        """Show what came out, from the record.

        Parameters
        ----------
        batch : Batch
            Ended and settled.
        """
        self._close()
        values = batch.values()
        if self._handle is not None:
            self._handle.update(bundle(values, now=time.time() * 1000, zone=_zone()), raw=True)
            return
        from IPython.display import display

        sys.stderr.write("".join(f"{note}\n" for note in self._notes))
        display(bundle(values, now=time.time() * 1000, zone=_zone()), raw=True)

    def leave(self, batch: Batch) -> None:
        """Return at once, and keep the card up to date while this kernel lives; the batch goes on without it.

        Parameters
        ----------
        batch : Batch
            Carried by a driver of its own.
        """
        self._left = True
        threading.Thread(target=self._watch, args=(batch,), name="nbproj-watch", daemon=True).start()

    def _watch(self, batch: Batch) -> None:
        from nbproj.following import follow

        try:
            for event in follow(batch.run):
                self(event)
            self.finish(batch)
        except NbprojError:  # the store is gone: the card stays as it is
            self._over.set()


def _zone() -> dt.tzinfo:
    return dt.datetime.now().astimezone().tzinfo or dt.UTC
