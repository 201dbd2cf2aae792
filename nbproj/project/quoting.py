"""A shell's own reading of words: where they end, and what is quoted in them.

Only the part of the language that every shell concerned reads alike is understood; anything else is refused, never guessed, because a place that is
read wrongly is a place where a value could run. `sh` stands for bash in POSIX mode, dash and their kin at once: what they read differently is refused
there.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

from nbproj.project.words import Cell, Command, Expansion, Hole, Quote, Unit, Word, refuse

__all__ = ["HOLE", "META", "UNTAINTED", "Scanner", "Taint"]

META: Final = frozenset("|&;()<> \t\n")
HOLE: Final = "\0"  # stands for a hole in the scanner's text; a template holds no NUL
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]")
# Inside `${...}` and arithmetic only what cannot hide their end.
_BRACED: Final = re.compile(r"\{[A-Za-z0-9_!#@*?:=+,./%^\[\] -]*\}")
_PLAIN: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?!$-])\}")
_LAST: Final = re.compile(r"_|BASH_(COMMAND|EXECUTION_STRING|ARG.*)")
_ARITHMETIC: Final = re.compile(r"[A-Za-z0-9_ +*/%<>=!&|^~?:,$-]")


class Taint(NamedTuple):
    """What a nested shell finds values in: variables of its environment, and its positional parameters."""

    variables: frozenset[str] = frozenset()
    holes: tuple[Hole, ...] = ()
    positional: bool = False

    def __bool__(self) -> bool:
        return bool(self.variables) or self.positional

    def covers(self, name: str) -> bool:
        """Whether `$name` may hold a value."""
        return name in self.variables or (self.positional and (name in ("@", "*") or name.isdecimal()))


UNTAINTED: Final = Taint()


class Scanner(ABC):
    """Reads the words of a text that a shell will read. `Reader` says what they mean.

    Parameters
    ----------
    units : sequence of Unit
        The text. Each hole in it is told what surrounds it here.
    bash : bool
        The shell is bash; otherwise any POSIX shell.
    taint : Taint
        Where the shell finds values besides.
    """

    def __init__(self, units: Sequence[Unit], *, bash: bool, taint: Taint) -> None:
        self._units = units
        self._text = "".join(unit.value if isinstance(unit.value, str) else HOLE for unit in units)
        self._bash = bash
        self._taint = taint
        self._index = 0
        self._open = -1  # index behind a `$NAME` without braces, which a following value would lengthen
        self._seen = False
        self._piped = False
        self._moved: list[Hole] = []  # what `cd` was given, and $PWD holds since
        self.commands: list[Command] = []
        self.last: Command | None = None

    @abstractmethod
    def _list(self, closing: str) -> None:
        """Read commands up to a closing parenthesis, or up to the end."""

    def _refuse(self, reason: str, index: int | None = None) -> NoReturn:
        index = min(self._index if index is None else index, len(self._units) - 1)
        refuse(reason, self._units[index].at if self._units else 0)

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._index)

    @property
    def _next(self) -> str:
        return self._text[self._index : self._index + 1]

    def _hole(self) -> Hole:
        value = self._units[self._index].value
        assert isinstance(value, Hole)  # noqa: S101 - the text was made from the units
        return value

    def _substitutes(self) -> bool:
        return self._bash and (self._peek("<(") or self._peek(">("))

    def _word(self) -> Word:
        start = self._index
        cells: list[Cell] = []
        while self._next and (self._next not in META or self._substitutes()):
            here = self._next
            if self._peek("\\\n"):
                self._index += 2
            elif here == "\\":
                self._escape(cells)
            elif here == "'":
                self._single(cells)
            elif here == '"':
                self._double(cells)
            elif here in "<>":
                self._index += 2
                before, self._piped = self._piped, self._piped or here == ">"
                cells.append(self._substitution(start, ""))
                self._piped = before
            else:
                self._one(cells, "")
        if self._index == start:
            self._refuse(f"'{self._next}' is not expected here")
        word = Word(cells, self._units[start].at, self._index)
        _settle(word)
        return word

    def _one(self, cells: list[Cell], quote: Quote) -> None:
        """Read one character, hole or expansion that may stand outside and in double quotes."""
        here, at = self._next, self._units[self._index].at
        if here == HOLE:
            cells.append(self._place(quote))
        elif here == "$":
            self._dollar(cells, quote)
        elif here == "`":
            end = self._text.find("`", self._index + 1)
            body = self._text[self._index + 1 : end]
            if end < 0 or "\\" in body or self._taint:
                self._refuse("backticks here cannot be followed: write $(...)")
            if HOLE in body:
                self._refuse("it is inside of backticks, which are read twice: write $(...)", self._text.index(HOLE, self._index))
            self._index = end + 1
            cells.append(Cell(Expansion(), quote, at))
        else:
            cells.append(Cell(here, quote, at))
            self._index += 1

    def _place(self, quote: Quote) -> Cell:
        """Take a hole, and tell it what surrounds it."""
        hole, before = self._hole(), self._index
        while self._text[before - 2 : before] == "\\\n":
            before -= 2
        if before == self._open:
            self._refuse("the value would lengthen the name of the variable before it: write that as ${{NAME}}")
        hole.layers.insert(0, quote)
        self._seen = True
        cell = Cell(hole, quote, self._units[self._index].at)
        self._index += 1
        return cell

    def _escape(self, cells: list[Cell]) -> None:
        after = self._text[self._index + 1 : self._index + 2]
        if not after:
            self._refuse("the backslash at the end escapes nothing")
        if after == HOLE:
            self._refuse("the backslash before it would escape the value's first quote")
        cells.append(Cell(after, "'", self._units[self._index].at))
        self._index += 2

    def _single(self, cells: list[Cell]) -> None:
        start = self._index
        self._index += 1
        while self._next != "'":
            if not self._next:
                self._refuse("this ' is not closed", start)
            if self._next == HOLE:
                cells.append(self._place("'"))
            else:
                cells.append(Cell(self._next, "'", self._units[self._index].at))
                self._index += 1
        self._index += 1

    def _double(self, cells: list[Cell]) -> None:
        start = self._index
        self._index += 1
        while self._next != '"':
            if not self._next:
                self._refuse('this " is not closed', start)
            after = self._text[self._index + 1 : self._index + 2]
            if self._peek("\\\n"):
                self._index += 2
            elif self._next == "\\" and after and after in '$`"\\' + HOLE:
                self._escape(cells)
            else:
                self._one(cells, '"')
        self._index += 1

    def _dollar(self, cells: list[Cell], quote: Quote) -> None:
        start, at = self._index, self._units[self._index].at
        self._index += 1
        here = self._next
        if here == HOLE:
            self._refuse(f"a '$' stands before it: a shell variable is written ${{{{{self._hole().name}}}}}")
        if here in ("[", "\\") or (not quote and here in ("'", '"')):
            self._refuse(f"'${here}' cannot be followed", start)
        name = _NAME.match(self._text, self._index)
        if name is not None:
            self._index = self._open = name.end()
            cells.append(Cell(self._variable(name.group(), start, quote), quote, at))
        elif here == "{":
            cells.append(Cell(self._braced(quote), quote, at))
        elif self._peek("(("):
            self._arithmetic(start)
            cells.append(Cell(Expansion(), quote, at))
        elif here == "(":
            self._index += 1
            cells.append(self._substitution(start, quote))
        elif here and here in "@*#?-$!":
            self._index += 1
            cells.append(Cell(self._variable(here, start, quote), quote, at))
        else:
            cells.append(Cell("$", quote, at))

    def _substitution(self, start: int, quote: Quote) -> Cell:
        """Read `...)` as commands of their own."""
        first, last = len(self.commands), self.last
        self._list(")")
        self.last = last
        return Cell(Expansion([hole for command in self.commands[first:] for hole in command.holes]), quote, self._units[start].at)

    def _variable(self, name: str, start: int, quote: Quote) -> Expansion:
        """Take `$name`: where it holds a value, it is as good as a hole, and only whole in double quotes."""
        if _LAST.fullmatch(name):
            self._refuse(f"${name} may hold a value of a command before it: write the placeholder again", start)
        if name in ("PWD", "OLDPWD") and self._moved:
            if quote != '"':
                self._refuse(f"the shell splits the value in ${name} here: write it in double quotes", start)
            return Expansion([*self._moved])
        if not self._taint.covers(name):
            return Expansion(many=name == "@")
        if quote != '"' or name == "*":
            self._refuse(f"the shell splits the value in ${name} here: write it in double quotes" + (' as "$@"' if name == "*" else ""), start)
        self._seen = True
        return Expansion([*self._taint.holes], many=name == "@")

    def _braced(self, quote: Quote) -> Expansion:
        start = self._index
        match = _BRACED.match(self._text, start)
        if match is None:
            end = self._text.find("}", start)
            inside = self._text.find(HOLE, start, end if end > 0 else None)
            if inside >= 0:
                self._refuse("it is inside of a shell expansion ${...}", inside)
            self._refuse("this ${...} cannot be followed")
        self._index = match.end()
        plain = _PLAIN.fullmatch(match.group())
        if plain is not None:
            return self._variable(plain.group(1), start - 1, quote)
        if self._taint or self._moved or re.search(r"(?<![A-Za-z0-9_])_(?![A-Za-z0-9_])|BASH_", match.group()):
            self._refuse("this ${...} cannot be followed beside a variable that holds a value", start)
        return Expansion(many="@" in match.group())

    def _arithmetic(self, start: int) -> None:
        if self._taint:
            self._refuse("arithmetic evaluates variables, and one holds a value", start)
        depth, self._index = 0, self._index + 2
        while depth or not self._peek("))"):
            here = self._next
            if here == HOLE:
                self._refuse("it is inside of arithmetic, which evaluates it")
            depth += {"(": 1, ")": -1}.get(here, 0)
            if depth < 0 or not (here in ("(", ")") or _ARITHMETIC.match(here)):
                self._refuse("this $((...)) cannot be followed", start)
            self._index += 1
        self._index += 2


def _settle(word: Word) -> None:
    """Refuse a hole beside characters that expand together with the value."""
    if not word.direct:
        return
    for index, cell in enumerate(word.cells):
        if cell.quote or not isinstance(cell.value, str):
            continue
        if cell.value in "{}[":
            refuse(f"the unquoted '{cell.value}' in the same word would expand together with the value: quote it", cell.at)
        if cell.value == "~" and (index or word.prefix[:2] != "~/" or word.cells[1].quote):
            refuse("the unquoted '~' in the same word would expand together with the value: write ~/ or $HOME", cell.at)
