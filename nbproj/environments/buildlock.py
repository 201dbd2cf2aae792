"""The lock of one environment: the kernel's own, which ends with the processes that hold it - the builder and what it has started."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any, Final

from nbproj.processes import ProcessIdentity, end_group, group_lives, is_alive, start_time
from nbproj.progress import Event, Progress, silent

__all__ = ["BuildLock"]

_PATIENCE_SECONDS: Final = 20.0
"""How long what a dead builder has started may go on before it is ended."""


class BuildLock:
    """The lock of one environment, which names its holder.

    Parameters
    ----------
    path : Path
        Its file, beside the environment.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor = -1

    def attempt(self) -> bool:
        """Take it if it is free, and return whether it is ours now."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            except BaseException:
                os.close(descriptor)
                raise
            # Above the numbers that a shell uses: what builds inherits it under the same one.
            self.descriptor = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
            os.close(descriptor)
            try:
                if self._path.stat().st_ino == os.fstat(self.descriptor).st_ino:
                    break
            except FileNotFoundError:
                pass
            self.release()  # somebody has swept it away in between: what we hold has no name any more
        me = ProcessIdentity.of()
        self._write({"host": me.host, "boot": me.boot, "pid": me.pid, "started": me.started})
        return True

    def acquire(self, progress: Progress = silent) -> None:
        """Take it, and wait for it where others build; what a dead builder has left running is ended.

        Parameters
        ----------
        progress : Progress
            Told for whom.
        """
        since, pause, told = time.monotonic(), 0.01, False
        while not self.attempt():
            holder = self.holder()
            if not told:
                told = True
                who = f"process {holder['pid']}" if holder else "another process"
                progress(Event("preparing", f"{who} is making this environment: waiting for it"))
            if holder and time.monotonic() - since > _PATIENCE_SECONDS and not _lives(holder):
                self._end_left(holder)
            time.sleep(pause)  # not one blocking call: an interruption is seen between two tries
            pause = min(pause * 1.5, 0.2)

    def started(self, group: int) -> None:
        """Note which processes build, for whoever comes after this one was killed."""
        me = ProcessIdentity.of()
        self._write({"host": me.host, "boot": me.boot, "pid": me.pid, "started": me.started, "group": group, "group_started": start_time(group)})

    def _write(self, holder: dict[str, object]) -> None:
        data = json.dumps(holder).encode()
        with contextlib.suppress(OSError):  # a full disk: only the name of the holder is lost
            os.pwrite(self.descriptor, data, 0)
            os.ftruncate(self.descriptor, len(data))

    def holder(self) -> dict[str, Any]:
        """Return what the holder has said of itself, `pid` and more; empty where nothing can be read."""
        try:
            known = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) and isinstance(known.get("pid"), int) else {}

    @staticmethod
    def _end_left(holder: dict[str, Any]) -> None:
        group = holder.get("group")
        if isinstance(group, int) and group > 1 and start_time(group) == holder.get("group_started") and group_lives(group):
            end_group(group, grace=1)

    def release(self) -> None:
        """Let it go; may be called twice."""
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                fcntl.flock(self.descriptor, fcntl.LOCK_UN)
            os.close(self.descriptor)
            self.descriptor = -1


def _lives(holder: dict[str, Any]) -> bool:
    try:
        return is_alive(ProcessIdentity(str(holder["host"]), str(holder["boot"]), int(holder["pid"]), float(holder["started"])))
    except (KeyError, TypeError, ValueError):
        return True  # of another host: nothing is known here
