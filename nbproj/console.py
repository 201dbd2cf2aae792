"""What a terminal shows while a run travels: the program's own output, and around it a few lines of ours."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self, TextIO

from nbproj.display.batch import failures_of, rows_of
from nbproj.display.columns import clip
from nbproj.display.quantity import elapsed
from nbproj.errors import RunError, one_line
from nbproj.progress import Event
from nbproj.record import Run

__all__ = ["Console"]

TICK_SECONDS = 1.0
"""How often the line at the bottom says anew for how long something is waited for."""

_WIDTH = 100  # where no terminal says better
_ERASE = "\r\x1b[K"
_STYLE = re.compile(r"\x1b\[[0-9;:]*m")
_PLAIN = re.compile(r"\x1b\[0*m")
_ENDED = re.compile(r"^(FINISHED|FAILED|KILLED)\b", re.MULTILINE)


class Console:
    """Shows the events of a run in a terminal; a context manager.

    The program's output goes to standard output, everything else to standard error, so that a pipe gets what the program wrote. In a terminal one
    line at the bottom says what is waited for and for how long; it goes when there is something to show, and leaves nothing behind.

    Parameters
    ----------
    quiet : bool
        Show the program's output only, and what went wrong.
    program_to_stderr : bool
        Leave standard output to a JSON document.
    """

    shows_metrics = False
    """The record tells them at the end; nobody need ask the store for them before."""

    def __init__(self, *, quiet: bool = False, program_to_stderr: bool = False) -> None:
        self._quiet = quiet
        # A stream that the caller has closed is None.
        self._ours: TextIO = sys.stderr or _nowhere()
        self._program: TextIO = self._ours if program_to_stderr else sys.stdout or _nowhere()
        self._live = not quiet and self._ours.isatty() and os.environ.get("TERM") != "dumb"
        self._coloured = self._live and not os.environ.get("NO_COLOR")
        self._piped = not program_to_stderr and _is_pipe(self._program)
        self._lock = threading.RLock()  # events come from other threads too, and the clock ticks in one
        self._stop = threading.Event()
        self._clock: threading.Thread | None = None
        self._status_shown = False
        self._at_line_start = True
        self._style_open = False
        self._wrote = 0.0
        self._waiting_for = ""
        self._since = time.monotonic()
        self._about: dict[str, Any] = {}
        self._points = ""
        self._rows: list[str] = []
        self._drawn = 0
        self._tenth = 0

    def __enter__(self) -> Self:
        if self._live:
            self._wait_for("reading the project", show=False)
            self._clock = threading.Thread(target=self._tick, name="nbproj-clock", daemon=True)
            self._clock.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        with self._lock:
            self._waiting_for = ""
            self._make_room()
        if self._clock is not None:
            self._clock.join()  # at once: there is nothing to draw any more

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        if os.environ.get("COLUMNS", "").isdecimal():
            return int(os.environ["COLUMNS"]) or _WIDTH
        for stream in (self._ours, self._program):
            with contextlib.suppress(OSError, ValueError):  # no terminal, or no file at all
                return os.get_terminal_size(stream.fileno()).columns or _WIDTH
        return _WIDTH

    def __call__(self, event: Event) -> None:
        """Show one event; from any thread."""
        if event.step == "output":
            self._write(event.text)
        elif event.step == "note":
            self.line(f"note: {event.text}")
        elif event.step == "checked":
            self._about = dict(event.data)
            self._wait_for("opening the tracking store")
        elif event.step == "created":
            commit = self._about.get("commit")
            version = f" at {str(commit)[:8]}" if commit else ""
            what = f"batch {str(event.data['run_id'])[:8]}: {self._points}" if self._points else f"run {str(event.data['run_id'])[:8]}"
            self.line(f"running {self._about.get('entry_point')} of {self._about.get('uri')}{version}, {what}")
        elif event.step == "settled":
            self._rows = []
            self._wait_for("reading the record")
        elif event.step == "batch":
            self._batch(event)
        else:
            text = _waited_for(event, str(self._about.get("entry_point")))
            if self._piped and event.step in {"started", "cell"}:
                self._wait_for("")  # what reads the pipe may write to this terminal too, and we cannot see when
            elif text:
                same = "fetching" if event.step == "fetching" else event.text  # of an image it is told how much is there
                self._wait_for(text, same=bool(same) and self._waiting_for.startswith(same))

    def _batch(self, event: Event) -> None:
        """Show how a batch goes on: in a terminal what runs now, elsewhere a line for each tenth; and what has failed."""
        if "counts" not in event.data:
            self._points = event.text
            return
        for line in failures_of(event):
            self.line(line)
        if self._live:
            self._rows = rows_of(event)
            self._wait_for(event.text, same=True)
        elif event.total and 10 * (event.done or 0) // event.total > self._tenth:
            self._tenth = 10 * (event.done or 0) // event.total
            self.line(event.text)

    def line(self, text: str) -> None:
        """Show a line of ours."""
        self._show(one_line(text))

    def block(self, text: str) -> None:
        """Show several lines of ours; in a terminal the word that says how a run ended, which alone begins a line, has its colour."""
        self._show(_ENDED.sub(_coloured, text, count=1) if self._coloured else text)

    def finish(self, run: Run) -> None:
        """Show what came out of a run."""
        self.block(run.summary(width=self.width))

    def leave(self, run: Run) -> None:
        """Say how a run is found again that goes on by itself."""
        short = run.run_id[:8]
        self.line(f"run {short} goes on by itself: nbproj logs -f {short} follows it, nbproj stop {short} ends it")

    def answer(self, text: str) -> None:
        """Show what was asked for, on standard output.

        Raises
        ------
        RunError
            It cannot be written. A reader that has left (`| head`) has what it wanted.
        """
        with self._lock:
            self._waiting_for = ""
            self._make_room()
            reason = self._put(sys.stdout or _nowhere(), f"{text}\n")
        if reason:
            msg = f"standard output cannot be written: {reason}"
            raise RunError(msg)

    def _show(self, text: str) -> None:
        if self._quiet:
            return
        with self._lock:
            self._make_room()
            if not self._at_line_start and self._program.isatty():
                # The program's last line may be open; ours begins on a line of its own where both go to one terminal.
                self._put(self._program, "\n")
                self._at_line_start = True
            if self._style_open and self._live:
                self._put(self._ours, "\x1b[0m")
                self._style_open = False
            self._put(self._ours, f"{text}\n")

    def _wait_for(self, text: str, *, same: bool = False, show: bool = True) -> None:
        with self._lock:
            if not same and text != self._waiting_for:
                self._since = time.monotonic()
            self._waiting_for = text
            if text and show:
                self._draw()
            else:
                self._erase()

    def _tick(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            with self._lock:
                # A program that prints several times a second may be drawing a bar of its own just now.
                if self._waiting_for and time.monotonic() - self._wrote >= TICK_SECONDS / 2:
                    self._draw()

    def _draw(self) -> None:
        if self._live and self._at_line_start and not self._style_open and not self._stop.is_set():
            seconds = time.monotonic() - self._since
            waited = f" ({elapsed(seconds)})" if seconds >= 1 else ""
            room = self.width - 1 - len(waited)  # a full line would move the cursor to the next
            above = "".join(f"{clip(one_line(row), self.width - 1)}\n" for row in self._rows)
            self._erase()
            self._status_shown = True
            self._drawn = len(self._rows)
            self._put(self._ours, _ERASE + above + clip(one_line(self._waiting_for), room) + waited)

    def _erase(self) -> None:
        if self._status_shown:
            self._status_shown = False
            up, self._drawn = f"\x1b[{self._drawn}A\x1b[J" if self._drawn else "", 0
            self._put(self._ours, _ERASE + up)

    def _make_room(self) -> None:
        # At the start of a line there can be the status, or the `^C` with which a terminal answers Ctrl-C.
        self._status_shown = self._status_shown or (self._live and self._at_line_start and not self._piped)
        self._erase()

    def _write(self, text: str) -> None:
        with self._lock:
            self._erase()
            reason = self._put(self._program, text)
            if reason and self._program is not self._ours:
                self.line(f"note: standard output cannot be written any more: {reason}")
            self._wrote = time.monotonic()
            bare = _STYLE.sub("", text)
            self._at_line_start = bare.endswith("\n") if bare else self._at_line_start
            styles = _STYLE.findall(text)
            self._style_open = not _PLAIN.fullmatch(styles[-1]) if styles else self._style_open

    def _put(self, stream: TextIO, text: str) -> str:
        """Write, and return why it could not be done; empty also when the reader has left."""
        try:
            stream.write(_encodable(text, stream))
            stream.flush()
        except (OSError, ValueError) as error:
            # Whoever read it has left (`| head`), the terminal is gone, the disk is full: the run goes on, its record is what counts. What stays in
            # the buffer must not be tried again at the end of the process.
            for descriptor, standard in ((1, sys.stdout), (2, sys.stderr)):
                if stream is standard:
                    with contextlib.suppress(OSError), open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device
                        os.dup2(nowhere.fileno(), descriptor)
            return (error.strerror or "") if isinstance(error, OSError) and not isinstance(error, BrokenPipeError) else ""
        return ""


def _waited_for(event: Event, entry_point: str) -> str:
    """Return what is waited for from an event on; empty when it starts no wait."""
    if event.step in {"fetching", "preparing", "waiting", "cell"} or (event.step == "fetched" and "kept" in event.data):
        share = f", {100 * (event.done or 0) // event.total} %" if event.total and event.step != "cell" else ""
        return event.text + share
    return {
        "fetched": "reading the project",
        "creating": "creating the run",
        "prepared": f"starting {entry_point}",
        "started": f"{entry_point} runs",
        "ending": "keeping what the run left",
    }.get(event.step, "")


def _coloured(match: re.Match[str]) -> str:
    return f"\x1b[1;{32 if match[1] == 'FINISHED' else 31}m{match[1]}\x1b[0m"


def _encodable(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, "replace").decode(encoding)
    return text


def _is_pipe(stream: TextIO) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # no file at all
        return False


def _nowhere() -> TextIO:
    return open(os.devnull, "w")  # noqa: PTH123 - lives as long as the process
