"""The lock of one batch on this host: two drivers of one batch would run every point twice."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType
from typing import Self

from nbproj.environments.buildlock import BuildLock
from nbproj.errors import RunError
from nbproj.paths import writing
from nbproj.processes import host_name
from nbproj.progress import Progress, silent
from nbproj.tracking.folders import state_folder

__all__ = ["BatchLock"]


class BatchLock:
    """The lock of one batch in one store; a context manager. It is the system's own, which ends with the process that holds it.

    Parameters
    ----------
    store : str
        The tracking URI.
    key : str
        What identifies the batch there.
    progress : Progress
        Told when the state folder cannot be written.

    Raises
    ------
    RunError
        Another process carries the batch; the message names it.
    """

    def __init__(self, store: str, key: str, progress: Progress = silent) -> None:
        name = hashlib.sha256(f"{store}\n{key}".encode()).hexdigest()[:32]
        self._path: Path = state_folder("batches", progress=progress) / f"{name}.lock"
        self._lock = BuildLock(self._path)

    def __enter__(self) -> Self:
        with writing(self._path):
            mine = self._lock.attempt()
        if not mine:
            holder = self._lock.holder()
            who = f"process {holder['pid']}" if holder else "another process"
            if holder and holder.get("host") != host_name():  # the hosts of a cluster share what a user calls home
                who += f" on host {holder.get('host')}"
            msg = f"this batch is carried by {who} already: wait for its end, or stop it there (nbproj runs --active)"
            raise RunError(msg)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # Removed while it is held: whoever waits for the same name makes a new file.
        self._path.unlink(missing_ok=True)
        self._lock.release()
