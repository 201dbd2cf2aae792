"""INT, TERM and HUP during a run: turned into an exception, held back where a half-done step would lose a run."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

from nbproj.interruption import shields

__all__ = ["STOPS", "Interrupted", "Signals", "Terminated"]

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or Interrupt in a notebook: the run was ended and settled."""

    exit_code = 130
    run: object = None
    """The run that was ended, once it is settled."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this: whoever has pressed Interrupt need not be told where our code was.
        return [f"Interrupted: {self.run}" if self.run is not None else "Interrupted"]


class Terminated(SystemExit):
    """TERM or HUP: the run was ended and settled. Uncaught, it ends the program with the code that a shell reports."""

    run: object = None

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(self.exit_code)


STOPS = (Interrupted, Terminated)
"""What a front door catches to end with the right exit code."""


class Signals:
    """Handlers for the time of a run; a context manager.

    Outside the main thread Python delivers no signals: there it does nothing. A signal that was ignored before (a program under `nohup` ignores HUP)
    stays ignored.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._shields = 0
        self._pending: int | None = None
        self._raised: int | None = None
        self._once = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            # A handler that raised in here would leave the others installed for good.
            self._shields += 1
            for number in _WATCHED:
                handler = signal.getsignal(number)
                if handler is not signal.SIG_IGN and handler is not None:
                    self._before[number] = handler
                    signal.signal(number, self._arrived)
            if self._pending is not None:
                self._restore()
                raise self._stop(self._pending)
            shields.append(self.shielded)
            self._shields -= 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._shields += 1
        if self.shielded in shields:
            shields.remove(self.shielded)
        self._restore()
        if self._pending is not None and kind is None:
            raise self._stop(self._pending)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self._shields or (self._once and self._raised is not None):
            self._pending = number
        else:
            self._raised = number
            raise self._stop(number)

    @staticmethod
    def _stop(number: int) -> Interrupted | Terminated:
        return Interrupted() if number == signal.SIGINT else Terminated(number)

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        """Hold signals back during a block; the last one is raised at its end, unless the block raises by itself."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if not self._shields and self._pending is not None and not (self._once and self._raised is not None):
            number, self._pending = self._pending, None
            self._raised = number
            raise self._stop(number)

    def once(self) -> None:
        """From now on raise one signal only: what it sets going - a run that is ended and settled - is not cut short by the next."""
        self._once = True

    def hold(self) -> None:
        """Hold signals back until the end; `take` says whether one came."""
        self._shields += 1

    def take(self) -> Interrupted | Terminated | None:
        """Return what the signal that was held back would have raised, and forget it."""
        number, self._pending = self._pending, None
        return None if number is None else self._stop(number)

    def check(self) -> None:
        """Raise the signal that has come, also when some code between here and there has swallowed what was raised."""
        if self._once and not self._shields and self._raised is not None:
            raise self._stop(self._raised)

    def pass_on(self, number: int) -> None:
        """Let `check` raise a signal in a thread to which none is delivered; for whoever it came to."""
        self._raised = number
