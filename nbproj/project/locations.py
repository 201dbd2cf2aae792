"""The values of `path` and `uri` parameters: made absolute, looked for, or passed through (contract, section 4)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from nbproj.project.conversion import shown
from nbproj.project.remote import Remote, flattened, remote_of

__all__ = ["locate", "locate_uri"]

SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


def locate(text: str, base: Path, *, exists: bool = True) -> Path | Remote:
    """Return the absolute path that the value of a `path` parameter means, or the address from which it will be fetched: nothing is fetched here.

    Parameters
    ----------
    text : str
        A path, absolute, relative or below `~`, or an address.
    base : Path
        Folder that a relative path starts from.
    exists : bool
        Whether it must be there.

    Raises
    ------
    ValueError
        It is not there, or elsewhere and cannot be fetched, or elsewhere and may be missing, as outputs are; the message begins with the value.

    Examples
    --------
    >>> locate("out/model.pkl", Path("/work"), exists=False)
    PosixPath('/work/out/model.pkl')
    >>> locate("s3://bucket/data.csv", Path("/work"))
    's3://bucket/data.csv'
    """
    remote = remote_of(text)
    if remote is not None and not exists:
        msg = f"{remote.public!r} is remote, and what a run writes lies here: give a path, or declare the parameter as a uri"
        raise ValueError(msg)
    return remote if remote is not None else _here(text, base, exists=exists)


def _here(text: str, base: Path, *, exists: bool) -> Path:
    scheme = SCHEME.match(text)
    path = _of_address(text) if scheme and scheme[1].lower() == "file" else text
    absolute = Path(os.path.abspath(base / Path(path).expanduser() if _has_home(path) else base / path))  # noqa: PTH100 - resolve() follows links
    if exists and not os.path.exists(absolute):  # noqa: PTH110 - Path.exists raises for a name too long or a locked folder
        why = "is a link to nothing" if os.path.islink(absolute) else "does not exist"  # noqa: PTH114 - as above
        meant = flattened(text)
        if meant is not None:
            msg = f"{meant.public!r} has two slashes, and pathlib's Path takes one away: give the address as a text"
            raise ValueError(msg)
        msg = f"{shown(text)} {why} (looked for {absolute})"
        raise ValueError(msg)
    return absolute


def locate_uri(text: str, base: Path) -> str:
    """Return the value of a `uri` parameter: an address as it is, a path made absolute.

    Examples
    --------
    >>> locate_uri("s3://bucket/x", Path("/work")), locate_uri("data/x.csv", Path("/work"))
    ('s3://bucket/x', '/work/data/x.csv')
    """
    return text if SCHEME.match(text) else str(_here(text, base, exists=False))


def _has_home(path: str) -> bool:
    """Whether `~` begins a path and means a user that exists."""
    return path.startswith("~") and not os.path.expanduser(path).startswith("~")  # noqa: PTH111 - Path.expanduser raises


def _of_address(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError as error:
        msg = f"{shown(text)} is not an address: {error}"
        raise ValueError(msg) from None
    if parts.netloc not in {"", "localhost"}:
        msg = f"{shown(text)} names another machine ({parts.netloc})"
        raise ValueError(msg)
    if parts.query or parts.fragment or not parts.path:
        msg = f"{shown(text)} is not the address of a file. Write file:///folder/name, with '?' as %3F and '#' as %23"
        raise ValueError(msg)
    path = unquote(parts.path)
    if "\0" in path:
        msg = f"{shown(text)} holds a NUL character"
        raise ValueError(msg)
    return path
