"""A shell's own reading of a command: where its words begin and end, and what is quoted.

Only the part of the language that every shell concerned reads alike is understood; anything else is a `Refusal`, never a guess, because a place that
is read wrongly is a place where a value could run. `sh` stands for bash in POSIX mode, dash and their kin at once: what they read differently is
refused there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from nbproj.project.words import Cell, Command, Expansion, Hole, Quote, Redirect, Refusal, Unit, Word

__all__ = ["Reader"]

_HOLE: Final = "\0"  # stands for a hole in the reader's text; a template holds no NUL
_META: Final = frozenset("|&;()<> \t\n")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]")
_REDIRECT: Final = re.compile(r"&>>|&>|<<<|<<|<>|<&|>>|>\||>&|<|>")
_CONTINUING: Final = frozenset({"if", "then", "elif", "else", "while", "until", "do", "{", "!", "time"})
_CLOSING: Final = frozenset({"fi", "done", "}"})
_UNREAD: Final = frozenset({"case", "esac", "select", "function", "coproc", "in"})
# Inside `${...}` and arithmetic only what cannot hide their end.
_BRACED: Final = re.compile(r"\{[A-Za-z0-9_!#@*?:=+,./%^\[\] -]*\}")
_ARITHMETIC: Final = re.compile(r"[A-Za-z0-9_ +*/%<>=!&|^~?:,$-]")


class Reader:
    """Reads one text that a shell will read, and finds its simple commands.

    Parameters
    ----------
    units : sequence of Unit
        The text. Each hole in it is told what surrounds it here.
    bash : bool
        The shell is bash; otherwise any POSIX shell.
    """

    def __init__(self, units: Sequence[Unit], *, bash: bool) -> None:
        self._units = units
        self._text = "".join(unit.value if isinstance(unit.value, str) else _HOLE for unit in units)
        self._bash = bash
        self._index = 0
        self._open = -1  # index behind a `$NAME` without braces, which a following value would lengthen
        self._seen = False
        self._piped = False
        self.commands: list[Command] = []
        self.last: Command | None = None

    def read(self) -> list[Command]:
        """Return all simple commands, those inside of substitutions too; `last` is then the one that the text ends with, if it does.

        Raises
        ------
        Refusal
            Where the text cannot be followed with certainty.
        """
        self._list("")
        return self.commands

    def _refuse(self, reason: str, index: int | None = None) -> Refusal:
        index = min(self._index if index is None else index, len(self._units) - 1)
        return Refusal(reason, self._units[index].at if self._units else 0)

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._index)

    @property
    def _next(self) -> str:
        return self._text[self._index : self._index + 1]

    def _hole(self) -> Hole:
        value = self._units[self._index].value
        assert isinstance(value, Hole)  # noqa: S101 - the text was made from the units
        return value

    def _list(self, closing: str) -> None:
        """Read commands up to a closing parenthesis, or up to the end."""
        start = self._index
        while True:
            self._blanks("\n", comments=closing == "")
            here = self._next
            if not here:
                if closing:
                    raise self._refuse("the '(' here is not closed", start - 1)
                return
            if here == ")":
                if not closing:
                    raise self._refuse("this ')' closes nothing")
                self._index += 1
                return
            if here in ";&|" and not self._peek("&>"):
                self._operator()
            else:
                self._command()

    def _blanks(self, more: str = "", *, comments: bool = True) -> None:
        while self._next:
            if self._peek("\\\n"):
                self._index += 2
            elif self._next in " \t" + more:
                self._index += 1
            elif self._next == "#":
                end = self._text.find("\n", self._index)
                end = len(self._text) if end < 0 else end
                if _HOLE in self._text[self._index : end]:
                    raise self._refuse("it is in a comment, which a line end in the value would close", self._text.index(_HOLE, self._index))
                if not comments:
                    raise self._refuse("a comment inside of parentheses is read differently by different shells")
                self._index = end
            else:
                return

    def _operator(self) -> None:
        operator = next(operator for operator in ("&&", "||", "|&", ";", "&", "|") if self._peek(operator))
        self._index += len(operator)
        if self._peek("\\\n") or (operator == "|&" and not self._bash):
            raise self._refuse("this operator is read differently by different shells", self._index - 1)
        if operator not in (";", "&"):
            self.last = None
            self._piped = self._piped or (operator in ("|", "|&") and self._seen)

    def _command(self) -> None:
        """Read one simple command, or the words that open and close compound ones."""
        closed = False
        if self._next == "(":
            if self._peek("(("):
                raise self._refuse("arithmetic in ((...)) cannot be followed")
            self._index += 1
            self._list(")")
            closed = True
        command = Command(self._units[self._index - closed].at, self._piped)
        while True:
            self._blanks()
            here = self._next
            if not here or (here in "\n;&|)" and not self._peek("&>")):
                break
            if here == "(":
                raise self._refuse("functions, arrays and patterns in parentheses cannot be followed")
            if here in "<>&" and not self._substitutes():
                self._redirect(command)
                continue
            word = self._word()
            if self._next in ("<", ">") and self._next:
                if word.bare is not None and word.bare.isdecimal():
                    continue  # the number of a file descriptor
                if word.holes or (word.bare or "").endswith("}"):
                    raise self._refuse("a redirection right behind it would take a number in the value for a file descriptor: put a space before it")
            if closed:
                raise self._refuse("a word behind a compound command cannot be followed", self._index - 1)
            fresh = not command.words and not command.redirects and not command.assignments
            if fresh and word.bare in _CONTINUING:
                if word.bare == "time":
                    self._blanks()
                    if self._peek("-p "):
                        self._index += 3
                continue
            if fresh and word.bare in _CLOSING:
                closed = True
                continue
            if not command.words and self._keyword(word, fresh=fresh):
                closed = True
                continue
            if not command.words and word.assigns is not None:
                command.assignments.append(word)
            else:
                command.words.append(word)
        if command.words or command.assignments or command.redirects:
            self.commands.append(command)
        self.last = None if closed or not command.words else command

    def _keyword(self, word: Word, *, fresh: bool) -> bool:
        """Handle the reserved words that have a grammar of their own; tell whether it was one that ended."""
        name = word.bare
        if name in _UNREAD or (not fresh and name in {"[[", "for", *_CONTINUING, *_CLOSING}):
            raise Refusal(f"'{name}' here cannot be followed", word.at)
        if name == "[[":
            self._test(word)
            return True
        if name == "for":
            self._blanks()
            if self._next == "(":
                raise Refusal("arithmetic in 'for ((...))' cannot be followed", word.at)
            self._word()
            self._blanks()
            if self._word().bare != "in":
                raise Refusal("a 'for' without 'in' cannot be followed", word.at)
            self._blanks()
            while self._next and self._next not in ";\n":
                item = self._word()
                if item.holes:
                    raise Refusal("it is in the list of a 'for': the variable's value is split or evaluated again where it is used", item.holes[0].at)
                self._blanks()
            return True
        return False

    def _test(self, word: Word) -> None:
        """Skip `[[ ... ]]`: its operators evaluate arithmetic and patterns."""
        if not self._bash:
            raise Refusal("'[[' is read differently by different shells", word.at)
        while True:
            self._blanks("\n&|()!")
            if not self._next:
                raise Refusal("this '[[' is not closed", word.at)
            if self._next in "<>" and not self._substitutes():
                self._index += 1
                continue
            operand = self._word()
            if operand.bare == "=~":
                raise Refusal("'=~' cannot be followed", operand.at)
            if operand.holes:
                raise Refusal("it is inside of '[[ ... ]]', which evaluates its operands: write [ ... ]", operand.holes[0].at)
            if operand.bare == "]]":
                return

    def _substitutes(self) -> bool:
        return self._bash and (self._peek("<(") or self._peek(">("))

    def _redirect(self, command: Command) -> None:
        match = _REDIRECT.match(self._text, self._index)
        if match is None:
            raise self._refuse("this redirection cannot be followed")
        operator = match.group()
        if operator in ("<<", "<<<"):
            raise self._refuse("here-documents and here-strings cannot be followed")
        if operator.startswith("&") and not self._bash:
            raise self._refuse("'&>' is read differently by different shells: write '> file 2>&1'")
        self._index = match.end()
        self._blanks()
        if not self._next or (self._next in _META and not self._substitutes()):
            raise self._refuse(f"nothing stands behind '{operator}'", match.start())
        target = self._word()
        if target.holes and operator in ("<&", ">&"):
            raise Refusal(f"'{operator}' would take a number for a file descriptor: write '> file 2>&1'", target.holes[0].at)
        command.redirects.append(Redirect(operator, target))

    def _word(self) -> Word:
        start = self._index
        cells: list[Cell] = []
        while self._next and (self._next not in _META or self._substitutes()):
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
            raise self._refuse(f"'{self._next}' is not expected here")
        word = Word(cells, self._units[start].at, self._index)
        _settle(word)
        return word

    def _one(self, cells: list[Cell], quote: Quote) -> None:
        """Read one character, hole or expansion that may stand outside and in double quotes."""
        here, at = self._next, self._units[self._index].at
        if here == _HOLE:
            cells.append(self._place(quote))
        elif here == "$":
            self._dollar(cells, quote)
        elif here == "`":
            end = self._text.find("`", self._index + 1)
            body = self._text[self._index + 1 : end]
            if end < 0 or "\\" in body:
                raise self._refuse("backticks here cannot be followed: write $(...)")
            if _HOLE in body:
                raise self._refuse("it is inside of backticks, which are read twice: write $(...)", self._text.index(_HOLE, self._index))
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
            raise self._refuse("the value would lengthen the name of the variable before it: write that as ${{NAME}}")
        hole.layers.insert(0, quote)
        self._seen = True
        cell = Cell(hole, quote, self._units[self._index].at)
        self._index += 1
        return cell

    def _escape(self, cells: list[Cell]) -> None:
        after = self._text[self._index + 1 : self._index + 2]
        if not after:
            raise self._refuse("the backslash at the end escapes nothing")
        if after == _HOLE:
            raise self._refuse("the backslash before it would escape the value's first quote")
        cells.append(Cell(after, "'", self._units[self._index].at))
        self._index += 2

    def _single(self, cells: list[Cell]) -> None:
        start = self._index
        self._index += 1
        while self._next != "'":
            if not self._next:
                raise self._refuse("this ' is not closed", start)
            if self._next == _HOLE:
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
                raise self._refuse('this " is not closed', start)
            after = self._text[self._index + 1 : self._index + 2]
            if self._peek("\\\n"):
                self._index += 2
            elif self._next == "\\" and after and after in '$`"\\' + _HOLE:
                self._escape(cells)
            else:
                self._one(cells, '"')
        self._index += 1

    def _dollar(self, cells: list[Cell], quote: Quote) -> None:
        start, at = self._index, self._units[self._index].at
        self._index += 1
        here = self._next
        if here == _HOLE:
            raise self._refuse(f"the '$' before it: a shell variable is written ${{{{{self._hole().name}}}}}")
        if here in ("[", "\\") or (not quote and here in ("'", '"')):
            raise self._refuse(f"'${here}' cannot be followed", start)
        name = _NAME.match(self._text, self._index)
        if name is not None:
            self._index = self._open = name.end()
            cells.append(Cell(Expansion(), quote, at))
        elif here == "{":
            self._braced()
            cells.append(Cell(Expansion(), quote, at))
        elif self._peek("(("):
            self._arithmetic(start)
            cells.append(Cell(Expansion(), quote, at))
        elif here == "(":
            self._index += 1
            cells.append(self._substitution(start, quote))
        elif here and here in "@*#?-$!":
            self._index += 1
            cells.append(Cell(Expansion(), quote, at))
        else:
            cells.append(Cell("$", quote, at))

    def _substitution(self, start: int, quote: Quote) -> Cell:
        """Read `...)` as commands of their own."""
        first, last = len(self.commands), self.last
        self._list(")")
        self.last = last
        return Cell(Expansion([hole for command in self.commands[first:] for hole in command.holes]), quote, self._units[start].at)

    def _braced(self) -> None:
        match = _BRACED.match(self._text, self._index)
        if match is None:
            end = self._text.find("}", self._index)
            inside = self._text.find(_HOLE, self._index, end if end > 0 else None)
            if inside >= 0:
                raise self._refuse("it is inside of a shell expansion ${...}", inside)
            raise self._refuse("this ${...} cannot be followed")
        self._index = match.end()

    def _arithmetic(self, start: int) -> None:
        depth, self._index = 0, self._index + 2
        while depth or not self._peek("))"):
            here = self._next
            if here == _HOLE:
                raise self._refuse("it is inside of arithmetic, which evaluates it")
            depth += {"(": 1, ")": -1}.get(here, 0)
            if depth < 0 or not (here in ("(", ")") or _ARITHMETIC.match(here)):
                raise self._refuse("this $((...)) cannot be followed", start)
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
            raise Refusal(f"the unquoted '{cell.value}' in the same word would expand together with the value: quote it", cell.at)
        if cell.value == "~" and (index or word.prefix[:2] != "~/" or word.cells[1].quote):
            raise Refusal("the unquoted '~' in the same word would expand together with the value: write ~/ or $HOME", cell.at)
