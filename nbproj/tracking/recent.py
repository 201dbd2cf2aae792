"""Where the runs of this user were recorded lately, so that a run is found again by its id alone, whatever the working folder.

One small file a run, `<state>/recent/<run id>`, which holds the store's address (readable by its user only: it may hold credentials). A hint, no
record: what cannot be written or read is left out.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from nbproj.tracking.folders import state_folder

__all__ = ["find", "keep"]

_MOST = 2000
_RUN_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


def keep(run_id: str, store: str) -> None:
    """Remember in which store a run is.

    Parameters
    ----------
    run_id : str
        The run.
    store : str
        The tracking URI.
    """
    if not _RUN_ID.fullmatch(run_id):
        return
    folder = state_folder("recent")
    with contextlib.suppress(OSError, UnicodeError):
        descriptor = os.open(folder / run_id, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(store)
        if run_id.endswith("00"):  # now and then, without counting: ids are random
            _prune(folder)


def find(beginning: str) -> dict[str, str]:
    """Return the stores of the runs whose ids begin with some characters.

    Parameters
    ----------
    beginning : str
        The first characters of an id, at least one.
    """
    found: dict[str, str] = {}
    if not _RUN_ID.fullmatch(beginning):
        return found
    folder = state_folder("recent")
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(beginning):
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    found[name] = (folder / name).read_text(encoding="utf-8")
    return found


def _prune(folder: Path) -> None:
    files = sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime)
    for old in files[:-_MOST]:
        old.unlink(missing_ok=True)
