"""A backend of MLflow as one of ours: it is hosted by a process of its own, which ends it, masks what it prints and knows how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nbproj.backends.backend import RunRequest, Workplace
from nbproj.backends.mlflow.host import ORDER, WORD
from nbproj.environments.registry import provider
from nbproj.errors import BackendError
from nbproj.execution.execution import Execution, Outcome
from nbproj.execution.process import ended_with
from nbproj.paths import writing
from nbproj.project.conversion import text_of
from nbproj.project.model import EntryPoint, EnvironmentSpec

__all__ = ["MlflowBackend"]

_PACKAGE: Final = str(Path(__file__).parent.parent.parent.parent)
_START: Final = "import sys; sys.path.append(sys.argv.pop(1)); from nbproj.backends.mlflow.host import main; sys.exit(main())"
_NOT_ITS: Final = ("MLFLOW_EXPERIMENT_NAME", "NBPROJ_NOTEBOOK")


class MlflowBackend:
    """Runs entry points by a plug-in of the group `mlflow.project_backend`.

    Parameters
    ----------
    name : str
        The plug-in's name.
    package : str
        The package that brings it, and its version.
    """

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self._package = package

    def check(self, entry_point: EntryPoint, environment: EnvironmentSpec, config: Mapping[str, object]) -> None:  # noqa: ARG002 - the contract of all backends
        """Refuse what MLflow's plug-ins have no word for: notebooks, secrets, flags.

        Raises
        ------
        BackendError
            With what to do.
        """
        who = f"backend {self.name!r} ({self._package}) was written for mlflow run, which"
        if entry_point.notebook is not None:
            msg = f"{who} knows no notebooks. `nbproj export` writes a project that it runs"
            raise BackendError(msg, place=entry_point.declared)
        for parameter in entry_point.parameters:
            if parameter.secret:
                msg = f"{who} would show parameter {parameter.name}, a secret, in its command line: give it to the program by a variable of your own"
                raise BackendError(msg, place=parameter.declared)
            if parameter.flag is not None:
                msg = f"{who} knows no flags: write parameter {parameter.name} as a value"
                raise BackendError(msg, place=parameter.declared)

    def check_store(self, uri: str) -> None:
        """Refuse nothing: which stores its programs reach is the plug-in's matter."""

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        """Return what starts the process that hosts the plug-in."""
        from nbproj.execution.script import ScriptExecution

        values = {name: value for name, value in request.resolved.values.items() if value is not None}
        order = {
            "name": self.name,
            "package": self._package,
            "project_uri": str(request.project.root),
            "entry_point": request.entry_point.name,
            "params": {**{name: text_of(value) for name, value in values.items()}, **request.resolved.extra},
            "backend_config": {**request.config, **_words(request)},
            "tracking_uri": request.store.uri,
            "experiment_id": request.experiment_id,
            "run_id": workplace.variables["MLFLOW_RUN_ID"],
        }
        path = workplace.folder / ORDER
        with writing(path), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(order, file)
        around: Mapping[str, str] = os.environ
        if request.environment.kind == "system":  # `python` means the same as by any other backend
            around = provider(request.environment).prepare(request.environment, request.project.root, request.progress).variables
        environment = {name: value for name, value in {**around, **workplace.variables}.items() if name not in _NOT_ITS}
        return ScriptExecution(
            [sys.executable, "-P", "-c", _START, _PACKAGE, str(workplace.folder)],
            environment=environment,
            cwd=request.project.root,
            log=workplace.log,
            mask=workplace.stream_mask(),
            guard=workplace.guard,
            started=workplace.started,
            judge=lambda code: _judged(workplace.folder, code),
        )


def _words(request: RunRequest) -> dict[str, object]:
    """Return what `mlflow run` adds to the configuration of its backends."""
    manager = request.env_manager or ("local" if request.environment.kind == "system" else None)
    docker = request.docker
    return {
        "ENV_MANAGER": manager,
        "SYNCHRONOUS": False,
        "DOCKER_ARGS": dict(docker.arguments),
        "STORAGE_DIR": None,
        "build_image": docker.build,
        "docker_auth": dict(docker.auth) if docker.auth is not None else None,
    }


def _judged(folder: Path, code: int) -> Outcome:
    """Return how it ended: what the host has left as its last word, else what the system says."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        word = json.loads((folder / WORD).read_text(encoding="utf-8"))
        return Outcome(int(word["exit_code"]), str(word["reason"]))
    return Outcome(code or 1, ended_with(code) or "the process that hosted the plug-in ended without a word")
