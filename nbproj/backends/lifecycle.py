"""The life of one run: created with its owner, followed to its end, settled in one place whatever happens.

Finished means that the store's status is terminal and the tag `nbproj.exit_code` is there: user code may end the MLflow run early, only the driver
knows how the process ended (docs/contract.md, section 7).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from nbproj.backends.backend import Backend, RunRequest, Workplace
from nbproj.errors import NbprojError, StoreError
from nbproj.execution.execution import Execution, Outcome
from nbproj.execution.process import Guard
from nbproj.execution.signals import STOPS, Signals
from nbproj.processes import ProcessIdentity, end_group
from nbproj.progress import Event
from nbproj.tracking.location import variables as store_variables
from nbproj.tracking.ownership import OWNER_TAG, TOKEN_VARIABLE, Entry, Ledger, Owner
from nbproj.tracking.redact import Redactor
from nbproj.tracking.settlement import HEARTBEAT_SECONDS, heartbeat
from nbproj.tracking.spool import Closing, Spool
from nbproj.tracking.store import TERMINAL, Status

__all__ = ["Settled", "carry"]

TIMEOUT_CODE = 124
_TAG_LIMIT = 5000


@dataclass(frozen=True, slots=True)
class Settled:
    """How a run ended, as the store holds it.

    Parameters
    ----------
    run_id : str
        The run.
    status : str
        A terminal status.
    outcome : Outcome
        How its entry point ended.
    error : BaseException, optional
        What ended it from outside: an interruption, an environment that could not be had.
    """

    run_id: str
    status: Status
    outcome: Outcome
    error: BaseException | None = None


@dataclass(slots=True)
class _Life:
    """What is known of the run so far; every step adds to it, and settling reads it."""

    run_id: str | None = None
    execution: Execution | None = None
    outcome: Outcome | None = None
    error: BaseException | None = None
    folder: Path = field(default_factory=Path)
    groups: list[int] = field(default_factory=list)

    def started(self, entry: Entry) -> Callable[[int], None]:
        """Return what records a process group before its program starts."""

        def record(group: int) -> None:
            self.groups.append(group)
            entry.update(group=group)

        return record

    def end(self) -> None:
        """End what still runs, also an execution that an interruption kept from our hands."""
        if self.execution is None:
            for group in self.groups:
                end_group(group)
        elif self.execution.outcome is None:
            self.execution.cancel()


class _Heartbeat:
    """Tells the store now and then that the driver lives, so that other hosts can see a lost run."""

    def __init__(self, request: RunRequest, run_id: str) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, args=(request, run_id), name="nbproj-heartbeat", daemon=True)
        self._thread.start()

    def _beat(self, request: RunRequest, run_id: str) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(StoreError):  # a store that is away for a while harms nobody
                heartbeat(request.store, run_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()


def carry(request: RunRequest, backend: Backend) -> Settled:
    """Carry a run from its creation to its settled end.

    Parameters
    ----------
    request : RunRequest
        Checked and resolved.
    backend : Backend
        Starts the entry point.

    Returns
    -------
    Settled
        The end. An interruption or a failed preparation stands in its `error`; the caller raises it after it has shown the end.

    Raises
    ------
    StoreError
        No run could be created.
    """
    redactor = Redactor.from_environment(os.environ, request.resolved.secrets.values())
    owner = Owner(ProcessIdentity.of(), request.store.uri)
    life = _Life()
    with Signals() as signals, Guard() as guard:
        entry = Ledger.open(progress=request.progress).enter(owner)
        life.folder = entry.folder
        try:
            request.progress(Event("creating"))
            with signals.shielded():
                life.run_id = _create(request, owner)
                entry.update(run_id=life.run_id)
            request.progress(Event("created", data={"run_id": life.run_id, "store": request.store.label, "experiment_id": request.experiment_id}))
            _describe(request, life.run_id, redactor)
            workplace = Workplace(
                folder=entry.folder,
                variables=_variables(request, life.run_id, owner, entry.folder),
                guard=guard,
                started=life.started(entry),
                mask=redactor.text,
                stream_mask=redactor.stream,
            )
            with _Heartbeat(request, life.run_id):
                life.execution = backend.submit(request, workplace)
                life.outcome = _follow(request, life.execution, redactor)
            request.progress(Event("ending"))
            _collect(request, life, redactor)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the run is settled first and the caller gets it afterwards
            life.error = error
        settled: Settled | None = None
        with _late(life), signals.shielded():
            life.end()
            if life.run_id is not None:
                if life.error is not None:
                    with contextlib.suppress(Exception):  # the log of an interrupted run is kept if it can be
                        _collect(request, life, redactor)
                settled = _settle(request, life, redactor)
            entry.close()
        if settled is None:
            raise life.error or NbprojError("the run was not created")
        request.progress(Event("settled", data={"run_id": settled.run_id, "status": settled.status, "exit_code": settled.outcome.exit_code}))
        return Settled(settled.run_id, settled.status, settled.outcome, life.error)


@contextlib.contextmanager
def _late(life: _Life) -> Iterator[None]:
    """Keep a signal that came while the run was being settled: the record is right already, the program still has to end."""
    try:
        yield
    except STOPS as stop:
        life.error = life.error or stop


def _create(request: RunRequest, owner: Owner) -> str:
    tags = {**request.tags, OWNER_TAG: owner.to_tag()}
    if request.run_id is None:
        return request.store.create_run(request.experiment_id, name=request.run_name, tags=tags).run_id
    request.store.set_tags(request.run_id, tags)
    request.store.set_status(request.run_id, "RUNNING")
    return request.run_id


def _describe(request: RunRequest, run_id: str, redactor: Redactor) -> None:
    known: dict[str, str] = dict(request.store.get_run(run_id).params) if request.run_id is not None else {}
    given = {**request.resolved.tracked, **request.resolved.extra}
    request.store.log_params(run_id, {name: redactor.text(value) for name, value in given.items() if name not in known})


def _variables(request: RunRequest, run_id: str, owner: Owner, folder: Path) -> dict[str, str]:
    return {
        **store_variables(request.store.uri),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_EXPERIMENT_ID": request.experiment_id,
        "MLFLOW_RUN_ID": run_id,
        "NBPROJ_ANCESTRY": _ancestry(request, run_id),
        "NBPROJ_OUTPUT_DIR": str(folder / "out"),
        TOKEN_VARIABLE: owner.token,
        "PYTHONUNBUFFERED": "1",
        **request.resolved.secrets,
    }


def _ancestry(request: RunRequest, run_id: str) -> str:
    above = json.loads(os.environ.get("NBPROJ_ANCESTRY") or "[]")
    return json.dumps([*above, {"key": request.ancestry, "run_id": run_id}])


def _follow(request: RunRequest, execution: Execution, redactor: Redactor) -> Outcome:
    deadline = None if request.timeout is None else time.monotonic() + request.timeout
    while True:
        wait = 1.0 if deadline is None else min(1.0, deadline - time.monotonic())
        event = execution.next(wait)
        if event is not None:
            request.progress(event)
        outcome = execution.outcome
        if outcome is not None:
            return Outcome(
                outcome.exit_code,
                redactor.text(outcome.reason),
                outcome.cancelled,
                outcome.cell,
                redactor.text(outcome.source),
                redactor.text(outcome.trace),
            )
        if deadline is not None and time.monotonic() >= deadline:
            execution.cancel()
            return Outcome(TIMEOUT_CODE, f"timeout after {request.timeout:g} s")


def _collect(request: RunRequest, life: _Life, redactor: Redactor) -> None:
    """Hand what the run leaves to the store. What cannot be stored is said, and does not change how the run ended."""
    output = life.folder / "out"
    files = {str(path.relative_to(output)): path for path in sorted(output.rglob("*")) if path.is_file() and not path.is_symlink()}
    for name in ("output.log", "environment.txt"):
        if (life.folder / name).exists():
            files[f"run/{name}"] = life.folder / name
    if request.checkout.difference:
        difference = life.folder / "changes.diff"
        difference.write_bytes(redactor.text(request.checkout.difference.decode("utf-8", "replace")).encode())
        files["run/changes.diff"] = difference
    if life.execution is not None:
        files.update({name: path for name, path in life.execution.artifacts.items() if path.exists()})
    try:
        request.store.log_artifacts(str(life.run_id), files)
    except StoreError as error:
        request.progress(Event("note", f"artifacts could not be stored: {error}"))
    if request.output is not None and life.execution is not None:
        _copy_notebook(request, life.execution)


def _copy_notebook(request: RunRequest, execution: Execution) -> None:
    for path in execution.artifacts.values():
        if path.suffix == ".ipynb" and path.exists() and request.output is not None:
            beside = request.output.with_name(f".{request.output.name}.{os.getpid()}")
            try:
                shutil.copyfile(path, beside)
                beside.replace(request.output)
            except OSError as error:
                beside.unlink(missing_ok=True)
                request.progress(Event("note", f"{request.output}: the executed notebook could not be written: {error.strerror}"))


def _verdict(life: _Life, stored: str) -> tuple[Status, Outcome]:
    """Return the final status: user code's own terminal status stands if the process agrees with it."""
    if isinstance(life.error, (*STOPS, KeyboardInterrupt)):
        code = getattr(life.error, "exit_code", 130)
        return "KILLED", Outcome(code, "interrupted" if code == STOPS[0].exit_code else "terminated", cancelled=True)
    if life.error is not None and life.outcome is None:
        code = life.error.exit_code if isinstance(life.error, NbprojError) else 1
        return "FAILED", Outcome(code, str(life.error) or type(life.error).__name__)
    outcome = life.outcome or Outcome(1, "the run did not end")
    if outcome.cancelled:
        return "KILLED", outcome
    if outcome.exit_code:
        return "FAILED", outcome
    if stored in {"FAILED", "KILLED"}:
        return ("FAILED" if stored == "FAILED" else "KILLED"), Outcome(1, f"the program itself set the status {stored}")
    return "FINISHED", outcome


def _settle(request: RunRequest, life: _Life, redactor: Redactor) -> Settled:
    run_id = str(life.run_id)
    stored = "RUNNING"
    with contextlib.suppress(StoreError):
        stored = request.store.get_run(run_id).status
    status, outcome = _verdict(life, stored if stored in TERMINAL else "RUNNING")
    tags = {"nbproj.exit_code": str(outcome.exit_code)}
    if outcome.reason:
        tags["nbproj.reason"] = redactor.text(outcome.reason)[:_TAG_LIMIT]
    closing = Closing(request.store.uri, run_id, status, int(time.time() * 1000), tags)
    try:
        closing.apply(request.store)
    except StoreError as error:
        Spool.open(progress=request.progress).put(closing)
        request.progress(Event("note", f"the final status could not be stored ({error}); it is kept and sent with the next nbproj command"))
    return Settled(run_id, status, outcome, life.error)
