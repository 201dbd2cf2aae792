"""A run as its user holds it: what came out, and what can be done with it.

Longer than other files: it is one class, whose methods are the words of the contract and call the rooms below.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from nbproj.artifacts import log_of, of_run, page_of_run, write_page
from nbproj.display.run import run_json, run_text
from nbproj.display.shown import ShownOnce
from nbproj.errors import RunError
from nbproj.previews import previews_of
from nbproj.processes import is_dead
from nbproj.tracking.course import course_of
from nbproj.tracking.heartbeats import is_lost
from nbproj.tracking.ledger import Entry, Ledger
from nbproj.tracking.owner import owner_of_tag
from nbproj.tracking.settlement import is_finished, is_settled, settle, sweep
from nbproj.tracking.stopping import stop
from nbproj.tracking.store import TERMINAL, RunRecord, Store
from nbproj.tracking.viewer import way_to_look

__all__ = ["Run", "RunFailed", "brief_of"]

_SLOWEST_SECONDS = 1.0
"""How long, at most, the end of a run stays unseen by who waits for it."""


def brief_of(record: RunRecord) -> dict[str, Any]:
    """Return what a list of runs shows of one, as plain values; the artifacts are not looked at."""
    early = record.status in TERMINAL and not is_settled(record)  # the program has ended the run, and goes on
    return {
        "run_id": record.run_id,
        "name": record.name,
        "status": "LOST" if is_lost(record) else "RUNNING" if early else record.status,
        "entry_point": record.tags.get("mlflow.project.entryPoint", ""),
        "metrics": dict(sorted(record.metrics.items())),
        "start_time": record.start_time,
        "end_time": None if early else record.end_time,
    }


class Run(ShownOnce):
    """One execution of an entry point, an MLflow run.

    Parameters
    ----------
    store : Store or callable
        Where its record is; or what opens that, when it is first looked at.
    run_id : str
        Its id there.
    again : callable, optional
        Runs the same once more and returns that run.
    details : mapping, optional
        What only the driver knows: the failing cell, its traceback.
    record : RunRecord, optional
        What the store holds, where it was read just now.
    reused : bool
        It was there before it was asked for.

    Examples
    --------
    >>> import nbproj
    >>> run = nbproj.run("notebooks/diabetes", "train", parameters={"alpha": 0.3})  # doctest: +SKIP
    >>> run.status, run.metrics["rmse"]  # doctest: +SKIP
    ('FINISHED', 58.8)
    """

    def __init__(
        self,
        store: Store | Callable[[], Store],
        run_id: str,
        *,
        again: Callable[[], Run] | None = None,
        details: Mapping[str, Any] | None = None,
        record: RunRecord | None = None,
        reused: bool = False,
    ) -> None:
        self.run_id = run_id
        self.reused = reused
        self.details: Mapping[str, Any] = dict(details or {})
        self._place = store
        self._again = again
        self._course: dict[str, Any] | None = None
        self._previews: list[dict[str, Any]] | None = None
        self._final = record if record is not None and is_finished(record) else None

    @property
    def _store(self) -> Store:
        if callable(self._place):
            self._place = self._place()
        return self._place

    @property
    def store_uri(self) -> str:
        """The tracking URI of the store that holds the run; may hold credentials."""
        return self._store.uri

    @property
    def record(self) -> RunRecord:
        """What the store holds, read afresh until the run has ended."""
        if self._final is not None:
            return self._final
        record = self._store.get_run(self.run_id)
        if is_finished(record):
            self._final = record
        return record

    @property
    def status(self) -> str:
        """`SCHEDULED`, `RUNNING`, `FINISHED`, `FAILED` or `KILLED`."""
        return self.record.status

    def get_status(self) -> str:
        """Return the status; the name that mlflow's `SubmittedRun` uses."""
        return self.status

    @property
    def exit_code(self) -> int | None:
        """The code that the entry point ended with; None while it runs."""
        code = self.record.tags.get("nbproj.exit_code")
        return int(code) if code is not None else None

    @property
    def experiment_id(self) -> str:
        """The experiment that the run belongs to."""
        return self.record.experiment_id

    @property
    def params(self) -> Mapping[str, str]:
        """Parameters as they were tracked."""
        return self.record.params

    @property
    def metrics(self) -> Mapping[str, float]:
        """The latest value of each metric."""
        return self.record.metrics

    @property
    def tags(self) -> Mapping[str, str]:
        """All tags."""
        return self.record.tags

    @property
    def artifacts(self) -> list[str]:
        """Paths of all artifacts."""
        return [path for path, _size in self.artifact_sizes()]

    def artifact_sizes(self) -> list[tuple[str, int | None]]:
        """Return the paths of all artifacts with their sizes in bytes, None where those are unknown."""
        return self._store.list_artifacts(self.run_id)

    def artifact(self, path: str, to: Path | None = None) -> Path:
        """Return a local copy of one artifact.

        Parameters
        ----------
        path : str
            As `artifacts` lists it.
        to : Path, optional
            Folder for the copy; a new temporary one by default.

        Raises
        ------
        StoreError
            There is no such artifact.
        """
        return self._store.download_artifact(self.run_id, path, to or Path(tempfile.mkdtemp(prefix="nbproj-artifact-")))

    @property
    def notebook(self) -> str | None:
        """Where the executed notebook is: a local path where the artifacts are local, else its address; None for a command."""
        return self._address(self.artifacts, ".ipynb")

    def _address(self, artifacts: Sequence[str], ending: str) -> str | None:
        name = of_run(artifacts, ending)
        return f"{self.record.artifact_uri.removeprefix('file://').rstrip('/')}/{name}" if name is not None else None

    @overload
    def html(self) -> str: ...

    @overload
    def html(self, to: str | os.PathLike[str]) -> Path: ...

    def html(self, to: str | os.PathLike[str] | None = None) -> str | Path:
        """Return the executed notebook as a page of HTML that needs nothing else: no network, no script, no Jupyter. Of a run that goes on, so far.

        Parameters
        ----------
        to : path, optional
            File to write it to, or a folder, in which it gets a name of its own.

        Returns
        -------
        str or Path
            The page, or the file that was written.

        Raises
        ------
        RunError
            The run has no notebook, or the file cannot be written.
        """
        page, name = page_of_run(self._store, self.record, self._carrier())
        return page if to is None else write_page(page, Path(to), name)

    def logs(self) -> str:
        """Return what the run has printed, so far or in all; empty when nothing was kept, or when another host carries it still."""
        return log_of(self._store, self.run_id, self._carrier())

    def _carrier(self) -> Entry | None:
        """Return the entry of the process on this host that carries the run."""
        return None if self._final is not None else Ledger.open().of_run(self.run_id)

    def has_ended(self) -> bool:
        """Return whether the run is over. One whose driver died on this host is settled first; it is KILLED then."""
        if not is_settled(self.record):
            entry = self._carrier()
            if entry is not None and is_dead(entry.owner.process):
                settle(Ledger.open())
            elif entry is None and is_lost(self.record):
                sweep(self._store, [self.experiment_id])
        return is_settled(self.record)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run has ended.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most.

        Returns
        -------
        bool
            Whether it finished well; False also when it still runs.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = 0.05
        while not self.has_ended():
            left = pause if deadline is None else min(pause, deadline - time.monotonic())
            if left <= 0:
                return False
            time.sleep(left)
            pause = min(pause * 1.5, _SLOWEST_SECONDS)
        return self.status == "FINISHED"

    def cancel(self) -> None:
        """End the run, whoever carries it on this host, and return when it is settled. One that has ended is left as it is.

        Raises
        ------
        RunError
            Another host carries it, or the process that carries it does not answer.
        """
        if self.has_ended() or stop(self.run_id) or self.has_ended():
            return
        known = owner_of_tag(self.tags)
        if known is None:
            msg = f"run {self.run_id[:8]} is not carried by nbproj: end it where it was started"
            raise RunError(msg)
        msg = f"run {self.run_id[:8]} is carried by process {known[0].pid} on host {known[0].host}: stop it there"
        raise RunError(msg)

    def rerun(self) -> Run:
        """Run the same entry point with the same parameters once more, and return that run when it has ended.

        Raises
        ------
        RunError
            What was asked for is not known here.
        """
        if self._again is None:
            msg = f"run {self.run_id[:8]}: its order is not known here. Take it from nbproj.get_run({self.run_id!r})"
            raise RunError(msg)
        return self._again()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for programs: the stable form of `nbproj run --json`.

        Returns
        -------
        dict
            run_id, status, exit_code, stage, experiment_id, params, metrics, tags, artifact_uri, notebook, duration_s.
        """
        return run_json(self.values())

    def values(self) -> dict[str, Any]:
        """Return everything that a display shows of the run, as plain values."""
        record, artifacts = self.record, self.artifacts
        return {
            "run_id": self.run_id,
            "name": record.name,
            "status": record.status,
            "exit_code": self.exit_code,
            "experiment_id": record.experiment_id,
            "entry_point": record.tags.get("mlflow.project.entryPoint", ""),
            "reason": record.tags.get("nbproj.reason", ""),
            "params": dict(sorted(record.params.items())),  # a store has an order of its own each time
            "metrics": dict(sorted(record.metrics.items())),
            "tags": dict(record.tags),
            "artifact_uri": record.artifact_uri,
            "artifacts": artifacts,
            "notebook": self._address(artifacts, ".ipynb"),
            "page": self._address(artifacts, ".html"),
            "start_time": record.start_time,
            "end_time": record.end_time,
            "store": self._store.label,
            "job": record.tags.get("mlflow.databricks.runURL", ""),
            "look": way_to_look(self._store.uri, record.experiment_id, self.run_id),
            **self.details,
        }

    def course(self) -> dict[str, Any]:
        """Return the course of the metrics, which a card shows beside `values`: `curves` and `counts` by name. Read once when the run has ended."""
        if self._course is not None:
            return self._course
        found = course_of(self._store, self.run_id, self.record.metrics)
        course = {"curves": {name: curve.points for name, curve in found.items()}, "counts": {name: curve.count for name, curve in found.items()}}
        if self._final is not None:
            self._course = course
        return course

    def previews(self) -> dict[str, Any]:
        """Return what a card shows of the artifacts of a run that has ended: pictures, and the first rows of tables. Read once."""
        if self._previews is None and self._final is not None:
            self._previews = previews_of(self._store, self.run_id)
        return {"previews": self._previews or []}

    def brief(self) -> dict[str, Any]:
        """Return what a list of runs shows of this one, as plain values; the artifacts are not looked at."""
        return brief_of(self.record)

    def summary(self, *, width: int = 100) -> str:
        """Return what came out, in a few lines of plain text."""
        return run_text(self.values(), width=width)

    def bundle(self) -> dict[str, Any]:
        """Return the run's card, by MIME type."""
        from nbproj.display.card import bundle

        return bundle({**self.values(), **self.course(), **self.previews()})

    def __repr__(self) -> str:
        record = self.record
        return f"<Run {self.run_id[:8]} {record.tags.get('mlflow.project.entryPoint', '')} {record.status}>"


class RunFailed(RunError):  # noqa: N818 - the name in the contract
    """A synchronous run that did not finish well.

    Parameters
    ----------
    run : Run
        The run; its record tells more.
    exit_code : int
        For the command line.
    reason : str
        One line.
    """

    def __init__(self, run: Run, exit_code: int, reason: str) -> None:
        self.run = run
        self.exit_code = exit_code
        super().__init__(f"run {run.run_id[:8]} failed: {reason}")
