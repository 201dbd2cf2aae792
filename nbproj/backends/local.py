"""The local backend: the entry point runs on this host, as a process that the driver follows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nbproj.backends.backend import RunRequest, Workplace
from nbproj.backends.notebook import notebook_execution
from nbproj.backends.passage import open_passage, wish_of
from nbproj.environments.environment import Environment
from nbproj.environments.registry import provider, require
from nbproj.execution.execution import Execution
from nbproj.paths import writing
from nbproj.progress import Event
from nbproj.project.model import EntryPoint, EnvironmentSpec

__all__ = ["LocalBackend"]


class LocalBackend:
    """Runs commands, scripts and notebooks on this host."""

    name = "local"

    def check(self, entry_point: EntryPoint, environment: EnvironmentSpec, config: Mapping[str, object]) -> None:
        """Refuse environments that cannot be prepared here, a configuration with other words, and commands where there is no bash."""
        require(environment)
        wish_of(config)
        if entry_point.notebook is None and environment.kind == "system":
            from nbproj.execution.script import find_bash

            find_bash(os.environ)

    def check_store(self, uri: str) -> None:
        """Refuse nothing: whatever this machine reaches, its programs reach, some through a gateway."""

    def prepare(self, request: RunRequest, run_id: str) -> None:
        """Make what the runs of a batch have in common, before the first of them starts.

        Parameters
        ----------
        request : RunRequest
            The request of any of them; what is made is kept in its `shared`.
        run_id : str
            The run that stands for the batch.
        """
        if request.environment.kind != "docker":
            _prepared(request, run_id)

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        """Prepare the environment and return what starts the entry point in it.

        Commands and scripts run at the project's root, as MLflow runs them; notebooks in their own folder, as JupyterLab does.
        """
        if request.environment.kind == "docker":
            from nbproj.backends.docker.submission import submit_to_docker

            return submit_to_docker(request, workplace)
        request.progress(Event("preparing", f"preparing the {request.environment.kind} environment"))
        environment = _prepared(request, workplace.variables.get("MLFLOW_RUN_ID"))
        description = workplace.folder / "environment.txt"
        with writing(description):
            description.write_text(environment.description, encoding="utf-8", errors="surrogateescape")
        request.progress(Event("prepared", data={"environment": environment.kind, "fingerprint": environment.fingerprint}))
        variables = {**environment.variables, **workplace.variables}
        variables.pop("MLFLOW_EXPERIMENT_NAME", None)  # the experiment is given by its id; both together are refused by mlflow
        if request.command is not None:
            variables = open_passage(request, workplace, variables, environment.python)
            from nbproj.execution.script import ScriptExecution

            return ScriptExecution(
                request.command,
                environment=variables,
                cwd=request.project.root,
                log=workplace.log,
                mask=workplace.stream_mask(),
                guard=workplace.guard,
                started=workplace.started,
            )
        from nbproj.execution.kernels import interpreter_kernel, named_kernel

        source = request.project.root / str(request.entry_point.notebook)
        kernel = interpreter_kernel(str(environment.python)) if request.kernel is None else named_kernel(request.kernel, source.name)
        program = kernel.command(workplace.folder)[0]  # the kernel's own interpreter counts, where it names one
        python = program if Path(program).is_absolute() else environment.python
        variables = open_passage(request, workplace, variables, python)
        values = {**request.resolved.values, **request.resolved.extra}
        return notebook_execution(request, workplace, kernel, values=values, cwd=source.parent, environment=variables)


def _prepared(request: RunRequest, run_id: str | None) -> Environment:
    """Return the environment of a run; the runs of a batch have one, which is looked at once."""

    def prepare(_stack: object = None) -> Environment:
        wants_kernel = request.command is None and request.kernel is None
        return provider(request.environment).prepare(request.environment, request.project.root, request.progress, kernel=wants_kernel, run_id=run_id)

    return prepare() if request.shared is None else request.shared.once("environment", prepare)
