"""Reuse: an equal run that has finished well is returned, in one line; whatever differs, or is gone, makes a new one."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import nbproj
from nbproj.errors import UsageError
from nbproj.magics.mlrun import run_line
from nbproj.order import Order
from nbproj.record import RunFailed
from nbproj.runner import carry_out

MLPROJECT = """
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5}
      fail: {type: bool, default: false}
      token: {type: string, secret: true, optional: true}
    command: python train.py {fail}
  write:
    parameters:
      out: {type: path, exists: false}
    command: sh -c 'echo made > "$1"' sh {out}
"""
TRAIN = "import sys; print('trained'); sys.exit(3 if sys.argv[1] == 'true' else 0)\n"


@pytest.fixture
def folder(project):
    return project(MLPROJECT, train__py=TRAIN)


@pytest.fixture
def run(folder, store):
    """Return a function that runs the project and gives the run, and what was remarked."""

    def go(entry_point="main", *, reuse=True, uri=None, parameters=None, **options):
        notes = []
        made = nbproj.run(
            str(uri or folder),
            entry_point,
            parameters=parameters,
            reuse=reuse,
            progress=lambda event: event.step == "note" and notes.append(event.text),
            **options,
        )
        return made, " ".join(notes)

    return go


def test_an_equal_run_is_returned_and_nothing_runs(run, store):
    first, notes = run(reuse=False)
    assert (first.reused, notes) == (False, "")
    again, notes = run(parameters={"alpha": "5e-1", "token": "s3cret"})
    assert (again.run_id, again.reused, again.status, again.exit_code) == (first.run_id, True, "FINISHED", 0)
    assert notes.startswith(f"reused run {first.run_id[:8]} of ")
    assert notes.endswith(" s ago; same entry point, parameters, environment and source")
    assert len(store.search_runs()) == 1
    assert "s3cret" not in repr(store.search_runs())
    anew = again.rerun()
    assert (anew.reused, len(store.search_runs())) == (False, 2)
    assert run()[0].run_id == anew.run_id  # the newest


def test_what_differs_makes_a_new_run_and_is_named(run, folder, store):
    assert run()[1] == "there is no finished run of 'main' to reuse: it runs"
    first, _ = run()
    other, notes = run(parameters={"alpha": 0.6})
    assert (other.reused, f"run {first.run_id[:8]} of " in notes, notes.endswith("differs in parameters (alpha): it runs")) == (False, True, True)
    (folder / "train.py").write_text(TRAIN + "# changed\n")
    changed, notes = run()
    assert (changed.reused, notes.endswith("differs in source (train.py changed): it runs")) == (False, True)
    (folder / "train.py").write_text(TRAIN)
    assert run()[0].run_id == first.run_id
    elsewhere, _ = run(experiment_name="another")
    assert not elsewhere.reused
    assert len(store.search_runs()) == 4


def test_a_run_that_did_not_finish_well_is_not_reused(run, store):
    with pytest.raises(RunFailed):
        run(parameters={"fail": True})
    with pytest.raises(RunFailed):
        run(parameters={"fail": True})
    early, _ = run()
    store.delete_tags(early.run_id, ["nbproj.exit_code"])  # its own code has ended it, and its driver goes on
    assert run()[0].run_id != early.run_id


def test_a_run_whose_artifacts_are_gone_is_not_reused(run):
    first, _ = run()
    shutil.rmtree(Path(first.record.artifact_uri.removeprefix("file://")))
    again, notes = run()
    assert not again.reused
    assert f"run {first.run_id[:8]} of " in notes
    assert "its artifacts are gone: it runs again" in notes


def test_a_run_whose_output_is_gone_or_was_written_over_is_not_reused(run, folder):
    out = folder / "out.txt"
    first, _ = run("write", parameters={"out": out})
    assert run("write", parameters={"out": out})[0].run_id == first.run_id
    out.unlink()
    again, notes = run("write", parameters={"out": out})
    assert (again.reused, "its output out.txt is gone" in notes, out.read_text()) == (False, True, "made\n")
    later = time.time() + 10
    os.utime(out, (later, later))
    again, notes = run("write", parameters={"out": out})
    assert (again.reused, "its output out.txt has been written since" in notes) == (False, True)


def test_a_commit_of_what_ran_is_reused_and_a_change_is_not(run, folder):
    def git(*arguments):
        command = ["git", "-c", "user.name=E", "-c", "user.email=e@example.org", *arguments]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    (folder / "train.py").write_text(TRAIN + "# two\n")
    dirty, _ = run()
    git("commit", "--quiet", "--all", "--message", "two")
    assert run()[0].run_id == dirty.run_id
    assert run(version=git("rev-parse", "HEAD"))[0].run_id == dirty.run_id
    assert run(uri=f"git+file://{folder}")[0].run_id == dirty.run_id
    (folder / "train.py").write_text(TRAIN + "# three\n")
    assert not run()[0].reused


def test_a_notebook_is_reused_after_it_was_saved_with_its_outputs(run, notebook, folder, tmp_path):
    path = notebook("print(alpha)", parameters="alpha = 1")
    first, _ = run("nb.ipynb", parameters={"alpha": 2})
    shutil.copy(first.notebook, folder / "executed.ipynb")
    path.write_text(path.read_text().replace('"execution_count": null', '"execution_count": 7'))
    output = tmp_path / "copy.ipynb"
    again, _ = run("nb.ipynb", parameters={"alpha": "2"})
    assert again.run_id == first.run_id
    copied = carry_out(Order(str(folder), "nb.ipynb", parameters={"alpha": 2}, reuse=True, output=output))
    assert (copied.run_id, output.read_bytes()) == (first.run_id, Path(first.notebook).read_bytes())
    page = carry_out(Order(str(folder), "nb.ipynb", parameters={"alpha": 2}, reuse=True, html=True))
    assert not page.reused  # the earlier one has no page


def test_reuse_and_a_run_to_continue_contradict_each_other(run):
    with pytest.raises(UsageError, match="leave one of them out"):
        run(run_id="0" * 32)


def test_the_command_line_reuses_also_detached(cli, folder, store):
    first = cli("run", folder, "--json").json
    again = cli("run", folder, "--reuse", "--json")
    assert (again.code, again.json["run_id"]) == (0, first["run_id"])
    assert f"note: reused run {first['run_id'][:8]} of " in again.err
    detached = cli("run", folder, "--reuse", "--detach")
    assert (detached.code, detached.out.strip()) == (0, first["run_id"])
    assert "goes on by itself" not in detached.err
    assert len(store.search_runs()) == 1


def test_the_magic_reuses_and_gives_the_run_that_was_there(folder, store, capsys):
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    first = run_line(f"{folder} --reuse", shell)
    again = run_line(f"{folder} --reuse", shell)
    assert (first.reused, again.reused, again.run_id) == (False, True, first.run_id)
    assert f"reused run {first.run_id[:8]} of " in capsys.readouterr().err


def test_two_at_once_may_both_run_and_both_end_well(cli, folder, store):
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _number: cli("run", folder, "--reuse", "--json"), range(2)))
    assert [one.code for one in done] == [0, 0]
    told = {one.json["run_id"] for one in done}
    runs = {run.run_id: run.status for run in store.search_runs()}
    assert told <= runs.keys()
    assert set(runs.values()) == {"FINISHED"}


def test_a_step_inside_a_run_is_reused_by_the_next_run(run, folder, project, store, tmp_path):
    steps = shutil.copytree(folder, tmp_path / "steps")
    flow = f"import nbproj\nstep = nbproj.run({str(steps)!r}, reuse=True)\nprint('step', step.run_id, step.reused)\n"
    (folder / "flow.py").write_text(flow)
    first, _ = run("flow.py", reuse=False)
    second, _ = run("flow.py", reuse=False)
    (step,) = [one for one in store.search_runs() if one.tags.get("mlflow.parentRunId")]
    assert step.tags["mlflow.parentRunId"] == first.run_id
    assert f"step {step.run_id} False" in first.logs()
    assert f"step {step.run_id} True" in second.logs()
