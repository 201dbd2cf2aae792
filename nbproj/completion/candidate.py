"""One thing that a word could become."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nbproj.errors import one_line

__all__ = ["Candidate", "presentable", "put_behind"]

MOST = 500
"""Candidates that anybody would look at."""
_MOST_HELP = 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """A completed word.

    Parameters
    ----------
    text : str
        The whole word, without any quoting.
    help : str
        What it means, for shells that show it.
    unfinished : bool
        More of the word follows: no space is put behind it. A folder, a parameter's name with its equals sign.

    Examples
    --------
    >>> Candidate("alpha=", "float", unfinished=True).text
    'alpha='
    """

    text: str
    help: str = ""
    unfinished: bool = False


def put_behind(prefix: str, candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates for a part of a word as candidates for the word.

    Examples
    --------
    >>> put_behind("mode=", [Candidate("fast")])
    [Candidate(text='mode=fast', help='', unfinished=False)]
    """
    return [replace(one, text=prefix + one.text) for one in candidates] if prefix else list(candidates)


def presentable(candidates: Iterable[Candidate], typed: str) -> list[Candidate]:
    r"""Return the candidates that continue what was typed, each once, without those that a terminal could take for something else than text.

    Examples
    --------
    >>> [one.text for one in presentable([Candidate("train"), Candidate("tra\x1b[31m"), Candidate("test"), Candidate("train")], "tr")]
    ['train']
    """
    kept: dict[str, Candidate] = {}
    for one in candidates:
        if len(kept) >= MOST:
            break
        if one.text.startswith(typed) and one.text.isprintable() and one.text not in kept:
            kept[one.text] = replace(one, help=one_line(one.help[: 4 * _MOST_HELP])[:_MOST_HELP])
    return list(kept.values())
