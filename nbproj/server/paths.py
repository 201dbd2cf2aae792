"""Paths as the contents API writes them: relative to the server's folder, with slashes, and never out of it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nbproj.paths import is_inside
from nbproj.server.errors import RefusedError

__all__ = ["artifact_path", "confined", "contents_path", "local_folder"]

_LONGEST = 4096


def confined(root: Path, path: str, *, hidden: bool = False) -> Path:
    """Return the file or folder that a path of the contents API means, symbolic links resolved.

    Parameters
    ----------
    root : Path
        The server's folder.
    path : str
        As the contents API writes it; slashes around it mean nothing.
    hidden : bool
        Whether hidden files are served.

    Raises
    ------
    RefusedError
        400 for what is no path, 404 for what is not there, leaves the folder or is hidden: the answers do not tell these apart.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "wine").mkdir()
    ...     confined(Path(folder), "/wine/").name
    'wine'
    """
    if "\0" in path or len(path) > _LONGEST:
        msg = "the path holds a NUL character" if "\0" in path else "the path is too long"
        raise RefusedError(400, msg)
    parts = [part for part in path.split("/") if part]
    there = root.joinpath(*parts)
    try:
        # Whether it exists is asked after whether it may be asked for.
        refused = ".." in parts or not is_inside(root, there) or (not hidden and any(part.startswith(".") for part in parts)) or not there.exists()
    except (OSError, ValueError):  # a name that is too long, a loop of links, a lone surrogate
        refused = True
    if refused:
        msg = f"there is no file or folder {path!r}"
        raise RefusedError(404, msg)
    return Path(os.path.realpath(there))


def contents_path(root: Path, path: str | os.PathLike[str] | None) -> str | None:
    """Return a file of this machine as the contents API names it; None when it lies outside the server's folder, or hidden in it.

    Examples
    --------
    >>> contents_path(Path("/home/eva"), "/home/eva/wine/train.ipynb"), contents_path(Path("/home/eva"), "/home/ben/x.ipynb")
    ('wine/train.ipynb', None)
    """
    if path is None or not os.path.isabs(path):  # noqa: PTH117 - it may be the address of a remote artifact
        return None
    real_root, real = os.path.realpath(root), os.path.realpath(path)
    if os.path.commonpath([real_root, real]) != real_root:
        return None
    relative = Path(real).relative_to(real_root)
    return None if any(part.startswith(".") for part in relative.parts) else "/".join(relative.parts)


def artifact_path(path: str) -> str:
    """Return the path of an artifact, or refuse what could mean anything else.

    Raises
    ------
    RefusedError
        404: it is absolute, climbs, or holds what no artifact's name holds.

    Examples
    --------
    >>> artifact_path("run/train.ipynb")
    'run/train.ipynb'
    """
    parts = path.split("/")
    if not path or len(path) > _LONGEST or "\0" in path or "\\" in path or any(part in {"", ".", ".."} for part in parts):
        msg = f"there is no artifact {path!r}"
        raise RefusedError(404, msg)
    return path


def local_folder(uri: str) -> Path | None:
    """Return the folder of this machine that the root of artifacts means, in whatever spelling; None when it is elsewhere.

    Examples
    --------
    >>> [str(local_folder(uri)) for uri in ("/a/b", "file:/a/b", "FILE:///a%20b", "s3://bucket/b")]
    ['/a/b', '/a/b', '/a b', 'None']
    """
    parts = urlsplit(uri)
    if parts.scheme and parts.scheme != "file":
        return None
    return Path(os.path.abspath(unquote(parts.path) if parts.scheme else uri))  # noqa: PTH100 - links are resolved by who compares
