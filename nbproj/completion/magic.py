"""The tab key in IPython: the same candidates behind `%mlrun` and its sisters, by IPython's matchers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from nbproj.completion.candidate import Candidate
from nbproj.completion.words import Typed, quoted, read

if TYPE_CHECKING:
    import click
    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["register", "unregister"]

_MAGIC: Final = re.compile(r"\s*(?:[\w., ]+=\s*)?%(?P<name>ml\w*)(?=\s)")
_NAME: Final = "nbproj_matcher"
_SECONDS: Final = 2.0
_NOTHING: Final[Mapping[str, Any]] = {"completions": []}


def register(shell: InteractiveShell, commands: Callable[[], Mapping[str, click.Command]]) -> None:
    """Complete our magics in a shell. May be called twice.

    Parameters
    ----------
    shell : InteractiveShell
        Of a terminal or a kernel.
    commands : callable
        Returns, by the name of the magic without its percent sign, the command whose options it takes. Called when a tab key is first pressed
        behind one of them: registering imports nothing.
    """
    from IPython.core.completer import context_matcher

    unregister(shell)

    @context_matcher(identifier=_NAME)  # type: ignore[untyped-decorator]  # IPython has no types for it
    def matcher(context: CompletionContext) -> Mapping[str, Any]:
        try:
            return _matches(context.text_until_cursor, context.line_with_cursor[context.cursor_position :], commands)
        except Exception:  # noqa: BLE001 - IPython would print a traceback for the press of a key
            return {**_NOTHING}

    shell.Completer.custom_matchers.append(matcher)


def unregister(shell: InteractiveShell) -> None:
    """Leave nothing of `register` in a shell."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [one for one in matchers if getattr(one, "matcher_identifier", None) != _NAME]


def _matches(before: str, after: str, commands: Callable[[], Mapping[str, click.Command]]) -> Mapping[str, Any]:
    from IPython.core.completer import SimpleCompletion

    magic = _MAGIC.match(before)
    command = commands().get(magic["name"]) if magic is not None else None
    if magic is None or command is None:
        return {**_NOTHING}
    line = before[magic.end() :]
    typed = read(line, operators=False)
    if "{" in typed.raw.rpartition("=")[2]:  # an expression: names of the notebook, which IPython knows
        return {**_NOTHING}
    rest = read(f"{line}{after} ", operators=False).words[len(typed.words) :]
    within = bool(typed.raw) or (bool(after) and not after[0].isspace())
    found = _within_time(command, typed.words, typed.text, rest[1:] if within else rest)
    # A matcher after this one must not mix its own words in; what we do not know stays open to IPython.
    return {
        "completions": [SimpleCompletion(text=_as_typed(typed, one), type=_kind(one)) for one in found],
        "matched_fragment": typed.raw,
        "ordered": True,
        "suppress": bool(found),
    }


def _within_time(command: click.Command, before: list[str], word: str, after: list[str]) -> list[Candidate]:
    """Return the candidates, none when a folder or store does not answer: a kernel that waits for it would run no cell."""
    from nbproj.completion.line import candidates

    found: list[Candidate] = []
    thread = threading.Thread(target=lambda: found.extend(candidates(command, before, word, after)), daemon=True)
    thread.start()
    thread.join(_SECONDS)
    return [] if thread.is_alive() else found


def _as_typed(typed: Typed, candidate: Candidate) -> str:
    """Return a candidate as it takes the place of what is typed: within the quotation mark that is open, else with backslashes."""
    if not typed.quote:
        return quoted(candidate.text, operators=False)
    at = typed.raw.rindex(typed.quote)
    standing = read(typed.raw[:at], operators=False).text
    if not candidate.text.startswith(standing):
        return quoted(candidate.text, operators=False)
    closing = "" if candidate.unfinished else typed.quote
    return f"{typed.raw[: at + 1]}{quoted(candidate.text[len(standing) :], typed.quote, operators=False)}{closing}"


def _kind(candidate: Candidate) -> str:
    if candidate.text.startswith("-"):
        return "param"
    if candidate.unfinished:
        return "param" if candidate.text.endswith("=") else "path"
    return "statement"
