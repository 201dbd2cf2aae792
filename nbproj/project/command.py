r"""The command of an entry point: a template in which a value can never become code (contract, section 5).

Python's format-string syntax, of which `{name}` and the escapes `{{` and `}}` are understood. Each value reaches the program as exactly one word,
whatever it holds, bare, in quotes, and in the text of a nested `bash -c` or `sh -c`. Where that cannot be proven, the template is refused when the
project is read.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, NoReturn

from nbproj.errors import TemplateError, suggestion
from nbproj.project.model import Parameter, Place
from nbproj.project.proof import prove
from nbproj.project.shell import Reader
from nbproj.project.words import Cell, Command, Hole, Quote, Refusal, Unit, Word, refuse

__all__ = ["Template"]

_KEY: Final = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a value stands, and what surrounds it in each shell that reads it."""

    name: str
    layers: tuple[Quote, ...]
    alone: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A command whose placeholders have been proven safe.

    Parameters
    ----------
    names : tuple of str
        The placeholders, distinct, in order of appearance.

    Examples
    --------
    >>> template = Template.parse("python train.py --alpha {alpha}", [Parameter("alpha", "float")])
    >>> template.fill({"alpha": "0.5"})
    'python train.py --alpha 0.5'
    >>> template.fill({"alpha": "$(rm -rf /)"}, {"seed": "1"})
    "python train.py --alpha '$(rm -rf /)' --seed 1"
    """

    names: tuple[str, ...]
    _pieces: tuple[str | _Slot, ...] = field(repr=False)
    _tail: tuple[str | _Slot, ...] = field(repr=False)
    _closed: str = field(repr=False)
    _place: Place | None = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, parameters: Sequence[Parameter], *, place: Place | None = None) -> Template:
        r"""Read a command template and prove that each value will be one word.

        Parameters
        ----------
        text : str
            The command, for `bash -c`.
        parameters : sequence of Parameter
            The declared ones: only these may be named.
        place : Place, optional
            Where the command is declared, for errors.

        Returns
        -------
        Template

        Raises
        ------
        TemplateError
            When a placeholder is malformed, undeclared, a secret, or stands where a value could be split or run.

        Examples
        --------
        >>> print(Template.parse("bash -c 'train.sh {word}'", [Parameter("word")]).fill({"word": "a b"}))
        bash -c 'train.sh '\''a b'\'''
        >>> Template.parse("eval {word}", [Parameter("word")])
        Traceback (most recent call last):
        nbproj.errors.TemplateError: command, line 1, column 6: {word}: 'eval' runs its arguments: a value would become code
        """
        text = text.replace("\r\n", "\n")
        try:
            units = _units(text, {parameter.name: parameter for parameter in parameters})
            return cls._build(units, {parameter.name for parameter in parameters if parameter.flag}, place)
        except Refusal as refusal:
            raise _error(text, refusal, place) from None

    @classmethod
    def _build(cls, units: Sequence[Unit], flags: AbstractSet[str], place: Place | None) -> Template:
        holes = [unit.value for unit in units if isinstance(unit.value, Hole)]
        reader = Reader(units, bash=True)
        end, closed = len(units), ""
        try:
            commands = reader.read()
            if holes:
                prove(commands)
        except Refusal as refusal:
            if holes:
                raise
            closed = refusal.reason
        for hole in holes:
            if hole.name in flags and not hole.alone:
                refuse("a flag is there or not: it must be a whole argument, without quotes", hole.at)
        # The pieces are made before the appended words are proven: a second reading would tell the holes their layers twice.
        pieces = [_piece(unit) for unit in units]
        if reader.last is not None and not closed:
            end = reader.last.end
            closed = _appendable(reader.last)
        elif not closed:
            closed = "it does not end with a simple command"
        names = tuple(dict.fromkeys(hole.name for hole in holes))
        return cls(names, _joined(pieces[:end]), _joined(pieces[end:]), closed, place)

    def fill(self, words: Mapping[str, str | None], extra: Mapping[str, str] | None = None) -> str:
        """Return the command with values in place of its placeholders.

        Parameters
        ----------
        words : mapping of str to str or None
            The text of each parameter that the template names; more are ignored. None leaves the word out.
        extra : mapping of str to str, optional
            Undeclared parameters, appended as `--key value` behind the command's last word.

        Returns
        -------
        str
            A text for `bash -c`.

        Raises
        ------
        TemplateError
            When a value is missing, cannot be a word at all (it holds NUL, or is not text), or nothing can be appended here.

        Examples
        --------
        >>> Template.parse("train.sh {verbose}; # done", [Parameter("verbose", "bool", flag="-v")]).fill({"verbose": None}, {"n": "a b"})
        "train.sh  --n 'a b'; # done"
        """
        appended = "".join(f" --{self._key(key)} {shlex.quote(self._checked(key, value))}" for key, value in (extra or {}).items())
        return self._render(self._pieces, words) + appended + self._render(self._tail, words)

    def _key(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            self._refuse(f"parameter {key!r}: a name is made of letters, digits, '_', '-' and '.'")
        if self._closed:
            self._refuse(f"parameter '{key}' is not declared, and nothing can be appended to the command: {self._closed}")
        return key

    def _refuse(self, message: str) -> NoReturn:
        raise TemplateError(message, place=self._place)

    def _checked(self, name: str, value: str) -> str:
        if "\0" in value:
            self._refuse(f"parameter '{name}': a value cannot hold a NUL character")
        try:
            value.encode()
        except UnicodeEncodeError:
            self._refuse(f"parameter '{name}': the value is not valid text, it holds a lone surrogate")
        return value

    def _render(self, pieces: Sequence[str | _Slot], words: Mapping[str, str | None]) -> str:
        return "".join(piece if isinstance(piece, str) else self._word(piece, words) for piece in pieces)

    def _word(self, slot: _Slot, words: Mapping[str, str | None]) -> str:
        if slot.name not in words:
            self._refuse(f"parameter '{slot.name}' of the command has no value")
        value = words[slot.name]
        if value is None:
            if not slot.alone:
                self._refuse(f"parameter '{slot.name}' has no value, and is only part of a word in the command")
            return ""
        text = self._checked(slot.name, value)
        for layer in slot.layers:
            text = _quoted(text, layer)
        return text


def _quoted(text: str, layer: Quote) -> str:
    """Return a text as the inside of a word: bare, in single or in double quotes."""
    if layer == "'":
        return text.replace("'", "'\\''")
    if layer == '"':
        return re.sub(r'([\\$`"])', r"\\\1", text)
    return shlex.quote(text)


def _units(text: str, declared: Mapping[str, Parameter]) -> list[Unit]:
    """Return what the shell will read, with holes for the placeholders."""
    units: list[Unit] = []
    index = 0
    while index < len(text):
        here = text[index]
        if here == "\0":
            refuse("a command cannot hold a NUL character", index)
        if text[index : index + 2] in ("{{", "}}"):
            units.append(Unit(here, index))
            index += 2
        elif here == "}":
            refuse("single '}': write '}}' for a brace that the shell shall see", index)
        elif here == "{":
            end = text.find("}", index)
            inside = text[index + 1 : end]
            if end < 0 or "{" in inside or "\n" in inside:
                refuse("this '{' is not closed: write '{{' for a brace that the shell shall see", index)
            units.append(Unit(_hole(inside, index, declared), index))
            index = end + 1
        else:
            units.append(Unit(here, index))
            index += 1
    return units


def _hole(name: str, at: int, declared: Mapping[str, Parameter]) -> Hole:
    if name not in declared:
        plain = re.split(r"[.\[:!]", name, maxsplit=1)[0]
        if plain in declared:
            refuse(f"{{{name}}}: only the name may stand in a placeholder, as in {{{plain}}}", at)
        if _KEY.fullmatch(name):
            near = suggestion(name, declared)
            refuse(f"{{{name}}} is not a declared parameter.{near or ' Declare it under parameters'}", at)
        refuse(f"{{{name}}} is not a placeholder: write '{{{{' and '}}}}' for braces that the shell shall see", at)
    if declared[name].secret:
        variable = declared[name].variable
        refuse(f"{{{name}}} is a secret, and others can see arguments: the program finds it in the environment variable {variable}", at)
    return Hole(name, at)


def _piece(unit: Unit) -> str | _Slot:
    hole = unit.value
    return _Slot(hole.name, tuple(hole.layers), hole.alone) if isinstance(hole, Hole) else hole


def _joined(pieces: Sequence[str | _Slot]) -> tuple[str | _Slot, ...]:
    """Return the pieces with neighbouring texts as one."""
    joined: list[str | _Slot] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)


def _appendable(command: Command) -> str:
    """Return why no value may be appended to a command, or an empty string."""
    words = list(command.words)
    for value in ("--key", Hole("", command.at)):
        cells = [Cell(value, "", command.at)] if isinstance(value, Hole) else [Cell(letter, "", command.at) for letter in value]
        words.append(Word(cells, command.at, command.end))
    try:
        prove([Command(command.at, command.piped, [], words, [])])
    except Refusal as refusal:
        return refusal.reason
    return ""


def _error(text: str, refusal: Refusal, place: Place | None) -> TemplateError:
    """Return the error of a refusal, with the line and column in the command."""
    line = text.count("\n", 0, refusal.at) + 1
    column = refusal.at - (text.rfind("\n", 0, refusal.at) + 1) + 1
    name = re.match(r"\{([A-Za-z0-9_.-]+)\}", text[refusal.at :])
    about = f"{name.group()}: " if name and not refusal.reason.startswith("{") else ""
    if not about and "cannot be followed" in refusal.reason:
        about = "no value can be proven safe in this command: "
    return TemplateError(f"command, line {line}, column {column}: {about}{refusal.reason}", place=place)
