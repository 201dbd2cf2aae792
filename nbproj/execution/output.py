"""What a program prints: taken from its pipe, masked, kept in a file, handed on as text."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import time
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from nbproj.execution.execution import Inbox
from nbproj.paths import writing
from nbproj.progress import Event

__all__ = ["ByteMask", "OutputLog", "Pipe"]

_CHUNK = 1 << 20
_GATHER_SECONDS = 0.004
_LINUX_SET_PIPE_SIZE = 1031  # fcntl.F_SETPIPE_SZ, named there from Python 3.10 on Linux only


class ByteMask(Protocol):
    """Masks secrets in a stream of bytes, also where one is split over two pieces."""

    def feed(self, data: bytes) -> bytes:
        """Return what can be passed on."""

    def flush(self) -> bytes:
        """Return what was held back."""


class OutputLog:
    """The file that keeps all output of a run, and the text of it as events.

    Parameters
    ----------
    path : Path
        Where the file is made, mode 0600.
    mask : ByteMask
        Applied before anything is kept or shown.
    inbox : Inbox
        Gets an `output` event for each piece.

    Raises
    ------
    RunError
        The file cannot be made.
    """

    def __init__(self, path: Path, mask: ByteMask, inbox: Inbox) -> None:
        with writing(path):
            self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", buffering=0)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._mask = mask
        self._inbox = inbox
        self.lost = ""

    def write(self, data: bytes) -> None:
        """Keep and hand on a piece of output."""
        self._pass_on(self._mask.feed(data), final=False)

    def close(self) -> None:
        """Hand on what was held back and close the file."""
        self._pass_on(self._mask.flush(), final=True)
        self._file.close()

    def _pass_on(self, data: bytes, *, final: bool) -> None:
        try:
            written = 0
            while written < len(data):  # a disk that is nearly full takes a part
                written += self._file.write(data[written:] if written else data) or 0
        except OSError as error:
            # A full disk must not end the program: it is said once, and the run goes on.
            if not self.lost:
                self.lost = f"output could not be kept: {error.strerror}"
                self._inbox.put(Event("note", self.lost))
        text = self._decoder.decode(data, final)
        if text:
            self._inbox.put(Event("output", text))


class Pipe:
    """The pipe that a program writes its output to.

    Parameters
    ----------
    stream : IO
        The end that is read; closed with the pipe.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._woken, self._wake = os.pipe()

    def pump(self, log: OutputLog) -> bool:
        """Copy everything into a log until all writers have closed the pipe.

        A program that writes line by line without buffering would cost a wake-up a line; small reads therefore wait a few milliseconds for more, in a
        pipe that is made large enough for the program not to wait meanwhile.

        Returns
        -------
        bool
            Whether the writers have closed it; False when `finish` was called and somebody still holds it.
        """
        descriptor = self._stream.fileno()
        with contextlib.suppress(OSError, ImportError):
            import fcntl

            fcntl.fcntl(descriptor, _LINUX_SET_PIPE_SIZE, _CHUNK)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
        poll.register(self._woken, select.POLLIN)
        left: int | None = None
        while left is None or left > 0:
            ready = dict(poll.poll(None if left is None else 0))
            if left is None and self._woken in ready:
                poll.unregister(self._woken)
                left = 2 * _CHUNK  # more than the pipe can hold of what was written before
                continue
            if descriptor not in ready:
                return False
            if left is None and not ready[descriptor] & select.POLLHUP:
                time.sleep(_GATHER_SECONDS)
            data = os.read(descriptor, _CHUNK)
            if not data:
                return True
            log.write(data)
            left = None if left is None else left - len(data)
        return False

    def finish(self) -> None:
        """Make `pump` take what is in the pipe, and return then: whoever still holds it is not waited for."""
        os.write(self._wake, b".")

    def close(self) -> None:
        """Close it; nobody may be pumping any more."""
        self._stream.close()
        os.close(self._woken)
        os.close(self._wake)
