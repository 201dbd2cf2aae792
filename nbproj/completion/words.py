"""A line as a shell reads it, up to the cursor: its words without their quoting, and how the last one is quoted so far."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Typed", "quoted", "read"]

Quote = Literal["", "'", '"']

_SAFE = re.compile(r"[\w./:=@%+,~^-]", re.ASCII)
_BLANK = " \t\n"
_IN_DOUBLE = '$`"\\'
_IN_DOUBLE_PLAIN = '"\\'  # where nothing is replaced, as in `shlex`


@dataclass(slots=True)
class Typed:
    """The words of a command line, and the word that is being typed.

    Parameters
    ----------
    words : list of str
        The complete words, without quoting.
    text : str
        The word under the cursor as the program would get it; empty behind a space.
    raw : str
        That word as it is typed.
    quote : str
        The quotation mark that is open at the cursor.
    live : bool
        The word holds what the shell replaces: a variable, a command.
    redirected : bool
        The word is the file that output goes to, or input comes from: none of the program's.
    """

    words: list[str] = field(default_factory=list)
    text: str = ""
    raw: str = ""
    quote: Quote = ""
    live: bool = False
    redirected: bool = False


def read(line: str, *, operators: bool = True, fish: bool = False) -> Typed:
    r"""Return the words of a line that ends at the cursor.

    Parameters
    ----------
    line : str
        The command, from its first word.
    operators : bool
        Whether `;`, `|`, `&`, `<`, `>` and `$` mean something, as they do in a shell and not in a magic.
    fish : bool
        Backslashes within single quotation marks mean what they mean to fish.

    Examples
    --------
    >>> typed = read(r"nbproj run my\ project -P 'mode=f")
    >>> typed.words, typed.text, typed.raw, typed.quote
    (['nbproj', 'run', 'my project', '-P'], 'mode=f', "'mode=f", "'")
    """
    reader = _Reader(operators=operators, fish=fish)
    position = 0
    while position < len(line):
        position = reader.read(line, position)
    return reader.typed


class _Reader:
    def __init__(self, *, operators: bool, fish: bool) -> None:
        self.typed = Typed()
        self._begun = False
        self._operators = operators
        self._fish = fish

    def read(self, line: str, at: int) -> int:
        """Read one character, or two of them that belong together; return where the next one is."""
        typed, one, two = self.typed, line[at], line[at : at + 2]
        if not typed.quote:
            if two == "\\\n":  # the line goes on in the next one
                return at + 2
            if one in _BLANK:
                self._end()
                return at + 1
            if self._operators and one in ";|&<>":
                return self._operator(line, at)
        self._begun = True
        if self._operators and one in "$`" and typed.quote != "'":
            typed.live = True
        if one == "\\" and self._escapes(two[1:]):
            typed.raw += two
            typed.text += two[1:].replace("\n", "")
            return at + len(two)
        typed.raw += one
        if one == typed.quote:
            typed.quote = ""
        elif not typed.quote and one in {"'", '"'}:
            typed.quote = "'" if one == "'" else '"'
        else:
            typed.text += one
        return at + 1

    def _escapes(self, following: str) -> bool:
        if self.typed.quote == '"':
            return following in ({*_IN_DOUBLE, "\n"} if self._operators else {*_IN_DOUBLE_PLAIN})
        return not self.typed.quote or (self._fish and following in {"'", "\\"})

    def _operator(self, line: str, at: int) -> int:
        if line[at] in ";|&" and line[max(at - 1, 0) : at] != ">":
            self.typed = Typed()  # another command
            self._begun = False
            return at + 1
        if self.typed.raw.isdigit():  # of a stream, as in 2>file
            self._begun, self.typed.raw, self.typed.text = False, "", ""
        self._end()
        self.typed.redirected = True
        return at + 1

    def _end(self) -> None:
        typed = self.typed
        if not self._begun:
            return
        if not typed.redirected:
            typed.words.append(os.path.expandvars(typed.text) if typed.live else typed.text)
        self.typed, self._begun = Typed(typed.words), False


def quoted(text: str, quote: Quote = "", *, operators: bool = True) -> str:
    r"""Return a text as it is typed within an open quotation mark, or without one.

    Parameters
    ----------
    text : str
        The text.
    quote : str
        The quotation mark that is open.
    operators : bool
        As for `read`.

    Examples
    --------
    >>> quoted("my data;x"), quoted("it's", "'"), quoted('say "$x"', '"')
    ('my\\ data\\;x', "it'\\''s", 'say \\"\\$x\\"')
    """
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote == '"':
        special = _IN_DOUBLE if operators else _IN_DOUBLE_PLAIN
        return "".join(f"\\{one}" if one in special else one for one in text)
    return "".join(one if _SAFE.match(one) or ord(one) > 127 else f"\\{one}" for one in text)  # noqa: PLR2004 - the last of ASCII
