"""Projects that their user trusts: what one click in a saved document could start is started without a question only for these (contract, section 6).

A folder is known by its real path, and what lies in it is trusted with it; a project elsewhere by its address without credentials, whatever the
version, and what lies in it is trusted with it, too. The list is the user's own file; nothing of it comes from a project.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nbproj.errors import NbprojError, RunError, UsageError
from nbproj.paths import is_inside, write_atomically
from nbproj.sources.address import parse
from nbproj.tracking.folders import state_folder

__all__ = ["is_trusted", "revoke", "trust", "trusted", "trusted_name"]

_FILE = "trusted.json"
_MOST_BYTES = 1 << 20
_SECONDS = 10.0


def trusted_name(uri: str) -> str:
    """Return under what name a project is trusted: a real path, or an address without credentials.

    Parameters
    ----------
    uri : str
        A folder, notebook, archive or address, as `nbproj.run` takes it.

    Raises
    ------
    SourceError
        The address is malformed or refused.

    Examples
    --------
    >>> trusted_name("https://me:secret@example.org/team/wine.git#train")
    'https://example.org/team/wine.git#train'
    """
    address = parse(uri)
    if address.kind != "path":
        return address.public
    return os.path.realpath(os.path.join(address.location, address.sub))  # noqa: PTH118 - realpath takes texts, and `sub` may be empty


def trusted() -> tuple[str, ...]:
    """Return the names of all projects that this user trusts, in the order of the alphabet."""
    return tuple(sorted(_read(_folder() / _FILE)))


def is_trusted(uri: str) -> bool:
    """Return whether a project, or what it lies in, is trusted; False for an address that means nothing.

    Parameters
    ----------
    uri : str
        As for `trusted_name`.
    """
    try:
        name = trusted_name(uri)
    except (NbprojError, OSError):
        return False
    return any(_covers(one, name) for one in trusted())


def trust(uri: str) -> str:
    """Trust a project from now on; return its name.

    Parameters
    ----------
    uri : str
        As for `trusted_name`; a folder or file must be there.

    Raises
    ------
    SourceError
        The address is malformed or refused.
    UsageError
        There is no such folder or file.
    RunError
        The list cannot be written.
    """
    name = trusted_name(uri)
    if parse(uri).kind == "path" and not os.path.lexists(name):
        msg = f"there is no folder or file {name}: nothing is trusted. Name a project"
        raise UsageError(msg)
    with _changing() as names:
        names.add(name)
    return name


def revoke(uri: str) -> bool:
    """Trust a project no longer; return whether it was trusted. One that lies in a trusted folder stays trusted with that.

    Parameters
    ----------
    uri : str
        As for `trusted_name`.

    Raises
    ------
    SourceError
        The address is malformed or refused.
    RunError
        The list cannot be written.
    """
    name = trusted_name(uri)
    with _changing() as names:
        was = name in names
        names.discard(name)
    return was


def _covers(one: str, name: str) -> bool:
    """Return whether what is trusted under one name is, or holds, what has another name."""
    if Path(one).is_absolute() or Path(name).is_absolute():
        return Path(one).is_absolute() and Path(name).is_absolute() and is_inside(Path(one), Path(name))
    whole, _, inner = one.partition("#")
    other, _, wanted = name.partition("#")
    return whole == other and (not inner or f"{wanted}/".startswith(f"{inner}/"))


def _folder() -> Path:
    return state_folder("trust")


def _read(file: Path) -> set[str]:
    """Return the names in the list; none when it is not there, is no list, or is somebody else's."""
    try:
        with file.open("rb") as stream:
            if os.fstat(stream.fileno()).st_uid != os.getuid():
                return set()
            document = json.loads(stream.read(_MOST_BYTES))
        return _names(document["trusted"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _names(listed: Iterable[object]) -> set[str]:
    return {one for one in listed if isinstance(one, str) and one}


@contextmanager
def _changing() -> Iterator[set[str]]:
    """Give the names to change, and write them; one process at a time."""
    from filelock import FileLock, Timeout

    folder = _folder()
    try:
        with FileLock(folder / f"{_FILE}.lock", timeout=_SECONDS, mode=0o600):
            names = _read(folder / _FILE)
            yield names
            write_atomically(folder / _FILE, json.dumps({"version": 1, "trusted": sorted(names)}, indent=1) + "\n", mode=0o600)
    except Timeout as error:
        msg = f"the list of trusted projects, {folder / _FILE}, is locked by another process: try again"
        raise RunError(msg) from error
    except OSError as error:
        msg = f"the list of trusted projects, {folder / _FILE}, cannot be written: {error.strerror or error}"
        raise RunError(msg) from error
