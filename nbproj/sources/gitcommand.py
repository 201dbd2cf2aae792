"""One git command, run so that nothing in an address, a version, a repository or the environment becomes code, an option or a prompt.

What is switched off by configuration is switched off on git's command line, which wins over every configuration file. Secrets travel in the
environment of the process and never in its arguments.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from nbproj.errors import SourceError, one_line
from nbproj.processes import end_group, start_time
from nbproj.sources.gitoutput import Listener

__all__ = ["Access", "GitError", "git"]

_OFF = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "protocol.ext.allow=never",
    "protocol.version=2",
    "safe.bareRepository=explicit",  # a folder of a project that looks like a repository is none
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
)

# Of git's own variables only those pass that say how to reach a server or where the user's configuration lies. The others redirect the
# repository, run programs, or write traces that hold credentials.
_PASSED = re.compile(
    r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|SSL_\w+|PROXY_SSL_\w+|HTTP_\w+|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)|EXEC_PATH|CEILING_DIRECTORIES)"
)

_OLDEST = (2, 31)  # configuration from the environment


@dataclass(frozen=True, slots=True)
class Access:
    """How a server may be spoken to.

    Parameters
    ----------
    schemes : sequence of str
        Transports that git may use, also after a redirect or the user's own `url.*.insteadOf`.
    base : str
        `scheme://host` that the credentials are for; nobody else gets them.
    username, password : str, optional
        The credentials. Not in the `repr`.
    record : Path, optional
        File that names the command that runs, for whoever comes after this process was killed.
    """

    schemes: Sequence[str] = ()
    base: str = ""
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    record: Path | None = None

    @property
    def configuration(self) -> list[str]:
        """Settings for the command line; they hold no secret."""
        if self.password is None:
            return []
        # An inline helper answers git's question from the environment. The empty helper in front forgets the user's own: git would otherwise
        # ask them to store what it was given here.
        answer = '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$NBPROJ_GIT_USERNAME" "$NBPROJ_GIT_PASSWORD"; }; f'
        return ["credential.helper=", f"credential.{self.base}.helper={answer}"]

    @property
    def environment(self) -> dict[str, str]:
        """Variables for git's process."""
        variables = {"GIT_ALLOW_PROTOCOL": ":".join(self.schemes) or "none"}
        if self.password is not None:
            variables |= {"NBPROJ_GIT_USERNAME": self.username or "", "NBPROJ_GIT_PASSWORD": self.password}
        elif self.username is not None:  # the user's own helper or GIT_ASKPASS knows the password to this name
            count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
            variables |= {
                "GIT_CONFIG_COUNT": str(count + 1),
                f"GIT_CONFIG_KEY_{count}": f"credential.{self.base}.username",
                f"GIT_CONFIG_VALUE_{count}": self.username,
            }
        return variables

    def redact(self, text: str) -> str:
        """Return a text without the credentials."""
        for secret in (self.password, self.username if self.base else None):
            if secret:
                text = text.replace(secret, "***")
        return text


_PROGRESS = re.compile(r"(?:remote: )?(?:[A-Z][a-z]+(?: [a-z]+)*: +\d+(?:%|, done| *$)|Total \d+ \()")
"""How far git is, which is no reason."""


class GitError(Exception):
    """A git command failed.

    Parameters
    ----------
    code : int
        Its exit code, negative for a signal.
    stderr : str
        What it said, without credentials.
    silent : bool
        It was ended because nothing had been heard for too long.
    """

    def __init__(self, code: int, stderr: str, *, silent: bool = False) -> None:
        super().__init__(stderr)
        self.code = code
        self.stderr = stderr
        self.silent = silent

    @property
    def reason(self) -> str:
        """The server's or git's own words on one line."""
        lines = [line.strip() for line in re.split(r"[\r\n]+", self.stderr) if line.strip() and not _PROGRESS.match(line)]
        telling = [line for line in lines if re.match(r"(?:remote: )?(?:fatal|error|ERROR)\b|remote: ", line)] or lines[-2:]
        words = [re.sub(r"^(?:remote: |fatal: |error: |ERROR: )+", "", line) for line in telling]
        return one_line("; ".join(dict.fromkeys(word for word in words if word)))[:300] or f"git ended with code {self.code}"


@cache
def _executable(path: str) -> str:
    found = shutil.which("git", path=path)
    if found is None:
        msg = "Git is not installed, or not on PATH; install it to run projects from Git"
        raise SourceError(msg)
    told = subprocess.run([found, "version"], capture_output=True, text=True, check=False, timeout=30).stdout  # noqa: S603 - git's own version
    numbers = re.search(r"(\d+)\.(\d+)", told)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < _OLDEST:
        msg = f"Git 2.31 or newer is needed, this is {one_line(told) or found}"
        raise SourceError(msg)
    return found


def _environment(access: Access, extra: Mapping[str, str]) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _PASSED.fullmatch(name)}
    return {
        **variables,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",  # a repository may name a "promisor" whose address runs a command
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_EDITOR": "true",
        "LC_ALL": "C",  # messages are understood below
        "LANGUAGE": "C",
        **access.environment,
        **extra,
    }


@contextmanager
def _running(command: list[str], cwd: Path | None, variables: dict[str, str], keep_open: Sequence[int]) -> Iterator[subprocess.Popen[bytes]]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        # A session of its own: no terminal that ssh could prompt on, and a group that can be ended with all its helpers.
        process = subprocess.Popen(  # noqa: S603 - the command is built here, from checked parts
            command,
            cwd=cwd,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=keep_open,
        )
        started.append(process)

    try:
        # In a thread, because a signal that raises in the middle of Popen would leave a child that nobody knows.
        with ThreadPoolExecutor(max_workers=1) as executor:
            executor.submit(start).result()
        yield started[0]
    except BaseException:
        for process in started:
            end_group(process.pid, grace=2)
            process.wait()
        raise
    finally:
        for process in started:
            for stream in filter(None, (process.stdout, process.stderr)):
                stream.close()


def git(
    *arguments: str,
    cwd: Path | None = None,
    access: Access | None = None,
    variables: Mapping[str, str] | None = None,
    heard: Callable[[str], None] | None = None,
    limit: int | None = None,
    keep_open: Sequence[int] = (),
) -> bytes:
    """Run one git command and return what it printed.

    Parameters
    ----------
    *arguments : str
        The command and its arguments; whoever builds them puts `--end-of-options` or `--` in front of what a user or a repository chose.
    cwd : Path, optional
        Where it runs.
    access : Access, optional
        Which transports and credentials it may use; none by default.
    variables : mapping, optional
        Further environment variables.
    heard : callable, optional
        Gets each line of progress.
    limit : int, optional
        Bytes of output after which the command is ended; they are returned.
    keep_open : sequence of int
        File descriptors that git holds while it lives: a lock is not free before the command that it protects is gone.

    Returns
    -------
    bytes
        Its standard output.

    Raises
    ------
    GitError
        It failed, or was silent for too long (NBPROJ_GIT_SILENCE seconds, 120 by default).
    SourceError
        There is no Git, or it is too old.
    """
    access = access or Access()
    settings = [part for setting in (*_OFF, *access.configuration) for part in ("-c", setting)]
    command = [_executable(os.environ.get("PATH", os.defpath)), *settings, *arguments]
    with _running(command, cwd, _environment(access, variables or {}), keep_open) as process:
        if access.record is not None:
            access.record.write_text(f"{process.pid} {start_time(process.pid)}")
        listener = Listener(process, heard, limit)
        ending = listener.listen()
        if ending != "end":
            end_group(process.pid, grace=2)
        code = process.wait()
    if ending == "limit":
        return bytes(listener.output[:limit])
    if code or ending == "silence":
        raise GitError(code, access.redact(listener.errors.decode(errors="replace")), silent=ending == "silence")
    return bytes(listener.output)
