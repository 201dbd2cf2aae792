"""The program on a cluster: the same preparation and execution as on any machine, its record on the tracking server.

How it ended stands in a tag of the run, where whoever follows the job reads it: the service itself knows failures, and no exit codes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nbproj.progress import Event

__all__ = ["END_TAG", "carry"]

END_TAG: Final = "nbproj.databricks.end"
_LONGEST: Final = 1000


def carry(task: Mapping[str, Any], root: str) -> str:
    """Carry the entry point that a task names; return why it failed, or an empty text.

    Parameters
    ----------
    task : mapping
        As `task.job_request` writes it.
    root : str
        The project's folder here.
    """
    from nbproj.errors import NbprojError
    from nbproj.tracking.mlflow_store import open_store

    _log_in()
    with tempfile.TemporaryDirectory(prefix="nbproj-") as folder:
        os.environ.setdefault("NBPROJ_STATE_DIR", f"{folder}/state")
        run_id = os.environ["MLFLOW_RUN_ID"]
        store = open_store(os.environ["MLFLOW_TRACKING_URI"])
        try:
            end = _carry(task, Path(root), Path(folder), store, run_id)
        except NbprojError as error:
            end = {"exit_code": error.exit_code, "reason": str(error)}
        store.set_tags(run_id, {END_TAG: json.dumps(end)})
    return f"exit code {end['exit_code']}: {end['reason'] or 'the program failed'}" if end["exit_code"] else ""


def _log_in() -> None:
    """Give the programs that are started the login that the cluster has here, where the record is Databricks' own."""
    if os.environ["MLFLOW_TRACKING_URI"].partition(":")[0] != "databricks" or "DATABRICKS_TOKEN" in os.environ:
        return
    from mlflow.exceptions import MlflowException
    from mlflow.utils.databricks_utils import get_databricks_env_vars

    with contextlib.suppress(MlflowException):
        os.environ.update({name: str(value) for name, value in get_databricks_env_vars("databricks").items()})


def _carry(task: Mapping[str, Any], root: Path, folder: Path, store: Any, run_id: str) -> dict[str, Any]:  # noqa: ANN401 - imported late
    from nbproj.backends.backend import RunRequest
    from nbproj.backends.command import command_of
    from nbproj.backends.harvest import collect
    from nbproj.backends.inside import carry_inside
    from nbproj.backends.recorder import Recorder
    from nbproj.environments.registry import require
    from nbproj.project.directory import find_entry_point, load_project
    from nbproj.project.model import EnvironmentSpec
    from nbproj.project.parameters import resolve_all
    from nbproj.sources.source import Checkout
    from nbproj.tracking.redact import Redactor

    project = load_project(root, notebook=task.get("notebook"))
    entry_point = find_entry_point(project, task["entry_point"], as_notebook=bool(task.get("as_notebook")))
    resolved = resolve_all(entry_point, task["parameters"], base=root, root=root)
    described = task["environment"]
    environment = EnvironmentSpec(described["kind"], described["file"], python=described["python"], dependencies=tuple(described["dependencies"]))
    require(environment, root)
    record = store.get_run(run_id)
    redactor = Redactor.from_environment(os.environ, resolved.secrets.values())
    request = RunRequest(
        checkout=Checkout(root, str(task["name"])),
        project=project,
        entry_point=entry_point,
        resolved=resolved,
        environment=environment,
        store=store,
        experiment_id=record.experiment_id,
        tags=record.tags,
        command=command_of(entry_point, resolved),
        html=bool(task.get("html")),
        allow_errors=bool(task.get("allow_errors")),
        sole=True,
    )
    (folder / "out").mkdir()
    results = folder / "results.jsonl"
    recorder = Recorder(store, run_id, file=results, mask=redactor.text, params=record.params)
    variables = {**os.environ, **resolved.secrets, "NBPROJ_OUTPUT_DIR": str(folder / "out"), "NBPROJ_RESULTS_FILE": str(results)}
    try:
        execution, outcome = carry_inside(request, folder=folder, variables=variables, redactor=redactor, results=recorder.take, tell=_tell)
    finally:
        recorder.finish()
    collect(request, run_id, folder, execution, redactor)
    return {"exit_code": outcome.exit_code, "reason": redactor.text(outcome.reason)[:_LONGEST], "cell": outcome.cell}


def _tell(event: Event) -> None:
    if event.step == "output":
        sys.stdout.write(event.text)
        sys.stdout.flush()
