"""What a browser asks to run, as an order: only projects in the server's folder, only with values of the right kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nbproj.order import Order
from nbproj.server.errors import RefusedError
from nbproj.server.service import Service

__all__ = ["KEYS", "order_of"]

_TEXTS: Final = ("entry_point", "version", "experiment_name", "experiment_id", "run_name", "env_manager", "kernel", "backend")
_FLAGS: Final = ("html", "allow_errors", "as_notebook")
_OBJECTS: Final = ("parameters", "backend_config", "tags")
KEYS: Final = frozenset({"path", "timeout", *_TEXTS, *_FLAGS, *_OBJECTS})
_LONGEST: Final = 4096
_KINDS: Final[tuple[tuple[tuple[str, ...], type | tuple[type, ...], str], ...]] = (
    (("path", *_TEXTS), str, "a text"),
    (_FLAGS, bool, "true or false"),
    (_OBJECTS, dict, "an object"),
    (("timeout",), (int, float), "a number"),
)


def order_of(given: Mapping[str, Any], service: Service) -> Order:
    """Return the order that a body means, for the store that is shown.

    Parameters
    ----------
    given : mapping
        `path` of the project's folder or notebook, as the contents API writes it, and what `nbproj.run` takes, in its words. Relative paths among
        the parameters start from the project's folder.
    service : Service
        Knows the server's folder and the store.

    Raises
    ------
    RefusedError
        400: a value is of the wrong kind; 404: there is no such path.
    """
    values = {key: value for key, value in given.items() if value is not None}
    for keys, kind, words in _KINDS:
        for key in keys:
            if key in values and (not isinstance(values[key], kind) or (isinstance(values[key], bool) and kind is not bool)):
                msg = f"{key!r} must be {words}"
                raise RefusedError(400, msg)
    long = next((key for key in _TEXTS if len(values.get(key, "")) > _LONGEST or "\0" in values.get(key, "")), None)
    if long is not None:
        msg = f"{long!r} is too long, or holds a NUL character"
        raise RefusedError(400, msg)
    path = values.pop("path", "")
    there = service.file(path)
    odd = next((name for name, value in values.get("tags", {}).items() if not isinstance(value, str)), None)
    if odd is not None:
        msg = f"tag {odd!r} must be a text"
        raise RefusedError(400, msg)
    base = there if there.is_dir() else there.parent
    return Order(str(there), **values, base=base, synchronous=False, tracking_uri=service.store(path).uri)
