"""How a run that another process carries is ended: its driver is asked, and when it does nothing but carry the run, told."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from nbproj import processes
from nbproj.errors import RunError
from nbproj.progress import Progress, silent
from nbproj.tracking.ledger import Entry, Ledger
from nbproj.tracking.settlement import settle

__all__ = ["stop"]

ASKED_SECONDS = 1.0
"""How long a driver is left to see the wish by itself: it looks twice a second while it follows the program."""

TOLD_SECONDS = processes.GRACE_SECONDS + 10.0
"""How long the program has for its end, and the driver for the record."""


KILLED_SECONDS = 10.0
"""How long a process may take to be gone that was killed: milliseconds, unless the machine is busy."""


def stop(run_id: str, *, patience: float = TOLD_SECONDS, progress: Progress = silent) -> bool:
    """End a run that a process of this user carries, and return when it is settled.

    A process of another host can be asked, where the two share the user's folders; it cannot be told.

    Parameters
    ----------
    run_id : str
        The run.
    patience : float
        Seconds that the driver has for it; a driver that does nothing else is killed after that, and the run settled by us.
    progress : Progress
        Told when a run had to be settled.

    Returns
    -------
    bool
        False when no process that is known here carries the run.

    Raises
    ------
    RunError
        The driver does not answer, and is a process with other things to do - a kernel, a Python program - or one of another host.
    """
    ledger = Ledger.open(progress=progress)
    entry = ledger.of_run(run_id)
    if entry is None:
        return False
    with contextlib.suppress(OSError):  # it has just ended, or the disk is full: then it is told
        entry.ask_to_stop()
    driver = entry.owner.process
    if _gone(entry, ASKED_SECONDS):
        return True
    if entry.owner.sole:
        _send(driver, signal.SIGTERM)
    if _gone(entry, patience + max(processes.grace_seconds() - processes.GRACE_SECONDS, 0.0)):
        return True
    if driver.host != processes.host_name():
        msg = f"run {run_id[:8]}: process {driver.pid} on host {driver.host} was asked to end it and has not done so: look there"
        raise RunError(msg)
    if not entry.owner.sole:
        msg = f"run {run_id[:8]}: process {driver.pid}, which carries it, does not answer: interrupt it there"
        raise RunError(msg)
    _send(driver, signal.SIGKILL)
    _gone(entry, KILLED_SECONDS)
    settle(ledger, progress=progress)
    return True


def _send(process: processes.ProcessIdentity, number: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        if processes.is_alive(process):
            os.kill(process.pid, number)


def _gone(entry: Entry, seconds: float) -> bool:
    """Return whether the entry is closed, or its driver dead, within some seconds."""
    deadline = time.monotonic() + seconds
    while entry.folder.exists():
        if processes.is_dead(entry.owner.process):
            settle(Ledger(entry.folder.parent))
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True
