"""What a table of runs asks of a store: a view of it, and the lines that are in sight."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from nbproj.tracking.store import Metric, RunRecord

__all__ = ["ATTRIBUTES", "ENTRY_POINT_TAG", "FIXED_TAGS", "KINDS", "PARENT_TAG", "Catalogue", "Keys", "Line", "Span", "View", "split"]

ATTRIBUTES: Final = ("status", "name", "entry_point", "start_time", "duration", "user", "experiment", "run_id")
"""Columns that every run has."""

KINDS: Final = ("metrics", "params", "tags")
"""Beginnings of the other columns: `metrics.rmse`, `params.alpha`, `tags.team`."""

PARENT_TAG: Final = "mlflow.parentRunId"
ENTRY_POINT_TAG: Final = "mlflow.project.entryPoint"
FIXED_TAGS: Final = (
    PARENT_TAG,
    ENTRY_POINT_TAG,
    "mlflow.user",
    "mlflow.runName",
    "nbproj.owner",
    "nbproj.heartbeat",
    "nbproj.exit_code",
    "nbproj.reason",
)
"""Tags that tell what a line shows of every run."""

_WORD = re.compile(r"\S+")


def split(column: str) -> tuple[str, str] | None:
    """Return kind and key of a column of values; None for an attribute.

    Examples
    --------
    >>> split("metrics.loss/val.1"), split("status")
    (('metrics', 'loss/val.1'), None)
    """
    kind, dot, key = column.partition(".")
    return (kind, key) if dot and key and kind in KINDS else None


@dataclass(frozen=True, slots=True)
class View:
    """What is asked for, and in which order.

    Parameters
    ----------
    filter : str
        Conditions in MLflow's language.
    text : str
        Words, each of which must occur in a run: its name, id, state, entry point, user, or one of its parameters as `name=value`.
    sort : str
        A column.
    descending : bool
        The largest first. Runs without a value are last in both orders.
    grouped : bool
        The runs of a batch stand below it.
    opened : frozenset of str
        Ids of the batches whose runs are listed.
    """

    filter: str = ""
    text: str = ""
    sort: str = "start_time"
    descending: bool = True
    grouped: bool = False
    opened: frozenset[str] = frozenset()

    @property
    def words(self) -> list[str]:
        """The words of the text, at most eight."""
        return _WORD.findall(self.text)[:8]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Parameters
    ----------
    run_id : str
        The run.
    depth : int
        How many batches it stands below.
    children : int
        How many runs stand below it, where runs are grouped.
    """

    run_id: str
    depth: int = 0
    children: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """A window of an order.

    Parameters
    ----------
    total : int
        How many lines there are.
    runs : int
        How many runs the view has; more than lines where batches are closed.
    lines : sequence of Line
        Those that were asked for.
    """

    total: int
    runs: int
    lines: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Keys:
    """Which columns of values there are: by key, how many runs have a value."""

    metrics: Mapping[str, int] = field(default_factory=dict)
    params: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, int] = field(default_factory=dict)


class Catalogue(Protocol):
    """The runs of a store, read for a table. Methods may be called from several threads; all raise `StoreError` when the store does not answer."""

    pause: float
    """Seconds between two questions whether anything has changed."""

    def span(self, view: View, start: int, count: int) -> Span:
        """Return a window of the lines of a view."""

    def records(self, run_ids: Sequence[str], columns: Iterable[str] | None = None) -> dict[str, RunRecord]:
        """Return runs by id, with the values of some columns and the tags of `FIXED_TAGS`; with all values when no columns are named."""

    def keys(self, newest: int | None = None) -> Keys:
        """Return what values there are: of all runs, or of the newest."""

    def experiments(self) -> Mapping[str, str]:
        """Return the names of experiments by id."""

    def history(self, run_id: str, key: str, limit: int) -> list[Metric]:
        """Return the course of a metric by its steps, thinned to about so many values."""

    def has_changed(self) -> bool:
        """Return whether anything may be different since the last question."""

    def close(self) -> None:
        """Let go of the store."""
