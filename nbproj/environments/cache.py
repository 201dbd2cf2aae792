"""Environments that are kept: built once under a lock, whole or not there at all, looked at before they are used again.

An environment is a folder of its own that is built where it stays, because environments do not survive a move. Its marker is written last; a folder
without one belongs to a build that was cut off, and is thrown away by the next one. The lock is the kernel's: it ends with the processes that hold
it, the builder and what it has started.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nbproj.display.quantity import duration
from nbproj.environments.blueprint import Blueprint, Kept, Site
from nbproj.environments.buildlock import BuildLock
from nbproj.environments.health import Health, examine, observe
from nbproj.environments.places import environments_folder
from nbproj.environments.uses import Uses
from nbproj.errors import EnvironmentPreparationError
from nbproj.paths import write_atomically
from nbproj.progress import Event, Progress, silent

__all__ = ["Blueprint", "EnvironmentCache", "Kept", "Site"]

FORMAT: Final = 1
_MARKER: Final = "complete.json"
_GONE: Final = ".gone-"


class EnvironmentCache:
    """The environments of this user on this machine.

    Parameters
    ----------
    folder : Path, optional
        Where they are; `environments_folder` by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else environments_folder()

    def uses(self, key: str) -> Uses:
        """Return who has used an environment."""
        return Uses(self.folder / f"{key}.uses")

    def find(self, key: str) -> Kept | None:
        """Return a whole environment of a key; None where there is none."""
        kept = self._read(key)
        return kept if kept.whole else None

    def all(self) -> list[Kept]:
        """Return all that is there, also what is not whole."""
        return [self._read(path.name) for path in sorted(self.folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]

    def obtain(self, blueprint: Blueprint, progress: Progress = silent, *, run_id: str | None = None, project: str = "") -> Kept:
        """Return the environment of a blueprint, built if need be.

        Parameters
        ----------
        blueprint : Blueprint
            What is asked for.
        progress : Progress
            Told of what takes long.
        run_id, project : str, optional
            Who uses it.

        Raises
        ------
        EnvironmentPreparationError
            It cannot be built; nothing half-made is left.
        """
        kept = self._ready(blueprint, run_id, project)
        if kept is not None:
            return kept
        try:
            with self.locked(blueprint.key, progress) as lock:
                kept = self._read(blueprint.key)
                health = self._health(kept)
                in_use = kept.whole and self.uses(kept.key).living()
                if kept.whole and (health.sound or (health.usable and in_use)):
                    if not health.sound:
                        progress(
                            Event("note", f"the environment ({kept.title}) is not as it was built, and in use: {health.reason}. It is used as it is")
                        )
                else:
                    if kept.whole:
                        progress(Event("note", f"the environment ({kept.title}) is not as it was built: {health.reason}. It is built again"))
                    kept = self._build(blueprint, lock, progress)
                self.uses(kept.key).trim()
                self.uses(kept.key).add(run_id, project)
                return kept
        except OSError as error:
            full = error.errno == 28  # noqa: PLR2004 - ENOSPC
            hint = "nbproj env gc makes room; NBPROJ_CACHE_DIR names another disk" if full else ""
            msg = f"the environment cannot be kept in {self.folder}: {error.strerror or error}"
            raise EnvironmentPreparationError(msg, hint=hint) from error

    def remove(self, key: str, *, in_use: bool = False) -> bool:
        """Remove an environment; return whether it is gone. One that a living process uses stays, unless `in_use`.

        Raises
        ------
        EnvironmentPreparationError
            It cannot be removed.
        """
        try:
            with self._try_lock(key) as free:
                if not free or (self.uses(key).living() and not in_use):
                    return False
                self._discard(self.folder / key)
                self.uses(key).forget()
        except OSError as error:
            msg = f"the environment {key[:12]} cannot be removed: {error.strerror or error}"
            raise EnvironmentPreparationError(msg) from error
        return True

    def sweep(self) -> None:
        """Remove what a build or a removal that was cut off has left."""
        for path in list(self.folder.glob(f"{_GONE}*")):
            shutil.rmtree(path, ignore_errors=True)
        for kept in self.all():
            if not kept.whole:
                with contextlib.suppress(OSError), self._try_lock(kept.key) as free:
                    if free and not self._read(kept.key).whole:
                        self._discard(kept.folder)
            else:
                with contextlib.suppress(OSError), self._try_lock(kept.key) as free:
                    if free:
                        self.uses(kept.key).trim()
        for lock in list(self.folder.glob("*.lock")):
            if not (self.folder / lock.stem).exists():
                with contextlib.suppress(OSError), self._try_lock(lock.stem) as free:
                    if free:
                        lock.unlink(missing_ok=True)
                        (self.folder / f"{lock.stem}.uses").unlink(missing_ok=True)

    def _read(self, key: str) -> Kept:
        folder = self.folder / key
        try:
            facts = json.loads((folder / _MARKER).read_bytes())
        except (OSError, ValueError):
            facts = {}
        whole = isinstance(facts, dict) and facts.get("format") == FORMAT and facts.get("key") == key
        return Kept(key, folder, facts if whole else {})

    @staticmethod
    def _health(kept: Kept) -> Health:
        return (
            examine(kept.prefix, kept.facts.get("observed"))
            if kept.whole
            else Health(sound=False, usable=False, reason="it was not built to its end")
        )

    def _ready(self, blueprint: Blueprint, run_id: str | None, project: str) -> Kept | None:
        """Return the environment if it is there and sound: milliseconds, no process, no waiting."""
        if not (self.folder / blueprint.key / _MARKER).exists():
            return None
        try:
            descriptor = os.open(self.folder / f"{blueprint.key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return None
        try:
            # Shared: whoever removes it does not come between the look at it and the note that it is used.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            kept = self._read(blueprint.key)
            if not self._health(kept).sound:
                return None
            self.uses(kept.key).add(run_id, project)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return kept

    def _build(self, blueprint: Blueprint, lock: BuildLock, progress: Progress) -> Kept:
        folder = self.folder / blueprint.key
        self._discard(folder)
        done = False
        try:
            folder.mkdir(mode=0o700)
            begun = time.time()
            site = Site(folder, folder / "env", progress, (lock.descriptor,), lock.started)
            packages = blueprint.build(site)
            write_atomically(folder / "packages.txt", packages, mode=0o600)
            facts = {
                **blueprint.facts,
                "format": FORMAT,
                "key": blueprint.key,
                "kind": blueprint.kind,
                "title": blueprint.title,
                "created": begun,
                "seconds": round(time.time() - begun, 3),
                "observed": observe(site.prefix),
            }
            write_atomically(folder / _MARKER, json.dumps(facts, indent=1), mode=0o600)
            done = True
            if not blueprint.facts.get("below"):  # of what is put on top its own remark tells
                progress(Event("note", f"the environment ({blueprint.title}) was built in {duration(facts['seconds'])}, and is kept"))
        finally:
            if not done:
                self._discard(folder)
        return Kept(blueprint.key, folder, facts)

    def _discard(self, folder: Path) -> None:
        """Remove a folder so that nobody takes what is left of it for whole."""
        (folder / _MARKER).unlink(missing_ok=True)
        if folder.exists():
            gone = self.folder / f"{_GONE}{folder.name}-{os.getpid()}-{time.monotonic_ns()}"
            folder.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self, key: str, progress: Progress = silent) -> Iterator[BuildLock]:
        """Hold an environment against all other processes; waits, and says for whom."""
        lock = BuildLock(self.folder / f"{key}.lock")
        try:
            lock.acquire(progress)
            yield lock
        finally:
            lock.release()

    @contextlib.contextmanager
    def _try_lock(self, key: str) -> Iterator[bool]:
        lock = BuildLock(self.folder / f"{key}.lock")
        try:
            yield lock.attempt()
        finally:
            lock.release()
