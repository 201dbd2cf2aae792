"""Runs found again by id, listed, read and repeated: `nbproj runs`, `logs`, `rerun`, `nbproj.runs()`, `nbproj.get_run()`."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

import nbproj
from nbproj import NbprojError, RunFailed
from nbproj.processes import ProcessIdentity
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.owner import OWNER_TAG, Owner

PROJECT = """
entry_points:
  train: {parameters: {alpha: {type: float, default: 0.5}}, command: "echo alpha is {alpha}"}
  bad: {command: exit 3}
"""


@pytest.fixture
def folder(project, store):
    return project(PROJECT)


def test_the_list_is_newest_first_and_shows_what_was_asked_for(folder, cli):
    first = nbproj.run(folder, "train", experiment_name="wine")
    with pytest.raises(RunFailed):
        nbproj.run(folder, "bad")
    last = nbproj.run(folder, "train", parameters={"alpha": 0.1})
    assert [run.tags["mlflow.project.entryPoint"] for run in nbproj.runs()] == ["train", "bad", "train"]
    assert [run.run_id for run in nbproj.runs(limit=1)] == [last.run_id]
    assert [run.run_id for run in nbproj.runs(experiment="wine")] == [first.run_id]
    assert [run.exit_code for run in nbproj.runs(failed=True)] == [3]
    assert [run.run_id for run in nbproj.runs(filter="params.alpha = '0.1'")] == [last.run_id]
    assert list(nbproj.runs(active=True)) == []
    shown = cli("runs")
    assert (shown.code, [line.split()[0] for line in shown.out.splitlines()]) == (0, ["state", "FINISHED", "FAILED", "FINISHED"])
    assert shown.err.startswith("store: ")
    documents = cli("runs", "--json", "--failed").json
    assert [(one["status"], one["exit_code"]) for one in documents] == [("FAILED", 3)]


def test_a_list_is_a_sequence_that_shows_itself(folder):
    nbproj.run(folder, "train")
    found = nbproj.runs()
    assert (len(found), found[0].status, len(found[:0])) == (1, "FINISHED", 0)
    bundle = found._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "application/vnd.nbproj.runs.v1+json"}
    assert found[0].run_id[:8] in bundle["text/plain"]


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--experiment", "nowhere"], 120, "there is no experiment 'nowhere'"),
        (["--filter", "metrics.rmse <"], 120, "filter"),
        (["--active", "--failed"], 2, "ask for one of the two"),
        (["--limit", "0"], 2, "0 is not in the range"),
        (["--tracking-uri", "http://127.0.0.1:9"], 122, "does not answer"),
    ],
)
def test_a_list_that_cannot_be_had_is_one_line(options, code, told, folder, cli):
    nbproj.run(folder, "train")
    done = cli("runs", *options)
    assert (done.code, told in done.err.splitlines()[0], len(done.err.splitlines()) <= 2) == (code, True, True), done.err


def test_looking_for_runs_makes_no_store_and_no_experiment(cli, home, folder, store):
    (home / "elsewhere").mkdir()
    uri = f"sqlite:///{home}/elsewhere/mlflow.db"
    assert cli("runs", "--tracking-uri", uri).out == "no runs\n"
    assert list((home / "elsewhere").iterdir()) == []
    assert cli("runs", "--experiment", "made-by-looking").code == 120
    with pytest.raises(NbprojError):
        store.experiment(name="made-by-looking", create=False)


def test_a_run_is_found_from_any_folder_by_the_beginning_of_its_id(folder, cli, home, monkeypatch):
    run = nbproj.run(folder, "train")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (home / "far").mkdir()
    shown = cli("logs", run.run_id[:10], cwd=home / "far")
    assert (shown.code, shown.out) == (0, "alpha is 0.5\n")
    assert list((home / "far").iterdir()) == []
    assert nbproj.get_run(run.run_id[:10].upper()).run_id == run.run_id


def test_a_beginning_that_names_several_runs_is_refused_with_their_names(folder, store):
    ids = [nbproj.run(folder, "train").run_id for _ in range(17)]  # two of seventeen begin alike
    letter = next(one[0] for one in ids if sum(other.startswith(one[0]) for other in ids) > 1)
    with pytest.raises(NbprojError, match=rf"'{letter}' is the beginning of several ids: .*\(train\)"):
        nbproj.get_run(letter)


@pytest.mark.parametrize("run_id", ["", "%", "../x", "a b", "x' OR '1'='1", "\x1b[31m"])
def test_an_id_that_is_none_is_one_line(run_id, folder, store):
    with pytest.raises(NbprojError, match="is no id of a run") as caught:
        nbproj.get_run(run_id)
    assert "\n" not in str(caught.value)


def test_a_run_of_another_store_is_not_found_in_this_one(folder, tmp_path, cli):
    run = nbproj.run(folder, "train")
    uri = f"sqlite:///{tmp_path}/other.db"
    open_store(uri)
    done = cli("logs", run.run_id, "--tracking-uri", uri)
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "there is no run" in done.err


def test_an_index_of_runs_that_is_damaged_or_in_the_way_is_no_hindrance(folder, cli, home):
    run = nbproj.run(folder, "train")
    recent = home / ".local/state/nbproj/recent"
    (recent / run.run_id).write_bytes(b"\xff\xfe nothing")
    assert cli("logs", run.run_id[:8]).out == "alpha is 0.5\n"
    shutil.rmtree(recent)
    recent.write_text("a file")
    assert nbproj.run(folder, "train").status == "FINISHED"
    assert cli("logs", run.run_id[:8]).out == "alpha is 0.5\n"


def test_a_run_whose_store_was_removed_is_not_found(folder, tmp_path, cli, monkeypatch):
    run = nbproj.run(folder, "train")
    shutil.rmtree(tmp_path / "store")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    done = cli("logs", run.run_id)
    assert (done.code, "there is no run" in done.err) == (1, True)


def elsewhere(store, *, minutes: float) -> str:
    """Record a run that a host of another name carries, whose last sign is some minutes old."""
    owner = Owner(ProcessIdentity("another-host", "boot", 7, 1.0), store.uri)
    then = str(int((time.time() - 60 * minutes) * 1000))
    tags = {OWNER_TAG: owner.to_tag(), "nbproj.heartbeat": then, "mlflow.project.entryPoint": "train"}
    return store.create_run("0", name="far", tags=tags).run_id


def test_a_run_of_another_host_is_left_alone_and_its_silence_is_shown(store, cli):
    quiet, alive = elsewhere(store, minutes=60), elsewhere(store, minutes=0)
    rows = {line.split()[-1]: line.split()[0] for line in cli("runs").out.splitlines()[1:]}
    assert rows == {quiet[:8]: "LOST", alive[:8]: "RUNNING"}
    done = cli("stop", alive)
    assert (done.code, len(done.err.splitlines()), "on host another-host: stop it there" in done.err) == (1, 1, True)
    shown = cli("logs", alive)
    assert (shown.code, shown.out) == (0, "")
    assert "another-host" in shown.err
    assert store.get_run(alive).status == "RUNNING"


def test_a_run_whose_ledger_is_lost_is_settled_when_it_is_looked_for(store, home):
    dead = Owner(ProcessIdentity(ProcessIdentity.of().host, ProcessIdentity.of().boot, 2**22 - 1, 1.0), store.uri)
    run_id = store.create_run("0", name="dead", tags={OWNER_TAG: dead.to_tag()}).run_id
    assert list(Ledger.open()) == []
    [found] = nbproj.runs()
    assert (found.run_id, found.status) == (run_id, "KILLED")


def test_a_rerun_has_the_parameters_of_the_first_but_those_that_are_given(folder, cli):
    first = nbproj.run(folder, "train", parameters={"alpha": "0.25", "more": "x y"}, experiment_name="wine", run_name="mine")
    done = cli("rerun", first.run_id[:12], "-P", "more=z", "--json")
    assert done.code == 0
    again = done.json
    assert (again["params"], again["experiment_id"], again["tags"]["mlflow.runName"]) == (
        {"alpha": "0.25", "more": "z"},
        first.experiment_id,
        "mine",
    )
    assert again["run_id"] != first.run_id
    assert nbproj.get_run(first.run_id).rerun().params == first.params


def test_a_rerun_reads_a_relative_path_from_where_the_first_run_did(project, store, tmp_path, cli, home):
    folder = project("entry_points: {main: {parameters: {data: path}, command: 'cat {data}'}}\n")
    Path("here.txt").write_text("the same\n")
    first = nbproj.run(folder, parameters={"data": "here.txt"})
    (home / "far").mkdir()
    assert cli("rerun", first.run_id, cwd=home / "far").out == "the same\n"


def test_a_value_that_held_a_secret_is_asked_for_again(folder, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "correct-horse-battery")
    first = nbproj.run(folder, "train", parameters={"note": "correct-horse-battery"})
    assert "correct" not in first.tags["nbproj.order"]
    with pytest.raises(NbprojError, match="the value of note held a secret and was not kept: give it again, -P note="):
        nbproj.get_run(first.run_id).rerun()


def test_a_run_that_mlflow_itself_started_can_be_repeated(folder, store):
    tags = {"mlflow.source.type": "PROJECT", "mlflow.source.name": str(folder), "mlflow.project.entryPoint": "train"}
    run_id = store.create_run("0", name="theirs", tags=tags).run_id
    store.log_params(run_id, {"alpha": "0.7"})
    store.set_status(run_id, "FINISHED")
    again = nbproj.get_run(run_id).rerun()
    assert (again.status, again.logs()) == ("FINISHED", "alpha is 0.7\n")


def test_a_run_that_is_no_project_cannot_be_repeated(store):
    run_id = store.create_run("0", name="theirs", tags={"mlflow.source.type": "LOCAL", "mlflow.source.name": "x.py"}).run_id
    with pytest.raises(NbprojError, match="was not started as a project"):
        nbproj.get_run(run_id).rerun()


def test_an_order_too_long_for_a_tag_is_repeated_from_the_parameters(project, store):
    folder = project("entry_points: {main: {parameters: {text: string}, command: 'printf %s {text} | wc -c'}}\n")
    first = nbproj.run(folder, parameters={"text": "x" * 5500})
    assert "nbproj.order" not in first.tags
    assert nbproj.get_run(first.run_id).rerun().logs().strip() == "5500"


def test_logs_of_a_run_that_printed_nothing_are_empty(project, store, cli):
    run = nbproj.run(project("entry_points: {main: {command: 'true'}}\n"))
    done = cli("logs", run.run_id)
    assert (done.code, done.out, done.err) == (0, "", "")
    followed = cli("logs", "-f", run.run_id)
    assert (followed.code, followed.out) == (0, "")
    assert followed.err.startswith("FINISHED")


def test_detach_prints_the_id_for_programs_and_the_way_on_for_people(folder, cli):
    done = cli("run", folder, "-e", "train", "--detach")
    run = nbproj.get_run(done.out.strip())
    assert f"nbproj logs -f {run.run_id[:8]} follows it, nbproj stop {run.run_id[:8]} ends it" in done.err
    assert run.wait(60)
    document = json.loads(cli("run", folder, "-e", "train", "--detach", "--json").out)
    assert document["run_id"] != run.run_id
