"""The databricks backend: the project goes to the workspace as an archive, and a job on a new cluster runs it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from nbproj.backends.backend import Rejoined, RunRequest, Workplace
from nbproj.backends.databricks.answer import WorkspaceRefusalError
from nbproj.backends.databricks.archive import SUFFIX, packed_nbproj, packed_project, requirements
from nbproj.backends.databricks.execution import DatabricksExecution
from nbproj.backends.databricks.inside import END_TAG
from nbproj.backends.databricks.jobs import JobRun, Sight
from nbproj.backends.databricks.reach import TRACKING, address_there, override_of, refuse_store
from nbproj.backends.databricks.reference import RunReference
from nbproj.backends.databricks.shelf import named, shelf_at
from nbproj.backends.databricks.task import CONFINES, Shipped, job_request, remote_file, spark_file
from nbproj.backends.databricks.wishes import DatabricksWishes
from nbproj.backends.databricks.workspace import Patience, Workspace, profile_of
from nbproj.errors import BackendError, EntryPointError, StoreError
from nbproj.execution.execution import Execution, Outcome
from nbproj.paths import write_atomically, writing
from nbproj.progress import Event
from nbproj.project.model import EntryPoint, EnvironmentSpec
from nbproj.tracking.settlement import JOB_TAG
from nbproj.tracking.store import Store

__all__ = ["REQUEST_FILE", "DatabricksBackend", "follower", "keep_request"]

REQUEST_FILE: Final = "databricks.json"
"""In a run's private folder: the request, which a successor of this process sends again when it cannot know whether it arrived."""
_LOGIN: Final = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD")
_ME: Final = "/api/2.0/preview/scim/v2/Me"


class DatabricksBackend:
    """Runs entry points as jobs, each on a new cluster of its own."""

    name = "databricks"
    confines = CONFINES

    def __init__(self) -> None:
        self._override: str | None = None

    def check(self, entry_point: EntryPoint, environment: EnvironmentSpec, config: Mapping[str, object]) -> None:
        """Refuse projects with an image, and a configuration that specifies no new cluster.

        Raises
        ------
        BackendError
            With what to change.
        """
        if environment.kind == "docker":
            msg = "running a project with a docker_env on Databricks is not supported: give it a python_env or a conda_env"
            raise BackendError(msg, place=environment.declared or entry_point.declared)
        self._override = override_of(DatabricksWishes.of(config))

    def check_store(self, uri: str) -> None:
        """Refuse a store that clusters do not reach, and a workspace that does not know the user.

        Raises
        ------
        BackendError, WorkspaceAwayError, WorkspaceRefusalError
            With what to do.
        """
        refuse_store(uri, self._override)
        workspace = Workspace(profile_of(uri))
        try:
            _user(workspace, patience=20)
        finally:
            workspace.close()

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        """Send the project; return what submits the job and follows it. A run that is continued and whose job still runs is followed."""
        wishes = DatabricksWishes.of(request.config)
        workspace = Workspace(profile_of(request.store.uri))
        workplace.resources.callback(workspace.close)
        for secret in workspace.secrets():
            workplace.hide(secret)
        _refuse_kernel(request)
        run_id = workplace.variables["MLFLOW_RUN_ID"]
        if request.run_id is not None:
            found = RunReference.of_tags(request.store.get_run(run_id).tags)
            if found is not None and found.host == workspace.host and _goes_on(workspace, found):
                request.progress(Event("note", f"run {found.number} on Databricks goes on: it is followed"))
                return follower(workspace, found, None, request.store, run_id, workplace, notebook=_wanted(request))
        request.store.set_tags(run_id, {END_TAG: ""})
        token = f"nbproj-{run_id[:32]}-{uuid.uuid4().hex[:16]}"
        libraries = _libraries(request)
        shipped = _ship(request, wishes, workspace)
        told = {**workplace.variables, TRACKING: address_there(request.store.uri, override_of(wishes))}
        body = job_request(request, wishes, shipped, told, libraries, token=token)
        _tell_of_login(request, wishes)
        with writing(workplace.folder):
            (workplace.folder / "environment.txt").write_text(_described(wishes, libraries), encoding="utf-8")
        keep_request(workplace.folder, body)
        reference = RunReference(workspace.host, workspace.profile, token)
        return follower(workspace, reference, body, request.store, run_id, workplace, notebook=_wanted(request))

    def rejoined(self, job: str, folder: Path) -> Rejoined:
        """Return what follows a run whose driver died."""
        from nbproj.backends.databricks.rejoining import RejoinedRun

        return RejoinedRun(job, folder)


def keep_request(folder: Path, body: Mapping[str, object]) -> None:
    """Keep a request in a run's private folder, should this process die before it is answered.

    Raises
    ------
    RunError
        It cannot be written.
    """
    with writing(folder):
        write_atomically(folder / REQUEST_FILE, json.dumps(body), mode=0o600, lasting=False)


def follower(
    workspace: Workspace,
    reference: RunReference,
    body: Mapping[str, object] | None,
    store: Store,
    run_id: str,
    workplace: Workplace,
    *,
    notebook: str | None = None,
) -> DatabricksExecution:
    """Return what submits a job, or follows one that is there.

    Parameters
    ----------
    workspace : Workspace
        Where it is.
    reference : RunReference
        What names it.
    body : mapping, optional
        The request that makes it.
    store : Store
        Where the run is recorded.
    run_id : str
        The run.
    workplace : Workplace
        Its workplace.
    notebook : str, optional
        The executed notebook, by its path among the run's artifacts, when it is wanted here.
    """

    def made(now: RunReference, sight: Sight | None) -> None:
        workplace.submitted(now.to_json())
        tags = {JOB_TAG: now.to_json()}
        if sight is not None:
            tags |= {
                "mlflow.databricks.runURL": sight.page,
                "mlflow.databricks.shellJobRunID": str(now.number),
                "mlflow.databricks.webappURL": workspace.host,
                **({"mlflow.databricks.shellJobID": str(sight.job)} if sight.job else {}),
            }
        store.set_tags(run_id, tags)

    def ended() -> Outcome | None:
        try:
            told = json.loads(store.get_run(run_id).tags.get(END_TAG) or "null")
            return Outcome(int(told["exit_code"]), str(told["reason"]), cell=told.get("cell")) if told and told["exit_code"] else None
        except (StoreError, ValueError, TypeError, KeyError):
            return None

    def left() -> dict[str, Path]:
        try:
            return {notebook: store.download_artifact(run_id, notebook, workplace.folder)} if notebook is not None else {}
        except (StoreError, OSError):  # there is none: the cluster did not come so far
            return {}

    run = JobRun(workspace, reference.number)
    return DatabricksExecution(run, reference, body, log=workplace.log, mask=workplace.stream_mask(), made=made, ended=ended, left=left)


def _wanted(request: RunRequest) -> str | None:
    """Return the path of the executed notebook among the artifacts, when the caller wants a copy of it."""
    return f"run/{Path(request.entry_point.notebook).stem}.ipynb" if request.output is not None and request.entry_point.notebook else None


def _ship(request: RunRequest, wishes: DatabricksWishes, workspace: Workspace) -> Shipped:
    """Send what the workspace has not yet; return where it lies there."""
    spark = spark_file(request)
    if spark is not None and remote_file(spark[0]):
        return Shipped("", "")
    return _sent(request, wishes, workspace, carried=spark is None)


def _sent(request: RunRequest, wishes: DatabricksWishes, workspace: Workspace, *, carried: bool) -> Shipped:
    """Send the project, which the runs of a batch have in common."""
    if request.shared is not None:
        return request.shared.once("sent to Databricks", lambda _stack: _send(request, wishes, workspace, carried=carried))
    return _send(request, wishes, workspace, carried=carried)


def _send(request: RunRequest, wishes: DatabricksWishes, workspace: Workspace, *, carried: bool) -> Shipped:
    request.progress(Event("preparing", "sending the project to Databricks"))
    user = _user(workspace)
    own, shelf = shelf_at(workspace, None, user), shelf_at(workspace, wishes.folder, user)
    project = packed_project(request.project.root)
    there = shelf.put(named(project, SUFFIX), project)
    package = ""
    if carried:
        data = packed_nbproj()
        package = shelf.put(named(data, SUFFIX), data)
    starter = (Path(__file__).parent / "bootstrap.py").read_bytes()
    return Shipped(own.put(named(starter, ".py"), starter), there, package)


def _libraries(request: RunRequest) -> list[str]:
    """Return what has to be installed on the cluster: the Spark job's own, or what carries any other entry point."""
    job = request.project.spark_job
    if job is None:
        return requirements()
    named_there = job.get("python_libraries")
    return [str(one) for one in named_there] if isinstance(named_there, list) else []


def _described(wishes: DatabricksWishes, libraries: list[str]) -> str:
    lines = [f"# a new cluster on Databricks: {wishes.cluster['spark_version']}", *libraries, *(json.dumps(one) for one in wishes.libraries)]
    return "\n".join(lines) + "\n"


def _user(workspace: Workspace, patience: float = 60.0) -> str:
    told = workspace.ask("GET", _ME, "no job can be submitted", patience=Patience(patience))
    name = str(told.get("userName") or "")
    if not name or "/" in name:
        msg = f"Databricks at {workspace.host} does not say who you are"
        raise WorkspaceRefusalError(msg, 200)
    return name


def _refuse_kernel(request: RunRequest) -> None:
    """Refuse a notebook in another language: the cluster has the kernel of its Python, and none of this machine's."""
    if request.command is not None or request.kernel is None:
        return
    from nbproj.execution.kernels import named_kernel

    language = named_kernel(request.kernel, str(request.entry_point.notebook)).language
    if language != "python":
        msg = f"a notebook runs on Databricks in Python, and {request.entry_point.notebook} is in {language}"
        raise EntryPointError(msg, place=request.entry_point.declared)


def _goes_on(workspace: Workspace, reference: RunReference) -> bool:
    if not reference.number:
        return False
    try:
        return not JobRun(workspace, reference.number).look().is_over
    except WorkspaceRefusalError as error:
        if error.is_absence:
            return False
        raise


def _tell_of_login(request: RunRequest, wishes: DatabricksWishes) -> None:
    """Say that a tracking server asks for a login which the cluster does not have."""
    there = dict(wishes.cluster.get("spark_env_vars") or {})
    missing = next((name for name in _LOGIN if os.environ.get(name) and name not in there), None)
    if missing is not None and urlsplit(request.store.uri).scheme in {"http", "https"}:
        how = f'{{"{missing}": "{{{{secrets/SCOPE/KEY}}}}"}}'
        request.progress(Event("note", f"{missing} is not handed on to the cluster: give it there, in spark_env_vars: {how}"))
