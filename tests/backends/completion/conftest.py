"""Real shells on a terminal of their own, in which a test types."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

import nbproj

PROGRAM = Path(sys.executable).parent

# Ctrl-G hands over the line as the shell has it; a screen would have to be understood.
SETUP = {
    "bash": """
PS1='READY> '
bind 'set bell-style none' 2>/dev/null
__tell() {{ printf '%s' "$READLINE_LINE" > {told}.new; mv {told}.new {told}; }}
bind -x '"\\C-g": __tell'
{before}
source <(nbproj completion bash)
complete -p nbproj > {known} 2>&1
""",
    "zsh": """
PS1='READY> '
unsetopt beep
__tell() {{ print -rn -- "$BUFFER" > {told}.new; mv {told}.new {told} }}
zle -N __tell
bindkey '^G' __tell
{before}
source <(nbproj completion zsh)
print -r -- "${{_comps[nbproj]}}" > {known}
""",
    "fish": """
function fish_prompt; echo -n 'READY> '; end
function fish_greeting; end
bind \\cg 'commandline | string collect > {told}.new; mv {told}.new {told}'
{before}
nbproj completion fish | source
complete -c nbproj > {known}
""",
}


class Terminal:
    """An interactive shell that a test types into."""

    def __init__(self, shell: str, home: Path, folder: Path, before: str = "") -> None:
        self.shell = shell
        self._told, known = home / "line", home / "known"
        setup = home / ("setup" if shell != "zsh" else ".zshrc")
        setup.write_text(SETUP[shell].format(told=shlex.quote(str(self._told)), known=shlex.quote(str(known)), before=before))
        arguments = {
            "bash": ["--noprofile", "--rcfile", str(setup), "-i"],
            "zsh": ["-d", "-i"],
            "fish": ["--no-config", "--private", "-i", "-C", f"source {setup}"],
        }[shell]
        environment = {
            "PATH": f"{PROGRAM}{os.pathsep}{os.defpath}",
            "HOME": str(home),
            "ZDOTDIR": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "OUTSIDE": str(folder),
            # The program in PATH is that of the environment, which may have been made for another checkout than the one that is tested.
            "PYTHONPATH": str(Path(nbproj.__file__).parent.parent),
        }
        self._process = pexpect.spawn(shell, arguments, cwd=str(folder), env=environment, dimensions=(40, 100), encoding="utf-8", timeout=60)
        self._process.expect_exact("READY> ")
        # A program that could not be started, or has printed nothing, leaves a shell that completes names of files, as it always did.
        assert "rror" not in self._process.before, self._process.before
        assert "_nbproj" in known.read_text(), f"{shell} has not learned to complete: {known.read_text()!r}, and shows {self._process.before!r}"

    def type(self, keys: str) -> str:
        """Type on an empty line, and return what has become of it."""
        self._told.unlink(missing_ok=True)
        self._process.send(keys)
        self._process.send("\x07")
        deadline = time.monotonic() + 100
        while not self._told.exists():
            assert time.monotonic() < deadline, f"{self.shell} does not answer: {self.seen()!r}"
            time.sleep(0.02)
        line = self._told.read_text()
        self._process.send("\x05\x15")  # to the end of the line, and away with it
        return line.removesuffix("\n") if self.shell == "fish" else line

    def run(self, line: str) -> None:
        """Run a line, and return when it has ended."""
        self.seen(0.1)
        self._process.send(f"{line}\r")
        self._process.expect_exact("READY> ")

    def seen(self, seconds: float = 0.5) -> str:
        """Return what the terminal shows since the last look."""
        shown = ""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                shown += self._process.read_nonblocking(65536, timeout=0.1)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                break
        return shown

    def close(self) -> None:
        """End the shell."""
        # Waited for as long as it takes: by itself pexpect fails when a shell is not gone a tenth of a second after it was killed.
        self._process.kill(signal.SIGKILL)
        self._process.wait()
        self._process.close()


MLPROJECT = """
name: demo
entry_points:
  train:
    parameters:
      mode: {type: choice, choices: [fast, exact, "slow and sure"], default: fast}
      alpha: {type: float, help: "Strength of the penalty; 'none' is 0"}
      data: {type: path, default: "own data"}
      verbose: {type: bool, default: false}
      server: {type: string, choices: ["db:5432", "db:5433=x"], default: "db:5432"}
      token: {type: string, secret: true}
    command: "echo {alpha} {mode} {data} {verbose} {server}"
  "it's $(touch PWNED)": {command: "true"}
  hostile:
    parameters:
      note: {type: choice, choices: ["; touch PWNED", "$(touch PWNED)", "`touch PWNED`"], default: "; touch PWNED"}
    command: "echo {note}"
"""


def populate(folder: Path) -> Path:
    """Make the folder that the tests type in, with a project in it."""
    for name in ("project/own data", "data", "my data", "name:with=signs"):
        (folder / name).mkdir(parents=True)
    (folder / "project/MLproject").write_text(MLPROJECT)
    for name in ("data/train.csv", "my data/day 1.csv", "name:with=signs/x.csv", "unique.txt", "project/own data/x.csv"):
        (folder / name).write_text("")
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "MLproject"],
        [*author, "commit", "-q", "-m", "One"],
        ["tag", "v1.0"],
        ["branch", "feature/trees"],
    ):
        subprocess.run(["git", *command], cwd=folder / "project", check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return the folder that the shells are in."""
    return populate(tmp_path_factory.mktemp("folder"))


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def terminal(request, tmp_path_factory, folder) -> Iterator[Terminal]:
    """Start a shell, once for all tests of a module."""
    made = Terminal(request.param, tmp_path_factory.mktemp("home"), folder)
    yield made
    made.close()


@pytest.fixture
def terminal_with(tmp_path_factory, folder) -> Iterator[Callable[[str, str], Terminal]]:
    """Return a function that starts a shell with a line of its user's in front of ours."""
    made = []

    def start(shell: str, before: str) -> Terminal:
        made.append(Terminal(shell, tmp_path_factory.mktemp("home"), folder, before))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def program() -> Path:
    """Return the program that the shells complete."""
    return PROGRAM / "nbproj"
