"""Where the cursor is: which command the words call, what they give it already, and what the word under the cursor is to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import click

__all__ = ["Situation", "situate"]


@dataclass(frozen=True, slots=True)
class Situation:
    """A command line that is being typed.

    Parameters
    ----------
    command : click.Command
        The command that the words have chosen so far.
    given : mapping of str to list of str
        Values of its parameters by click's names, also from words behind the cursor.
    expected : click.Parameter, optional
        The option or argument whose value the word is.
    prefix : str
        What stands in the word before that value: `--entry-point=`, `-P`.
    value : str
        The value so far.
    options : bool
        The word may as well be an option.
    """

    command: click.Command
    given: Mapping[str, Sequence[str]] = field(default_factory=dict)
    expected: click.Parameter | None = None
    prefix: str = ""
    value: str = ""
    options: bool = True

    def last(self, name: str) -> str | None:
        """Return the value of a parameter that counts: the last one, None when none is given."""
        values = self.given.get(name)
        return values[-1] if values else None


def situate(root: click.Command, before: Sequence[str], word: str, after: Sequence[str] = ()) -> Situation:
    """Return what a word of a command line is to be.

    Parameters
    ----------
    root : click.Command
        The program; its definition is read, nothing of it is called.
    before, after : sequence of str
        The words round the word under the cursor, without quoting and without the program's name.
    word : str
        What is there of that word.

    Examples
    --------
    >>> program = click.Command("run", params=[click.Argument(["uri"]), click.Option(["-e", "--entry"])])
    >>> found = situate(program, ["project", "-e"], "tr")
    >>> found.expected.name, found.value, found.last("uri")
    ('entry', 'tr', 'project')
    """
    reader = _Reader(root)
    for one in before:
        reader.take(one)
    expected, prefix, value, options = reader.place(word)
    command = reader.command
    if after:  # what stands behind the cursor chooses no other command
        reader.finish(word, after)
    return Situation(command, reader.given(), expected, prefix, value, options)


class _Reader:
    """Reads words as click will, without a word about what is wrong with them."""

    def __init__(self, command: click.Command) -> None:
        self.command = command
        self._options: dict[str, list[str]] = {}
        self._positional: list[str] = []
        self._pending: click.Option | None = None
        self._plain = False

    def take(self, word: str) -> None:
        """Read one word."""
        if self._pending is not None:
            self._keep(self._pending, word)
            self._pending = None
        elif self._plain or len(word) < 2 or not word.startswith("-"):  # noqa: PLR2004 - a lone '-' is a value
            self._take_positional(word)
        elif word == "--":
            self._plain = True
        else:
            for option, value, _ in self._parts(word):
                if _has_value(option) and value is None:
                    self._pending = option
                else:
                    self._keep(option, value or "")

    def finish(self, word: str, after: Sequence[str]) -> None:
        """Read the words behind the cursor."""
        if isinstance(self.command, click.Group):
            return
        if self._pending is None and word.startswith("-"):
            parts = list(self._parts(word))
            self._pending = next((option for option, value, _ in parts if _has_value(option) and value is None), None)
        else:
            self._pending = None
        for one in after:
            self.take(one)

    def place(self, word: str) -> tuple[click.Parameter | None, str, str, bool]:
        """Return what a word is to be: the parameter it is a value of, what stands before the value, the value, and whether it may be an option."""
        if self._pending is not None:
            return self._pending, "", word, False
        if not self._plain and word.startswith("-"):
            parts = list(self._parts(word))
            if parts and parts[-1][1] is not None:
                option, value, prefix = parts[-1]
                return option, prefix, value or "", False
            return None, "", word, True
        return self._argument(), "", word, not self._plain

    def given(self) -> dict[str, list[str]]:
        """Return the values read, by parameter."""
        values = {name: list(texts) for name, texts in self._options.items()}
        rest = list(self._positional)
        for parameter in self._arguments():
            count = len(rest) if parameter.nargs < 0 else parameter.nargs
            values[parameter.name or ""], rest = rest[:count], rest[count:]
        return values

    def _take_positional(self, word: str) -> None:
        if isinstance(self.command, click.Group):
            chosen = self.command.commands.get(word)
            if chosen is not None:
                self.command = chosen
                self._options, self._positional = {}, []
                return
        self._positional.append(word)

    def _keep(self, option: click.Option, value: str) -> None:
        self._options.setdefault(option.name or "", []).append(value)

    def _arguments(self) -> list[click.Argument]:
        return [parameter for parameter in self.command.params if isinstance(parameter, click.Argument)]

    def _argument(self) -> click.Argument | None:
        taken = len(self._positional)
        for parameter in self._arguments():
            if parameter.nargs < 0 or taken < parameter.nargs:
                return parameter
            taken -= parameter.nargs
        return None

    def _parts(self, word: str) -> Iterator[tuple[click.Option, str | None, str]]:
        """Give the options that a word holds: option, attached value or None, and the text before the value."""
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            option = self._find(name)
            if option is not None:
                yield option, value if equals else None, name + equals
            return
        for index, letter in enumerate(word[1:], start=1):
            option = self._find(f"-{letter}")
            if option is None:
                return
            rest = word[index + 1 :]
            if _has_value(option):
                yield option, rest or None, word[: index + 1]
                return
            yield option, None, word[: index + 1]

    def _find(self, name: str) -> click.Option | None:
        for parameter in self.command.params:
            if isinstance(parameter, click.Option) and name in {*parameter.opts, *parameter.secondary_opts}:
                return parameter
        return None


def _has_value(option: click.Option) -> bool:
    return not option.is_flag and not option.count
