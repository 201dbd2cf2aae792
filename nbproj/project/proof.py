"""The proof that no value of a command becomes code or is split by the program that receives it.

A shell hands each value on as one word; some programs read a word again. A nested POSIX shell's text is read here as that shell will read it. Before
every other such program a value is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile
from typing import Final

from nbproj.project import arguments, programs
from nbproj.project.quoting import UNTAINTED, Taint
from nbproj.project.shell import Reader
from nbproj.project.words import Cell, Command, Hole, Unit, Word, refuse

__all__ = ["prove"]

_SHELL_FLAGS: Final = re.compile(r"[-+][abceflmuvxopBCEh]+")
_PLAIN_BUILTINS: Final = frozenset({*programs.HARMLESS_BUILTINS, "test", "[", "printf", "shift", "exit", "set", "wait", "umask"})


def prove(commands: Sequence[Command], taint: Taint = UNTAINTED) -> None:
    """Refuse every command in which a value could be read again as code, or split.

    Parameters
    ----------
    commands : sequence of Command
        The simple commands of one text, as `Reader.read` finds them. The texts of nested shells are read, and their holes told their layers.
    taint : Taint, optional
        Where the shell finds values besides.

    Raises
    ------
    Refusal
        At the first hole, or other place, that cannot be proven safe.
    """
    for command in commands:
        _Proof(command, taint).run()


class _Proof:
    """One simple command, looked at from its program's side."""

    def __init__(self, command: Command, taint: Taint) -> None:
        self._command = command
        self._taint = taint
        self._variables = taint.variables  # of the environment in which a nested shell starts
        self._holes = taint.holes

    def run(self) -> None:
        for word in self._command.words[1:]:
            for cell in word.cells:
                if isinstance(cell.value, Hole):
                    cell.value.alone = cell.quote == "" and len(word.cells) == 1
        for word in self._command.assignments:
            self._assignment(word)
        if self._command.words:
            self._argv(self._command.words)

    def _carry(self, name: str, word: Word) -> None:
        """Remember that a variable of the program's environment holds a value."""
        if programs.OWN_VARIABLES.fullmatch(name):
            refuse(f"the variable {name} changes what programs run", word.holes[0].at)
        for hole in word.direct:
            hole.alone = False
        self._variables |= {name}
        self._holes = (*self._holes, *word.holes)

    def _assignment(self, word: Word) -> None:
        if not word.holes:
            return
        at = word.holes[0].at
        if not self._command.words:
            refuse(f"a shell variable is split or evaluated again where it is used: write the placeholder there instead of ${word.assigns}", at)
        program = _program(self._command.words[0])
        if program is None or program in programs.BUILTINS | _PLAIN_BUILTINS | {"command", "builtin"}:
            refuse("an assignment is only safe in front of a program that is not part of the shell", at)
        self._carry(word.assigns or "", word)

    def _argv(self, words: Sequence[Word]) -> None:
        """Look at a program and its arguments."""
        first, rest = words[0], words[1:]
        if first.holes:
            refuse("a value would choose the program: a command's first word must be written out", first.holes[0].at)
        holes = arguments.holes_of(rest)
        name = _program(first)
        if not holes and not self._variables and not self._taint:
            self._untouched(name, rest)
            return
        at = holes[0].at if holes else first.at
        if name is None:
            if holes or self._variables:
                refuse('the program is only known when the shell runs: write its name out, or "$FOLDER/name" in double quotes', at)
        elif name in programs.WRAPPERS:
            self._wrapped(name, programs.WRAPPERS[name], rest)
        elif name in programs.REREADERS:
            refuse(f"'{name}' {programs.REREADERS[name]}: a value would become code", at)
        elif name in programs.SHELLS:
            self._shell(name, rest, first.at)
        elif holes and programs.interpreter(name) is not None:
            arguments.interpreted(name, rest)
        else:
            self._plain(name, rest, at)
        self._untouched(name, rest)

    def _plain(self, name: str, rest: Sequence[Word], at: int) -> None:
        """Look at a builtin of the shell, or a program that runs no code of its own accord."""
        if name in ("test", "["):
            arguments.comparison(name, rest, at)
        elif name == "printf":
            arguments.printf(rest, at)
        elif name in programs.BUILTINS and (arguments.holes_of(rest) or name not in _PLAIN_BUILTINS):
            refuse(f"the shell's own '{name}' may evaluate its arguments", at)
        elif name not in programs.HARMLESS_BUILTINS:
            self._external(name, rest)

    def _untouched(self, name: str | None, rest: Sequence[Word]) -> None:
        """Look at what a command does whatever its arguments are: it may run what another one wrote, or change how the shell reads."""
        if self._command.piped or any(redirect.operator == "<" and redirect.target.holes for redirect in self._command.redirects):
            names = [name, *(word.text and word.text.rpartition("/")[2] for word in rest)]
            for index, started in enumerate(names):
                if started and arguments.runs_input(started, rest[index:]):
                    refuse(f"'{started}' may run or split what it reads: a value would become code", self._command.at)
        words = [word.text for word in rest]
        while name in ("command", "builtin"):
            words = [*dropwhile(lambda text: text is not None and text.startswith("-"), words)]
            name, words = (words[0], words[1:]) if words else (None, [])
        if name is not None and arguments.changes_reading(name, words):
            refuse(f"'{name}' here changes how the shell reads what follows", self._command.at)

    def _wrapped(self, name: str, wrapper: programs.Wrapper, rest: Sequence[Word]) -> None:
        """Find the command behind the options of a wrapper. Until there, every word must be one word for sure."""
        operands, options, index = wrapper.operands, True, 0
        while index < len(rest):
            word, index = rest[index], index + 1
            if wrapper.assigns and any(cell.value == "=" for cell in word.cells) and not (options and word.prefix.startswith("-")):
                options = False
                self._sets(name, word)
            elif options and word.prefix.startswith("-"):
                text = arguments.known(word, f"an option of '{name}'")
                option, equals, _ = text.partition("=")
                if text == "--":
                    options = False
                elif text in wrapper.valued:
                    if index < len(rest):
                        arguments.known(rest[index], f"what follows '{name} {text}'")
                    index += 1
                elif text not in wrapper.flags and not (equals and option in wrapper.valued) and not (name == "nice" and text[1:].isdecimal()):
                    refuse(f"what '{name} {text}' does with the words behind it is not known here", word.at)
            elif not operands:
                self._argv(rest[index - 1 :])
                return
            else:
                arguments.known(word, f"what follows '{name}'")
                operands, options = operands - 1, False

    def _sets(self, name: str, word: Word) -> None:
        """Take `NAME=value` among the operands of a wrapper, however it is quoted."""
        variable, equals, _ = word.prefix.partition("=")
        if not equals or not word.single:
            refuse(f"whether '{name}' sets a variable here is only known when the shell runs: put the value in double quotes", word.at)
        if word.holes:
            self._carry(variable, word)

    def _shell(self, name: str, rest: Sequence[Word], at: int) -> None:
        """Read the text of `sh -c`, or let a script have its arguments."""
        code, index, dashes = False, 0, False
        while index < len(rest) and rest[index].prefix[:1] in ("-", "+") and not dashes:
            text = arguments.known(rest[index], f"an option of '{name}'")
            index += 1
            dashes = text == "--"
            if _SHELL_FLAGS.fullmatch(text):
                code = code or (text[0] == "-" and "c" in text)
                if text.count("o") > 1 or (text[0] == "+" and "c" in text):
                    refuse(f"what '{name} {text}' does with the words behind it is not known here", rest[index - 1].at)
                if "o" in text:
                    if index >= len(rest) or rest[index].text not in arguments.SHELL_OPTIONS:
                        refuse(f"the option behind '{text}' is not known here", rest[index - 1].at)
                    index += 1
            elif not dashes and text not in ("--login", "--norc", "--noprofile"):
                refuse(f"what '{name} {text}' does with the words behind it is not known here", rest[index - 1].at)
        if index >= len(rest):
            return
        if not code:
            arguments.operand(name, rest[index], dashes=dashes)
            return
        given = arguments.holes_of(rest[index + 1 :])
        taint = Taint(self._variables, (*self._holes, *given), bool(given))
        if rest[index].holes or taint:
            self._nested(name, rest[index], taint, at)

    def _nested(self, name: str, word: Word, taint: Taint, at: int) -> None:
        """Read a nested shell's text as that shell will."""
        if name not in programs.SHELLS_READ_HERE:
            refuse(f"how '{name}' reads its text is not known here: use bash -c or sh -c", at)
        units = []
        for cell in word.cells:
            if not isinstance(cell.value, (str, Hole)):
                refuse(f"the outer shell fills this in before '{name}' reads the text: put the text in single quotes", cell.at)
            if _expands(cell):
                refuse(f"the unquoted '{cell.value}' expands before '{name}' reads the text: quote it", cell.at)
            units.append(Unit(cell.value, cell.at))
        for hole in word.holes:
            hole.alone = False
        prove(Reader(units, bash=name == "bash", taint=taint).read(), taint)

    def _external(self, name: str, rest: Sequence[Word]) -> None:
        """Look for a shell or an interpreter that another program may start with these words."""
        if name in programs.OPTION_RUNNERS:
            arguments.no_option(name, rest, programs.OPTION_RUNNERS[name])
        launched = arguments.launched(name, rest, *programs.LAUNCHERS[name]) if name in programs.LAUNCHERS else None
        if launched is not None:
            self._argv(rest[launched:])
        else:
            self._behind(name, rest)

    def _behind(self, name: str, rest: Sequence[Word]) -> None:
        for index, word in enumerate(rest):
            text = word.text
            behind = rest[index + 1 :]
            if text in programs.CODE_OPTIONS and behind and behind[0].holes and any(cell.value in (" ", "\n", "\t") for cell in behind[0].cells):
                refuse(f"it is part of a text that '{name} {text}' may run: hand the value over as an argument of its own", behind[0].holes[0].at)
            if text is None or not (arguments.holes_of(behind) or self._variables):
                continue
            started = text.rpartition("/")[2]
            if started in programs.SHELLS:
                if any(re.fullmatch(r"-[a-z]*c[a-z]*", later.text or "") for later in behind):
                    refuse(f"whether '{text}' behind '{name}' reads a value again is not known here", word.at)
                self._shell(started, behind, word.at)
            elif programs.interpreter(started) is not None and arguments.holes_of(behind):
                arguments.interpreted(started, behind)
            elif text in ("-exec", "-execdir", "-ok", "-okdir") and name == "find" and behind:
                self._argv(behind)


def _expands(cell: Cell) -> bool:
    return cell.quote == "" and isinstance(cell.value, str) and cell.value in "*?[{}~"


def _program(word: Word) -> str | None:
    """Return the name of a program, without its folder, where it is known."""
    _, slash, name = (word.suffix if word.text is None else word.text).rpartition("/")
    return name if (word.single or word.text == "[") and (slash or word.text is not None) else None
