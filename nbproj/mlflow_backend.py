"""A front door of MLflow's: `mlflow run -b nbproj`. It parses, starts the run in a driver of its own, and shows how it goes on.

Nothing of MLflow is imported here: MLflow has loaded itself before it asks, and asks for no class of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

from nbproj.errors import NbprojError, UsageError, suggestion

if TYPE_CHECKING:
    from nbproj.record import Run
    from nbproj.tracking.store import Status

__all__ = ["NbprojBackend", "SubmittedRun"]

_OPTIONS: Final = (
    "allow_errors",
    "as_notebook",
    "backend",
    "backend_config",
    "build_image",
    "docker_auth",
    "env_manager",
    "html",
    "kernel",
    "locked",
    "reuse",
    "run_id",
    "run_name",
    "tags",
    "timeout",
)
"""Of `nbproj.run`, by the same names, in the backend's configuration."""
_MLFLOWS: Final = {"ENV_MANAGER": "env_manager", "STORAGE_DIR": "storage_dir", "DOCKER_ARGS": "docker_args"}

_INTERRUPTED: Final = 130
_KILLED: Final = (129, _INTERRUPTED, 143)


class NbprojBackend:
    """What the entry point `nbproj` of the group `mlflow.project_backend` names."""

    def run(
        self,
        project_uri: str,
        entry_point: str,
        params: Mapping[str, object] | None,
        version: str | None,
        backend_config: Mapping[str, Any] | None,
        tracking_uri: str | None,
        experiment_id: str | None,
    ) -> SubmittedRun:
        """Start a run and return it; for the command line of MLflow, which waits for no plug-in, see to it that it waits.

        Parameters
        ----------
        project_uri, entry_point, params, version
            As `mlflow run` was given them; the project may be anything that `nbproj run` takes, notebooks too.
        backend_config : mapping
            Options of `nbproj.run` by name, beside what MLflow puts there.
        tracking_uri, experiment_id : str
            Where it is recorded.

        Raises
        ------
        mlflow.exceptions.ExecutionException
            There is no run; the message says why in one line.
        SystemExit
            The same on the command line, with our exit code.
        """
        from nbproj.order import Order
        from nbproj.runner import carry_out

        try:
            options = _options(dict(backend_config or {}))
            order = Order.called(
                project_uri,
                entry_point,
                version=version,
                parameters=params,
                tracking_uri=tracking_uri,
                experiment_id=experiment_id,
                synchronous=False,
                **options,
            )
            submitted = SubmittedRun(carry_out(order, _show))
        except NbprojError as error:
            _refuse(error)
        context = _command_line()
        if context is not None:  # at its end MLflow has written what it writes about a run: its name, its backend
            context.call_on_close(submitted.finish)
        return submitted


class SubmittedRun:
    """A run as MLflow waits for it.

    Parameters
    ----------
    run : Run
        One that has begun; it is carried by a driver of its own.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def run_id(self) -> str:
        """Its id, in the store that MLflow named."""
        return self._run.run_id

    def wait(self) -> bool:
        """Show what it prints until it has ended; return whether it finished well."""
        from nbproj.following import follow

        for event in follow(self._run):
            _show(event)
        self._repair()
        return self._run.status == "FINISHED"

    def _repair(self) -> None:
        """Write the status of a run that has ended once more, where MLflow has written over it.

        To set the name of a run MLflow reads its status, and writes back what it has read: also when the run has ended in between.
        """
        from nbproj.runner import open_default_store
        from nbproj.tracking.store import TERMINAL

        code = self._run.exit_code
        if code is not None and self._run.status not in TERMINAL:
            status: Status = "FINISHED" if code == 0 else "KILLED" if code in _KILLED else "FAILED"
            open_default_store(self._run.store_uri).set_status(self._run.run_id, status)

    def get_status(self) -> str:
        """Return its status in MLflow's words."""
        return self._run.status

    def cancel(self) -> None:
        """End it, and return when it is settled."""
        self._run.cancel()
        self._repair()

    def finish(self) -> None:
        """Wait, and end the process with the run's own exit code. A signal ends the run first, also one that MLflow was given before."""
        from nbproj.execution.signals import STOPS, Signals

        stopped = sys.exc_info()[1]
        if stopped is not None and not isinstance(stopped, Exception):  # on its way out: click calls this for every end
            self.cancel()
            if isinstance(stopped, KeyboardInterrupt):
                sys.exit(_INTERRUPTED)
            return
        with Signals() as signals:
            try:
                self.wait()
            except STOPS as stop:
                signals.hold()
                self.cancel()
                sys.exit(stop.exit_code)
        code = self._run.exit_code
        sys.exit(code if code is not None else 1)


def _options(config: dict[str, Any]) -> dict[str, Any]:
    """Return what a configuration asks for, in the words of `nbproj.run`.

    Raises
    ------
    UsageError
        It holds a word that is not known.
    """
    config.pop("SYNCHRONOUS", None)
    given = {_MLFLOWS.get(name, name): value for name, value in config.items() if name not in _MLFLOWS}
    given |= {ours: config[theirs] for theirs, ours in _MLFLOWS.items() if config.get(theirs)}
    if given.get("build_image") is False:  # what MLflow says when nobody has asked
        del given["build_image"]
    known = {*_OPTIONS, *_MLFLOWS.values()}
    odd = next((name for name in given if name not in known), None)
    if odd is not None:
        msg = f"backend configuration: {odd!r} is no option of nbproj.{suggestion(odd, _OPTIONS)} Known: {', '.join(_OPTIONS)}"
        raise UsageError(msg)
    return {name: value for name, value in given.items() if value is not None}


def _show(event: Any) -> None:  # noqa: ANN401 - an Event, whose module need not be imported for it
    if event.step == "output":
        sys.stdout.write(event.text)
        sys.stdout.flush()
    elif event.step == "note":
        sys.stderr.write(f"note: {event.text}\n")


def _command_line() -> Any:  # noqa: ANN401 - a context of click
    """Return the context of MLflow's own command line; None for a call from Python, which says itself whether it waits."""
    import click

    context = click.get_current_context(silent=True)
    callback = getattr(context.command, "callback", None) if context is not None else None
    return context if str(getattr(callback, "__module__", "")).split(".")[:2] == ["mlflow", "cli"] else None


def _refuse(error: NbprojError) -> NoReturn:
    if _command_line() is not None:
        sys.stderr.write(f"nbproj: {error}\n{f'{error.hint}{chr(10)}' if error.hint else ''}")
        sys.exit(error.exit_code)
    from mlflow.exceptions import ExecutionException

    raise ExecutionException(str(error)) from error
