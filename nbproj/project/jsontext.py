"""The text of a notebook's JSON with single values replaced: whatever is not replaced stays as it was written, byte for byte.

Who loads a document and writes it again changes its indentation, its numbers and the way its letters are escaped, and with them a diff of thousands
of lines. Here the places of the values are found, and only they are written anew, in the manner of the text around them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from json.decoder import JSONDecoder
from typing import Final

__all__ = ["CellChange", "changed_text"]

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_DECODER: Final = JSONDecoder()


@dataclass(frozen=True, slots=True)
class CellChange:
    """What becomes of one cell.

    Parameters
    ----------
    source : str, optional
        Its new text; None leaves it.
    tags : tuple of str, optional
        Its new tags; None leaves them.
    removed : bool
        The cell goes.
    before : tuple of mapping
        New cells that come to stand above it.
    after : tuple of mapping
        New cells that come to stand below it.
    """

    source: str | None = None
    tags: tuple[str, ...] | None = None
    removed: bool = False
    before: Sequence[Mapping[str, object]] = field(default=())
    after: Sequence[Mapping[str, object]] = field(default=())


@dataclass(frozen=True, slots=True)
class _Member:
    key: str
    key_start: int
    key_end: int
    start: int
    end: int


def changed_text(text: str, changes: Mapping[int, CellChange]) -> str:
    r"""Return the JSON text of a notebook with some cells changed.

    Parameters
    ----------
    text : str
        A valid document with a list of cells.
    changes : mapping of int to CellChange
        By the number of the cell, counted from 1.

    Examples
    --------
    >>> text = '{"cells": [{"source": ["a = 1.0e0\\n"], "metadata": {}}], "nbformat": 4}'
    >>> changed_text(text, {1: CellChange("a = 2\nb", ("parameters",))})
    '{"cells": [{"source": ["a = 2\\n", "b"], "metadata": {"tags": ["parameters"]}}], "nbformat": 4}'
    """
    at = _SPACE.match(text).end()  # type: ignore[union-attr]  # the empty text matches
    cells = {member.key: member for member in _members(text, at)}["cells"]
    spans = list(_elements(text, cells.start))
    style = _Style(text, spans)
    pieces: list[str] = []
    for number, (start, end) in enumerate(spans, start=1):
        change = changes.get(number)
        if change is None:
            pieces.append(text[start:end])
            continue
        pieces += [style.new(cell) for cell in change.before]
        if not change.removed:
            pieces.append(_changed_cell(text, start, end, change, style))
        pieces += [style.new(cell) for cell in change.after]
    inner = text[cells.start + 1 : cells.end - 1]
    if spans:
        lead, trail = text[cells.start + 1 : spans[0][0]], text[spans[-1][1] : cells.end - 1]
        if len(pieces) == len(spans) and not any(change.removed or change.before or change.after for change in changes.values()):
            between = [text[one[1] : two[0]] for one, two in pairwise(spans)]
            body = "".join(piece + gap for piece, gap in zip(pieces, [*between, ""], strict=True))
        else:
            body = f",{lead}".join(pieces)
        inner = f"{lead}{body}{trail}"
    return text[: cells.start + 1] + inner + text[cells.end - 1 :]


def _members(text: str, start: int) -> Iterator[_Member]:
    """Give the members of the object that begins at a place."""
    at = _skip(text, start + 1)
    while text[at] != "}":
        key_start = at
        key, key_end = _DECODER.raw_decode(text, at)
        value = _skip(text, _skip(text, key_end) + 1)
        end = _DECODER.raw_decode(text, value)[1]
        yield _Member(key, key_start, key_end, value, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _elements(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Give where the elements of the list that begins at a place begin and end."""
    at = _skip(text, start + 1)
    while text[at] != "]":
        end = _DECODER.raw_decode(text, at)[1]
        yield at, end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


class _Style:
    """How a text writes its values."""

    def __init__(self, text: str, spans: Sequence[tuple[int, int]]) -> None:
        self._ascii = text.isascii() and "\\u" in text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._unit: str | None = None
        self._outer = ""
        self._gaps = (", ", ": ")
        for start, _end in spans:
            member = next(_members(text, start), None)
            if member is None:
                continue
            lead = text[start + 1 : member.key_start]
            before = text[:start].rpartition("\n")[2]
            if "\n" in lead and not before.strip():
                self._outer, inner = before, lead.rpartition("\n")[2]
                self._unit = inner.removeprefix(before) or " "
            elif not text[member.key_end : member.start].endswith(" "):
                self._gaps = (",", ":")
            break

    @property
    def gap(self) -> str:
        """What stands behind a comma in a line."""
        return self._gaps[0][1:]

    @property
    def colon(self) -> str:
        """What stands behind a key."""
        return self._gaps[1]

    def written(self, value: object, indent: str) -> str:
        """Return a value as the text would have it in a line of that indentation."""
        if self._unit is None:
            return json.dumps(value, ensure_ascii=self._ascii, separators=self._gaps)
        lines = json.dumps(value, ensure_ascii=self._ascii, indent=self._unit).split("\n")
        return f"{self.newline}{indent}".join(lines)

    def new(self, cell: Mapping[str, object]) -> str:
        """Return a whole cell."""
        return self.written({**cell, "source": _lines(str(cell.get("source", "")))}, self._outer)

    def indent(self, text: str, at: int) -> str:
        """Return the indentation of the line that a place stands in."""
        line = text[:at].rpartition("\n")[2]
        return line[: len(line) - len(line.lstrip(" \t"))]


def _changed_cell(text: str, start: int, end: int, change: CellChange, style: _Style) -> str:
    members = {member.key: member for member in _members(text, start)}
    replaced: list[tuple[int, int, str]] = []
    if change.source is not None and "source" in members:
        place = members["source"]
        value = _lines(change.source) if text[place.start] == "[" else change.source
        replaced.append((place.start, place.end, style.written(value, style.indent(text, place.key_start))))
    if change.tags is not None:
        replaced.append(_tagged(text, members, change.tags, style))
    piece = text[start:end]
    for first, last, new in sorted(replaced, reverse=True):
        piece = piece[: first - start] + new + piece[last - start :]
    return piece


def _lines(source: str) -> list[str]:
    return [line for line in re.split(r"(?<=\n)", source) if line]


def _tagged(text: str, members: Mapping[str, _Member], tags: Sequence[str], style: _Style) -> tuple[int, int, str]:
    """Return what is replaced by what, so that a cell has other tags."""
    place = members.get("metadata")
    if place is None:
        last = max(members.values(), key=lambda member: member.end)
        lead = text[: last.key_start].rpartition("\n")[2] if style.newline in text[: last.key_start] else ""
        gap = f"{style.newline}{lead}" if not lead.strip() and lead else " "
        return last.end, last.end, f',{gap}"metadata": {style.written({"tags": list(tags)}, style.indent(text, last.key_start))}'
    inner = {member.key: member for member in _members(text, place.start)} if text[place.start] == "{" else {}
    known = inner.get("tags")
    if known is not None and tags:
        return known.start, known.end, style.written(list(tags), style.indent(text, known.key_start))
    if inner and tags:
        first, last = min(inner.values(), key=lambda one: one.start), max(inner.values(), key=lambda one: one.end)
        lead = text[place.start + 1 : first.key_start] or style.gap
        return last.end, last.end, f',{lead}"tags"{style.colon}{style.written(list(tags), style.indent(text, last.key_start))}'
    value = json.loads(text[place.start : place.end])
    value = {key: item for key, item in value.items() if key != "tags"} if isinstance(value, dict) else {}
    if tags:
        value["tags"] = list(tags)
    return place.start, place.end, style.written(value, style.indent(text, place.key_start))
