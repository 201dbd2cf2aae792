"""The guard: a tiny program that ends a run's processes when the driver dies.

It runs alone, as `python -I -S guard.py DRIVER_PID`, and imports nothing of nbproj: it must start in milliseconds and stay small. The driver writes
one line a command to its standard input and reads one answer a line:

    group PGID    watch this process group too; answered by "ok"
    done PGID     that group has ended by itself; answered by "ok"

The driver's death is seen by a pidfd (Linux) or kqueue (macOS), not by the end of the pipe: a process that the driver forked may hold the pipe open.
When standard input ends and no group is watched, the guard's work is over.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

GRACE_SECONDS = 5.0


class Death:
    """The death of one process, as something that can be waited for together with standard input."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.descriptor = -1
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self.descriptor = os.pidfd_open(pid)

    def happened(self, stdin_open: bool) -> bool:  # noqa: FBT001 - the one question this program asks
        """Wait until something can be read or the process is dead; return whether it is dead."""
        if self.descriptor >= 0:
            poll = select.poll()
            poll.register(self.descriptor, select.POLLIN)
            if stdin_open:
                poll.register(0, select.POLLIN | select.POLLHUP)
            return any(descriptor == self.descriptor for descriptor, _ in poll.poll())
        if sys.platform != "linux" and hasattr(select, "kqueue"):
            queue = select.kqueue()
            changes = [
                select.kevent(self.pid, filter=select.KQ_FILTER_PROC, flags=select.KQ_EV_ADD | select.KQ_EV_ONESHOT, fflags=select.KQ_NOTE_EXIT),
            ]
            if stdin_open:
                changes.append(select.kevent(0, filter=select.KQ_FILTER_READ, flags=select.KQ_EV_ADD | select.KQ_EV_ONESHOT))
            try:
                events = queue.control(changes, 2)
            except ProcessLookupError:
                return True
            finally:
                queue.close()
            return any(event.filter == select.KQ_FILTER_PROC for event in events)
        while True:  # an old kernel: look twice a second
            if stdin_open and select.select([0], [], [], 0.5)[0]:
                return False
            try:
                os.kill(self.pid, 0)
            except OSError:
                return True
            if not stdin_open:
                time.sleep(0.5)


def end(groups: set[int]) -> None:
    """End groups: TERM, a pause, KILL."""
    for number in (signal.SIGTERM, signal.SIGCONT):
        for group in groups:
            with contextlib.suppress(OSError):
                os.killpg(group, number)
    try:
        grace = float(os.environ["NBPROJ_GRACE"])
    except (KeyError, ValueError):
        grace = GRACE_SECONDS
    deadline = time.monotonic() + grace
    while groups and time.monotonic() < deadline:
        for group in list(groups):
            try:
                os.killpg(group, 0)
            except OSError:
                groups.discard(group)
        time.sleep(0.02)
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Watch until the driver dies or lets go."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    try:
        driver = Death(int(sys.argv[1]))
        orphaned = os.getppid() != driver.pid
    except ProcessLookupError:
        orphaned = True
    groups: set[int] = set()
    stdin_open, pending = True, b""
    while not orphaned and (stdin_open or groups):
        if driver.happened(stdin_open):
            break
        received = os.read(0, 65536) if stdin_open else b""
        if not received:
            stdin_open = False
        *lines, pending = (pending + received).split(b"\n")
        for line in lines:
            verb, _, text = line.partition(b" ")
            (groups.add if verb == b"group" else groups.discard)(int(text))
            with contextlib.suppress(OSError):
                os.write(1, b"ok\n")
    if stdin_open:  # commands that arrived while the driver died still count
        os.set_blocking(0, False)
        with contextlib.suppress(OSError):
            for line in (pending + os.read(0, 65536)).split(b"\n")[:-1]:
                verb, _, text = line.partition(b" ")
                (groups.add if verb == b"group" else groups.discard)(int(text))
    end(groups)


if __name__ == "__main__":
    main()
