"""What uv says when it fails, as one line that a reader can use: the solver's own words, without the addresses of this machine's registries."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from nbproj.environments.builder import BuildFailed
from nbproj.errors import EnvironmentPreparationError, one_line

__all__ = ["why"]

_DRAWN: Final = "\u00d7\u2502\u251c\u2570\u2500\u25b6"
"""What older versions draw their errors with."""
_LONGEST: Final = 320
_ADDRESS: Final = re.compile(r"(?:\w+\+)?\w+://[^\s'\"`),]+")
_UNREACHED: Final = re.compile(r"error sending request|connect error|failed to fetch|request failed|dns error|timed out|connection", re.IGNORECASE)
_UNBUILT: Final = re.compile(r"build backend|Failed to build|Failed to resolve requirements from `build-system")
_APART: Final = re.compile(r"\[\w+\]|\w*Error\b")
"""What begins a piece of its own: a stream of a build, a Python error."""
_SHORTER: Final = (
    (re.compile(r",? we can conclude that your requirements are unsatisfiable"), ""),
    (re.compile(r",? we can conclude that "), ", so "),
    (re.compile(r"\. And because "), "; and "),
    (re.compile(r"\bBecause "), ""),
    (re.compile(r"the package registry"), "the package index"),
)


def why(failure: BuildFailed) -> EnvironmentPreparationError:
    r"""Return a failure of uv as an error: its own words, on one line, and what to do.

    Parameters
    ----------
    failure : BuildFailed
        What it said, and its exit code.

    Examples
    --------
    >>> said = "error: No solution found when resolving dependencies\n  cause: Because you require a==1 and a==2, we can conclude that your "
    >>> error = why(BuildFailed(1, said + "requirements are unsatisfiable."))
    >>> print(error, error.hint, sep="\n")
    no versions fit: you require a==1 and a==2
    Change the versions that contradict each other, or ask for another Python
    >>> said = "error: Request failed after 3 retries\n  cause: Failed to fetch: https://me:secret@host/simple/a/\n  cause: dns error"
    >>> print(why(BuildFailed(2, said)))
    the package index cannot be reached: dns error
    """
    text = failure.text
    words = _words(text)
    if "No space left on device" in text or "os error 28" in text:
        return EnvironmentPreparationError(
            "the disk is full: No space left on device", hint="nbproj env gc makes room; NBPROJ_CACHE_DIR and UV_CACHE_DIR name other disks"
        )
    if "No solution found" in text:
        return _unsatisfiable(words)
    if _UNBUILT.search(text):
        return _unbuilt(words)
    if _UNREACHED.search(text):
        last = _plain(words[-1]) if words else "no answer"
        return EnvironmentPreparationError(
            f"the package index cannot be reached: {last}", hint="Is the network there? Run again: what was downloaded is kept"
        )
    told = ": ".join(dict.fromkeys(word.rstrip(":") for word in words)) if words else f"uv ended with code {failure.code}"
    return EnvironmentPreparationError(_cut(_plain(told)))


def _words(text: str) -> list[str]:
    """Return what it complains of: the error and its causes, each in one piece, hints left out."""
    start = re.search(rf"^(?:error|\s*[{_DRAWN}])", text, re.MULTILINE)
    told = text[start.start() :] if start else "\n".join(text.strip().splitlines()[-3:])
    pieces: list[str] = []
    hinted = False
    for line in told.splitlines():
        bare = re.sub(rf"[{_DRAWN}]+\s*", "", line).strip()
        if re.match(r"(error|cause|hint|Caused by): ?", bare):
            hinted = bare.startswith("hint:")
            pieces += [] if hinted else [re.sub(r"^(error|cause|Caused by): ?", "", bare)]
        elif bare and not hinted:
            apart = not pieces or "[stderr]" in pieces or _APART.match(bare)
            pieces = [*pieces, bare] if apart else [*pieces[:-1], f"{pieces[-1]} {bare}"]
    return [piece for piece in pieces if piece]


def _unsatisfiable(words: list[str]) -> EnvironmentPreparationError:
    told = _plain(" ".join(word for word in words if not word.startswith("No solution found"))) or "your requirements contradict each other"
    for pattern, shorter in _SHORTER:
        told = pattern.sub(shorter, told)
    told = told.strip().rstrip(".")
    missing = re.search(r"there (?:is|are) no versions? of|was not found in|no usable wheels", told)
    if missing:
        hint = "Are name and version right? Packages come from where pip's or uv's settings on this machine say"
    elif re.search(r"Python version|Python ?[<>=]", told):
        hint = "Ask for another Python, or for other versions"
    else:
        hint = "Change the versions that contradict each other, or ask for another Python"
    return EnvironmentPreparationError(f"no versions fit: {_cut(told)}", hint=hint)


def _unbuilt(words: list[str]) -> EnvironmentPreparationError:
    named = next((found[1] for word in words if (found := re.search(r"Failed to (?:download and )?build `([\w.-]+)", word))), "")
    last = _plain(words[-1])
    return EnvironmentPreparationError(
        f"{named or 'a package'} could not be built: {_cut(last)}",
        hint="For this Python it comes as source only. Another version may come ready-made",
    )


def _plain(text: str) -> str:
    """Return a text without addresses, which may hold secrets: of each the last part of its path is left, a package's or a repository's name."""
    return one_line(_ADDRESS.sub(lambda found: urlsplit(found[0]).path.rstrip("/").rpartition("/")[2] or "an address", text))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
