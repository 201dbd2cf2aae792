"""What a caller asks of a notebook besides its parameters: other cells, a place for the result, going on after errors, runs inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import bare_kernel
import nbformat
import pytest
import warm

import nbproj
from nbproj import RunFailed


def document(path: str | Path) -> dict:
    """Return a notebook's document."""
    return json.loads(Path(path).read_text())


def test_two_entry_points_of_a_notebook_run_where_there_is_only_ipykernel(notebook, store, home):
    kernel = bare_kernel.install_kernelspec(home)
    path = notebook(
        "%load_ext nbproj",
        "%%parameters\nalpha: float = 0.5\nkind: Literal['a', 'b'] = 'a'",
        "import importlib.util, nbproj\nprint(importlib.util.find_spec('mlflow'))",
        "%%entrypoint train\nprint('train', alpha, kind)\nnbproj.log_metric('alpha', alpha)",
        "%%entrypoint evaluate\nprint('evaluate', alpha, kind)",
        kernel=kernel,
    )
    changed = document(path)
    changed["cells"][4]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["of yesterday\n"]}]
    path.write_text(json.dumps(changed))
    train = nbproj.run(path, "train", parameters={"alpha": 2})
    assert train.logs() == "None\ntrain 2.0 a\n"
    assert train.metrics == {"alpha": 2.0}
    assert document(train.notebook)["cells"][-1] == changed["cells"][4]
    assert nbproj.run(path, "evaluate", parameters={"kind": "b"}).logs() == "None\nevaluate 0.5 b\n"


def test_errors_that_are_allowed_do_not_stop_a_notebook_and_do_not_hide(cli, notebook, store, only_run):
    path = notebook("print('one')", "1 / 0", "print('two')", "{}['x']")
    done = cli("run", path, "--allow-errors")
    assert (done.code, done.out) == (1, "one\ntwo\n")
    assert "cell 2: ZeroDivisionError: division by zero" in done.err
    assert only_run().status == "FAILED"
    assert nbproj.run(notebook("pass"), allow_errors=True).status == "FINISHED"


def test_a_command_has_no_cells_to_go_on_with(cli, project, store):
    done = cli("run", project("entry_points: {main: {command: 'true'}}"), "--allow-errors")
    assert (done.code, store.search_runs()) == (120, [])
    assert done.err.splitlines() == ["nbproj run: --allow-errors is for notebooks, and 'main' is a command"]


def test_a_place_that_nothing_can_be_written_to_is_refused_before_anything_runs(cli, notebook, store, tmp_path):
    path = notebook("print('ran')")
    before = path.read_bytes()
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "link.ipynb").symlink_to(path)
    for output, told in (
        (path, "is the notebook that is to run, which would be lost"),
        (tmp_path / "link.ipynb", "is the notebook that is to run, which would be lost"),
        (tmp_path / "gone/done.ipynb", "cannot be written: there is no folder"),
        (tmp_path / "folder.ipynb", "is a folder"),
        ("s3://bucket/done.ipynb", "is not on this machine"),
    ):
        done = cli("run", path, "--output", output)
        assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
        assert told in done.err
    assert path.read_bytes() == before
    assert store.search_runs() == []


def test_two_runs_to_one_place_leave_one_whole_notebook_there(notebook, store, tmp_path):
    path, output = notebook("print('x' * 100_000, n)", parameters="n = 0"), tmp_path / "done.ipynb"
    commands = [[sys.executable, "-m", "nbproj", "run", path, "-q", "-P", f"n={n}", "--output", output] for n in (1, 2)]
    runs = [warm.Popen(command, stdout=subprocess.DEVNULL, cwd=tmp_path) for command in commands]
    assert [run.wait(120) for run in runs] == [0, 0]
    nbformat.validate(nbformat.read(output, 4))
    assert [path.name for path in tmp_path.glob("*done.ipynb*")] == ["done.ipynb"]


def test_a_notebook_that_is_executed_runs_others_inside_its_own_run(notebook, store):
    inner = notebook("print('x is', x)", parameters="x = 1", name="project/inner.ipynb")
    outer = notebook("%load_ext nbproj", f"run = %mlrun {inner} -P x=2\nprint(run.status)", "%mlrun", "print('went on')")
    run = nbproj.run(outer)
    skipped = f"main already runs above as {run.run_id[:8]}: this call would recurse and is skipped"
    assert run.logs().splitlines()[-3:] == ["FINISHED", skipped, "went on"]
    children = [one for one in store.search_runs() if one.tags.get("mlflow.parentRunId") == run.run_id]
    assert [(one.params["x"], one.status) for one in children] == [("2", "FINISHED")]
    assert len(store.search_runs()) == 2


def test_a_run_inside_needs_nbproj_in_the_kernels_environment_and_says_so(notebook, store, home):
    path = notebook("%load_ext nbproj", "%mlrun", kernel=bare_kernel.install_kernelspec(home))
    with pytest.raises(RunFailed) as caught:
        nbproj.run(path)
    assert "nbproj" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_kernel_dies_with_the_command_that_runs_it(notebook, store, nobody_left, tmp_path, mark):
    flag = tmp_path / "begun"
    path = notebook(f"import pathlib, time\npathlib.Path({str(flag)!r}).touch()\ntime.sleep(100)")
    with subprocess.Popen([sys.executable, "-m", "nbproj", "run", path, "-q"], cwd=tmp_path, env={**os.environ}) as driver:
        while not flag.exists():
            assert driver.poll() is None
        driver.kill()
    nobody_left()
    subprocess.run([sys.executable, "-m", "nbproj", "runs"], check=True, timeout=60, stdout=subprocess.DEVNULL, cwd=tmp_path)
    [run] = store.search_runs()
    assert run.status in {"FAILED", "KILLED"}
