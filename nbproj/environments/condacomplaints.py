"""What a conda says when it fails, as one line that a reader can use: the solver's own words, trimmed."""

from __future__ import annotations

import re
from typing import Final

from nbproj.environments.builder import BuildFailed
from nbproj.environments.condachannels import public
from nbproj.errors import EnvironmentPreparationError, one_line

__all__ = ["why_conda"]

_DRAWN: Final = re.compile("[\u2500-\u257f\u2190-\u21ff]+ ?")
_BEGINNING: Final = re.compile(
    r"^(?:\w*(?:Error|NotFound|Exception|InvalidChannel)(?:\([^)]*\))?: ?|error\s+libmamba |Could not solve for|error: |critical libmamba )",
    re.MULTILINE,
)
_NOISE: Final = re.compile(
    r"^(To search for alternate channels|(Collecting|Solving|Channels:|Platform:|Retrieving)\b|# >|`\$ |  environment variables:"
    r"|If this (package|error)|critical libmamba|Pins seem to be involved|Note that strict channel priority|\(?https?://\S+\)?$|.*\bWarning: )"
)
_LISTED: Final = ("Current channels", "To search for alternate channels")
"""What follows is no more about what went wrong."""
_ADDRESS: Final = re.compile(r"\w+://[^\s'\"`),<>]+")
_UNREACHED: Final = re.compile(
    r"HTTPError|ConnectionFailed|connection (failed|refused)|error sending request|dns error|timed out|resolve host|Download error|couldn't connect",
    re.IGNORECASE,
)
_NO_CHANNEL: Final = re.compile(r"could not find subdir|InvalidChannel|404 Not Found", re.IGNORECASE)
_UNMET: Final = re.compile(
    r"Unsatisfiable|incompatible|No candidates|nothing provides|NotFound|not available|cannot be installed|does not exist|could not be installed",
    re.IGNORECASE,
)
_LONGEST: Final = 400


def why_conda(failure: BuildFailed, name: str) -> EnvironmentPreparationError:
    r"""Return a failure as an error: the solver's own words, on one line, and what to do.

    Parameters
    ----------
    failure : BuildFailed
        What it said, and its exit code.
    name : str
        Which conda it was.

    Examples
    --------
    >>> print(why_conda(BuildFailed(1, "Solving environment: failed\n\nResolvePackageNotFound: \n  - nosuch=1\n"), "conda"))
    ResolvePackageNotFound: nosuch=1
    >>> said = "error: error sending request for url (https://me:secret@host/noarch/x)\nCaused by: tcp connect error\nCaused by: Connection refused\n"
    >>> print(why_conda(BuildFailed(1, said), "py-rattler"))
    a channel (https://host/noarch/x) cannot be reached: Connection refused
    """
    text = _DRAWN.sub("", failure.text)
    lines = _lines(text)
    joined = one_line(" ".join(lines)).removeprefix("Cannot solve the request because of: ").replace(" Caused by: ", ": ")
    if "No space left on device" in text or "os error 28" in text:
        return EnvironmentPreparationError(
            "the disk is full: No space left on device", hint="nbproj env gc makes room; NBPROJ_CACHE_DIR and XDG_CACHE_HOME name other disks"
        )
    if _UNREACHED.search(text) and not _UNMET.search(joined):
        where = next((f" ({public(found[0])})" for found in [_ADDRESS.search(joined)] if found), "")
        last = public(lines[-1].removeprefix("Caused by: ")) if lines else "no answer"
        msg = f"a channel{where} cannot be reached: {_cut(last)}"
        return EnvironmentPreparationError(msg, hint="Is the network there? Run again: what was downloaded is kept")
    if _NO_CHANNEL.search(joined):
        hint = "Is the channel's name right?"
    elif _UNMET.search(joined):
        hint = "Change the packages that contradict each other, or add the channel that has them"
    else:
        hint = ""
    return EnvironmentPreparationError(_cut(public(joined)) or f"{name} ended with code {failure.code}", hint=hint)


def _lines(text: str) -> list[str]:
    """Return what is said of the failure, a line each, what is said twice once."""
    found = _BEGINNING.search(text)
    told = text[found.start() :] if found else "\n".join(text.strip().splitlines()[-3:])
    lines: list[str] = []
    for raw in told.splitlines():
        line = re.sub(r"^(- |error: |error\s+libmamba )+", "", raw.strip())
        if line.startswith(_LISTED):
            break
        if line and not _NOISE.match(line) and line not in lines:
            lines.append(line)
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
