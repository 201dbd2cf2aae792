"""A run that another process carries, watched while it goes on: its events and what it prints, from the first to the last."""

from __future__ import annotations

import codecs
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from nbproj.processes import is_alive
from nbproj.progress import Event
from nbproj.record import Run
from nbproj.tracking.journal import JournalReader
from nbproj.tracking.ownership import Ledger, owner_of_tag

__all__ = ["follow"]

_LOOK_SECONDS = 0.1
_FAR_SECONDS = 2.0
"""How often a run is asked for that another host carries."""

_CHUNK = 1 << 16


class _Output:
    """The output of a run in its private folder, read while it is written; a character that is cut in two waits for its rest."""

    def __init__(self, file: Path) -> None:
        self.read = 0
        self._file = file
        self._stream: BinaryIO | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def new(self) -> Iterator[str]:
        if self._stream is None:
            with contextlib.suppress(OSError):
                self._stream = self._file.open("rb")
        while self._stream is not None and (chunk := self._stream.read(_CHUNK)):
            self.read += len(chunk)
            yield self._decoder.decode(chunk)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


def follow(run: Run, *, wait: bool = True, over: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Give what happened and happens in a run until it has ended; also one that another process of this host carries.

    The output comes as events `output`. Cells and metrics are told of detached runs, whose driver keeps a journal. Of a run that another host carries
    the output comes at its end.

    Parameters
    ----------
    run : Run
        The run.
    wait : bool
        Go on until the run has ended; otherwise give what is there by now.
    over : callable
        Asked now and then whether the caller has seen enough.

    Yields
    ------
    Event
        In the order in which they happened, output and others apart.
    """
    entry = Ledger.open().of_run(run.run_id)
    if entry is None:
        yield from _from_afar(run, over if wait else lambda: True)
        return
    journal, output = JournalReader(entry.folder), _Output(entry.folder / "output.log")
    ended = False
    try:
        while not ended and not over():
            # Looked at before the files are read: what is written until then is read below.
            ended = not wait or not entry.folder.exists() or (not is_alive(entry.owner.process) and run.has_ended())
            for text in output.new():
                yield Event("output", text)
            yield from journal.new()
            if not ended:
                time.sleep(_LOOK_SECONDS)
    finally:
        journal.close()
        output.close()
    if ended and output.read == 0:  # it ended before its output could be opened
        yield Event("output", run.logs())
    if ended and wait:
        yield _settled(run)


def _from_afar(run: Run, over: Callable[[], bool]) -> Iterator[Event]:
    if not run.has_ended():
        known = owner_of_tag(run.tags)
        where = f"on host {known[0].host}" if known is not None else "by another program"
        yield Event("note", f"run {run.run_id[:8]} is carried {where}: its output is kept when it has ended")
    while not run.has_ended() and not over():
        time.sleep(_FAR_SECONDS)
    yield Event("output", run.logs())
    if run.has_ended():
        yield _settled(run)


def _settled(run: Run) -> Event:
    # The journal is gone before the last word can be written into it.
    return Event("settled", data={"run_id": run.run_id, "status": run.status, "exit_code": run.exit_code})
