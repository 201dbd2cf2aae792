"""Where files come from: the contract of all origins, and the writing of one file with its length and checksums compared."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Final, Protocol
from urllib.parse import unquote

from nbproj.errors import SourceError
from nbproj.progress import Event, Progress
from nbproj.sources.download import PassingError

__all__ = ["Origin", "Writer", "full", "name_of"]

_CHUNK: Final = 1 << 16
_PAUSE_SECONDS: Final = 0.2
"""How often it is told how far a file is."""


class Origin(Protocol):
    """A file or folder elsewhere."""

    shown: str
    """Its address without secrets."""

    def fetch(self, known: Sequence[str], folder: Path, progress: Progress) -> str | None:
        """Write what lies there into an empty folder under its own name, unless it is one of the versions that are known.

        Parameters
        ----------
        known : sequence of str
            Versions that are here already, the newest first.
        folder : Path
            Where it goes.
        progress : Progress
            Told how far it is.

        Returns
        -------
        str or None
            The version, one of `known` when nothing was written; None where the origin tells of none.

        Raises
        ------
        SourceError
            It could not be had. Part of it may have been written.
        """


def name_of(address: str) -> str:
    """Return the name under which programs see what lies at an address: they know formats by it.

    Examples
    --------
    >>> name_of("https://example.org/a/data%20set.csv?token=x"), name_of("s3://bucket"), name_of("https://example.org/%2e%2e")
    ('data set.csv', 'bucket', 'data')
    """
    last = unquote(PurePosixPath(address.partition(":")[2].partition("?")[0].rstrip("/")).name)
    plain = re.sub(r"[/\x00-\x1f\x7f]", "_", last).strip()
    return "data" if plain in {"", ".", ".."} else plain[-200:]


class Writer:
    """Writes the files of one origin, and tells how far it is.

    Parameters
    ----------
    shown : str
        The origin's address, for people.
    progress : Progress
        Told of bytes.
    total : int, optional
        Bytes of all files together, where they are known.
    """

    def __init__(self, shown: str, progress: Progress, total: int | None) -> None:
        self._shown = shown
        self._progress = progress
        self._total = total
        self._done = 0
        self._told = 0.0

    def room(self, folder: Path) -> None:
        """Refuse what would fill the disk before any of it is fetched.

        Raises
        ------
        SourceError
            There is no room.
        """
        free = shutil.disk_usage(folder).free
        if self._total is not None and self._total > free:
            raise full(self._shown, folder, f"it has {self._total} bytes and the disk has {free}")

    def write(
        self, read: Callable[[int], bytes], file: Path, length: int | None, checksums: Mapping[str, bytes], *, chunk: int = _CHUNK
    ) -> dict[str, bytes]:
        """Write one file; return the digests that were asked for.

        Parameters
        ----------
        read : callable
            Gives the next bytes, as the method of a file does.
        file : Path
            The file to make.
        length : int, optional
            Its bytes, as its origin tells.
        checksums : mapping of str to bytes
            Digests by the names that hashlib has; an empty one is returned and not compared.
        chunk : int
            How many bytes are asked for at once.

        Raises
        ------
        PassingError
            It is shorter or longer, or another one.
        """
        hashes = {name: hashlib.new(name, usedforsecurity=False) for name in checksums}
        begun = self._done
        self._tell(0)  # the first part may be long in coming
        with file.open("xb") as stream:
            while data := read(chunk):
                self._keep(stream, data)
                for one in hashes.values():
                    one.update(data)
                self._tell(len(data))
            self._keep(stream, None)
        written = self._done - begun
        if length is not None and written != length:
            msg = f"{self._shown} broke off after {written} of {length} bytes; try again"
            raise PassingError(msg)
        found = {name: one.digest() for name, one in hashes.items()}
        wrong = next((name for name, digest in checksums.items() if digest and digest != found[name]), None)
        if wrong is not None:
            msg = f"{self._shown} arrived damaged: its {wrong} is not the one that its server tells; try again"
            raise PassingError(msg)
        return found

    def _keep(self, stream: IO[bytes], chunk: bytes | None) -> None:
        """Write a part, or, with None, wait until all is on the disk; the disk's errors are told apart from the network's."""
        try:
            if chunk is not None:
                stream.write(chunk)
                return
            stream.flush()
            os.fsync(stream.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # what is still to be written is given up
                stream.close()
            raise full(self._shown, Path(stream.name).parent, error.strerror or str(error)) from None

    def _tell(self, more: int) -> None:
        self._done += more
        now = time.monotonic()
        if now - self._told >= _PAUSE_SECONDS or self._done == self._total:
            self._told = now
            self._progress(Event("fetching", f"downloading {self._shown}", done=self._done, total=self._total))


def full(shown: str, folder: Path, why: str) -> SourceError:
    """Return the error of a disk without room."""
    msg = f"{shown} cannot be kept in {folder}: {why}"
    return SourceError(msg, hint="nbproj cache gc makes room, --storage-dir names another disk")
