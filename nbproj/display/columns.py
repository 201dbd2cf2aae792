"""Texts in the columns of a terminal: how wide they are, cut, filled up, broken into lines, and never able to move its cursor."""

from __future__ import annotations

import unicodedata

__all__ = ["clip", "columns", "pad", "printable", "wrap"]


def printable(text: str) -> str:
    r"""Return a text in which what a terminal would obey, or could not encode, stands as its escape.

    Unlike `errors.one_line` it keeps every space: a path can be copied from it.

    Examples
    --------
    >>> print(printable("my  runs\x1b[2J\n"))
    my  runs\x1b[2J\n
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode("ascii") for character in text)


def columns(text: str) -> int:
    """Return how many columns a text takes: wide characters two, combining ones none.

    Examples
    --------
    >>> columns("wine"), columns("漢字"), columns("e\u0301")
    (4, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def clip(text: str, width: int) -> str:
    """Return a text cut to a width; dots stand for what is missing.

    Examples
    --------
    >>> clip("strength", 8), clip("strength", 7), clip("漢字漢字", 7)
    ('strength', 'stre...', '漢字...')
    """
    if columns(text) <= width:
        return text
    dots = "..."[: max(width, 0)]
    kept, taken = "", len(dots)
    for one in text:
        taken += columns(one)
        if taken > width:
            break
        kept += one
    return kept + dots


def pad(text: str, width: int) -> str:
    """Return a text filled up with spaces to a width.

    Examples
    --------
    >>> pad("漢", 4) + "|"
    '漢  |'
    """
    return text + " " * (width - columns(text))


def wrap(text: str, width: int, *, first: str = "", rest: str = "", between: str = " ") -> list[str]:
    """Return a text as lines of a width, broken between words; a longer word stays whole, so that it can be copied.

    Parameters
    ----------
    text : str
        Words.
    width : int
        Columns.
    first, rest : str
        What the first line and the others begin with.
    between : str
        What separates words, and goes away where a line ends.

    Examples
    --------
    >>> wrap("one two three", 9, first="- ", rest="  ")
    ['- one two', '  three']
    >>> wrap("a=1  b=2  c=a sentence", 12, between="  ")
    ['a=1  b=2', 'c=a sentence']
    """
    lines: list[str] = []
    line, empty = first, True
    for word in text.split(between):
        more = word if empty else between + word
        if not empty and columns(line) + columns(more) > width:
            lines.append(line)
            line, more = rest, word
        line += more
        empty = False
    return [one.rstrip() for one in [*lines, line]]
