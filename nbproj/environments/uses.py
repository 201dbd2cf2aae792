"""Who has used an environment, and who uses it now: a line for each run, so that nothing is collected under anybody's feet."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbproj.paths import write_atomically
from nbproj.processes import ProcessIdentity, is_alive

__all__ = ["Uses"]

_MOST: Final = 400
_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class Uses:
    """The uses of one environment.

    Parameters
    ----------
    path : Path
        Their file, beside the environment: it stays when the environment is built again.
    """

    path: Path

    def add(self, run_id: str | None, project: str) -> None:
        """Note a use by this process."""
        me = ProcessIdentity.of()
        line = {"time": round(time.time(), 3), "run_id": run_id, "project": project}
        line |= {"host": me.host, "boot": me.boot, "pid": me.pid, "started": me.started}
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, json.dumps(line).encode() + b"\n")  # one write: lines of two processes do not mix
        finally:
            os.close(descriptor)

    def read(self) -> list[dict[str, Any]]:
        """Return them, the oldest first; what cannot be read is left out."""
        found = []
        with contextlib.suppress(OSError):
            for line in self.path.read_bytes().splitlines():
                with contextlib.suppress(ValueError):
                    entry = json.loads(line)
                    if isinstance(entry, dict):
                        found.append(entry)
        return found

    def living(self) -> bool:
        """Return whether a process that lives has used it: its run may still go on."""
        return any(_lives(entry) for entry in self.read() if entry.get("pid") != os.getpid())

    def trim(self) -> None:
        """Keep the last uses only; for whoever holds the environment's lock."""
        entries = self.read()
        if len(entries) > _MOST:
            kept = [entry for entry in entries[:-_KEPT] if _lives(entry)] + entries[-_KEPT:]
            write_atomically(self.path, "".join(json.dumps(entry) + "\n" for entry in kept), mode=0o600)

    def forget(self) -> None:
        """Forget them all."""
        self.path.unlink(missing_ok=True)


def _lives(entry: dict[str, Any]) -> bool:
    try:
        return is_alive(ProcessIdentity(str(entry["host"]), str(entry["boot"]), int(entry["pid"]), float(entry["started"])))
    except (KeyError, TypeError):
        return False
    except ValueError:
        return True  # of another host, on a shared disk: nothing is known here
