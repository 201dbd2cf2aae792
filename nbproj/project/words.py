"""The words of a shell command, while a template is being proven safe.

A hole is a place where a value will stand. A word is what the shell hands on as one argument, kept cell by cell, so that it is known which of its
characters were quoted, which are holes, and which are only known when the shell runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, NoReturn, TypeAlias

__all__ = ["Cell", "Command", "Expansion", "Hole", "Quote", "Redirect", "Refusal", "Unit", "Word", "refuse"]

Quote: TypeAlias = Literal["", "'", '"']
"""What surrounds a character: nothing, single or double quotes. An escaped character counts as single-quoted."""

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


class Refusal(Exception):  # noqa: N818 - never leaves the package: the template turns it into a TemplateError with its place
    """A template that cannot be proven safe, and the offset of the culprit in it."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


def refuse(reason: str, at: int) -> NoReturn:
    """Raise a `Refusal`."""
    raise Refusal(reason, at)


@dataclass(eq=False, slots=True)
class Hole:
    """One placeholder of a template.

    Parameters
    ----------
    name : str
        The parameter.
    at : int
        Offset in the template.
    layers : list of Quote
        What surrounds it in each shell that reads it, the innermost shell first.
    alone : bool
        It is a whole argument, which may be left out.
    """

    name: str
    at: int
    layers: list[Quote] = field(default_factory=list)
    alone: bool = False


@dataclass(eq=False, slots=True)
class Expansion:
    """A part of a word that only the running shell knows: a variable, the output of a command. It may have holes inside."""

    holes: list[Hole] = field(default_factory=list)
    many: bool = False
    """It may be several words even in double quotes, or none, as `"$@"` is."""


class Unit(NamedTuple):
    """One character or hole that a shell reads, with its offset in the template."""

    value: str | Hole
    at: int


class Cell(NamedTuple):
    """One character, hole or expansion of a word, with what surrounds it."""

    value: str | Hole | Expansion
    quote: Quote
    at: int


@dataclass(eq=False, slots=True)
class Word:
    """One word of a command.

    Parameters
    ----------
    cells : list of Cell
        What it is made of, quotes removed.
    at : int
        Offset of its first character in the template.
    end : int
        Index of the unit behind it in the text that the shell reads.
    """

    cells: list[Cell]
    at: int
    end: int

    @property
    def text(self) -> str | None:
        """The word, when all of it is known."""
        parts = [cell.value for cell in self.cells]
        return "".join(part for part in parts if isinstance(part, str)) if all(isinstance(part, str) for part in parts) else None

    @property
    def bare(self) -> str | None:
        """The word, when all of it is known and nothing is quoted."""
        return self.text if all(cell.quote == "" for cell in self.cells) else None

    @property
    def prefix(self) -> str:
        """The known characters before the first hole or expansion."""
        known = []
        for cell in self.cells:
            if not isinstance(cell.value, str):
                break
            known.append(cell.value)
        return "".join(known)

    @property
    def suffix(self) -> str:
        """The known characters behind the last hole or expansion."""
        return Word([*reversed(self.cells)], self.at, self.end).prefix[::-1]

    @property
    def holes(self) -> list[Hole]:
        """Every hole, also those inside of expansions."""
        return [*self._deep()]

    @property
    def direct(self) -> list[Hole]:
        """The holes of the word itself."""
        return [cell.value for cell in self.cells if isinstance(cell.value, Hole)]

    @property
    def single(self) -> bool:
        """Whether it is one word whatever the shell's variables hold and whichever files exist."""
        return not any(
            cell.value.many or not cell.quote
            if isinstance(cell.value, Expansion)
            else cell.quote == "" and isinstance(cell.value, str) and cell.value in "*?[{}"
            for cell in self.cells
        )

    @property
    def assigns(self) -> str | None:
        """The variable, when in front of a command the word would be an assignment."""
        bare = []
        for cell in self.cells:
            if not isinstance(cell.value, str) or cell.quote != "":
                break
            bare.append(cell.value)
        match = _ASSIGNMENT.match("".join(bare))
        return match.group().rstrip("=").rstrip("+") if match else None

    def _deep(self) -> Iterator[Hole]:
        for cell in self.cells:
            if isinstance(cell.value, Hole):
                yield cell.value
            elif isinstance(cell.value, Expansion):
                yield from cell.value.holes


class Redirect(NamedTuple):
    """`> file` and its kin."""

    operator: str
    target: Word


@dataclass(eq=False, slots=True)
class Command:
    """A simple command: assignments, words, redirections.

    Parameters
    ----------
    at : int
        Offset in the template.
    piped : bool
        Something before it may write to its standard input.
    """

    at: int
    piped: bool
    assignments: list[Word] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)

    @property
    def holes(self) -> list[Hole]:
        """Every hole of the command."""
        parts = [*self.assignments, *self.words, *(redirect.target for redirect in self.redirects)]
        return [hole for word in parts for hole in word.holes]

    @property
    def end(self) -> int:
        """Index of the unit behind the last word."""
        return max(word.end for word in [*self.assignments, *self.words, *(redirect.target for redirect in self.redirects)])
