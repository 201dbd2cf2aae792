"""Paths as candidates: what lies in the folder that is being typed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from nbproj.completion.candidate import Candidate

__all__ = ["any_file", "folders", "paths", "with_suffix"]

_MOST_ENTRIES = 5_000

Accept = Callable[[os.DirEntry[str]], bool]


def any_file(_entry: os.DirEntry[str]) -> bool:
    """Accept every file."""
    return True


def folders(_entry: os.DirEntry[str]) -> bool:
    """Accept no file: folders are offered always."""
    return False


def with_suffix(*suffixes: str) -> Accept:
    """Return what accepts the files with one of some suffixes."""
    return lambda entry: entry.name.endswith(suffixes)


def paths(typed: str, accept: Accept = any_file, *, base: Path | None = None) -> Iterator[Candidate]:
    """Give the files and folders that a path could become.

    Parameters
    ----------
    typed : str
        What is there of it; `~` stands for the user's folder and stays.
    accept : callable
        Which files are offered; folders are, because more can follow.
    base : Path, optional
        Where a relative path starts; the working folder by default.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "data.csv").write_text(""), (Path(folder) / "d").mkdir()
    ...     [one.text for one in paths("./d", base=Path(folder))]
    ['./d/', './data.csv']
    """
    if typed in {"~", ".."} or typed.endswith("/.."):
        yield Candidate(f"{typed}/", unfinished=True)
        return
    head, tail = typed[: typed.rfind("/") + 1], typed[typed.rfind("/") + 1 :]
    folder = (base or Path.cwd()) / os.path.expanduser(head)  # noqa: PTH111 - Path.expanduser raises for a user that is not there
    try:
        with os.scandir(folder) as listing:
            entries = [entry for entry, _ in zip(listing, range(_MOST_ENTRIES), strict=False)]
    except OSError:
        return
    for entry in sorted(entries, key=lambda entry: entry.name):
        if not entry.name.startswith(tail) or (entry.name.startswith(".") and not tail):
            continue
        if _is_folder(entry):
            yield Candidate(f"{head}{entry.name}/", unfinished=True)
        elif accept(entry):
            yield Candidate(f"{head}{entry.name}")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
