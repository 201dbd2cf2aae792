"""Temporary folders that know their owner, so that the folders of a killed process are found and removed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from nbproj.processes import ProcessIdentity, end_group, host_name, start_time

__all__ = ["make", "parent", "record", "sweep"]

_PREFIX = "nbproj-source-"
_COMMAND = ".command"
_PATIENCE_SECONDS = 2.0


def parent() -> Path:
    """Return where temporary folders are made: MLFLOW_TMP_DIR when it is set, else the system's place."""
    folder = Path(os.environ.get("MLFLOW_TMP_DIR") or tempfile.gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _here() -> str:
    """Return a word for this host and this space of pids: containers may share /tmp and a host name, but not their pids."""
    namespace = ""
    with contextlib.suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{host_name()} {namespace}".encode()).hexdigest()[:12]


def make() -> Path:
    """Return a new private folder (mode 0700) that belongs to this process, symbolic links resolved.

    The process that made it removes it; when that process was killed, the next `sweep` does. The name itself tells the
    owner (place, pid, start time), so that there is no instant at which a folder is there and its owner is not known.
    """
    owner = ProcessIdentity.of()
    return Path(os.path.realpath(tempfile.mkdtemp(prefix=f"{_PREFIX}{_here()}-{owner.pid}-{owner.started:.2f}-", dir=parent())))


def _is_orphan(folder: Path) -> bool:
    here, pid, started, _ = folder.name.removeprefix(_PREFIX).split("-", 3)
    now = start_time(int(pid)) if here == _here() else float(started)
    return now is None or f"{now:.2f}" != started


def record(folder: Path) -> Path:
    """Return the file of a temporary folder that names its owner's running command: `pid start`, its own process group."""
    return folder / _COMMAND


def _end_command(folder: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        pid, started = (folder / _COMMAND).read_text().split()
        if started != "None" and start_time(int(pid)) == float(started):
            end_group(int(pid), grace=1)


def _remove(folder: Path) -> bool:
    # A command that was killed a moment ago, or that nobody had written down yet, may still put files into it.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(0.02)
    return not folder.exists()


def sweep() -> list[Path]:
    """Remove the folders of processes of this host that are gone, end what they had running, and return what was removed."""
    removed = []
    for folder in parent().glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid() or not _is_orphan(folder):
                continue
            _end_command(folder)
            if _remove(folder):
                removed.append(folder)
    return removed
