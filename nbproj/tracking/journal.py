"""The journal of a run that is carried out of sight: its events, line by line in a file beside its owner, for whoever looks on later.

What the program prints is not among them: it has a file of its own. The journal goes when the run is settled; a reader that has it open reads it
to the end.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nbproj.progress import Event

__all__ = ["JournalReader", "JournalWriter"]

_FILE = "events.jsonl"
_MOST_BYTES = 4 << 20
_ALWAYS = frozenset({"ending"})


class JournalWriter:
    """Keeps the events of a run. What cannot be written is left out: the run goes on.

    Parameters
    ----------
    folder : Path
        The run's private folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self._bytes = 0

    def __call__(self, event: Event) -> None:
        """Keep one event; past four megabytes only that the end has begun."""
        # Of a batch what has ended is kept: how it goes on in between would soon be all that there is room for.
        idle = event.step == "batch" and not event.data.get("ended")
        if event.step == "output" or idle or (self._bytes > _MOST_BYTES and event.step not in _ALWAYS):
            return
        line = json.dumps(event.to_dict()).encode() + b"\n"
        with contextlib.suppress(OSError):
            self._bytes += len(line)
            with self._file.open("ab") as stream:
                stream.write(line)


class JournalReader:
    """Reads the events of a run from the first on, also while they are written.

    Parameters
    ----------
    folder : Path
        The run's private folder.
    """

    def __init__(self, folder: Path) -> None:
        self._rest = b""
        self._stream: BinaryIO | None = None
        with contextlib.suppress(OSError):
            self._stream = (folder / _FILE).open("rb")

    def close(self) -> None:
        """Let the file go."""
        if self._stream is not None:
            self._stream.close()

    def new(self) -> Iterator[Event]:
        """Give the events that have come since the last call."""
        if self._stream is None:
            return
        *lines, self._rest = (self._rest + self._stream.read()).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError, AttributeError):  # a line that a full disk has cut
                yield Event.from_dict(json.loads(line))
