"""What matters of a notebook's file, remembered as long as the file is unchanged: a folder of hundreds is read once, not with every look at it.

A file is known by its path, size, times and inode. What is kept is an extract of it - its language and, if any cell declares something, the cells -
never a conclusion: whoever reads the declarations reads them anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from nbproj.errors import EntryPointError, ProjectError
from nbproj.paths import write_atomically
from nbproj.project.cells import Cell, cells_of, language, read_document
from nbproj.project.marks import ENTRY_POINT_TAG, PARAMETERS_TAG
from nbproj.project.model import Place

__all__ = ["Content", "content", "is_executed", "remembering"]

# A line that may declare something; what it says is decided by who reads it.
DECLARES: Final = re.compile(r"^[ \t]*(?:%%?|#[ \t]*)(?:parameters|entrypoint|mlproject)\b|^# /// script", re.MULTILINE)
VERSION: Final = 1
FILE: Final = "notebooks.json"
MAXIMUM_REMEMBERED: Final = 5_000
MAXIMUM_BYTES: Final = 64 << 20
SETTLED: Final = 100_000_000
"""Nanoseconds after its last change from which on a file's times tell every further change: clocks of file systems tick slowly."""

_Key: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Content:
    """An extract of a notebook.

    Parameters
    ----------
    language : str
        In lower case.
    executed : bool
        Whether papermill wrote it: the record of a run, not something to run.
    cells : tuple of Cell, optional
        All of them; None when none declares anything.
    """

    language: str = "python"
    executed: bool = False
    cells: tuple[Cell, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a file is no notebook; the reader's place of it is not known here."""

    message: str
    line: int | None
    column: int | None
    cell: int | None


_remembered: dict[str, tuple[_Key, Content | _Refusal]] = {}


def content(path: Path, place: Place) -> Content:
    """Return what matters of a notebook.

    Parameters
    ----------
    path : Path
        The notebook, or a text that jupytext reads.
    place : Place
        What errors call it.

    Raises
    ------
    EntryPointError
        It is not a notebook of format 4.
    """
    name = str(path)
    before = _key(path)
    known = _remembered.get(name)
    if known is not None and known[0] == before:
        found = known[1]
    else:
        found = _read(path)
        if before is not None and before == _key(path) and time.time_ns() - max(before[1:3]) > SETTLED:
            _remembered.pop(name, None)
            _remembered[name] = (before, found)
            while len(_remembered) > MAXIMUM_REMEMBERED:
                _remembered.pop(next(iter(_remembered)), None)
    if isinstance(found, _Refusal):
        raise EntryPointError(found.message, place=Place(place.file, found.line, found.column, found.cell))
    return found


def is_executed(path: Path) -> bool:
    """Return whether a notebook is one that papermill wrote: the record of a run, not something to run."""
    try:
        return content(path, Place(path.name)).executed
    except ProjectError:
        return False


@contextlib.contextmanager
def remembering(folder: Path) -> Iterator[None]:
    """Know within the block what earlier processes read, and leave what this one read to later ones.

    Parameters
    ----------
    folder : Path
        A cache folder of the user's own. What cannot be read there or written is done without.
    """
    file = folder / FILE
    stored = _load(file)
    for name, known in stored.items():
        _remembered.setdefault(name, known)
    try:
        yield
    finally:
        new = {name: known for name, known in _remembered.items() if stored.get(name) != known}
        if new:
            _save(file, {**stored, **new})


def _key(path: Path) -> _Key | None:
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_size, known.st_mtime_ns, known.st_ctime_ns, known.st_ino


def _read(path: Path) -> Content | _Refusal:
    place = Place(path.name)
    try:
        document = read_document(path, place)
        cells = cells_of(document, place)
    except EntryPointError as error:
        where = error.place if isinstance(error.place, Place) else place
        return _Refusal(error.message, where.line, where.column, where.cell)
    metadata = document.get("metadata")
    executed = isinstance(metadata, dict) and "papermill" in metadata
    return Content(language(document), executed, tuple(cells) if any(_may_declare(cell) for cell in cells) else None)


def _may_declare(cell: Cell) -> bool:
    if cell.kind != "code":
        return False
    return DECLARES.search(cell.source) is not None or any(tag == PARAMETERS_TAG or tag.startswith(ENTRY_POINT_TAG) for tag in cell.tags)


def _load(file: Path) -> dict[str, tuple[_Key, Content | _Refusal]]:
    try:
        if file.stat().st_size > MAXIMUM_BYTES or file.stat().st_uid != os.getuid():
            return {}
        document = json.loads(file.read_bytes())
        if document["version"] != VERSION:
            return {}
        return {str(name): (tuple(key), _known(value)) for name, (key, value) in document["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _known(value: list[object]) -> Content | _Refusal:
    kind, *rest = value
    if kind == "refusal":
        return _Refusal(*rest)  # type: ignore[arg-type]  # what `_stored` wrote; anything else is not taken for more than a text
    spoken, executed, cells = rest
    if cells is None:
        return Content(str(spoken), bool(executed))
    return Content(str(spoken), bool(executed), tuple(Cell(n, kind, source, tuple(tags), identity) for n, kind, source, tags, identity in cells))  # type: ignore[attr-defined]


def _stored(known: Content | _Refusal) -> list[object]:
    if isinstance(known, _Refusal):
        return ["refusal", known.message, known.line, known.column, known.cell]
    cells = None if known.cells is None else [[cell.number, cell.kind, cell.source, cell.tags, cell.id] for cell in known.cells]
    return ["content", known.language, known.executed, cells]


def _save(file: Path, files: dict[str, tuple[_Key, Content | _Refusal]]) -> None:
    latest = dict(list(files.items())[-MAXIMUM_REMEMBERED:])
    text = json.dumps({"version": VERSION, "files": {name: [key, _stored(known)] for name, (key, known) in latest.items()}}, ensure_ascii=True)
    with contextlib.suppress(OSError, ValueError):
        if len(text) <= MAXIMUM_BYTES:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(file, text, mode=0o600)
