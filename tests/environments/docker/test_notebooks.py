"""Notebooks whose kernel runs in a container that has nothing but ipykernel, on a real engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import nbformat
import nbformat.v4
import pytest
from docker_engine import untag

import nbproj

DIABETES = Path(__file__).parents[3] / "notebooks/diabetes"
SITE = Path(mlflow.__file__).parent.parent
MOUNTED = f'volumes: ["{SITE}:/site:ro"]\nenvironment: [["PYTHONPATH", "/site"], ["MPLBACKEND", "agg"]]'
ENTRY = "  main: {notebook: nb.ipynb}\n"


def outputs(run) -> list[str]:
    """Return what the cells of a run's executed notebook printed."""
    document = nbformat.read(Path(run.artifact_uri) / "run/nb.ipynb", 4)
    return ["".join(one.get("text", "") for one in cell.get("outputs", ())) for cell in document.cells if cell.cell_type == "code"]


def test_a_notebook_runs_in_the_container_with_its_values_and_results(cli, container_project, notebook, only_run, containers, tmp_path):
    (tmp_path / "data.txt").write_text("an input")
    folder = container_project("  main:\n    notebook: nb.ipynb\n    parameters: {data: path, n: int}\n")
    notebook(
        "import os, pathlib, sys\nprint(type(data).__name__, data, pathlib.Path(data).read_text(), n + 1)",
        "print(os.getcwd(), os.getuid(), os.path.exists('/.dockerenv'))",
        "import nbproj\nnbproj.log_metric('score', n * 2)",
        "(pathlib.Path(os.environ['NBPROJ_OUTPUT_DIR']) / 'out.txt').write_text('made inside')",
        parameters="data = None\nn = 1",
    )

    done = cli("run", folder, "-P", f"data={tmp_path}/data.txt", "-P", "n=4")

    assert done.code == 0, done.err
    run = only_run()
    printed = outputs(run)
    assert "PosixPath /mlflow/nbproj/inputs/data/data.txt an input 5\n" in printed
    assert f"/mlflow/projects/code {os.getuid()} True\n" in printed
    assert (run.status, run.metrics) == ("FINISHED", {"score": 8.0})
    assert (Path(run.artifact_uri) / "out.txt").read_text() == "made inside"
    assert run.params["data"] == f"{tmp_path}/data.txt"


def test_a_notebook_runs_as_another_user_of_the_container(cli, container_project, notebook, only_run, containers):
    folder = container_project(ENTRY, more='user: "1234:1234"')
    notebook("import os\nprint(os.getuid(), os.getgid())", "import nbproj\nnbproj.log_metric('score', 5)")

    done = cli("run", folder)

    assert done.code == 0, done.err
    assert outputs(only_run())[0] == "1234 1234\n"
    assert only_run().metrics == {"score": 5.0}


def test_a_notebook_needs_no_network(cli, container_project, notebook, only_run, containers):
    folder = container_project(ENTRY)
    notebook("import os\nprint(sorted(os.listdir('/sys/class/net')))", "import nbproj\nnbproj.log_metric('score', 5)")

    done = cli("run", folder, "-A", "network=none")

    assert done.code == 0, done.err
    assert outputs(only_run())[0] == "['lo']\n"
    assert only_run().metrics == {"score": 5.0}, "results come over the kernel's own messages"


@pytest.mark.parametrize(
    ("source", "options", "code", "reason"),
    [
        ("raise ValueError('wrong inside')", [], 1, "cell 1: ValueError: wrong inside"),
        ("import os\nos._exit(9)", [], 9, "the kernel died in cell 1: exit code 9"),
        ("x = bytearray(400_000_000)", ["-A", "memory=150m"], 137, "the kernel died in cell 1: ended by signal 9 (SIGKILL), probably out of memory"),
    ],
)
def test_a_notebook_that_fails_in_the_container_tells_where(source, options, code, reason, cli, container_project, notebook, only_run, containers):
    folder = container_project(ENTRY)
    notebook(source)

    done = cli("run", folder, *options)

    assert done.code == code, done.err
    assert (only_run().status, only_run().tags["nbproj.reason"]) == ("FAILED", reason)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_notebook_whose_driver_is_ended_leaves_no_container(
    number, code, cli, container_project, notebook, only_run, containers, nobody_left, monkeypatch
):
    monkeypatch.setenv("NBPROJ_GRACE", "30")  # of five seconds a busy machine may keep all to itself
    folder = container_project(ENTRY)
    notebook("import time\nprint('begins', flush=True)\ntime.sleep(600)")
    process = subprocess.Popen([sys.executable, "-m", "nbproj", "run", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert any(b"begins" in line for line in iter(process.stdout.readline, b""))
        process.send_signal(number)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()

    assert process.returncode == code
    nobody_left()
    deadline = time.monotonic() + 30
    while containers():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    cli("runs")
    assert only_run().status == "KILLED"


def test_a_kernel_of_this_machine_is_refused(cli, container_project, notebook, containers):
    folder = container_project(ENTRY)
    notebook("1")

    done = cli("run", folder, "--kernel", "python3")

    assert done.code in {120, 121}
    assert "--kernel names a kernel of this machine, and the notebook runs in a container: leave it out" in done.err


@pytest.fixture
def diabetes(tmp_path, engine, name):
    """Return the project of the README, to run in a container that finds its packages on this machine."""
    folder = tmp_path / "diabetes"
    shutil.copytree(DIABETES, folder, ignore=shutil.ignore_patterns("mlruns", "mlflow.db", "__pycache__"))
    lines = ["", "docker_env:", f"  image: {engine.kernel}", *(f"  {line}" for line in MOUNTED.splitlines())]
    file = folder / "MLproject"
    file.write_text(file.read_text().replace("name: diabetes", f"name: {name}" + "\n".join(lines)))
    yield folder
    untag(engine.client, name)


def test_the_diabetes_project_runs_its_script_and_its_notebook(cli, diabetes, store, containers):
    script = nbproj.run(diabetes, "train_script", parameters={"alpha": 0.3})
    notebook = cli("run", diabetes, "-e", "train", "-P", "alpha=0.3", "--json", timeout=280)

    assert notebook.code == 0, notebook.err
    assert script.status == notebook.json["status"] == "FINISHED"
    assert script.metrics["rmse"] == pytest.approx(notebook.json["metrics"]["rmse"])
    assert all(one.tags["nbproj.tracking"].startswith("gateway") for one in store.search_runs())
    assert all(one.tags["mlflow.project.env"] == "docker" for one in store.search_runs())


def test_the_magic_runs_the_diabetes_project_in_its_container(diabetes, only_run, containers, tmp_path):
    from nbclient import NotebookClient

    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext nbproj", "%mlrun diabetes -e train_script -P alpha=0.3")]
    document = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}})

    NotebookClient(document, timeout=280, resources={"metadata": {"path": str(tmp_path)}}, store_widget_state=False).execute()

    run = only_run()
    assert (run.status, run.tags["mlflow.project.env"]) == ("FINISHED", "docker")
    card = next(output.data for output in document.cells[1].outputs if output.output_type == "display_data")
    assert run.run_id in json.dumps(card)
    assert "rmse" in json.dumps(card)
