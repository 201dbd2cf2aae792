"""The files of a package that is part of a project: what it is, by content, and a copy to build it from: nothing is written in the project."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["content_key", "snapshot"]

_LEFT_OUT: Final = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "mlruns", "mlartifacts"})
_SUFFIXES: Final = (".egg-info", ".ipynb", ".pyc", ".db", ".db-wal", ".db-shm")
_LARGE: Final = 10_000_000
_MOST: Final = 20_000


def content_key(path: Path) -> str:
    """Return what identifies the content of a file or of a package's folder.

    Left out: what is hidden, what building leaves, environments, notebooks and databases. Of files over 10 MB size and time count.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.py").write_text("1")
    ...     before = content_key(Path(folder))
    ...     _ = (Path(folder) / "a.ipynb").write_text("{}")
    ...     before == content_key(Path(folder))
    True
    """
    if path.is_file():
        return _of_file(path)
    found = hashlib.sha256()
    for file in _files(path):
        told = str(file.readlink()) if file.is_symlink() else _of_file(file)
        found.update(f"{file.relative_to(path).as_posix()}\0{told}\0{file.lstat().st_mode & 0o111}\n".encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def snapshot(path: Path, to: Path) -> None:
    """Copy the files of a package's folder that count."""
    for file in _files(path):
        target = to / file.relative_to(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target, follow_symlinks=False)


def _of_file(path: Path) -> str:
    known = path.stat()
    if known.st_size > _LARGE:
        return f"{known.st_size} {known.st_mtime_ns}"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    waiting, count = [folder], 0
    while waiting:
        for entry in sorted(os.scandir(waiting.pop()), key=lambda one: one.name):
            path = Path(entry.path)
            if entry.name.startswith(".") or entry.name in _LEFT_OUT or entry.name.endswith(_SUFFIXES):
                continue
            if entry.is_dir(follow_symlinks=False):
                if not ((path / "pyvenv.cfg").exists() or (path / "conda-meta").is_dir()):
                    waiting.append(path)
            elif entry.is_file() or entry.is_symlink():
                count += 1
                if count > _MOST:
                    return
                yield path
