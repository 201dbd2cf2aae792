"""The per-user folders of nbproj, and the runs that are under way from this machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

from nbproj.display.doctor import Finding
from nbproj.display.quantity import size
from nbproj.processes import host_name, is_alive
from nbproj.progress import Event
from nbproj.tracking.folders import cache_folder, state_folder
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.spool import Spool

__all__ = ["cache", "runs", "state"]

_SECONDS = 1.0


def state() -> Finding:
    """Look at the folder that holds what is known about running runs."""
    notes: list[Event] = []
    folder = state_folder("runs", progress=notes.append).parent
    if notes:
        return Finding("state", "warning", notes[0].text, "Make that folder writable, or set NBPROJ_STATE_DIR")
    return Finding("state", "ok", f"{folder}, {_size(folder)}")


def cache() -> Finding:
    """Look at the folder that holds what can be made again."""
    import platformdirs

    named = os.environ.get("NBPROJ_CACHE_DIR")
    wanted = Path(named).expanduser() if named else platformdirs.user_cache_path("nbproj")
    folder = cache_folder()
    if folder != wanted:
        return Finding("cache", "warning", f"{wanted} cannot be written; {folder} is used", "Make it writable, or set NBPROJ_CACHE_DIR")
    return Finding("cache", "ok", f"{folder}, {_size(folder)}")


def runs() -> Finding:
    """Count the runs that this user's processes carry, and those that still have to be settled."""
    carried = elsewhere = left = 0
    for entry in Ledger.open():
        process = entry.owner.process
        if process.host != host_name():
            elsewhere += 1
        elif is_alive(process):
            carried += 1
        else:
            left += 1
    waiting = len(Spool.open().waiting())
    parts = [f"{carried} under way"]
    parts += [f"{elsewhere} of other hosts"] if elsewhere else []
    parts += [f"{left} left by processes that died"] if left else []
    parts += [f"{waiting} final statuses that wait for their store"] if waiting else []
    advice = "They are settled by the first nbproj command that reaches their store" if left or waiting else ""
    return Finding("runs", "warning" if advice else "ok", ", ".join(parts), advice)


def _size(folder: Path) -> str:
    """Return how much a folder holds, or at least how much was counted in a second."""
    deadline = time.monotonic() + _SECONDS
    total = 0
    for above, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(above, name)).st_size  # noqa: PTH118 - many of them, quickly
            except OSError:  # just removed
                continue
            if time.monotonic() > deadline:
                return f"more than {size(total)}"
    return size(total)
