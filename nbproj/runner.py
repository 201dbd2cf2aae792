"""The one way in: an address, an entry point and parameters become a run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from nbproj.ancestry import active_run, running_above
from nbproj.backends.lifecycle import Settled, carry
from nbproj.backends.registry import find_backend
from nbproj.configuration.settings import Settings, settings
from nbproj.configuration.settings import carry as adopt
from nbproj.detached import start
from nbproj.execution.process import Guard
from nbproj.execution.signals import STOPS, Signals
from nbproj.housekeeping import tidy
from nbproj.order import UNNAMED_BACKEND
from nbproj.progress import Event, Progress, silent
from nbproj.record import Run, RunFailed
from nbproj.request import Order, resolve_request
from nbproj.reuse import equal_run, keyed
from nbproj.sources.source import Checkout
from nbproj.supply import open_downloads, supplied
from nbproj.tracking.folders import working_folder
from nbproj.tracking.store import Store

__all__ = ["carry_out", "detach", "execute", "fetch_project", "open_default_store", "own_settings", "run", "store_uri"]


def run(  # noqa: PLR0913, PLR0917 - the signature of mlflow.projects.run
    uri: str | os.PathLike[str],
    entry_point: str = "main",
    version: str | None = None,
    parameters: Mapping[str, object] | None = None,
    docker_args: Mapping[str, object] | None = None,
    experiment_name: str | None = None,
    experiment_id: str | None = None,
    backend: str = UNNAMED_BACKEND,
    backend_config: Mapping[str, object] | str | None = None,
    storage_dir: str | None = None,
    synchronous: bool = True,  # noqa: FBT001, FBT002 - mlflow's signature
    run_id: str | None = None,
    run_name: str | None = None,
    env_manager: str | None = None,
    build_image: bool | None = None,  # noqa: FBT001 - mlflow's signature
    docker_auth: Mapping[str, object] | None = None,
    *,
    timeout: float | None = None,
    kernel: str | None = None,
    as_notebook: bool = False,
    allow_errors: bool = False,
    reuse: bool = False,
    locked: str | None = None,
    tags: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run an entry point of a project and return the run.

    The order and names of the parameters are those of `mlflow.projects.run`; nothing that is passed in is changed.

    Parameters
    ----------
    uri : str or path
        A folder, a Git address, a zip file or a notebook; `#sub/dir` names a folder inside.
    entry_point : str
        A declared entry point, or the path of a script or notebook in the project.
    version : str, optional
        Commit, branch or tag of a Git project.
    parameters : mapping of str to object, optional
        Values by name; texts are converted to the declared types. Relative paths start from the working folder.
    docker_args, build_image, docker_auth : optional
        For projects with a `docker_env`: further arguments of `docker run` by name, such as `{"memory": "2g", "init": True}`; whether the project
        becomes a layer of an image (the default) or is mounted read-only (False); credentials of the image's registry, as `{"username": ...,
        "password": ..., "registry": ...}`.
    experiment_name, experiment_id : str, optional
        Experiment of the run; one of them. MLFLOW_EXPERIMENT_NAME or MLFLOW_EXPERIMENT_ID by default.
    backend : str
        Who runs it; `local` by default.
    backend_config : mapping or str, optional
        The backend's configuration: a mapping, a JSON text, or a file that ends in `.json`.
    storage_dir : str, optional
        Folder in which the files of `path` parameters that are addresses are kept; the user's cache by default.
    synchronous : bool
        Wait for the end. Otherwise the run is carried by a process of its own, which outlives this one, and is returned as soon as it exists.
    run_id : str, optional
        Continue an existing run instead of creating one.
    run_name : str, optional
        Name of the run; one is made up by default.
    env_manager : str, optional
        `local`, `uv`, `virtualenv` or `conda`; what the project asks for by default.
    timeout : float, optional
        Seconds after which the run is ended and fails.
    kernel : str, optional
        Kernel of a notebook entry point; its own by default.
    as_notebook : bool
        Run a script or Markdown file as the notebook that jupytext sees in it.
    allow_errors : bool
        Run a notebook on after a cell that fails; the run fails all the same, with the first of them.
    reuse : bool
        Return an equal run instead, if one has finished well in the same experiment: the same entry point, parameters (of a `path` the content),
        specification of the environment and files of the project, and what it has left is still there. `Run.reused` tells.
    locked : str, optional
        Id of a run, or its beginning: run in exactly the packages that its record lists.
    tags : mapping of str to str, optional
        Further tags.
    progress : callable, optional
        Called with each `nbproj.progress.Event`, in the caller's thread; only `waiting` may come from another.

    Returns
    -------
    Run
        The finished run; with `synchronous=False` one that has begun.

    Raises
    ------
    RunFailed
        The entry point failed; the error carries the run. Not with `synchronous=False`: `Run.wait` tells.
    NbprojError
        Something is wrong before that: the project, a parameter, the source, the environment, the store.

    Examples
    --------
    >>> import nbproj
    >>> nbproj.run("notebooks/diabetes", "train", parameters={"alpha": 0.3}).status  # doctest: +SKIP
    'FINISHED'

    Notes
    -----
    Parameters follow mlflow 3.17's `mlflow.projects.run`; what differs is in the contract.
    """
    order = Order.called(
        uri,
        entry_point,
        version=version,
        parameters=parameters,
        docker_args=docker_args,
        experiment_name=experiment_name,
        experiment_id=experiment_id,
        backend=backend,
        backend_config=backend_config,
        storage_dir=storage_dir,
        run_id=run_id,
        run_name=run_name,
        env_manager=env_manager,
        locked=locked,
        build_image=build_image,
        docker_auth=docker_auth,
        timeout=timeout,
        kernel=kernel,
        as_notebook=as_notebook,
        allow_errors=allow_errors,
        reuse=reuse,
        tags=tags,
        synchronous=synchronous,
    )
    return carry_out(order, progress or silent)


def carry_out(order: Order, progress: Progress = silent, *, sole: bool = False) -> Run:
    """Carry out an order in this process, or hand it to one of its own, as the order asks; `run` documents it."""
    return execute(order, progress, sole=sole) if order.synchronous else detach(order, progress)


def detach(order: Order, progress: Progress = silent) -> Run:
    """Hand an order to a driver process of its own; return the run as soon as it exists.

    Raises
    ------
    NbprojError
        Everything that can be refused before there is a run.
    """
    order = order.configured(own_settings())
    order.check()
    find_backend(order.backend)
    tidy(progress, spare=order.run_id)
    uri = store_uri(order.tracking_uri)
    steps: set[str] = set()

    def tell(event: Event) -> None:
        steps.add(event.step)
        progress(event)

    run_id = start(dataclasses.replace(order, tracking_uri=uri, synchronous=True), tell, parent=active_run())
    again = dataclasses.replace(order, reuse=False)
    reused = order.reuse and "created" not in steps
    # Made by now; to look at a store takes less of the library than to make one.
    return Run(lambda: open_default_store(uri, progress, create=False), run_id, again=lambda: execute(again, progress), reused=reused)


def execute(order: Order, progress: Progress = silent, *, sole: bool = False) -> Run:
    """Carry out an order and return the finished run; `run` documents it.

    Parameters
    ----------
    order : Order
        What to run.
    progress : Progress
        Told of every step.
    sole : bool
        This process does nothing else: whoever stops the run may end it.

    Raises
    ------
    RunFailed
        The entry point failed.
    NbprojError
        Something is wrong before that.
    KeyboardInterrupt, SystemExit
        The driver was interrupted or terminated; the run is settled.
    """
    chosen = own_settings()
    order = order.configured(chosen)
    order.check()
    backend = find_backend(order.backend)
    tidy(progress, spare=order.run_id)
    # From here on a signal unwinds: what was fetched is removed, also before there is a run.
    with Signals() as signals, Guard() as guard, fetch_project(order, progress) as checkout, open_downloads(order) as downloads:
        above = running_above(order, checkout)
        if above is not None:
            note = f"{order.entry_point or 'main'} already runs above as {above[:8]}: this call would recurse and is skipped"
            progress(Event("note", note))
            return Run(open_default_store(order.tracking_uri), above)
        request = resolve_request(
            order, checkout, backend, lambda: open_default_store(order.tracking_uri, progress), progress, sole=sole, chosen=chosen
        )
        request = keyed(supplied(request, backend, downloads, progress), thorough=order.reuse)
        equal = equal_run(request) if order.reuse else None
        if equal is not None:
            return Run(
                request.store, equal.run_id, again=lambda: execute(dataclasses.replace(order, reuse=False), progress), record=equal, reused=True
            )
        settled = carry(request, backend, guard, signals)
    return _result(order, request.store, settled, progress)


def own_settings() -> Settings:
    """Return what the user has configured; what concerns the machine is taken into the environment of this process."""
    chosen = settings()
    adopt(chosen)
    return chosen


def _result(order: Order, store: Store, settled: Settled, progress: Progress) -> Run:
    outcome = settled.outcome
    details: dict[str, Any] = {"cell": outcome.cell, "source": outcome.source, "traceback": outcome.trace}
    again = dataclasses.replace(order, reuse=False)
    result = Run(store, settled.run_id, again=lambda: execute(again, progress), details={k: v for k, v in details.items() if v})
    if settled.error is not None:
        if isinstance(settled.error, STOPS):
            settled.error.run = result
        raise settled.error
    if settled.status != "FINISHED":
        raise RunFailed(result, outcome.exit_code or 1, outcome.reason or settled.status.lower())
    return result


def fetch_project(order: Order, progress: Progress = silent) -> Checkout:
    """Return the checkout of an order's project, a context manager."""
    from nbproj.sources.registry import fetch

    return fetch(order.uri, order.version, progress, order.credentials)


def store_uri(flag: str | None = None) -> str:
    """Return where the tracking store is: the flag's, MLFLOW_TRACKING_URI's, the configuration's, the nearest `mlflow.db`, or a new one here."""
    from nbproj.tracking.location import locate

    return locate(flag, cwd=working_folder(), environ=os.environ, configured=settings().tracking_uri)


def open_default_store(flag: str | None = None, progress: Progress = silent, *, create: bool = True) -> Store:
    """Open the tracking store at `store_uri`; one that is not there yet is made, or, without `create`, a `RunNotFoundError`."""
    from nbproj.tracking.mlflow_store import open_store

    return open_store(store_uri(flag), progress=progress, create=create)
