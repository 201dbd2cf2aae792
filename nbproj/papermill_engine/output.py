"""Where papermill's caller wants the executed notebook: a file, which is never seen half-written, or whatever else papermill can write to."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from nbproj.errors import RunError
from nbproj.paths import write_atomically

__all__ = ["Output", "local_path"]

_EXTENSIONS = [".ipynb", ".json"]


def local_path(path: str) -> Path | None:
    """Return the file that papermill means by a path; None where it is none of this host's."""
    from papermill.iorw import LocalHandler

    handler = _handler(path)
    # papermill's caller may have asked for another working folder meanwhile: the paths start where papermill was called.
    return Path(getattr(handler, "_cwd", None) or "") / path if isinstance(handler, LocalHandler) else None


def _handler(path: str) -> Any:
    from papermill.iorw import papermill_io

    return papermill_io.get_handler(path, _EXTENSIONS)


class Output:
    """Where a notebook is saved while it runs.

    Parameters
    ----------
    path : str, optional
        papermill's; None where papermill saves it at the end only.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._handler: Any = _handler(path) if path is not None else None
        self._file = local_path(path) if path is not None else None
        self._problem: Exception | None = None

    @property
    def is_file(self) -> bool:
        """Whether saving is quick."""
        return self._file is not None

    def save(self, text: str) -> None:
        """Save it. What is wrong with that is kept for `check`: a run is not ended by it."""
        if self._path is None:
            return
        try:
            mode = _mode(self._file) if self._file is not None else None
            if self._file is not None and mode is not None:
                write_atomically(self._file.resolve(), text.encode("utf-8", "backslashreplace"), mode=mode)
            else:
                self._handler.write(text, self._path)
            self._problem = None
        except Exception as error:  # noqa: BLE001 - of papermill's handlers, which raise what their libraries raise
            self._problem = error

    def check(self) -> None:
        """Say what is wrong with the place.

        Raises
        ------
        RunError
            The last save failed.
        """
        if self._problem is not None:
            told = getattr(self._problem, "strerror", None) or self._problem
            msg = f"the executed notebook cannot be saved to {self._path}: {told}"
            raise RunError(msg) from self._problem


def _mode(path: Path) -> int | None:
    """Return the permissions of a file, those of a new one where there is none; None for what is no plain file."""
    try:
        found = path.stat().st_mode
    except FileNotFoundError:
        return 0o644
    return stat.S_IMODE(found) if stat.S_ISREG(found) else None
