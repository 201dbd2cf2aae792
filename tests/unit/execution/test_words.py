"""A command that is started without a shell does what bash would have made of it; every other one is left to bash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbproj.execution.process import GATE
from nbproj.execution.words import plain_words, shell_variables

SHOW = "import json, os, signal, sys; print(json.dumps([sys.argv, dict(os.environ), os.getcwd(), sorted(map(str, signal.pthread_sigmask(0, [])))]))"
PYTHON = os.path.realpath(sys.executable)
SEARCHED = {"PATH": os.pathsep.join([str(Path(PYTHON).parent), "/usr/bin", "/bin"])}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every command is bash's")


def start(argv, environment, cwd):
    """Start a program as a run does; return what it printed."""
    done = subprocess.run([*GATE, *argv], env=environment, cwd=cwd, input=b"go\n", capture_output=True, timeout=60, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def script(tmp_path):
    """A script in a folder, which prints what it was given."""
    (tmp_path / "show.py").write_text(SHOW)
    return tmp_path


@pytest.mark.parametrize(
    "environment", [{}, {"PWD": "/"}, {"SHLVL": "4", "OLDPWD": "/", "PWD": "HERE", "_": "x", "A": "é\n="}], ids=["bare", "moved", "full"]
)
@pytest.mark.parametrize("command", ["python3 show.py --alpha 0.5", f" {PYTHON}  show.py 'a b' x'$y'z '' a=b -n-1 ,:@%+ ''''", "python3 show.py"])
def test_the_program_finds_what_bash_would_have_given_it(command, environment, script):
    environment = {**SEARCHED, **{name: value.replace("HERE", str(script)) for name, value in environment.items()}}
    words = plain_words(command, environment, script)
    assert words is not None
    direct = start(words, shell_variables(words, environment, script), script)
    assert direct == start(["bash", "-c", command], environment, script)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "echo hi",
        "true",
        "test -f x",
        "A=1 python3 show.py",
        "python3 show.py > out",
        "python3 show.py; true",
        "python3 show.py &",
        "python3 $HOME/show.py",
        'python3 "show.py"',
        "python3 show.py *",
        "python3 ~/show.py",
        "python3 show.py #x",
        "python3 show.py\npython3 show.py",
        "python3 'open",
        "python3 a\\ b",
        "python3 {a,b}",
        "python3 !x",
        "'python3' show.py",
        "no-such-program x",
        "./no-such-program x",
        "./script.sh",
        "./not-executable",
        "python3 é",
        "/",
    ],
)
def test_everything_else_is_left_to_bash(command, script):
    (script / "script.sh").write_text("#!/bin/sh\necho hi\n")
    (script / "script.sh").chmod(0o755)
    (script / "not-executable").write_bytes(b"\x7fELF")
    assert plain_words(command, SEARCHED, script) is None


@pytest.mark.parametrize(
    "environment",
    [
        {"BASH_ENV": "/x"},
        {"BASH_FUNC_python3%%": "() { :; }"},
        {"SHELLOPTS": "xtrace"},
        {"POSIXLY_CORRECT": "1"},
        {"PATH": ""},
        {"PATH": ":/usr/bin"},
        {"PATH": "relative:/usr/bin"},
    ],
)
def test_what_the_environment_tells_bash_is_heard(environment, script):
    assert plain_words("python3 show.py", {**SEARCHED, **environment}, script) is None
