"""The program in a pod that carries a notebook: the same execution as on any machine, its record on the tracking server.

It is told by variables what to run. The notebook is stored also when it fails and when the pod is ended; why it failed stands in the pod's
termination message, where whoever follows the Job reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

__all__ = ["TASK_VARIABLE", "command", "main"]

TASK_VARIABLE: Final = "NBPROJ_NOTEBOOK_TASK"
_TERMINATION: Final = Path("/dev/termination-log")
_LONGEST: Final = 3500
_TERMINATED: Final = 143


def command(package: str) -> list[str]:
    """Return the words that start this program in a container, with the first Python on its PATH."""
    start = "import sys; sys.path.append(sys.argv.pop(1)); from nbproj.backends.kubernetes.inside import main; sys.exit(main())"
    shell = 'p=$(command -v python || command -v python3) || { echo "no python on the PATH of the image"; exit 127; }; exec "$p" -P -c "$@"'
    return ["/bin/sh", "-c", shell, "sh", start, package]


def main() -> int:
    """Execute the notebook that the environment tells; return its exit code."""
    from nbproj.errors import NbprojError
    from nbproj.execution.signals import STOPS

    os.environ.setdefault("HOME", tempfile.gettempdir())
    task: dict[str, Any] = json.loads(os.environ.pop(TASK_VARIABLE))
    with tempfile.TemporaryDirectory(prefix="nbproj-") as folder:
        os.environ.setdefault("NBPROJ_STATE_DIR", f"{folder}/state")
        try:
            return _carry(task, Path(folder))
        except NbprojError as error:
            sys.stderr.write(f"{error}\n")
            _leave_word({"reason": str(error)})
            return error.exit_code
        except STOPS:
            return _TERMINATED


def _carry(task: dict[str, Any], folder: Path) -> int:
    from nbproj.backends.recorder import Recorder
    from nbproj.execution.execution import Outcome
    from nbproj.execution.kernels import interpreter_kernel
    from nbproj.execution.notebook import NotebookExecution, NotebookTask
    from nbproj.execution.process import Guard
    from nbproj.execution.signals import STOPS, Signals
    from nbproj.project.directory import find_entry_point, load_project
    from nbproj.project.parameters import resolve_all
    from nbproj.tracking.mlflow_store import open_store
    from nbproj.tracking.redact import Redactor

    root, run_id = Path.cwd(), os.environ["MLFLOW_RUN_ID"]
    project = load_project(root, notebook=task.get("notebook"))
    entry_point = find_entry_point(project, task["entry_point"], as_notebook=bool(task.get("as_notebook")))
    given = {
        **task["parameters"],
        **{one.name: os.environ[one.variable] for one in entry_point.parameters if one.secret and one.variable in os.environ},
    }
    resolved = resolve_all(entry_point, given, base=root, root=root)
    redactor = Redactor.from_environment(os.environ, resolved.secrets.values())
    source = root / str(entry_point.notebook)
    out = folder / "out"
    out.mkdir()
    store = open_store(os.environ["MLFLOW_TRACKING_URI"])
    recorder = Recorder(store, run_id, file=folder / "results.jsonl", mask=redactor.text, params=store.get_run(run_id).params)
    notebook = NotebookTask(
        source=source,
        output=folder / f"{source.stem}.ipynb",
        values={**resolved.values, **resolved.extra},
        secrets={one.name: one.variable for one in entry_point.parameters if one.secret},
        kernel=interpreter_kernel(sys.executable),
        cwd=source.parent,
        environment={**os.environ, "NBPROJ_OUTPUT_DIR": str(out), "NBPROJ_RESULTS_FILE": str(folder / "results.jsonl")},
        entry_point=entry_point.cells,
        allow_errors=bool(task.get("allow_errors")),
    )
    outcome = Outcome(_TERMINATED, "terminated", cancelled=True)
    with Signals() as signals, Guard() as guard:
        execution = NotebookExecution(
            notebook,
            log=folder / "output.log",
            mask=redactor.stream(),
            text_mask=redactor.text,
            guard=guard,
            started=lambda _group: None,
            results=recorder.take,
        )
        signals.once()
        try:
            execution.start()
            while (ended := execution.outcome) is None:
                signals.check()
                event = execution.next(0.5)
                if event is not None and event.step == "output":
                    sys.stdout.write(event.text)
                    sys.stdout.flush()
            outcome = ended
        except STOPS:
            execution.cancel()
        signals.hold()
        recorder.finish()
        files = {name: path for name, path in execution.artifacts.items() if path.is_file()}
        files |= {str(path.relative_to(out)): path for path in sorted(out.rglob("*")) if path.is_file() and not path.is_symlink()}
        store.log_artifacts(run_id, files)
    if outcome.exit_code:
        reason = redactor.text(outcome.reason)
        sys.stderr.write(f"{redactor.text(outcome.trace) or reason}\n")
        _leave_word({"reason": reason, "cell": outcome.cell})
    return outcome.exit_code


def _leave_word(what: dict[str, object]) -> None:
    text = json.dumps({"nbproj": what})
    with contextlib.suppress(OSError):
        _TERMINATION.write_text(
            text if len(text) <= _LONGEST else json.dumps({"nbproj": {"reason": str(what.get("reason"))[: _LONGEST // 2]}}), encoding="utf-8"
        )
