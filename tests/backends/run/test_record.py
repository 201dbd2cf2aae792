"""The record that a run leaves: what was asked for, what ran, what came out - and the truth about how it ended."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

import nbproj
from nbproj import RunFailed
from nbproj.errors import NbprojError


def git(folder, *arguments):
    """Run git in a folder."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def committed(folder):
    """Make a folder a repository with one commit; return the commit."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return git(folder, "rev-parse", "HEAD")


def test_a_run_records_parameters_raw_tags_and_artifacts(project, store):
    folder = project(
        textwrap.dedent("""\
            name: wine
            entry_points:
              train:
                parameters:
                  name: string
                  alpha: {type: float, default: .50}
                command: echo kept > "$NBPROJ_OUTPUT_DIR/kept.txt"; printf '%s|' {name} {alpha}
            """)
    )
    commit = committed(folder)
    run = nbproj.run(folder, "train", parameters={"name": 'it\'s $HOME; a "b"', "extra": 3}, run_name="first", tags={"team": "red"})
    assert run.status == "FINISHED"
    assert run.exit_code == 0
    assert dict(run.params) == {"name": 'it\'s $HOME; a "b"', "alpha": ".50", "extra": "3"}
    assert run.logs() == 'it\'s $HOME; a "b"|.50|--extra|3|'
    assert run.artifacts == ["kept.txt", "run/environment.txt", "run/output.log"]
    assert run.artifact("kept.txt").read_text() == "kept\n"
    expected = {
        "mlflow.source.type": "PROJECT",
        "mlflow.source.git.commit": commit,
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.dirty": "false",
        "mlflow.project.entryPoint": "train",
        "mlflow.project.backend": "local",
        "mlflow.runName": "first",
        "team": "red",
        "nbproj.exit_code": "0",
        "nbproj.version": nbproj.__version__,
    }
    assert {name: run.tags.get(name) for name in expected} == expected
    assert run.tags["mlflow.user"]
    assert json.loads(run.tags["nbproj.owner"])["pid"] > 0


def test_uncommitted_changes_are_said_and_kept_as_a_patch(project, store):
    folder = project("entry_points: {main: {command: 'true'}}\n", a__txt="one\n")
    committed(folder)
    (folder / "a.txt").write_text("two\n")
    run = nbproj.run(folder)
    assert run.tags["mlflow.source.git.dirty"] == "true"
    patch = run.artifact("run/changes.diff").read_text()
    assert "-one" in patch
    assert "+two" in patch


@pytest.mark.parametrize(
    ("command", "status", "code"),
    [
        ("exit 3", "FAILED", 3),
        ("kill -TERM $$", "FAILED", 143),
        ("{python} -c 'import mlflow; mlflow.start_run(); mlflow.end_run()'", "FINISHED", 0),
        ("{python} -c 'import mlflow; mlflow.start_run(); mlflow.end_run()'; exit 5", "FAILED", 5),
        ("{python} -c 'import mlflow; mlflow.start_run(); mlflow.end_run(\"KILLED\")'", "KILLED", 1),
        ("{python} -c 'import mlflow; mlflow.start_run(); mlflow.end_run(\"FAILED\")'", "FAILED", 1),
    ],
)
def test_the_status_agrees_with_the_process_and_with_user_code(command, status, code, project, only_run):
    folder = project(f"entry_points: {{main: {{command: {json.dumps(command.replace('{python}', sys.executable))}}}}}\n")
    if status == "FINISHED":
        assert nbproj.run(folder).status == "FINISHED"
    else:
        with pytest.raises(RunFailed) as caught:
            nbproj.run(folder)
        assert caught.value.exit_code == code
        assert caught.value.run.status == status
    assert (only_run().status, only_run().tags["nbproj.exit_code"]) == (status, str(code))
    assert only_run().end_time is not None


def test_a_timeout_ends_the_run_and_says_so(project, only_run, nobody_left):
    folder = project("entry_points: {main: {command: 'echo begun; sleep 100 & sleep 100'}}\n")
    with pytest.raises(RunFailed, match="timeout after 4 s") as caught:  # time enough for the shell to begin
        nbproj.run(folder, timeout=4)
    assert caught.value.exit_code == 124
    assert (only_run().status, only_run().tags["nbproj.exit_code"]) == ("FAILED", "124")
    assert caught.value.run.logs() == "begun\n"
    nobody_left()


def test_what_a_program_logs_through_mlflow_is_in_the_run(project, store):
    program = """
        import mlflow
        with mlflow.start_run():
            mlflow.log_metric("rmse", 0.5, step=1)
            mlflow.log_metric("rmse", 0.25, step=2)
            mlflow.set_tag("colour", "red")
            mlflow.log_text("hello", "notes/hello.txt")
    """
    run = nbproj.run(project(train__py=textwrap.dedent(program)), "train.py")
    assert run.metrics == {"rmse": 0.25}
    assert run.tags["colour"] == "red"
    assert "notes/hello.txt" in run.artifacts
    assert run.status == "FINISHED"


def test_a_program_that_names_its_experiment_runs_in_it(project, store):
    program = 'import mlflow\nmlflow.set_experiment("wine")\nwith mlflow.start_run():\n    mlflow.log_metric("a", 1)\n'
    folder = project(train__py=program)
    run = nbproj.run(folder, "train.py")
    assert run.experiment_id == store.experiment(name="wine")
    assert run.metrics == {"a": 1.0}


def test_a_flag_decides_the_experiment_before_the_program_does(project, store, monkeypatch):
    folder = project("entry_points: {main: {command: 'true'}}\n")
    assert nbproj.run(folder, experiment_name="mine").experiment_id == store.experiment(name="mine")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "theirs")
    assert nbproj.run(folder).experiment_id == store.experiment(name="theirs")
    assert nbproj.run(folder, experiment_name="mine").experiment_id == store.experiment(name="mine")


def test_a_run_inside_a_run_is_its_child_also_from_another_process(project, store):
    folder = project(
        "entry_points: {inner: {command: 'true'}}\n",
        outer__py="import nbproj\nprint(nbproj.run('.', 'inner').run_id)\n",
    )
    outer = nbproj.run(folder, "outer.py")
    inner = store.get_run(outer.logs().strip())
    assert inner.tags["mlflow.parentRunId"] == outer.run_id
    assert inner.tags["mlflow.project.entryPoint"] == "inner"
    assert inner.status == "FINISHED"


def test_a_run_inside_an_active_mlflow_run_is_its_child(project, store, monkeypatch):
    import mlflow

    folder = project("entry_points: {main: {command: 'true'}}\n")
    mlflow.set_tracking_uri(store.uri)
    try:
        with mlflow.start_run() as parent:
            run = nbproj.run(folder)
    finally:
        mlflow.set_tracking_uri(None)
    assert run.tags["mlflow.parentRunId"] == parent.info.run_id


def test_a_run_that_would_call_itself_is_skipped_with_a_note(project, store):
    program = """
        import nbproj
        notes = []
        run = nbproj.run(".", "again.py", progress=lambda event: notes.append(event.text) if event.step == "note" else None)
        print(run.run_id, notes)
    """
    folder = project(again__py=textwrap.dedent(program))
    run = nbproj.run(folder, "again.py")
    assert run.logs().startswith(f"{run.run_id} ['again.py already runs above as {run.run_id[:8]}")
    assert len(store.search_runs()) == 1


def test_nothing_that_is_passed_in_is_changed(project, store):
    folder = project("entry_points: {main: {parameters: {a: float}, command: 'echo {a}'}}\n")
    parameters, config, tags = {"a": 1}, {"x": {"y": 1}}, {"t": "1"}
    nbproj.run(folder, parameters=parameters, backend_config=config, tags=tags)
    assert (parameters, config, tags) == ({"a": 1}, {"x": {"y": 1}}, {"t": "1"})


def test_a_secret_reaches_the_program_and_nothing_else(project, store, home, tmp_path):
    folder = project(
        textwrap.dedent("""\
            entry_points:
              main:
                parameters: {token: {type: string, secret: true, env: API_TOKEN}}
                command: echo "got $API_TOKEN"; echo "$API_TOKEN" | base64; echo "$API_TOKEN" > "$NBPROJ_OUTPUT_DIR/../../../seen"; ps -ef
            """)
    )
    secret = "correct-horse-battery"
    run = nbproj.run(folder, parameters={"token": secret})
    assert (home / ".local/state/nbproj/seen").read_text().strip() == secret
    (home / ".local/state/nbproj/seen").unlink()
    assert "got" in run.logs()
    assert secret not in run.logs()
    assert secret not in json.dumps(run.to_dict()) + repr(run) + run.summary()
    for folder in (home, tmp_path):
        for path in folder.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path


def test_a_secret_of_the_wrong_type_is_refused_without_being_said(project, store):
    folder = project("entry_points: {main: {parameters: {token: {type: int, secret: true}}, command: 'true'}}\n")
    with pytest.raises(NbprojError, match="parameter 'token'") as caught:
        nbproj.run(folder, "main", parameters={"token": "correct-horse-battery"})
    assert "correct-horse" not in str(caught.value)


def test_an_existing_run_can_be_continued(project, store):
    folder = project("entry_points: {main: {parameters: {a: {type: int, default: 1}}, command: 'echo {a}'}}\n")
    record = store.create_run(store.experiment(), name="prepared", tags={})
    run = nbproj.run(folder, run_id=record.run_id)
    assert run.run_id == record.run_id
    assert run.status == "FINISHED"
    assert run.params == {"a": "1"}


def test_rerun_runs_the_same_again(project, store):
    folder = project("entry_points: {main: {parameters: {a: int}, command: 'echo {a}'}}\n")
    first = nbproj.run(folder, parameters={"a": 7})
    second = first.rerun()
    assert second.run_id != first.run_id
    assert dict(second.params) == dict(first.params)


def test_relative_paths_start_where_the_caller_stands_and_defaults_in_the_project(project, store, tmp_path, monkeypatch):
    folder = project(
        "entry_points: {main: {parameters: {mine: path, yours: {type: path, default: d.csv}}, command: 'cat {mine} {yours}'}}\n", d__csv="default"
    )
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/m.csv").write_text("mine ")
    monkeypatch.chdir(tmp_path / "elsewhere")
    run = nbproj.run(folder, parameters={"mine": "m.csv"})
    assert run.logs() == "mine default"
    assert run.params == {"mine": "m.csv", "yours": "d.csv"}


def test_a_failure_is_one_line_in_ipython_and_still_an_error(project, store):
    from IPython.core.interactiveshell import InteractiveShell

    folder = project("entry_points: {main: {command: 'exit 4'}}\n")
    with pytest.raises(RunFailed) as caught:
        nbproj.run(folder)
    assert caught.value._render_traceback_() == [f"RunFailed: {caught.value}"]
    assert str(caught.value) == f"run {caught.value.run.run_id[:8]} failed: exit code 4"
    assert InteractiveShell is not None


def test_a_store_that_refuses_the_final_status_is_told_by_the_next_command(project, store, cli, monkeypatch):
    from nbproj.errors import StoreUnreachableError
    from nbproj.tracking.mlflow_store import open_store

    folder = project("entry_points: {main: {command: 'true'}}\n")
    real = type(store).close_run

    def refuse(self, *arguments, **options):
        msg = "the store is away"
        raise StoreUnreachableError(msg)

    monkeypatch.setattr(type(store), "close_run", refuse)
    notes = []
    run = nbproj.run(folder, progress=lambda event: notes.append(event.text) if event.step == "note" else None)
    assert "could not be stored" in notes[-1]
    assert run.status == "RUNNING"
    monkeypatch.setattr(type(store), "close_run", real)
    assert cli("show", folder).code == 0
    assert open_store(store.uri).get_run(run.run_id).status == "FINISHED"
