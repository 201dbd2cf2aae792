"""Which tracking store the server shows for a folder, and why that one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from nbproj.configuration.settings import settings
from nbproj.errors import UsageError
from nbproj.tracking.location import database_path, is_file_store, label, locate

__all__ = ["StorePlace", "check_address", "place_of"]

_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class StorePlace:
    """A tracking store, and what made it this one.

    Parameters
    ----------
    uri : str
        Its address; may hold credentials, and stays here.
    label : str
        Its address as it may be shown.
    why : str
        What named it, in half a sentence.
    named : bool
        Whether somebody has named it; otherwise it is one that lies there.
    """

    uri: str
    label: str
    why: str
    named: bool


def place_of(folder: Path, chosen: str | None = None) -> StorePlace:
    """Return the store of the runs of a folder: that in which a run started there is recorded.

    Parameters
    ----------
    folder : Path
        The folder that is shown.
    chosen : str, optional
        What the user has set in JupyterLab; it goes before everything else.

    Examples
    --------
    >>> place_of(Path("/wine"), "http://eva:secret@tracking:5000")
    StorePlace(uri='http://eva:secret@tracking:5000', label='http://tracking:5000', why="set in JupyterLab's settings", named=True)
    """
    known = settings()
    uri = locate(chosen, cwd=folder, environ=os.environ, configured=known.tracking_uri)
    if chosen:
        return StorePlace(uri, label(uri), "set in JupyterLab's settings", named=True)
    if os.environ.get("MLFLOW_TRACKING_URI", "").strip():
        return StorePlace(uri, label(uri), "named by MLFLOW_TRACKING_URI, where the server was started", named=True)
    if known.tracking_uri:
        return StorePlace(uri, label(uri), f"named by {known.origins.get('tracking_uri')}", named=True)
    return StorePlace(uri, label(uri), _found(uri, folder), named=False)


def _found(uri: str, folder: Path) -> str:
    path = database_path(uri)
    if path is None:
        return "the file store in this folder" if is_file_store(uri) else "set in the server's process"
    if not path.exists():
        return "made by the first run in this folder"
    return "the one in this folder" if path.parent == folder else "the nearest one above this folder"


def check_address(uri: str) -> str | None:
    """Return the address of a store as a setting of JupyterLab gives it; None for an empty one: none is chosen then.

    Raises
    ------
    UsageError
        It cannot be one.

    Examples
    --------
    >>> check_address(" http://tracking:5000 "), check_address("")
    ('http://tracking:5000', None)
    """
    text = uri.strip()
    if len(text) > _LONGEST or not text.isprintable():
        msg = "the address of the tracking store is too long, or holds characters that no address has"
        raise UsageError(msg)
    return text or None
