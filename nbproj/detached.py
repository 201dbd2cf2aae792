"""Runs that outlive their starter: a driver process of its own carries them, in a session of its own.

The order goes to the driver over a private pipe, secrets included; nothing of it stands in its arguments. The driver tells what happens, line by
line, until there is a run: everything that can be refused is refused here, in the caller's words.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Protocol

from nbproj.errors import NbprojError, RunError, one_line
from nbproj.progress import Event, Progress, silent

__all__ = ["Document", "start"]

_FOLDER = str(Path(__file__).parent.parent)
# The working folder stays out of the driver's path: a `json.py` that lies there is the project's. Where nbproj is not installed it is found where it
# was found here.
_PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from nbproj.driver import main; main()"
_TOLD = 2000


class Document(Protocol):
    """What a driver can be told to carry."""

    def to_document(self) -> dict[str, object]:
        """Return it as values that JSON holds, secrets included."""


def start(order: Document, progress: Progress = silent, *, parent: str | None = None) -> str:
    """Start a driver for an order; return the id of its run as soon as that exists.

    Parameters
    ----------
    order : Document
        What to run, a run or a batch; its tracking URI is given.
    progress : Progress
        Told of everything until the run exists.
    parent : str, optional
        The run of this process that the new one is a part of.

    Returns
    -------
    str
        The run's id; of the run above, when the call would have recurred into it and was skipped.

    Raises
    ------
    NbprojError
        What the driver refused, or why there is none.
    KeyboardInterrupt
        The starter was interrupted before there was a run; the driver is ended.
    """
    answer: dict[str, Any] = {}
    environment = {**os.environ, **({"MLFLOW_RUN_ID": parent} if parent else {})}
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(  # noqa: S603 - this very interpreter and a program of ours
                [sys.executable, "-P", "-c", _PROGRAM, _FOLDER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            msg = f"a driver could not be started: {error.strerror or error}"
            raise RunError(msg) from error
        with process:  # it forks at once: what is waited for here is the first of the two
            if process.stdin is not None and process.stdout is not None:  # they are pipes
                _hand_over(process.stdin, order)
                answer = _listen(process.stdout, progress)
        if "error" in answer:
            raise NbprojError.from_dict(answer["error"])
        if "run_id" not in answer:
            complaints.seek(0)
            told = one_line(complaints.read()[-_TOLD:].decode(errors="replace"))
            msg = f"the driver ended before there was a run{f': {told}' if told else ''}"
            raise RunError(msg)
        return str(answer["run_id"])


def _hand_over(stream: IO[bytes], order: Document) -> None:
    with contextlib.suppress(OSError), stream:  # a driver that is dead already says so by its silence
        stream.write(json.dumps(order.to_document()).encode())


def _listen(stream: IO[bytes], progress: Progress) -> dict[str, Any]:
    """Return the driver's last word, having passed on what it told before."""
    driver = 0
    try:
        for line in stream:
            told = json.loads(line)
            if "event" not in told:
                if "driver" not in told:
                    return dict(told)
                driver = int(told["driver"])
                continue
            progress(Event.from_dict(told["event"]))
    except BaseException:
        if driver:
            with contextlib.suppress(OSError):
                os.kill(driver, signal.SIGTERM)
            for _ in stream:  # until it has ended
                pass
        raise
    return {}
