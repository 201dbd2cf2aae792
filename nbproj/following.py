"""A run that another process carries, watched while it goes on: its events and what it prints, from the first to the last."""

from __future__ import annotations

import codecs
import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from nbproj.processes import is_dead
from nbproj.progress import Event
from nbproj.record import Run
from nbproj.tracking.journal import JournalReader
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.owner import owner_of_tag

__all__ = ["Mark", "Watch", "follow"]

_LOOK_SECONDS = 0.1
_FAR_SECONDS = 2.0
"""How often a run is asked for that another host carries."""

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Mark:
    """How far somebody has read what a run tells.

    Parameters
    ----------
    events : int
        Events of its journal.
    read : int
        Bytes of its output.

    Examples
    --------
    >>> str(Mark(3, 1024)), Mark.parse("3.1024")
    ('3.1024', Mark(events=3, read=1024))
    """

    events: int = 0
    read: int = 0

    def __str__(self) -> str:
        return f"{self.events}.{self.read}"

    @classmethod
    def parse(cls, text: str) -> Mark:
        """Return the mark that a text means.

        Raises
        ------
        ValueError
            It means none.
        """
        found = re.fullmatch(r"([0-9]{1,15})\.([0-9]{1,15})", text, re.ASCII)
        if found is None:
            msg = f"no mark: {text!r}"
            raise ValueError(msg)
        return cls(int(found[1]), int(found[2]))


class _Output:
    """The output of a run in its private folder, read while it is written; a character that is cut in two waits for its rest."""

    def __init__(self, file: Path, start: int) -> None:
        self.read = start
        self._file = file
        self._stream: BinaryIO | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def skip(self, most: int) -> int:
        """Leave out what is more than so many bytes behind the end; return how many those are."""
        try:
            behind = self._file.stat().st_size - self.read - most
        except OSError:
            return 0
        if behind > 0:
            self.read += behind
            if self._stream is not None:
                self._stream.seek(self.read)
                self._decoder.reset()
        return max(behind, 0)

    def new(self) -> Iterator[str]:
        if self._stream is None:
            with contextlib.suppress(OSError):
                self._stream = self._file.open("rb")
                self._stream.seek(self.read)
        while self._stream is not None and (chunk := self._stream.read(_CHUNK)):
            text = self._decoder.decode(chunk)
            # What the decoder holds back is read again by whoever goes on from here.
            self.read = self._stream.tell() - len(self._decoder.getstate()[0])
            yield text

    @property
    def was_opened(self) -> bool:
        return self._stream is not None

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


class Watch:
    """A run that is looked at now and then, until it has ended; also one that another process of this host carries.

    A context manager. The output comes as events `output`. Cells and metrics are told of detached runs, whose driver keeps a journal. Of a run that
    another host carries the output comes at its end.

    Parameters
    ----------
    run : Run
        The run.
    mark : Mark
        Go on from here: where an earlier watch had come to.
    most : int, optional
        Bytes of output that are given in one look; what is older is left out, with a note.

    Examples
    --------
    >>> import nbproj
    >>> with Watch(nbproj.get_run("1f3c89ab")) as watch:  # doctest: +SKIP
    ...     for event in watch.look():
    ...         print(event.step, event.text)
    >>> Mark.parse("0.0") == Mark()
    True
    """

    def __init__(self, run: Run, mark: Mark = Mark(), *, most: int | None = None) -> None:
        self.ended = False
        self.pause = _LOOK_SECONDS
        self._run = run
        self._events = mark.events
        self._to_skip = mark.events
        self._start = mark.read
        self._most = most
        self._was_told = False
        self._entry = Ledger.open().of_run(run.run_id)
        if self._entry is None:
            self.pause = _FAR_SECONDS
            return
        self._journal, self._output = JournalReader(self._entry.folder), _Output(self._entry.folder / "output.log", mark.read)

    @property
    def mark(self) -> Mark:
        """How far this watch has come."""
        return Mark(self._events, self._output.read if self._entry is not None else self._start)

    def look(self, *, last: bool = False) -> Iterator[Event]:
        """Give what has happened since the last look, output and others apart.

        Parameters
        ----------
        last : bool
            There will be no other look: give what is there by now.
        """
        entry = self._entry
        if entry is None:
            yield from self._look_afar(last=last)
            return
        if self._most is not None and (left := self._output.skip(self._most)):
            yield Event("note", f"{left} bytes of the output are left out here: nbproj logs {self._run.run_id[:8]} has them")
        # Looked at before the files are read: what is written until then is read below.
        over = not entry.folder.exists() or (is_dead(entry.owner.process) and self._run.has_ended())
        for text in self._output.new():
            yield Event("output", text)
        for event in self._journal.new():
            if self._to_skip:
                self._to_skip -= 1
                continue
            self._events += 1
            yield event
        if over or last:
            if not self._output.was_opened:  # it ended before that
                yield Event("output", self._run.logs().encode()[self._output.read :].decode(errors="replace"))
            if over:
                yield self._settled()

    def _look_afar(self, *, last: bool) -> Iterator[Event]:
        ended = self._run.has_ended()
        if not ended and not self._was_told:
            self._was_told = True
            known = owner_of_tag(self._run.tags)
            where = f"on host {known[0].host}" if known is not None else "by another program"
            yield Event("note", f"run {self._run.run_id[:8]} is carried {where}: its output is kept when it has ended")
        if ended or last:
            kept = self._run.logs().encode()[self._start :]
            if self._most is not None and len(kept) > self._most:
                yield Event("note", f"{len(kept) - self._most} bytes of the output are left out here: nbproj logs {self._run.run_id[:8]} has them")
                kept = kept[-self._most :]
            self._start += len(kept)
            yield Event("output", kept.decode(errors="replace"))
        if ended:
            yield self._settled()

    def _settled(self) -> Event:
        # The journal is gone before the last word can be written into it.
        self.ended = True
        return Event("settled", data={"run_id": self._run.run_id, "status": self._run.status, "exit_code": self._run.exit_code})

    def close(self) -> None:
        """Let the files go."""
        if self._entry is not None:
            self._journal.close()
            self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def follow(run: Run, *, wait: bool = True, over: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Give what happened and happens in a run until it has ended; also one that another process of this host carries.

    Parameters
    ----------
    run : Run
        The run; `Watch` says what is told of it.
    wait : bool
        Go on until the run has ended; otherwise give what is there by now.
    over : callable
        Asked now and then whether the caller has seen enough.

    Yields
    ------
    Event
        In the order in which they happened, output and others apart.
    """
    with Watch(run) as watch:
        while not watch.ended and not over():
            yield from watch.look(last=not wait)
            if not wait:
                return
            if not watch.ended:
                time.sleep(watch.pause)
