"""The repositories that are kept for Git projects: listed, and removed when nothing has been fetched from them for long."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from nbproj.paths import write_atomically
from nbproj.processes import host_name
from nbproj.sources.cachehome import cache_home

__all__ = ["MARKER", "KeptRepository", "borrow", "cache_folder", "collect_repositories", "kept_repositories", "return_borrowed"]

MARKER: Final = "nbproj.complete"
"""Written when a repository is complete; without it, it is worthless."""

_BORROWERS: Final = "nbproj.borrowers"
_PATIENCE_SECONDS: Final = 30 * 86400.0
"""For how long a checkout on another host, which shares this cache, is believed to be there."""


def cache_folder() -> Path:
    """Return where fetched objects are kept: NBPROJ_CACHE_DIR when it is set, else the platform's cache folder of nbproj."""
    return cache_home() / "git"


@dataclass(frozen=True, slots=True)
class KeptRepository:
    """The objects of one repository, as they are kept.

    Parameters
    ----------
    folder : Path
        Where.
    address : str
        From where they came, without credentials.
    used : float
        When a run wanted them last, in seconds since the epoch.
    """

    folder: Path
    address: str
    used: float

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return what lies in a folder; None where that is nothing whole."""
        marker = folder / MARKER
        try:
            return cls(folder, marker.read_text().strip(), marker.stat().st_mtime)
        except (OSError, ValueError):
            return None

    def remove(self) -> None:
        """Remove it so that nobody takes what is left of it for whole. Its lock must be held."""
        (self.folder / MARKER).unlink(missing_ok=True)
        shutil.rmtree(self.folder)


def borrow(repository: Path, checkout: Path) -> None:
    """Note that a checkout has the objects of a repository, whose lock must be held: while that folder is there, they are not removed.

    Parameters
    ----------
    repository : Path
        The kept one.
    checkout : Path
        A folder that is removed with its run.
    """
    folder = repository / _BORROWERS
    folder.mkdir(exist_ok=True, mode=0o700)
    told = f"{host_name()}\n{checkout}\n"
    write_atomically(folder / hashlib.sha256(told.encode()).hexdigest()[:32], told, mode=0o600)


def return_borrowed(repository: Path) -> list[Path]:
    """Forget the checkouts that are gone; return those that are there, or on another host, where nobody can look."""
    left = []
    for note in sorted((repository / _BORROWERS).glob("*")):
        with contextlib.suppress(OSError, ValueError):
            host, _, name = note.read_text().partition("\n")
            checkout = Path(name.rstrip("\n"))
            if checkout.exists() if host == host_name() else time.time() - note.stat().st_mtime < _PATIENCE_SECONDS:
                left.append(checkout)
            else:
                note.unlink()
    return left


def kept_repositories() -> list[KeptRepository]:
    """Return the repositories that are kept, the last used first."""
    found = [KeptRepository.read(path) for path in cache_folder().glob("*") if path.is_dir()]
    return sorted((one for one in found if one is not None), key=lambda one: one.used, reverse=True)


def collect_repositories(seconds: float) -> tuple[list[KeptRepository], list[KeptRepository]]:
    """Remove the repositories that no run wanted for a time, and what is left of broken ones.

    Parameters
    ----------
    seconds : float
        Since the last use.

    Returns
    -------
    tuple of list
        What is gone, and what is as old and stays because a run uses it.

    Raises
    ------
    OSError
        One cannot be removed.
    """
    gone: list[KeptRepository] = []
    stay: list[KeptRepository] = []
    limit = time.time() - seconds
    for folder in sorted(path for path in cache_folder().glob("*") if path.is_dir()):
        before = KeptRepository.read(folder)
        if before is not None and before.used > limit:
            continue
        with _locked(folder) as ours:
            kept = KeptRepository.read(folder) if ours else before  # nobody comes between this look and the removal
            if kept is None:
                if ours:
                    shutil.rmtree(folder)  # left by somebody who was killed
            elif ours and kept.used <= limit and not return_borrowed(folder):
                kept.remove()
                gone.append(kept)
            else:
                stay.append(kept)
    return gone, stay


@contextlib.contextmanager
def _locked(repository: Path) -> Iterator[bool]:
    """Hold a repository against the processes that fetch into it; False where one of them holds it."""
    descriptor = os.open(repository.with_name(f"{repository.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
