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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nbproj.environments.health import Health, examine, observe
from nbproj.environments.places import environments_folder
from nbproj.environments.uses import Uses
from nbproj.errors import EnvironmentPreparationError
from nbproj.paths import write_atomically
from nbproj.processes import ProcessIdentity, end_group, group_lives, is_alive, start_time
from nbproj.progress import Event, Progress, silent

__all__ = ["Blueprint", "EnvironmentCache", "Kept", "Site"]

FORMAT: Final = 1
_MARKER: Final = "complete.json"
_GONE: Final = ".gone-"
_PATIENCE_SECONDS: Final = 20.0
"""How long what a dead builder has started may go on before it is ended."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where an environment is being built.

    Parameters
    ----------
    folder : Path
        A private folder for it, empty: files beside the environment go there.
    prefix : Path
        The environment's own folder in it; not there yet.
    progress : Progress
        Told what is downloaded and installed.
    keep_open : sequence of int
        File descriptors of the lock, for every program that builds.
    started : callable
        To be called with the process group of such a program.
    """

    folder: Path
    prefix: Path
    progress: Progress = silent
    keep_open: Sequence[int] = ()
    started: Callable[[int], None] = lambda _group: None

    def tell(self, line: str) -> None:
        """Show a line of what happens."""
        self.progress(Event("preparing", line))


@dataclass(frozen=True, slots=True)
class Blueprint:
    """How an environment is built, and what identifies it.

    Parameters
    ----------
    key : str
        Hexadecimal; equal for equal environments.
    kind : str
        `uv`, `conda`.
    title : str
        What it is, for people: `requirements.txt, Python 3.12.1`.
    build : callable
        Makes it at a `Site`; returns the exported list of packages.
    facts : mapping
        Plain values that are kept with it.
    """

    key: str
    kind: str
    title: str
    build: Callable[[Site], str]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """An environment of the cache.

    Parameters
    ----------
    key : str
        Its name there.
    folder : Path
        All that belongs to it.
    facts : mapping
        What its marker says; empty for one that is not whole.
    """

    key: str
    folder: Path
    facts: dict[str, Any]

    @property
    def prefix(self) -> Path:
        """The environment's own folder."""
        return self.folder / "env"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.prefix / "bin" / "python"

    @property
    def whole(self) -> bool:
        """Whether it was built to its end."""
        return bool(self.facts)

    @property
    def title(self) -> str:
        """What it is, for people."""
        return str(self.facts.get("title") or "not complete")

    def packages(self) -> str:
        """Return the exported list of its packages."""
        with contextlib.suppress(OSError):
            return (self.folder / "packages.txt").read_text(encoding="utf-8")
        return ""


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

    def _build(self, blueprint: Blueprint, lock: _Lock, progress: Progress) -> Kept:
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
    def locked(self, key: str, progress: Progress = silent) -> Iterator[_Lock]:
        """Hold an environment against all other processes; waits, and says for whom."""
        lock = _Lock(self.folder / f"{key}.lock")
        try:
            lock.acquire(progress)
            yield lock
        finally:
            lock.release()

    @contextlib.contextmanager
    def _try_lock(self, key: str) -> Iterator[bool]:
        lock = _Lock(self.folder / f"{key}.lock")
        try:
            yield lock.attempt()
        finally:
            lock.release()


class _Lock:
    """The lock of one environment, which names its holder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor = -1

    def attempt(self) -> bool:
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            except BaseException:
                os.close(descriptor)
                raise
            # Above the numbers that a shell uses: what builds inherits it under the same one.
            self.descriptor = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
            os.close(descriptor)
            try:
                if self._path.stat().st_ino == os.fstat(self.descriptor).st_ino:
                    break
            except FileNotFoundError:
                pass
            self.release()  # somebody has swept it away in between: what we hold has no name any more
        me = ProcessIdentity.of()
        self._write({"host": me.host, "boot": me.boot, "pid": me.pid, "started": me.started})
        return True

    def acquire(self, progress: Progress) -> None:
        since, pause, told = time.monotonic(), 0.01, False
        while not self.attempt():
            holder = self._holder()
            if not told:
                told = True
                who = f"process {holder['pid']}" if holder else "another process"
                progress(Event("preparing", f"{who} is making this environment: waiting for it"))
            if holder and time.monotonic() - since > _PATIENCE_SECONDS and not _lives(holder):
                self._end_left(holder)
            time.sleep(pause)  # not one blocking call: an interruption is seen between two tries
            pause = min(pause * 1.5, 0.2)

    def started(self, group: int) -> None:
        """Note which processes build, for whoever comes after this one was killed."""
        me = ProcessIdentity.of()
        self._write({"host": me.host, "boot": me.boot, "pid": me.pid, "started": me.started, "group": group, "group_started": start_time(group)})

    def _write(self, holder: dict[str, object]) -> None:
        data = json.dumps(holder).encode()
        with contextlib.suppress(OSError):  # a full disk: only the name of the holder is lost
            os.pwrite(self.descriptor, data, 0)
            os.ftruncate(self.descriptor, len(data))

    def _holder(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) and isinstance(known.get("pid"), int) else {}

    @staticmethod
    def _end_left(holder: dict[str, Any]) -> None:
        group = holder.get("group")
        if isinstance(group, int) and group > 1 and start_time(group) == holder.get("group_started") and group_lives(group):
            end_group(group, grace=1)

    def release(self) -> None:
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                fcntl.flock(self.descriptor, fcntl.LOCK_UN)
            os.close(self.descriptor)
            self.descriptor = -1


def _lives(holder: dict[str, Any]) -> bool:
    try:
        return is_alive(ProcessIdentity(str(holder["host"]), str(holder["boot"]), int(holder["pid"]), float(holder["started"])))
    except (KeyError, TypeError, ValueError):
        return True  # of another host: nothing is known here
