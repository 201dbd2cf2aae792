"""Processes of this host: who is who, also after a pid was used again, and how to end a group.

A pid alone names nobody: pids are reused. A process is known by host, boot, pid and start time.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ProcessIdentity",
    "boot_id",
    "end_group",
    "environment_of",
    "grace_seconds",
    "group_exists",
    "group_lives",
    "host_name",
    "is_alive",
    "is_dead",
    "start_time",
]

_HAS_PROC = Path("/proc/self/stat").exists()

GRACE_SECONDS = 5.0
"""Seconds between TERM and KILL (contract, section 7)."""


def host_name() -> str:
    """Return the name of this host as it is recorded with a run."""
    return platform.node() or "localhost"


def boot_id() -> str:
    """Return an identifier of this boot of the host; empty where the system offers none."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def start_time(pid: int) -> float | None:
    """Return when a process started, in a unit of the platform that never changes while it lives; None when it is gone or a zombie.

    On Linux clock ticks since boot, elsewhere seconds since the epoch.
    """
    if _HAS_PROC:
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        fields = stat[stat.rindex(b")") + 2 :].split()
        return None if fields[0] in {b"Z", b"X"} else float(fields[19])
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None


def environment_of(pid: int) -> Mapping[str, str]:
    """Return the environment that a process was started with; empty when it is gone, or not ours to look into.

    A process that is being replaced by its program (`execve`) shows none for a moment, and it is in that moment that whoever started it goes on:
    where nothing is seen, it is looked again for up to a second.
    """
    import psutil

    deadline = time.monotonic() + 1.0
    try:
        process = psutil.Process(pid)
        while not (found := process.environ()) and start_time(pid) is not None and time.monotonic() < deadline:
            time.sleep(0.001)
    except (psutil.Error, OSError):
        return {}
    return found


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, for as long as the host stays up.

    Parameters
    ----------
    host, boot : str
        Where it runs, and since which boot.
    pid : int
        Its number.
    started : float
        Its start time, as `start_time` tells it.
    """

    host: str
    boot: str
    pid: int
    started: float

    @classmethod
    def of(cls, pid: int | None = None) -> ProcessIdentity:
        """Return the identity of a living process, by default this one.

        Raises
        ------
        ProcessLookupError
            There is no such process.
        """
        number = os.getpid() if pid is None else pid
        started = start_time(number)
        if started is None:
            raise ProcessLookupError(number)
        return cls(host_name(), boot_id(), number, started)


def is_alive(process: ProcessIdentity) -> bool:
    """Return whether a process of this host still lives; one of another boot does not.

    Raises
    ------
    ValueError
        The process belongs to another host, of which nothing can be known here.
    """
    if process.host != host_name():
        msg = f"process {process.pid} belongs to host {process.host}"
        raise ValueError(msg)
    return process.boot == boot_id() and start_time(process.pid) == process.started


def is_dead(process: ProcessIdentity) -> bool:
    """Return whether a process is known to be dead: it was one of this host. Of another host nothing can be known.

    Examples
    --------
    >>> is_dead(ProcessIdentity(host_name(), "an earlier boot", 7, 1.0)), is_dead(ProcessIdentity("elsewhere", "b", 7, 1.0))
    (True, False)
    """
    return process.host == host_name() and not is_alive(process)


def group_exists(group: int) -> bool:
    """Return whether a process group has a member, be it a zombie; costs one system call."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a member changed its user: it lives
        return True
    return True


def group_lives(group: int) -> bool:
    """Return whether a process group has a living member; zombies are not alive."""
    if not group_exists(group) or not _HAS_PROC:
        return group_exists(group)
    # A group of zombies still takes signals: nobody is left to end.
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                stat = (entry / "stat").read_bytes()
                fields = stat[stat.rindex(b")") + 2 :].split()
                if int(fields[2]) == group and fields[0] not in {b"Z", b"X"}:
                    return True
    return False


def grace_seconds() -> float:
    """Return how long a program has to end by itself: NBPROJ_GRACE, which the configuration sets, else `GRACE_SECONDS`."""
    with contextlib.suppress(KeyError, ValueError):
        return max(float(os.environ["NBPROJ_GRACE"]), 0.0)
    return GRACE_SECONDS


def end_group(group: int, *, grace: float | None = None) -> None:
    """End every process of a group: TERM, a pause, KILL.

    Parameters
    ----------
    group : int
        The process group; the caller has made sure that it is still the one that was meant.
    grace : float, optional
        Seconds that the processes have to end by themselves; `grace_seconds` by default.
    """
    if group <= 1:
        msg = f"refusing to signal process group {group}"
        raise ValueError(msg)
    deadline = time.monotonic() + (grace_seconds() if grace is None else grace)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
        os.killpg(group, signal.SIGCONT)  # a stopped process cannot act on TERM
    pause = 0.005
    while time.monotonic() < deadline:
        if not group_lives(group):
            return
        time.sleep(pause)
        pause = min(pause * 2, 0.1)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
