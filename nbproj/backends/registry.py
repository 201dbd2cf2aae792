"""Backends by name: our own, those of others by the entry-point group `nbproj.backends`, and those that were written for `mlflow run`."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from nbproj.backends.backend import Backend
from nbproj.backends.foreign import ForeignBackend
from nbproj.backends.local import LocalBackend
from nbproj.errors import BackendError, one_line, suggestion

__all__ = ["MLFLOW_GROUP", "OURSELVES", "find_backend", "known_backends", "package_of"]

_GROUP = "nbproj.backends"
MLFLOW_GROUP = "mlflow.project_backend"
"""Where MLflow finds the backends that others wrote for it."""
OURSELVES = "nbproj"
"""Our own name in that group: what `mlflow run -b nbproj` asks for."""
_PLANNED = ("dask",)


def _kubernetes() -> Backend:
    from nbproj.backends.kubernetes.backend import KubernetesBackend

    return KubernetesBackend()


def _databricks() -> Backend:
    from nbproj.backends.databricks.backend import DatabricksBackend

    return DatabricksBackend()


_OURS: dict[str, Callable[[], Backend]] = {LocalBackend.name: LocalBackend, "kubernetes": _kubernetes, "databricks": _databricks}


def known_backends() -> list[str]:
    """Return the names of all backends there are, ours first; none of them is loaded.

    Examples
    --------
    >>> known_backends()[0]
    'local'
    """
    others = {point.name for group in (_GROUP, MLFLOW_GROUP) for point in entry_points(group=group)}
    return [*_OURS, *sorted(others - {*_OURS, OURSELVES})]


def package_of(point: EntryPoint) -> str:
    """Return the package that brings an entry point, with its version; what it names where that is not known."""
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value


def find_backend(name: str) -> Backend:
    """Return a backend by name.

    Raises
    ------
    BackendError
        There is none of that name; the message names those there are. Or the one there is cannot be loaded.

    Examples
    --------
    >>> find_backend("local").name
    'local'
    """
    if name in _OURS:
        return _OURS[name]()
    for group, make in ((_GROUP, _loaded), (MLFLOW_GROUP, _adapted)):
        points = [point for point in entry_points(group=group) if point.name == name]
        if points and not (group == MLFLOW_GROUP and name == OURSELVES):
            return make(points[0])
    if name == OURSELVES:
        msg = "nbproj is what you are running already: leave -b out. `mlflow run -b nbproj` is how MLflow asks for it"
        raise BackendError(msg)
    if name in _PLANNED:
        msg = f"backend {name!r} is not there yet in this version of nbproj. Run locally: leave -b out"
        raise BackendError(msg)
    known = known_backends()
    msg = f"there is no backend {name!r}.{suggestion(name, known)} Known: {', '.join(known)}"
    raise BackendError(msg)


def _loaded(point: EntryPoint) -> Backend:
    try:
        backend = point.load()()
    except Exception as error:
        why = one_line(f"{type(error).__name__}: {error}")
        msg = f"backend {point.name!r} ({package_of(point)}) cannot be loaded from {point.value}: {why}. Repair or remove that package"
        raise BackendError(msg) from error
    return ForeignBackend(point.name, package_of(point), backend)


def _adapted(point: EntryPoint) -> Backend:
    from nbproj.backends.mlflow.backend import MlflowBackend

    return MlflowBackend(point.name, package_of(point))
