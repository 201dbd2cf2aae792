"""What the documentation says of a request, field by field: the official client's own description, which is generated from the API's definition.

Names, types, the values of enumerations and what is required come from the signature of the client's method and its dataclasses, HTTP's method and
the path from the request that the client itself would send. So no list of fields is kept here that could be wrong in the same way as the code that
is tested.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import re
import types
import typing
from collections.abc import Callable
from typing import Any

VERSION = re.compile(r"^/api/2\.\d/")
"""The Jobs API has the versions 2.1 and 2.2, with the same fields in what is sent here."""


class Wire:
    """Stands where the official client has its connection, and keeps what would be sent."""

    _cfg = types.SimpleNamespace(workspace_id=None, host="")

    def __init__(self) -> None:
        self.sent = ("", "")

    def do(self, method: str, path: str, **_more: Any) -> dict[str, Any]:
        self.sent = (method, VERSION.sub("", path))
        return {"run_id": 1, "handle": 1}


@functools.cache
def methods() -> dict[tuple[str, str], Callable[..., Any]]:
    """Return the client's methods by what they send."""
    from databricks.sdk.service import files, iam, jobs, workspace

    wire = Wire()
    runs, objects, dbfs = jobs.JobsAPI(wire), workspace.WorkspaceAPI(wire), files.DbfsAPI(wire)
    named: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (iam.CurrentUserAPI(wire).me, {}),
        (runs.submit, {}),
        (runs.get_run, {"run_id": 1}),
        (runs.get_run_output, {"run_id": 1}),
        (runs.cancel_run, {"run_id": 1}),
        (objects.get_status, {"path": "/x"}),
        (objects.mkdirs, {"path": "/x"}),
        (objects.import_, {"path": "/x"}),
        (dbfs.get_status, {"path": "/x"}),
        (dbfs.create, {"path": "/x"}),
        (dbfs.add_block, {"handle": 1, "data": ""}),
        (dbfs.close, {"handle": 1}),
        (dbfs.move, {"source_path": "/x", "destination_path": "/y"}),
        (dbfs.delete, {"path": "/x"}),
    ]
    found = {}
    for method, least in named:
        method(**least)
        found[wire.sent] = method
    return found


def undocumented(method: str, path: str, values: dict[str, Any]) -> str:
    """Return what of a request is not in the documentation, or an empty text."""
    key = (method, VERSION.sub("", path))
    if key not in methods():
        return f"no such endpoint: {method} {path}"
    call = methods()[key]
    hints = typing.get_type_hints(call)
    hints.pop("return", None)
    required = [one.name for one in inspect.signature(call).parameters.values() if one.default is inspect.Parameter.empty]
    return _fields(values, hints, required, path, as_text=method == "GET")


def _fields(values: dict[str, Any], hints: dict[str, Any], required: list[str], where: str, *, as_text: bool = False) -> str:
    for name in required:
        if name not in values:
            return f"{where}: {name} is required"
    for name, value in values.items():
        if name not in hints:
            return f"{where}: there is no field {name}"
        if wrong := _value(value, hints[name], f"{where}.{name}", as_text=as_text):
            return wrong
    return ""


def _value(value: object, hint: Any, where: str, *, as_text: bool = False) -> str:  # noqa: PLR0911 - one for each kind of type
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        (hint,) = (one for one in arguments if one is not types.NoneType)
        return _value(value, hint, where, as_text=as_text)
    if as_text:  # in an address everything is a text
        return "" if hint is not int or str(value).isdigit() else f"{where}: {value!r} is no number"
    if origin is list:
        if not isinstance(value, list):
            return f"{where}: {value!r} is no list"
        return next((wrong for index, one in enumerate(value) if (wrong := _value(one, arguments[0], f"{where}[{index}]"))), "")
    if origin is dict:
        if not isinstance(value, dict):
            return f"{where}: {value!r} is no object"
        return next((wrong for name, one in value.items() if (wrong := _value(one, arguments[1], f"{where}.{name}"))), "")
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            return f"{where}: {value!r} is no object"
        missing = dataclasses.MISSING
        required = [one.name for one in dataclasses.fields(hint) if one.default is missing and one.default_factory is missing]
        return _fields(value, typing.get_type_hints(hint), required, where)
    if inspect.isclass(hint) and issubclass(hint, enum.Enum):
        return "" if value in {one.value for one in hint} else f"{where}: {value!r} is none of {[one.value for one in hint]}"
    return "" if type(value) is hint or hint is Any else f"{where}: {value!r} is not of the type {hint}"
