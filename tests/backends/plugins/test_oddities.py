"""What plug-ins may do wrong: each mistake is one line that names the package, and a run that is settled."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

import nbproj
from nbproj.backends.registry import find_backend, known_backends
from nbproj.errors import BackendError, NbprojError
from nbproj.execution.signals import Interrupted
from nbproj.record import RunFailed

TOKEN = "odd-t0ken-that-nobody-may-see"


@pytest.fixture(autouse=True)
def odd(plugins, monkeypatch):
    monkeypatch.setenv("ODD_TOKEN", TOKEN)


@pytest.fixture
def go(project, store):
    def run(where, how, *, there=None, **more):
        folder = project("name: p\nentry_points:\n  main: {command: 'true'}\n")
        config = {"where": where, "how": how, **({"there": str(there)} if there else {})}
        return nbproj.run(folder, backend="odd", backend_config=config, **more)

    return run


def test_backends_of_others_are_known_by_name_without_being_loaded():
    assert {"local", "odd", "spool", "shed", "broken"} <= set(known_backends())
    assert "nbproj" not in known_backends()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("broken", "backend 'broken' (nbproj-odd 0.1) cannot be loaded from nbproj_odd_missing:Backend: ModuleNotFoundError: No module named"),
        ("absent", "backend 'absent' (nbproj-odd 0.1) cannot be loaded from nbproj_odd:Absent: AttributeError: module 'nbproj_odd' has no attribute"),
        ("half", "backend 'half' (nbproj-odd 0.1) is no backend: a Half without check_store, submit. docs/backends.md says what one has"),
        ("nbproj", "nbproj is what you are running already: leave -b out."),
        ("shedd", "there is no backend 'shedd'. Did you mean 'shed'?"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(name, said):
    with pytest.raises(BackendError) as refused:
        find_backend(name)
    assert str(refused.value).startswith(said)
    assert refused.value.exit_code == 120


@pytest.mark.parametrize(("how", "said"), [("raise", "(nbproj-odd 0.1) failed in check: ValueError: lost in check with ***"), ("refuse", "says ***")])
def test_a_check_that_raises_leaves_no_run(go, store, how, said):
    with pytest.raises(BackendError) as refused:
        go("check", how)
    assert said in str(refused.value)
    assert TOKEN not in str(refused.value)
    assert refused.value.exit_code == 120
    assert store.search_runs() == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raise", "failed in submit: ValueError: lost in submit with ***"),
        ("number", "returned no execution from submit: int is without start, next, cancel, outcome, artifacts"),
    ],
)
def test_nonsense_from_submit_settles_the_run_as_failed(go, only_run, how, said):
    with pytest.raises(NbprojError) as failed:
        go("submit", how)
    assert failed.value.exit_code == 121
    assert said in str(failed.value)
    run = only_run()
    assert (run.status, run.tags["nbproj.exit_code"]) == ("FAILED", "121")
    assert said in run.tags["nbproj.reason"]
    assert TOKEN not in str(run.tags)


@pytest.mark.parametrize(
    ("where", "how", "said"),
    [
        ("start", "raise", "failed in start: ValueError: lost in start with ***"),
        ("next", "raise", "failed in next: ValueError: lost in next with ***"),
        ("next", "text", "returned a str from next, which is for events"),
        ("next", "exit", "failed: SystemExit: 3"),
        ("outcome", "number", "gave a int as the outcome of the run"),
        ("outcome", "outcome", "gave an exit code of 'zero' as the outcome of the run"),
        ("outcome", "raise", "failed in outcome: ValueError: lost in outcome with ***"),
    ],
)
def test_nonsense_from_an_execution_settles_the_run_as_failed(go, only_run, where, how, said):
    with pytest.raises(RunFailed) as failed:
        go(where, how)
    assert failed.value.exit_code == 121
    run = only_run()
    assert (run.status, run.tags["nbproj.exit_code"]) == ("FAILED", "121")
    assert said in run.tags["nbproj.reason"]
    assert "(nbproj-odd 0.1)" in run.tags["nbproj.reason"]
    assert TOKEN not in str(run.tags)


@pytest.mark.parametrize("where", ["start", "next", "cancel"])
def test_a_plug_in_that_hangs_is_ended_by_the_timeout(go, only_run, monkeypatch, where):
    monkeypatch.setattr("nbproj.backends.foreign._OWN_WAY_SECONDS", 0.5)
    monkeypatch.setattr("nbproj.backends.foreign._CANCEL_SECONDS", 0.5)
    with pytest.raises(RunFailed) as failed:
        go(where, "hang", timeout=1)
    assert failed.value.exit_code == 124
    assert only_run().status == "FAILED"


def test_a_plug_in_that_hangs_is_ended_by_ctrl_c(go, only_run, tmp_path):
    def press():
        deadline = time.monotonic() + 200
        while not (tmp_path / "there").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    presses = threading.Thread(target=press)
    presses.start()
    with pytest.raises(Interrupted):
        go("submit", "hang", there=tmp_path / "there")
    presses.join()
    assert only_run().status == "KILLED"
