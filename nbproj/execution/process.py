"""Processes of a run: started behind a gate, watched by a guard, ended as a group.

A child waits at the gate - a shell that reads one line before it becomes the program - until the guard and the run's record know its process group.
So there is no instant at which the driver's death leaves a program behind that nobody knows of.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from nbproj.errors import RunError
from nbproj.execution.signals import STOPS
from nbproj.interruption import held
from nbproj.processes import end_group

__all__ = ["GATE", "Guard", "Started", "ended_with", "exit_code", "start"]

GATE = ("/bin/sh", "-c", 'read -r go || exit 125; exec "$@" </dev/null', "sh")
"""Put in front of a command: it starts when a line arrives on standard input, and never when that closes first."""

Started = Callable[[int], None]
"""Called with the process group before the program in it starts."""


def exit_code(returncode: int) -> int:
    """Return the exit code that a shell reports: 128 + N for a process that signal N ended.

    Examples
    --------
    >>> exit_code(3), exit_code(-9)
    (3, 137)
    """
    return 128 - returncode if returncode < 0 else returncode


def ended_with(code: int) -> str:
    """Return in words how a program failed; empty for success.

    Examples
    --------
    >>> ended_with(0), ended_with(3), ended_with(137)
    ('', 'exit code 3', 'ended by signal 9')
    """
    if code > 128:  # noqa: PLR2004 - a shell's way to say "signal"
        return f"ended by signal {code - 128}"
    return f"exit code {code}" if code else ""


def _shut(*streams: IO[bytes] | None) -> None:
    for stream in streams:
        if stream is not None:
            with contextlib.suppress(OSError):  # the reader has gone already
                stream.close()


class Guard:
    """The process that ends the groups of runs when the driver dies. A context manager; starts at once, without waiting.

    Several threads may use one: the runs of a batch do.
    """

    def __init__(self) -> None:
        self._watched: set[int] = set()
        self._asking = threading.Lock()
        try:
            with held():
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")), str(os.getpid())],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                    bufsize=0,
                    cwd="/",
                    env={name: os.environ[name] for name in ("NBPROJ_GRACE",) if name in os.environ},
                )
        except OSError as error:
            msg = f"the guard of the run cannot be started: {error.strerror or error}"
            raise RunError(msg) from error
        except STOPS:
            if hasattr(self, "_process"):
                self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _tell(self, verb: str, group: int) -> None:
        assert self._process.stdin is not None  # noqa: S101 - by construction
        assert self._process.stdout is not None  # noqa: S101 - by construction
        with self._asking, held():
            try:
                self._process.stdin.write(f"{verb} {group}\n".encode())
                answer = self._process.stdout.readline()
            except OSError:
                answer = b""
            if answer != b"ok\n" and verb == "group":
                msg = "the guard of the run has died: nothing is started that could be left behind"
                raise RunError(msg)
            (self._watched.add if verb == "group" else self._watched.discard)(group)

    @property
    def lives(self) -> bool:
        """Whether it is there still."""
        return self._process.poll() is None

    def watch(self, group: int) -> None:
        """Make the guard end a group when the driver dies.

        Raises
        ------
        RunError
            The guard is gone.
        """
        self._tell("group", group)

    def release(self, group: int) -> None:
        """Tell the guard that a group has ended: its number may soon be another's."""
        self._tell("done", group)

    def close(self) -> None:
        """Let the guard go, unless it still watches what could not be ended: then it stays for the driver's death. May be called twice."""
        _shut(self._process.stdin, self._process.stdout)
        if not self._watched:
            self._process.kill()  # its own way out would take milliseconds of every run
            self._process.wait()


def start(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    cwd: Path,
    guard: Guard,
    started: Started,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, standard output and error in one pipe, standard input closed.

    Parameters
    ----------
    argv : sequence of str
        Program and arguments; the program is looked up in the `PATH` of its own environment.
    environment : mapping of str to str
        Its whole environment.
    cwd : Path
        Its working folder.
    guard : Guard
        Told of the group before the program starts.
    started : callable
        Called with the group after the guard knows it, before the program starts.

    Returns
    -------
    subprocess.Popen
        The process; it leads its group. Its pipe is `stdout`.

    Raises
    ------
    RunError
        The system refuses a process (no such folder, arguments too long, no memory).
    """
    with held():
        return _start([*GATE, *argv], environment=environment, cwd=cwd, guard=guard, started=started)


def _start(argv: Sequence[str], *, environment: Mapping[str, str], cwd: Path, guard: Guard, started: Started) -> subprocess.Popen[bytes]:
    try:
        process = subprocess.Popen(  # noqa: S603 - the command is the project's own: running it is what was asked for
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=cwd,
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        msg = f"the program cannot be started: {error.strerror if isinstance(error, OSError) and error.strerror else error}"
        raise RunError(msg) from error
    assert process.stdin is not None  # noqa: S101 - by construction
    try:
        guard.watch(process.pid)
        started(process.pid)
        process.stdin.write(b"go\n")
    except BaseException:
        _shut(process.stdin, process.stdout)
        end_group(process.pid, grace=0)
        process.wait()
        guard.release(process.pid)
        raise
    _shut(process.stdin)
    return process
