"""What a form in the browser is set to: checked as one types, and made an order of many runs; the same rules as for the form in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from nbproj.batches.order import BatchOrder
from nbproj.batches.space import Space
from nbproj.server.errors import RefusedError
from nbproj.server.orders import KEYS, order_of
from nbproj.server.service import Service
from nbproj.widgets.several import values_of
from nbproj.widgets.subject import Subject
from nbproj.widgets.validation import check_values

__all__ = ["BATCH_KEYS", "CHECK_KEYS", "batch_of", "problems_of"]

CHECK_KEYS: Final = frozenset({"path", "entry_point", "parameters", "several"})
BATCH_KEYS: Final = KEYS | {"several", "workers", "name"}
_WHOLE: Final = "a whole number"


def problems_of(given: Mapping[str, Any], service: Service) -> dict[str, str]:
    """Return what is wrong with the values of a form, by the name of the parameter; nothing is executed.

    Parameters
    ----------
    given : mapping
        `path` of the project, `entry_point`, `parameters` as they were given, and `several`: texts that stand for several values each.
    service : Service
        Knows the server's folder.

    Raises
    ------
    NbprojError
        There is no such project or entry point, or a value is of the wrong kind.
    """
    path, name = (_text(given, key) for key in ("path", "entry_point"))
    there = service.file(path)
    base = there if there.is_dir() else there.parent
    subject = Subject.of(str(there), name or None, base=base)
    point = subject.points[name or subject.first]
    several = _texts(given.get("several"))
    return dict(check_values(point, _object(given.get("parameters"), "parameters"), several, base=base, root=subject.root).problems)


def batch_of(given: Mapping[str, Any], service: Service) -> BatchOrder:
    """Return the order of a batch that a body means.

    Parameters
    ----------
    given : mapping
        As for a run, and `several`: by parameter a text that stands for several values; `workers` and `name` of the batch.
    service : Service
        Knows the server's folder and the store.

    Raises
    ------
    NbprojError
        A value is of the wrong kind, or cannot be read.
    """
    values = {key: value for key, value in given.items() if value is not None}
    several, workers, name = _texts(values.pop("several", None)), values.pop("workers", None), values.pop("name", None)
    order = order_of(values, service)
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int)):
        msg = f"'workers' must be {_WHOLE}"
        raise RefusedError(400, msg)
    if name is not None and not isinstance(name, str):
        msg = "'name' must be a text"
        raise RefusedError(400, msg)
    # One value each is a list, too: a text that looks like a form stands for itself then.
    assignments: list[tuple[str, object]] = [(key, [value]) for key, value in order.parameters.items()]
    assignments += [(key, values_of(text, key)) for key, text in several.items()]
    space = Space.of(assignments, base=order.base)
    return BatchOrder(replace(order, parameters={}, bases={}), space, workers=workers, name=name)


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key) or ""
    if not isinstance(value, str):
        msg = f"{key!r} must be a text"
        raise RefusedError(400, msg)
    return value


def _object(value: object, key: str) -> dict[str, object]:
    if value is not None and not isinstance(value, dict):
        msg = f"{key!r} must be an object"
        raise RefusedError(400, msg)
    return value or {}


def _texts(value: object) -> dict[str, str]:
    found = _object(value, "several")
    odd = next((name for name, text in found.items() if not isinstance(text, str)), None)
    if odd is not None:
        msg = f"the values of {odd!r} must be a text"
        raise RefusedError(400, msg)
    return {name: str(text) for name, text in found.items()}
