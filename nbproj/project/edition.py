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


def cell_difference(file: str, before: Sequence[Cell], after: Sequence[Cell]) -> str:
    r"""Return what differs between the cells of two editions, as `diff` would say it, cell by cell.

    Examples
    --------
    >>> print(cell_difference("a.ipynb", [Cell(1, "code", "%parameters\na = 1")], [Cell(1, "code", "# parameters\na = 1", ("parameters",))]))
    a.ipynb, cell 1
    - %parameters
    + tags: parameters
    + # parameters
      a = 1
    """
    told: list[str] = []
    old, new = ([(_lines(cell), cell) for cell in cells] for cells in (before, after))
    keys = [[(tuple(lines), cell.kind) for lines, cell in cells] for cells in (old, new)]
    matcher = difflib.SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    for word, i1, i2, j1, j2 in matcher.get_opcodes():
        if word == "equal":
            continue
        for offset in range(max(i2 - i1, j2 - j1)):
            gone = old[i1 + offset] if i1 + offset < i2 else None
            come = new[j1 + offset] if j1 + offset < j2 else None
            head = f"{file}, cell {gone[1].number}" if gone else f"{file}, new cell {come[1].number if come else ''}"
            told.append(head + ("" if come else ", removed"))
            hunks = list(difflib.unified_diff(gone[0] if gone else [], come[0] if come else [], n=_CONTEXT, lineterm=""))[2:]
            told += [f"{line[0]} {line[1:]}".rstrip() for line in hunks if not line.startswith("@")]
    return "\n".join(told)


def _lines(cell: Cell) -> list[str]:
    tags = [f"tags: {', '.join(cell.tags)}"] if cell.tags else []
    return [*tags, *cell.source.split("\n")]


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
        for one in change.before:
            metadata: Any = one["metadata"]
            cells.append(new_code_cell(str(one["source"]), metadata=dict(metadata)))
        if change.removed:
            continue
        if change.source is not None:
            cell.source = change.source
        if change.tags:
            cell.metadata["tags"] = list(change.tags)
        elif change.tags is not None:
            cell.metadata.pop("tags", None)
        cells.append(cell)
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
