"""Runs that outlive their starter: carried by a process of their own, found, followed, stopped and repeated from any other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

import nbproj
from nbproj import NbprojError, RunFailed
from nbproj.following import follow
from nbproj.tracking.ledger import Ledger

COUNT = "import sys, time\nfor number in range(int(sys.argv[1])):\n    print('line', number, flush=True)\n    time.sleep(0.1)\n"
# Not for ever: a test that is ended leaves the run alone.
HOLD = "import os, time\nfor _ in range(2000):\n    if os.path.exists('go'):\n        break\n    time.sleep(0.05)\n"
# `held` goes on when the test has seen it run.
PROJECT = """
entry_points:
  main: {parameters: {n: {type: int, default: 3}}, command: "python count.py {n}"}
  held: {parameters: {n: int}, command: "python count.py 3; python hold.py; python count.py {n}"}
  bad: {command: exit 3}
"""


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.05)
    return found


@pytest.fixture
def counting(project, store):
    """Return a project that counts, a line each tenth of a second."""
    return project(PROJECT, count__py=COUNT, hold__py=HOLD)


def driver_of(run) -> psutil.Process:
    entry = until(lambda: Ledger.open().of_run(run.run_id))
    return psutil.Process(entry.owner.process.pid)


def test_a_detached_run_is_returned_while_it_runs_and_ends_by_itself(counting, nobody_left):
    run = nbproj.run(counting, "held", parameters={"n": 17}, synchronous=False)
    assert (run.status, run.exit_code, run.params) == ("RUNNING", None, {"n": "17"})
    assert run.wait(timeout=0.1) is False
    (counting / "go").touch()
    assert run.wait(timeout=60) is True
    assert (run.status, run.exit_code) == ("FINISHED", 0)
    assert run.logs().splitlines() == [f"line {number}" for number in (*range(3), *range(17))]
    nobody_left()


def test_the_driver_is_nobodys_child_has_no_terminal_and_shows_nothing_of_the_order(counting, monkeypatch):
    before = psutil.Process().children(recursive=True)  # servers of other tests
    run = nbproj.run(counting, parameters={"n": 600, "key": "hidden-in-the-order"}, synchronous=False)
    driver = driver_of(run)
    try:
        assert driver.ppid() != os.getpid()
        assert os.getsid(driver.pid) == driver.pid
        assert {str(Path(f"/proc/{driver.pid}/fd/{number}").readlink()) for number in range(3)} == {os.devnull}
        assert "hidden-in-the-order" not in " ".join(driver.cmdline())
        assert [one for one in psutil.Process().children(recursive=True) if one not in before] == []
    finally:
        run.cancel()


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"parameters": {"n": "x"}}, "ParameterError", "'x' is not an int"),
        ({"entry_point": "mian"}, "EntryPointError", "Did you mean 'main'"),
        ({"tags": {"nbproj.x": "1"}}, "UsageError", "nbproj's own record"),
        ({"run_id": "0" * 32}, "StoreError", "knows no such run"),
    ],
)
def test_what_is_refused_is_refused_in_the_callers_process_and_leaves_no_run(arguments, error, told, counting, store, nobody_left):
    with pytest.raises(NbprojError, match=told) as caught:
        nbproj.run(counting, synchronous=False, **arguments)
    assert type(caught.value).__name__ == error
    assert "\n" not in str(caught.value)
    assert store.search_runs() == []
    nobody_left()


def test_a_detached_run_that_fails_tells_so_by_its_record(counting):
    run = nbproj.run(counting, "bad", synchronous=False)
    assert run.wait(60) is False
    assert (run.status, run.exit_code) == ("FAILED", 3)


def test_a_run_is_followed_from_the_first_line_to_the_last(counting):
    run = nbproj.run(counting, "held", parameters={"n": 12}, synchronous=False)
    until(lambda: "line 2" in run.logs())
    following = follow(run)
    events = [next(following)]  # it has found the run while that goes on
    (counting / "go").touch()
    events += following
    lines = [f"line {number}" for number in (*range(3), *range(12))]
    assert "".join(event.text for event in events if event.step == "output").splitlines() == lines
    steps = [event.step for event in events if event.step != "output"]
    assert (steps.index("created"), steps[-2:]) == (steps.index("creating") + 1, ["ending", "settled"])
    assert [event.data["params"] for event in events if event.step == "created"] == [{"n": "12"}]  # the card has them from its first moment


def test_the_cells_of_a_detached_notebook_are_followed(project, notebook, store):
    notebook("print('one')", HOLD, "print('two')")
    run = nbproj.run(project(), "nb.ipynb", synchronous=False)
    following = follow(run)
    events = [next(following)]
    (project() / "go").touch()
    events += following
    assert [event.done for event in events if event.step == "cell"][-1] == 3
    assert "".join(event.text for event in events if event.step == "output") == "one\ntwo\n"


def test_a_characters_bytes_that_come_apart_are_read_as_one(project, store):
    program = "import os, time\nfor byte in 'aé€😀z'.encode():\n    os.write(1, bytes([byte])); time.sleep(0.15)\n"
    run = nbproj.run(project(slow__py=program), "slow.py", synchronous=False)
    assert "".join(event.text for event in follow(run) if event.step == "output") == "aé€😀z"


def test_another_process_stops_a_detached_run(counting, cli, nobody_left):
    run = nbproj.run(counting, parameters={"n": 600}, synchronous=False)
    stopped = cli("stop", run.run_id[:10])
    assert (stopped.code, stopped.out, stopped.err) == (0, f"run {run.run_id[:8]} stopped: KILLED\n", "")
    assert (run.status, run.exit_code) == ("KILLED", 143)
    nobody_left()
    again = cli("stop", run.run_id)
    assert (again.code, again.out) == (0, f"run {run.run_id[:8]} has ended already: KILLED\n")


def test_another_process_stops_a_run_that_somebody_waits_for_and_who_waits_lives_on(counting, cli):
    caught: dict = {}
    events: list = []

    def carry():
        try:
            nbproj.run(counting, parameters={"n": 600}, progress=events.append)
        except RunFailed as error:
            caught["error"] = error

    thread = threading.Thread(target=carry)
    thread.start()
    until(lambda: any(event.step == "output" for event in events))
    run_id = next(event.data["run_id"] for event in events if event.step == "created")
    assert cli("stop", run_id[:12]).out.endswith("stopped: KILLED\n")
    thread.join(100)
    assert (caught["error"].exit_code, caught["error"].run.status) == (143, "KILLED")


@pytest.mark.parametrize("stubborn", ["trap '' TERM INT HUP; sleep 100 & wait; sleep 100", "kill -STOP $$"])
def test_a_program_that_will_not_end_is_killed(stubborn, project, store, nobody_left):
    run = nbproj.run(project(f'entry_points: {{main: {{command: "{stubborn}"}}}}\n'), synchronous=False)
    time.sleep(0.5)
    run.cancel()
    assert run.status == "KILLED"
    nobody_left()


def test_a_driver_that_does_not_answer_is_killed_and_its_run_settled(counting, nobody_left, monkeypatch):
    monkeypatch.setattr("nbproj.tracking.stopping.TOLD_SECONDS", 1.0)
    run = nbproj.run(counting, parameters={"n": 600}, synchronous=False)
    driver = driver_of(run)
    until(lambda: Ledger.open().of_run(run.run_id).owner.group)
    driver.suspend()
    from nbproj.tracking.stopping import stop

    assert stop(run.run_id, patience=1.0)
    assert (run.status, run.exit_code) == ("KILLED", 137)
    nobody_left()


def test_a_driver_that_is_killed_leaves_a_run_that_the_next_look_finds_settled(counting, store, nobody_left):
    run = nbproj.run(counting, parameters={"n": 600}, synchronous=False)
    until(lambda: "line 0" in run.logs())
    driver_of(run).kill()
    nobody_left()  # the guard is at work
    [found] = nbproj.runs()
    assert (found.run_id, found.status, found.exit_code) == (run.run_id, "KILLED", 137)
    assert "line 0" in found.logs()
    assert run.wait() is False


def test_who_waits_for_a_run_whose_driver_is_killed_is_told(counting):
    run = nbproj.run(counting, parameters={"n": 600}, synchronous=False)
    driver = driver_of(run)
    threading.Timer(1, driver.kill).start()
    assert run.wait(100) is False
    assert run.status == "KILLED"


def test_a_starter_that_is_killed_or_hung_up_takes_nothing_with_it(counting, tmp_path):
    program = (
        f"import nbproj, os, signal\nrun = nbproj.run({str(counting)!r}, parameters={{'n': 20}}, synchronous=False)\nprint(run.run_id, flush=True)\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program + "os.killpg(0, signal.SIGKILL)"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    out, _ = starter.communicate(timeout=60)
    assert starter.returncode == -signal.SIGKILL
    assert nbproj.get_run(out.strip()).wait(60) is True


def test_a_starter_that_is_interrupted_before_there_is_a_run_ends_the_driver(project, store, nobody_left, mark):
    folder = project("entry_points: {main: {command: 'true'}}\n")
    seen: list = []

    def interrupt(event):
        seen.append(event.step)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nbproj.run(folder, synchronous=False, progress=interrupt)
    assert len(seen) == 1
    nobody_left()
    assert all(run.status != "RUNNING" for run in store.search_runs())


def test_a_broken_driver_is_one_line(counting, monkeypatch):
    monkeypatch.setattr("nbproj.detached._PROGRAM", "raise RuntimeError('no such day')")
    with pytest.raises(NbprojError, match=r"the driver ended before there was a run: .*no such day") as caught:
        nbproj.run(counting, synchronous=False)
    assert "\n" not in str(caught.value)


def test_a_module_of_the_working_folder_is_not_the_drivers(counting, monkeypatch):
    Path("json.py").write_text("raise SystemExit('mine')")
    Path("click.py").write_text("raise SystemExit('mine')")
    assert nbproj.run(counting, synchronous=False).wait(60) is True


def test_values_of_python_arrive_as_they_were_declared(project, store):
    program = "import os, json, sys; open(os.environ['NBPROJ_OUTPUT_DIR'] + '/seen', 'w').write(json.dumps(sys.argv[1:]))"
    folder = project(
        "entry_points: {main: {parameters: {when: date, rates: 'list[float]', data: path, x: float, extra: string}, "
        "command: 'python see.py {when} {rates} {data} {x} {extra}'}}\n",
        see__py=program,
    )
    Path("here.csv").touch()
    import datetime as dt

    values = {"when": dt.date(2026, 1, 2), "rates": [0.1, 2], "data": Path("here.csv"), "x": 1e-3, "extra": "a 'b' \"c\" $d\n€"}
    both = [nbproj.run(folder, parameters=values, synchronous=synchronous) for synchronous in (True, False)]
    assert both[1].wait(60)
    texts = [json.loads(run.artifact("seen").read_text()) for run in both]
    assert texts[0] == texts[1]
    assert both[0].params == both[1].params


def test_a_secret_reaches_the_detached_program_and_stands_nowhere_else(project, store, home):
    program = "import os\nprint(os.environ['TOKEN'] == 'correct-horse-battery', os.environ['TOKEN'])\n"
    folder = project("entry_points: {main: {parameters: {token: {type: string, secret: true}}, command: python see.py}}\n", see__py=program)
    run = nbproj.run(folder, parameters={"token": "correct-horse-battery"}, synchronous=False)
    assert run.wait(60)
    assert run.logs() == "True ***\n"
    everywhere = [*home.rglob("*"), *Path(store.uri.removeprefix("sqlite:///")).parent.rglob("*")]
    assert [file for file in everywhere if file.is_file() and b"correct-horse" in file.read_bytes()] == []
    with pytest.raises(NbprojError, match="token"):
        nbproj.get_run(run.run_id).rerun()


def test_a_detached_call_inside_a_run_is_its_child(project, store):
    inner = "import nbproj\nprint(nbproj.run('.', 'inner', synchronous=False).run_id)\n"
    folder = project("entry_points: {main: {command: python outer.py}, inner: {command: 'true'}}\n", outer__py=inner)
    outer = nbproj.run(folder)
    child = nbproj.get_run(outer.logs().strip())
    assert child.wait(60)
    assert child.tags["mlflow.parentRunId"] == outer.run_id
