"""The states in which this machine has seen the files of projects, by the digest that runs carry: it can be told which have changed since."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nbproj.paths import write_atomically
from nbproj.tracking.folders import cache_folder

__all__ = ["recall", "remember"]

_MOST: Final = 200


def remember(source: str, manifest: Mapping[str, str]) -> None:
    """Keep a manifest under its digest; what cannot be kept is done without.

    Parameters
    ----------
    source : str
        Hexadecimal.
    manifest : mapping of str to str
        Digests of files, by path.
    """
    with contextlib.suppress(OSError):
        path = _place(source)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path, json.dumps(dict(manifest), separators=(",", ":")), mode=0o600)
        for old in sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime)[:-_MOST]:
            old.unlink(missing_ok=True)


def recall(source: str) -> dict[str, str] | None:
    """Return the manifest with a digest, or None when it was never seen here.

    Examples
    --------
    >>> recall("../secrets") is None
    True
    """
    if not source.isalnum():
        return None
    try:
        path = _place(source)
        if path.stat().st_uid != os.getuid():
            return None
        return {str(name): str(digest) for name, digest in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def _place(source: str) -> Path:
    return cache_folder() / "sources" / f"{source}.json"
