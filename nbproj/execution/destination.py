"""Where a copy of the executed notebook may go: seen to before anything runs, so that no hour of work ends in front of a closed door."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from nbproj.errors import UsageError

__all__ = ["check_destination"]

_ELSEWHERE: Final = re.compile(r"([a-z][a-z0-9+.-]+):/")


def check_destination(output: Path, source: Path) -> None:
    """Refuse a place that an executed notebook cannot be written to, or may not.

    Parameters
    ----------
    output : Path
        What the caller asks for.
    source : Path
        The notebook that will run.

    Raises
    ------
    UsageError
        It is that notebook itself, lies on another machine or in a folder that is not there, or cannot be written.

    Examples
    --------
    >>> check_destination(Path("s3://bucket/done.ipynb"), Path("train.ipynb"))
    Traceback (most recent call last):
    nbproj.errors.UsageError: --output s3:/bucket/done.ipynb is not on this machine. The store keeps the executed notebook wherever it keeps artifacts
    """
    problem = _problem(output, source) or _closed(output.parent)
    if problem is not None:
        msg = f"--output {output} {problem}"
        raise UsageError(msg)


def _problem(output: Path, source: Path) -> str | None:
    if _ELSEWHERE.match(str(output)):
        return "is not on this machine. The store keeps the executed notebook wherever it keeps artifacts"
    try:
        if output.is_dir():
            return "is a folder. Name a file in it"
        if output.exists() and output.samefile(source):
            return "is the notebook that is to run, which would be lost. Choose another file"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    return None


def _closed(folder: Path) -> str | None:
    if not folder.is_dir():
        return f"cannot be written: there is no folder {folder}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"cannot be written: the folder {folder} is not yours to write to"
    return None
