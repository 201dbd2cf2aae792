"""From the text that papermill and mlflow hand over to the value that a notebook expects. The text of this function goes into exported notebooks."""

from __future__ import annotations

from typing import Any

__all__ = ["typed"]


def typed(value: "Any", kind: str) -> "Any":  # noqa: ANN401, UP037, PLR0911 - it stands alone in notebooks, where Any is not known
    """Return a value of a type of nbproj's: int, float, bool, string, date, datetime, path, list[int], dict; optional with a ? behind it.

    Examples
    --------
    >>> typed("0.5", "float"), typed("[1, 2]", "list[float]"), typed("None", "int?"), typed("2026-01-31", "date")
    (0.5, [1.0, 2.0], None, datetime.date(2026, 1, 31))
    """
    import datetime as dt
    import json
    import os
    import pathlib

    if kind.endswith("?"):
        kind = kind[:-1]
        if value is None or value == "None" or (kind != "string" and value in {"null", ""}):
            return None
    if kind.startswith("list"):
        found = json.loads(value) if isinstance(value, str) else list(value)
        return [typed(one, kind[5:-1]) for one in found] if kind != "list" else found
    if kind == "dict":
        return json.loads(value) if isinstance(value, str) else dict(value)
    if kind == "bool":
        return value if isinstance(value, bool) else str(value).lower() in {"true", "1", "yes", "on"}
    if kind in {"int", "float"}:
        return {"int": int, "float": float}[kind](value)
    if kind == "date":
        return dt.date.fromisoformat(value) if isinstance(value, str) else value
    if kind == "datetime":
        return dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    if kind == "path":
        return pathlib.Path(os.path.abspath(os.path.expanduser(value)))  # noqa: PTH100, PTH111 - resolve() follows links
    return str(value)
