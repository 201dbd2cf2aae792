"""The table of all measurements, printed at the end, and who is measured: nbproj and its peers, each in an environment of its own."""

import subprocess
import sys
from pathlib import Path

import harness
import pytest
from full_mlflow import full_mlflow

ROOT = Path(__file__).resolve().parents[2]

COMPARISONS: list[harness.Comparison] = []


@pytest.fixture
def compare():
    """Return how a comparison is made: one that appears in the closing table."""

    def begin(what: str, peer: str) -> harness.Comparison:
        COMPARISONS.append(harness.Comparison(what, peer))
        return COMPARISONS[-1]

    return begin


@pytest.fixture(scope="session")
def full_mlflow_python() -> Path:
    """Return the Python of a full MLflow, built once per machine."""
    return full_mlflow()


@pytest.fixture(scope="session")
def nbproj_python() -> Path:
    """Return the Python of an environment with this nbproj and what it depends on, as `pip install nbproj` makes it: no pandas, no test tools."""
    uv, folder = Path(sys.executable).with_name("uv"), ROOT / ".venvs" / "nbproj"
    python = folder / "bin" / "python"
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder],
        [uv, "pip", "install", "-q", "--compile-bytecode", "--python", python, "-e", ROOT],  # pip compiles, uv has to be told
    ):
        subprocess.run(command, check=True, timeout=600)
    return python


def pytest_terminal_summary(terminalreporter):
    done = [comparison for comparison in COMPARISONS if comparison.theirs]
    if done:
        terminalreporter.section("medians, measured in turn")
        terminalreporter.write_line(harness.HEADING)
        for comparison in done:
            terminalreporter.write_line(comparison.row())
