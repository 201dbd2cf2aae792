"""The table of all measurements, printed at the end, and the peers."""

from pathlib import Path

import harness
import pytest
from full_mlflow import full_mlflow

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


def pytest_terminal_summary(terminalreporter):
    done = [comparison for comparison in COMPARISONS if comparison.theirs]
    if done:
        terminalreporter.section("medians, measured in turn")
        terminalreporter.write_line(harness.HEADING)
        for comparison in done:
            terminalreporter.write_line(comparison.row())
