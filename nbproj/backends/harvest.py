"""What a run leaves for the record: its files, its log, its notebook, the changes it ran with."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from nbproj.backends.backend import RunRequest
from nbproj.backends.page import page_facts, page_of
from nbproj.errors import NbprojError, StoreError
from nbproj.execution.execution import Execution
from nbproj.paths import writing
from nbproj.progress import Event
from nbproj.tracking.redact import Redactor

__all__ = ["collect"]


def _regular(folder: Path) -> dict[str, Path]:
    """Return the regular files below a folder by their path in it. Links may lead anywhere, pipes and sockets have no end: they are left."""
    found: dict[str, Path] = {}
    if folder.is_symlink():
        return found
    for parent, _folders, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                if stat.S_ISREG(path.lstat().st_mode):
                    found[str(path.relative_to(folder))] = path
            except OSError:  # it has just been removed by what the run left running
                continue
    return dict(sorted(found.items()))


def collect(request: RunRequest, run_id: str, folder: Path, execution: Execution | None, redactor: Redactor) -> None:
    """Hand what a run leaves to the store. What cannot be stored is said, and does not change how the run ended.

    Parameters
    ----------
    request : RunRequest
        The run's request.
    run_id : str
        The run.
    folder : Path
        Its private folder.
    execution : Execution, optional
        What ran.
    redactor : Redactor
        Masks secrets in the patch.
    """
    files = _regular(folder / "out")
    for name in ("output.log", "environment.txt"):
        if (folder / name).is_file():
            files[f"run/{name}"] = folder / name
    if execution is not None:
        left = {name: path for name, path in execution.artifacts.items() if path.is_file()}
        files.update({**left, **_pages(request, run_id, execution, left, redactor)})
    try:
        if request.checkout.difference:
            difference = folder / "changes.diff"
            with writing(difference):
                difference.write_bytes(redactor.text(request.checkout.difference.decode("utf-8", "replace")).encode())
            files["run/changes.diff"] = difference
    except NbprojError as error:
        request.progress(Event("note", f"the uncommitted changes could not be kept: {error}"))
    try:
        request.store.log_artifacts(run_id, files)
    except StoreError as error:
        request.progress(Event("note", f"artifacts could not be stored: {error}"))
    if request.output is not None and execution is not None:
        _copy_notebook(request, execution, request.output)


def _pages(request: RunRequest, run_id: str, execution: Execution, left: Mapping[str, Path], redactor: Redactor) -> dict[str, Path]:
    """Write the executed notebook as a page, where it is wanted or the notebook has failed. One that cannot be made is a note."""
    outcome = execution.outcome
    if not request.html and (outcome is None or outcome.cancelled or not outcome.exit_code):
        return {}
    pages = {}
    for name, notebook in left.items():
        if notebook.suffix == ".ipynb":
            page = notebook.with_suffix(".html")
            try:
                text = page_of(notebook, {key: redactor.text(value) for key, value in page_facts(run_id, request.tags).items()})
                with writing(page):
                    page.write_text(text, encoding="utf-8")
                pages[f"{name.removesuffix('.ipynb')}.html"] = page
            except NbprojError as error:
                request.progress(Event("note", str(error)))
    return pages


def _copy_notebook(request: RunRequest, execution: Execution, to: Path) -> None:
    for path in execution.artifacts.values():
        if path.suffix == ".ipynb" and path.exists():
            beside = to.with_name(f".{to.name}.{os.getpid()}")
            try:
                shutil.copyfile(path, beside)
                beside.replace(to)
            except OSError as error:
                beside.unlink(missing_ok=True)
                request.progress(Event("note", f"{to}: the executed notebook could not be written: {error.strerror}"))
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
