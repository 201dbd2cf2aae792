"""Kernels that are forked instead of started: the servers of a batch, one for each interpreter and what it has imported before.

What makes it sound is said in docs/kernels.md. Whatever is not so, or fails, is answered by None, and the run's kernel is started like any other.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from nbproj.execution.forked import ForkedProcess, Unborn
from nbproj.execution.kernels import Kernel
from nbproj.execution.nurseryserver import LibraryRefusedError, NurseryKind, NurseryServer
from nbproj.execution.process import Guard

__all__ = ["KERNEL_STARTS", "KernelServers", "KernelStart"]

KernelStart = Literal["auto", "fork", "spawn"]
KERNEL_STARTS: Final[tuple[KernelStart, ...]] = ("auto", "fork", "spawn")
"""How kernels come into being: forked where it is sound and pays, forked where it is sound, or each started by itself."""

_OWN: Final = ("MLFLOW_", "NBPROJ_")
"""Variables that differ from run to run. Nothing that is imported before the fork looks at them."""
_IMPORTED: Final = re.compile(r"^\s*(?:import|from)\s([^#\n]*)", re.MULTILINE)
_LIBRARIES: Final[Mapping[str, tuple[str, ...]]] = {"numpy": ("numpy",), "pandas": ("numpy", "pandas")}
_MOST_DEATHS: Final = 3
_MOST_SPARES: Final = 4


@dataclass(slots=True)
class _Slot:
    """The place of one server, made when it is asked for the first time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    server: NurseryServer | None = None
    deaths: int = 0


class KernelServers:
    """The servers from which the runs of a batch get their kernels; a context manager, used by all its threads.

    The batch opens one and hands it to its runs, in `RunRequest.shared` under the name `KernelServers.NAME`:

        with Guard() as guard, Shared() as shared:
            shared.once(KernelServers.NAME, lambda stack: stack.enter_context(KernelServers(guard, start, runs=len(points), workers=workers)))

    Nothing is started until the first run asks. Servers end with the block; they, and all kernels, end with this process, by the guard, which has to
    live as long as they do (one guard serves all runs of the batch).

    Parameters
    ----------
    guard : Guard
        Told of every server.
    start : str
        One of `KERNEL_STARTS`. `auto` forks for two runs or more, on Linux.
    runs : int
        How many runs there will be.
    workers : int
        How many at a time.
    """

    NAME: Final = "kernel servers"

    def __init__(self, guard: Guard, start: KernelStart = "auto", *, runs: int = 2, workers: int = 1) -> None:
        self.forks = sys.platform == "linux" and hasattr(os, "pidfd_open") and (start == "fork" or (start == "auto" and runs > 1))
        self._guard = guard
        self._spares = max(1, min(workers, runs, _MOST_SPARES))
        self._lock = threading.Lock()
        self._slots: dict[NurseryKind, _Slot] = {}
        self._without: set[str] = set()
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the servers; kernels are started one by one from now on. May be called twice."""
        self.forks = False
        for slot in self._slots.values():
            with slot.lock:
                if slot.server is not None:
                    slot.server.close()
                    slot.server = None

    def take(
        self,
        kernel: Kernel,
        *,
        environment: Mapping[str, str],
        own: Collection[str] = (),
        cwd: Path,
        sources: Iterable[str],
        note: Callable[[str], object],
    ) -> ForkedProcess | None:
        """Return a process that waits to become the kernel; None when this one has to be started by itself.

        Parameters
        ----------
        kernel : Kernel
            What is wanted.
        environment : mapping of str to str
            The whole environment that it will have.
        own : collection of str
            Variables in it that belong to this run: its secrets.
        cwd : Path
            Its working folder.
        sources : iterable of str
            The cells that will run: what they import decides what the server has imported already.
        note : callable
            Told, once for each reason, why kernels are not forked.
        """
        python = _python(kernel) if self.forks else None
        if python is None:
            return None
        variables = {name: value for name, value in environment.items() if not name.startswith(_OWN) and name not in own}
        wanted = _libraries(sources)
        while True:
            kind = NurseryKind(python, tuple(name for name in wanted if name not in self._without))
            with self._lock:
                slot = self._slots.setdefault(kind, _Slot())
            try:
                with slot.lock:
                    return self._taken(slot, kind, variables, cwd)
            except LibraryRefusedError as refused:
                self._say(
                    note, f"kernels are forked without {refused.library}: {refused}" if refused.library else f"kernels are not forked: {refused}"
                )
                if not refused.library:
                    slot.deaths = _MOST_DEATHS
                    return None
                self._without |= {refused.library} | {name for name, needs in _LIBRARIES.items() if refused.library in needs}
            except (Unborn, OSError) as error:
                slot.deaths += 1
                self._say(note, f"kernels are started one by one: the server that forks them failed ({error})")
                return None

    def _taken(self, slot: _Slot, kind: NurseryKind, variables: Mapping[str, str], cwd: Path) -> ForkedProcess | None:
        if slot.server is not None and slot.server.is_stale():
            slot.server.close()
            slot.server = None
        if slot.server is None:
            if slot.deaths >= _MOST_DEATHS or not self.forks:
                return None
            slot.server = NurseryServer(kind, variables, self._guard, self._spares)
        server = slot.server
        if server.variables != variables or server.hides(cwd):
            return None
        try:
            return server.take()
        except Unborn:
            server.close()
            slot.server = None
            raise

    def _say(self, note: Callable[[str], object], text: str) -> None:
        with self._lock:
            new = text not in self._told
            self._told.add(text)
        if new:
            note(text)


def _python(kernel: Kernel) -> tuple[str, ...] | None:
    """Return the interpreter of a kernel with its options; None for a kernel that is not plainly ipykernel's."""
    words = kernel.command(Path("connection"))
    if type(kernel) is not Kernel or not kernel.is_ipykernel or kernel.language != "python" or "-c" not in words or "/" not in words[0]:
        return None
    return tuple(words[: words.index("-c")])


def _libraries(sources: Iterable[str]) -> tuple[str, ...]:
    """Return which libraries of the list cells import.

    Examples
    --------
    >>> _libraries(["import os, pandas as pd"]), _libraries(["from numpy import linalg"]), _libraries(["print('numpy')"])
    (('numpy', 'pandas'), ('numpy',), ())
    """
    words = {word for source in sources for line in _IMPORTED.findall(source) for word in re.findall(r"\w+", line)}
    return tuple(sorted({needed for name, needs in _LIBRARIES.items() if name in words for needed in needs}))
