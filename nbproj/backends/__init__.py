"""Who runs an entry point: found by name, given a request, handing back a run.

The names here are the protocol for backends of other packages (docs/backends.md); each is looked up when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbproj.backends.backend import Backend, Rejoined, Rejoining, RunRequest, Workplace
    from nbproj.backends.jobs import JobExecution, JobQueue, RejoinedJob
    from nbproj.backends.program import Program
    from nbproj.errors import BackendError, NbprojError
    from nbproj.execution.execution import Execution, Outcome
    from nbproj.progress import Event
    from nbproj.project.model import EntryPoint, EnvironmentSpec

_ROOMS = {
    "Backend": "nbproj.backends.backend",
    "BackendError": "nbproj.errors",
    "EntryPoint": "nbproj.project.model",
    "EnvironmentSpec": "nbproj.project.model",
    "Event": "nbproj.progress",
    "Execution": "nbproj.execution.execution",
    "JobExecution": "nbproj.backends.jobs",
    "JobQueue": "nbproj.backends.jobs",
    "NbprojError": "nbproj.errors",
    "Outcome": "nbproj.execution.execution",
    "Program": "nbproj.backends.program",
    "Rejoined": "nbproj.backends.backend",
    "RejoinedJob": "nbproj.backends.jobs",
    "Rejoining": "nbproj.backends.backend",
    "RunRequest": "nbproj.backends.backend",
    "Workplace": "nbproj.backends.backend",
}

__all__ = [
    "Backend",
    "BackendError",
    "EntryPoint",
    "EnvironmentSpec",
    "Event",
    "Execution",
    "JobExecution",
    "JobQueue",
    "NbprojError",
    "Outcome",
    "Program",
    "Rejoined",
    "RejoinedJob",
    "Rejoining",
    "RunRequest",
    "Workplace",
]


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
