"""What a run has left, read back: its log, its executed notebook, the page of that."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from nbproj.errors import RunError, StoreError
from nbproj.paths import write_atomically, writing
from nbproj.tracking.ledger import Entry
from nbproj.tracking.store import RunRecord, Store

__all__ = ["log_of", "of_run", "page_of_run", "write_page"]


def of_run(artifacts: Iterable[str], ending: str) -> str | None:
    """Return the artifact of the run itself that ends so: the folder `run` is nbproj's own.

    Examples
    --------
    >>> of_run(["report.html", "run/nb.html", "run/nb.ipynb"], ".html")
    'run/nb.html'
    """
    return next((path for path in artifacts if path.startswith("run/") and path.endswith(ending)), None)


def log_of(store: Store, run_id: str, carrier: Entry | None) -> str:
    """Return what a run has printed; empty when nothing was kept.

    Parameters
    ----------
    store : Store
        Where the run is recorded.
    run_id : str
        The run.
    carrier : Entry, optional
        Of the process on this host that carries it still.
    """
    if carrier is not None:
        try:
            return (carrier.folder / "output.log").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has just ended, or has not begun to print
            pass
    with tempfile.TemporaryDirectory() as folder:
        try:
            return store.download_artifact(run_id, "run/output.log", Path(folder)).read_text(encoding="utf-8", errors="replace")
        except StoreError:
            return ""


def page_of_run(store: Store, record: RunRecord, carrier: Entry | None) -> tuple[str, str]:
    """Return the executed notebook of a run as a page, as far as it is, and a name for the file.

    Raises
    ------
    RunError
        The run has no notebook, or no page can be made of it.
    StoreError
        The notebook cannot be had.
    """
    from nbproj.backends.page import page_facts, page_of

    facts = page_facts(record.run_id, record.tags)
    notebook = next(iter(carrier.folder.glob("*.ipynb")), None) if carrier is not None else None
    with tempfile.TemporaryDirectory() as folder:
        if notebook is not None:
            with contextlib.suppress(OSError):  # the run has just ended: its notebook is an artifact now
                notebook = Path(shutil.copy(notebook, folder))
        if notebook is None or not notebook.exists():
            kept = of_run([path for path, _size in store.list_artifacts(record.run_id)], ".ipynb")
            if kept is None:
                msg = f"run {record.run_id[:8]} has no executed notebook: there is nothing to show as a page"
                raise RunError(msg)
            notebook = store.download_artifact(record.run_id, kept, Path(folder))
        return page_of(notebook, facts), f"{notebook.stem}-{record.run_id[:8]}.html"


def write_page(page: str, to: Path, name: str) -> Path:
    """Write a page to a file, or, under that name, into a folder; return the file.

    Raises
    ------
    RunError
        It cannot be written.
    """
    path = to.expanduser()
    path = path / name if path.is_dir() else path
    with writing(path):
        write_atomically(path, page)
    return path
