"""A folder with a project, and the command line that is completed in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nbproj import cli
from nbproj.completion.line import candidates
from nbproj.completion.words import read

MLPROJECT = """
entry_points:
  train:
    parameters:
      mode: {type: choice, choices: [fast, exact], default: fast}
      alpha: {type: float, help: Strength of the penalty}
      depth: {type: int, default: 3}
      data: {type: path, default: own/data.csv}
      verbose: {type: bool, default: true}
      token: {type: string, secret: true}
    command: "echo {mode} {alpha} {depth} {data} {verbose}"
  trace: {command: "true"}
  wrong: {command: "echo {undeclared}"}
"""


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    """Return the working folder: a project `project`, some data, a notebook."""
    (tmp_path / "project/own").mkdir(parents=True)
    (tmp_path / "project/own/data.csv").write_text("")
    (tmp_path / "project/MLproject").write_text(MLPROJECT)
    (tmp_path / "project/plot.py").write_text("")
    (tmp_path / "data").mkdir()
    (tmp_path / "day.csv").write_text("")
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "lesson.ipynb").write_text(
        '{"cells": [{"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "outputs": [], "execution_count": null, '
        '"source": "rate = 0.1  # learning rate"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def complete(work) -> Callable[..., list[str]]:
    """Return a function that gives the candidates for the end of a line, and takes what stands behind the cursor."""

    def texts(line: str, after: str = "") -> list[str]:
        typed = read(line)
        return [one.text for one in candidates(cli.nbproj, typed.words[1:], typed.text, read(f"{after} ").words)]

    return texts
