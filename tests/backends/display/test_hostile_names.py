"""What the command line says about a project whose every name and value is hostile: text, and nothing that a terminal obeys."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import warm

HOSTILE = "<b>x<b>\x1b[31m\x07\u202e"
"""What a folder, a file and a value can be called."""

PROJECT = r"""
name: "wine<script>"
entry_points:
  "main":
    parameters:
      kind: {type: choice, choices: ["a<b>\e[31m", "b\a"], default: "a<b>\e[31m", help: "<img src=x>\e]0;title\a\u2066"}
      note: {default: "\e[1mbold\u202e"}
    command: "true"
  "wrong\e[31m":
    command: "echo {x\e[31m}"
"""


@pytest.fixture
def folder(monkeypatch) -> str:
    """Stand in a folder of that name, which as an address would be refused."""
    here = Path(HOSTILE)
    here.mkdir()
    (here / "MLproject").write_text(PROJECT, encoding="utf-8")
    (here / f"{HOSTILE}.py").write_text(f"raise ValueError({HOSTILE!r})")
    monkeypatch.chdir(here)
    return "."


def said(*arguments: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command, and look at everything that it writes."""
    done = warm.run(
        [sys.executable, "-m", "nbproj", *(str(part) for part in arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == code, done.stderr
    for text in (done.stdout, done.stderr):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text), repr(text)
    return done


def test_looking_at_a_project_of_hostile_names_moves_no_cursor(folder):
    said("show", folder)
    said("check", folder, code=120)
    assert json.loads(said("show", folder, "--json").stdout)["name"] == "wine<script>"
    said("check", folder, "--json", code=120)
    said("show", f"{HOSTILE}-gone", code=121)
    said("show", folder, "-e", HOSTILE, code=120)
    said(HOSTILE + "command", code=2)


def test_running_and_finding_again_what_has_hostile_names_moves_no_cursor(folder):
    named = ("--run-name", HOSTILE, "--experiment-name", HOSTILE, "--tracking-uri", f"{HOSTILE}.db")
    said("run", folder, *named, "-P", f"note={HOSTILE}")
    said("run", folder, "-P", f"kind={HOSTILE}", code=120)
    said("run", folder, "-P", HOSTILE, code=2)
    said("run", folder, "-P", f"{HOSTILE}=1", code=120)
    said("run", folder, "-b", HOSTILE, code=120)
    document = json.loads(said("run", folder, *named, "-P", f"note={HOSTILE}", "--json").stdout)
    assert document["params"]["note"] == HOSTILE
    listed = said("runs", "--tracking-uri", f"{HOSTILE}.db").stdout
    assert document["run_id"][:8] in listed
    said("doctor", MLFLOW_TRACKING_URI=f"{HOSTILE}.db")
    said("doctor", NBPROJ_TIMEOUT=HOSTILE, code=1)
    said("runs", NBPROJ_TIMEOUT=HOSTILE, code=2)
