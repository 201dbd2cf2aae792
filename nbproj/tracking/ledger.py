"""The runs that go on: a record beside each, written before the run exists, from which any later command can tell that its driver is dead.

Each running run has a folder of its own in the ledger, `<state>/runs/<token>/`, readable by its user only. `owner.json` in it may hold the
store's credentials; the tag `nbproj.owner` of the run names the process and the token, nothing else.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from nbproj.paths import sockets_folder, write_atomically
from nbproj.processes import is_dead, start_time
from nbproj.progress import Event, Progress, silent
from nbproj.tracking import recent
from nbproj.tracking.folders import state_folder
from nbproj.tracking.owner import Owner

__all__ = ["AGED_SECONDS", "Entry", "Ledger"]

_RECORD = "owner.json"
_STOP = "stop"
AGED_SECONDS = 7 * 24 * 3600.0
"""After which an entry that cannot be read, or whose store does not come back, is removed."""

NEW_SECONDS = 3600.0
"""After which an entry that was never completed is removed: making one takes milliseconds."""


class Entry:
    """A running run's place in the ledger. A context manager; closing it says that the run is settled.

    Parameters
    ----------
    folder : Path
        Its private folder; `output.log` and `out/` of the run live there too.
    owner : Owner
        What is recorded.
    """

    def __init__(self, folder: Path, owner: Owner) -> None:
        self.folder = folder
        self.owner = owner

    def update(self, *, run_id: str | None = None, group: int | None = None, container: str | None = None, job: str | None = None) -> None:
        """Record what became known since: the run's id, the process group (its leader's start time is looked up), the container, the Job.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        owner = self.owner
        if group is not None:
            owner = replace(owner, group=group, group_started=start_time(group))
        given = {"run_id": run_id, "container": container, "job": job}
        self.owner = replace(owner, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        write_atomically(self.folder / _RECORD, self.owner.to_json(), mode=0o600)

    def ask_to_stop(self) -> None:
        """Ask the driver to end the run; it looks for the wish while it follows the program.

        Raises
        ------
        OSError
            The folder cannot be written, or the run has just ended.
        """
        (self.folder / _STOP).touch(mode=0o600)

    def is_asked_to_stop(self) -> bool:
        """Return whether somebody has asked to end the run; costs one system call."""
        return os.access(self.folder / _STOP, os.F_OK)

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[bool]:
        """Hold the entry against other settlers; yields False, at once, when one of them has it or the entry is gone."""
        try:
            descriptor = os.open(self.folder, os.O_RDONLY)
        except OSError:
            yield False
            return
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            # Between the look and the lock somebody else may have settled it.
            yield (self.folder / _RECORD).exists()
        finally:
            os.close(descriptor)

    def is_aged(self) -> bool:
        """Return whether nothing has changed in the entry for a week: its store will not come back."""
        try:
            return time.time() - (self.folder / _RECORD).stat().st_mtime > AGED_SECONDS
        except OSError:
            return False

    def close(self) -> None:
        """Remove the folder, and remember where the run was recorded. May be called twice."""
        if self.owner.run_id is not None and self.folder.exists():
            recent.keep(self.owner.run_id, self.owner.store)
        # The rename is the end of the entry: a removal that is killed half-way leaves nothing that looks like one.
        shutil.rmtree(sockets_folder(self.folder), ignore_errors=True)
        gone = self.folder.with_name(f".gone-{self.folder.name}")
        with contextlib.suppress(OSError):
            self.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Ledger:
    """The runs that this user's processes carry on this host.

    Parameters
    ----------
    folder : Path
        Where the entries are.
    progress : callable
        Told about entries that cannot be read.
    """

    def __init__(self, folder: Path, progress: Progress = silent) -> None:
        self.folder = folder
        self._progress = progress

    @classmethod
    def open(cls, environ: Mapping[str, str] | None = None, *, progress: Progress = silent) -> Ledger:
        """Return this user's ledger; in a temporary folder, with a note, when the state folder cannot be written."""
        return cls(state_folder("runs", environ, progress=progress), progress)

    def enter(self, owner: Owner) -> Entry:
        """Record an owner before its run is created.

        Raises
        ------
        OSError
            The folder cannot be written, not even the temporary one.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made beside and renamed: a reader never meets an entry without its record.
        beside = self.folder / f".new-{owner.token}"
        try:
            beside.mkdir(mode=0o700)
            (beside / "out").mkdir(mode=0o700)
            write_atomically(beside / _RECORD, owner.to_json(), mode=0o600)
            return Entry(beside.rename(self.folder / owner.token), owner)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise

    def find(self, token: str) -> Entry | None:
        """Return the entry with a token, None when there is none that can be read."""
        try:
            return Entry(self.folder / token, Owner.from_json((self.folder / token / _RECORD).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None

    def of_run(self, run_id: str) -> Entry | None:
        """Return the entry that carries a run, None when none does; where a driver has just taken it up from one that died, the living one's."""
        found = [entry for entry in self if entry.owner.run_id == run_id]
        return next((entry for entry in found if len(found) == 1 or not is_dead(entry.owner.process)), found[0] if found else None)

    def __iter__(self) -> Iterator[Entry]:
        try:
            names = sorted(os.listdir(self.folder))
        except OSError:
            return
        for name in names:
            folder = self.folder / name
            entry = None if name.startswith(".") else self.find(name)
            if entry is not None:
                yield entry
                continue
            with contextlib.suppress(OSError):  # somebody else has just closed it
                age = time.time() - folder.stat().st_mtime
                if age > AGED_SECONDS or name.startswith(".gone-") or (name.startswith(".new-") and age > NEW_SECONDS):
                    shutil.rmtree(folder, ignore_errors=True)
                elif not name.startswith("."):
                    self._progress(Event("note", f"{folder} cannot be read: the run it stands for is left alone"))
