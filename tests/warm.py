"""Command lines that begin with everything imported: processes of their own, forked from one that waits.

A command spends most of its 1.7 seconds of computing with imports, and the tests start hundreds. `Popen` and `run` take what those of `subprocess`
take. `python -m nbproj ...` and `python -c ...` with the Python of the tests are forked: a real process each, with an environment, a folder, streams,
a process id, signals and an exit code of its own. It differs in what is imported before its first line, and in what the system shows of it: the
`cmdline` and `environ` in `/proc` are those of the process that waits. What depends on either, or on how an interpreter starts, is for `subprocess`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

DECIDING = ("PYTHON", "LC_", "LANG", "LD_", "MLFLOW_LOGGING_LEVEL", "MLFLOW_CONFIGURE_LOGGING")
"""Beginnings of variables that are read before the first line of a program: a command with others is started cold."""
OUTSIDE = {name: value for name, value in os.environ.items() if name.startswith(DECIDING[:4]) and name != "PYTHONDONTWRITEBYTECODE"}

NUMBER = struct.Struct("i")


class Waiting:
    """The process that everything is forked from; one for each process of tests, started with the first command."""

    def __init__(self) -> None:
        # Those of the test that happens to be the first, less what only that test has set, or finds its own processes by.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(DECIDING) and name != "TEST_MARK"}
        self.environment = kept | OUTSIDE
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, Path(__file__).with_name("warm_process.py"), str(theirs.fileno())]
            # One thread: a fork of several would lose what the others hold.
            single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
            # It forks at once, and what comes of it is nobody's child: tests look for children of theirs.
            subprocess.run(
                command,
                env={**self.environment, **single},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                check=True,
                timeout=60,
            )
        self.line = ours
        self.lock = threading.Lock()
        atexit.register(self.end)

    def end(self) -> None:
        """Let it go, and wait until it is gone."""
        with contextlib.suppress(OSError), self.line:
            self.line.shutdown(socket.SHUT_WR)
            self.line.settimeout(20)
            self.line.recv(1)

    def takes(self, command: list[str], environment: dict[str, str]) -> bool:
        """Return whether a command can be started here."""
        if command[:1] != [sys.executable] or command[1:2] not in (["-m"], ["-c"]) or (command[1] == "-m" and command[2] != "nbproj"):
            return False
        names = {name for name in {*environment, *self.environment} if name.startswith(DECIDING)}
        return all(environment.get(name) == self.environment.get(name) for name in names)

    def start(self, order: dict[str, Any], streams: list[int]) -> tuple[int, socket.socket]:
        """Start a command; return its process id, and the socket on which its end will be told."""
        import json

        ours, theirs = socket.socketpair()
        with theirs, self.lock:
            text = json.dumps(order).encode()
            socket.send_fds(self.line, [NUMBER.pack(len(text))], [*streams, theirs.fileno()])
            self.line.sendall(text)
        told = ours.recv(NUMBER.size, socket.MSG_WAITALL)
        if len(told) < NUMBER.size:
            msg = "the process that warm commands are forked from is gone"
            raise ChildProcessError(msg)
        return NUMBER.unpack(told)[0], ours


@functools.cache
def waiting(_tests: int) -> Waiting:
    """Return the one process of this process of tests."""
    return Waiting()


class Popen(subprocess.Popen):
    """A `subprocess.Popen` whose process was forked instead of executed; an ordinary one where that would make a difference."""

    _end: socket.socket | None = None

    def _execute_child(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *more):
        (_info, _flags, shell, p2cread, _p2cwrite, _c2pread, c2pwrite, _errread, errwrite, _restore, _gid, _gids, _uid, umask, session, group) = more
        command = [os.fspath(part) for part in args] if not isinstance(args, str) else []
        environment = dict(os.environ if env is None else env)
        special = shell or executable or preexec_fn or pass_fds or umask != -1 or group != -1
        found = waiting(os.getpid())
        if special or not found.takes(command, environment):
            super()._execute_child(args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *more)
            return
        streams = [given if given != -1 else own for given, own in ((p2cread, 0), (c2pwrite, 1), (errwrite, 2))]
        order = {"command": command, "cwd": os.fspath(cwd) if cwd else str(Path.cwd()), "environment": environment, "session": bool(session)}
        self.pid, self._end = found.start(order, streams)
        self._child_created = True
        self._close_pipe_fds(*more[3:9])

    def _internal_poll(self, *arguments, **options):
        if self._end is None:
            return super()._internal_poll(*arguments, **options)
        if self.returncode is None:
            self._look(0)
        return self.returncode

    def _wait(self, timeout):
        if self._end is None:
            return super()._wait(timeout)
        if self.returncode is None and not self._look(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def _look(self, timeout: float | None) -> bool:
        """Take the exit code, if it comes in time."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._end, selectors.EVENT_READ)
            if not selector.select(timeout):
                return False
        told = self._end.recv(NUMBER.size, socket.MSG_WAITALL)
        self._end.close()
        self.returncode = os.waitstatus_to_exitcode(NUMBER.unpack(told)[0]) if told else -signal.SIGKILL
        return True


def run(command, *, capture_output=False, timeout=None, check=False, **options) -> subprocess.CompletedProcess:
    """Run a command to its end, as `subprocess.run` does."""
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Popen(command, **options) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done
