"""A notebook's file in a new edition: some of its cells changed, and nothing else of it, be it JSON or a text that jupytext reads."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from nbproj.errors import EntryPointError
from nbproj.project.cells import Cell
from nbproj.project.jsontext import CellChange, changed_text
from nbproj.project.model import Place

__all__ = ["CellChange", "cell_difference", "new_cell", "new_edition"]

_MARK: Final = b"\xef\xbb\xbf"
_CONTEXT: Final = 2


def new_edition(data: bytes, changes: Mapping[int, CellChange], place: Place) -> bytes:
    """Return the content of a notebook's file with some cells changed.

    Parameters
    ----------
    data : bytes
        The content, which can be read as a notebook.
    changes : mapping of int to CellChange
        By the number of the cell, counted from 1.
    place : Place
        The file: its suffix says what it is.

    Raises
    ------
    EntryPointError
        The file cannot be changed without changing more of it.

    Examples
    --------
    >>> new_edition(b'{"cells": [{"source": "%parameters", "metadata": {}}]}', {1: CellChange("# parameters")}, Place("a.ipynb"))
    b'{"cells": [{"source": "# parameters", "metadata": {}}]}'
    """
    if not changes:
        return data
    text = data.decode("utf-8-sig")
    suffix = PurePath(place.file).suffix
    changed = changed_text(text, changes) if suffix == ".ipynb" else _changed_script(text, suffix, changes, place)
    # A lone surrogate, which no UTF-8 has, becomes JSON's own way of writing it.
    return (_MARK if data.startswith(_MARK) else b"") + changed.encode("utf-8", "backslashreplace")


def new_cell(source: str, tags: Sequence[str], *, identity: str | None = None) -> dict[str, object]:
    """Return a code cell that was never run, as its JSON has it.

    Examples
    --------
    >>> new_cell("# parameters", ["parameters"])["metadata"]
    {'tags': ['parameters']}
    """
    cell: dict[str, object] = {"cell_type": "code", "execution_count": None}
    if identity is not None:
        cell["id"] = identity
    return {**cell, "metadata": {"tags": list(tags)} if tags else {}, "outputs": [], "source": source}


def cell_difference(file: str, cells: Sequence[Cell], changes: Mapping[int, CellChange]) -> str:
    r"""Return what changes in the cells of a notebook, as `diff` would say it, cell by cell.

    Examples
    --------
    >>> print(cell_difference("a.ipynb", [Cell(1, "code", "%parameters\na = 1")], {1: CellChange("# parameters\na = 1", ("parameters",))}))
    a.ipynb, cell 1
    - %parameters
    + tags: parameters
    + # parameters
      a = 1
    """
    told: list[str] = []
    for cell in cells:
        change = changes.get(cell.number)
        if change is None:
            continue
        for new in change.before:
            told += [f"{file}, new cell above cell {cell.number}", *_added(new)]
        was = _lines(cell.source, cell.tags)
        if change.removed:
            told += [f"{file}, cell {cell.number}, removed", *_hunks(was, [])]
        elif change.source is not None or change.tags is not None:
            source = cell.source if change.source is None else change.source
            is_now = _lines(source, cell.tags if change.tags is None else change.tags)
            told += [f"{file}, cell {cell.number}", *_hunks(was, is_now)]
        for new in change.after:
            told += [f"{file}, new cell below cell {cell.number}", *_added(new)]
    return "\n".join(told)


def _hunks(before: Sequence[str], after: Sequence[str]) -> list[str]:
    lines = list(difflib.unified_diff(before, after, n=_CONTEXT, lineterm=""))[2:]
    return [f"{line[0]} {line[1:]}".rstrip() for line in lines if not line.startswith("@")]


def _added(cell: Mapping[str, object]) -> list[str]:
    metadata = cell.get("metadata")
    tags = metadata.get("tags", ()) if isinstance(metadata, dict) else ()
    return _hunks([], _lines(str(cell["source"]), tags))


def _lines(source: str, tags: Sequence[str]) -> list[str]:
    return [*([f"tags: {', '.join(tags)}"] if tags else []), *source.split("\n")]


def _changed_script(text: str, suffix: str, changes: Mapping[int, CellChange], place: Place) -> str:
    """Return a script or Markdown file with some cells changed: what jupytext would write otherwise, put into the text that is there."""
    import jupytext

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what jupytext thinks of a notebook is nothing its user asked for
        fmt: Any = suffix.removeprefix(".")
        base, edited = jupytext.reads(text, fmt=fmt), jupytext.reads(text, fmt=fmt)
        _apply(edited, changes)
        representation = base.metadata.get("jupytext", {}).get("text_representation", {})
        fmt = {key: representation[key] for key in ("extension", "format_name") if key in representation} or fmt
        for document in (base, edited):
            # What the text says is written again: tags are no less part of a cell than its code.
            document.metadata.setdefault("jupytext", {})["cell_metadata_filter"] = "all"
        old, new = (jupytext.writes(document, fmt=fmt).splitlines(keepends=True) for document in (base, edited))
    newline = "\r\n" if "\r\n" in text else "\n"
    there = text.replace("\r\n", "\n").splitlines(keepends=True)
    return "".join(_merged(there, old, new, place)).replace("\n", newline)


def _apply(document: Any, changes: Mapping[int, CellChange]) -> None:  # noqa: ANN401 - jupytext has no types
    from nbformat.v4 import new_code_cell

    cells: list[Any] = []
    for number, cell in enumerate(document.cells, start=1):
        change = changes.get(number, CellChange())
        above, below = ([new_code_cell(str(one["source"]), metadata=one["metadata"]) for one in new] for new in (change.before, change.after))
        if change.source is not None:
            cell.source = change.source
        if change.tags:
            cell.metadata["tags"] = list(change.tags)
        elif change.tags is not None:
            cell.metadata.pop("tags", None)
        cells += [*above, *([] if change.removed else [cell]), *below]
    document.cells = cells


def _merged(there: list[str], old: list[str], new: list[str], place: Place) -> list[str]:
    """Return lines with what differs between two others, `old` being how jupytext writes what is there.

    Raises
    ------
    EntryPointError
        A changed place is not written there as jupytext writes it.
    """
    if there == old:
        return new
    where: dict[int, int] = {len(old): len(there)}
    for i, j, size in difflib.SequenceMatcher(None, old, there, autojunk=False).get_matching_blocks():
        where.update({i + offset: j + offset for offset in range(size)})
    result: list[str] = []
    done = 0
    for word, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if word == "equal":
            continue
        start = where.get(i1)
        if start is None or start < done or any(where.get(index) != start + index - i1 for index in range(i1, i2)):
            msg = "cannot be changed without changing more: jupytext would write it in another way. Change it by hand, or save it with jupytext"
            raise EntryPointError(msg, place=place)
        result += [*there[done:start], *new[j1:j2]]
        done = start + i2 - i1
    return [*result, *there[done:]]
