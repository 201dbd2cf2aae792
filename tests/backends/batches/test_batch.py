"""Batches that run: what comes out, what is done again and what is not, what is refused in one line."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path

import pytest

import nbproj
from nbproj import NbprojError
from nbproj.errors import ParameterError, RunError, UsageError
from nbproj.tracking.store import RunRecord

SCRIPT = """
import os, sys
import nbproj
n = int(sys.argv[1])
with open(os.environ["NBPROJ_OUTPUT_DIR"] + "/mine.txt", "w") as stream:
    stream.write(str(n))
with open(os.environ["COUNT"], "a") as stream:
    stream.write(f"{n}\\n")
nbproj.log_metric("loss", (n - 2) ** 2)
if n == int(os.environ.get("BAD", "-1")):
    sys.exit(3)
"""
LEAVE = "entry_points: {main: {parameters: {n: int}, command: 'bash leave.sh {n}'}}\n"
MLPROJECT = "entry_points: {main: {parameters: {n: {type: int, min: 0}}, command: 'python work.py {n}'}}\n"


@pytest.fixture
def counting(project, tmp_path, monkeypatch):
    """Return a project whose runs write down that they ran, and what tells how often each did."""
    folder = project(MLPROJECT, work__py=SCRIPT)
    monkeypatch.setenv("COUNT", str(tmp_path / "count.txt"))

    def ran() -> list[int]:
        file = tmp_path / "count.txt"
        return sorted(int(line) for line in file.read_text().split()) if file.exists() else []

    return folder, ran


def childless(store) -> list[RunRecord]:
    """Return the runs of a store that stand for a batch."""
    return [run for run in store.search_runs() if "nbproj.batch" in run.tags]


def test_a_batch_is_a_run_with_a_child_for_each_point(counting, store, nothing_kept):
    folder, ran = counting
    events = []
    holds_no_more = nothing_kept("thread nbproj")
    batch = nbproj.batch(folder, parameters={"n": range(5)}, workers=2, name="five", progress=events.append)
    assert ran() == [0, 1, 2, 3, 4]
    assert batch.counts == {"points": 5, "finished": 5, "failed": 0, "killed": 0, "running": 0, "waiting": 0}
    assert batch.status == "FINISHED"
    (parent,) = childless(store)
    assert parent.run_id == batch.batch_id
    assert (parent.name, parent.params) == ("five", {"n": "0, 1, 2, 3, 4"})
    assert [run.params["n"] for run in batch.runs] == ["0", "1", "2", "3", "4"]
    assert {run.tags["mlflow.parentRunId"] for run in batch.runs} == {parent.run_id}
    assert len({run.tags["nbproj.key"] for run in batch.runs}) == 5
    for run in batch.runs:
        assert run.record.name == f"n={run.params['n']}"
        assert run.artifact("mine.txt").read_text() == run.params["n"]
    assert batch.best("loss").params["n"] == "2"
    assert batch.best("loss", "maximize").params["n"] in {"0", "4"}
    assert not batch.failures
    frame = batch.to_frame()
    assert list(frame["loss"]) == [4, 1, 0, 1, 4]
    assert frame["n"].sum() == 10
    log = batch.run.logs()
    assert sorted(line.split()[2] for line in log.splitlines()) == [f"n={n}" for n in range(5)]
    batches = [event for event in events if event.step == "batch"]
    assert (batches[-1].done, batches[-1].total) == (5, 5)
    holds_no_more()


def test_the_same_command_does_only_what_has_not_finished(counting, store, monkeypatch):
    folder, ran = counting
    monkeypatch.setenv("BAD", "3")
    first = nbproj.batch(folder, parameters={"n": range(5)}, workers=2)
    assert first.status == "FAILED"
    assert first.run.tags["nbproj.reason"] == "1 of 5 points failed"
    (failure,) = first.failures
    assert (failure.params["n"], failure.tags["nbproj.reason"], failure.exit_code) == ("3", "exit code 3", 3)
    monkeypatch.delenv("BAD")
    second = nbproj.batch(folder, parameters={"n": range(5)}, workers=2)
    assert second.batch_id == first.batch_id
    assert second.status == "FINISHED"
    assert ran() == [0, 1, 2, 3, 3, 4]
    assert not second.failures
    assert len(second.runs) == 5
    # What has finished altogether is left alone; another name, other points and --fresh are other batches.
    assert nbproj.batch(folder, parameters={"n": range(5)}).batch_id == first.batch_id
    assert ran() == [0, 1, 2, 3, 3, 4]
    others = [
        nbproj.batch(folder, parameters={"n": range(2)}).batch_id,
        nbproj.batch(folder, parameters={"n": range(2)}, name="other").batch_id,
        nbproj.batch(folder, parameters={"n": range(2)}, fresh=True).batch_id,
    ]
    assert len({first.batch_id, *others}) == 4
    assert nbproj.batch(folder, parameters={"n": range(2)}).batch_id == others[2]


def test_a_batch_with_a_name_grows_and_does_only_what_is_new(counting, store):
    folder, ran = counting
    first = nbproj.batch(folder, parameters={"n": "range(2)"}, name="grid")
    again = nbproj.batch(folder, parameters={"n": ["3", "1", "0"]}, name="grid")
    assert again.batch_id == first.batch_id
    assert ran() == [0, 1, 3]
    assert again.counts["points"] == again.counts["finished"] == 3
    # Without a name the points are the batch, however they are written.
    one, other = nbproj.batch(folder, parameters={"n": "range(2)"}), nbproj.batch(folder, parameters={"n": ["0", 1]})
    assert one.batch_id == other.batch_id != first.batch_id
    assert nbproj.get_batch(one.batch_id[:12]).counts == one.counts
    with pytest.raises(RunError, match="stands for no batch"):
        nbproj.get_batch(one.runs[0].run_id)
    with pytest.raises(RunError, match="stands for a batch"):
        nbproj.get_run(one.batch_id).rerun()


def test_a_project_that_has_changed_is_named_and_the_caller_decides(counting, store):
    folder, ran = counting
    first = nbproj.batch(folder, parameters={"n": "range(2)"})
    (folder / "work.py").write_text(SCRIPT + "\n# changed\n")
    (folder / "new.py").write_text("")
    with pytest.raises(RunError, match=r"files have changed since this batch \(run \w{8}\) ran: new.py new, work.py changed") as refused:
        nbproj.batch(folder, parameters={"n": "range(2)"})
    assert refused.value.hint.startswith("--keep goes on")
    kept = nbproj.batch(folder, parameters={"n": "range(2)"}, keep=True)
    assert (kept.batch_id, ran()) == (first.batch_id, [0, 1])
    fresh = nbproj.batch(folder, parameters={"n": "range(2)"}, fresh=True)
    assert fresh.batch_id != first.batch_id
    assert ran() == [0, 0, 1, 1]


def test_failing_points_are_tried_again_and_stop_the_batch_as_the_caller_says(project, store):
    folder = project(LEAVE, leave__sh="exit $1\n")
    retried = nbproj.batch(folder, parameters={"n": [0, 1]}, retries=2, workers=1)
    assert retried.counts["failed"] == 1
    assert len([run for run in store.search_runs() if run.params.get("n") == "1" and "nbproj.point" in run.tags]) == 3
    stopped = nbproj.batch(folder, parameters={"n": [1, 2, 3, 4]}, on_error="stop", workers=1)
    assert (stopped.counts["failed"], stopped.counts["waiting"]) == (1, 3)
    assert stopped.run.tags["nbproj.reason"] == "1 of 4 points failed, 3 of 4 did not finish"
    some = nbproj.batch(folder, parameters={"n": [5, 6, 7, 8]}, max_failures=2, workers=1)
    assert (some.counts["failed"], some.counts["waiting"]) == (2, 2)


def test_each_run_has_its_own_time(project, store):
    folder = project("entry_points: {main: {parameters: {n: int}, command: 'sleep {n}'}}\n")
    batch = nbproj.batch(folder, parameters={"n": [0, 60]}, timeout=5.5, workers=2)  # more than the first needs, however slow the machine is
    assert [run.status for run in batch.runs] == ["FINISHED", "FAILED"]
    assert batch.failures[0].tags["nbproj.reason"] == "timeout after 5.5 s"
    assert batch.failures[0].exit_code == 124


def test_everything_is_checked_before_anything_runs(counting, store, tmp_path):
    folder, ran = counting
    rows = tmp_path / "rows.csv"
    rows.write_text("n\n1\nx\n")
    for arguments, kind, told in (
        ({"parameters": {"n": [1, -1]}}, ParameterError, "'n'"),
        ({"parameters": {"n": [1], "m": [1, 2], "nn": "range(0)"}}, NbprojError, "there is nothing to run"),
        ({"params_file": rows}, ParameterError, "row 2"),
        ({"params_file": tmp_path / "none.csv"}, NbprojError, "none.csv"),
        ({"parameters": {}}, ParameterError, "'n|n \\("),
        ({"parameters": {"n": 1}, "workers": 0}, UsageError, "workers must be a whole number, at least 1"),
        ({"parameters": {"n": 1}, "on_error": "halt"}, UsageError, "on_error must be continue or stop"),
        ({"parameters": {"n": 1}, "fresh": True, "keep": True}, UsageError, "choose one of them"),
    ):
        with pytest.raises(kind, match=told) as refused:
            nbproj.batch(folder, **arguments)
        assert "\n" not in str(refused.value)
    assert ran() == []
    assert store.search_runs() == []


def test_a_metric_that_nobody_logged_is_named_with_those_there_are(counting, store):
    folder, _ran = counting
    batch = nbproj.batch(folder, parameters={"n": [1]})
    with pytest.raises(RunError, match=r"has a metric 'los'\. Did you mean 'loss'\? It has loss"):
        batch.best("los")
    with pytest.raises(UsageError, match="minimize or maximize"):
        batch.best("loss", "upwards")


def test_secrets_of_a_batch_are_nowhere(project, store, tmp_path, monkeypatch):
    folder = project(
        "entry_points: {main: {parameters: {n: int, token: {type: string, secret: true}}, command: 'test \"$TOKEN\" = hunter22-secret'}}\n",
    )
    batch = nbproj.batch(folder, parameters={"n": [1, 2], "token": "hunter22-secret"}, workers=2)
    assert batch.status == "FINISHED"
    assert all("token" not in run.params for run in batch.runs)
    found = [path for path in tmp_path.rglob("*") if path.is_file() and b"hunter22" in path.read_bytes()]
    assert found == [folder / "MLproject"]


def test_a_git_project_gives_each_run_files_of_its_own(project, store, tmp_path):
    folder = project(
        "entry_points: {main: {parameters: {n: int}, command: 'sh work.sh {n}'}}\n",
        work__sh='test ! -e here || exit 9; echo $1 > here; pwd > "$NBPROJ_OUTPUT_DIR/place"; sleep 0.2; test "$(cat here)" = $1',
    )
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    batch = nbproj.batch(f"git+file://{folder}", parameters={"n": range(4)}, workers=2)
    assert batch.counts["finished"] == 4, [run.logs() for run in batch.failures]
    places = {run.artifact("place").read_text().strip() for run in batch.runs}
    assert len(places) == 4
    assert not [place for place in places if Path(place).exists()]


def test_a_batch_that_would_run_itself_is_skipped(notebook, store):
    path = notebook(
        "import nbproj", "batch = nbproj.batch('nb.ipynb', 'nb.ipynb', parameters={'n': [1, 2]})", name="project/nb.ipynb", parameters="n = 0"
    )
    batch = nbproj.batch(path.parent, "nb.ipynb", parameters={"n": [1]})
    assert batch.status == "FINISHED"
    assert len(store.search_runs()) == 2


def test_notebooks_run_in_kernels_of_their_own(notebook, store):
    path = notebook("import os\nvalues = [alpha] * 3", "import nbproj\nnbproj.log_metric('total', sum(values))", parameters="alpha = 0.5")
    batch = nbproj.batch(path, parameters={"alpha": "linspace(0, 1, 6)"}, workers=2)
    assert batch.status == "FINISHED", [run.tags for run in batch.failures]
    assert sorted(run.metrics["total"] for run in batch.runs) == pytest.approx([0, 0.6, 1.2, 1.8, 2.4, 3])
    assert all(run.notebook for run in batch.runs)


def test_a_detached_batch_is_followed_and_stopped_like_any_run(cli, project, store):
    folder = project("entry_points: {main: {parameters: {n: int}, command: 'sleep {n}'}}\n")
    started = cli("batch", folder, "-P", "n=0", "-P", "n=60", "-P", "n=61", "-j", "2", "--detach")
    assert started.code == 0, started.err
    batch_id = started.out.strip()
    deadline = time.monotonic() + 60
    batch = nbproj.Batch(store, batch_id)
    while (batch.counts["finished"], batch.counts["running"]) != (1, 2):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    stopped = cli("stop", batch_id[:8])
    assert stopped.out == f"run {batch_id[:8]} stopped: KILLED\n"
    assert [run.status for run in batch.runs] == ["FINISHED", "KILLED", "KILLED"]
    assert cli("logs", batch_id).out.count("KILLED") == 2
    again = cli("batch", folder, "-P", "n=0", "-P", "n=60", "-P", "n=61", "--timeout", "1", "--json")
    assert again.code == 1
    assert again.json["batch_id"] == batch_id
    assert again.json["counts"]["finished"] == 1
    assert [run["exit_code"] for run in again.json["runs"]] == [0, 124, 124]


def test_one_run_of_a_batch_is_stopped_and_the_others_go_on(project, store):
    folder = project("entry_points: {main: {parameters: {n: int}, command: 'sleep {n}'}}\n")
    stopped, stopping = [], []

    def stop(event) -> None:
        running = [one for one in event.data.get("running", ()) if one["label"] == "n=60" and one["step"] and one["run_id"]]
        if running and not stopped:
            stopped.append(running[0]["run_id"])
            stopping.append(threading.Thread(target=lambda: nbproj.get_run(stopped[0]).cancel()))
            stopping[0].start()

    batch = nbproj.batch(folder, parameters={"n": [60, 0, 1]}, workers=2, progress=stop)
    stopping[0].join()
    assert [run.status for run in batch.runs] == ["KILLED", "FINISHED", "FINISHED"]
    assert batch.status == "FAILED"
    assert batch.run.tags["nbproj.reason"] == "1 of 3 did not finish"


def test_the_command_line_shows_what_came_out_and_ends_with_1_if_anything_failed(cli, project, store):
    folder = project(LEAVE, leave__sh="exit $1\n")
    good = cli("batch", folder, "-P", "n=0", "--json")
    assert (good.code, good.json["counts"]["finished"], len(good.json["runs"])) == (0, 1, 1)
    bad = cli("batch", folder, "-P", "n=0", "-P", "n=7", "-j", "1")
    assert bad.code == 1
    assert "failed: n=7: exit code 7" in bad.err
    assert "FAILED main: 1 of 2 finished, 1 failed" in bad.err
    assert bad.out == ""
    for option in ("--trials", "--sampler", "--pruner"):
        refused = cli("batch", folder, "-P", "n=0", option, "5")
        assert (refused.code, len(refused.err.splitlines())) == (2, 1)
        assert f"{option} is not there yet" in refused.err
    empty = cli("batch", folder, "-P", "n=range(0)", "--json")
    assert empty.code == 120
    assert json.loads(empty.out)["error"]["type"] == "ParameterError"
