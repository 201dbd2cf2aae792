"""What a batch costs: beside papermill in two processes, and as it grows: time and memory of the driver stay what they were."""

import json
import os
import sys

import nbformat
import pytest
from harness import side_by_side, whole_process

pytestmark = pytest.mark.timeout(900)

FIVE = ("import os, sys", "print(alpha)", "values = [alpha * n for n in range(10)]", "sum(values)")

PAPERMILL = """
import multiprocessing, sys
from papermill import execute_notebook

def work(number):
    execute_notebook(sys.argv[1], f"out-{number}.ipynb", {"alpha": number / 40}, progress_bar=False)

if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        pool.map(work, range(40), chunksize=1)
"""

GROWING = """
import json, sys, time
from pathlib import Path
import nbproj

def resident():
    "Return the memory of this process, in bytes."
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def carry(project, first, size):
    began = time.perf_counter()
    batch = nbproj.batch(project, parameters={"n": f"range({first}, {first + size})"}, workers=2)
    seconds = time.perf_counter() - began
    assert batch.counts["finished"] == size
    return seconds / size

carry(sys.argv[1], 0, 10)  # imports, the first store
small = carry(sys.argv[1], 10_000, 100)
after_small = resident()
large = carry(sys.argv[1], 20_000, 1000)
after_large = resident()
again = carry(sys.argv[1], 30_000, 100)
Path("answer.json").write_text(json.dumps({"small": [small, again], "large": large, "memory": [after_small, after_large]}))
"""


@pytest.fixture
def place(tmp_path, nbproj_python):
    """Return where a measured process works: a folder of its own."""

    def prepare(name):
        folder = tmp_path / name
        folder.mkdir()
        path = os.pathsep.join([str(nbproj_python.parent), os.environ["PATH"]])
        return {"cwd": folder, "env": os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "PATH": path}}

    return prepare


def test_forty_notebooks_with_two_workers(compare, place, nbproj_python, tmp_path):
    make = nbformat.v4
    cells = [make.new_code_cell("alpha = 0.5", metadata={"tags": ["parameters"]}), *map(make.new_code_cell, FIVE)]
    path = tmp_path / "nb.ipynb"
    nbformat.write(
        make.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}), path
    )
    ours, theirs = place("ours"), place("theirs")
    command = [nbproj_python.with_name("nbproj"), "batch", path, "-P", "alpha=linspace(0, 1, 40)", "-j", "2", "--fresh", "--json"]
    result = side_by_side(
        compare("40 notebooks, 2 workers, whole process", "papermill, 2 processes"),
        lambda: whole_process(command, **ours),
        lambda: whole_process([nbproj_python, "-c", PAPERMILL, path], **theirs),
        rounds=3,
    )
    log = (ours["cwd"] / "benchmark.log").read_text()
    assert json.loads(log[log.index("{\n") : log.rindex("}") + 1])["counts"]["finished"] == 40
    assert result.wall <= 0.40


def test_a_thousand_runs_cost_each_what_a_hundred_do_and_the_driver_does_not_grow(place, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "MLproject").write_text("entry_points: {main: {parameters: {n: int}, command: 'true {n}'}}\n")
    here = place("growing")
    whole_process([sys.executable, "-c", GROWING, project], **here)
    told = json.loads((here["cwd"] / "answer.json").read_text())
    # The machine is shared: the hundred are measured before and after the thousand.
    assert told["large"] <= 1.15 * max(told["small"]), told
    assert told["memory"][1] <= 1.2 * told["memory"][0], told
