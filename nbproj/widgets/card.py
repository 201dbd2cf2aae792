"""The live card below a cell: one display that is brought up to date while the run goes on, and stays as it ended."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any, Protocol, Self

from nbproj.display.card import bundle
from nbproj.display.live import CardState
from nbproj.errors import NbprojError
from nbproj.progress import Event
from nbproj.record import Run
from nbproj.widgets.stack import Stack

__all__ = ["LiveCard", "Place"]

_SECONDS = 0.25
_TICK_SECONDS = 1.0
_AT_ONCE = frozenset({"created", "started", "settled"})


class Place(Protocol):
    """Where a card is shown: what IPython's `display` hands out with an id, or a part of that."""

    def update(self, obj: Any, *, raw: bool) -> None:  # noqa: ANN401 - IPython's signature
        """Show a bundle there."""


class LiveCard:
    """Shows the events of a run in a notebook; a context manager.

    Events come often, a front end draws slowly: at most four times a second the display is brought up to date, and once a second when nothing comes,
    so that the time goes on.

    Parameters
    ----------
    place : Place, optional
        Where it is shown; by default below the cell that is executed.
    """

    def __init__(self, place: Place | None = None) -> None:
        self._state = CardState(started=time.time() * 1000)
        self._place = place
        self.stack: Stack | None = None
        self._handle: Place | None = None
        self._notes: list[str] = []
        self._shown = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._left = False
        self._ticker = threading.Thread(target=self._tick, name="nbproj-card", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._left:
            return
        self._over.set()
        if self._ticker.is_alive():
            self._ticker.join()

    def __call__(self, event: Event) -> None:
        """Take one event; nothing is shown before there is a run."""
        with self._lock:
            self._state.fold(event, time.time() * 1000)
            if event.step == "note" and self._handle is None:
                self._notes.append(event.text)
            if event.step == "created" and self._handle is None:
                self._begin()
            elif self._handle is not None and (event.step in _AT_ONCE or time.monotonic() - self._shown >= _SECONDS):
                self._update()

    def finish(self, run: Run) -> None:
        """Show what came out, from the record.

        Parameters
        ----------
        run : Run
            Ended and settled.
        """
        self._over.set()
        with self._lock:
            values = {**self._state.values(time.time() * 1000), **run.values(), **run.course(), **run.previews()}
            if self._handle is not None:
                self._handle.update(bundle(values), raw=True)
            elif self._notes:  # there was no run to show: why not is said all the same
                sys.stderr.write("".join(f"{note}\n" for note in self._notes))

    def leave(self, run: Run) -> None:
        """Return at once, and keep the card up to date while this kernel lives; the run goes on without it.

        Parameters
        ----------
        run : Run
            Carried by a driver of its own.
        """
        self._left = True
        threading.Thread(target=self._watch, args=(run,), name="nbproj-watch", daemon=True).start()

    def _watch(self, run: Run) -> None:
        from nbproj.following import follow

        try:
            for event in follow(run):
                self(event)
            self.finish(run)
        except NbprojError as error:  # the store is gone: the card says so, and stays as it is
            self(Event("note", f"the run is not watched any more: {error}"))
        finally:
            self._over.set()

    def _begin(self) -> None:
        if self._place is None:
            stack = Stack()
            self._place = stack.new()
            self._place.update(self._bundle(), raw=True)
            stack.show()
            self.stack = stack
        self._handle = self._place
        self._update()
        self._ticker.start()

    def _bundle(self) -> dict[str, Any]:
        return bundle(self._state.values(time.time() * 1000))

    def _update(self) -> None:
        self._shown = time.monotonic()
        if self._handle is not None:
            self._handle.update(self._bundle(), raw=True)

    def _tick(self) -> None:
        while not self._over.wait(_TICK_SECONDS):
            with self._lock:
                if not self._over.is_set():
                    self._update()
