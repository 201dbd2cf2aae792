"""`nbproj.batch`: many runs of one entry point, from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbproj.batches.carrying import carry_batch
from nbproj.batches.order import BatchOrder, Direction, OnError
from nbproj.batches.result import Batch
from nbproj.batches.space import Space
from nbproj.execution.forkserver import KernelStart
from nbproj.order import UNNAMED_BACKEND, Order
from nbproj.progress import Progress, silent

__all__ = ["batch"]


def batch(  # noqa: PLR0913 - the words of `nbproj batch`
    uri: str | os.PathLike[str],
    entry_point: str = "main",
    version: str | None = None,
    parameters: Mapping[str, object] | None = None,
    *,
    params_file: str | os.PathLike[str] | Any | None = None,  # noqa: ANN401 - a data frame of any library
    seed: int = 0,
    workers: int | None = None,
    retries: int = 0,
    on_error: OnError = "continue",
    max_failures: int | None = None,
    timeout: float | None = None,
    name: str | None = None,
    fresh: bool = False,
    keep: bool = False,
    synchronous: bool = True,
    kernel_start: KernelStart = "auto",
    metric: str | None = None,
    direction: Direction = "minimize",
    experiment_name: str | None = None,
    experiment_id: str | None = None,
    backend: str = UNNAMED_BACKEND,
    backend_config: Mapping[str, object] | str | None = None,
    storage_dir: str | None = None,
    env_manager: str | None = None,
    docker_args: Mapping[str, object] | None = None,
    build_image: bool | None = None,
    docker_auth: Mapping[str, object] | None = None,
    kernel: str | None = None,
    allow_errors: bool = False,
    as_notebook: bool = False,
    html: bool = False,
    tags: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Batch:
    """Run an entry point once for each point of a space of parameters, several at a time, and return the batch.

    A run stands for the batch, and has a child for each point. The same call again does only what has not finished yet. A point that fails is no
    error of the call: `Batch.failures` has it, and the next call tries it again.

    Parameters
    ----------
    uri : str or path
        A folder, a Git address, a zip file or a notebook; `#sub/dir` names a folder inside.
    entry_point : str
        A declared entry point, or the path of a script or notebook in the project.
    version : str, optional
        Commit, branch or tag of a Git project.
    parameters : mapping of str to object
        By name a value, a list, range or array of values, or a text such as `"0.5"`, `"range(20)"`, `"logspace(-4, 0, 9)"`, `"uniform(0, 1, 10)"`.
        Every combination is a point; the last parameter changes fastest. Relative paths start from the working folder.
    params_file : path, data frame or list of mappings, optional
        A csv, json, yaml or parquet file with a point in each row, or the table itself; combined with `parameters`. Its relative paths start from its
        folder.
    seed : int
        Chooses the values of `uniform`, `loguniform` and `normal`.
    workers : int, optional
        How many runs at once; one for each core by default.
    retries : int
        How often a point that fails is tried again at once.
    on_error : str
        `continue`, or `stop`: nothing starts any more after a point has failed. What runs already goes on to its end.
    max_failures : int, optional
        Nothing starts any more after so many points have failed.
    timeout : float, optional
        Seconds after which a single run is ended and fails.
    name : str, optional
        Name of the batch; batches of other names are other batches.
    fresh : bool
        Begin a new batch, even if there is one.
    keep : bool
        Go on with a batch whose project has changed since, and leave what has finished as it is. Otherwise that is refused.
    synchronous : bool
        Wait for the end. Otherwise a process of its own carries the batch, which outlives this one.
    kernel_start : str
        How the kernels of notebooks come into being: `fork` from a server that has imported what they need, `spawn` each by itself, or `auto`.
    metric : str, optional
        What runs are ordered by where they are shown.
    direction : str
        `minimize` or `maximize`: which end of it is the best.
    experiment_name, experiment_id, backend, backend_config, storage_dir, env_manager, docker_args, build_image, docker_auth : optional
        As `nbproj.run` takes them.
    kernel, allow_errors, as_notebook, html, tags : optional
        As `nbproj.run` takes them, for every run.
    progress : callable, optional
        Called with each `nbproj.progress.Event`; those of the step `batch` tell how many points are through.

    Returns
    -------
    Batch
        What came out; with `synchronous=False` a batch that has begun.

    Raises
    ------
    NbprojError
        Something is wrong before anything runs: the project, a parameter of any point, the source, the environment, the store; the project has
        changed since an earlier call; another process carries the batch. Or the batch cannot go on: the store is away, the disk is full.

    Examples
    --------
    >>> import nbproj
    >>> batch = nbproj.batch("notebooks/diabetes", "train", parameters={"alpha": [0.1, 0.5], "seed": range(5)})  # doctest: +SKIP
    >>> batch.best("rmse").params["alpha"], len(batch.failures)  # doctest: +SKIP
    ('0.1', 0)
    """
    order = Order.called(
        uri,
        entry_point,
        version=version,
        docker_args=docker_args,
        experiment_name=experiment_name,
        experiment_id=experiment_id,
        backend=backend,
        backend_config=backend_config,
        storage_dir=storage_dir,
        env_manager=env_manager,
        build_image=build_image,
        docker_auth=docker_auth,
        timeout=timeout,
        kernel=kernel,
        as_notebook=as_notebook,
        allow_errors=allow_errors,
        html=html,
        tags=tags,
        synchronous=synchronous,
    )
    rows = Path(params_file) if isinstance(params_file, str | os.PathLike) else params_file
    assignments = [(str(key), value) for key, value in (parameters or {}).items()]
    asked = BatchOrder(
        order,
        Space.of(assignments, rows=rows, seed=seed, base=order.base),
        workers=workers,
        retries=retries,
        on_error=on_error,
        max_failures=max_failures,
        name=name,
        kernel_start=kernel_start,
        metric=metric,
        direction=direction,
        fresh=fresh,
        keep=keep,
    )
    return carry_batch(asked, progress or silent)
