"""Commands that a shell would do nothing with but start a program: they are started without one.

Only what is plainly so counts: a program that is found and needs no interpreter, words without anything that a shell would read into them, an
environment that tells bash nothing. All else, errors included, is bash's.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["plain_words", "shell_variables"]

_WORD: Final = re.compile(r"(?:[\w@%+=:,./-]|'[^'\n]*')+", re.ASCII)
_BLANKS: Final = re.compile(r"[ \t]+")
_PROGRAM: Final = re.compile(r"(?:python[\d.]*|Rscript|[\w.-]*/[\w./+-]+)", re.ASCII)
"""Names that are nothing else in any shell: an interpreter's, or a path."""
_TELLING: Final = ("BASH", "SHELLOPTS", "POSIXLY_CORRECT")
_MAGIC: Final = b"\x7fELF"


def plain_words(command: str, environment: Mapping[str, str], cwd: Path) -> list[str] | None:
    """Return the words of a command that needs no shell; None where bash has to read it.

    Parameters
    ----------
    command : str
        As `bash -c` is given it.
    environment : mapping of str to str
        The whole environment that it would have.
    cwd : Path
        Its working folder.

    Examples
    --------
    >>> plain_words("/no/such/program a 'b c'", {}, Path("/")) is None
    True
    >>> plain_words("cd /tmp && ls", {}, Path("/")) is None
    True
    """
    parts = _BLANKS.split(command.strip(" \t"))
    if any(name.startswith(_TELLING) for name in environment) or "\0" in command:
        return None
    words, rest = [], command.strip(" \t")
    while rest:
        found = _WORD.match(rest)
        if found is None or (found.end() < len(rest) and rest[found.end()] not in " \t"):
            return None
        words.append(found.group())
        rest = rest[found.end() :].lstrip(" \t")
    if not words or not _PROGRAM.fullmatch(parts[0]) or _found(words[0], environment, cwd) is None:
        return None
    return shlex.split(command)


def shell_variables(words: list[str], environment: Mapping[str, str], cwd: Path) -> dict[str, str]:
    """Return an environment as bash would hand it on to the program that it becomes.

    Parameters
    ----------
    words : list of str
        What `plain_words` has found.
    environment : mapping of str to str
        What bash would be given.
    cwd : Path
        The working folder.
    """
    variables = {"SHLVL": "0", **environment}
    variables["_"] = _found(words[0], environment, cwd) or words[0]
    logical = Path(variables.get("PWD") or "?")
    try:
        same = logical.is_absolute() and logical.samefile(cwd)
    except OSError:
        same = False
    if not same:
        variables["PWD"] = os.path.realpath(cwd)
    return variables


def _found(word: str, environment: Mapping[str, str], cwd: Path) -> str | None:
    """Return where a program is, as a shell names it; None when it is not there, or is something that has to be interpreted."""
    if "/" in word:
        path: str | None = word if os.access(cwd / word, os.X_OK) and (cwd / word).is_file() else None
    else:
        folders = environment.get("PATH", "").split(os.pathsep)
        path = shutil.which(word, path=os.pathsep.join(folders)) if folders and all(map(os.path.isabs, folders)) else None
    if path is None:
        return None
    try:
        with (cwd / path).open("rb") as file:
            return path if file.read(len(_MAGIC)) == _MAGIC else None
    except OSError:
        return None
