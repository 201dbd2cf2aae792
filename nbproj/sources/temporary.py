"""Temporary folders that know their owner, so that the folders of a killed process are found and removed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import tempfile
from pathlib import Path

from nbproj.processes import ProcessIdentity, end_group, is_alive, start_time

__all__ = ["make", "parent", "record", "sweep"]

_PREFIX = "nbproj-source-"
_OWNER = ".owner.json"
_COMMAND = ".command"


def parent() -> Path:
    """Return where temporary folders are made: MLFLOW_TMP_DIR when it is set, else the system's place."""
    folder = Path(os.environ.get("MLFLOW_TMP_DIR") or tempfile.gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _namespace() -> str:
    # Containers may share /tmp and a host name, but not their pids.
    with contextlib.suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""


def make() -> Path:
    """Return a new private folder (mode 0700) that belongs to this process, symbolic links resolved.

    The process that made it removes it; when that process was killed, the next `sweep` does.
    """
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix=_PREFIX, dir=parent())))
    try:
        record = {**dataclasses.asdict(ProcessIdentity.of()), "namespace": _namespace()}
        (folder / _OWNER).write_text(json.dumps(record))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def record(folder: Path) -> Path:
    """Return the file of a temporary folder that names its owner's running command: `pid start`, its own process group."""
    return folder / _COMMAND


def _end_command(folder: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        pid, started = (folder / _COMMAND).read_text().split()
        if started != "None" and start_time(int(pid)) == float(started):
            end_group(int(pid), grace=1)


def sweep() -> list[Path]:
    """Remove the folders of processes of this host that are gone, end what they had running, and return what was removed."""
    removed = []
    for folder in parent().glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            record = json.loads((folder / _OWNER).read_text())
            if record.pop("namespace") != _namespace() or is_alive(ProcessIdentity(**record)):
                continue
            _end_command(folder)
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return removed
