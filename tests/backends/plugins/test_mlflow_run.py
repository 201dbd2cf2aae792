"""`mlflow run -b nbproj`, with a full MLflow: it waits, shows what is printed, and ends with the run's own exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from full_mlflow import full_mlflow

MLPROJECT = """
name: vine
entry_points:
  main:
    parameters: {alpha: float}
    command: "echo pruning {alpha} && exit 5"
  sleep: {command: "touch there && sleep 600"}
"""
OURS = Path(sys.prefix, "lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")


@pytest.fixture
def vine(plugins, project, store, tmp_path, monkeypatch):
    """Return what starts a full MLflow in whose environment nbproj is, too; its own packages come first."""
    folder = project(MLPROJECT)
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "sitecustomize.py").write_text(f"import sys\nsys.path.append({str(OURS)!r})\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(beside), os.environ["PYTHONPATH"]]))

    def start(*arguments):
        command = [full_mlflow(), "-m", "mlflow", "run", folder, "-b", "nbproj", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    start.folder = folder
    return start


@pytest.mark.timeout(600)
def test_mlflow_run_waits_and_ends_with_the_exit_code_of_the_run(vine, store, only_run):
    options = '{"timeout": 400, "tags": {"season": "spring"}}'
    with vine("-P", "alpha=0.25", "--run-name", "autumn", "--experiment-name", "garden", "--backend-config", options) as running:
        out, complaints = running.communicate(timeout=500)
    assert running.returncode == 5, complaints
    assert out == "pruning 0.25\n"
    run = only_run()
    assert (run.status, run.tags["nbproj.exit_code"], run.params) == ("FAILED", "5", {"alpha": "0.25"})
    assert (run.tags["mlflow.runName"], run.tags["mlflow.project.backend"]) == ("autumn", "nbproj")
    assert run.tags["season"] == "spring"
    assert run.experiment_id == store.experiment(name="garden")


@pytest.mark.timeout(600)
def test_ctrl_c_ends_the_run(vine, only_run, nobody_left):
    with vine("-e", "sleep") as running:
        try:
            deadline = time.monotonic() + 200
            while not (vine.folder / "there").exists():
                assert time.monotonic() < deadline
                assert running.poll() is None, running.communicate()
                time.sleep(0.05)
        finally:
            running.send_signal(signal.SIGINT)
        running.communicate(timeout=200)
    assert running.returncode == 130
    assert only_run().status == "KILLED"
    nobody_left()


@pytest.fixture
def projects(plugins):
    """Return MLflow's own module, as Python programs use it."""
    import mlflow.projects

    return mlflow.projects


def test_from_python_a_notebook_runs_and_mlflow_gets_the_run_that_is_in_the_store(projects, notebook, store, only_run, tmp_path, capsys):
    notebook("import nbproj\nnbproj.log_metric('double', 2 * alpha)\nprint('alpha is', alpha)", parameters="alpha = 0.1", name="project/prune.ipynb")
    submitted = projects.run(
        str(tmp_path / "project"), "prune.ipynb", parameters={"alpha": 0.25}, backend="nbproj", backend_config={"run_name": "quiet"}
    )
    run = only_run()
    assert (submitted.run_id, submitted.get_status()) == (run.run_id, "FINISHED")
    assert (run.tags["mlflow.runName"], run.metrics) == ("quiet", {"double": 0.5})
    assert "alpha is 0.25" in capsys.readouterr().out


@pytest.mark.parametrize(("config", "said"), [({}, "failed"), ({"timeuot": 3}, "'timeuot' is no option of nbproj. Did you mean 'timeout'?")])
def test_from_python_a_failure_is_mlflows_own_error(projects, project, store, config, said):
    folder = project("name: p\nentry_points:\n  fail: {command: 'exit 4'}\n")
    with pytest.raises(projects.ExecutionException, match=said):
        projects.run(str(folder), "fail", backend="nbproj", backend_config=config)


def test_what_mlflow_loads_imports_nothing_heavy(plugins):
    ask = "import sys, nbproj.mlflow_backend\nprint(sorted({'mlflow', 'papermill', 'click', 'git', 'docker', 'IPython'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
