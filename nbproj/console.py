"""What a terminal shows while a run travels: the program's own output, and around it a few lines of ours."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from types import TracebackType
from typing import Any, Self, TextIO

from nbproj.display.quantity import duration
from nbproj.errors import one_line
from nbproj.progress import Event

__all__ = ["Console"]


class Console:
    """Shows the events of a run in a terminal; a context manager.

    The program's output goes to standard output, everything else to standard error, so that a pipe gets what the program wrote. In a terminal one
    line at the bottom says what is waited for.

    Parameters
    ----------
    quiet : bool
        Show the program's output only.
    program_to_stderr : bool
        Leave standard output to a JSON document.
    """

    def __init__(self, *, quiet: bool = False, program_to_stderr: bool = False) -> None:
        import time

        self._clock = time.monotonic
        self._quiet = quiet
        self._program: TextIO = sys.stderr if program_to_stderr else sys.stdout
        self._live = sys.stderr.isatty() and not quiet
        self._transient = False
        self._at_line_start = True
        self._since = self._clock()
        self._about: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._erase()

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return shutil.get_terminal_size((100, 24)).columns

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if event.step == "output":
            self._write(event.text)
        elif event.step in {"fetching", "preparing", "waiting", "cell"}:
            self._status(event.text)
        elif event.step == "note":
            self.line(f"note: {event.text}")
        elif event.step == "checked":
            self._about = dict(event.data)
        elif event.step == "created":
            commit = self._about.get("commit")
            version = f" at {str(commit)[:8]}" if commit else ""
            self.line(f"running {self._about.get('entry_point')} of {self._about.get('uri')}{version}  run {str(event.data['run_id'])[:8]}")
        elif event.step == "ending":
            self._status("keeping what the run left")

    def line(self, text: str) -> None:
        """Show a line of ours."""
        if self._quiet:
            return
        self._erase()
        self._close_line()
        with contextlib.suppress(BrokenPipeError):
            print(one_line(text), file=sys.stderr, flush=True)

    def block(self, text: str) -> None:
        """Show several lines of ours."""
        if self._quiet:
            return
        self._erase()
        self._close_line()
        with contextlib.suppress(BrokenPipeError):
            print(text, file=sys.stderr, flush=True)

    def _close_line(self) -> None:
        # The program's last line may be open; ours begins on a line of its own where both go to one terminal.
        if not self._at_line_start and self._program.isatty():
            self._write("\n")

    def _status(self, text: str) -> None:
        if self._live and self._at_line_start:
            waited = self._clock() - self._since
            shown = f"{one_line(text)} ({duration(waited)})"[: self.width - 1]
            sys.stderr.write(f"\r\x1b[K{shown}")
            sys.stderr.flush()
            self._transient = True

    def _erase(self) -> None:
        if self._transient:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._transient = False

    def _write(self, text: str) -> None:
        self._erase()
        try:
            self._program.write(text)
            self._program.flush()
        except UnicodeEncodeError:
            encoding = self._program.encoding or "ascii"
            self._program.write(text.encode(encoding, "replace").decode(encoding))
            self._program.flush()
        except BrokenPipeError:
            # Whoever read our output has left (`| head`): the run goes on, its record is what counts.
            self._program = open(os.devnull, "w")  # noqa: PTH123, SIM115 - lives as long as the console
            with contextlib.suppress(OSError):
                os.dup2(self._program.fileno(), 1)
        self._at_line_start = text.endswith("\n")
