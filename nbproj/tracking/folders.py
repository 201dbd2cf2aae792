"""Where the record keeps what is no store's: state of running runs, and caches. Never in the user's own folders."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nbproj.errors import UsageError
from nbproj.progress import Event, Progress, silent

__all__ = ["cache_folder", "home", "state_folder", "working_folder"]


def home() -> Path | None:
    """Return the user's own folder; None for a user who has none (a container that runs under a bare number)."""
    try:
        return Path.home().absolute()
    except (RuntimeError, OSError):
        return None


def working_folder() -> Path:
    """Return the folder in which this process stands.

    Raises
    ------
    UsageError
        It was removed.
    """
    try:
        return Path.cwd()
    except OSError as error:
        msg = "the working folder is gone: change to one that exists"
        raise UsageError(msg) from error


_told: set[Path] = set()
"""Folders of which this process has said that they cannot be written."""


def _absolute(named: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(named)))  # noqa: PTH100, PTH111 - pathlib raises where there is no home, and follows links


def _of_the_platform(kind: str) -> Path:
    import platformdirs

    try:
        return Path(getattr(platformdirs, kind)("nbproj"))
    except RuntimeError:  # nobody's home
        return Path("~")


def _usable(folder: Path, mode: int) -> bool:
    if str(folder).startswith("~"):  # nobody's home: it would be made in the working folder
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=mode)
        return os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return False


def _fallback(name: str) -> Path:
    # One folder per user, so that the next command finds what this one left; somebody else's folder of that name is not trusted.
    folder = Path(tempfile.gettempdir()) / f"nbproj-{os.getuid()}-{name}"
    if _usable(folder, 0o700) and folder.stat().st_uid == os.getuid() and not folder.is_symlink():
        folder.chmod(0o700)
        return folder
    return Path(tempfile.mkdtemp(prefix=f"nbproj-{name}-"))


def state_folder(part: str, environ: Mapping[str, str] | None = None, *, progress: Progress = silent) -> Path:
    """Return a part of the per-user folder for runs that are under way, made if need be.

    It lies in NBPROJ_STATE_DIR, else where the platform keeps state; in a temporary folder when that cannot be written.

    Parameters
    ----------
    part : str
        Which part: "runs", "spool".
    environ : mapping, optional
        The environment; by default this process's.
    progress : callable
        Gets a note when the folder cannot be written.
    """
    environment = os.environ if environ is None else environ
    named = environment.get("NBPROJ_STATE_DIR")
    folder = (_absolute(named) if named else _of_the_platform("user_state_path")) / part
    if _usable(folder, 0o700):
        return folder
    other = _fallback(part)
    if folder.parent not in _told:
        _told.add(folder.parent)
        why = "there is no home folder" if str(folder).startswith("~") else f"{folder.parent} cannot be written"
        progress(Event("note", f"{why}; the state of runs is kept in {other.parent}: NBPROJ_STATE_DIR names another place"))
    return other


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the per-user folder for what can be made again: NBPROJ_CACHE_DIR, else the platform's; a temporary one when that cannot be written."""
    environment = os.environ if environ is None else environ
    named = environment.get("NBPROJ_CACHE_DIR")
    folder = _absolute(named) if named else _of_the_platform("user_cache_path")
    return folder if _usable(folder, 0o755) else _fallback("cache")
