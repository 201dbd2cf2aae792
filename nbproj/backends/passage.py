"""The way from a run's program to its store: directly, or through a gateway that lives as long as the run."""

from __future__ import annotations

from collections.abc import Mapping

from nbproj.backends.backend import RunRequest, Workplace
from nbproj.errors import BackendError, suggestion
from nbproj.progress import Event
from nbproj.tracking.gateway.decision import Wish, decide

__all__ = ["TRACKING_TAG", "open_passage", "through_gateway", "wish_of"]

TRACKING_TAG = "nbproj.tracking"
"""Tells how a run's program came to the store."""

_WISHES: tuple[Wish, ...] = ("auto", "direct", "gateway")


def wish_of(config: Mapping[str, object]) -> Wish:
    """Return what a backend's configuration says under `tracking`.

    Raises
    ------
    BackendError
        It is none of the words for it.

    Examples
    --------
    >>> wish_of({}), wish_of({"tracking": "gateway"})
    ('auto', 'gateway')
    """
    given = config.get("tracking", "auto")
    for wish in _WISHES:
        if given == wish:
            return wish
    msg = f"tracking: {given!r} is not one of {', '.join(_WISHES)}.{suggestion(str(given), _WISHES)}"
    raise BackendError(msg)


def open_passage(request: RunRequest, workplace: Workplace, variables: Mapping[str, str], python: str | None) -> dict[str, str]:
    """Return the environment of a program that can reach the store.

    Where its own MLflow cannot open the store, a gateway is started, which ends with the workplace's resources, and takes the place of the store's
    address; its token is masked like every other secret.

    Parameters
    ----------
    request : RunRequest
        The run's request.
    workplace : Workplace
        Its workplace.
    variables : mapping of str to str
        The program's whole environment so far.
    python : str, optional
        The interpreter that it runs in.

    Raises
    ------
    RunError
        The gateway cannot be started.
    StoreError
        The store takes no tag.
    """
    decision = decide(python, request.store.uri, wish=wish_of(request.config), search_path=variables.get("PYTHONPATH", ""))
    run_id = workplace.variables["MLFLOW_RUN_ID"]
    if decision.way != "direct" or request.environment.kind != "system":  # the usual case needs no words
        request.store.set_tags(run_id, {TRACKING_TAG: str(decision)})
    if decision.way != "gateway":
        return dict(variables)
    request.progress(Event("note", f"tracking through a gateway ({decision.reason})"))
    return through_gateway(request, workplace, variables)


def through_gateway(
    request: RunRequest, workplace: Workplace, variables: Mapping[str, str], *, host: str = "127.0.0.1", reached_as: str | None = None
) -> dict[str, str]:
    """Start a gateway that ends with the workplace's resources; return the environment of a program that speaks to it.

    Parameters
    ----------
    request : RunRequest
        The run's request.
    workplace : Workplace
        Its workplace.
    variables : mapping of str to str
        The program's environment so far.
    host : str
        The address to listen on.
    reached_as : str, optional
        The program's name for it, where it is another one.

    Raises
    ------
    RunError
        The gateway cannot be started.
    """
    from nbproj.tracking.gateway.server import Gateway

    gateway = Gateway(
        request.store,
        workplace.variables["MLFLOW_RUN_ID"],
        request.experiment_id,
        workplace.folder / "gateway",
        mask=workplace.mask,
        progress=request.progress,
        host=host,
        reached_as=reached_as,
    )
    workplace.resources.callback(gateway.stop)  # first: a signal may come before it has started
    workplace.hide(gateway.token)
    gateway.start()
    return gateway.environment(variables)
