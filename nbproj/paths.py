"""Paths that must stay inside a folder, and files that are never seen half-written."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nbproj.errors import ProjectError, RunError

__all__ = ["inside", "is_inside", "replace_unchanged", "sockets_folder", "write_atomically", "writing"]

_SOCKET_PATH = 80
"""The address of a Unix socket holds about a hundred characters; a kernel adds its own to the folder's."""


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


def sockets_folder(folder: Path) -> Path:
    """Return where the sockets of a run belong: in its private folder, or, where that path is too long for one, beside the temporary files.

    Parameters
    ----------
    folder : Path
        The run's folder, named by its token: nobody can guess the name and be there first.

    Examples
    --------
    >>> str(sockets_folder(Path("/state/runs/0123abcd")))
    '/state/runs/0123abcd/sockets'
    """
    inner = folder / "sockets"
    return inner if len(str(inner)) <= _SOCKET_PATH else Path(tempfile.gettempdir()) / f"nbproj-{folder.name[:24]}"


def write_atomically(path: Path, data: bytes | str, *, mode: int = 0o644, lasting: bool = True) -> None:
    """Write a file so that a reader sees the old or the new content, never a part: beside, fsync, rename.

    Parameters
    ----------
    path : Path
        The file; its folder must exist.
    data : bytes or str
        The content; text is written as UTF-8.
    mode : int
        Permission bits of the new file.
    lasting : bool
        Wait until it is on the disk. Not for a file that means nothing once the machine has gone down, as those in a run's private folder.
    """
    content = data.encode() if isinstance(data, str) else data
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if lasting:
                os.fsync(stream.fileno())
        Path(beside).chmod(mode)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def replace_unchanged(path: Path, before: bytes, after: bytes) -> None:
    """Give a file of the user's another content, unless it is not what it was when that content was made.

    Parameters
    ----------
    path : Path
        The file; it keeps its permissions.
    before, after : bytes
        What was read, and what takes its place at once.

    Raises
    ------
    ProjectError
        It is a link or may not be written, or somebody has changed it meanwhile.
    """
    if path.is_symlink():
        msg = f"{path} is a symbolic link to {path.readlink()}: nothing was written. Name the file itself"
        raise ProjectError(msg)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & 0o222:
            msg = f"{path} is read-only: nothing was written. Allow it with chmod u+w"
            raise ProjectError(msg)
        if path.read_bytes() != before:
            msg = f"{path} has changed meanwhile: nothing was written. Run this again"
            raise ProjectError(msg)
        write_atomically(path, after, mode=mode)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise ProjectError(msg) from error
