"""The proof that no value of a command becomes code or is split by the program that receives it.

A shell hands each value on as one word; some programs read a word again. A nested POSIX shell's text is read here as that shell will read it. Before
every other such program a value is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from nbproj.project import programs
from nbproj.project.quoting import UNTAINTED, Taint
from nbproj.project.shell import Reader
from nbproj.project.words import Cell, Command, Hole, Unit, Word, refuse

__all__ = ["prove"]

_SHELL_FLAGS: Final = re.compile(r"[-+][abceflmuvxopBCEh]+")
_SHELL_OPTIONS: Final = frozenset({"pipefail", "errexit", "nounset", "xtrace", "noglob", "noclobber"})
_PYTHON_OPTION: Final = re.compile(r"-[bBdEhiIOPqRsSuvVx]*([cmWX]?)(.*)", re.DOTALL)
_COUNTING_FORMAT: Final = re.compile(r"%[^%A-Za-z]*[hlLjzt]*n")
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

    def _carry(self, word: Word) -> None:
        """Remember that a variable of the program's environment holds a value."""
        name = word.assigns or ""
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
        self._carry(word)

    def _argv(self, words: Sequence[Word]) -> None:
        """Look at a program and its arguments."""
        first, rest = words[0], words[1:]
        if first.holes:
            refuse("a value would choose the program: a command's first word must be written out", first.holes[0].at)
        holes = _holes(rest)
        name = _program(first)
        if not holes and not self._variables and not self._taint:
            self._untouched(name, rest)
            return
        at = holes[0].at if holes else first.at
        if name is None:
            if holes or self._variables:
                refuse("the program is only known when the shell runs: write its name out", at)
        elif name in programs.WRAPPERS:
            self._wrapped(name, programs.WRAPPERS[name], rest)
        elif name in programs.REREADERS:
            refuse(f"'{name}' {programs.REREADERS[name]}: a value would become code", at)
        elif name in programs.SHELLS:
            self._shell(name, rest, first.at)
        elif holes and programs.interpreter(name) is not None:
            self._interpreted(name, rest)
        elif name in ("test", "["):
            self._test(rest[:-1] if name == "[" and rest and rest[-1].text == "]" else rest, at)
        elif name == "printf":
            self._printf(rest, at)
        elif name in programs.BUILTINS and (holes or name not in _PLAIN_BUILTINS):
            refuse(f"the shell's own '{name}' may evaluate its arguments", at)
        elif name not in programs.HARMLESS_BUILTINS:
            self._external(name, rest)
        self._untouched(name, rest)

    def _untouched(self, name: str | None, rest: Sequence[Word]) -> None:
        """Look at what a command does whatever its arguments are: it may run what another one wrote, or change how the shell reads."""
        reads = any(redirect.operator == "<" and redirect.target.holes for redirect in self._command.redirects)
        runs = name is not None and (name in programs.SHELLS or name in programs.REREADERS or programs.interpreter(name) is not None)
        if runs and (reads or (self._command.piped and not self._has_program(name or "", rest))):
            refuse(f"'{name}' may run what it reads: a value would become code", self._command.at)
        texts = {word.text for word in rest}
        if name in ("alias", "enable") or (name in ("set", "shopt") and texts & {"-k", "keyword", "expand_aliases", "extglob", None}):
            refuse(f"'{name}' changes how the shell reads what follows", self._command.at)

    def _has_program(self, name: str, rest: Sequence[Word]) -> bool:
        """Whether a program that could read its code from its input has it elsewhere: a file, or an option that ends in c or e."""
        if name in programs.REREADERS:
            return name in ("eval", "trap", "source", ".")
        return any(word.text != "-" and (not word.prefix.startswith("-") or (word.text or "")[-1:] in ("c", "e", "m")) for word in rest)

    def _wrapped(self, name: str, wrapper: programs.Wrapper, rest: Sequence[Word]) -> None:
        """Find the command behind the options of a wrapper. Until there, every word must be one word for sure."""
        operands, options, index = wrapper.operands, True, 0
        while index < len(rest):
            word, index = rest[index], index + 1
            if wrapper.assigns and word.assigns is not None and word.single:
                options = False
                if word.holes:
                    self._carry(word)
            elif options and word.prefix.startswith("-"):
                text = _known(word, f"an option of '{name}'")
                option, equals, _ = text.partition("=")
                if text == "--":
                    options = False
                elif text in wrapper.valued:
                    if index < len(rest):
                        _known(rest[index], f"what follows '{name} {text}'")
                    index += 1
                elif text not in wrapper.flags and not (equals and option in wrapper.valued) and not (name == "nice" and text[1:].isdecimal()):
                    refuse(f"what '{name} {text}' does with the words behind it is not known here", word.at)
            elif not operands:
                self._argv(rest[index - 1 :])
                return
            else:
                _known(word, f"what follows '{name}'")
                operands, options = operands - 1, False

    def _shell(self, name: str, rest: Sequence[Word], at: int) -> None:
        """Read the text of `sh -c`, or let a script have its arguments."""
        code, index, dashes = False, 0, False
        while index < len(rest) and rest[index].prefix[:1] in ("-", "+") and not dashes:
            text = _known(rest[index], f"an option of '{name}'")
            index += 1
            dashes = text == "--"
            if _SHELL_FLAGS.fullmatch(text):
                code = code or (text[0] == "-" and "c" in text)
                if "o" in text:
                    if index >= len(rest) or rest[index].text not in _SHELL_OPTIONS:
                        refuse(f"the option behind '{text}' is not known here", rest[index - 1].at)
                    index += 1
            elif not dashes and text not in ("--login", "--norc", "--noprofile"):
                refuse(f"what '{name} {text}' does with the words behind it is not known here", rest[index - 1].at)
        if index >= len(rest):
            return
        if not code:
            _operand(name, rest[index], dashes=dashes)
            return
        arguments = _holes(rest[index + 1 :])
        taint = Taint(self._variables, (*self._holes, *arguments), bool(arguments))
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

    def _interpreted(self, name: str, rest: Sequence[Word]) -> None:
        """Look for the program among an interpreter's arguments: from there on, words are data."""
        language = programs.interpreter(name) or programs.Interpreter(frozenset())
        first, index = language.first, 0
        options_stay = language.permutes
        while index < len(rest):
            word, index = rest[index], index + 1
            text = word.text
            behind = rest[index] if index < len(rest) else None
            if text == "--":
                if first and behind is not None:
                    _no_code(name, behind)
                return
            if not word.prefix.startswith("-"):
                if first:
                    _no_code(name, word)
                    first = False
                else:
                    _operand(name, word, dashes=False)
                if not options_stay:
                    return
                continue
            text = _known(word, f"an option of '{name}'")
            if language.ends:
                taken = _PYTHON_OPTION.fullmatch(text)
                if taken is None:
                    refuse(f"what '{name} {text}' does with the words behind it is not known here", word.at)
                kind, value = taken.groups()
                if kind and not value and behind is not None:
                    _no_code(name, behind)
                    index += 1
                if kind in ("c", "m"):
                    return
            elif text in language.code or text in language.valued:
                if behind is not None and (text in language.code or not behind.prefix):
                    _no_code(name, behind)
                first = first and text not in language.code and text != "-f"
                options_stay = options_stay or text in language.code
                index += 1
            elif text not in language.flags and "=" not in text:
                refuse(f"what '{name} {text}' does with the words behind it is not known here: write -- in front of the values", word.at)

    def _test(self, operands: Sequence[Word], at: int) -> None:
        """Allow the forms of `[` whose operators are written out: `-v` and its kin evaluate their operand."""
        if not _holes(operands):
            return
        if operands[0].bare == "!":
            operands = operands[1:]
        for hole in _holes(operands):
            hole.alone = False
        texts = [word.text for word in operands]
        one = len(texts) == 1 or (len(texts) == 2 and texts[0] in programs.UNARY_TESTS)  # noqa: PLR2004 - operator and operand
        two = len(texts) == 3 and texts[1] in programs.BINARY_TESTS  # noqa: PLR2004 - operand, operator, operand
        if not (one or two) or not all(word.single for word in operands):
            refuse("this form of '[' may evaluate its operands: write one comparison of quoted words, and && between two", at)

    def _printf(self, rest: Sequence[Word], at: int) -> None:
        dashes = bool(rest) and rest[0].text == "--"
        layout = rest[1 if dashes and len(rest) > 1 else 0] if rest else None
        text = layout.text if layout is not None else ""
        if text is None or (not dashes and text.startswith("-")) or _COUNTING_FORMAT.search(text):
            refuse("the format of 'printf' must be written out, without -v and %n", at)

    def _external(self, name: str, rest: Sequence[Word]) -> None:
        """Look for a shell or an interpreter that another program may start with these words."""
        if name == "find" and not all(word.single for word in rest if word.holes):
            refuse("'find' takes each word that the shell makes of this for an action: put it in double quotes", _holes(rest)[0].at)
        if name in programs.OPTION_RUNNERS:
            _no_option(name, rest, programs.OPTION_RUNNERS[name])
        if name in programs.LAUNCHERS:
            index = _launched(name, rest, programs.LAUNCHERS[name])
            if index is not None:
                self._argv(rest[index:])
                return
        for index, word in enumerate(rest):
            text = word.text
            behind = rest[index + 1 :]
            if text is None or not (_holes(behind) or self._variables):
                continue
            started = text.rpartition("/")[2]
            if started in programs.SHELLS:
                if any(re.fullmatch(r"-[a-z]*c[a-z]*", later.text or "") for later in behind):
                    refuse(f"whether '{text}' behind '{name}' reads a value again is not known here", word.at)
                self._shell(started, behind, word.at)
            elif programs.interpreter(started) is not None and _holes(behind):
                self._interpreted(started, behind)
            elif text in ("-exec", "-execdir", "-ok", "-okdir") and name == "find" and behind:
                self._argv(behind)


def _holes(words: Iterable[Word]) -> list[Hole]:
    return [hole for word in words for hole in word.holes]


def _expands(cell: Cell) -> bool:
    return cell.quote == "" and isinstance(cell.value, str) and cell.value in "*?[{}~"


def _known(word: Word, what: str) -> str:
    """Return the text of a word that must be written out."""
    text = word.text
    if text is None or not word.single:
        refuse(f"{what} must be written out", word.holes[0].at if word.holes else word.at)
    return text


def _program(word: Word) -> str | None:
    """Return the name of a program, without its folder, where it is known."""
    tail: list[str] = []
    for cell in reversed(word.cells):
        if not isinstance(cell.value, str):
            break
        tail.append(cell.value)
    _, slash, name = "".join(reversed(tail)).rpartition("/")
    return name if word.single and (slash or word.text is not None) else None


def _operand(name: str, word: Word, *, dashes: bool) -> None:
    """Refuse a program's file that a value could turn into an option."""
    if not dashes and not word.prefix and (word.holes or not word.single):
        at = word.holes[0].at if word.holes else word.at
        refuse(f"as the file that '{name}' runs this could be an option: write -- or ./ in front of it", at)


def _no_code(name: str, word: Word) -> None:
    if word.holes:
        refuse(f"it is part of a program text or an option of '{name}': hand the value over as an argument behind the program", word.holes[0].at)


def _no_option(name: str, rest: Sequence[Word], taking: frozenset[str]) -> None:
    """Refuse a value that could be an option which runs something."""
    before: str | None = None
    for word in rest:
        if before == "--":
            return
        if word.holes and (not word.prefix or word.prefix.startswith("-")) and before not in taking:
            refuse(f"'{name}' has options that run programs, and a value could be one: write -- or ./ in front of it", word.holes[0].at)
        before = word.text if word.single else None


def _launched(name: str, rest: Sequence[Word], words: int) -> int | None:
    """Return where the command of a launcher begins; a value must not be what it runs."""
    before = ""
    for index, word in enumerate(rest):
        text = word.text
        if word.holes and not word.prefix:
            refuse(f"a value could choose what '{name}' runs: write its program out, with -- in front of it", word.holes[0].at)
        if text is not None and not text.startswith("-") and (before == "--" or not before.startswith("-") or "=" in before):
            if words <= 0:
                return index
            words -= 1
        before = text or word.prefix
    return None
