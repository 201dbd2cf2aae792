"""The cards below a form, and their buttons: what they offer, what they ask, what they start."""

from __future__ import annotations

import threading

import pytest

from nbproj import trust
from nbproj.display.card import bundle
from nbproj.record import Run
from nbproj.tracking.mlflow_store import open_store
from nbproj.widgets.buttons import Buttons
from nbproj.widgets.stack import Stack

COMMIT = "4a74a11ce9" * 4


@pytest.fixture
def ended(tmp_path):
    """Return a function that makes the record of a run of a project that has ended."""
    store = open_store(f"sqlite:///{tmp_path}/mlflow.db")

    def make(uri):
        tags = {"mlflow.source.type": "PROJECT", "mlflow.source.name": uri, "mlflow.project.entryPoint": "train", "mlflow.source.git.commit": COMMIT}
        record = store.create_run(store.experiment(), name="wine", tags=tags)
        store.close_run(record.run_id, "FINISHED", end_time=1_700_000_000_000, tags={"nbproj.exit_code": "0"})
        return Run(store, record.run_id)

    return make


def shown(status, run_id):
    return bundle({"status": status, "run_id": run_id, "entry_point": "train"})


def test_the_newest_card_is_open_and_earlier_ones_are_folded():
    stack = Stack()
    stack.new().update(shown("FINISHED", "first"), raw=True)
    place = stack.new()
    place.update(shown("RUNNING", "second"), raw=True)
    html, text = stack.bundle["text/html"], stack.bundle["text/plain"]
    assert html.index("second") < html.index("<details") < html.index("first")
    assert text.splitlines()[0].startswith("RUNNING")
    assert text.splitlines()[-1].startswith("FINISHED")
    place.update(shown("KILLED", "second"), raw=True)
    assert "RUNNING" not in stack.bundle["text/html"]


def test_only_so_many_cards_are_kept():
    stack = Stack()
    for number in range(9):
        stack.new().update(shown("FINISHED", f"run{number}"), raw=True)
    assert stack.bundle["text/html"].count("<details") == 4
    assert "run8" in stack.bundle["text/html"]
    assert "run3" not in stack.bundle["text/html"]


@pytest.mark.parametrize("uri", ["https://me:secret@example.org/team/wine.git", "folder"])
def test_a_second_run_is_asked_for_unless_the_project_is_trusted(uri, ended, tmp_path):
    uri = str(tmp_path) if uri == "folder" else uri
    buttons, started = Buttons(), []
    run = ended(uri)
    buttons.add(run, started.append)
    buttons.press(run.run_id, "agree")
    assert started == [], "nothing was asked"
    buttons.press(run.run_id, "rerun")
    asked = buttons.shown[run.run_id]["asks"]
    assert started == []
    assert "'train'" in asked
    assert "4a74a11ce9" in asked
    assert "secret" not in asked
    buttons.press(run.run_id, "refuse")
    assert (buttons.shown[run.run_id]["asks"], started) == ("", [])
    buttons.press(run.run_id, "rerun")
    buttons.press(run.run_id, "agree")
    assert len(started) == 1
    trust.trust(uri)
    buttons.press(run.run_id, "rerun")
    assert len(started) == 2


def test_a_button_that_nobody_offered_does_nothing(ended):
    buttons, started = Buttons(), []
    run = ended("https://example.org/x.git")
    buttons.add(run, started.append)
    before = set(threading.enumerate())  # one of an earlier test may end meanwhile
    for run_id, does in (("other", "rerun"), (run.run_id, "constructor"), (run.run_id, "")):
        buttons.press(run_id, does)
    buttons._said(None, "no mapping", None)
    assert started == []
    assert set(threading.enumerate()) <= before
