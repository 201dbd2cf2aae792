"""Backends by name: our own, and those of others by the entry-point group `nbproj.backends`."""

from __future__ import annotations

from importlib.metadata import entry_points

from nbproj.backends.backend import Backend
from nbproj.backends.local import LocalBackend
from nbproj.errors import BackendError, suggestion

__all__ = ["find_backend"]

_GROUP = "nbproj.backends"
_PLANNED = ("kubernetes", "databricks", "dask")


def find_backend(name: str) -> Backend:
    """Return a backend by name.

    Raises
    ------
    BackendError
        There is none of that name; the message names those there are.

    Examples
    --------
    >>> find_backend("local").name
    'local'
    """
    if name == LocalBackend.name:
        return LocalBackend()
    others = {point.name: point for point in entry_points(group=_GROUP)}
    if name in others:
        try:
            backend: Backend = others[name].load()()
        except Exception as error:
            msg = f"backend {name!r} could not be loaded from {others[name].value}: {error}"
            raise BackendError(msg) from error
        return backend
    if name in _PLANNED:
        msg = f"backend {name!r} is not there yet in this version of nbproj. Run locally: leave -b out"
        raise BackendError(msg)
    known = ["local", *sorted(others)]
    msg = f"there is no backend {name!r}.{suggestion(name, known)} Known: {', '.join(known)}"
    raise BackendError(msg)
