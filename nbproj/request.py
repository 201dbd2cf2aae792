"""From what a caller asks for to a request that a backend can carry out: everything that can be checked is checked here, before a run exists."""

from __future__ import annotations

import dataclasses
import getpass
import json
import os
import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbproj.ancestry import active_run, ancestry_key
from nbproj.backends.backend import Backend, DockerOptions, RunRequest
from nbproj.backends.command import command_of
from nbproj.configuration.settings import Settings
from nbproj.continuation import continued
from nbproj.environments.registry import require
from nbproj.errors import EntryPointError, StoreError, UsageError
from nbproj.order import ENV_MANAGERS, Order
from nbproj.progress import Event, Progress, silent
from nbproj.project.directory import find_entry_point, load_project
from nbproj.project.experiment import declared_experiment
from nbproj.project.model import EntryPoint, EnvironmentSpec, Project
from nbproj.project.parameters import Resolved, resolve_all
from nbproj.sources.address import public
from nbproj.sources.source import Checkout
from nbproj.supply import at_hand
from nbproj.tracking.store import Store
from nbproj.version import __version__

__all__ = ["ORDER_TAG", "Order", "environment_of", "resolve_request", "varied"]

ORDER_TAG = "nbproj.order"
_PACKAGES = "run/environment.txt"
_LONGEST_ORDER = 5000  # what every MLflow takes as a tag


def environment_of(project: Project, entry_point: EntryPoint, manager: str | None) -> EnvironmentSpec:
    """Return what an entry point runs in: what the caller asks for, what a notebook or script says that it needs, what the project needs.

    Raises
    ------
    UsageError
        The caller asks for conda, and the project describes no conda environment.
    """
    if entry_point.environment is not None:
        project = dataclasses.replace(project, environment=entry_point.environment)
    if manager is None:
        return project.environment
    kind: Any = ENV_MANAGERS[manager]
    if kind == project.environment.kind:
        return project.environment
    if kind == "conda" and project.environment.kind == "uv":
        msg = f"{project.environment.file} describes a Python environment without conda: choose --env-manager uv or local"
        raise UsageError(msg)
    return dataclasses.replace(project.environment, kind=kind) if kind != "system" else EnvironmentSpec()


def _wanted(order: Order, environment: EnvironmentSpec, project: Project, open_store: Callable[[], Store]) -> EnvironmentSpec:
    """Return what an entry point runs in, once the caller's wishes are known to fit it."""
    if order.docker_args and environment.kind != "docker":
        msg = "-A is for projects with a docker_env, and this one runs without a container: leave it out"
        raise UsageError(msg)
    if order.locked is None:
        return environment
    if environment.kind == "docker":
        msg = "--locked rebuilds the packages of a run, and this project brings an image: name the image by its digest"
        raise UsageError(msg)
    return _recorded(order, environment, project, open_store)


def _recorded(order: Order, environment: EnvironmentSpec, project: Project, open_store: Callable[[], Store]) -> EnvironmentSpec:
    """Return the specification of exactly the environment that an earlier run had."""
    from nbproj.environments.recorded import recorded_spec
    from nbproj.lookup import find_run

    store, record = find_run(str(order.locked), open_store, "the store of this run")
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = store.download_artifact(record.run_id, _PACKAGES, Path(folder))
            description = path.read_text(encoding="utf-8", errors="replace")
        except (StoreError, OSError):  # it has none, as its repository says it in many ways
            description = ""
    return recorded_spec(description, f"run {record.run_id[:8]}", environment, project.root)


def _experiment(order: Order, store: Store, entry_point: EntryPoint, root: Path, otherwise: str | None) -> str:
    """Return the id of the experiment: flag, MLFLOW_EXPERIMENT_*, the program's own `set_experiment`, the configuration's, the default."""
    name, number = order.experiment_name, order.experiment_id
    if name is None and number is None:
        name, number = os.environ.get("MLFLOW_EXPERIMENT_NAME") or None, os.environ.get("MLFLOW_EXPERIMENT_ID") or None
        if name is not None and number is not None:
            same = store.experiment(name=name)
            if same != number:
                msg = f"MLFLOW_EXPERIMENT_NAME ({name}) and MLFLOW_EXPERIMENT_ID ({number}) name two experiments: unset one"
                raise StoreError(msg)
            return same
    if name is None and number is None:
        # A program that sets its experiment fails in a run of another one, so it comes before the configuration.
        name = declared_experiment(entry_point, root) or otherwise
    return store.experiment(name=name, experiment_id=number)


def _tags(
    order: Order, checkout: Checkout, entry_point: EntryPoint, environment: EnvironmentSpec, command: str | None, resolved: Resolved
) -> dict[str, str]:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    tags = {
        "mlflow.user": user,
        "mlflow.source.name": checkout.uri,
        "mlflow.source.type": "PROJECT",
        "mlflow.source.git.commit": checkout.commit,
        "mlflow.source.git.repoURL": checkout.repository,
        "mlflow.source.git.branch": checkout.branch,
        "mlflow.source.git.dirty": ("true" if checkout.dirty else "false") if checkout.commit else None,
        "mlflow.project.entryPoint": entry_point.name,
        "mlflow.project.backend": order.backend,
        "mlflow.project.env": {"uv": "uv", "conda": "conda", "docker": "docker"}.get(environment.kind),
        "mlflow.parentRunId": active_run() if order.run_id is None else None,
        "nbproj.version": __version__,
        "nbproj.environment": environment.kind,
        ORDER_TAG: _kept(order, checkout, resolved),
        "nbproj.command": command if command is not None else f"notebook {shlex.quote(str(entry_point.notebook))}",
    }
    return {**{name: value for name, value in tags.items() if value is not None}, **order.tags}


def _kept(order: Order, checkout: Checkout, resolved: Resolved) -> str | None:
    """Return the order as it is kept with the run; None when it is too long for a tag: what MLflow's own tags say is enough then."""
    text = json.dumps(order.to_record(checkout.uri, resolved.secret_names))
    return text if len(text) <= _LONGEST_ORDER else None


def resolve_request(
    order: Order,
    checkout: Checkout,
    backend: Backend,
    open_store: Callable[[], Store],
    progress: Progress = silent,
    *,
    sole: bool = False,
    chosen: Settings | None = None,
) -> RunRequest:
    """Return a request that can be carried out.

    Parameters
    ----------
    order : Order
        What the caller asks for.
    checkout : Checkout
        The project's files.
    backend : Backend
        Asked whether it can carry this out.
    open_store : callable
        Opens the tracking store; called last, when everything about the project is known to be right.
    progress : Progress
        Told of remarks.
    sole : bool
        This process does nothing but carry the run.
    chosen : Settings, optional
        The user's configuration, for what the program or the notebook may say before it.

    Raises
    ------
    NbprojError
        Whatever is wrong, in one line; no run exists.
    """
    project = load_project(checkout.root, notebook=checkout.notebook)
    for warning in project.warnings:
        progress(Event("note", warning))
    entry_point = find_entry_point(project, order.entry_point, as_notebook=order.as_notebook)
    if order.as_notebook and entry_point.notebook is None:
        msg = f"--as-notebook is for a script or Markdown file that jupytext reads as a notebook, and {entry_point.name!r} is a command"
        raise EntryPointError(msg)
    for warning in entry_point.warnings:
        progress(Event("note", warning))
    resolved = resolve_all(entry_point, order.parameters, base=order.base, root=project.root, bases=order.bases)
    environment = _wanted(order, environment_of(project, entry_point, order.env_manager), project, open_store)
    kernel = None
    if entry_point.notebook is not None:
        from nbproj.execution.destination import check_destination
        from nbproj.execution.kernels import interpreter_kernel, named_kernel
        from nbproj.execution.notebook import check_kernel
        from nbproj.execution.plan import refuse_lost_values, refuse_unwritable_values

        if order.kernel is not None or environment.kind == "system":  # an environment of its own brings its kernel
            kernel = check_kernel(order.kernel, project.root / entry_point.notebook, otherwise=chosen.kernel if chosen is not None else None)
        if order.output is not None:
            check_destination(order.output, project.root / entry_point.notebook)
        refuse_lost_values(project.root / entry_point.notebook, entry_point.cells, list(order.parameters), file=entry_point.notebook)
        spoken = named_kernel(kernel, entry_point.notebook) if kernel is not None else interpreter_kernel("python")
        secrets = {one.name: one.variable for one in entry_point.parameters if one.secret and one.variable in resolved.secrets}
        given = {**resolved.values, **resolved.extra}
        refuse_unwritable_values(project.root / entry_point.notebook, spoken, given, secrets, file=entry_point.notebook)
    else:
        asked = {"kernel": order.kernel, "output": order.output, "html": order.html, "allow-errors": order.allow_errors}
        option = next((name for name, value in asked.items() if value), None)
        if option is not None:
            msg = f"--{option} is for notebooks, and {entry_point.name!r} is a command"
            raise EntryPointError(msg)
    command = command_of(entry_point, resolved)
    config = order.config()
    backend.check(entry_point, environment, config)
    require(environment, project.root)
    progress(Event("checked", data={"entry_point": entry_point.name, "commit": checkout.commit, "uri": public(order.uri)}))
    store = open_store()
    backend.check_store(store.uri)
    if order.run_id is None:
        experiment_id = _experiment(order, store, entry_point, project.root, chosen.experiment_name if chosen is not None else None)
    else:
        named = order.experiment_name is not None or order.experiment_id is not None
        experiment_id = continued(order, store, store.experiment(name=order.experiment_name, experiment_id=order.experiment_id) if named else None)
    return RunRequest(
        checkout=checkout,
        project=project,
        entry_point=entry_point,
        resolved=resolved,
        environment=environment,
        command=command,
        store=store,
        experiment_id=experiment_id,
        tags=_tags(order, checkout, entry_point, environment, command, resolved),
        run_id=order.run_id,
        run_name=order.run_name,
        timeout=order.timeout,
        kernel=kernel,
        env_manager=order.env_manager,
        output=order.output,
        html=order.html,
        allow_errors=order.allow_errors,
        ancestry=ancestry_key(checkout, entry_point),
        config=config,
        docker=DockerOptions(order.docker_args or {}, order.build_image is not False, order.docker_auth),
        progress=progress,
        sole=sole,
    )


def varied(request: RunRequest, order: Order) -> RunRequest:
    """Return the request of another run of the same entry point, in the same place, which differs in what the order says of the single run.

    Parameters
    ----------
    request : RunRequest
        Checked and resolved, for other parameters.
    order : Order
        Whose parameters, name and time count.

    Raises
    ------
    ParameterError
        A value is wrong.
    """
    entry_point = request.entry_point
    resolved = resolve_all(entry_point, order.parameters, base=order.base, root=request.project.root, bases=order.bases)
    resolved = at_hand(resolved, request.brought)
    command = command_of(entry_point, resolved)
    return dataclasses.replace(
        request,
        resolved=resolved,
        command=command,
        tags=_tags(order, request.checkout, entry_point, request.environment, command, resolved),
        run_name=order.run_name,
        timeout=order.timeout,
    )
