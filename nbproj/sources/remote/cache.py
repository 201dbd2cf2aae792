"""What was fetched, kept between runs: one folder for each version of each address, whole or not there at all, one process at a time.

Whoever uses a version holds a shared lock on its marker, which ends with the process: nothing is collected under anybody's feet.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from nbproj.errors import SourceError
from nbproj.progress import Event, Progress, silent
from nbproj.sources.remote.entry import MARKER, Entry
from nbproj.sources.remote.origin import Origin, full

__all__ = ["DownloadCache"]

_PART: Final = ".part-"


class DownloadCache:
    """The downloads in one folder.

    Parameters
    ----------
    folder : Path
        Made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def obtain(self, name: str, origin: Origin, holding: ExitStack, progress: Progress = silent) -> Path:
        """Return where the newest version of something is, fetched if it is not here.

        Parameters
        ----------
        name : str
            What identifies the origin: its whole address, and what it depends on.
        origin : Origin
            Where it comes from.
        holding : ExitStack
            Until it is closed the version stays.
        progress : Progress
            Told of what takes long.

        Raises
        ------
        SourceError
            It could not be had, or not be kept; nothing half-fetched is left.
        """
        key = hashlib.sha256(name.encode()).hexdigest()[:24]
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._locked(key, origin.shown, progress):
                return self._obtain(key, origin, holding, progress)
        except OSError as error:
            inside = str(error.filename).startswith(f"{self.folder}/{_PART}")
            if inside and isinstance(error, NotADirectoryError | FileExistsError | IsADirectoryError):
                msg = f"{origin.shown} is refused: it has a file and a folder of one name"
                raise SourceError(msg) from None
            raise full(origin.shown, self.folder, error.strerror or str(error)) from None

    def _obtain(self, key: str, origin: Origin, holding: ExitStack, progress: Progress) -> Path:
        for left in self.folder.glob(f"{_PART}{key}-*"):  # of somebody who was killed: the lock is ours
            shutil.rmtree(left, ignore_errors=True)
        known: dict[str, Entry] = {}
        for entry in self._entries(key):
            if entry.is_sound():
                known.setdefault(entry.version, entry)
            else:
                progress(Event("note", f"the kept copy of {origin.shown} is damaged, and is downloaded again"))
                entry.remove()
        part = Path(tempfile.mkdtemp(prefix=f"{_PART}{key}-", dir=self.folder))
        try:
            (part / "content").mkdir()
            version = origin.fetch(list(known), part / "content", progress)
            entry = known.get(version or "") or self._kept(key, Entry.complete(part, origin.shown, version))
        finally:
            shutil.rmtree(part, ignore_errors=True)
        entry.use()
        holding.enter_context(_held(entry))
        return entry.path

    def _kept(self, key: str, made: Entry) -> Entry:
        """Put a version that was fetched into its place."""
        place = self.folder / f"{key}-{hashlib.sha256(made.version.encode()).hexdigest()[:16]}"
        there = Entry.read(place)
        if there is not None:  # of an origin without versions: the same content again
            return there
        shutil.rmtree(place, ignore_errors=True)
        made.folder.rename(place)
        return Entry(place, made.facts)

    def _entries(self, key: str) -> list[Entry]:
        """Return the versions of a key, the last used first; what is not whole is removed."""
        found = []
        for folder in self.folder.glob(f"{key}-*"):
            entry = Entry.read(folder)
            if entry is None:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                found.append(entry)
        return sorted(found, key=lambda one: one.used, reverse=True)

    @contextlib.contextmanager
    def _locked(self, key: str, shown: str, progress: Progress) -> Iterator[None]:
        lock = FileLock(self.folder / f"{key}.lock", mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(Event("waiting", f"another run is downloading {shown}: waiting for it"))
            lock.acquire(poll_interval=0.1)
        try:
            yield
        finally:
            lock.release()

    def all(self) -> list[Entry]:
        """Return all versions that are here, the last used first."""
        found = [Entry.read(path) for path in self.folder.glob("*-*") if path.is_dir() and not path.name.startswith(".")]
        return sorted((one for one in found if one is not None), key=lambda one: one.used, reverse=True)

    def collect(self, seconds: float) -> tuple[list[Entry], list[Entry]]:
        """Remove what was not used for a time, and what was cut off; return what is gone, and what is old and stays because a run uses it.

        Parameters
        ----------
        seconds : float
            Since the last use.
        """
        gone: list[Entry] = []
        stay: list[Entry] = []
        limit = time.time() - seconds
        for path in sorted(self.folder.glob("*.lock")):
            with contextlib.suppress(OSError, Timeout), FileLock(path, timeout=0, mode=0o600):
                for left in self.folder.glob(f"{_PART}{path.stem}-*"):
                    shutil.rmtree(left, ignore_errors=True)
                for entry in self._entries(path.stem):
                    if entry.used <= limit:
                        (gone if _removed(entry) else stay).append(entry)
        return gone, stay


@contextlib.contextmanager
def _held(entry: Entry) -> Iterator[None]:
    """Keep a version from being collected; where there are no such locks its age does."""
    descriptor = os.open(entry.folder / MARKER, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _removed(entry: Entry) -> bool:
    """Remove a version, unless somebody uses it."""
    descriptor = os.open(entry.folder / MARKER, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        entry.remove()
    except OSError as error:
        if error.errno not in {errno.EWOULDBLOCK, errno.EAGAIN}:
            raise
        return False
    finally:
        os.close(descriptor)
    return True
