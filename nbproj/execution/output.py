"""What a program prints: taken from its pipe, masked, kept in a file, handed on as text."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import time
from pathlib import Path
from typing import BinaryIO, Protocol

from nbproj.execution.execution import Inbox
from nbproj.progress import Event

__all__ = ["ByteMask", "OutputLog", "pump"]

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
    """

    def __init__(self, path: Path, mask: ByteMask, inbox: Inbox) -> None:
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
            self._file.write(data)
        except OSError as error:
            # A full disk must not end the program: it is said once, and the run goes on.
            if not self.lost:
                self.lost = f"output could not be kept: {error.strerror}"
                self._inbox.put(Event("note", self.lost))
        text = self._decoder.decode(data, final)
        if text:
            self._inbox.put(Event("output", text))


def pump(descriptor: int, log: OutputLog) -> None:
    """Copy everything from a pipe into a log until all writers have closed it.

    A program that writes line by line without buffering would cost a wake-up a line; small reads therefore wait a few milliseconds for more, in a
    pipe that is made large enough for the program not to wait meanwhile.
    """
    with contextlib.suppress(OSError, ImportError):
        import fcntl

        fcntl.fcntl(descriptor, _LINUX_SET_PIPE_SIZE, _CHUNK)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    while True:
        ready = poll.poll()
        if ready and not ready[0][1] & select.POLLHUP:
            time.sleep(_GATHER_SECONDS)
        data = os.read(descriptor, _CHUNK)
        if not data:
            return
        log.write(data)
