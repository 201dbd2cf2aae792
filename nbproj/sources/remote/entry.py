"""One version of a file or folder that was fetched: what it is, and whether it still is what was written."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from nbproj.paths import write_atomically

__all__ = ["MARKER", "Entry"]

MARKER: Final = "entry.json"
_CONTENT: Final = "content"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A version that is kept; the marker beside its content is written last.

    Parameters
    ----------
    folder : Path
        Where it is kept.
    facts : mapping
        What the marker holds.
    """

    folder: Path
    facts: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return what lies in a folder; None where that is nothing whole."""
        try:
            facts = json.loads((folder / MARKER).read_bytes())
        except (OSError, ValueError):
            return None
        known = isinstance(facts, dict) and facts.get("format") == _FORMAT and isinstance(facts.get("files"), dict)
        return cls(folder, facts) if known else None

    @classmethod
    def complete(cls, folder: Path, shown: str, version: str | None) -> Self:
        """Write the marker of content that was fetched: from now on it does not change.

        Parameters
        ----------
        folder : Path
            With the content in it.
        shown : str
            The address without secrets.
        version : str, optional
            What the origin calls it; by default its content is the version.
        """
        files: dict[str, list[Any]] = {}
        for name, path in _files(folder / _CONTENT):
            path.chmod(0o444)
            files[name] = [_digest(path), *_look(path)]
        own = hashlib.sha256(json.dumps([[name, told[0]] for name, told in sorted(files.items())]).encode()).hexdigest()
        size = sum(told[1] for told in files.values())
        facts = {"format": _FORMAT, "address": shown, "version": version or f"content {own}", "size": size, "files": files}
        write_atomically(folder / MARKER, json.dumps(facts), mode=0o600)
        return cls(folder, facts)

    @property
    def version(self) -> str:
        """What its origin calls it."""
        return str(self.facts["version"])

    @property
    def path(self) -> Path:
        """The file or folder itself, under its own name."""
        return next(iter((self.folder / _CONTENT).iterdir()))

    @property
    def used(self) -> float:
        """When it was used last."""
        return (self.folder / MARKER).stat().st_mtime

    def use(self) -> None:
        """Note that it is used."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / MARKER)

    def is_sound(self) -> bool:
        """Return whether it is what was written; a file that was touched since then is read again."""
        try:
            found = dict(_files(self.folder / _CONTENT))
            told: Mapping[str, Any] = self.facts["files"]
            if found.keys() != told.keys():
                return False
            return all(bool(_look(path) == told[name][1:]) or _digest(path) == told[name][0] for name, path in found.items())
        except (OSError, TypeError, IndexError):
            return False

    def remove(self) -> None:
        """Remove it so that nobody takes what is left of it for whole."""
        (self.folder / MARKER).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _files(content: Path) -> Iterator[tuple[str, Path]]:
    for parent, _folders, names in os.walk(content, followlinks=False):
        for name in names:
            path = Path(parent, name)
            yield str(path.relative_to(content)), path


def _look(path: Path) -> list[int]:
    """Return what changes whenever a file is written; the change time cannot be set back."""
    status = path.lstat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
