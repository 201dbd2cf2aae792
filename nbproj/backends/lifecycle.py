"""The life of one run: created with its owner, followed to its end, settled in one place whatever happens.

Finished means that the store's status is terminal and the tag `nbproj.exit_code` is there: user code may end the MLflow run early, only the driver
knows how the process ended (docs/contract.md, section 7).
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbproj.backends.addresses import passwords_of, without_passwords
from nbproj.backends.backend import Carrier, RunRequest, Workplace
from nbproj.backends.harvest import collect
from nbproj.backends.heartbeat import Heartbeat
from nbproj.backends.metrics import MetricWatch, wants_metrics
from nbproj.backends.pursuit import follow
from nbproj.backends.recorder import Recorder
from nbproj.backends.variables import program_variables
from nbproj.errors import NbprojError, StoreError
from nbproj.execution.execution import Execution, Outcome
from nbproj.execution.process import Guard
from nbproj.execution.signals import STOPS, Signals
from nbproj.paths import writing
from nbproj.processes import ProcessIdentity
from nbproj.progress import Event, Progress
from nbproj.tracking.ledger import Entry, Ledger
from nbproj.tracking.location import variables as store_variables
from nbproj.tracking.owner import OWNER_TAG, Owner
from nbproj.tracking.redact import Redactor
from nbproj.tracking.settlement import runs_of
from nbproj.tracking.spool import Closing, Spool
from nbproj.tracking.store import TERMINAL, Status

__all__ = ["Settled", "carry"]

_TAG_LIMIT = 5000
_RESULTS = "results.jsonl"


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

    asked: bool = False
    run_id: str | None = None
    execution: Execution | None = None
    outcome: Outcome | None = None
    error: BaseException | None = None
    entry: Entry | None = None
    heartbeat: Heartbeat | None = None
    metrics: MetricWatch | None = None
    recorder: Recorder | None = None
    resources: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def end(self) -> None:
        """End what still runs."""
        if self.heartbeat is not None:
            self.heartbeat.stop()
        if self.metrics is not None:
            self.metrics.stop()
        if self.execution is not None and self.execution.outcome is None:
            self.execution.cancel()
        try:
            self.resources.close()
        except BaseException as error:  # noqa: BLE001 - the run is settled all the same, and the caller gets it afterwards
            self.fail(error)
        if self.recorder is not None:
            self.recorder.finish()

    def fail(self, error: BaseException) -> None:
        """Keep the first thing that went wrong."""
        self.error = self.error or error


def carry(request: RunRequest, backend: Carrier, guard: Guard, signals: Signals) -> Settled:
    """Carry a run from its creation to its settled end.

    Parameters
    ----------
    request : RunRequest
        Checked and resolved.
    backend : Carrier
        Prepares the entry point.
    guard : Guard
        Ends processes when the driver dies; started early by the caller, so that nobody waits for it here.
    signals : Signals
        In force. They are held back when this returns, so that the caller can clean up.

    Returns
    -------
    Settled
        The end. An interruption or a failed preparation stands in its `error`; the caller raises it after it has shown the end.

    Raises
    ------
    StoreError
        No run could be created.
    RunError
        The state folder cannot be written.
    """
    # What the program is told may hold a password: the store's address, and those of its parameters.
    variables = {**os.environ, **store_variables(request.store.uri)}
    redactor = Redactor.from_environment(variables, [*request.resolved.secrets.values(), *passwords_of(request)])
    life = _Life()
    signals.once()
    try:
        try:
            _live(request, backend, guard, signals, redactor, life)
            signals.hold()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the run is settled first and the caller gets it afterwards
            life.fail(error)
            signals.hold()
    except STOPS as stop:  # it came in the instant before signals were held back, and is the last that can
        life.fail(stop)
    request = dataclasses.replace(request, progress=_careful(request.progress, life))
    settled = _conclude(request, redactor, life)
    late = signals.take()
    if late is not None:  # the record is right already, the program still has to end
        life.fail(late)
    if settled is None:
        raise life.error or NbprojError("the run was not created")
    request.progress(Event("settled", data={"run_id": settled.run_id, "status": settled.status, "exit_code": settled.outcome.exit_code}))
    return dataclasses.replace(settled, error=life.error)


def _live(request: RunRequest, backend: Carrier, guard: Guard, signals: Signals, redactor: Redactor, life: _Life) -> None:
    """Go all the way until the entry point has ended; every step is noted in `life` before it can be interrupted."""
    owner = Owner(ProcessIdentity.of(), request.store.uri, run_id=request.run_id, sole=request.sole)
    ledger = Ledger.open(progress=request.progress)
    with signals.shielded(), writing(ledger.folder):
        entry = life.entry = ledger.enter(owner)
    request.progress(Event("creating"))
    tracked, tags = without_passwords(request)
    request = dataclasses.replace(request, tags=tags)
    given = {name: redactor.text(value) for name, value in tracked.items()}
    with signals.shielded(), writing(entry.folder):
        life.asked = True
        run_id, known = _create(request, owner, redactor, given)
        life.run_id = run_id
        entry.update(run_id=run_id)
    about = {"run_id": run_id, "store": request.store.label, "experiment_id": request.experiment_id}
    request.progress(Event("created", data={**about, "params": given}))
    params = _describe(request, run_id, given, known)

    def noted(**known: Any) -> None:  # noqa: ANN401 - as `Entry.update` has it
        with writing(entry.folder):
            entry.update(**known)

    with signals.shielded(), writing(entry.folder):
        life.recorder = Recorder(request.store, run_id, file=entry.folder / _RESULTS, mask=redactor.text, params=params)
    workplace = Workplace(
        folder=entry.folder,
        variables=program_variables(request, run_id, owner, entry.folder / _RESULTS),
        guard=guard,
        started=lambda group: noted(group=group),
        contained=lambda container: noted(container=container),
        submitted=lambda job: noted(job=job),
        mask=redactor.text,
        stream_mask=redactor.stream,
        hide=redactor.add,
        results=life.recorder.take,
        resources=life.resources,
    )
    life.execution = backend.submit(request, workplace)
    with signals.shielded():
        life.heartbeat = Heartbeat(request.store, run_id)
        life.execution.start()
    if wants_metrics(request.progress):
        life.metrics = MetricWatch(request.store, run_id, request.progress)
    life.outcome = follow(request, life.execution, redactor, signals, entry, life.metrics, life.recorder)
    request.progress(Event("ending"))
    collect(request, run_id, entry.folder, life.execution, redactor)


def _conclude(request: RunRequest, redactor: Redactor, life: _Life) -> Settled | None:
    """End and settle the run; no signal and no error of the caller's comes between. None when there is no run, or nobody took its end."""
    settled = None
    try:
        life.end()
        if life.run_id is None and life.entry is not None and life.asked:  # the store may have made a run and its answer been lost
            life.run_id = next(iter(runs_of(request.store, life.entry.owner.token)), None)
        if life.run_id is not None and life.entry is not None:
            if life.error is not None:
                with contextlib.suppress(Exception):  # the log of an interrupted run is kept if it can be
                    collect(request, life.run_id, life.entry.folder, life.execution, redactor)
            settled = _settle(request, life, redactor)
        if life.entry is not None:
            life.entry.close()
    except Exception as error:  # noqa: BLE001 - the entry stays, and the next command settles the run
        life.fail(error)
    return settled


def _careful(progress: Progress, life: _Life) -> Progress:
    """Return a listener whose own errors wait until the run is settled."""

    def tell(event: Event) -> None:
        try:
            progress(event)
        except BaseException as error:  # noqa: BLE001 - the caller gets it afterwards
            life.fail(error)

    return tell


_PLAIN = {"mlflow.source.type", "mlflow.source.git.commit", "mlflow.source.git.dirty", "mlflow.project.backend", "mlflow.project.env"}
_PLAIN |= {"mlflow.parentRunId", "nbproj.version", "nbproj.environment"}
"""Tags that hold words of our own. A short secret is no reason to make them unreadable."""


def _create(request: RunRequest, owner: Owner, redactor: Redactor, given: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """Create the run, or continue one; return its id and the parameters that are recorded already."""
    tags = {name: value if name in _PLAIN else redactor.text(value) for name, value in request.tags.items()}
    tags[OWNER_TAG] = owner.to_tag()
    if request.run_id is None:
        name = redactor.text(request.run_name) if request.run_name else None
        record = request.store.create_run(request.experiment_id, name=name, tags=tags, params=given)
        return record.run_id, {name: given[name] for name in record.params if name in given}
    # What an earlier driver said about the end would be believed if this one died.
    request.store.delete_tags(request.run_id, ["nbproj.exit_code", "nbproj.reason"])
    request.store.set_tags(request.run_id, tags)
    request.store.set_status(request.run_id, "RUNNING")
    return request.run_id, request.store.get_run(request.run_id).params


def _describe(request: RunRequest, run_id: str, given: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Record the parameters that are not known yet; return all."""
    new = {name: value for name, value in given.items() if name not in known}
    request.store.log_params(run_id, new)
    return {**known, **new}


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
        stored = request.store.get_status(run_id)
    status, outcome = _verdict(life, stored if stored in TERMINAL else "RUNNING")
    tags = {"nbproj.exit_code": str(outcome.exit_code)}
    if outcome.reason:
        tags["nbproj.reason"] = redactor.text(outcome.reason)[:_TAG_LIMIT]
    closing = Closing(request.store.uri, run_id, status, int(time.time() * 1000), tags)
    try:
        closing.apply(request.store)
    except StoreError as error:
        spool = Spool.open(progress=request.progress)
        with writing(spool.folder):
            spool.put(closing)
        request.progress(Event("note", f"the final status could not be stored ({error}); it is kept and sent with the next nbproj command"))
    return Settled(run_id, status, outcome, life.error)
