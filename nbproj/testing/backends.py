"""The contract of backends, as a class of tests that the author of one inherits."""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

import nbproj
from nbproj.backends.registry import find_backend, known_backends
from nbproj.batches.result import Batch
from nbproj.errors import NbprojError
from nbproj.housekeeping import tidy
from nbproj.record import Run, RunFailed
from nbproj.testing.project import HOSTILE, write_project
from nbproj.tracking.owner import owner_of_tag

__all__ = ["BackendContract"]

_FOREIGN = ("MLFLOW_", "NBPROJ_", "JPY_")
_OF_THE_MACHINE = ("NBPROJ_CACHE_DIR",)


class BackendContract:
    """What every backend promises. Inherit from it in a test module, and say which backend; pytest does the rest.

    Each test runs the same small project by `-b NAME`. Those that look at one finished run share it.

    Attributes
    ----------
    backend : str
        The backend's name; its package is installed.
    config : mapping
        What `-c` would be given.
    patience : float
        Seconds within which a run of a second ends here.

    Examples
    --------
    >>> class TestMine(BackendContract):  # doctest: +SKIP
    ...     backend = "mine"
    ...     config = {"queue": "short"}
    >>> BackendContract.patience
    120.0
    """

    backend: ClassVar[str]
    config: ClassVar[Mapping[str, object]] = {}
    patience: ClassVar[float] = 120.0

    @pytest.fixture(scope="class")
    @classmethod
    def tracking_uri(cls, tmp_path_factory: pytest.TempPathFactory) -> str:
        """Return where runs are recorded; a SQLite file by default. A backend of other machines has a server here."""
        return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, tmp_path_factory: pytest.TempPathFactory, tracking_uri: str) -> Iterator[Path]:
        """Make the project in a folder that programs see, and a state and a record of the tests' own."""
        folder = tmp_path_factory.mktemp("contract")
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ:
                if name.startswith(_FOREIGN) and name not in _OF_THE_MACHINE:
                    patch.delenv(name)
            patch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
            patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
            patch.setenv("NBPROJ_STATE_DIR", str(folder / "state"))
            patch.chdir(folder)
            write_project(folder / "project")
            yield folder

    @pytest.fixture(scope="class")
    @classmethod
    def run(cls, place: Path) -> Callable[..., Run]:
        """Return a function that runs an entry point by the backend."""

        def start(entry_point: str, parameters: Mapping[str, object] | None = None, **more: Any) -> Run:  # noqa: ANN401 - options of nbproj.run
            more.setdefault("timeout", cls.patience)
            return nbproj.run(place / "project", entry_point, parameters=parameters, backend=cls.backend, backend_config=dict(cls.config), **more)

        return start

    @pytest.fixture(scope="class")
    @classmethod
    def secret(cls) -> str:
        """Return a value that nobody may see."""
        return secrets.token_hex(12)

    @pytest.fixture(scope="class")
    @classmethod
    def finished(cls, run: Callable[..., Run], secret: str) -> Run:
        """Run the entry point that looks at what it was given."""
        return run("look", {"text": HOSTILE, "number": "1e-3", "password": secret})

    @pytest.fixture
    def staying(self, run: Callable[..., Run], tmp_path: Path) -> Iterator[Run]:
        """Start a run in a driver of its own, and wait until its program is there."""
        started = run("stay", {"folder": str(tmp_path)}, synchronous=False)
        try:
            _until((tmp_path / "there").exists, self.patience, "the program was not started", started)
            yield started
        finally:
            (tmp_path / "go").touch()

    def test_it_is_found_by_its_name(self) -> None:
        """Its entry point is installed, and makes a backend."""
        assert self.backend in known_backends()
        assert find_backend(self.backend).name == self.backend

    def test_a_program_finishes(self, finished: Run) -> None:
        """The record says so, and who has run it."""
        assert (finished.status, finished.exit_code) == ("FINISHED", 0)
        assert finished.tags["mlflow.project.backend"] == self.backend

    def test_what_a_program_logs_is_recorded(self, finished: Run) -> None:
        """Metrics, tags, and the files in its output folder."""
        assert finished.metrics["rmse"] == 0.25  # noqa: PLR2004 - what look.py logs
        assert finished.tags["colour"] == "green"
        assert "model.txt" in finished.artifacts

    def test_parameters_are_recorded_as_they_were_given(self, finished: Run) -> None:
        """All but the secret."""
        assert finished.params["text"] == HOSTILE
        assert finished.params["number"] == "1e-3"
        assert "password" not in finished.params

    def test_a_value_reaches_the_program_as_one_word(self, finished: Run) -> None:
        """Whatever a shell would make of it."""
        assert _told(finished, "words") == [HOSTILE, "1e-3"]

    def test_a_program_starts_in_the_folder_of_its_project(self, finished: Run, place: Path) -> None:
        """A folder of that name at least: another machine may have it elsewhere."""
        assert (Path(_told(finished, "folder")) / "look.py").exists() or _told(finished, "folder") != str(place)

    def test_a_program_knows_its_run(self, finished: Run) -> None:
        """By the variables that MLflow reads."""
        variables = _told(finished, "variables")
        assert variables["MLFLOW_RUN_ID"] == finished.run_id
        assert variables["MLFLOW_EXPERIMENT_ID"] == finished.experiment_id
        assert variables["MLFLOW_TRACKING_URI"]

    def test_a_secret_reaches_the_program_and_nobody_else(self, finished: Run, secret: str) -> None:
        """It is in no output, tag or command line."""
        log = finished.logs()
        assert f"length {len(secret)}" in log
        assert "in a command line False" in log
        assert secret not in log
        assert secret not in json.dumps([dict(finished.tags), dict(finished.params)])

    def test_the_exit_code_of_the_program_is_that_of_the_run(self, run: Callable[..., Run]) -> None:
        """And its output is kept when it fails."""
        with pytest.raises(RunFailed) as failed:
            run("fail")
        assert (failed.value.exit_code, failed.value.run.status, failed.value.run.exit_code) == (7, "FAILED", 7)
        assert "about to fail" in failed.value.run.logs()

    def test_a_notebook_is_executed_or_refused_before_there_is_a_run(self, run: Callable[..., Run], place: Path) -> None:
        """Its parameters go in, what it logs and the executed notebook come out."""
        before = _count(place)
        try:
            ended = run("hello.ipynb", {"alpha": 0.25, "name": "you"})
        except RunFailed:
            raise
        except NbprojError as refused:
            assert "notebook" in str(refused)  # noqa: PT017 - to run it is as good
            assert _count(place) == before
            return
        assert ended.status == "FINISHED"
        assert ended.metrics["double"] == 0.5  # noqa: PLR2004 - twice alpha
        assert "hello you" in ended.logs()
        assert [name for name in ended.artifacts if name.endswith(".ipynb")]

    def test_output_is_there_while_the_program_runs_and_stop_ends_it(self, staying: Run, tmp_path: Path) -> None:
        """With all that it has started, and the record says so."""
        _until(lambda: "ready" in staying.logs(), self.patience, "its output is not shown while it runs", staying)
        staying.cancel()
        assert staying.status == "KILLED"
        assert _left(tmp_path) == []

    def test_a_timeout_ends_it(self, run: Callable[..., Run], tmp_path: Path) -> None:
        """As a failure, with the exit code of timeouts."""
        with pytest.raises(RunFailed) as failed:
            run("stay", {"folder": str(tmp_path)}, timeout=4)
        assert (failed.value.exit_code, failed.value.run.status) == (124, "FAILED")
        assert _left(tmp_path) == []

    def test_a_run_whose_driver_dies_goes_on_under_another_or_is_ended(self, staying: Run, tmp_path: Path) -> None:
        """Never both, and never neither."""
        owner = owner_of_tag(staying.tags)
        assert owner is not None
        os.kill(owner[0].pid, signal.SIGKILL)
        time.sleep(0.5)
        tidy()
        if _left(tmp_path):
            (tmp_path / "go").touch()

        def over() -> bool:
            tidy()
            return staying.exit_code is not None

        _until(over, self.patience, "it is not settled", staying)
        assert _left(tmp_path) == []
        assert (staying.status, "late" in staying.metrics) in {("FINISHED", True), ("KILLED", False)}

    def test_what_cannot_be_prepared_fails_in_one_line(
        self, run: Callable[..., Run], place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And whatever run there is by then is settled."""
        monkeypatch.setenv("UV_NO_INDEX", "1")
        monkeypatch.setenv("NBPROJ_CACHE_DIR", str(tmp_path / "cache"))
        before = _count(place)
        (place / "project" / "requirements.txt").write_text("nbproj-contract-of-nobody==1\n")
        try:
            with pytest.raises(NbprojError) as refused:
                run("fail", env_manager="uv")
        finally:
            (place / "project" / "requirements.txt").unlink()
        error: Any = refused.value
        assert error.exit_code in {120, 121, 122}
        assert "\n" not in str(error)
        newest = nbproj.runs(limit=1)[0]
        assert _count(place) == before or (newest.status, newest.exit_code) == ("FAILED", error.exit_code)

    def test_the_runs_of_a_batch_run_beside_each_other(self, place: Path) -> None:
        """A backend is asked from several threads at once."""
        batch: Batch = nbproj.batch(
            place / "project",
            "square",
            parameters={"x": [2, 3]},
            workers=2,
            backend=self.backend,
            backend_config=dict(self.config),
            timeout=self.patience,
        )
        assert sorted(one.metrics["square"] for one in batch.runs) == [4, 9]


def _told(run: Run, name: str) -> Any:  # noqa: ANN401 - a value of JSON
    line = next(line for line in run.logs().splitlines() if line.startswith(f"{name} "))
    return json.loads(line.removeprefix(f"{name} "))


def _count(_place: Path) -> int:
    return len(nbproj.runs(limit=1000))


def _until(true: Callable[[], bool], seconds: float, otherwise: str, run: Run) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{otherwise} within {seconds:g} s: {run.status}, {run.tags.get('nbproj.reason', '')}"
        time.sleep(0.1)


def _left(folder: Path) -> list[int]:
    """Return the processes of the program that are there still. One that was never started has none."""
    if not (folder / "there").exists():
        return []
    deadline = time.monotonic() + 10
    while True:
        left = [int(number) for number in (folder / "there").read_text().split() if _lives(int(number))]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
