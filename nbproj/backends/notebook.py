"""The execution of a run's notebook, wherever its kernel is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nbproj.backends.backend import RunRequest, Workplace

if TYPE_CHECKING:
    from nbproj.execution.forkserver import KernelServers
    from nbproj.execution.kernels import Kernel
    from nbproj.execution.notebook import NotebookExecution

__all__ = ["notebook_execution"]


def notebook_execution(
    request: RunRequest, workplace: Workplace, kernel: Kernel, *, values: Mapping[str, object], cwd: Path, environment: Mapping[str, str]
) -> NotebookExecution:
    """Return what executes a run's notebook.

    Parameters
    ----------
    request : RunRequest
        Whose entry point is a notebook.
    workplace : Workplace
        What the run is given.
    kernel : Kernel
        What it runs in.
    values : mapping of str to object
        Its parameters, as the kernel has to know them.
    cwd : Path
        Where the kernel's process starts.
    environment : mapping of str to str
        That process's whole environment.
    """
    from nbproj.execution.notebook import NotebookExecution, NotebookTask

    source = request.project.root / str(request.entry_point.notebook)
    task = NotebookTask(
        source=source,
        output=workplace.folder / f"{source.stem}.ipynb",
        values={**values, **_unset(request)},
        secrets={one.name: one.variable for one in request.entry_point.parameters if one.secret and one.variable in request.resolved.secrets},
        kernel=kernel,
        cwd=cwd,
        environment=environment,
        entry_point=request.entry_point.cells,
        timeout=request.timeout,
        allow_errors=request.allow_errors,
    )
    return NotebookExecution(
        task,
        log=workplace.log,
        mask=workplace.stream_mask(),
        text_mask=workplace.mask,
        guard=workplace.guard,
        started=workplace.started,
        results=workplace.results,
        servers=_servers(request),
    )


def _servers(request: RunRequest) -> KernelServers | None:
    """Return what forks the kernels of a batch; None for a run by itself."""
    if request.shared is None:
        return None
    from nbproj.execution.forkserver import KernelServers
    from nbproj.execution.process import Guard

    return request.shared.once(KernelServers.NAME, lambda stack: stack.enter_context(KernelServers(stack.enter_context(Guard()))))


def _unset(request: RunRequest) -> dict[str, None]:
    """Return the optional secrets that nobody has given: None, unless the notebook makes their value itself."""
    secrets = [one for one in request.entry_point.parameters if one.secret and one.default_text is None]
    return {one.name: None for one in secrets if one.variable not in request.resolved.secrets}
