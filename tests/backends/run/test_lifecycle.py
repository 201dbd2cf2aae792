"""Whatever ends the driver at whatever step: no orphan, no run RUNNING after the next command, nothing of it left in the ledger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
import warm

STEPS = ("creating", "created", "prepared", "started", "ending", "settled")

DRIVER = """
import os, sys
import nbproj

def progress(event):
    if event.step == sys.argv[2]:
        os.kill(os.getpid(), int(sys.argv[3]))

try:
    nbproj.run(sys.argv[1], sys.argv[4], run_name=sys.argv[2], progress=progress)
except KeyboardInterrupt:
    sys.exit(130)
"""

ENDS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}


def left_in_ledger(home):
    """Return what the ledger still holds."""
    folder = home / ".local/state/nbproj/runs"
    return list(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("number", ENDS, ids=lambda number: number.name)
@pytest.mark.parametrize("kind", ["command", "notebook"])
def test_a_driver_that_is_ended_at_any_step_leaves_no_orphan_and_no_running_run(kind, number, cli, project, notebook, store, home, nobody_left):
    # A driver at the last two steps must get there: its program ends. The others' would go on for a minute.
    folder = project("entry_points: {slow: {command: sleep 60}, quick: {command: 'true'}}\n")
    notebook("import time; time.sleep(60)", name="project/slow.ipynb")
    notebook("1", name="project/quick.ipynb")
    drivers = {}
    for step in STEPS:
        entry = "quick" if step in {"ending", "settled"} else "slow"
        entry = entry if kind == "command" else f"{entry}.ipynb"
        drivers[step] = warm.Popen([sys.executable, "-c", DRIVER, str(folder), step, str(int(number)), entry], stderr=subprocess.PIPE)
    errors = {}
    for step, driver in drivers.items():
        errors[step] = driver.communicate(timeout=120)[1].decode()
    assert {step: driver.returncode for step, driver in drivers.items()} == dict.fromkeys(STEPS, ENDS[number]), errors
    if number == signal.SIGKILL:
        nobody_left()  # the guards are at work
    assert cli("show", folder).code == 0
    nobody_left(seconds=5)
    runs = {run.name: run for run in store.search_runs()}
    assert "creating" not in runs
    if number == signal.SIGKILL:
        assert {name: run.status for name, run in runs.items() if name != "settled"} == dict.fromkeys(STEPS[1:-1], "KILLED")
        assert {run.tags["nbproj.exit_code"] for name, run in runs.items() if name != "settled"} == {"137"}
    else:
        assert {name: run.status for name, run in runs.items() if name != "settled"} == dict.fromkeys(STEPS[1:-1], "KILLED")
        assert {run.tags["nbproj.exit_code"] for name, run in runs.items() if name != "settled"} == {str(ENDS[number])}
    assert (runs["settled"].status, runs["settled"].tags["nbproj.exit_code"]) == ("FINISHED", "0")
    assert left_in_ledger(home) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("kind", ["stubborn.sh", "slow.ipynb"])
def test_a_signal_to_the_command_line_ends_the_whole_group_and_settles(kind, number, code, project, notebook, store, only_run, tmp_path, nobody_left):
    folder = project(stubborn__sh=f"trap '' TERM INT HUP; sleep 100 & touch {tmp_path}/ready; while :; do sleep 0.2; done\n")
    notebook(
        f"import subprocess, time; subprocess.Popen(['sleep', '100']); open({str(tmp_path / 'ready')!r}, 'w').close(); time.sleep(100)",
        name="project/slow.ipynb",
    )
    driver = warm.Popen([sys.executable, "-m", "nbproj", "run", str(folder), "-e", kind], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        assert driver.poll() is None, driver.stderr.read()
        time.sleep(0.05)
    driver.send_signal(number)
    error = driver.communicate(timeout=60)[1].decode()
    assert driver.returncode == code, error
    assert "KILLED" in error
    assert "Traceback" not in error
    nobody_left(seconds=4)  # less than a guard would take for it
    run = only_run()
    assert (run.status, run.tags["nbproj.exit_code"]) == ("KILLED", str(code))


def test_a_second_interrupt_does_not_lose_the_run(project, store, only_run, tmp_path, nobody_left):
    folder = project(stubborn__sh=f"trap '' TERM INT; touch {tmp_path}/ready; while :; do sleep 0.2; done\n")
    driver = warm.Popen([sys.executable, "-m", "nbproj", "run", str(folder), "-e", "stubborn.sh"], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for _ in range(5):
        driver.send_signal(signal.SIGINT)
        time.sleep(0.3)
    error = driver.communicate(timeout=60)[1].decode()
    assert driver.returncode == 130, error
    nobody_left(seconds=4)  # less than a guard would take for it
    assert only_run().status == "KILLED"


def test_twelve_first_ever_runs_at_once_on_one_new_store_all_finish(project, tmp_path, monkeypatch):
    from nbproj.tracking.mlflow_store import open_store

    folder = project("entry_points: {main: {command: 'true'}}\n")
    uri = f"sqlite:///{tmp_path}/new.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    drivers = [
        warm.Popen([sys.executable, "-m", "nbproj", "run", "-q", str(folder)], stderr=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(12)
    ]
    errors = [driver.communicate(timeout=280)[1].decode() for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0] * 12, errors
    runs = open_store(uri).search_runs()
    assert [run.status for run in runs] == ["FINISHED"] * 12


def test_a_run_that_is_carried_is_left_alone_by_other_commands(cli, project, store, tmp_path, only_run):
    folder = project("entry_points: {main: {command: 'touch $FLAG; until test -e $FLAG.go; do sleep 0.05; done'}, other: {command: 'true'}}\n")
    environment = {**os.environ, "FLAG": str(tmp_path / "flag")}
    driver = warm.Popen([sys.executable, "-m", "nbproj", "run", "-q", str(folder)], env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "flag").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert cli("show", folder).code == 0
    assert only_run().status == "RUNNING"
    (tmp_path / "flag.go").touch()
    assert driver.communicate(timeout=60)[1] == b""
    assert only_run().status == "FINISHED"
