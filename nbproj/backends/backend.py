"""The contract of a backend: who runs an entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from nbproj.backends.shared import Shared
from nbproj.execution.execution import Execution, Mask
from nbproj.execution.output import ByteMask
from nbproj.execution.process import Guard
from nbproj.execution.results import Keep
from nbproj.progress import Progress, silent
from nbproj.project.model import EntryPoint, EnvironmentSpec, Project
from nbproj.project.parameters import Resolved
from nbproj.sources.source import Checkout
from nbproj.tracking.store import Store

__all__ = ["Backend", "Carrier", "DockerOptions", "Rejoined", "Rejoining", "RunRequest", "Workplace"]


@dataclass(frozen=True, slots=True)
class DockerOptions:
    """What the caller asks of Docker, for projects with a `docker_env`.

    Parameters
    ----------
    arguments : mapping of str to object
        Further arguments of `docker run`, by name.
    build : bool
        The project becomes a layer of an image; else its folder is mounted, read-only.
    auth : mapping, optional
        Credentials of the image's registry.
    """

    arguments: Mapping[str, object] = field(default_factory=dict)
    build: bool = True
    auth: Mapping[str, object] | None = field(default=None, repr=False)


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
    docker : DockerOptions
        What the caller asks of Docker.
    progress : Progress
        Told of every step.
    sole : bool
        The driver is a process that does nothing else: whoever stops the run may end it.
    shared : Shared, optional
        What the runs of a batch have in common; None for a run by itself.
    brought : mapping of str to Path
        Where the files are that were fetched for its `path` parameters, by address.
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
    docker: DockerOptions = field(default_factory=DockerOptions)
    progress: Progress = silent
    sole: bool = False
    shared: Shared | None = None
    brought: Mapping[str, Path] = field(default_factory=dict, repr=False)


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
    contained : callable
        To be called with what names a container, before it is created: should this process die, it is found and removed.
    submitted : callable
        To be called with what names a job elsewhere, before it is made and when it was: should this process die, it is found again.
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
    contained: Callable[[str], None]
    submitted: Callable[[str], None]
    mask: Mask
    stream_mask: Callable[[], ByteMask]
    hide: Callable[[str], None]
    results: Keep
    resources: ExitStack = field(default_factory=ExitStack)

    @property
    def log(self) -> Path:
        """The file for all output."""
        return self.folder / "output.log"


class Carrier(Protocol):
    """Who carries one run whose every detail is settled."""

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        """Return what starts the entry point, and follows it; nothing of it runs yet.

        Raises
        ------
        NbprojError
            It cannot be prepared. The run exists already, and fails with this line.
        """


class Backend(Carrier, Protocol):
    """Who runs entry points: found by its name, asked three times for each run.

    All three raise subclasses of `NbprojError` only: one line for the user, with what to do.
    """

    name: str
    """What `-b` is given."""

    def check(self, entry_point: EntryPoint, environment: EnvironmentSpec, config: Mapping[str, object]) -> None:
        """Refuse what can be refused before a run exists: nothing is started, no store is open yet.

        Parameters
        ----------
        entry_point : EntryPoint
            What would run: `command`, `script` or `notebook`, one of them; its parameters.
        environment : EnvironmentSpec
            What it would run in; `kind` is `system`, `uv`, `conda` or `docker`.
        config : mapping
            What `-c` was given. Unknown keys are best refused: a misspelt one is a wish that is not heard.

        Raises
        ------
        NbprojError
            This backend cannot carry it out.
        """

    def check_store(self, uri: str) -> None:
        """Refuse a tracking store that the entry point could not reach; no run exists yet.

        Raises
        ------
        NbprojError
            With what to set.
        """


class Rejoined(Carrier, Protocol):
    """Who carries a run to its end whose job is there, or was about to be made, and whose driver is dead."""

    def look(self) -> None:
        """Refuse while nobody can tell whether the job goes on; that it is gone is an answer, which its execution gives.

        Raises
        ------
        NbprojError
            Who runs the job does not answer. The next command tries again.
        """


@runtime_checkable
class Rejoining(Protocol):
    """A backend whose jobs outlive their driver: whatever it has told `Workplace.submitted` is given back to it."""

    def rejoined(self, job: str, folder: Path) -> Rejoined:
        """Return what follows a job to its end.

        Parameters
        ----------
        job : str
            What was told last.
        folder : Path
            The dead driver's folder of the run; gone when `submit` returns.

        Raises
        ------
        NbprojError, ValueError
            There is no such job.
        """
