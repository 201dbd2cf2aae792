"""Programs that misbehave, callers that ask for what cannot be, places that are not there: the run ends, the record is true, nothing is left."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import nbproj
from nbproj import NbprojError, RunFailed


def noted(events: list) -> list[str]:
    """Return the texts of all notes."""
    return [event.text for event in events if event.step == "note"]


@pytest.mark.parametrize("daemon", ["sleep 200", "while sleep 0.02; do echo again; done"])
def test_a_daemon_that_leaves_the_group_and_keeps_the_output_open_does_not_keep_the_run(daemon, project, store, tmp_path, nothing_kept):
    # The script ends once the daemon has a group of its own: before, it would be ended with the script's.
    folder = project(start__sh=f"setsid sh -c 'echo $$ > {tmp_path}/pid; {daemon}' &\nuntil test -s {tmp_path}/pid; do sleep 0.02; done\necho done\n")
    events: list = []
    before = time.monotonic()
    holds_no_more = nothing_kept("thread nbproj")
    run = nbproj.run(folder, "start.sh", progress=events.append)
    try:
        assert time.monotonic() - before < 100
        assert run.status == "FINISHED"
        assert "done\n" in run.logs()
        assert [note for note in noted(events) if "still holds its output" in note]
        holds_no_more()
    finally:
        os.killpg(int((tmp_path / "pid").read_text()), 9)


def test_fifty_runs_in_one_process_leave_no_thread_no_descriptor_and_no_child(project, store, nothing_kept):
    folder = project("entry_points: {main: {command: 'echo x'}, slow: {command: sleep 60}}\n")
    nbproj.run(folder)
    holds_no_more = nothing_kept()
    for _ in range(45):
        nbproj.run(folder)
    for _ in range(5):
        with pytest.raises(RunFailed):
            nbproj.run(folder, "slow", timeout=0.01)
    holds_no_more()


HOSTILE = r"""
import os, socket
os.chdir(os.environ["NBPROJ_OUTPUT_DIR"])
os.mkfifo("pipe")
socket.socket(socket.AF_UNIX).bind("socket")
os.symlink("/etc/passwd", "link")
os.symlink("/", "root")
os.symlink(".", "loop")
for name in [b"a#b", b"a%20b", b"a?b", b"new\nline", b"\xff\xfe", b"-rf", b"\x1b[31mred", b"<b>", b"*", b"x" * 255]:
    open(name, "wb").close()
os.makedirs("run")
with open("run/output.log", "w") as stream:
    stream.write("not what was printed")
"""


def test_only_regular_files_become_artifacts_whatever_their_names(project, store):
    run = nbproj.run(project(hostile__py=HOSTILE), "hostile.py")
    own = {path for path in run.artifacts if not path.startswith("run/")}
    assert own == {"a#b", "a%20b", "a?b", "new\nline", "\udcff\udcfe", "-rf", "\x1b[31mred", "<b>", "*", "x" * 255}
    assert run.logs() == ""
    assert "\x1b" not in run.summary()


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf $NBPROJ_OUTPUT_DIR; ln -s /etc $NBPROJ_OUTPUT_DIR",
        "rm -rf $(dirname $NBPROJ_OUTPUT_DIR)",
        "rm -rf $PWD",
        "chmod 000 $NBPROJ_OUTPUT_DIR",
        "exec >&- 2>&-; sleep 0.2",
    ],
)
def test_a_program_that_removes_what_it_stands_on_ends_as_it_ended(command, project, store, home):
    folder = project(f"entry_points: {{main: {{command: '{command}'}}}}\n")
    run = nbproj.run(folder)
    assert (run.status, run.exit_code) == ("FINISHED", 0)
    assert [path for path in run.artifacts if not path.startswith("run/")] == []
    assert list((home / ".local/state/nbproj/runs").iterdir()) == []


def test_a_program_that_stops_itself_is_ended_by_its_timeout(project, store, nobody_left):
    with pytest.raises(RunFailed, match="timeout"):
        nbproj.run(project("entry_points: {main: {command: 'kill -STOP $$'}}\n"), timeout=0.5)
    nobody_left()


def test_a_run_that_somebody_carries_cannot_be_taken_over(project, store, cli, tmp_path):
    folder = project(f"entry_points: {{main: {{command: 'until test -e {tmp_path}/go; do sleep 0.05; done'}}}}\n")
    begun: dict = {}
    thread = threading.Thread(
        target=lambda: begun.update(run=nbproj.run(folder, progress=lambda e: begun.update(e.data) if e.step == "created" else None))
    )
    thread.start()
    try:
        while "run_id" not in begun:
            time.sleep(0.02)
        with pytest.raises(NbprojError, match=f"is carried by process {os.getpid()}"):
            nbproj.run(folder, run_id=begun["run_id"])
        done = cli("run", folder, "--run-id", begun["run_id"])
    finally:
        (tmp_path / "go").touch()
        thread.join()
    assert (done.code, len(done.err.splitlines())) == (120, 1)
    assert begun["run"].status == "FINISHED"


def test_a_continued_run_forgets_how_it_ended_before(project, store):
    folder = project("entry_points: {main: {command: exit 3}, look: {command: 'true'}}\n")
    with pytest.raises(RunFailed) as caught:
        nbproj.run(folder)
    run_id = caught.value.run.run_id
    seen = []
    run = nbproj.run(folder, "look", run_id=run_id, progress=lambda e: seen.append(store.get_run(run_id)) if e.step == "prepared" else None)
    assert seen[0].status == "RUNNING"
    assert {"nbproj.exit_code", "nbproj.reason"}.isdisjoint(seen[0].tags)
    assert (run.status, run.exit_code, run.tags.get("nbproj.reason")) == ("FINISHED", 0, None)


def test_a_continued_run_stays_in_its_experiment(project, store):
    folder = project("entry_points: {main: {command: 'echo $MLFLOW_EXPERIMENT_ID'}}\n")
    first = nbproj.run(folder, experiment_name="mine")
    again = nbproj.run(folder, run_id=first.run_id)
    assert again.logs().endswith(f"{first.experiment_id}\n")
    with pytest.raises(NbprojError, match="belongs to experiment"):
        nbproj.run(folder, run_id=first.run_id, experiment_name="theirs")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tags": {"nbproj.exit_code": "0"}}, "nbproj's own record"),
        ({"tags": {"a\nb": "x"}}, "a tag's name may hold"),
        ({"timeout": "5"}, "must be a number of seconds"),
        ({"timeout": True}, "must be a number of seconds"),
        ({"timeout": float("nan")}, "more than 0"),
        ({"run_id": "nope"}, "knows no such run"),
        ({"experiment_id": "abc"}, "no experiment with id 'abc'"),
    ],
)
def test_what_cannot_be_is_refused_before_there_is_a_run(options, message, project, store):
    with pytest.raises(NbprojError, match=message) as caught:
        nbproj.run(project("entry_points: {main: {command: 'true'}}\n"), **options)
    assert "\n" not in str(caught.value)
    assert store.search_runs() == []


def test_a_secret_of_the_environment_is_masked_in_tags_names_and_commands_too(project, store, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "correct-horse-battery")
    folder = project("entry_points: {main: {parameters: {x: string}, command: 'true {x}'}}\n")
    run = nbproj.run(folder, parameters={"x": "correct-horse-battery"}, run_name="of correct-horse-battery", tags={"for": "correct-horse-battery"})
    assert [name for name, value in {**run.tags, **run.params}.items() if "correct" in value] == []
    assert (run.tags["nbproj.command"], run.tags["for"], run.record.name) == ("true ***", "***", "of ***")


def test_a_listener_that_raises_at_any_step_gets_its_error_and_the_run_is_settled(project, store, home):
    folder = project("entry_points: {main: {command: 'echo x'}}\n")
    for step in ("creating", "created", "preparing", "prepared", "started", "output", "ending", "settled"):

        def listen(event, step=step):
            if event.step == step:
                raise ValueError(step)

        with pytest.raises(ValueError, match=step):
            nbproj.run(folder, progress=listen, run_name=step)
    runs = {run.name: (run.status, run.tags.get("nbproj.exit_code")) for run in store.search_runs()}
    assert runs == {
        **dict.fromkeys(("created", "preparing", "prepared", "started", "output"), ("FAILED", "1")),
        **dict.fromkeys(("ending", "settled"), ("FINISHED", "0")),
    }
    assert list((home / ".local/state/nbproj/runs").iterdir()) == []


def test_a_user_without_a_home_is_told_once_where_the_state_is_kept(project, tmp_path, monkeypatch):
    def nobody(_number: int) -> None:
        raise KeyError

    folder = project("entry_points: {main: {command: 'true'}}\n")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOGNAME", "nobody")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    events: list = []
    assert nbproj.run(folder, progress=events.append).status == "FINISHED"
    assert len([note for note in noted(events) if "there is no home folder" in note]) == 1
    assert not (tmp_path / "~").exists()


def test_a_working_folder_that_is_gone_is_one_line(project, tmp_path):
    folder = project("entry_points: {main: {command: 'true'}}\n")
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        ["bash", "-c", f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && exec {sys.executable} -m nbproj run {folder}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "nbproj run: the working folder is gone: change to one that exists")


def test_without_bash_no_run_is_begun(cli, project, store, tmp_path):
    done = cli("run", project("entry_points: {main: {command: 'true'}}\n"), PATH=str(tmp_path))
    assert (done.code, "no bash on PATH" in done.err) == (121, True)
    assert store.search_runs() == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_driver_whose_streams_are_closed_carries_its_run_all_the_same(closed, project, store, only_run):
    folder = project("entry_points: {main: {command: 'cat; echo said'}}\n")
    subprocess.run(["bash", "-c", f"{sys.executable} -m nbproj run {folder} {closed}"], capture_output=True, timeout=60, check=False)
    assert only_run().status == "FINISHED"
    assert store.download_artifact(only_run().run_id, "run/output.log", Path.cwd()).read_text() == "said\n"


def test_a_forked_process_does_not_share_its_parents_store(project, store):
    folder = project("entry_points: {main: {command: 'true'}}\n")
    program = f"import nbproj, os\nnbproj.run({str(folder)!r})\npid = os.fork()\nnbproj.run({str(folder)!r})\npid and os.waitpid(pid, 0)\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [run.status for run in store.search_runs()] == ["FINISHED"] * 3


def test_a_state_folder_that_cannot_be_made_is_said_once_and_the_run_goes_on(project, store, cli, tmp_path):
    (tmp_path / "state").touch()  # a file is in the way, also for somebody who may write everywhere
    done = cli("run", project("entry_points: {main: {command: 'true'}}\n"), NBPROJ_STATE_DIR=str(tmp_path / "state"), TMPDIR=str(tmp_path))
    assert done.code == 0
    assert done.err.count("the state of runs is kept in") == 1
