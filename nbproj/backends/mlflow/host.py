"""The process that hosts a backend of MLflow: asks it to run the project, waits, and ends what it has started when this process is to end."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbproj.errors import NbprojError, one_line

__all__ = ["ORDER", "OTHER_TAG", "WORD", "main"]

ORDER: Final = "mlflow-order.json"
WORD: Final = "mlflow-word.json"
OTHER_TAG: Final = "nbproj.mlflow.run_id"
"""On our run: the run that the plug-in has made for itself, where its program logs."""
_PREPARING: Final = 121


class _PluginError(NbprojError):
    """A plug-in does not do what MLflow's own documentation asks of it."""

    exit_code = _PREPARING


@dataclass(frozen=True, slots=True)
class _Plugin:
    name: str
    package: str

    def __str__(self) -> str:
        return f"backend {self.name!r} ({self.package})"

    def failure(self, what: str, error: BaseException) -> _PluginError:
        return _PluginError(f"{self} {what}: {type(error).__name__}: {error}")

    def load(self) -> Any:  # noqa: ANN401 - it may be anything
        from importlib.metadata import entry_points

        from nbproj.backends.registry import MLFLOW_GROUP

        points = [point for point in entry_points(group=MLFLOW_GROUP) if point.name == self.name]
        if not points:
            msg = f"{self} is not installed any more"
            raise _PluginError(msg)
        try:
            backend = points[0].load()()
        except ModuleNotFoundError as error:
            msg = f"{self} cannot be loaded, it needs the module {error.name}: pip install {str(error.name).partition('.')[0]}"
            raise _PluginError(msg) from error
        except Exception as error:
            what = "cannot be loaded"
            raise self.failure(what, error) from error
        if not callable(getattr(backend, "run", None)):
            msg = f"{self} is no backend of MLflow: {type(backend).__name__} has no method run"
            raise _PluginError(msg)
        return backend

    def submitted(self, order: Mapping[str, Any]) -> Any:  # noqa: ANN401 - it may be anything
        words = ("project_uri", "entry_point", "params", "backend_config", "tracking_uri", "experiment_id")
        try:
            # What was fetched is what runs: a folder, at the version that is recorded.
            submitted = self.load().run(**{name: order[name] for name in words}, version=None)
        except NbprojError:
            raise
        except Exception as error:
            what = "failed to submit the run"
            raise self.failure(what, error) from error
        missing = [name for name in ("wait", "cancel") if not callable(getattr(submitted, name, None))]
        if missing:
            msg = f"{self} returned a {type(submitted).__name__} without {' and '.join(missing)}, where MLflow asks for a SubmittedRun"
            raise _PluginError(msg)
        return submitted

    def end_of(self, submitted: Any) -> bool:  # noqa: ANN401 - as above
        """Wait for the end; return whether it was a good one."""
        try:
            ended = submitted.wait()
            if isinstance(ended, bool):
                return ended
            return str(submitted.get_status()).rpartition(".")[2] in {"FINISHED", "3"}  # 3 is MLflow's number for it
        except Exception as error:
            what = "failed while its run was waited for"
            raise self.failure(what, error) from error


def main() -> int:
    """Carry the order in the folder that the command line names; return the exit code of the run."""
    from nbproj.execution.signals import STOPS, Signals

    folder = Path(sys.argv[1])
    order: dict[str, Any] = json.loads((folder / ORDER).read_text(encoding="utf-8"))
    plugin = _Plugin(order["name"], order["package"])
    code, reason = 0, ""
    with Signals() as signals:
        submitted, ending, goes_on = None, "KILLED", True
        try:
            submitted = plugin.submitted(order)
            _link(order, submitted)
            ending = "FINISHED" if plugin.end_of(submitted) else "FAILED"
            goes_on = False
            if ending == "FAILED":
                code, reason = 1, f"{plugin} says that the run has failed: what it printed, and its own run, may say why"
        except NbprojError as error:
            code, reason, ending = error.exit_code, str(error), "FAILED"
        except STOPS as stop:
            code, reason = stop.exit_code, "ended from outside"
        if submitted is not None and goes_on:
            with contextlib.suppress(Exception):  # a run that has ended by itself may refuse that
                submitted.cancel()
        signals.hold()
        if submitted is not None:
            _bring(order, submitted, ending)
    beside = folder / f".{WORD}"
    beside.write_text(json.dumps({"exit_code": code, "reason": one_line(reason)}), encoding="utf-8")
    beside.replace(folder / WORD)
    return code


def _other(order: Mapping[str, Any], submitted: object) -> str | None:
    """Return the run that the plug-in has made for itself; None where it runs in ours, or in none."""
    try:
        run_id = getattr(submitted, "run_id", None)
    except Exception:  # noqa: BLE001 - a property of the plug-in's
        return None
    return run_id if isinstance(run_id, str) and run_id != order["run_id"] else None


def _link(order: Mapping[str, Any], submitted: object) -> None:
    """Make the plug-in's own run a child of ours, so that each leads to the other."""
    other = _other(order, submitted)
    if other is None:
        return
    from nbproj.tracking.mlflow_store import open_store

    try:
        store = open_store(order["tracking_uri"], create=False)
        store.set_tags(order["run_id"], {OTHER_TAG: other})
        store.set_tags(other, {"mlflow.parentRunId": order["run_id"]})
    except NbprojError as error:
        _note(f"run {other[:8]} of {order['name']} could not be linked: {error}")


def _bring(order: Mapping[str, Any], submitted: object, ending: str) -> None:
    """Bring the last values of the other run's metrics into ours, and close that run where the plug-in has not."""
    other = _other(order, submitted)
    if other is None:
        return
    from nbproj.tracking.mlflow_store import open_store
    from nbproj.tracking.store import TERMINAL

    try:
        store = open_store(order["tracking_uri"], create=False)
        record = store.get_run(other)
        if record.status not in TERMINAL:
            store.set_status(other, "FINISHED" if ending == "FINISHED" else "KILLED" if ending == "KILLED" else "FAILED")
        with Path(os.environ["NBPROJ_RESULTS_FILE"]).open("a", encoding="utf-8") as results:
            results.writelines(f"{json.dumps({'metric': name, 'value': _plain(value)})}\n" for name, value in record.metrics.items())
    except (NbprojError, OSError) as error:
        _note(f"what run {other[:8]} of {order['name']} has logged could not be brought: {error}")


def _plain(value: float) -> float | str:
    return value if value - value == 0 else str(value)  # JSON has no word for NaN and infinities


def _note(text: str) -> None:
    sys.stderr.write(f"note: {one_line(text)}\n")
