"""What a program tells of its results, written to the store while it runs: checked, masked, in batches, in a thread of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from nbproj.errors import StoreError, StoreUnreachableError
from nbproj.execution.execution import Mask
from nbproj.execution.results import Result, checked
from nbproj.progress import Event, Progress
from nbproj.tracking.store import Metric, Store

__all__ = ["Recorder"]

_SECONDS: Final = 0.3
_SHARE: Final = 4  # a store that takes a second is given something every four
_LONGEST_SECONDS: Final = 10.0
_LAST_SECONDS: Final = 30.0
"""How long the end of a run may wait for its results."""
_BATCH: Final = 5000
_MOST_WAITING: Final = 300_000
_PIECE: Final = 1 << 20
_LONGEST_LINE: Final = 1 << 18
_MOST_NOTES: Final = 20

T = TypeVar("T")


class Recorder:
    """Takes results from when it is made until it is finished.

    Parameters
    ----------
    store : Store
        Where they go.
    run_id : str
        The run.
    file : Path
        Made here; processes of the run add lines of JSON to it.
    mask : callable
        Applied to names and texts.
    params : mapping of str to str
        The parameters that are recorded already.

    Raises
    ------
    OSError
        The file cannot be made.
    """

    def __init__(self, store: Store, run_id: str, *, file: Path, mask: Mask, params: Mapping[str, str]) -> None:
        self._store = store
        self._run_id = run_id
        self._mask = mask
        self._params = dict(params)
        # Read through this descriptor whatever a program makes of the path.
        self._lines = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._rest = b""
        self._skipping = False
        self._arrived: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._waiting: dict[str, list[Result]] = {"metric": [], "param": [], "tag": []}
        self._notes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._told = 0
        self._lost = 0
        self._dropped = itertools.count()  # counted from several threads, without a lock
        self._unreachable = ""
        self._stop = threading.Event()
        self._finished = False
        self._thread = threading.Thread(target=self._work, name="nbproj-results", daemon=True)
        self._thread.start()

    def take(self, entries: Sequence[object]) -> None:
        """Take entries as they came, from any thread; never waits."""
        for entry in entries:
            if self._arrived.qsize() < _MOST_WAITING:
                self._arrived.put(entry)
            else:
                next(self._dropped)

    def tell(self, progress: Progress) -> None:
        """Tell a listener what was refused; in the caller's thread."""
        with contextlib.suppress(queue.Empty):
            while True:
                progress(Event("note", self._notes.get_nowait()))

    def finish(self) -> None:
        """Record what there is, as far as the store takes it in half a minute. May be called twice."""
        if self._finished:
            return
        self._finished = True
        self._stop.set()
        self._thread.join(_LAST_SECONDS + _LONGEST_SECONDS)
        if self._thread.is_alive():  # it waits for a store that does not answer, and its descriptor stays with it
            self._note("the last results could not be recorded: the store does not answer", always=True)
            return
        os.close(self._lines)

    def _work(self) -> None:
        pace = _SECONDS
        while not self._stop.wait(pace):
            began = time.monotonic()
            self._collect()
            self._record()
            share = 1 if self._arrived.qsize() else _SHARE
            pace = min(max(_SECONDS, share * (time.monotonic() - began)), _LONGEST_SECONDS)
        deadline = time.monotonic() + _LAST_SECONDS
        while time.monotonic() < deadline and (self._collect() or any(self._waiting.values())):
            self._record()
            if self._unreachable:
                break
        self._lost += sum(map(len, self._waiting.values())) + self._arrived.qsize() + next(self._dropped)
        if self._lost:
            why = self._unreachable or "they came faster than the store takes them"
            self._note(f"{self._lost} result{'s were' if self._lost > 1 else ' was'} not recorded: {why}", always=True)

    def _collect(self) -> bool:
        """Take what has come, up to a batch; return whether there was anything."""
        room = _BATCH - sum(map(len, self._waiting.values()))
        found = False
        while room > 0:
            try:
                entry = self._arrived.get_nowait()
            except queue.Empty:
                break
            self._sort(entry)
            found, room = True, room - 1
        for line in self._new_lines() if room > 0 else ():
            found = True
            try:
                self._sort(json.loads(line))
            except (ValueError, RecursionError):
                self._note(f"a result was not recorded: not JSON: {line[:80].decode('utf-8', 'replace')!r}")
        return found

    def _new_lines(self) -> Iterator[bytes]:
        piece = os.read(self._lines, _PIECE)
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif line.strip():
                yield line
        if len(self._rest) > _LONGEST_LINE:
            if not self._skipping:
                self._note("a result was not recorded: its line is too long")
            self._skipping, self._rest = True, b""

    def _sort(self, entry: object) -> None:
        try:
            result = checked(entry)
        except ValueError as error:
            self._note(f"a result was not recorded: {error}")
            return
        self._waiting[result.kind].append(result)

    def _record(self) -> None:
        """Hand what waits to the store. What it refuses is told and dropped; while it is out of reach everything waits."""
        try:
            self._hand_over("metric", self._metrics, self._record_metrics)
            self._hand_over("param", self._new_params, self._record_params)
            self._hand_over("tag", lambda results: results, self._record_tags)
        except StoreUnreachableError as error:
            self._unreachable = str(error)
        else:
            self._unreachable = ""

    def _hand_over(self, kind: str, choose: Callable[[list[Result]], list[T]], record: Callable[[list[T]], None]) -> None:
        chosen = choose(self._waiting[kind])
        if chosen:
            try:
                record(chosen)
            except StoreUnreachableError:
                raise
            except StoreError as error:
                self._one_by_one(chosen, record, error)
        self._waiting[kind].clear()

    def _one_by_one(self, chosen: list[T], record: Callable[[list[T]], None], error: StoreError) -> None:
        """Find out what of a batch the store refuses."""
        if len(chosen) == 1:
            self._note(f"a result was not recorded: {error}")
            return
        half = len(chosen) // 2
        for part in (chosen[:half], chosen[half:]):
            try:
                record(part)
            except StoreUnreachableError:
                raise
            except StoreError as reason:
                self._one_by_one(part, record, reason)

    def _metrics(self, results: list[Result]) -> list[Metric]:
        return [Metric(self._mask(one.name), one.number, one.time, one.step) for one in results]

    def _record_metrics(self, metrics: list[Metric]) -> None:
        self._store.log_metrics(self._run_id, metrics)

    def _new_params(self, results: list[Result]) -> list[tuple[str, str]]:
        """Return the parameters that are to be recorded: a parameter has one value, which never changes."""
        found: dict[str, str] = {}
        for one in results:
            name, value = self._mask(one.name), self._mask(one.text)
            known = self._params.get(name, found.get(name))
            if known is None:
                found[name] = value
            elif known != value:
                self._note(f"parameter {name!r} stays {known[:60]!r}: {value[:60]!r} was not recorded, because a parameter has one value in a run")
        return list(found.items())

    def _record_params(self, params: list[tuple[str, str]]) -> None:
        self._store.log_params(self._run_id, dict(params))
        self._params.update(params)

    def _record_tags(self, results: list[Result]) -> None:
        self._store.set_tags(self._run_id, {self._mask(one.name): self._mask(one.text) for one in results})

    def _note(self, text: str, *, always: bool = False) -> None:
        self._told += 1
        if always or self._told <= _MOST_NOTES:
            self._notes.put(self._mask(text))
        elif self._told == _MOST_NOTES + 1:
            self._notes.put("further results were not recorded, for reasons like these")
