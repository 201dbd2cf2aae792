"""One line of a terminal: cells with a character and a look each."""

from __future__ import annotations

import functools
import re
import unicodedata
from itertools import groupby
from typing import NamedTuple

from nbproj.display.colour import PLAIN, Style

__all__ = ["Line", "Span", "cells_of", "is_narrow"]

# Characters that take one column each; everything else is looked up.
_WIDE = re.compile("[^ -~\xa1-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2190-\u2307\u2500-\u25fa\u2800-\u28ff\ufffd]")
_MARKS = 4  # combining characters that one cell keeps


class Span(NamedTuple):
    """A stretch of a line with one look."""

    text: str
    look: Style = PLAIN


def is_narrow(text: str) -> bool:
    """Return whether each character takes exactly one column."""
    return text.isascii() or not _WIDE.search(text)


@functools.lru_cache(4096)
def _width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cells_of(text: str) -> list[str]:
    r"""Return a text by cells: a wide character is followed by an empty one, combining marks go with what they follow.

    Examples
    --------
    >>> cells_of("a漢")
    ['a', '漢', '']
    >>> [len(cell) for cell in cells_of("\u0301e\u0301")]
    [1, 2]
    """
    cells: list[str] = []
    base = -1
    for character in text:
        width = _width(character)
        if width == 0:
            if base < 0:
                cells.append(character)  # the line's previous cell takes it, see `Line.put`
            elif len(cells[base]) <= _MARKS:
                cells[base] += character
            continue
        base = len(cells)
        cells.append(character)
        cells.extend([""] * (width - 1))
    return cells


class Line:
    """A line that grows to the right up to a number of columns; what is beyond is cut."""

    __slots__ = ("_cells", "_looks", "cut")

    def __init__(self) -> None:
        self.cut = False
        self._cells: str | list[str] = ""
        self._looks: list[Style] | None = None

    def __len__(self) -> int:
        return len(self._cells)

    def put(self, column: int, text: str, look: Style, limit: int) -> int:
        """Write at a column over what stands there and return the column behind it."""
        if is_narrow(text):
            new: str | list[str] = text
        else:
            new = cells_of(text)
            while new and _width(new[0][:1] or " ") == 0:
                self._mark(column, new.pop(0))
        room = limit - column
        if len(new) > room:
            self.cut = True
            new = new[: max(room, 0)]
        if new:
            self._put(column, new, look)
        return column + len(new)

    def _mark(self, column: int, mark: str) -> None:
        cells = self._cells = list(self._cells)
        where = min(column, len(cells)) - 1
        while where > 0 and not cells[where]:
            where -= 1
        if where >= 0 and len(cells[where]) <= _MARKS:
            cells[where] += mark

    def _put(self, column: int, new: str | list[str], look: Style) -> None:
        end = column + len(new)
        before = len(self._cells)
        gap = max(column - before, 0)
        if isinstance(self._cells, str) and isinstance(new, str):
            old = self._cells + " " * gap
            self._cells = old[:column] + new + old[end:]
        else:
            cells = [*self._cells, *" " * gap]
            if column < len(cells) and cells[column] == "" and column:
                cells[column - 1] = " "  # the left half of what is written over
            if end < len(cells) and cells[end] == "":
                cells[end] = " "
            cells[column:end] = new
            self._cells = cells
        if look is not PLAIN or self._looks is not None:
            looks = self._looks if self._looks is not None else [PLAIN] * before
            looks.extend([PLAIN] * gap)
            looks[column:end] = [look] * len(new)
            self._looks = looks

    def erase(self, start: int, end: int | None = None) -> None:
        """Make the columns from `start` to before `end`, or to the line's end, blank."""
        if end is None or end >= len(self._cells):
            self._cells = self._cells[:start]
            self._looks = self._looks[:start] if self._looks is not None else None
            self.cut = False
        elif end > start:
            self._put(start, " " * (end - start), PLAIN)

    def spans(self, width: int) -> list[Span]:
        """Return the line as at most `width` columns; an ellipsis stands for what is cut."""
        cells = self._cells
        cut = self.cut or len(cells) > width
        if cut:
            cells = cells[: width - 1]
        looks = self._looks
        if looks is None:
            spans = [Span("".join(cells))]
        else:
            pairs = groupby(zip(cells, looks, strict=False), key=lambda pair: pair[1])
            spans = [Span("".join(cell for cell, _look in pair), look) for look, pair in pairs]
        if cut:
            return [*spans, Span("\u2026")]
        while spans and spans[-1].look.bg is None and not spans[-1].look.inverse:
            last = spans.pop()
            if text := last.text.rstrip():
                spans.append(Span(text, last.look))
                break
        return spans
