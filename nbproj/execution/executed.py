"""The executed notebook: what ran, how each cell ended, what did not run and why - in papermill's own words, which other tools read.

Saves are whole files, at most about one a second and one at the end. A cell that has ended is put into its text once, not with every save.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from json.encoder import encode_basestring
from typing import Any, Final, Literal

from nbproj.execution.outputs import CellOutputs
from nbproj.execution.plan import Plan
from nbproj.version import __version__

__all__ = ["CellStatus", "ExecutedNotebook", "plain"]

CellStatus = Literal["completed", "failed"]

_SAVE_SECONDS: Final = 1.0
_SAVE_SHARE: Final = 10.0
"""A save that takes long is followed by a pause that many times as long."""


def _now() -> datetime:
    return datetime.now(UTC)


@functools.cache
def _papermill_version() -> str:
    """Return which papermill's metadata this is."""
    try:
        return installed_version("papermill")
    except PackageNotFoundError:
        return "2.7.0"


class ExecutedNotebook:
    """A notebook while and after it runs.

    Parameters
    ----------
    document : dict
        The notebook; changed in place.
    plan : Plan
        Which cells take part. The others stay exactly as they are.
    save : callable
        Takes the text of the whole file.
    mask : callable
        Applied to every text before that.
    about : mapping
        Further facts for the metadata under `nbproj`.
    pause : float
        Seconds between two saves, at least.
    """

    def __init__(
        self,
        document: dict[str, Any],
        plan: Plan,
        *,
        save: Callable[[str], None],
        mask: Callable[[str], str],
        about: Mapping[str, object],
        pause: float = _SAVE_SECONDS,
    ) -> None:
        self.document = document
        self.cells: list[dict[str, Any]] = document["cells"]
        self._save, self._mask, self._pause = save, mask, pause
        self._plan = plan
        self._outputs: dict[int, CellOutputs] = {}
        self._texts: dict[int, str] = {}
        self._begun: dict[int, datetime] = {}
        self._next_save = 0.0
        self._changed = True
        self._start = _now()
        metadata = document.setdefault("metadata", {})
        metadata.pop("widgets", None)  # a state of another day
        self._about: dict[str, Any] = metadata.setdefault("nbproj", {})
        self._about.clear()
        self._about.update({"version": __version__, **about})
        if plan.not_selected:
            self._about["not_selected"] = list(plan.not_selected)
        mill = metadata.setdefault("papermill", {})
        for name in ("default_parameters", "parameters", "environment_variables"):
            mill.setdefault(name, {})
        mill.update(version=_papermill_version(), start_time=self._start.isoformat(), end_time=None, duration=None, exception=None)
        self._papermill: dict[str, Any] = mill
        for index in plan.selected:
            cell = self.cells[index]
            own = cell.setdefault("metadata", {})
            own["papermill"] = {"exception": None, "start_time": None, "end_time": None, "duration": None, "status": "pending"}
            own.pop("nbproj", None)
            own.pop("execution", None)
            if cell.get("cell_type") == "code":
                cell["execution_count"], cell["outputs"] = None, []

    def start_cell(self, index: int, outputs: CellOutputs) -> None:
        """Say that a cell runs, and what holds its outputs."""
        self._begun[index] = _now()
        self._outputs[index] = outputs
        self._record(index).update(start_time=self._begun[index].isoformat(), status="running", exception=False)
        self._touch(index)

    def end_cell(self, index: int, status: CellStatus, reason: str = "") -> None:
        """Say how a cell ended; `reason` stands in its metadata."""
        end = _now()
        start = self._begun.get(index, end)
        record = self._record(index)
        record.update(start_time=start.isoformat(), end_time=end.isoformat(), duration=(end - start).total_seconds(), status=status)
        record["exception"] = status == "failed"
        if status == "failed":
            self._papermill["exception"] = True
            self.cells[index]["metadata"]["nbproj"] = {"status": "failed", "reason": reason}
        self._touch(index)

    def finish(self, *, exit_code: int, reason: str = "", cell: int | None = None) -> None:
        """Say how the whole ended and save it.

        Parameters
        ----------
        exit_code : int
            Of the run.
        reason : str
            Why it failed.
        cell : int, optional
            Number of the cell in which it did.
        """
        end = _now()
        self._papermill.update(end_time=end.isoformat(), duration=(end - self._start).total_seconds())
        self._papermill["exception"] = True if exit_code else self._papermill["exception"]
        self._about.update({"status": "failed" if exit_code else "completed", "exit_code": exit_code})
        if reason:
            self._about["reason"] = reason
        if cell is not None:
            self._about["cell"] = cell
        self._close_cells(reason)
        self.save(always=True)

    def save(self, *, always: bool = False) -> None:
        """Save, if something has changed and the last time is long enough ago."""
        begin = time.monotonic()
        for index, outputs in self._outputs.items():
            if outputs.changed:
                outputs.changed = False
                self._touch(index)
        if not always and (begin < self._next_save or not self._changed):
            return
        self._changed = False
        self._save(self.text())
        end = time.monotonic()
        self._next_save = end + max(self._pause, _SAVE_SHARE * (end - begin))

    def text(self) -> str:
        """Return the file's text, masked, as nbformat lays it out."""
        parts = {name: _encode(value, 1) for name, value in self.document.items() if name != "cells"}
        parts = {name: self._mask(part) for name, part in parts.items()}
        for index, outputs in self._outputs.items():
            if index not in self._texts:
                self.cells[index]["outputs"] = outputs.notebook()
                self.cells[index]["execution_count"] = outputs.count
        cells = []
        for index, cell in enumerate(self.cells):
            if index not in self._texts:
                self._texts[index] = self._mask(_encode(cell, 2))
            cells.append(self._texts[index])
        parts["cells"] = "[\n  " + ",\n  ".join(cells) + "\n ]" if cells else "[]"
        return "{\n " + ",\n ".join(f"{encode_basestring(name)}: {parts[name]}" for name in sorted(parts)) + "\n}\n"

    def _close_cells(self, reason: str) -> None:
        """Say of each cell that has not ended why: it was cut short, it never ran, or there was nothing in it to run."""
        run = {step.index for step in self._plan.steps}
        passed = True
        for index in sorted(self._plan.selected):
            status = self._record(index)["status"]
            if status == "running":
                self.end_cell(index, "failed", reason)
            elif status == "pending" and index in run:  # papermill's word for what never ran
                self.cells[index]["metadata"]["nbproj"] = {"status": "not run", "reason": reason or "the notebook had ended"}
            elif status == "pending" and passed:
                self._record(index)["status"] = "completed"
            passed = passed and self._record(index)["status"] == "completed"
            self._touch(index)

    def _record(self, index: int) -> dict[str, Any]:
        record: dict[str, Any] = self.cells[index]["metadata"]["papermill"]
        return record

    def _touch(self, index: int) -> None:
        self._texts.pop(index, None)
        self._changed = True


def plain(value: object) -> object:
    """Return a parameter's value as JSON holds it."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def _encode(value: object, depth: int) -> str:
    """Return JSON as `json.dumps(indent=1, sort_keys=True, ensure_ascii=False)` lays it out, several times faster for the lines of outputs."""
    if isinstance(value, list) and value:
        pad = "\n" + " " * (depth + 1)
        lines = all(type(item) is str for item in value)
        items: Iterable[str] = map(encode_basestring, value) if lines else (_encode(item, depth + 1) for item in value)
        return f"[{pad}" + f",{pad}".join(items) + "\n" + " " * depth + "]"
    if isinstance(value, dict) and value:
        pad = "\n" + " " * (depth + 1)
        pairs = (f"{encode_basestring(str(name))}: {_encode(value[name], depth + 1)}" for name in sorted(value))
        return f"{{{pad}" + f",{pad}".join(pairs) + "\n" + " " * depth + "}"
    if isinstance(value, str):
        return encode_basestring(value)
    return json.dumps(value, ensure_ascii=False)
