"""The content of files as short texts, remembered as long as a file is unchanged, so that a project is read once and not with every run.

Of a notebook only what people write counts: the cells' kind, text and tags, and the kernel. Saving it, and running it, changes nothing of that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import time
from pathlib import Path
from typing import Final, Self, TypeAlias

from nbproj.errors import EntryPointError
from nbproj.paths import write_atomically
from nbproj.project.cells import cells_of, language, read_document
from nbproj.project.marks import INJECTED_TAG, SKIP_TAG
from nbproj.project.model import Place
from nbproj.tracking.folders import cache_folder

__all__ = ["EXECUTED", "BudgetSpentError", "Digests"]

_VERSION: Final = 1
_SETTLED: Final = 100_000_000
"""Nanoseconds after its last change from which on a file's times tell every further change: clocks of file systems tick slowly."""
_MOST_REMEMBERED: Final = 50_000
_MOST_FILES: Final = 64
_NOTEBOOK_BYTES: Final = 100 << 20

EXECUTED: Final = "executed:"
"""How the digest begins of a notebook that papermill has written: the record of a run."""

_Key: TypeAlias = tuple[int, int, int, int]


class BudgetSpentError(Exception):
    """More would have to be read than was allowed."""


class Digests:
    """Digests of files; a context manager that leaves what it has learned to later processes.

    Parameters
    ----------
    name : str, optional
        Which memory it is: what belongs together is read and written together. None to remember nothing.
    budget : int, optional
        Bytes that may be read; as many as there are by default.
    """

    def __init__(self, name: str | None, *, budget: int | None = None) -> None:
        self._file = None
        if name is not None:
            self._file = cache_folder() / "digests" / f"{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.json"
        self._budget = budget
        self._known: dict[str, tuple[_Key, str]] = {}
        self._learned = False

    def __enter__(self) -> Self:
        if self._file is not None:
            self._known = _load(self._file)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None and self._learned:
            _save(self._file, self._known)

    def of(self, path: Path) -> str | None:
        """Return what identifies the content of a file, of a link its target; None when it is neither, or gone.

        Raises
        ------
        BudgetSpentError
            It would have to be read, and is too large for what is left.
        """
        try:
            known = path.lstat()
            if stat.S_ISLNK(known.st_mode):
                return f"link:{path.readlink()}"
            if not stat.S_ISREG(known.st_mode):
                return None
            digest = self._of_file(path, known)
        except OSError:
            return None
        return f"{digest}x" if known.st_mode & 0o111 else digest

    def _of_file(self, path: Path, before: os.stat_result) -> str:
        key = _key(before)
        remembered = self._known.get(str(path))
        if remembered is not None and remembered[0] == key:
            return remembered[1]
        if self._budget is not None:
            self._budget -= before.st_size
            if self._budget < 0:
                raise BudgetSpentError
        digest = _of_notebook(path) if path.suffix == ".ipynb" and before.st_size <= _NOTEBOOK_BYTES else _of_bytes(path)
        if self._file is not None and key == _key(path.lstat()) and time.time_ns() - max(key[1:3]) > _SETTLED:
            self._known.pop(str(path), None)
            self._known[str(path)] = (key, digest)
            self._learned = True
        return digest


def _key(known: os.stat_result) -> _Key:
    return known.st_size, known.st_mtime_ns, known.st_ctime_ns, known.st_ino


def _of_bytes(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:32]


def _of_notebook(path: Path) -> str:
    """Return the digest of what people have written in a notebook; of the bytes when it cannot be read as one."""
    place = Place(path.name)
    try:
        document = read_document(path, place)
        cells = [
            (cell.kind, cell.source, sorted(cell.tags))
            for cell in cells_of(document, place)
            if SKIP_TAG not in cell.tags or INJECTED_TAG in cell.tags
        ]
    except EntryPointError:
        return _of_bytes(path)
    metadata = document.get("metadata")
    about = metadata if isinstance(metadata, dict) else {}
    kernel = about.get("kernelspec")
    name = str(kernel.get("name", "")) if isinstance(kernel, dict) else ""
    told = json.dumps([language(document), name, cells], ensure_ascii=True)
    return f"{EXECUTED if 'papermill' in about else ''}{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _load(file: Path) -> dict[str, tuple[_Key, str]]:
    try:
        if file.stat().st_uid != os.getuid():
            return {}
        document = json.loads(file.read_bytes())
        if document["version"] != _VERSION:
            return {}
        return {str(name): ((int(a), int(b), int(c), int(d)), str(digest)) for name, (a, b, c, d, digest) in document["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _save(file: Path, files: dict[str, tuple[_Key, str]]) -> None:
    latest = dict(list(files.items())[-_MOST_REMEMBERED:])
    text = json.dumps({"version": _VERSION, "files": {name: [*key, digest] for name, (key, digest) in latest.items()}}, separators=(",", ":"))
    with contextlib.suppress(OSError, ValueError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(file, text, mode=0o600)
        others = sorted(file.parent.glob("*.json"), key=lambda one: one.stat().st_mtime)
        for old in others[:-_MOST_FILES]:  # of projects that nobody has run for long
            old.unlink(missing_ok=True)
