"""INT, TERM and HUP during a run: turned into an exception, held back where a half-done step would lose a run."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["STOPS", "Interrupted", "Signals", "Terminated"]

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or Interrupt in a notebook: the run was ended and settled."""

    exit_code = 130
    run: object = None
    """The run that was ended, once it is settled."""


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

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _WATCHED:
                handler = signal.getsignal(number)
                if handler is not signal.SIG_IGN and handler is not None:
                    self._before[number] = handler
                    signal.signal(number, self._arrived)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self._shields:
            self._pending = number
        else:
            _raise(number)

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        """Hold signals back during a block; the last one is raised at its end, unless the block raises by itself."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if not self._shields and self._pending is not None:
            number, self._pending = self._pending, None
            _raise(number)


def _raise(number: int) -> None:
    if number == signal.SIGINT:
        raise Interrupted
    raise Terminated(number)
