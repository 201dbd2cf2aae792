"""A shell's own reading of a command text: which simple commands it holds, in whatever compound ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from nbproj.project.quoting import HOLE, META, UNTAINTED, Scanner, Taint
from nbproj.project.words import Command, Redirect, Unit, Word, refuse

__all__ = ["Reader"]

_REDIRECT: Final = re.compile(r"&>>|&>|<<<|<<|<>|<&|>>|>\||>&|<|>")
_CONTINUING: Final = frozenset({"if", "then", "elif", "else", "while", "until", "do", "{", "!", "time"})
_CLOSING: Final = frozenset({"fi", "done", "}"})
_UNREAD: Final = frozenset({"case", "esac", "select", "function", "coproc", "in"})


class Reader(Scanner):
    """Reads one text that a shell will read, and finds its simple commands.

    Parameters
    ----------
    units : sequence of Unit
        The text. Each hole in it is told what surrounds it here.
    bash : bool
        The shell is bash; otherwise any POSIX shell.
    taint : Taint, optional
        Where the shell finds values besides.

    Examples
    --------
    >>> reader = Reader([Unit(letter, at) for at, letter in enumerate("cd data && ls 'a b'")], bash=True)
    >>> [[word.text for word in command.words] for command in reader.read()]
    [['cd', 'data'], ['ls', 'a b']]
    """

    def __init__(self, units: Sequence[Unit], *, bash: bool, taint: Taint = UNTAINTED) -> None:
        super().__init__(units, bash=bash, taint=taint)

    def read(self) -> list[Command]:
        """Return all simple commands, those inside of substitutions too; `last` is then the one that the text ends with, if it does.

        Raises
        ------
        Refusal
            Where the text cannot be followed with certainty.
        """
        self._list("")
        return self.commands

    def _list(self, closing: str) -> None:
        """Read commands up to a closing parenthesis, or up to the end."""
        start = self._index
        while True:
            self._blanks("\n", comments=closing == "")
            here = self._next
            if not here:
                if closing:
                    self._refuse("the '(' here is not closed", start - 1)
                return
            if here == ")":
                if not closing:
                    self._refuse("this ')' closes nothing")
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
                if HOLE in self._text[self._index : end]:
                    self._refuse("it is in a comment, which a line end in the value would close", self._text.index(HOLE, self._index))
                if not comments:
                    self._refuse("a comment inside of parentheses is read differently by different shells")
                self._index = end
            else:
                return

    def _operator(self) -> None:
        operator = next(operator for operator in ("&&", "||", "|&", ";", "&", "|") if self._peek(operator))
        self._index += len(operator)
        if self._peek("\\\n") or (operator == "|&" and not self._bash):
            self._refuse("this operator is read differently by different shells", self._index - 1)
        if operator not in (";", "&"):
            self.last = None
            self._piped = self._piped or (operator in ("|", "|&") and self._seen)

    def _command(self) -> None:
        """Read one simple command, or the words that open and close compound ones."""
        command = Command(self._units[self._index].at, self._piped)
        closed = self._subshell()
        while not self._ended():
            if self._next in "<>&" and not self._substitutes():
                self._redirect(command, closed=closed)
                continue
            word = self._word()
            if self._next and self._next in "<>" and self._describes(word):
                continue
            if closed:
                self._refuse("a word behind a compound command cannot be followed", self._index - 1)
            if word.bare in _CONTINUING and not (command.words or command.redirects or command.assignments):
                self._blanks()
                if word.bare == "time" and self._peek("-p "):
                    self._index += 3
                self.last = None
                return  # what follows is a command again, simple or compound
            closed = self._take(command, word)
        if command.words or command.assignments or command.redirects:
            self.commands.append(command)
            if command.words and command.words[0].text in ("cd", "pushd", "command", "builtin"):
                self._moved += command.holes
        self.last = None if closed or not command.words else command

    def _subshell(self) -> bool:
        """Read `( ... )` where it stands in place of a command; tell whether it did."""
        if self._next != "(":
            return False
        if self._peek("(("):
            self._refuse("arithmetic in ((...)) cannot be followed")
        self._index += 1
        self._list(")")
        return True

    def _ended(self) -> bool:
        """Skip blanks, and tell whether the simple command ends here."""
        self._blanks()
        if self._next == "(":
            self._refuse("functions, arrays and patterns in parentheses cannot be followed")
        return not self._next or (self._next in "\n;&|)" and not self._peek("&>"))

    def _describes(self, word: Word) -> bool:
        """Whether a word right in front of a redirection is the number of its file descriptor."""
        if word.holes or (word.bare or "").endswith("}"):
            self._refuse("a redirection right behind it would take a number in the value for a file descriptor: put a space before it")
        return word.bare is not None and word.bare.isdecimal()

    def _take(self, command: Command, word: Word) -> bool:
        """Add a word to a command; tell whether it closed a compound command instead."""
        if not command.words:
            fresh = not command.redirects and not command.assignments
            if fresh and word.bare in _CLOSING:
                return True
            if self._keyword(word, fresh=fresh):
                return True
            if word.assigns is not None:
                command.assignments.append(word)
                return False
        command.words.append(word)
        return False

    def _keyword(self, word: Word, *, fresh: bool) -> bool:
        """Handle the reserved words that have a grammar of their own; tell whether it was one that ended."""
        name = word.bare
        if name in _UNREAD or (not fresh and name in {"[[", "for", *_CONTINUING, *_CLOSING}):
            refuse(f"'{name}' here cannot be followed", word.at)
        if name == "[[":
            self._test(word)
            return True
        if name == "for":
            self._blanks()
            if self._next == "(":
                refuse("arithmetic in 'for ((...))' cannot be followed", word.at)
            self._word()
            self._blanks()
            if self._word().bare != "in":
                refuse("a 'for' without 'in' cannot be followed", word.at)
            self._blanks()
            while self._next and self._next not in ";\n":
                item = self._word()
                if item.holes:
                    refuse("it is in the list of a 'for': the variable's value is split or evaluated again where it is used", item.holes[0].at)
                self._blanks()
            return True
        return False

    def _test(self, word: Word) -> None:
        """Skip `[[ ... ]]`: its operators evaluate arithmetic and patterns."""
        if not self._bash or self._taint:
            refuse("'[[' evaluates its operands, and not every shell has it: write [ ... ]", word.at)
        while True:
            self._blanks("\n&|()!")
            if not self._next:
                refuse("this '[[' is not closed", word.at)
            if self._next in "<>" and not self._substitutes():
                self._index += 1
                continue
            operand = self._word()
            if operand.bare == "=~":
                refuse("'=~' cannot be followed", operand.at)
            if operand.holes:
                refuse("it is inside of '[[ ... ]]', which evaluates its operands: write [ ... ]", operand.holes[0].at)
            if operand.bare == "]]":
                return

    def _redirect(self, command: Command, *, closed: bool) -> None:
        match = _REDIRECT.match(self._text, self._index)
        if match is None:
            self._refuse("this redirection cannot be followed")
        operator = match.group()
        if operator in ("<<", "<<<"):
            self._refuse("here-documents and here-strings cannot be followed")
        if operator.startswith("&") and not self._bash:
            self._refuse("'&>' is read differently by different shells: write '> file 2>&1'")
        self._index = match.end()
        self._blanks()
        if not self._next or (self._next in META and not self._substitutes()):
            self._refuse(f"nothing stands behind '{operator}'", match.start())
        target = self._word()
        if target.holes and operator in ("<&", ">&"):
            refuse(f"'{operator}' would take a number for a file descriptor: write '> file 2>&1'", target.holes[0].at)
        if operator == "<" and len(target.holes) > len(target.direct):
            if closed:
                refuse("what it writes is read by a whole compound command, which cannot be followed", target.holes[0].at)
            self._piped = True
        command.redirects.append(Redirect(operator, target))
