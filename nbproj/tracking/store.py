"""The contract of a tracking store: where the record of runs is kept.

Everything above sees plain values; a second implementation only has to satisfy `Store`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from nbproj.errors import StoreError

__all__ = ["TERMINAL", "Metric", "RunNotFoundError", "RunRecord", "Status", "Store"]

Status: TypeAlias = Literal["SCHEDULED", "RUNNING", "FINISHED", "FAILED", "KILLED"]
"""The states of a run, in MLflow's words."""

TERMINAL: frozenset[str] = frozenset({"FINISHED", "FAILED", "KILLED"})


class RunNotFoundError(StoreError):
    """The store does not know the run, or it was deleted: there is nothing left to record."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One value of one metric.

    Parameters
    ----------
    key : str
        Its name.
    value : float
        Its value; NaN and infinities are allowed.
    timestamp : int
        Milliseconds since the epoch.
    step : int
        Step of the training, 0 when there is none.
    """

    key: str
    value: float
    timestamp: int
    step: int = 0


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a store knows of one run.

    Parameters
    ----------
    run_id, experiment_id : str
        Its identifiers.
    status : str
        One of `Status`.
    name : str
        The run's name.
    start_time, end_time : int, optional
        Milliseconds since the epoch.
    params : mapping of str to str
        Parameters as they were tracked.
    metrics : mapping of str to float
        The latest value of each metric.
    tags : mapping of str to str
        All tags, `mlflow.*` and `nbproj.*` among them.
    artifact_uri : str
        Root of its artifacts.
    """

    run_id: str
    experiment_id: str
    status: Status
    name: str = ""
    start_time: int | None = None
    end_time: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifact_uri: str = ""


class Store(Protocol):
    """A tracking store.

    Every method raises `StoreUnreachableError` when the store does not answer within seconds, `RunNotFoundError` when the run is gone, and
    `StoreError` when it refuses. Methods may be called from several threads. Values may be any text: what the store cannot hold is replaced or cut.
    """

    uri: str
    """Its address as a child process is given it in MLFLOW_TRACKING_URI; may hold credentials."""

    @property
    def label(self) -> str:
        """Its address as it may be shown: without credentials, a local path relative to the user's folder."""

    def experiment(self, *, name: str | None = None, experiment_id: str | None = None, create: bool = True) -> str:
        """Return the id of an experiment: by id (must exist), by name (created when absent, unless it must exist), or the default one."""

    def create_run(self, experiment_id: str, *, name: str | None, tags: Mapping[str, str], params: Mapping[str, str] | None = None) -> RunRecord:
        """Create a run in state RUNNING with all its tags in one step; with the parameters, too, where that takes no other: the record tells."""

    def get_run(self, run_id: str) -> RunRecord:
        """Return one run."""

    def get_status(self, run_id: str) -> Status:
        """Return the status of one run, at less cost than the whole of it."""

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Record parameters; a value over the store's limit is cut with a mark, never refused. A different value for a recorded name is."""

    def log_metrics(self, run_id: str, metrics: Sequence[Metric]) -> None:
        """Record metrics."""

    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return all values of one metric; none when the run has no such metric."""

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set or replace tags."""

    def delete_tags(self, run_id: str, names: Sequence[str]) -> None:
        """Remove tags; those that are not set are nothing to complain about."""

    def set_status(self, run_id: str, status: Status, *, end_time: int | None = None) -> None:
        """Set the status; a terminal one gets an end time (now by default). No MLflow store can clear it again: RUNNING leaves it."""

    def close_run(self, run_id: str, status: Status, *, end_time: int, tags: Mapping[str, str]) -> None:
        """Set the last tags and the final status; may be done again. Whoever sees the status finds the tags."""

    def log_artifacts(self, run_id: str, files: Mapping[str, Path]) -> None:
        """Store local files, by their path among the run's artifacts. One that cannot be stored does not keep the others from being stored."""

    def list_artifacts(self, run_id: str, path: str = "") -> list[tuple[str, int | None]]:
        """Return the paths of all files below a path with their sizes in bytes, None where unknown."""

    def download_artifact(self, run_id: str, path: str, to: Path) -> Path:
        """Copy one artifact into a local folder and return where it is."""

    def search_runs(
        self, experiment_ids: Sequence[str] | None = None, *, filter_string: str = "", order_by: Sequence[str] = (), limit: int = 1000
    ) -> list[RunRecord]:
        """Return active runs in MLflow's filter language, the newest first by default; None for all experiments."""

    def walk_runs(
        self, experiment_ids: Sequence[str] | None = None, *, filter_string: str = "", order_by: Sequence[str] = (), page: int = 100
    ) -> Iterator[RunRecord]:
        """Give the same runs one by one; no more than a page of them is in memory."""
