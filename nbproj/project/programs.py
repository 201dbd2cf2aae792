"""What well-known programs do with their arguments, as far as a value could become code there.

A shell hands each value on as one word. Some programs read a word again: `bash -c`, `eval`, `python -c`, `ssh`. A nested POSIX shell is read like the
outer one; before every other one a value is refused. A program that is not known here receives its words as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nbproj.project.shell import Reader
from nbproj.project.words import Command, Hole, Refusal, Unit, Word

__all__ = ["prove"]

_OWN_VARIABLES: Final = re.compile(
    r"(BASH.*|COMP_.*|DYLD_.*|EDITOR|ENV|EPOCH.*|FUNCNEST|GIT_.*|HISTCMD|IFS|JAVA_TOOL_OPTIONS|LD_.*|LINENO|MAKE.*|NODE_OPTIONS|OPT(ARG|ERR|IND)"
    r"|PAGER|PATH|PERL5.*|POSIXLY_CORRECT|PROMPT_COMMAND|PS[0-4]|PYTHON(STARTUP|INSPECT|BREAKPOINT|WARNINGS)|RANDOM|RUBYOPT|R_PROFILE.*|SECONDS"
    r"|SHELL|SHELLOPTS|SRANDOM|TIMEFORMAT|VISUAL|_)"
)
_SHELLS: Final = frozenset({"bash", "sh", "dash", "rbash", "zsh", "ksh", "ksh93", "mksh", "ash", "busybox", "fish", "csh", "tcsh"})
_READ_HERE: Final = frozenset({"bash", "sh", "dash"})
_REREADERS: Final = {
    "eval": "runs its arguments",
    "source": "runs the file it is given",
    ".": "runs the file it is given",
    "trap": "runs its argument later",
    "alias": "runs its argument later",
    "ssh": "lets a shell on the other host read its arguments again",
    "rsh": "lets a shell on the other host read its arguments again",
    "su": "lets a shell read its arguments again",
    "runuser": "lets a shell read its arguments again",
    "watch": "lets a shell read its arguments again",
    "parallel": "lets a shell read its arguments again",
    "script": "lets a shell read its arguments again",
    "flock": "may let a shell read its arguments again",
    "at": "lets a shell read its input",
    "batch": "lets a shell read its input",
    "tmux": "lets a shell read its arguments again",
    "screen": "may let a shell read its arguments again",
    "xterm": "may let a shell read its arguments again",
    "make": "expands $(...) in its arguments",
    "gmake": "expands $(...) in its arguments",
    "xargs": "splits and appends what it reads",
    "expect": "evaluates its arguments",
    "m4": "expands its arguments",
    "dc": "evaluates its arguments",
}
_SAFE_BUILTINS: Final = frozenset({":", "true", "false", "echo", "cd", "pwd"})
_BUILTINS: Final = frozenset(
    "bg bind break caller compgen complete compopt continue declare dirs disown enable exit export fc fg getopts hash help history jobs kill let local "
    "logout mapfile popd pushd read readarray readonly return set shift shopt suspend times type typeset ulimit umask unalias unset wait".split()
)
_UNARY: Final = frozenset({"-e", "-f", "-d", "-r", "-w", "-x", "-s", "-n", "-z", "-L", "-h", "-p", "-S", "-b", "-c", "-u", "-g", "-k"})
_BINARY: Final = frozenset({"=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"})


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """A program whose operands are another command."""

    flags: str = ""
    valued: str = ""
    operands: int = 0
    assigns: bool = False


_WRAPPERS: Final = {
    "env": _Wrapper("-i -0 - --ignore-environment", "-u --unset -C --chdir", assigns=True),
    "exec": _Wrapper("-c -l", "-a"),
    "command": _Wrapper("-p"),
    "builtin": _Wrapper(),
    "nohup": _Wrapper(),
    "time": _Wrapper("-p -v", "-f -o"),
    "nice": _Wrapper("", "-n --adjustment"),
    "timeout": _Wrapper("--foreground --preserve-status -v", "-s -k --signal --kill-after", operands=1),
    "stdbuf": _Wrapper("-oL -eL -iL -o0 -e0 -i0", "-o -e -i"),
    "setsid": _Wrapper("-w -f -c --wait --fork --ctty"),
    "ionice": _Wrapper("-t", "-c -n"),
    "sudo": _Wrapper("-E -n -H", "-u -g", assigns=True),
}


@dataclass(frozen=True, slots=True)
class _Interpreter:
    """A program that runs a file, or code in an argument.

    `code` options take code, `valued` ones another value, `flags` none. `ends`: what follows a code option is the program's own.
    """

    code: str
    flags: str = ""
    valued: str = ""
    ends: bool = False
    operand_is_code: bool = False
    permutes: bool = False


_PYTHON: Final = _Interpreter("-c", "b B d E h i I O P q R s S u v V x".replace(" ", " -").join(("-", "")), "-W -X", ends=True)
_INTERPRETERS: Final = {
    "perl": _Interpreter("-e -E", "-w -W -T -n -p -l -s"),
    "ruby": _Interpreter("-e", "-w -n -p"),
    "node": _Interpreter("-e -p --eval --print"),
    "nodejs": _Interpreter("-e -p --eval --print"),
    "deno": _Interpreter("eval"),
    "bun": _Interpreter("-e --eval"),
    "php": _Interpreter("-r", "-q"),
    "lua": _Interpreter("-e", "-i"),
    "julia": _Interpreter("-e -E --eval --print"),
    "Rscript": _Interpreter("-e", "--vanilla --verbose --no-save --no-restore --no-init-file --no-environ --no-site-file --slave"),
    "R": _Interpreter("-e", "--vanilla --no-save --no-restore --slave -q -s --quiet --silent", "-f"),
    "octave": _Interpreter("--eval"),
    "gnuplot": _Interpreter("-e"),
    "tclsh": _Interpreter("-c"),
    "awk": _Interpreter("-e --source", "", "-F -v -f", operand_is_code=True),
    "gawk": _Interpreter("-e --source", "", "-F -v -f", operand_is_code=True),
    "mawk": _Interpreter("-e --source", "", "-F -v -f", operand_is_code=True),
    "sed": _Interpreter("-e --expression", "-n -i -E -r -s -u", "-f", operand_is_code=True, permutes=True),
    "jq": _Interpreter("", "-r -c -n -s -e -S", operand_is_code=True, permutes=True),
}
_PYTHON_NAME: Final = re.compile(r"(python|pypy)[0-9.]*")


def prove(commands: Sequence[Command]) -> None:
    """Refuse every command in which a value could be read again as code, or split.

    Parameters
    ----------
    commands : sequence of Command
        The simple commands of one text, as `Reader.read` finds them. The texts of nested shells are read, and their holes told their layers.

    Raises
    ------
    Refusal
        At the first hole, or other place, that cannot be proven safe.
    """
    for command in commands:
        _Proof(command).run()


class _Proof:
    """One simple command, looked at from its program's side."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def run(self) -> None:
        command = self._command
        for word in command.assignments:
            self._assignment(word)
        for hole in (hole for word in command.words for hole in word.direct):
            hole.alone = False
        for word in command.words[1:]:
            if len(word.cells) == 1 and isinstance(word.cells[0].value, Hole) and word.cells[0].quote == "":
                word.cells[0].value.alone = True
        if command.words:
            self._argv(command.words)

    def _assignment(self, word: Word) -> None:
        if not word.holes:
            return
        at = word.holes[0].at
        name = word.assigns or ""
        if not self._command.words:
            raise Refusal(f"a shell variable is split or evaluated again where it is used: write the placeholder there instead of ${name}", at)
        if _OWN_VARIABLES.fullmatch(name):
            raise Refusal(f"the variable {name} changes what programs run", at)
        program = _program(self._command.words[0])
        if program is None or program in (_BUILTINS | _SAFE_BUILTINS | _REREADERS.keys() | {"test", "[", "printf", "command", "builtin"}):
            raise Refusal("an assignment is only safe in front of a program that is not part of the shell", at)

    def _argv(self, words: Sequence[Word]) -> None:
        """Look at a program and its arguments."""
        first, rest = words[0], words[1:]
        if first.holes:
            raise Refusal("a value would choose the program: a command's first word must be written out", first.holes[0].at)
        holes = [hole for word in rest for hole in word.holes]
        name = _program(first)
        if not holes:
            self._without(name, rest)
            return
        at = holes[0].at
        if name is None:
            raise Refusal("the program is only known when the shell runs: write its name out", at)
        if name in _WRAPPERS:
            self._wrapped(name, _WRAPPERS[name], rest)
        elif name in _REREADERS:
            raise Refusal(f"'{name}' {_REREADERS[name]}: a value would become code", at)
        elif name in _SHELLS:
            self._shell(name, rest)
        elif _interpreter(name) is not None:
            self._interpreted(name, rest)
        elif name in ("test", "["):
            self._test(rest[:-1] if name == "[" and rest[-1].text == "]" else rest, at)
        elif name == "printf":
            self._printf(rest)
        elif name in _BUILTINS:
            raise Refusal(f"the shell's own '{name}' may evaluate its arguments", at)
        elif name == "find":
            self._behind(rest, "-exec -execdir -ok -okdir")
        elif name not in _SAFE_BUILTINS:
            self._behind(rest)

    def _without(self, name: str | None, rest: Sequence[Word]) -> None:
        """Look at a command without holes: it may read what another one wrote."""
        if name is not None and self._command.piped and (name in _SHELLS or name in _REREADERS or _interpreter(name) is not None):
            raise Refusal(f"'{name}' may run what is piped into it", self._command.at)
        if name in ("alias", "enable") or (
            name in ("shopt", "set") and any(word.text in ("-k", "keyword", "expand_aliases", "extglob") for word in rest)
        ):
            raise Refusal(f"'{name}' changes how the shell reads what follows", self._command.at)

    def _wrapped(self, name: str, wrapper: _Wrapper, rest: Sequence[Word]) -> None:
        """Find the command behind the options of a wrapper."""
        index, operands, options = 0, wrapper.operands, True
        while index < len(rest):
            word = rest[index]
            if wrapper.assigns and word.assigns is not None:
                if word.holes and (_OWN_VARIABLES.fullmatch(word.assigns) or not word.direct):
                    raise Refusal(f"the variable {word.assigns} changes what programs run", word.holes[0].at)
                index += 1
                options = False
                continue
            if options and word.prefix.startswith("-"):
                text = word.text
                if text is None:
                    raise Refusal(f"an option of '{name}' must be written out", word.at)
                option, _, value = text.partition("=")
                index += 1
                if text == "--":
                    options = False
                elif text in wrapper.valued.split():
                    index += 1
                    if index <= len(rest) and rest[index - 1].text is None:
                        raise Refusal(f"an option of '{name}' must be written out", rest[index - 1].at)
                elif text not in wrapper.flags.split() and not (value and option in wrapper.valued.split()) and not _is_number(text, name):
                    raise Refusal(f"what '{name} {text}' does with the words behind it is not known here", word.at)
                continue
            if not operands:
                self._argv(rest[index:])
                return
            if word.text is None:
                raise Refusal(f"an operand of '{name}' must be written out", word.at)
            operands, options, index = operands - 1, False, index + 1

    def _shell(self, name: str, rest: Sequence[Word]) -> None:
        """Read `sh -c TEXT`, or let a script have its arguments."""
        code, index = False, 0
        while index < len(rest) and rest[index].prefix[:1] in ("-", "+"):
            text = rest[index].text
            if text is None:
                raise Refusal(f"an option of '{name}' must be written out", rest[index].at)
            index += 1
            if text == "--":
                break
            if re.fullmatch(r"[-+][abceflmuvxopBCEh]+", text):
                code = code or (text[0] == "-" and "c" in text)
                if "o" in text:
                    if index >= len(rest) or rest[index].text not in ("pipefail", "errexit", "nounset", "xtrace", "noglob", "noclobber"):
                        raise Refusal(f"the option behind '{text}' is not known here", rest[index - 1].at)
                    index += 1
            elif text not in ("--login", "--norc", "--noprofile"):
                raise Refusal(f"what '{name} {text}' does with the words behind it is not known here", rest[index - 1].at)
        if index >= len(rest):
            return
        if not code:
            _operand(name, rest[index], dashes=index > 0 and rest[index - 1].text == "--")
        elif rest[index].holes:
            self._nested(name, rest[index])

    def _nested(self, name: str, word: Word) -> None:
        """Read a nested shell's text as that shell will."""
        if name not in _READ_HERE:
            raise Refusal(f"how '{name}' quotes is not known here: use bash -c or sh -c", word.holes[0].at)
        units = []
        for cell in word.cells:
            if not isinstance(cell.value, (str, Hole)):
                raise Refusal(f"the outer shell fills this in before '{name}' reads the text: put the text in single quotes", cell.at)
            if cell.quote == "" and isinstance(cell.value, str) and cell.value in "*?[{}~":
                raise Refusal(f"the unquoted '{cell.value}' expands before '{name}' reads the text: quote it", cell.at)
            units.append(Unit(cell.value, cell.at))
        for hole in word.holes:
            hole.alone = False
        prove(Reader(units, bash=name == "bash").read())

    def _interpreted(self, name: str, rest: Sequence[Word]) -> None:
        """Look for the program among an interpreter's arguments: from there on, words are data."""
        interpreter = _interpreter(name)
        assert interpreter is not None  # noqa: S101 - the caller found it
        index, free = 0, False
        while index < len(rest):
            word = rest[index]
            text = word.text
            index += 1
            if text == "--":
                if interpreter.operand_is_code and not free and index < len(rest) and rest[index].holes:
                    raise _code(name, rest[index])
                return
            if not word.prefix.startswith("-"):
                if interpreter.operand_is_code and not free:
                    if word.holes:
                        raise _code(name, word)
                    if not interpreter.permutes:
                        return
                    free = True
                    continue
                _operand(name, word, dashes=False)
                if interpreter.permutes or free:
                    continue
                return
            if text is None:
                if interpreter.permutes or free:
                    raise Refusal(f"an option of '{name}' must be written out", word.at)
                raise Refusal(f"an option of '{name}' in front of its program must be written out", word.at)
            if interpreter.ends:
                taken = re.fullmatch(r"-[bBdEhiIOPqRsSuvVx]*([cmWX]?)(.*)", text, re.DOTALL)
                if taken is None:
                    raise Refusal(f"what '{name} {text}' does with the words behind it is not known here", word.at)
                kind, value = taken.groups()
                if kind and not value:
                    if index < len(rest) and rest[index].holes:
                        raise _code(name, rest[index])
                    index += 1
                if kind in ("c", "m") and kind:
                    return
            elif text in interpreter.code.split():
                if index < len(rest) and rest[index].holes:
                    raise _code(name, rest[index])
                index, free = index + 1, True
            elif text in interpreter.valued.split():
                if index < len(rest) and (not rest[index].prefix if rest[index].holes else rest[index].text is None):
                    raise Refusal(f"an option of '{name}' must be written out", rest[index].at)
                index += 1
            elif text not in interpreter.flags.split() and "=" not in text:
                raise Refusal(f"what '{name} {text}' does with the words behind it is not known here: write -- in front of the values", word.at)

    def _test(self, operands: Sequence[Word], at: int) -> None:
        """Allow the forms of `[` whose operators are written out: `-v` and its kin evaluate their operand."""
        if operands and operands[0].bare == "!":
            operands = operands[1:]
        for hole in (hole for word in operands for hole in word.direct):
            hole.alone = False
        texts = [word.text for word in operands]
        known = all(word.single for word in operands)
        if known and (len(texts) == 1 or (len(texts) == 2 and texts[0] in _UNARY) or (len(texts) == 3 and texts[1] in _BINARY)):  # noqa: PLR2004 - operands
            return
        raise Refusal("this form of '[' may evaluate its operands: write one comparison, such as [ {{x}} = y ], and && between two", at)

    def _printf(self, rest: Sequence[Word]) -> None:
        dashes = rest[0].text == "--"
        layout = rest[1 if dashes and len(rest) > 1 else 0]
        if layout.text is None or (not dashes and layout.text.startswith("-")) or re.search(r"%[^%A-Za-z]*[hlLjzt]*n", layout.text):
            raise Refusal("the format of 'printf' must be written out, without -v and %n", rest[0].at)

    def _behind(self, rest: Sequence[Word], markers: str = "") -> None:
        """Look for a shell or an interpreter that a program we do not know may start."""
        for index, word in enumerate(rest):
            text = word.text
            if text is None or not any(later.holes for later in rest[index + 1 :]):
                continue
            name = text.rpartition("/")[2]
            if name in _SHELLS:
                for later in rest[index + 1 :]:
                    if later.holes and any(re.fullmatch(r"-[a-z]*c[a-z]*", known.text or "") for known in rest[index + 1 :]):
                        raise Refusal(f"whether '{text}' behind another program reads the value again is not known here", later.holes[0].at)
                self._shell(name, rest[index + 1 :])
            elif _interpreter(name) is not None:
                self._interpreted(name, rest[index + 1 :])
            elif markers and text in markers.split():
                self._argv(rest[index + 1 :])


def _program(word: Word) -> str | None:
    """Return the name of the program, without its folder, where it is known."""
    text = word.text
    if text is not None:
        return text.rpartition("/")[2] if not text.startswith("-") else text
    tail: list[str] = []
    for cell in reversed(word.cells):
        if not isinstance(cell.value, str):
            break
        tail.append(cell.value)
    folder, slash, name = "".join(reversed(tail)).rpartition("/")
    return name if slash and word.single and folder is not None else None


def _interpreter(name: str) -> _Interpreter | None:
    return _PYTHON if _PYTHON_NAME.fullmatch(name) else _INTERPRETERS.get(name)


def _operand(name: str, word: Word, *, dashes: bool) -> None:
    """Refuse a program's file that a value could turn into an option."""
    if word.holes and not dashes and not word.prefix:
        raise Refusal(f"as the file that '{name}' runs, a value could be an option: write -- or ./ in front of it", word.holes[0].at)
    if word.text is None and not word.holes and not (word.single or word.prefix):
        raise Refusal(f"the file that '{name}' runs is only known when the shell runs: put it in double quotes", word.at)


def _code(name: str, word: Word) -> Refusal:
    return Refusal(f"it is part of a program text of '{name}': hand the value over as an argument", word.holes[0].at)


def _is_number(text: str, name: str) -> bool:
    return name == "nice" and text[1:].isdecimal()
