"""The scripts and notebooks of a folder: what a reader would call its programs, without what tools keep there (contract, section 3)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nbproj.paths import is_inside
from nbproj.project.content import is_executed

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["SCRIPTS", "project_files", "runnable_files"]

SCRIPTS: Final = (".py", ".sh", ".R")
NOTEBOOK: Final = ".ipynb"
ENDINGS: Final = (*SCRIPTS, NOTEBOOK)
MAXIMUM_ENTRIES: Final = 50_000
MAXIMUM_FILES: Final = 1_000
MAXIMUM_DEPTH: Final = 20
MAXIMUM_PARENTS: Final = 40
# A hostile `.gitignore` may cost this much, then no rule counts any more.
MAXIMUM_SECONDS: Final = 5
MAXIMUM_STARS: Final = 3  # of each kind, `*` and `**`
# Folders that tools make; hidden ones are left out besides.
OF_TOOLS: Final = frozenset({"__pycache__", "node_modules", "site-packages"})


def runnable_files(root: Path) -> list[str]:
    """Return the paths of the scripts and notebooks below a folder, relative to it, sorted.

    Left out: what is hidden, what Git ignores, virtual and conda environments, `node_modules`, `__pycache__`, `.ipynb_checkpoints`, notebooks that
    papermill has executed, links that leave the folder. Folders behind links are not entered. At most 1,000 files of 50,000 entries are found.

    Parameters
    ----------
    root : Path
        The folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("train.py", "notes.txt", ".hidden.py"):
    ...         _ = (Path(folder) / name).write_text("")
    ...     runnable_files(Path(folder))
    ['train.py']
    """
    found: list[str] = []
    start = len(str(root).rstrip(os.sep)) + 1
    for path in _files(root, ENDINGS):
        if path.name.endswith(NOTEBOOK) and is_executed(path):
            continue
        found.append(str(path)[start:])
        if len(found) >= MAXIMUM_FILES:
            break
    return sorted(found)


def project_files(root: Path) -> Iterator[str]:
    """Give the paths of all files below a folder, relative to it; what `runnable_files` leaves out for its place is left out here, too.

    Parameters
    ----------
    root : Path
        The folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("train.py", "notes.txt", ".hidden.py"):
    ...         _ = (Path(folder) / name).write_text("")
    ...     list(project_files(Path(folder)))
    ['notes.txt', 'train.py']
    """
    for path in _files(root, ("",)):
        yield os.path.relpath(path, root)


def _files(root: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """Give the candidates, folder by folder, the upper ones first."""
    ignored = _Ignored(root)
    waiting = [(root, 0)]
    entries = 0
    while waiting:
        folder, depth = waiting.pop(0)
        try:
            here = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        ignored.enter(folder)
        for entry in here:
            entries += 1
            if entries > MAXIMUM_ENTRIES:
                return
            path = folder / entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth < MAXIMUM_DEPTH and not _is_of_tools(path) and not ignored.covers(path, is_folder=True):
                    waiting.append((path, depth + 1))
            elif (
                entry.name.endswith(endings)
                and entry.is_file()
                # Folders behind links are not entered, so that only a link of its own can lead a file elsewhere.
                and (not entry.is_symlink() or is_inside(root, path))
                and not ignored.covers(path, is_folder=False)
            ):
                yield path


def _is_of_tools(folder: Path) -> bool:
    return folder.name in OF_TOOLS or (folder / "pyvenv.cfg").exists() or (folder / "conda-meta").is_dir()


class _Ignored:
    """What Git ignores, by the `.gitignore` files from the repository's root down to each folder; a lower file has the last word."""

    def __init__(self, root: Path) -> None:
        self._rules: dict[Path, GitIgnoreSpec] = {}
        self._spent = 0.0
        self._top = root
        above = [root, *root.parents][:MAXIMUM_PARENTS]
        repository = next((folder for folder in above if (folder / ".git").exists()), None)
        if repository is not None:
            self._top = repository
            for folder in above[: above.index(repository) + 1]:
                self.enter(folder)

    def enter(self, folder: Path) -> None:
        """Read the rules that a folder brings."""
        lines = [line for name in (".git/info/exclude", ".gitignore") for line in _lines(folder / name)]
        if lines:
            from pathspec import GitIgnoreSpec

            self._rules[folder] = GitIgnoreSpec.from_lines([line for line in lines if _is_rule(line)])

    def covers(self, path: Path, *, is_folder: bool) -> bool:
        """Return whether a path is ignored."""
        if self._spent > MAXIMUM_SECONDS:
            return False
        start = time.monotonic()
        try:
            return self._covers(path, is_folder=is_folder)
        finally:
            self._spent += time.monotonic() - start

    def _covers(self, path: Path, *, is_folder: bool) -> bool:
        for folder in path.parents:
            rules = self._rules.get(folder)
            if rules is not None:
                verdict = rules.check_file(path.relative_to(folder).as_posix() + ("/" if is_folder else "")).include
                if verdict is not None:
                    return verdict
            if folder == self._top:
                break
        return False


def _is_rule(line: str) -> bool:
    """Return whether a line is understood, and cannot take for ever: the time of a match grows with the power of its stars."""
    from pathspec import GitIgnoreSpec

    stars = re.findall(r"\*+", line)
    if max(stars.count("*"), len(stars) - stars.count("*")) > MAXIMUM_STARS:
        return False
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def _lines(file: Path) -> list[str]:
    """Return the lines of a file of rules; those that are not understood are nobody's rules."""
    try:
        if not file.is_file():
            return []
        with file.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(1 << 20).splitlines()
    except OSError:
        return []
