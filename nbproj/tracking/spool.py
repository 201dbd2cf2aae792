"""Final statuses that a store did not take: kept in files, and told again by the next command."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import get_args

from nbproj.errors import StoreError
from nbproj.paths import write_atomically
from nbproj.progress import Event, Progress, silent
from nbproj.tracking.folders import state_folder
from nbproj.tracking.reopening import OpenStore, Stores
from nbproj.tracking.store import RunNotFoundError, Status, Store

__all__ = ["Closing", "Spool"]

_AGED_SECONDS = 30 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Closing:
    """The last words of one run.

    Parameters
    ----------
    store : str
        The tracking URI; may hold credentials.
    run_id : str
        The run.
    status : str
        Its final status.
    end_time : int
        When it ended, in milliseconds since the epoch.
    tags : mapping of str to str
        What is set with it, `nbproj.exit_code` among them.
    """

    store: str = field(repr=False)
    run_id: str
    status: Status
    end_time: int
    tags: Mapping[str, str] = field(default_factory=dict)

    def apply(self, store: Store) -> None:
        """Tell the store; may be done again."""
        store.close_run(self.run_id, self.status, end_time=self.end_time, tags=self.tags)


class Spool:
    """Closings that wait for their store.

    Parameters
    ----------
    folder : Path
        Where they are kept, readable by their user only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, environ: Mapping[str, str] | None = None, *, progress: Progress = silent) -> Spool:
        """Return this user's spool; in a temporary folder, with a note, when the state folder cannot be written."""
        return cls(state_folder("spool", environ, progress=progress))

    def put(self, closing: Closing) -> Path:
        """Keep a closing, and return its file.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / f"{time.time_ns():020d}-{os.getpid()}.json"
        write_atomically(path, json.dumps(asdict(closing)), mode=0o600)
        return path

    def waiting(self) -> list[Path]:
        """Return the files of what waits, the oldest first."""
        try:
            return sorted(self.folder / name for name in os.listdir(self.folder) if name.endswith(".json") and not name.startswith("."))
        except OSError:
            return []

    def replay(self, *, open_store: OpenStore | None = None, progress: Progress = silent) -> list[Closing]:
        """Tell the stores what they missed, in order. Costs next to nothing when nothing waits; two processes do not do it at once.

        Parameters
        ----------
        open_store : callable, optional
            Opens a store by its address; by default `open_store` of MLflow's stores, with two seconds of patience, once per store.
        progress : callable
            Gets a note about what is still waiting, or was dropped.

        Returns
        -------
        list of Closing
            What the stores have taken. What a store does not answer to stays; what it knows no run for is dropped.
        """
        if not self.waiting():
            return []
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return []  # somebody else is at it
        else:
            return self._replay(open_store, progress)
        finally:
            os.close(descriptor)

    def _replay(self, open_store: OpenStore | None, progress: Progress) -> list[Closing]:
        told: list[Closing] = []
        refused: dict[str, StoreError] = {}
        stores = Stores(open_store)
        for path in self.waiting():
            closing = _read(path)
            done = False
            if closing is not None:
                try:
                    closing.apply(stores[closing.store])
                    told.append(closing)
                    done = True
                except RunNotFoundError:
                    progress(Event("note", f"run {closing.run_id} is gone from its store: its final status is dropped"))
                    done = True
                except StoreError as error:
                    stores.lost(closing.store, error)
                    refused[closing.store] = error
            if done or _is_aged(path):
                path.unlink(missing_ok=True)
        for refusal in refused.values():
            progress(Event("note", f"final statuses of earlier runs still wait for their store: {refusal}"))
        return told


def _is_aged(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > _AGED_SECONDS
    return False


def _read(path: Path) -> Closing | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        closing = Closing(**values)
    except (OSError, ValueError, TypeError):
        return None
    sound = (
        isinstance(closing.store, str) and isinstance(closing.run_id, str) and isinstance(closing.end_time, int) and isinstance(closing.tags, dict)
    )
    return closing if sound and closing.status in get_args(Status) else None
