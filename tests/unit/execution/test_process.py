"""The gate and the guard, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbproj.errors import RunError
from nbproj.execution.process import Guard, exit_code, start
from nbproj.processes import ProcessIdentity, end_group, environment_of, group_lives, is_alive, start_time

DRIVER = """
import os, sys, time
from pathlib import Path
from nbproj.execution.process import Guard, start
guard = Guard()
def started(group):
    print(group, flush=True)
    if sys.argv[1] == "before":
        time.sleep(60)
process = start(["sh", "-c", sys.argv[2]], environment=dict(os.environ), cwd=Path.cwd(), guard=guard, started=started)
print("running", flush=True)
time.sleep(60)
"""


def until(condition, seconds=30.0):
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


@pytest.fixture
def driver():
    """Start drivers that can be killed; returns a function that gives the process and its child's group."""
    processes = []

    def begin(when: str, script: str) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen([sys.executable, "-c", DRIVER, when, script], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        group = int(process.stdout.readline())
        if when == "after":
            assert process.stdout.readline() == "running\n"
        return process, group

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_killed_driver_takes_its_program_along(driver):
    process, group = driver("after", "sleep 50 & sleep 50")
    assert group_lives(group)
    process.kill()
    until(lambda: not group_lives(group))


def test_a_program_that_ignores_term_is_killed_after_its_drivers_death(driver, tmp_path):
    process, group = driver("after", f"trap '' TERM; touch {tmp_path}/ready; while :; do sleep 1; done")
    until((tmp_path / "ready").exists)
    process.kill()
    until(lambda: not group_lives(group))


def test_a_driver_that_is_killed_at_the_gate_starts_nothing(driver, tmp_path):
    process, group = driver("before", f"touch {tmp_path}/ran")
    process.kill()
    until(lambda: not group_lives(group))
    time.sleep(0.2)
    assert not (tmp_path / "ran").exists()


def test_no_guard_is_left_when_the_driver_has_died(driver):
    process, group = driver("after", "sleep 50")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("the system does not list children")
    watched = [int(child) for child in children.read_text().split()]
    process.kill()
    until(lambda: not any(start_time(child) for child in watched))
    assert not group_lives(group)


def test_a_program_gets_its_arguments_environment_and_folder_and_an_empty_standard_input(tmp_path):
    groups = []
    with Guard() as guard:
        script = 'printf "%s|" "$1" "$MARK" "$PWD"; cat; echo end'
        process = start(
            ["bash", "-c", script, "bash", "a b"],
            environment={"MARK": "m", "PATH": os.environ["PATH"]},
            cwd=tmp_path,
            guard=guard,
            started=groups.append,
        )
        output = process.stdout.read().decode()
        process.stdout.close()
        assert process.wait() == 0
        guard.release(process.pid)
    assert output == f"a b|m|{tmp_path}|end\n"
    assert groups == [process.pid]


def test_an_error_while_the_start_is_recorded_starts_nothing(tmp_path):
    def refuse(_group):
        raise OSError(28, "No space left on device")

    with Guard() as guard, pytest.raises(OSError, match="No space"):
        start(["touch", str(tmp_path / "ran")], environment=dict(os.environ), cwd=tmp_path, guard=guard, started=refuse)
    assert not (tmp_path / "ran").exists()


def test_a_dead_guard_refuses_the_start(tmp_path):
    guard = Guard()
    guard._process.kill()
    guard._process.wait()
    with pytest.raises(RunError, match="guard of the run has died"):
        start(["touch", str(tmp_path / "ran")], environment=dict(os.environ), cwd=tmp_path, guard=guard, started=lambda _group: None)
    guard.close()
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with Guard() as guard, pytest.raises(RunError, match="cannot be started: No such file or directory"):
        start(["true"], environment={}, cwd=tmp_path / "gone", guard=guard, started=lambda _group: None)


def test_end_group_ends_what_ignores_term(tmp_path):
    script = f"trap '' TERM; touch {tmp_path}/ready; while :; do sleep 0.1; done"
    process = subprocess.Popen(["sh", "-c", script], start_new_session=True)
    until((tmp_path / "ready").exists)
    end_group(process.pid, grace=0.3)
    assert process.wait(timeout=60) == -signal.SIGKILL


def test_end_group_wakes_a_stopped_process_so_that_it_can_end():
    process = subprocess.Popen(["sleep", "50"], start_new_session=True)
    process.send_signal(signal.SIGSTOP)
    end_group(process.pid)
    assert process.wait(timeout=30) == -signal.SIGTERM


@pytest.mark.parametrize("group", [0, 1, -1])
def test_end_group_refuses_numbers_that_mean_everybody(group):
    with pytest.raises(ValueError, match="refusing"):
        end_group(group)


def test_a_process_is_known_by_more_than_its_pid():
    process = subprocess.Popen(["sleep", "50"])
    identity = ProcessIdentity.of(process.pid)
    assert is_alive(identity)
    assert not is_alive(ProcessIdentity(identity.host, identity.boot, identity.pid, identity.started - 1))
    assert not is_alive(ProcessIdentity(identity.host, "another boot", identity.pid, identity.started))
    process.kill()
    until(lambda: not is_alive(identity))
    process.wait()
    with pytest.raises(ValueError, match="elsewhere"):
        is_alive(ProcessIdentity("elsewhere", identity.boot, identity.pid, identity.started))


def test_a_process_that_has_just_been_started_shows_its_environment():
    """Linux lets the starter go on before it shows the environment of the program: looked at once, every third one had none on busy cores."""
    for number in range(40):
        with subprocess.Popen(["sleep", "30"], env={**os.environ, "NUMBER": str(number)}) as process:
            found = environment_of(process.pid).get("NUMBER")
            process.kill()
        assert found == str(number)
    assert environment_of(process.pid) == {}, "of one that is gone"


def test_exit_codes_are_those_of_a_shell():
    assert [exit_code(code) for code in (0, 7, -signal.SIGTERM)] == [0, 7, 143]
