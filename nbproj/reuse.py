"""Reuse: an equal run that has finished well stands for the one that is asked for (contract, sections 7 and 11)."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nbproj.artifacts import of_run
from nbproj.backends.backend import RunRequest
from nbproj.display.quantity import elapsed
from nbproj.errors import NbprojError, RunError, StoreError
from nbproj.identity.digests import BudgetSpentError, Digests
from nbproj.identity.key import CHEAP_BYTES, KEY_TAG, PARAMETERS, PARTS_TAG, ground_of, outputs_of, point_key
from nbproj.identity.manifest import changed_files
from nbproj.identity.states import recall, remember
from nbproj.paths import write_atomically, writing
from nbproj.progress import Event
from nbproj.tracking.settlement import EXIT_CODE_TAG, is_finished
from nbproj.tracking.store import RunRecord

__all__ = ["equal_run", "keyed"]

_PARTS: Final = ("source", "environment")
_MOST: Final = 20
_SLACK_SECONDS: Final = 2.0
"""How much later than the end of its run a file may seem to have been written: clocks of file systems differ."""
_MOST_NAMED: Final = 3


def keyed(request: RunRequest, *, thorough: bool = False) -> RunRequest:
    """Return a request whose run will carry its key, so that a later one can be found equal.

    Parameters
    ----------
    request : RunRequest
        Checked and resolved.
    thorough : bool
        Whatever it costs. Else a run of a project that has changed in more files than are quickly read gets no key, and is never reused.

    Raises
    ------
    NbprojError
        The key cannot be made; never without `thorough`.
    """
    if thorough:
        request.progress(Event("waiting", "comparing the project's files"))
    try:
        ground = ground_of(request, cheap=not thorough)
        with Digests(PARAMETERS, budget=None if thorough else CHEAP_BYTES) as digests:
            key = point_key(ground, request.entry_point, request.resolved, digests=digests)
        remember(ground.source, ground.manifest)
        tags = ground.tags(key)
    except (BudgetSpentError, OSError, NbprojError) as error:
        if thorough:
            msg = f"whether there is an equal run cannot be told: {error}"
            raise RunError(msg) from error
        # A run that is continued may carry the key of what it was before.
        tags = {KEY_TAG: "", PARTS_TAG: ""} if request.run_id is not None else {}
    return dataclasses.replace(request, tags={**request.tags, **tags}) if tags else request


def equal_run(request: RunRequest) -> RunRecord | None:
    """Return the newest run that finished well and is equal to what a request asks for, and say so; None, and why, when there is none.

    Parameters
    ----------
    request : RunRequest
        As `keyed` returns it.

    Raises
    ------
    StoreError
        The store does not answer.
    """
    store, key = request.store, request.tags[KEY_TAG]
    found = store.search_runs([request.experiment_id], filter_string=f"tags.`{KEY_TAG}` = '{key}' and attributes.status = 'FINISHED'", limit=_MOST)
    lost = ""
    for record in found:
        if not is_finished(record) or record.tags[EXIT_CODE_TAG] != "0":
            continue
        lost = _lost(request, record)
        if not lost:
            same = "same entry point, parameters, environment and source"
            data = {"run_id": record.run_id, "reused": True}
            request.progress(Event("note", f"reused run {record.run_id[:8]} of {_ago(record)}; {same}", data=data))
            return record
    request.progress(Event("note", lost or _why_none(request)))
    return None


def _lost(request: RunRequest, record: RunRecord) -> str:
    """Return what is not there any more of what a run has left; empty when all of it is. What was asked for besides is made of it."""
    about = f"run {record.run_id[:8]} of {_ago(record)} is equal, and"
    end = (record.end_time or 0) / 1000 + _SLACK_SECONDS
    for output in outputs_of(request.entry_point, request.resolved):
        if not output.exists():
            return f"{about} its output {output.name} is gone: it runs again"
        if _written(output) > end:
            return f"{about} its output {output.name} has been written since: it runs again"
    try:
        artifacts = [path for path, _size in request.store.list_artifacts(record.run_id)]
        if not any(path.startswith("run/") for path in artifacts):
            return f"{about} its artifacts are gone: it runs again"
        if request.html and of_run(artifacts, ".html") is None:
            return f"{about} has no page of HTML: it runs again"
        if request.output is not None:
            _copy(request, record, of_run(artifacts, ".ipynb"), request.output)
    except StoreError:
        return f"{about} its artifacts cannot be had: it runs again"
    return ""


def _copy(request: RunRequest, record: RunRecord, name: str | None, to: Path) -> None:
    if name is None:
        msg = "the run has no notebook"
        raise StoreError(msg)
    with tempfile.TemporaryDirectory() as folder:
        data = request.store.download_artifact(record.run_id, name, Path(folder)).read_bytes()
    with writing(to):
        write_atomically(to, data)


def _written(path: Path) -> float:
    """Return when a file, or the youngest file of a folder, was written."""
    return max((_time(one) for one in _files(path)), default=0.0)


def _files(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir():
        for parent, _folders, names in os.walk(path):
            yield from (Path(parent, name) for name in names)


def _time(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _ago(record: RunRecord) -> str:
    return f"{elapsed(max(0.0, time.time() - (record.end_time or 0) / 1000))} ago"


def _why_none(request: RunRequest) -> str:
    """Return in what the newest finished run of the entry point differs."""
    name = request.tags["mlflow.project.entryPoint"]
    quoted = name.replace("'", "\\'")
    wanted = f"tags.`mlflow.project.entryPoint` = '{quoted}' and attributes.status = 'FINISHED'"
    try:
        known = [one for one in request.store.search_runs([request.experiment_id], filter_string=wanted, limit=_MOST) if one.tags.get(PARTS_TAG)]
    except StoreError:  # a name that its language cannot quote
        known = []
    if not known:
        return f"there is no finished run of {name!r} to reuse: it runs"
    last, differs = min(((one, _differences(request, one)) for one in known), key=lambda pair: len(pair[1]))
    parts = [one for one in differs if one in _PARTS]
    names = [one for one in differs if one not in _PARTS]
    parts = [f"source{_changes(request, last)}" if one == "source" else one for one in parts]
    parts += [f"parameters ({_some(names)})"] if names else []
    return f"no run to reuse: run {last.run_id[:8]} of {_ago(last)} differs in {' and '.join(parts) or 'the content of its inputs'}: it runs"


def _changes(request: RunRequest, record: RunRecord) -> str:
    """Return which files have changed since a run, where this machine has seen both states."""
    before, after = (recall(tags[PARTS_TAG].split(" ")[0]) for tags in (record.tags, request.tags))
    return "" if before is None or after is None else f" ({_some(changed_files(before, after))})"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")


def _differences(request: RunRequest, record: RunRecord) -> list[str]:
    """Return in what a run differs: parts of the key, and names of parameters."""
    pairs = zip(_PARTS, request.tags[PARTS_TAG].split(" "), record.tags[PARTS_TAG].split(" "), strict=False)
    given = request.resolved.tracked
    names = [name for name in dict.fromkeys((*given, *record.params)) if given.get(name) != record.params.get(name)]
    return [*(part for part, one, other in pairs if one != other), *names]
