"""The process of a kernel: started behind the gate, known to the guard, watched so that its death is seen at once."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from nbproj.errors import RunError
from nbproj.execution.connection import Connection
from nbproj.execution.forked import ForkedProcess
from nbproj.execution.kernels import Kernel
from nbproj.execution.process import GATE, Guard, Started, exit_code
from nbproj.processes import end_group

__all__ = ["KernelProcess", "how_it_ended"]

_KILL: Final = 137
_NEARLY_FULL: Final = 0.05
"""Part of the memory below which what is left is as good as nothing."""


def how_it_ended(code: int, *, out_of_memory: bool) -> str:
    """Return in words how a process ended.

    Examples
    --------
    >>> how_it_ended(3, out_of_memory=False), how_it_ended(139, out_of_memory=False)
    ('exit code 3', 'ended by signal 11 (SIGSEGV)')
    >>> how_it_ended(137, out_of_memory=True)
    'ended by signal 9 (SIGKILL), probably out of memory'
    """
    if code <= 128:  # noqa: PLR2004 - above it a shell says "signal"
        return f"exit code {code}"
    number = code - 128
    with contextlib.suppress(ValueError):
        return f"ended by signal {number} ({signal.Signals(number).name})" + (", probably out of memory" if out_of_memory else "")
    return f"ended by signal {number}"


class Process(Protocol):
    """A process as `subprocess` has it, whoever its parent is."""

    @property
    def pid(self) -> int:
        """Its number, which is also that of its group."""

    def poll(self) -> int | None:
        """Return its exit code once it has ended."""

    def wait(self) -> int:
        """Wait for its end and return its exit code."""


class KernelProcess:
    """A kernel's process, which leads a group of its own; made by `start` or `fork`.

    Parameters
    ----------
    process : Process
        The process.
    interrupted_by_message : bool
        Whether it is interrupted by a request instead of a signal.
    forked : bool
        Whether it was forked from a server, and not started by itself.
    """

    def __init__(self, process: Process, *, interrupted_by_message: bool, forked: bool = False) -> None:
        self.interrupted_by_message = interrupted_by_message
        self.forked = forked
        self._killed_before = _killed_for_memory()
        self._starved = False
        self._process = process
        self.pid = process.pid
        self.descriptor = -1
        """Readable when the kernel is dead; -1 where the system has no such thing."""
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self.descriptor = os.pidfd_open(self.pid)

    @classmethod
    def start(
        cls,
        kernel: Kernel,
        connection: Connection,
        *,
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
        guard: Guard,
        started: Started,
    ) -> KernelProcess:
        """Start a kernel.

        Parameters
        ----------
        kernel : Kernel
            What is started.
        connection : Connection
            How it will be spoken to.
        environment : mapping of str to str
            The run's whole environment.
        cwd : Path
            Its working folder; the driver's own stays as it is.
        log : Path
            File for what the kernel itself prints, beside its cells.
        guard : Guard
            Told of the group before the kernel starts.
        started : callable
            Called with the group, after the guard knows it.

        Raises
        ------
        RunError
            The process cannot be made.
        """
        variables = kernel.variables(environment)
        if os.getpid() > 1:  # ipykernel ends by itself when this process is no more
            variables["JPY_PARENT_PID"] = str(os.getpid())
        try:
            with log.open("wb") as stream:
                process = subprocess.Popen(  # noqa: S603 - the kernel is what was asked for
                    [*GATE, *kernel.command(connection.file)],
                    stdin=subprocess.PIPE,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    env=variables,
                    cwd=cwd,
                    start_new_session=True,
                    bufsize=0,
                )
        except (OSError, ValueError) as error:
            msg = f"kernel {kernel.name!r} cannot be started: {error.strerror if isinstance(error, OSError) and error.strerror else error}"
            raise RunError(msg) from error
        assert process.stdin is not None  # noqa: S101 - by construction
        try:
            guard.watch(process.pid)
            started(process.pid)
            process.stdin.write(b"go\n")
        except BaseException:
            end_group(process.pid, grace=0)
            process.wait()
            guard.release(process.pid)
            raise
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()
        return cls(process, interrupted_by_message=kernel.interrupt_mode == "message")

    @classmethod
    def fork(
        cls,
        process: ForkedProcess,
        kernel: Kernel,
        connection: Connection,
        *,
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
        guard: Guard,
        started: Started,
    ) -> KernelProcess:
        """Let a process that waits for it become a kernel; the other parameters are those of `start`.

        Raises
        ------
        Unborn
            It does not; nothing is left of it.
        """
        try:
            guard.watch(process.pid)
            started(process.pid)
            with log.open("wb") as stream:
                process.begin(kernel.command(connection.file), environment=kernel.variables(environment), cwd=cwd, log=stream.fileno())
        except BaseException:
            process.discard()
            guard.release(process.pid)
            raise
        return cls(process, interrupted_by_message=kernel.interrupt_mode == "message", forked=True)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def code(self) -> int | None:
        """Its exit code as a shell reports it, once it has ended."""
        returned = self._process.poll()
        return None if returned is None else exit_code(returned)

    def look(self) -> None:
        """Remember whether memory is nearly used up: asked from time to time, since who is killed for it has freed it again."""
        self._starved = _memory_left() < _NEARLY_FULL

    def death(self) -> tuple[int, str]:
        """Return its exit code and how it ended, in words; it is waited for."""
        code = exit_code(self._process.wait())
        killed = _killed_for_memory()
        out_of_memory = code == _KILL and (killed != self._killed_before or (self._starved and not killed))
        return code, how_it_ended(code, out_of_memory=out_of_memory)

    def interrupt(self) -> None:
        """Interrupt what runs in it, and what that has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGINT)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; return whether it came."""
        if self.descriptor >= 0:
            poll = select.poll()
            poll.register(self.descriptor, select.POLLIN)
            poll.poll(seconds * 1000)
            return not self.alive
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.005)
        return not self.alive

    def close(self, guard: Guard, *, grace: float = 1.0) -> None:
        """End the whole group, wait for it, and let the guard forget it."""
        end_group(self.pid, grace=grace)
        self._process.wait()
        guard.release(self.pid)
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _killed_for_memory() -> list[str]:
    """Return what the system has counted so far of processes killed for want of memory: on the whole host, and in our control group."""
    found = []
    files = [Path("/proc/vmstat"), *_control_group("memory.events"), *_control_group("memory.oom_control")]
    for path in files:
        with contextlib.suppress(OSError):
            found += [f"{path} {line}" for line in path.read_text().splitlines() if line.startswith("oom_kill ")]
    return found


def _control_group(name: str) -> list[Path]:
    """Return the files of that name of our control group, and of the one at the top, which in a container is ours."""
    found = []
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _number, controllers, path = line.split(":", 2)
            if not controllers or "memory" in controllers.split(","):
                root = Path("/sys/fs/cgroup") / ("memory" if controllers else "")
                found += [root / path.lstrip("/") / name, root / name]
    return list(dict.fromkeys(found))


def _memory_left() -> float:
    """Return the part of the host's memory that is free; 1 where nothing is known."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
        host = {words[0]: int(words[1]) for words in lines if len(words) > 1}
        return host["MemAvailable:"] / host["MemTotal:"]
    return 1.0
