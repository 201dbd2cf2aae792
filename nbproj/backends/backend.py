"""The contract of a backend: who runs an entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from nbproj.execution.execution import Execution, Mask
from nbproj.execution.output import ByteMask
from nbproj.execution.process import Guard
from nbproj.execution.results import Keep
from nbproj.progress import Progress, silent
from nbproj.project.model import EntryPoint, EnvironmentSpec, Project
from nbproj.project.parameters import Resolved
from nbproj.sources.source import Checkout
from nbproj.tracking.store import Store

__all__ = ["Backend", "RunRequest", "Workplace"]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run, checked and resolved: everything that a backend needs to know.

    Parameters
    ----------
    checkout : Checkout
        The project's files.
    project : Project
        What they declare.
    entry_point : EntryPoint
        What runs.
    resolved : Resolved
        Its parameters.
    environment : EnvironmentSpec
        What it runs in.
    command : str, optional
        The shell command; None for a notebook.
    store : Store
        Where the record goes.
    experiment_id : str
        The experiment there.
    tags : mapping of str to str
        All tags but the owner's.
    run_id, run_name : str, optional
        A run to continue; a name for a new one.
    timeout : float, optional
        Seconds until the run is ended and fails.
    kernel : str, optional
        Kernel of a notebook, by name; None for the one of its environment.
    env_manager : str, optional
        How the environment is made, where the caller chose that: runs inside this one take it over.
    output : Path, optional
        Where a copy of the executed notebook goes.
    html : bool
        The executed notebook is wanted as a page of HTML too, also when it succeeds.
    allow_errors : bool
        A notebook runs on after a cell that fails.
    ancestry : str
        For the child's environment: which runs stand above it.
    config : mapping
        The backend's own configuration.
    progress : Progress
        Told of every step.
    sole : bool
        The driver is a process that does nothing else: whoever stops the run may end it.
    """

    checkout: Checkout
    project: Project
    entry_point: EntryPoint
    resolved: Resolved
    environment: EnvironmentSpec
    store: Store
    experiment_id: str
    tags: Mapping[str, str]
    command: str | None = None
    run_id: str | None = None
    run_name: str | None = None
    timeout: float | None = None
    kernel: str | None = None
    env_manager: str | None = None
    output: Path | None = None
    html: bool = False
    allow_errors: bool = False
    ancestry: str = ""
    config: Mapping[str, object] = field(default_factory=dict)
    progress: Progress = silent
    sole: bool = False


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a run is given to work with.

    Parameters
    ----------
    folder : Path
        Private folder of the run; its `out` becomes artifacts, `output.log` keeps the output.
    variables : mapping of str to str
        Environment variables of the run: MLFLOW_RUN_ID and its like, and the secrets.
    guard : Guard
        Ends processes when the driver dies.
    started : callable
        To be called with the process group before a program starts.
    mask, stream_mask : callable
        Masks secrets in a text; makes a mask for a stream.
    hide : callable
        To be called with a secret that the run has only now, before anything is told it: it is masked from then on.
    results : callable
        Takes what a program tells of its results, as it came, from any thread.
    resources : ExitStack
        What lives as long as the run's program; closed after it has ended, before the run is settled.
    """

    folder: Path
    variables: Mapping[str, str] = field(repr=False)
    guard: Guard
    started: Callable[[int], None]
    mask: Mask
    stream_mask: Callable[[], ByteMask]
    hide: Callable[[str], None]
    results: Keep
    resources: ExitStack = field(default_factory=ExitStack)

    @property
    def log(self) -> Path:
        """The file for all output."""
        return self.folder / "output.log"


class Backend(Protocol):
    """Who runs entry points.

    `check` refuses what can be refused before a run exists. `submit` prepares; what it returns is an `Execution` that the driver starts and follows.
    Both raise subclasses of `NbprojError` only.
    """

    name: str

    def check(self, entry_point: EntryPoint, environment: EnvironmentSpec, config: Mapping[str, object]) -> None:
        """Refuse what this backend cannot carry out; nothing is started, no store is open yet."""

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        """Prepare the environment; return what starts the entry point in it."""
