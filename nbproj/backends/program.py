"""A run as a command line: what a queue starts on any machine that sees the same folders, and what it tells from there.

The command line holds no secret and no value: it names a private folder, in which the order lies. There the program writes what happens, one line
of JSON for each event, and at last how it ended.
"""

from __future__ import annotations

import contextlib
import copyreg
import dataclasses
import json
import os
import pickle
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

from nbproj.backends.addresses import passwords_of
from nbproj.backends.backend import RunRequest, Workplace
from nbproj.backends.inside import carry_inside
from nbproj.errors import NbprojError, RunError
from nbproj.execution.execution import Outcome
from nbproj.execution.signals import STOPS, Signals
from nbproj.paths import writing
from nbproj.progress import Event
from nbproj.tracking.folders import state_folder
from nbproj.tracking.redact import Redactor
from nbproj.tracking.store import Store

__all__ = ["Program", "Telling", "main"]

_PACKAGE: Final = str(Path(__file__).parent.parent.parent)
# As a driver is started: nbproj is found where it was found here, and what lies in the working folder is the project's.
_START: Final = "import sys; sys.path.append(sys.argv.pop(1)); from nbproj.backends.program import main; sys.exit(main())"
_ORDER: Final = "order.pickle"
_TOLD: Final = "told.jsonl"
_RESULTS: Final = "results.jsonl"
_NOT_SENT: Final = ("store", "progress", "shared", "config", "docker", "output", "brought", "sole")
"""What of a request stays with the driver."""
_OF_THE_MACHINE: Final = ("CUDA_VISIBLE_DEVICES", "HOSTNAME", "OMP_NUM_THREADS", "ROCR_VISIBLE_DEVICES", "TMPDIR", "XDG_RUNTIME_DIR")
"""Variables that count as the queue's machine has them; of all others those of the driver do, as they do for a program that it starts itself."""
_AGED_SECONDS: Final = 60 * 24 * 3600.0
"""After which a folder is removed that nobody has come back for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """What carries a run, as any queue starts it.

    Parameters
    ----------
    argv : sequence of str
        Program and arguments, without secrets. It ends with the exit code of the entry point; TERM ends the entry point and keeps what it has made.
    cwd : Path
        Where to start it: the project's folder.
    folder : Path
        The private folder of the job. A queue may write files of its own there, with names that begin with `queue`.
    """

    argv: Sequence[str]
    cwd: Path
    folder: Path

    @classmethod
    def of(cls, request: RunRequest, workplace: Workplace) -> Program:
        """Write the order of a run into a folder of its own, and return what carries it.

        Parameters
        ----------
        request : RunRequest
            The run. Its project is where it is now, on whatever machine the program runs.
        workplace : Workplace
            Its workplace.

        Raises
        ------
        RunError
            The folder cannot be written.
        """
        jobs = state_folder("jobs", progress=request.progress)
        _sweep(jobs)
        folder = jobs / workplace.folder.name
        own = {"NBPROJ_OUTPUT_DIR": str(folder / "out"), "NBPROJ_RESULTS_FILE": str(folder / _RESULTS)}
        order = {
            "request": {one.name: getattr(request, one.name) for one in dataclasses.fields(request) if one.name not in _NOT_SENT},
            "store": request.store.uri,
            "surroundings": dict(os.environ),
            "variables": {**workplace.variables, **own},
            "tracking": request.config.get("tracking", "auto"),
        }
        with writing(folder):
            (folder / "out").mkdir(parents=True, mode=0o700)
            folder.chmod(0o700)
            with os.fdopen(os.open(folder / _ORDER, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                pickler = pickle.Pickler(file)
                pickler.dispatch_table = {**copyreg.dispatch_table, MappingProxyType: _written}  # type: ignore[dict-item]  # a type with parameters is one
                pickler.dump(order)
            for name in (_TOLD, _RESULTS):
                (folder / name).touch(0o600)
        return cls.at(folder, request.project.root)

    @classmethod
    def at(cls, folder: Path, cwd: Path) -> Program:
        """Return the program whose order lies in a folder."""
        return cls((sys.executable, "-P", "-c", _START, _PACKAGE, str(folder)), cwd, folder)

    def hand_in(self, to: Path) -> None:
        """Move what the program has left into a run's private folder, and remove its own. May be called twice."""
        with contextlib.suppress(OSError):
            if (self.folder / "out").is_dir():
                shutil.rmtree(to / "out", ignore_errors=True)
                (self.folder / "out").rename(to / "out")
            for path in self.folder.iterdir():
                if path.suffix in {".ipynb", ".txt"} and path.is_file():
                    path.rename(to / path.name)
        shutil.rmtree(self.folder, ignore_errors=True)


def _written(view: MappingProxyType[object, object]) -> tuple[object, ...]:
    """Return how a read-only view of a mapping is made again: the one thing in an order that pickle has no word for."""
    return _read_only, (dict(view),)


def _read_only(values: dict[object, object]) -> MappingProxyType[object, object]:
    return MappingProxyType(values)  # by a name of its own: the type has none that can be imported


def _sweep(jobs: Path) -> None:
    for folder in jobs.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - (folder / _TOLD).stat().st_mtime > _AGED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


class Telling:
    """What a program has told so far, read while it is written.

    Parameters
    ----------
    program : Program
        The program.
    """

    def __init__(self, program: Program) -> None:
        self._folder = program.folder
        self._read = {_TOLD: 0, _RESULTS: 0}
        self.outcome: Outcome | None = None
        self.artifacts: dict[str, str] = {}
        """Files in the program's folder, by their path among the run's artifacts; known with the outcome."""

    @property
    def has_begun(self) -> bool:
        """Whether the program runs, or has run."""
        with contextlib.suppress(OSError):
            return (self._folder / _TOLD).stat().st_size > 0
        return False

    def events(self) -> Iterator[Event]:
        """Give what has been told since the last time."""
        for line in self._new(_TOLD):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                told = json.loads(line)
                if "outcome" in told:
                    self.artifacts = dict(told["artifacts"])
                    self.outcome = Outcome(**told["outcome"])
                else:
                    yield Event.from_dict(told)

    def results(self) -> list[object]:
        """Return what has been recorded since the last time."""
        found: list[object] = []
        for line in self._new(_RESULTS):
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError):
                found.append(line.decode("utf-8", "replace"))
        return found

    def _new(self, name: str) -> list[bytes]:
        try:
            with (self._folder / name).open("rb") as file:
                file.seek(self._read[name])
                whole, end, _rest = file.read().rpartition(b"\n")
        except OSError:
            return []
        self._read[name] += len(whole) + len(end)
        return [line for line in whole.split(b"\n") if line.strip()]


class _LateStore:
    """A store that is opened when somebody asks it for something: most programs never do, and MLflow takes seconds to import."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._store: Store | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a store has
        if self._store is None:
            from nbproj.tracking.mlflow_store import open_store

            self._store = open_store(self.uri)
        return getattr(self._store, name)


def main() -> int:
    """Carry the order in the folder that the command line names; return the exit code of the entry point."""
    folder = Path(sys.argv[1])
    try:
        order: dict[str, Any] = pickle.loads((folder / _ORDER).read_bytes())  # noqa: S301 - our own file, in a folder of which we alone are the reader
    except OSError as error:
        sys.stderr.write(f"nbproj: {folder / _ORDER}: {error.strerror}: the run is over, or this machine does not see the folder\n")
        return RunError.exit_code
    here = {name: value for name, value in os.environ.items() if name in _OF_THE_MACHINE}
    os.environ.update({**order["surroundings"], **here})
    # A job that a queue starts again begins from the beginning, behind what the first has told.
    with (folder / _TOLD).open("a", encoding="utf-8", buffering=1) as told, (folder / _RESULTS).open("a", encoding="utf-8", buffering=1) as kept:

        def tell(event: Event) -> None:
            told.write(f"{json.dumps(event.to_dict())}\n")

        def keep(entries: Sequence[object]) -> None:
            kept.writelines(f"{json.dumps(entry)}\n" for entry in entries)

        tell(Event("note", data={"pid": os.getpid()}))
        with Signals() as signals:
            artifacts: Mapping[str, Path] = {}
            try:
                store = cast("Store", _LateStore(order["store"]))
                request = RunRequest(**order["request"], store=store, progress=tell, config={"tracking": order["tracking"]}, sole=True)
                values = [*request.resolved.secrets.values(), *passwords_of(request)]
                redactor = Redactor.from_environment({**os.environ, **order["variables"]}, values)
                execution, outcome = carry_inside(
                    request, folder=folder, variables=order["variables"], redactor=redactor, results=keep, tell=tell, signals=signals
                )
                artifacts = execution.artifacts
            except NbprojError as error:
                outcome = Outcome(error.exit_code, str(error))
            except STOPS as stop:
                outcome = Outcome(stop.exit_code, "ended from outside", cancelled=True)
            except Exception as error:  # noqa: BLE001 - whoever waits for a word gets one
                outcome = Outcome(1, f"the program that carries the run failed: {type(error).__name__}: {error}")
            signals.hold()
            names = {name: path.name for name, path in artifacts.items() if path.parent == folder}
            told.write(f"{json.dumps({'outcome': dataclasses.asdict(outcome), 'artifacts': names})}\n")
    return outcome.exit_code
