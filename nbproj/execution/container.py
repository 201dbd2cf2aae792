"""A container as something that this host's processes stand for: the order to its attendant, the kernel in it, how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbproj.execution.attendant import INSIDE
from nbproj.execution.connection import CHANNELS
from nbproj.execution.execution import Outcome
from nbproj.execution.kernels import Kernel, interpreter_kernel
from nbproj.execution.process import ended_with
from nbproj.paths import write_atomically
from nbproj.processes import grace_seconds

__all__ = ["ContainerKernel", "ContainerOrder", "kernel_command", "port_words", "shell_command"]

_SHELL: Final = 'exec 2>&1; if command -v bash >/dev/null 2>&1; then exec bash -c "$1"; fi; exec sh -c "$1"'
"""Both streams are one, as on this host: the engine would keep each in order, and not one beside the other."""
_PYTHON: Final = 'p=$(command -v python || command -v python3) || { echo "no python on the PATH of the image"; exit 127; }; exec "$p" "$@"'
_ROOM_SECONDS: Final = 1.5
"""What the attendant needs of the time between TERM and KILL for itself: to kill and remove what did not end."""
_NOT_STARTED: Final = 125


def shell_command(command: str) -> list[str]:
    """Return the words that run a shell command in a container: by bash, as on this host, where the image has it.

    Examples
    --------
    >>> shell_command("python train.py")[-1]
    'python train.py'
    """
    return ["/bin/sh", "-c", _SHELL, "sh", command]


def kernel_command(connection_file: Path) -> list[str]:
    """Return the words that start a kernel in a container, with the first Python on its PATH; its attendant tells it where to listen."""
    return ["/bin/sh", "-c", _PYTHON, "sh", *interpreter_kernel("/python").command(connection_file.with_name("inside.json"))[1:]]


def port_words() -> list[str]:
    """Return the arguments of `docker run` that publish the ports of a kernel."""
    return [word for number in range(1, len(CHANNELS) + 1) for word in ("--publish", f"127.0.0.1::{INSIDE + number}/tcp")]


@dataclass(frozen=True, slots=True)
class ContainerOrder:
    """What an attendant is told.

    Parameters
    ----------
    address, version : str
        The engine, and the version of its language.
    container : str
        Id of the container, created and not started.
    folder : Path
        The run's private folder.
    kernel : Path, optional
        The connection file of the kernel in it.
    ports : bool
        Sockets do not carry across the mount: the kernel listens on ports, which are published, and the attendant leads the sockets there.
    shared : bool
        It runs as another user than this one.
    """

    address: str
    version: str
    container: str
    folder: Path
    kernel: Path | None = None
    ports: bool = False
    shared: bool = False

    def command(self, *, tell: bool = False) -> list[str]:
        """Write the order; return the command that carries it out.

        Parameters
        ----------
        tell : bool
            It prints why the container cannot be started, for who reads the output only.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        file = self.folder / "container.json"
        order = {
            "address": self.address,
            "version": self.version,
            "container": self.container,
            "outcome": str(self._outcome),
            "tell": tell,
            "kernel": str(self.kernel or ""),
            "ports": self.ports,
            "shared": self.shared,
            "grace": max(grace_seconds() - _ROOM_SECONDS, 0.1),
        }
        write_atomically(file, json.dumps(order), mode=0o600)
        return [sys.executable, "-I", str(Path(__file__).with_name("attendant.py")), str(file)]

    @property
    def _outcome(self) -> Path:
        return self.folder / "container-outcome.json"

    def judge(self, code: int) -> Outcome:
        """Return how the program in the container ended, of which `code` is what its attendant said."""
        told: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            told = json.loads(self._outcome.read_text(encoding="utf-8"))
        if told.get("error") and told.get("exit_code") == _NOT_STARTED:
            what = "the container was lost" if told.get("gone") else "the container could not be started"
            return Outcome(121, f"{what}: {told['error']}")
        if told.get("out_of_memory"):
            limit = int(told.get("memory") or 0)
            return Outcome(code, f"{ended_with(code)}: out of memory" + (f" (the container may use {limit / 2**20:.0f} MiB)" if limit else ""))
        return Outcome(code, ended_with(code))


@dataclass(frozen=True, slots=True)
class ContainerKernel(Kernel):
    """A kernel in a container: this host starts its attendant, and speaks to it over sockets in a folder that both see."""

    @property
    def is_ipykernel(self) -> bool:
        """It is what `kernel_command` starts."""
        return True

    @property
    def knows_sockets(self) -> bool:
        """It does, and knows nothing else."""
        return True

    def command(self, connection_file: Path) -> list[str]:  # noqa: ARG002 - the container was created with it
        """Return the attendant's command."""
        return list(self.argv)

    @classmethod
    def of(cls, order: ContainerOrder) -> ContainerKernel:
        """Return the kernel of a container that was created with `kernel_command`."""
        return cls("python3", tuple(order.command(tell=True)), interrupt_mode="message")


def own_environment() -> dict[str, str]:
    """Return the environment of an attendant: this process's, without what steers a Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
