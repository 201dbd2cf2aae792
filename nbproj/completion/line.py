"""A command line that is being typed: what the word under the cursor could become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from nbproj.completion.candidate import Candidate, presentable, put_behind
from nbproj.completion.situation import Situation, situate
from nbproj.completion.value import values

__all__ = ["candidates"]


def candidates(program: click.Command, before: Sequence[str], word: str, after: Sequence[str] = ()) -> list[Candidate]:
    """Return what a word could become: sub-commands, options, and the values that they take.

    Parameters
    ----------
    program : click.Command
        The program, or the one command of it that a magic stands for; only its definition is read.
    before, after : sequence of str
        The words round the word under the cursor, without quoting and without the program's name.
    word : str
        What is there of that word.

    Returns
    -------
    list of Candidate
        The likeliest first; empty when nothing is known. Nothing is raised: whatever is wrong with the line is told when it is run.

    Examples
    --------
    >>> program = click.Command("run", params=[click.Option(["--quiet"], is_flag=True, help="Say less.")])
    >>> candidates(program, [], "--q")
    [Candidate(text='--quiet', help='Say less.', unfinished=False)]
    """
    try:
        return _candidates(program, before, word, after)
    except Exception:  # noqa: BLE001 - a press of a key is not answered with an error, whatever the project or the store are like
        return []


def _candidates(program: click.Command, before: Sequence[str], word: str, after: Sequence[str]) -> list[Candidate]:
    situation = situate(program, before, word, after)
    if situation.expected is not None:
        found = presentable(values(situation), situation.value)
        if found or not situation.options:
            return put_behind(situation.prefix, found)
    elif isinstance(situation.command, click.Group) and not word.startswith("-"):
        return presentable(_commands(situation.command), word)
    if situation.expected is None and (word.startswith("-") or not word) and situation.options:
        return presentable(_options(situation, word), word)
    return []


def _commands(group: click.Group) -> Iterator[Candidate]:
    for name, command in group.commands.items():
        if not command.hidden:
            yield Candidate(name, command.get_short_help_str(100))


def _options(situation: Situation, word: str) -> Iterator[Candidate]:
    """Give the options that are not given yet, each by the first of its names that fits; a long one where nothing says otherwise."""
    for parameter in situation.command.params:
        if not isinstance(parameter, click.Option) or parameter.hidden:
            continue
        if parameter.name in situation.given and not parameter.multiple:
            continue
        for names in (parameter.opts, parameter.secondary_opts):
            fitting = [name for name in names if name.startswith(word)]
            chosen = word if word in fitting else next((name for name in fitting if name.startswith("--")), next(iter(fitting), None))
            if chosen is not None:
                yield Candidate(chosen, parameter.help or "")
    if "--help".startswith(word):
        yield Candidate("--help", "Say what there is.")
