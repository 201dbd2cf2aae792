"""The store as MLflow's library keeps it: a SQLite file, another database, a tracking server, Databricks, a folder of files.

Longer than other files: it is one class, which answers the whole protocol of `store.Store`, each method by one call of the library.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from nbproj.errors import StoreError, StoreUnreachableError
from nbproj.interruption import held
from nbproj.progress import Progress, silent
from nbproj.tracking import blueprint, library, location, sqlite, values
from nbproj.tracking.artifactcopy import copy_artifact
from nbproj.tracking.catalogue.database import DatabaseCatalogue
from nbproj.tracking.catalogue.view import View
from nbproj.tracking.course import stored_value
from nbproj.tracking.opening import open_run
from nbproj.tracking.reach import PATIENCE_SECONDS, reach, waiting
from nbproj.tracking.refusal import is_locked, refusal
from nbproj.tracking.schema import check_file, check_server
from nbproj.tracking.store import TERMINAL, Metric, RunNotFoundError, RunRecord, Status, Store

__all__ = ["MlflowStore", "open_store"]

T = TypeVar("T")

LOCKED_SECONDS = 15.0
"""How long a locked database is tried again, beyond SQLite's own waiting."""

_PAGE = 1000
_MOST_ROOTS = 64

_seen: dict[str, tuple[int, int, int]] = {}
"""Which file each address meant when it was last opened, and in which process."""

_ASKING = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a file store is opened only where its address was given
}
# A server may store a large file elsewhere before it answers.
_SENDING = {**_ASKING, "MLFLOW_HTTP_REQUEST_TIMEOUT": "120"}


def open_store(uri: str, *, progress: Progress = silent, patience: float = PATIENCE_SECONDS, create: bool = True) -> Store:
    """Return the store at an address, making a SQLite one that does not exist yet.

    Parameters
    ----------
    uri : str
        A tracking URI as `location.locate` returns it.
    progress : callable
        Told when something is waited for.
    patience : float
        Seconds after which a server that does not answer is given up.
    create : bool
        Make a SQLite store that does not exist. Without, its absence is an error.

    Raises
    ------
    StoreUnreachableError
        It does not answer.
    RunNotFoundError
        The SQLite store does not exist and is not to be made: its runs are gone with it.
    StoreError
        It is no store, has another version's schema, cannot be written, or wants credentials.
    """
    path = location.database_path(uri)
    if path is not None and not create and not path.exists():
        msg = f"the tracking store {location.label(uri)} is gone"
        raise RunNotFoundError(msg)
    if uri.startswith(("http://", "https://")):
        reach(uri, progress=progress, patience=patience)
    with _opening(uri):
        if path is not None and not create:  # most who only look can be answered by the file itself
            with held():
                check_file(path, uri, progress)
            return MlflowStore(uri, progress=progress)
        with held():  # half an import can be mended by nobody
            library.load()
        with waiting(progress, uri), held():
            if path is not None:
                check_file(path, uri, progress)
            elif re.match(r"(postgresql|mysql|mssql)\b", uri):
                check_server(uri)
            with library.quiet(), library.settings(_ASKING):
                found = MlflowStore(uri, _library_store(uri, path), progress)
    if uri.startswith(("http://", "https://")):
        found.experiments(limit=1)  # says who is there, and whether it lets us in, before anything is built on it
    return found


@contextlib.contextmanager
def _opening(uri: str) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        raise refusal(error, uri, "open") from error


def _library_store(uri: str, path: Path | None) -> Any:  # noqa: ANN401  (MLflow's stores are not typed)
    from mlflow.tracking._tracking_service.utils import _get_store

    if path is None:
        return _get_store(uri)
    with _no_stray_folder(uri), library.own_logging():
        store = _get_store(uri, blueprint.artifact_root(path))
    identity = _identity(path)
    if _seen.setdefault(uri, identity) != identity:
        # MLflow keeps its connections per address; a notebook whose user removed the file would go on writing into the removed one. In a forked
        # process they are the parent's, and not even to be closed.
        store.engine.dispose(close=_seen[uri][2] == os.getpid())
        _seen[uri] = identity
    return store


def _identity(path: Path) -> tuple[int, int, int]:
    state = path.stat()
    return state.st_dev, state.st_ino, os.getpid()


@contextlib.contextmanager
def _no_stray_folder(uri: str) -> Iterator[None]:
    # MLflow makes the folder that a quoted address would name if it were not quoted; only addresses with "%25" or "%3F" have one.
    stray = Path(uri.removeprefix("sqlite:///")).parent
    made = [folder for folder in (stray, *stray.parents) if not folder.exists()] if "%" in uri else []
    try:
        yield
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()


class MlflowStore:
    """A `Store` on one of MLflow's own; made by `open_store`.

    Parameters
    ----------
    uri : str
        Its address.
    backing : object, optional
        MLflow's `AbstractStore`; by default it is made when something needs it, and what can be read without is read from the SQLite file.
    progress : callable
        Told when the store is waited for.
    """

    def __init__(self, uri: str, backing: Any = None, progress: Progress = silent) -> None:  # noqa: ANN401  (as above)
        self.uri = uri
        if backing is not None:
            self._backing = backing
        self._roots: dict[str, str] = {}  # where the artifacts go of runs created lately: a question saved
        self._progress = progress
        self._over_http = uri.startswith(("http", "databricks"))
        self._remote = location.database_path(uri) is None and not location.is_file_store(uri)

    @property
    def label(self) -> str:
        """Its address as it may be shown."""
        return location.label(self.uri)

    @functools.cached_property
    def _backing(self) -> Any:  # noqa: ANN401  (as above)
        # Importing the library takes longer than everything else that a look at some runs does.
        with _opening(self.uri), held():
            library.load()
            with library.quiet(), library.settings(_ASKING):
                return _library_store(self.uri, location.database_path(self.uri))

    def _entities(self) -> Any:  # noqa: ANN401  (as above)
        """Return the module of MLflow's classes, imported as the library has to be."""
        assert self._backing is not None  # noqa: S101  (whoever holds it has the library)
        import mlflow.entities

        return mlflow.entities

    def _read(self, question: Callable[[DatabaseCatalogue], T | None], experiments: Sequence[str] | None = None) -> T | None:
        """Ask the file itself as long as nothing has needed the library; None where the library has to be asked."""
        path = location.database_path(self.uri)
        if path is None or "_backing" in vars(self):
            return None
        with contextlib.suppress(StoreError, sqlite3.Error, ValueError), contextlib.closing(DatabaseCatalogue(path, experiments)) as catalogue:
            return question(catalogue)
        return None

    @contextlib.contextmanager
    def _speaking(self, doing: str, wanted: Mapping[str, str] = _ASKING) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(library.quiet())
            stack.enter_context(library.settings(wanted))
            if self._remote:
                stack.enter_context(waiting(self._progress, self.uri))
            try:
                yield
            except Exception as error:
                raise refusal(error, self.uri, doing) from error

    def _ask(self, doing: str, question: Callable[[], T]) -> T:
        self._entities()
        deadline = time.monotonic() + LOCKED_SECONDS
        with self._speaking(doing):
            while True:
                try:
                    # A signal in the middle of a transaction would leave the database locked for as long as its traceback lives.
                    with contextlib.nullcontext() if self._over_http else held():
                        return question()
                except Exception as error:
                    # SQLite does not wait where waiting could be a deadlock; the transaction was rolled back, so it can be asked again.
                    if not is_locked(error) or time.monotonic() > deadline:
                        raise
                time.sleep(random.uniform(0.01, 0.1))  # noqa: S311  (spreads writers out, guards nothing)

    def consult(self, doing: str, question: Callable[[Any], T]) -> T:
        """Ask MLflow's own store what the protocol has no word for.

        Parameters
        ----------
        doing : str
            What for, as an error tells it: "read a model".
        question : callable
            Is given MLflow's `AbstractStore`; may be asked again when the database was locked.

        Raises
        ------
        StoreError
            As from every other method; its cause is the library's own error.
        """
        return self._ask(doing, lambda: question(self._backing))

    def consult_artifacts(self, doing: str, root: str, question: Callable[[Any], T]) -> T:
        """Ask the repository of the artifacts at an address: MLflow's `ArtifactRepository`. Raises as `consult`."""
        self._entities()
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        with self._speaking(doing, _SENDING):
            return question(get_artifact_repository(root, tracking_uri=self.uri))

    def experiments(self, limit: int | None = None) -> list[str]:
        """Return the ids of active experiments."""
        found: list[str] = []
        token = None
        while limit is None or len(found) < limit:
            size = _PAGE if limit is None else min(limit - len(found), _PAGE)
            answer = self._ask("list experiments", functools.partial(self._backing.search_experiments, max_results=size, page_token=token))
            found += [str(one.experiment_id) for one in answer]
            token = answer.token
            if not token:
                break
        return found

    def experiment(self, *, name: str | None = None, experiment_id: str | None = None, create: bool = True) -> str:
        """Return the id of an experiment: by id (must exist), by name (created when absent), or the default one."""
        if experiment_id is not None:
            with self._not_found(f"there is no experiment with id {experiment_id!r} in {self.label}"):
                found = self._ask("read an experiment", lambda: self._backing.get_experiment(experiment_id))
            return self._active(found)
        if name is None:
            return "0"
        name = values.held(name, 500)
        known = self._read(lambda catalogue: {one: number for number, one in catalogue.experiments().items()}.get(name))
        if known is not None:
            return known
        for attempt in range(5):
            found = self._ask("read an experiment", lambda: self._backing.get_experiment_by_name(name))
            if found is not None:
                return self._active(found)
            if not create:
                msg = f"there is no experiment {name!r} in {self.label}"
                raise StoreError(msg)
            try:
                return str(self._ask("create an experiment", lambda: self._backing.create_experiment(name)))
            except StoreUnreachableError:
                raise
            except StoreError:
                if attempt == 4:  # noqa: PLR2004  (the last of five)
                    raise
                time.sleep(0.05 * (attempt + 1))  # two runs name the same new experiment at once: the other one was faster
        raise AssertionError

    def _active(self, experiment: Any) -> str:  # noqa: ANN401  (as above)
        if experiment.lifecycle_stage != "active":
            msg = f"experiment {experiment.name!r} in {self.label} was deleted: restore it, or choose another one"
            raise StoreError(msg)
        return str(experiment.experiment_id)

    @staticmethod
    @contextlib.contextmanager
    def _not_found(message: str) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            code = getattr(error.__cause__, "error_code", "")
            if code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                raise StoreError(message) from error
            raise

    def create_run(self, experiment_id: str, *, name: str | None, tags: Mapping[str, str], params: Mapping[str, str] | None = None) -> RunRecord:
        """Create a run in state RUNNING with all its tags in one step, and with the parameters where the store takes them in the same."""
        entities = self._entities()
        items = values.held_items(tags, values.MAX_TAG)
        user = values.held(tags.get("mlflow.user", "unknown"), 256)
        run_name = values.held(name, 250) if name else None
        now = int(time.time() * 1000)
        record = None
        path = location.database_path(self.uri)
        if path is not None:
            with held():  # as `_ask`
                record = open_run(path, experiment_id, user, now, run_name, dict(items), dict(values.held_items(params or {}, values.MAX_PARAM)))
        if record is None:
            marks = [entities.RunTag(key, value) for key, value in items]
            record = _record(self._ask("create a run", lambda: self._backing.create_run(experiment_id, user, now, marks, run_name)))
        self._roots[record.run_id] = record.artifact_uri
        if len(self._roots) > _MOST_ROOTS:
            with contextlib.suppress(KeyError, StopIteration):  # another thread was faster
                del self._roots[next(iter(self._roots))]
        return record

    def get_run(self, run_id: str) -> RunRecord:
        """Return one run."""
        found = self._read(lambda catalogue: catalogue.records([run_id]).get(run_id))
        return found or _record(self._ask("read the run", lambda: self._backing.get_run(run_id)))

    def get_status(self, run_id: str) -> Status:
        """Return the status of one run."""
        path = location.database_path(self.uri)
        found = None if path is None else sqlite.status_of(path, run_id)
        return found or self.get_run(run_id).status

    def close_run(self, run_id: str, status: Status, *, end_time: int, tags: Mapping[str, str]) -> None:
        """Set the last tags and the final status: at once in a SQLite store, the status last elsewhere."""
        path = location.database_path(self.uri)
        held = dict(values.held_items(tags, values.MAX_TAG))
        if path is None or not sqlite.close_run(path, run_id, status, end_time, held):
            self.set_tags(run_id, tags)
            self.set_status(run_id, status, end_time=end_time)

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Record parameters; a value over the store's limit is cut with a mark."""
        for batch in values.batches(values.held_items(params, values.MAX_PARAM), 100):
            items = [self._entities().Param(key, value) for key, value in batch]
            self._ask("record parameters", functools.partial(self._backing.log_batch, run_id, metrics=[], params=items, tags=[]))

    def log_metrics(self, run_id: str, metrics: Sequence[Metric]) -> None:
        """Record metrics."""
        library_metric = self._entities().Metric
        # Told twice, the same value is one: older MLflow refuses a NaN that it has already.
        once = list({(one.key, repr(one.value), one.timestamp, one.step): one for one in metrics}.values())
        for start in range(0, len(once), 1000):
            items = [library_metric(values.held(one.key, 250), one.value, one.timestamp, one.step) for one in once[start : start + 1000]]
            self._ask("record metrics", functools.partial(self._backing.log_batch, run_id, metrics=items, params=[], tags=[]))

    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return all values of one metric."""
        found: list[Metric] = []
        token = None
        while True:
            page = self._ask("read a metric", functools.partial(self._backing.get_metric_history, run_id, key, page_token=token))
            found += [Metric(one.key, float(one.value), one.timestamp, one.step) for one in page]
            token = getattr(page, "token", None)  # a plain list comes from stores of older MLflow
            if not token:
                return found

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set or replace tags."""
        for batch in values.batches(values.held_items(tags, values.MAX_TAG), 100):
            items = [self._entities().RunTag(key, value) for key, value in batch]
            if len(items) == 1:  # a batch reads the whole run first; the last tag of every run comes alone
                self._ask("set a tag", functools.partial(self._backing.set_tag, run_id, items[0]))
                continue
            self._ask("set tags", functools.partial(self._backing.log_batch, run_id, metrics=[], params=[], tags=items))

    def delete_tags(self, run_id: str, names: Sequence[str]) -> None:
        """Remove tags that are set."""
        present = self.get_run(run_id).tags
        for name in names:
            if name in present:
                self._ask("remove a tag", functools.partial(self._backing.delete_tag, run_id, name))

    def set_status(self, run_id: str, status: Status, *, end_time: int | None = None) -> None:
        """Set the status; a terminal one gets an end time (now by default)."""
        new = self._entities().RunStatus.from_string(status)
        end = end_time if end_time is not None else int(time.time() * 1000) if status in TERMINAL else None
        self._ask("set the status", lambda: self._backing.update_run_info(run_id, new, end, None))

    def _artifacts(self, run_id: str) -> Any:  # noqa: ANN401  (as above)
        self._entities()
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(self._roots.get(run_id) or self.get_run(run_id).artifact_uri, tracking_uri=self.uri)

    def log_artifacts(self, run_id: str, files: Mapping[str, Path]) -> None:
        """Store local files, by their path among the run's artifacts; what cannot be stored is told after the others are."""
        if not files:
            return
        with self._speaking("store artifacts"):
            repository = self._artifacts(run_id)
        refused: list[StoreError] = []
        for path, file in files.items():
            parent, name = PurePosixPath(path).parent, PurePosixPath(path).name
            if copy_artifact(repository, path, file):
                continue
            try:
                with self._speaking(f"store the artifact {path!r}", _SENDING), _named(file, name) as source:
                    repository.log_artifact(str(source), None if str(parent) == "." else str(parent))
            except StoreUnreachableError:
                raise
            except StoreError as error:
                refused.append(error)
        if refused:
            raise refused[0]

    def list_artifacts(self, run_id: str, path: str = "") -> list[tuple[str, int | None]]:
        """Return the paths of all files below a path with their sizes in bytes, None where unknown."""
        with self._speaking("list artifacts"):
            repository, folders, found = self._artifacts(run_id), [path], []
            while folders:
                for entry in repository.list_artifacts(folders.pop() or None):
                    if entry.is_dir:
                        folders.append(entry.path)
                    else:
                        found.append((str(entry.path), entry.file_size))
            return sorted(found)

    def download_artifact(self, run_id: str, path: str, to: Path) -> Path:
        """Copy one artifact into a local folder and return where it is."""
        with self._speaking(f"fetch the artifact {path!r}", _SENDING):
            return Path(self._artifacts(run_id).download_artifacts(path, str(to)))

    def search_runs(
        self, experiment_ids: Sequence[str] | None = None, *, filter_string: str = "", order_by: Sequence[str] = (), limit: int = 1000
    ) -> list[RunRecord]:
        """Return active runs in MLflow's filter language; None for all experiments."""
        if not filter_string.strip() and not order_by:
            newest = self._read(lambda catalogue: _newest(catalogue, limit), experiment_ids)
            if newest is not None:
                return newest
        found = self.walk_runs(experiment_ids, filter_string=filter_string, order_by=order_by, page=max(min(limit, _PAGE), 1))
        return list(itertools.islice(found, limit))

    def walk_runs(
        self, experiment_ids: Sequence[str] | None = None, *, filter_string: str = "", order_by: Sequence[str] = (), page: int = 100
    ) -> Iterator[RunRecord]:
        """Give active runs in MLflow's filter language, a page of them in memory at a time."""
        active = self._entities().ViewType.ACTIVE_ONLY
        ids = list(experiment_ids) if experiment_ids is not None else self.experiments()
        token, order = None, list(order_by) or None
        while ids:
            asked = functools.partial(self._backing.search_runs, ids, filter_string, active, page, order)
            answer = self._ask("search runs", functools.partial(asked, token))
            yield from map(_record, answer)
            token = answer.token
            if not token:
                break


@contextlib.contextmanager
def _named(file: Path, name: str) -> Iterator[Path]:
    """Give a file another name for a while: MLflow keeps it under the one that it has."""
    if file.name == name:
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="nbproj-") as folder:
        link = Path(folder) / name
        link.symlink_to(file.absolute())
        yield link


def _newest(catalogue: DatabaseCatalogue, limit: int) -> list[RunRecord]:
    listed = [line.run_id for line in catalogue.span(View(), 0, limit).lines]
    records = catalogue.records(listed)
    return [records[run_id] for run_id in listed if run_id in records]


def _record(run: Any) -> RunRecord:  # noqa: ANN401  (as above)
    info, data = run.info, run.data
    return RunRecord(
        run_id=info.run_id,
        experiment_id=str(info.experiment_id),
        status=info.status,
        name=info.run_name or data.tags.get("mlflow.runName", ""),
        start_time=info.start_time,
        end_time=info.end_time or None,
        params=dict(data.params),
        metrics={key: stored_value(value) for key, value in data.metrics.items()},
        tags=dict(data.tags),
        artifact_uri=info.artifact_uri,
    )
