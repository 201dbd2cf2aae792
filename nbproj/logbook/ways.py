"""The ways that what is written down may go: to the driver of the run, to MLflow, or, where there is no run, before the reader's eyes."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["mlflow_run", "not_recorded", "send"]

Entry: TypeAlias = "dict[str, Any]"

_CHANNEL = "_nbproj_channel"
"""The module that a driver has put into the kernel that it speaks to, and into no other."""
_SHOWN = 8
_unrecorded: dict[str, list[Any]] = {}
"""What could not be recorded since that was last said: text of the latest value, and how many there were, by name."""


def send(entries: list[Entry]) -> None:
    """Say it to the driver of the run, else to MLflow, else to the reader."""
    if not entries:
        return
    channel: Any = sys.modules.get(_CHANNEL)
    if channel is not None and channel.send(entries):
        return
    file = os.environ.get("NBPROJ_RESULTS_FILE")
    if file and _append(file, entries):
        return
    run = mlflow_run()
    if run is None:
        for entry in entries:
            not_recorded(str(entry.get("metric") or entry.get("param") or entry.get("tag")), entry["value"])
        return
    from mlflow.entities import Metric, Param, RunTag

    client, run_id = run
    client.log_batch(
        run_id,
        metrics=[Metric(one["metric"], float(one["value"]), one["time"], one["step"]) for one in entries if "metric" in one],
        params=[Param(one["param"], one["value"]) for one in entries if "param" in one],
        tags=[RunTag(one["tag"], one["value"]) for one in entries if "tag" in one],
    )


def _append(file: str, entries: list[Entry]) -> bool:
    """Add lines to the file that the driver reads, in one piece: several processes may write at once."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
    except OSError:  # a run that has ended, or one of another machine
        return False
    try:
        os.write(descriptor, "".join(json.dumps(entry) + "\n" for entry in entries).encode())
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def mlflow_run() -> tuple[Any, str] | None:
    """Return a client of MLflow and the run that is active for this process."""
    run_id = os.environ.get("MLFLOW_RUN_ID")
    if not run_id and "mlflow" not in sys.modules:
        return None
    try:
        import mlflow
    except ImportError:
        return None
    active = mlflow.active_run()
    run_id = active.info.run_id if active is not None else run_id
    return (mlflow.MlflowClient(), run_id) if run_id else None


def not_recorded(name: str, value: object) -> None:
    """Remember what has no run to go to; it is said once, when the cell or the program ends."""
    if not _unrecorded:
        shell = _shell()
        if shell is not None:
            shell.events.register("post_run_cell", _tell)
        else:
            import atexit

            atexit.register(_tell)
    known = _unrecorded.setdefault(name, ["", 0])
    known[0] = f"{name} = {value:.6g}" if isinstance(value, float) else f"{name} = {value}"[:80] if value != "" else name
    known[1] += 1


def _tell(_result: object = None) -> None:
    texts = [text if count == 1 else f"{text} (last of {count})" for text, count in _unrecorded.values()]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    _unrecorded.clear()
    shell = _shell()
    if shell is not None:
        with contextlib.suppress(ValueError):
            shell.events.unregister("post_run_cell", _tell)
    if texts:
        sys.stderr.write(f"nbproj: no run here, so this is shown only: {', '.join(texts[:_SHOWN])}{more}\n")


def _shell() -> Any:  # noqa: ANN401 - IPython is not imported here
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None
