"""A program that builds an environment: heard while it works, ended with all its helpers when the driver is interrupted or dies."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from nbproj.errors import EnvironmentPreparationError, one_line
from nbproj.interruption import held
from nbproj.processes import end_group

__all__ = ["BuildFailed", "call"]

_TIED: Final = (
    "/bin/sh",
    "-c",
    'exec 3<&0; "$@" </dev/null 3<&- & p=$!; (read -r _ <&3; kill -KILL -$$) & w=$!; wait $p; c=$?; kill $w; exit $c',
    "sh",
)
"""Put in front of a command: it leads a group that ends at once when whoever holds the other end of its standard input is gone."""
_KEPT_BYTES: Final = 65536


class BuildFailed(Exception):  # noqa: N818 - told in the words of the program, by whoever called it
    """A program that builds an environment has failed.

    Parameters
    ----------
    code : int
        Its exit code.
    text : str
        What it said.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def call(
    command: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    heard: Callable[[str], None] = lambda _line: None,
    keep_open: Sequence[int] = (),
    started: Callable[[int], None] = lambda _group: None,
) -> str:
    """Run a program to its end and return what it wrote to standard output.

    Parameters
    ----------
    command : sequence
        Program and arguments; nothing of a project's is among them but paths that we have made.
    cwd : Path
        Where it runs: never in the project.
    environment : mapping of str to str
        Its whole environment.
    heard : callable
        Gets each line that it writes to standard error, in the caller's thread.
    keep_open : sequence of int
        File descriptors that it holds while it lives: a lock is not free before it is gone.
    started : callable
        Gets its process group.

    Raises
    ------
    BuildFailed
        It ended with another code than 0.
    EnvironmentPreparationError
        It cannot be started.
    """
    process = None
    try:
        with held():  # a signal in the middle would leave a child that nobody knows
            try:
                process = subprocess.Popen(  # noqa: S603 - built from our own words and paths
                    [*_TIED, *(os.fspath(word) for word in command)],
                    cwd=cwd,
                    env=dict(environment),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                    pass_fds=keep_open,
                    bufsize=0,
                )
            except OSError as error:
                msg = f"{Path(command[0]).name} cannot be started: {error.strerror or error}"
                raise EnvironmentPreparationError(msg) from error
            started(process.pid)
        output, errors = _listen(process, heard)
        code = process.wait()
    except BaseException:
        if process is not None:
            end_group(process.pid, grace=0.5)
            process.wait()
        raise
    finally:
        if process is not None:
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
    if code:
        raise BuildFailed(code, errors.decode(errors="replace"))
    return output.decode(errors="replace")


def _listen(process: subprocess.Popen[bytes], heard: Callable[[str], None]) -> tuple[bytes, bytes]:
    output, errors, begun = bytearray(), bytearray(), b""
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            assert stream is not None  # noqa: S101 - by construction
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(0.2):
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    output += chunk
                else:
                    errors = (errors + chunk)[-_KEPT_BYTES:]
                    *lines, begun = re.split(rb"[\r\n]+", begun + chunk)
                    for line in lines:
                        heard(one_line(line.decode(errors="replace")))
            if process.poll() is not None and not selector.select(0.05):
                break  # a helper of a build has left the group and holds the pipe
    return bytes(output), bytes(errors)
