"""What a git process prints: read while it runs, until it ends, prints too much or falls silent."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable
from typing import Literal

__all__ = ["Listener"]


class Listener:
    """Reads what a git process prints until it ends, prints too much, or is silent for too long.

    Parameters
    ----------
    process : Popen
        With its standard output and its errors as pipes.
    heard : callable, optional
        Gets each line of progress.
    limit : int, optional
        Bytes of output after which nothing more is read.

    Attributes
    ----------
    output, errors : bytearray
        What it has printed; of the errors the last 64 KiB.
    """

    def __init__(self, process: subprocess.Popen[bytes], heard: Callable[[str], None] | None, limit: int | None) -> None:
        self.process = process
        self.heard = heard
        self.limit = limit
        self.output = bytearray()
        self.errors = bytearray()
        self._line = b""

    def listen(self) -> Literal["end", "limit", "silence"]:
        """Read, and return why no more is read."""
        patience = float(os.environ.get("NBPROJ_GIT_SILENCE") or 120)
        last = time.monotonic()
        with selectors.DefaultSelector() as selector:
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                ended = self.process.poll() is not None  # before the look: what it has printed by then is there to be seen
                ready = selector.select(0 if ended else 0.2)
                for key, _ in ready:
                    last = time.monotonic()
                    if not self._read(key.fd, is_output=key.fileobj is self.process.stdout):
                        selector.unregister(key.fileobj)
                if self.limit is not None and len(self.output) > self.limit:
                    return "limit"
                if not ready and ended:
                    break  # a master connection of ssh may keep the pipe open
                if time.monotonic() - last > patience:
                    return "silence"
        return "end"

    def _read(self, descriptor: int, *, is_output: bool) -> bool:
        chunk = os.read(descriptor, 65536)
        if is_output:
            self.output += chunk
            return bool(chunk)
        self.errors = (self.errors + chunk)[-65536:]
        if self.heard is not None:
            *complete, self._line = re.split(rb"[\r\n]+", self._line + chunk)
            for told in complete:
                self.heard(told.decode(errors="replace"))
        return bool(chunk)
