"""What a form would run, as it would be typed: in a cell, on the command line, in Python."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nbproj.batches.forms import FormError, literal, read_form
from nbproj.project.conversion import text_of
from nbproj.widgets.several import values_of

__all__ = ["OPTIONS", "Wish"]

OPTIONS = {"env_manager": "--env-manager", "backend": "-b", "experiment_name": "--experiment-name", "run_name": "--run-name"}
"""The settings of a form by the options of the command line."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a form is set to.

    Parameters
    ----------
    uri : str
        The project.
    entry_point : str
        Its entry point.
    values : mapping of str to object
        What differs from the defaults; no secrets.
    several : mapping of str to str
        Texts that stand for several values each: then it is a batch.
    settings : mapping of str to str
        In the words of `nbproj.run`.
    version : str, optional
        Of a Git project.
    is_here : bool
        The project is the notebook itself, which a magic need not name.

    Examples
    --------
    >>> wish = Wish("wine.ipynb", "train", {"alpha": "0.5", "note": "two words"}, settings={"experiment_name": "wine"}, is_here=True)
    >>> print(wish.magic())
    %mlrun -e train -P alpha=0.5 -P 'note=two words' --experiment-name wine
    >>> print(wish.command())
    nbproj run wine.ipynb -e train -P alpha=0.5 -P 'note=two words' --experiment-name wine
    >>> print(wish.python())
    nbproj.run('wine.ipynb', 'train', parameters={'alpha': '0.5', 'note': 'two words'}, experiment_name='wine')
    """

    uri: str
    entry_point: str
    values: Mapping[str, object] = field(default_factory=dict)
    several: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None
    is_here: bool = False

    def magic(self) -> str:
        """Return the line of a cell."""
        name = "%mlbatch" if self.several else "%mlrun"
        return " ".join([name, *([] if self.is_here else [shlex.quote(self.uri)]), *self._options(_in_cell)])

    def command(self) -> str:
        """Return the line of a shell."""
        name = "batch" if self.several else "run"
        uri = self.uri if not self.uri.startswith("-") else f"./{self.uri}"
        return " ".join(["nbproj", name, shlex.quote(uri), *self._options(_in_shell)])

    def python(self) -> str:
        """Return the call of a program."""
        values = {name: _python(value) for name, value in self.values.items()} | {
            name: repr(values_of(text, name)) for name, text in self.several.items()
        }
        given = ", ".join(f"{name!r}: {text}" for name, text in values.items())
        name = "batch" if self.several else "run"
        keywords = {**({"version": self.version} if self.version else {}), **self.settings}
        parts = [
            repr(self.uri),
            repr(self.entry_point),
            *([f"parameters={{{given}}}"] if given else []),
            *(f"{key}={value!r}" for key, value in keywords.items()),
        ]
        return f"nbproj.{name}({', '.join(parts)})"

    def _assignments(self) -> list[tuple[str, object]]:
        """Return one assignment a value, and one for a form that stands for several."""
        found: list[tuple[str, object]] = [(name, _single(name, text_of(value)) if self.several else value) for name, value in self.values.items()]
        for name, text in self.several.items():
            given = values_of(text, name)
            found += [(name, given)] if isinstance(given, str) else [(name, _single(name, text_of(one))) for one in given]
        return found

    def _options(self, spell: Callable[[str, str], str]) -> list[str]:
        words = ["-e", shlex.quote(self.entry_point)]
        words += ["-v", shlex.quote(self.version)] if self.version else []
        for name, value in self._assignments():
            words += ["-P", spell(name, text_of(value))]
        for key, value in self.settings.items():
            words += [OPTIONS[key], shlex.quote(value)]
        return words


def _single(name: str, text: str) -> str:
    """Return how a batch is given one value, also one that looks like several."""
    try:
        form = read_form(text, name, 0)
    except FormError:
        return literal(text)
    return text if form is None else literal(text)


def _in_shell(name: str, text: str) -> str:
    return shlex.quote(f"{name}={text}")


def _in_cell(name: str, text: str) -> str:
    """Return an assignment for the line of a magic, which has no line breaks and takes a value in braces for an expression."""
    is_expression = text.startswith("{") and text.endswith("}") and not _is_object(text)
    if is_expression or not text.isprintable():
        return f"{name}={{{text!r}}}"
    return shlex.quote(f"{name}={text}")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _python(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value) if isinstance(value, str | bool | int | float | list | dict) or value is None else repr(text_of(value))
