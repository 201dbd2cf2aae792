"""Backends that others have written: what they are asked, and what becomes of an answer that is none.

A plug-in may raise, hang or return nonsense. Whatever it does becomes one line that names it, and a run that is settled.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from nbproj.backends.backend import Backend, Rejoined, RunRequest, Workplace
from nbproj.errors import BackendError, NbprojError
from nbproj.execution.execution import Execution, Mask, Outcome
from nbproj.execution.threaded import ThreadedExecution
from nbproj.progress import Event
from nbproj.project.model import EntryPoint, EnvironmentSpec
from nbproj.tracking.redact import Redactor, secrets_of

__all__ = ["ForeignBackend", "ForeignExecution"]

_LOOK_SECONDS: Final = 0.2
_OWN_WAY_SECONDS: Final = 5.0
"""How long a plug-in may stay in one call when the run is to end, before it is asked to cancel from another thread."""
_CANCEL_SECONDS: Final = 60.0
_PREPARING: Final = 121
"""The exit code of a run that its backend could not begin or follow."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Origin:
    """Whose plug-in it is: what every complaint names."""

    name: str
    package: str

    def __str__(self) -> str:
        return f"backend {self.name!r} ({self.package})"

    def complaint(self, what: str, code: int = BackendError.exit_code, mask: Mask = str) -> BackendError:
        error = BackendError(mask(f"{self} {what}"), hint="This is a mistake of that package, not of the project: tell its authors, or leave -b out")
        error.exit_code = code
        return error

    @contextlib.contextmanager
    def asked(self, method: str, code: int = BackendError.exit_code, mask: Mask = str) -> Iterator[None]:
        """Turn what a plug-in raises into one line; what it raises for the user passes, masked."""
        try:
            yield
        except NbprojError as error:
            told = type(error)(mask(error.message), place=error.place, hint=mask(error.hint))
            told.exit_code = error.exit_code
            raise told from error
        except Exception as error:
            msg = f"failed in {method}: {type(error).__name__}: {error}"
            raise self.complaint(msg, code, mask) from error


class ForeignBackend:
    """A backend of another package, whose every answer is looked at.

    Parameters
    ----------
    name : str
        Its name among the entry points.
    package : str
        The package that brings it, and its version.
    backend : object
        What its entry point made.

    Raises
    ------
    BackendError
        It is no backend: a method is missing.
    """

    def __init__(self, name: str, package: str, backend: Any) -> None:  # noqa: ANN401 - it may be anything
        self.name = name
        self._origin = _Origin(name, package)
        missing = [method for method in ("check", "check_store", "submit") if not callable(getattr(backend, method, None))]
        if missing:
            msg = f"is no backend: a {type(backend).__name__} without {', '.join(missing)}. docs/backends.md says what one has"
            raise self._origin.complaint(msg)
        self._backend: Backend = backend

    def check(self, entry_point: EntryPoint, environment: EnvironmentSpec, config: Mapping[str, object]) -> None:
        """Ask it."""
        texts = {name: value for name, value in config.items() if isinstance(value, str)}
        with self._origin.asked("check", mask=Redactor.from_environment(os.environ, secrets_of(texts)).text):
            self._backend.check(entry_point, environment, dict(config))

    def check_store(self, uri: str) -> None:
        """Ask it."""
        with self._origin.asked("check_store", mask=Redactor.from_environment({**os.environ, "MLFLOW_TRACKING_URI": uri}, ()).text):
            self._backend.check_store(uri)

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        """Ask it; what is no execution ends the run."""
        return self._submitted(self._backend, request, workplace)

    def rejoined(self, job: str, folder: Path) -> Rejoined:
        """Ask it for what follows a job of its own."""
        take_up = getattr(self._backend, "rejoined", None)
        if not callable(take_up):
            msg = f"{self._origin} takes up no jobs"
            raise TypeError(msg)
        with self._origin.asked("rejoined", _PREPARING):
            return _ForeignRejoined(self, take_up(str(json.loads(job)["job"]), folder))

    def _submitted(self, carrier: Any, request: RunRequest, workplace: Workplace) -> Execution:  # noqa: ANN401 - as above
        takes_up = callable(getattr(self._backend, "rejoined", None))

        def submitted(job: str) -> None:
            # Without anybody to take it up, a run whose driver died is settled as ended: what its plug-in says of a job would keep it open for ever.
            if takes_up:
                workplace.submitted(json.dumps({"backend": self.name, "job": str(job)}))

        with self._origin.asked("submit", _PREPARING, workplace.mask):
            execution = carrier.submit(request, dataclasses.replace(workplace, submitted=submitted))
        missing = [name for name in ("start", "next", "cancel") if not callable(getattr(execution, name, None))]
        missing += [
            name for name in ("outcome", "artifacts") if not hasattr(type(execution), name) and name not in getattr(execution, "__dict__", {})
        ]
        if missing:
            msg = f"returned no execution from submit: {type(execution).__name__} is without {', '.join(missing)}"
            raise self._origin.complaint(msg, _PREPARING)
        return ForeignExecution(execution, self._origin.name, self._origin.package, workplace.mask)

    def look_at(self, rejoined: Any) -> None:  # noqa: ANN401 - as above
        """Ask whether a job can be taken up now."""
        with self._origin.asked("look", _PREPARING):
            rejoined.look()

    def submit_with(self, rejoined: Any, request: RunRequest, workplace: Workplace) -> Execution:  # noqa: ANN401 - as above
        """Ask who follows a job for the execution."""
        return self._submitted(rejoined, request, workplace)


class _ForeignRejoined:
    """A job of a foreign backend, taken up."""

    def __init__(self, backend: ForeignBackend, rejoined: object) -> None:
        self._backend, self._rejoined = backend, rejoined

    def look(self) -> None:
        self._backend.look_at(self._rejoined)

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        return self._backend.submit_with(self._rejoined, request, workplace)


class ForeignExecution(ThreadedExecution):
    """An execution of another package, called by one thread: one that hangs keeps neither a timeout nor Ctrl-C from their work.

    Parameters
    ----------
    execution : Execution
        What `submit` returned.
    name, package : str
        Whose it is.
    mask : callable
        Applied to what it raises.
    """

    def __init__(self, execution: Execution, name: str, package: str, mask: Mask) -> None:
        super().__init__()
        self._execution, self._mask = execution, mask
        self._origin = _Origin(name, package)
        self._cancelled = threading.Event()
        self._settled = threading.Event()
        self._ending = threading.Lock()
        self._asked_to_cancel = False

    @property
    def artifacts(self) -> dict[str, Path]:
        """What it leaves, as far as it is what an execution may say; never an error, since the run has ended by then."""
        try:
            return {str(name): Path(path) for name, path in dict(self._execution.artifacts).items()}
        except Exception:  # noqa: BLE001 - whatever it is, nothing can be kept of it
            return {}

    def start(self) -> None:
        """Start the thread that starts it."""
        self._begin(self._origin.name, self._work)

    def cancel(self) -> None:
        """End it: in its own thread; when that hangs in another call, from here. Returns after a minute, whatever it does."""
        self._cancelled.set()
        self._inbox.drain()
        if self._thread is None:
            return
        if not self._settled.wait(_OWN_WAY_SECONDS) and not self._asked_to_cancel:
            threading.Thread(target=self._end, name=f"nbproj-{self._origin.name}-end", daemon=True).start()
        self._settled.wait(_CANCEL_SECONDS)

    def _end(self) -> None:
        with self._ending:
            if not self._asked_to_cancel:
                self._asked_to_cancel = True
                with contextlib.suppress(Exception):  # the run is settled as cancelled, whatever a plug-in says to that
                    self._execution.cancel()
                self._settled.set()

    def _work(self) -> None:
        try:
            self._outcome = self._carried()
        except NbprojError as error:
            self._outcome = Outcome(error.exit_code, str(error))
            self._end()
        except BaseException as error:  # noqa: BLE001 - a plug-in may call sys.exit: its thread ends, the run with it
            self._outcome = Outcome(_PREPARING, str(self._origin.complaint(f"failed: {type(error).__name__}: {error}", mask=self._mask)))
            self._end()
        if self._cancelled.is_set():
            self._outcome = Outcome(143, "cancelled", cancelled=True)
        self._settled.set()
        self._inbox.close()

    def _carried(self) -> Outcome:
        if self._cancelled.is_set():
            return Outcome(143, "cancelled", cancelled=True)
        with self._origin.asked("start", _PREPARING, self._mask):
            self._execution.start()
        while not self._cancelled.is_set():
            before = time.monotonic()
            with self._origin.asked("next", _PREPARING, self._mask):
                event: Any = self._execution.next(_LOOK_SECONDS)
            if isinstance(event, Event):
                self._inbox.put(event)
            elif event is not None:
                msg = f"returned a {type(event).__name__} from next, which is for events"
                raise self._origin.complaint(msg, _PREPARING)
            with self._origin.asked("outcome", _PREPARING, self._mask):
                outcome: Any = self._execution.outcome
            if outcome is not None:
                return self._judged(outcome)
            if event is None and time.monotonic() - before < _LOOK_SECONDS / 2:  # it does not wait itself
                self._cancelled.wait(_LOOK_SECONDS / 2)
        self._end()
        return Outcome(143, "cancelled", cancelled=True)

    def _judged(self, outcome: Any) -> Outcome:  # noqa: ANN401 - it may be anything
        if isinstance(outcome, Outcome) and isinstance(outcome.exit_code, int) and isinstance(outcome.reason, str):
            return outcome
        shown = f"an exit code of {outcome.exit_code!r}" if isinstance(outcome, Outcome) else f"a {type(outcome).__name__}"
        msg = f"gave {shown} as the outcome of the run"
        raise self._origin.complaint(msg, _PREPARING)
