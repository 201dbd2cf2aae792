"""The files of a project that count for what its runs are: what Git knows or would take, else all that is not ignored; each with its digest.

Left out, wherever they lie: what runs leave behind - stores, artifacts, executed notebooks, checkpoints - and `.env` files, which hold credentials.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from nbproj.errors import SourceError
from nbproj.identity.digests import EXECUTED, BudgetSpentError, Digests
from nbproj.paths import is_inside
from nbproj.project.listing import project_files
from nbproj.sources.gitcommand import GitError, git

__all__ = ["changed_files", "is_left_out", "source_manifest"]

_LEFT_OUT: Final = frozenset({".git", "__pycache__", ".ipynb_checkpoints", "mlruns", "mlartifacts"})
_LEFT_OUT_FILES: Final = re.compile(r"mlflow\.db.*|\.env(\..*)?|.*\.pyc|.*~|\.DS_Store")
_HIDDEN: Final = (".python-version", ".Rprofile", ".Renviron")
"""Hidden files that change what a run does, and count even if Git does not track them."""


def source_manifest(
    root: Path,
    *,
    fresh: bool = False,
    own: str | None = None,
    leave_out: Collection[Path] = (),
    digests: Digests | None = None,
    most: int | None = None,
) -> dict[str, str]:
    """Return the digests of the files that count, by their path in the project.

    Parameters
    ----------
    root : Path
        The project's folder.
    fresh : bool
        It was made for one run: all that lies there is the project's.
    own : str, optional
        The notebook that runs: it counts, even if papermill has written it.
    leave_out : collection of Path
        Files and folders that are no part of it: the store, outputs.
    digests : Digests, optional
        What reads the files, and remembers; by default nothing is remembered.
    most : int, optional
        How many files at most.

    Raises
    ------
    BudgetSpentError
        There is more to read than was allowed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "train.py").write_text("print(1)")
    ...     _ = (Path(folder) / "mlflow.db").write_text("")
    ...     list(source_manifest(Path(folder)))
    ['train.py']
    """
    reader = Digests(None) if digests is None else digests
    names = _walked(root) if fresh else _known_to_git(root)
    found: dict[str, str] = {}
    # The project's folder has no links in its path; theirs may, or lie behind one in the project.
    gone = {name for path in leave_out for name in (os.path.abspath(path), os.path.realpath(path))}  # noqa: PTH100 - links stay
    for count, name in enumerate(sorted(names or _unignored(root)), start=1):
        if most is not None and count > most:
            raise BudgetSpentError
        path = root / name
        if is_left_out(name) or any(str(path) == one or str(path).startswith(one + os.sep) for one in gone):
            continue
        digest = reader.of(path)
        if digest is not None and (name == own or not digest.startswith(EXECUTED)):
            found[name] = digest
    return found


def changed_files(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the files in which two manifests differ, a line each.

    Examples
    --------
    >>> changed_files({"a.py": "1", "b.py": "1"}, {"a.py": "2", "c.py": "1"})
    ['a.py changed', 'b.py removed', 'c.py new']
    """
    lines = []
    for name in sorted({*before, *after}):
        if name not in after:
            lines.append(f"{name} removed")
        elif name not in before:
            lines.append(f"{name} new")
        elif before[name] != after[name]:
            lines.append(f"{name} changed")
    return lines


def is_left_out(name: str) -> bool:
    """Return whether a path in a folder is of what runs and tools leave there.

    Examples
    --------
    >>> is_left_out("data/mlruns/0/meta.yaml"), is_left_out("mlflow.db-wal"), is_left_out("data/a.csv")
    (True, True, False)
    """
    *folders, last = name.split("/")
    return not _LEFT_OUT.isdisjoint(folders) or _LEFT_OUT_FILES.fullmatch(last) is not None


def _unignored(root: Path) -> list[str]:
    # Where all is ignored the folder itself is, and that says nothing about what is in it.
    found = list(project_files(root)) or [name for name in _walked(root, tools=False) if not name.startswith(".")]
    return [*found, *(name for name in _HIDDEN if (root / name).is_file())]


def _walked(root: Path, *, tools: bool = True) -> list[str]:
    """Return all files below a folder, with or without what tools keep there."""
    found = []
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _LEFT_OUT and (tools or not _is_of_tools(Path(parent, name)))]
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]  # noqa: PTH114, PTH118 - one call each, for thousands
        found += [os.path.relpath(os.path.join(parent, name), root) for name in (*names, *links)]  # noqa: PTH118 - as above
    return found


def _is_of_tools(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name == "node_modules" or (folder / "pyvenv.cfg").exists() or (folder / "conda-meta").is_dir()


def _known_to_git(root: Path) -> list[str]:
    """Return what Git tracks below a folder, and what it would take and is not hidden; nothing where there is no Git, or it ignores the folder."""
    if not any((parent / ".git").exists() for parent in (root, *root.parents)):
        return []
    try:
        told = git("ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard", "--", ".", cwd=root)
    except (GitError, SourceError):
        return []
    marked = [os.fsdecode(record).split(" ", 1) for record in told.split(b"\0") if record]
    # What tools drop beside the files is hidden, and nobody has asked Git to keep it.
    return list(_entered(root, (name for mark, name in marked if mark != "?" or name in _HIDDEN or not _is_hidden(name))))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _entered(root: Path, names: Iterator[str]) -> Iterator[str]:
    """Give names of files; a submodule, or a repository that lies in this one, is entered."""
    for name in dict.fromkeys(names):
        folder = root / name
        if name.startswith("..") or (folder.is_dir() and not folder.is_symlink()):
            if is_inside(root, folder):
                yield from (f"{name.rstrip('/')}/{inner}" for inner in _known_to_git(folder) or _walked(folder))
        else:
            yield name
