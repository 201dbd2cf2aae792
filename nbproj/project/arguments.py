"""How programs take their arguments: which words are options, which the program that is run, and which are data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from nbproj.project import programs
from nbproj.project.words import Hole, Word, refuse

__all__ = [
    "SHELL_OPTIONS",
    "changes_reading",
    "comparison",
    "holes_of",
    "interpreted",
    "known",
    "launched",
    "no_option",
    "operand",
    "printf",
    "runs_input",
]

_PYTHON_OPTION: Final = re.compile(r"-[bBdEhiIOPqRsSuvVx]*([cmWX]?)(.*)", re.DOTALL)
SHELL_OPTIONS: Final = frozenset({"pipefail", "errexit", "nounset", "xtrace", "noglob", "noclobber"})
"""What may stand behind `-o`."""
_SET: Final = re.compile(r"--|[-+][abefhmuvxCETo]*")
_SHOPT: Final = frozenset({"nullglob", "failglob", "globstar", "dotglob", "inherit_errexit", "lastpipe", "nocaseglob", "nocasematch"})
_COUNTING_FORMAT: Final = re.compile(r"%[^%A-Za-z]*[hlLjzt]*n")


def holes_of(words: Iterable[Word]) -> list[Hole]:
    """Return every hole of some words."""
    return [hole for word in words for hole in word.holes]


def known(word: Word, what: str) -> str:
    """Return the text of a word that must be written out."""
    text = word.text
    if text is None or not word.single:
        refuse(f"{what} must be written out", word.holes[0].at if word.holes else word.at)
    return text


def changes_reading(name: str, words: Sequence[str | None]) -> bool:
    """Whether a builtin changes how the shell reads the commands behind it: aliases, patterns, keywords, history."""
    if name == "set":
        options = any(text is None or (text[:1] in ("-", "+") and not _SET.fullmatch(text)) for text in words)
        return options or any(
            text.endswith("o") and behind not in SHELL_OPTIONS for text, behind in pairwise([*words, ""]) if text and text[0] in "-+"
        )
    if name == "shopt":
        return any(text not in ("-s", "-u", "-q") and text not in _SHOPT for text in words)
    return name in ("alias", "enable")


def runs_input(name: str, rest: Sequence[Word]) -> bool:
    """Whether a program may take what it reads for code, or for a list of words: it was given no program to run."""
    if name in ("read", "mapfile", "readarray"):
        return True
    if name in programs.REREADERS:
        return name not in ("eval", "trap", "source", ".") or any((word.text or "/dev/").startswith(("/dev/", "/proc/")) for word in rest)
    if name not in programs.SHELLS and programs.interpreter(name) is None:
        return False
    return any(word.text is None for word in rest) or not any(
        (word.text or "")[-1:] in ("c", "e", "m") if word.prefix[:1] in ("-", "+") else not word.prefix.startswith(("/dev/", "/proc/"))
        for word in rest
    )


def interpreted(name: str, rest: Sequence[Word]) -> None:
    """Look for the program among an interpreter's arguments: from there on, words are data."""
    language = programs.interpreter(name) or programs.Interpreter(frozenset())
    first, permutes, index = language.first, language.permutes, 0
    while index < len(rest):
        word, index = rest[index], index + 1
        behind = rest[index] if index < len(rest) else None
        if word.text == "--" or (word.text == "--args" and name == "Rscript"):
            if behind is not None:
                _program_text(name, behind) if first else operand(name, behind, dashes=True)
            return
        if not word.prefix.startswith("-"):
            _program_text(name, word) if first else operand(name, word, dashes=False)
            if not permutes:
                return
            first = False
            continue
        text = known(word, f"an option of '{name}'")
        if programs.is_python(name):
            taken, ends = _python_option(text, behind, word.at)
            if ends:
                return
            index += taken
        elif text in language.code or text in language.valued:
            _known_option(name, text, behind, code=text in language.code)
            first = first and text in language.valued and text != "-f"
            permutes = permutes or text in language.code
            index += 1
        elif text not in language.flags and "=" not in text:
            refuse(f"what '{name} {text}' does with the words behind it is not known here: write -- in front of the values", word.at)


def _python_option(text: str, behind: Word | None, at: int) -> tuple[bool, bool]:
    """Return whether an option of Python takes the next word, and whether it is the last one."""
    taken = _PYTHON_OPTION.fullmatch(text)
    if taken is None:
        refuse(f"what 'python {text}' does with the words behind it is not known here", at)
    kind, value = taken.groups()
    takes = bool(kind) and not value
    if takes and behind is not None:
        _program_text("python", behind)
    module = value or (behind.text if behind is not None else "")
    if kind == "m" and module in programs.PYTHON_REREADERS:
        refuse(f"'python -m {module}' runs what it is given: a value would become code", at)
    return takes, kind in ("c", "m")


def _known_option(name: str, text: str, behind: Word | None, *, code: bool) -> None:
    if behind is not None and (code or not behind.prefix or not behind.single):
        _program_text(name, behind)
        known(behind, f"what follows '{name} {text}'")


def comparison(name: str, operands: Sequence[Word], at: int) -> None:
    """Allow the forms of `[` whose operators are written out: `-v` and its kin evaluate their operand."""
    if not holes_of(operands):
        return
    if name == "[":
        if operands[-1].text != "]":
            refuse("this '[' is not closed", at)
        operands = operands[:-1]
    if operands[0].bare == "!":
        operands = operands[1:]
    for hole in holes_of(operands):
        hole.alone = False
    texts = [word.text for word in operands]
    one = len(texts) == 1 or (len(texts) == 2 and texts[0] in programs.UNARY_TESTS)  # noqa: PLR2004 - operator and operand
    two = len(texts) == 3 and texts[1] in programs.BINARY_TESTS  # noqa: PLR2004 - operand, operator, operand
    if not (one or two) or not all(word.single for word in operands):
        refuse("this form of '[' may evaluate its operands: write one comparison of quoted words, and && between two", at)


def printf(rest: Sequence[Word], at: int) -> None:
    """Refuse a format that assigns: `-v` and `%n` evaluate the name they are given."""
    dashes = bool(rest) and rest[0].text == "--"
    layout = rest[1 if dashes and len(rest) > 1 else 0] if rest else None
    text = layout.text if layout is not None else ""
    if text is None or (layout is not None and not layout.single) or (not dashes and text.startswith("-")) or _COUNTING_FORMAT.search(text):
        refuse("the format of 'printf' must be written out, without -v and %n", at)


def operand(name: str, word: Word, *, dashes: bool) -> None:
    """Refuse a program's file that a value, or something else unknown, could turn into an option or into code."""
    at = word.holes[0].at if word.holes else word.at
    if len(word.holes) > len(word.direct):
        refuse(f"as the file that '{name}' runs, a value would be code or an option", at)
    known = word.text is None or word.single  # braces and patterns could become options
    if known and (word.prefix or word.text is not None or (dashes and word.single)):
        return
    if word.holes:
        refuse(f"as the file that '{name}' runs, a value could be an option: write -- or ./ in front of it", at)
    if not word.single or "/" not in word.suffix:
        refuse(f"what '{name}' runs is only known when the shell runs, and could be an option: write it out", at)


def _program_text(name: str, word: Word) -> None:
    if word.holes:
        refuse(f"it is part of a program text or an option of '{name}': hand the value over as an argument behind the program", word.holes[0].at)
    if word.text is None or not word.single:
        refuse(f"the program text or option of '{name}' is only known when the shell runs: write it out in single quotes", word.at)


def no_option(name: str, rest: Sequence[Word], taking: frozenset[str]) -> None:
    """Refuse a value that could be an option which runs something."""
    before: str | None = None
    for word in rest:
        if before == "--":
            return
        if word.holes and (not word.prefix or word.prefix.startswith("-")) and before not in taking:
            refuse(f"'{name}' has options that run programs, and a value could be one: write -- or ./ in front of it", word.holes[0].at)
        before = word.text if word.single else None


def launched(name: str, rest: Sequence[Word], words: frozenset[str], valued: frozenset[str]) -> int | None:
    """Return where the command of a launcher begins; a value must not choose what it runs."""
    start = 0
    if words:
        start = next((index + 1 for index, word in enumerate(rest) if not word.prefix.startswith("-")), 0)
        if not start or rest[start - 1].text not in words:
            return None
    before = ""
    for index, word in enumerate(rest[start:], start):
        text = word.text
        if word.holes and not word.prefix and before not in valued:
            refuse(f"a value could choose what '{name}' runs: write its program out, with -- in front of it", word.holes[0].at)
        option = before.startswith("-") and before not in ("--", "-m") and "=" not in before
        if text is not None and not text.startswith("-") and (not option or (before not in valued and _is_program(text))):
            return index
        before = text or word.prefix
    return None


def _is_program(text: str) -> bool:
    name = text.rpartition("/")[2]
    return name in programs.SHELLS or programs.interpreter(name) is not None or name.endswith((".py", ".sh", ".R"))
