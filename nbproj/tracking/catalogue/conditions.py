"""MLflow's filter language as conditions of SQL. It is read by MLflow's own parser; what has no translation here is answered by MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nbproj.errors import UsageError, one_line
from nbproj.tracking import library

__all__ = ["Condition", "Untranslatable", "conditions", "containing", "parsed"]

_TABLES: Final = {"metric": "latest_metrics", "parameter": "params", "tag": "tags"}
_COLUMNS: Final = {
    "run_id": "r.run_uuid",
    "status": "r.status",
    "start_time": "r.start_time",
    "end_time": "r.end_time",
    "user_id": "r.user_id",
    "artifact_uri": "r.artifact_uri",
}
_ALIASES: Final = {"created": "start_time", "Created": "start_time", "run name": "run_name", "Run name": "run_name", "Run Name": "run_name"}
_PLAIN: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})


class Untranslatable(Exception):  # noqa: N818 - no error: somebody else answers
    """A filter that only MLflow can answer."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a run, `r`, in SQL, and the values of its question marks."""

    sql: str
    values: tuple[object, ...] = ()


def parsed(text: str) -> list[Mapping[str, Any]]:
    """Return the comparisons of a filter.

    Raises
    ------
    UsageError
        It is not understood; MLflow says why.
    """
    if not text.strip():
        return []
    library.load()
    with library.quiet():
        from mlflow.exceptions import MlflowException
        from mlflow.utils.search_utils import SearchUtils

        try:
            return list(SearchUtils.parse_search_filter(text))
        except MlflowException as error:
            msg = f"the filter {one_line(text)!r} is not understood: {one_line(error.message)}"
            raise UsageError(msg) from None


def _compared(expression: str, comparator: str, value: object) -> Condition:
    if comparator in _PLAIN:
        return Condition(f"{expression} {comparator} ?", (value,))
    if comparator == "LIKE":
        return Condition(f"{expression} LIKE ?", (value,))  # the connection's LIKE tells cases apart
    if comparator == "ILIKE":
        return Condition(f"lower({expression}) LIKE lower(?)", (value,))
    if comparator in {"IN", "NOT IN"} and isinstance(value, (list, tuple)):
        return Condition(f"{expression} {comparator} ({', '.join('?' * len(value))})", tuple(value))
    raise Untranslatable(comparator)


def _of_value(table: str, key: str, inner: Condition) -> Condition:
    # Answered once, along the index of keys, and not once for each run.
    return Condition(f"r.run_uuid IN (SELECT v.run_uuid FROM {table} v WHERE v.key = ? AND {inner.sql})", (key, *inner.values))


def _condition(comparison: Mapping[str, Any]) -> Condition:
    kind, comparator, value = comparison["type"], str(comparison["comparator"]).upper(), comparison["value"]
    key = _ALIASES.get(comparison["key"], comparison["key"])
    if kind == "attribute":
        if key == "run_name":
            return _of_value("tags", "mlflow.runName", _compared("v.value", comparator, value))
        if key not in _COLUMNS:
            raise Untranslatable(key)
        return _compared(_COLUMNS[key], comparator, int(value) if key.endswith("_time") else value)
    if kind not in _TABLES:
        raise Untranslatable(kind)
    if comparator in {"IS NULL", "IS NOT NULL"}:
        found = _of_value(_TABLES[kind], key, Condition("1"))
        return found if comparator == "IS NOT NULL" else Condition(f"NOT ({found.sql})", found.values)
    if kind != "metric":
        return _of_value(_TABLES[kind], key, _compared("v.value", comparator, value))
    inner = _compared("v.value", comparator, float(value))
    # A NaN is kept as 0 with a mark; it differs from everything and is nothing else.
    return _of_value("latest_metrics", key, Condition(f"({inner.sql} {'OR v.is_nan' if comparator == '!=' else 'AND NOT v.is_nan'})", inner.values))


def conditions(comparisons: Sequence[Mapping[str, Any]]) -> list[Condition]:
    """Return the conditions that a filter means.

    Raises
    ------
    Untranslatable
        It asks for what only MLflow answers, such as data sets.
    """
    try:
        return [_condition(one) for one in comparisons]
    except (KeyError, TypeError, ValueError) as error:
        raise Untranslatable(str(error)) from error


def containing(word: str) -> Condition:
    """Return the condition that a word occurs in a run."""
    own = " OR ".join(f"instr(lower({column}), ?)" for column in ("r.name", "r.run_uuid", "r.status", "r.user_id"))
    tags = "key IN ('mlflow.project.entryPoint', 'mlflow.runName', 'mlflow.note.content', 'nbproj.reason')"
    # Answered once for all runs, not for each of them.
    elsewhere = (
        "r.run_uuid IN (SELECT run_uuid FROM params WHERE instr(lower(key || '=' || value), ?))"
        f" OR r.run_uuid IN (SELECT run_uuid FROM tags WHERE {tags} AND instr(lower(value), ?))"
    )
    return Condition(f"({own} OR {elsewhere})", (word.lower(),) * 6)
