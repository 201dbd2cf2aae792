"""What all routes of one server share: its folder, the store that was chosen, and the threads that do what may block."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from logging import Logger
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from nbproj.errors import StoreUnreachableError
from nbproj.housekeeping import tidy
from nbproj.progress import Event
from nbproj.server.errors import RefusedError
from nbproj.server.limits import STREAMS
from nbproj.server.listing import Listing
from nbproj.server.paths import confined
from nbproj.server.store import StorePlace, place_of
from nbproj.tracking.redact import Redactor, mask_url

__all__ = ["Service"]

P = ParamSpec("P")
T = TypeVar("T")

_TIDY_SECONDS = 2.0
_SILENT_SECONDS = 10.0


class _Threads:
    """A few threads, and a queue that is not endless: whoever comes when it is full is told to come again."""

    def __init__(self, name: str, workers: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=f"nbproj-{name}")
        self._most = workers + waiting
        self._busy = 0

    async def __call__(self, function: Callable[[], T]) -> T:
        if self._busy >= self._most:
            msg = "the server is busy with earlier requests: try again in a moment"
            raise RefusedError(429, msg)
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function)
        finally:
            self._busy -= 1


class Service:
    """The server's side of projects and runs.

    Parameters
    ----------
    root : Path
        The folder that the server serves.
    log : Logger
        The server's.
    hidden : callable
        Whether hidden files are served.
    """

    def __init__(self, root: Path, log: Logger, hidden: Callable[[], bool] = lambda: False) -> None:
        self.root = root
        self.log = log
        self.listing = Listing(self.public)
        self.chosen: str | None = None
        self.streams = 0
        self._hidden = hidden
        self._redactor = Redactor.from_environment(os.environ)
        # Who reads does not wait for who starts or stops a run, which may take as long as a repository or a program does.
        self._reading = _Threads("read", workers=4, waiting=200)
        self._acting = _Threads("act", workers=6, waiting=20)
        self._shared: dict[Hashable, asyncio.Future[Any]] = {}
        self._tidied = 0.0
        self._silent: dict[str, tuple[float, StoreUnreachableError]] = {}

    def file(self, path: str) -> Path:
        """Return the file or folder that a path of the contents API means; `RefusedError` when it is none of ours."""
        return confined(self.root, path, hidden=self._hidden())

    def store(self, path: str) -> StorePlace:
        """Return the store that is shown for a path: that of the folder which it is, or lies in."""
        there = self.file(path)
        return place_of(there if there.is_dir() else there.parent, self.chosen)

    @contextlib.contextmanager
    def patient(self, place: StorePlace) -> Iterator[None]:
        """Ask a store in this block, unless it has not answered a moment ago: many tabs that wait for it would keep others waiting, too.

        Raises
        ------
        StoreUnreachableError
            What it said, or did not say, then.
        """
        when, error = self._silent.get(place.uri) or (0.0, None)
        if error is not None and time.monotonic() - when < _SILENT_SECONDS:
            raise error
        try:
            yield
        except StoreUnreachableError as refusal:
            self._silent = {place.uri: (time.monotonic(), refusal)}
            raise

    def choose(self, uri: str | None) -> None:
        """Show another store from now on; None for that of each folder."""
        self.chosen = uri

    async def read(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Call what only looks, in a thread."""
        return await self._reading(lambda: function(*args, **options))

    async def share(self, question: Hashable, function: Callable[[], T]) -> T:
        """Call what only looks, in one thread for all who ask the same at the same time: many tabs and a slow store leave threads for others.

        Parameters
        ----------
        question : hashable
            What is asked.
        function : callable
            Answers it.
        """
        task = self._shared.get(question)
        if task is None:
            task = self._shared[question] = asyncio.ensure_future(self._reading(function))
            task.add_done_callback(lambda _done: self._shared.pop(question, None))
        return await asyncio.shield(task)

    async def act(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Call what starts or ends something, in a thread."""
        return await self._acting(lambda: function(*args, **options))

    def tidy(self) -> None:
        """Settle what dead drivers left on this host, at most every two seconds."""
        now = time.monotonic()
        if now - self._tidied > _TIDY_SECONDS:
            self._tidied = now
            tidy(self.remark)

    def remark(self, event: Event) -> None:
        """Write what happens by the way into the server's log."""
        if event.step == "note":
            self.log.info("nbproj: %s", self.public(event.text))

    def enter_stream(self) -> None:
        """Count one more run that is watched.

        Raises
        ------
        RefusedError
            429: there are enough.
        """
        if self.streams >= STREAMS:
            msg = f"{STREAMS} runs are watched already: close a tab"
            raise RefusedError(429, msg)
        self.streams += 1

    def leave_stream(self) -> None:
        """Count one less."""
        self.streams -= 1

    def public(self, value: Any) -> Any:  # noqa: ANN401 - any value that JSON holds
        """Return a value without credentials in addresses and without what the server's environment keeps secret."""
        if isinstance(value, str):
            return self._redactor.text(mask_url(value))
        if isinstance(value, dict):
            return {self.public(key): self.public(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.public(one) for one in value]
        return value
