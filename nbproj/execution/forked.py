"""A kernel's process that was forked by a server: seen from here it has a number, an end that can be waited for, and an exit code."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

__all__ = ["ForkedProcess", "Unborn"]

_ANSWER_SECONDS: Final = 10.0
_LENGTH: Final = 4
_KILLED: Final = -int(signal.SIGKILL)


class Unborn(Exception):  # noqa: N818 - an event, as the client's
    """No kernel came out of it: another way has to be taken."""


class ForkedProcess:
    """A process that waits to become a kernel, then is one. Another process is its parent, which tells how it ended.

    Parameters
    ----------
    pid : int
        Its number; it leads a session and a group of its own.
    gate : socket
        The way to it, until it has begun.
    told : int
        Descriptor of a pipe from which its exit code will come, as `subprocess` has it; it ends without one when the server has died.
    """

    def __init__(self, pid: int, gate: socket.socket, told: int) -> None:
        self.pid = pid
        self._gate = gate
        self._told = told
        self._returncode: int | None = None
        self._death = os.pidfd_open(pid)

    def begin(self, command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log: int) -> None:
        """Let it become a kernel.

        Parameters
        ----------
        command : sequence of str
            The command line that an ordinary kernel would have; of `python -c PROGRAM ARGUMENTS` the arguments count.
        environment : mapping of str to str
            Its whole environment.
        cwd : Path
            Its working folder.
        log : int
            Descriptor of the file that takes what it prints beside its cells.

        Raises
        ------
        Unborn
            It has died, or does not answer.
        """
        order = {
            "command": list(command),
            "arguments": list(command[command.index("-c") + 2 :]),
            "environment": _as_by_a_shell(environment, cwd),
            "cwd": str(cwd),
            "umask": _umask(),
        }
        text = json.dumps(order).encode()
        self._gate.settimeout(_ANSWER_SECONDS)
        try:
            socket.send_fds(self._gate, [struct.pack("I", len(text))], [log])
            self._gate.sendall(text)
            answer = self._gate.recv(2)
        except OSError as error:
            raise Unborn(str(error)) from error
        finally:
            self._gate.close()
        if answer != b"ok":
            msg = "it ended before it was a kernel"
            raise Unborn(msg)

    def poll(self) -> int | None:
        """Return its exit code, as `subprocess` has it; None while it lives."""
        if self._returncode is None and _readable(self._death, 0):
            self._bury()
        return self._returncode

    def wait(self) -> int:
        """Wait for its end; return its exit code."""
        if self._returncode is None:
            _readable(self._death, None)
            self._bury()
        assert self._returncode is not None  # noqa: S101 - just buried
        return self._returncode

    def _bury(self) -> None:
        answer = os.read(self._told, _LENGTH) if _readable(self._told, _ANSWER_SECONDS) else b""
        # A server that has died took its kernels with it.
        self._returncode = struct.unpack("i", answer)[0] if len(answer) == _LENGTH else _KILLED
        os.close(self._told)
        os.close(self._death)
        self._gate.close()

    def discard(self) -> None:
        """End it: it has not become a kernel, and will not."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def _readable(descriptor: int, seconds: float | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def _as_by_a_shell(environment: Mapping[str, str], cwd: Path) -> dict[str, str]:
    """Return the environment as the shell hands it on that starts an ordinary kernel: PWD is the folder that the process is in."""
    variables = dict(environment)
    if "PWD" in variables:
        with contextlib.suppress(OSError):
            logical = Path(variables["PWD"])
            if not (logical.is_absolute() and logical.samefile(cwd)):
                variables["PWD"] = os.path.realpath(cwd)
    return variables


def _umask() -> int:
    """Return which permissions this process withholds: to ask the system for it would be to change it."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o022
