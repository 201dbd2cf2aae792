"""Paths that must stay inside a folder, and files that are never seen half-written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nbproj.errors import ProjectError, RunError

__all__ = ["inside", "is_inside", "write_atomically", "writing"]


def is_inside(root: Path, path: Path) -> bool:
    """Return whether a path, symbolic links resolved, lies in a folder (or is it).

    Examples
    --------
    >>> is_inside(Path("/a/b"), Path("/a/b/c")), is_inside(Path("/a/b"), Path("/a/bc"))
    (True, False)
    """
    real_root, real_path = os.path.realpath(root), os.path.realpath(path)
    return os.path.commonpath([real_root, real_path]) == real_root


def inside(root: Path, relative: str, *, what: str = "path") -> Path:
    """Return `root / relative`, resolved, or refuse it.

    Parameters
    ----------
    root : Path
        The folder that may not be left.
    relative : str
        What the project or the caller wrote.
    what : str
        What the path is, for the error.

    Returns
    -------
    Path
        The absolute path with symbolic links resolved.

    Raises
    ------
    ProjectError
        The path leaves the folder, also by `..`, an absolute path or a symbolic link; or holds a NUL character.
    """
    if "\0" in relative:
        msg = f"{what} {relative!r} holds a NUL character"
        raise ProjectError(msg)
    path = root / relative
    if not is_inside(root, path):
        msg = f"{what} {relative!r} leaves the project's folder"
        raise ProjectError(msg)
    return Path(os.path.realpath(path))


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one line that a file of a run cannot be written: the disk is full, the folder is gone or read-only.

    Raises
    ------
    RunError
        The block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise RunError(msg) from error


def write_atomically(path: Path, data: bytes | str, *, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old or the new content, never a part: beside, fsync, rename.

    Parameters
    ----------
    path : Path
        The file; its folder must exist.
    data : bytes or str
        The content; text is written as UTF-8.
    mode : int
        Permission bits of the new file.
    """
    content = data.encode() if isinstance(data, str) else data
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(beside).chmod(mode)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
