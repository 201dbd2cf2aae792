"""One server that kernels are forked from: a process that runs the nursery in the interpreter of an environment."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbproj.execution.forked import ForkedProcess, Unborn
from nbproj.execution.process import GATE, Guard
from nbproj.processes import end_group

__all__ = ["LibraryRefusedError", "NurseryKind", "NurseryServer"]

_BOOT: Final = (
    "import sys; p = sys.argv.pop(1); g = {'__name__': 'nbproj_nursery'}; exec(compile(open(p, encoding='utf-8').read(), p, 'exec'), g); "
    "g['main'](); del g, p; import runpy; runpy.run_module('ipykernel_launcher', run_name='__main__', alter_sys=True)"
)
_MODULE: Final = re.compile(r"(\.py|\.pyc|\.so|\.[^.]*\.so)$")
_START_SECONDS: Final = 60.0
_TAKE_SECONDS: Final = 10.0
_GREETING: Final = 1 << 16


class LibraryRefusedError(Exception):
    """A server does not fork with a library."""

    def __init__(self, library: str, reason: str) -> None:
        super().__init__(reason)
        self.library = library


@dataclass(frozen=True, slots=True)
class NurseryKind:
    """What a server is for.

    Parameters
    ----------
    python : tuple of str
        The interpreter and its options.
    libraries : tuple of str
        What it imports beside ipykernel.
    """

    python: tuple[str, ...]
    libraries: tuple[str, ...]


class NurseryServer:
    """One nursery, ready to be asked.

    Parameters
    ----------
    kind : NurseryKind
        What it is for.
    variables : mapping of str to str
        Its whole environment, and so that of what it forks.
    guard : Guard
        Ends it when this process dies.
    spares : int
        How many processes it keeps ready.

    Raises
    ------
    Unborn
        It does not come up.
    LibraryRefusedError
        One of the libraries makes forking unsound.
    """

    def __init__(self, kind: NurseryKind, variables: Mapping[str, str], guard: Guard, spares: int) -> None:
        self.variables = dict(variables)
        self._guard = guard
        self._asking = threading.Lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        nursery = str(Path(__file__).with_name("nursery.py"))
        command = [*kind.python, "-c", _BOOT, nursery, str(theirs.fileno()), str(spares), *kind.libraries]
        with tempfile.TemporaryFile() as log, theirs:
            self._process = subprocess.Popen(  # noqa: S603 - the environment's interpreter, which runs the notebook anyway
                [*GATE, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self.variables,
                cwd="/",
                start_new_session=True,
                bufsize=0,
                pass_fds=[theirs.fileno()],
            )
            theirs.close()
            try:
                guard.watch(self._process.pid)
                assert self._process.stdin is not None  # noqa: S101 - by construction
                with self._process.stdin as gate:
                    gate.write(b"go\n")
                greeting = self._greeting(log.fileno())
            except BaseException:
                self.close()
                raise
        self.libraries: list[str] = greeting["libraries"]
        self._hidden = frozenset(greeting["more"])
        self._folders: list[str] = greeting["path"]
        self._seen = self._state()

    def _greeting(self, log: int) -> dict[str, Any]:
        self._socket.settimeout(_START_SECONDS)
        try:
            text = self._socket.recv(_GREETING)
        except OSError as error:
            raise Unborn(str(error)) from error
        if not text:
            words = os.pread(log, 1 << 16, 0).decode("utf-8", "replace").strip().splitlines()
            raise Unborn(words[-1].strip() if words else "it ended at once")
        greeting: dict[str, Any] = json.loads(text)
        if "refused" in greeting:
            raise LibraryRefusedError(greeting["refused"], greeting["reason"])
        return greeting

    def _state(self) -> list[int]:
        """Return what changes when a package is installed or removed in the environment."""
        return [_changed(folder) for folder in self._folders]

    def is_stale(self) -> bool:
        """Return whether its environment is not what it was when the server began."""
        return self._state() != self._seen

    def hides(self, cwd: Path) -> bool:
        """Return whether a folder has modules of its own in the place of some that the server has imported already."""
        try:
            return any(_MODULE.sub("", name) in self._hidden for name in os.listdir(cwd))
        except OSError:
            return True

    def take(self) -> ForkedProcess:
        """Return a process that waits to become a kernel.

        Raises
        ------
        Unborn
            The server is dead, or does not answer.
        """
        with self._asking:
            self._socket.settimeout(_TAKE_SECONDS)
            try:
                self._socket.send(b"take")
                text, handles, _flags, _address = socket.recv_fds(self._socket, 4096, 2)
            except OSError as error:
                raise Unborn(str(error)) from error
        if not text:
            msg = "it has died"
            raise Unborn(msg)
        answer: dict[str, Any] = json.loads(text)
        if "pid" not in answer:
            raise Unborn(answer["reason"])
        gate, told = handles
        return ForkedProcess(int(answer["pid"]), socket.socket(fileno=gate), told)

    def close(self) -> None:
        """End it and whatever it has forked."""
        self._socket.close()
        end_group(self._process.pid, grace=0)
        self._process.wait()
        self._guard.release(self._process.pid)


def _changed(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0
