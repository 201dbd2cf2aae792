"""What a notebook costs beside papermill, which keeps no record: warm, from the command line, with much output, in threads."""

import json
import os

import nbformat
import pytest
from harness import WarmProcess, side_by_side, whole_process

pytestmark = pytest.mark.timeout(900)

FIVE = ("import os, sys", "print(alpha)", "values = [alpha * n for n in range(10)]", "sum(values)")
BLOCK = "line = 'x' * 99\nfor _ in range(4_545):\n    print(line)"  # 22 of them are 10 MB


def write(path, *sources):
    """Write a notebook whose first cell holds its parameters."""
    make = nbformat.v4
    cells = [make.new_code_cell("alpha = 0.5", metadata={"tags": ["parameters"]}), *map(make.new_code_cell, sources)]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(
        make.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}), path
    )
    return path


@pytest.fixture
def place(tmp_path, nbproj_python):
    """Return where a measured process works: a folder of its own, one environment for ours and theirs."""

    def prepare(name):
        folder = tmp_path / name
        folder.mkdir()
        path = os.pathsep.join([str(nbproj_python.parent), os.environ["PATH"]])
        return {"cwd": folder, "env": os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "PATH": path}}

    return prepare


@pytest.fixture
def both(place, nbproj_python):
    """Return how a notebook is run by warm processes, ours with a record and theirs without, in turn."""

    def measure(comparison, path, rounds):
        ours, theirs = place("ours"), place("theirs")
        call = f"run({str(path)!r}, parameters={{'alpha': 0.3}})"
        their_call = f"execute_notebook({str(path)!r}, 'out.ipynb', {{'alpha': 0.3}}, progress_bar=False)"
        with (
            WarmProcess(nbproj_python, "from nbproj import run", call, **ours) as our_process,
            WarmProcess(nbproj_python, "from papermill import execute_notebook", their_call, **theirs) as their_process,
        ):
            return side_by_side(comparison, our_process.call, their_process.call, rounds=rounds)

    return measure


def test_a_notebook_with_parameters_in_a_warm_process(compare, both, tmp_path):
    result = both(compare("5 cells, 1 parameter, warm", "papermill"), write(tmp_path / "nb.ipynb", *FIVE), 9)
    assert result.wall <= 0.60


def test_a_notebook_from_the_command_line(compare, place, nbproj_python, tmp_path):
    path = write(tmp_path / "nb.ipynb", *FIVE)
    ours, theirs = place("ours"), place("theirs")
    result = side_by_side(
        compare("5 cells, 1 parameter, command line", "papermill"),
        lambda: whole_process([nbproj_python.with_name("nbproj"), "run", path, "-P", "alpha=0.3"], **ours),
        lambda: whole_process([nbproj_python.with_name("papermill"), path, "out.ipynb", "-p", "alpha", "0.3"], **theirs),
        rounds=5,
    )
    assert result.wall <= 2.2


def test_much_output(compare, both, tmp_path):
    result = both(compare("22 cells, 10 MB of output, warm", "papermill"), write(tmp_path / "nb.ipynb", *[BLOCK] * 22), 3)
    assert result.wall <= 0.7


THREADS = """
import json, threading
from pathlib import Path
import nbproj
paths = {paths!r}
found = {{}}
def work(path):
    run = nbproj.run(path, parameters={{"alpha": 0.3}})
    found[path] = [run.status, run.logs()]
def all_at_once():
    threads = [threading.Thread(target=work, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Path("found.json").write_text(json.dumps(found))
"""


def test_eight_notebooks_in_eight_threads_are_right_and_quicker_than_one_after_the_other(compare, place, nbproj_python, tmp_path):
    paths = [str(write(tmp_path / f"folder {n}" / "nb.ipynb", "import os\nprint(os.path.basename(os.getcwd()), alpha)")) for n in range(8)]
    ours, theirs = place("ours"), place("theirs")
    prepare = f"import os\nfrom papermill import execute_notebook\npaths = {paths!r}"
    call = "[execute_notebook(path, 'out.ipynb', {'alpha': 0.3}, progress_bar=False, cwd=os.path.dirname(path)) for path in paths]"
    with (
        WarmProcess(nbproj_python, THREADS.format(paths=paths), "all_at_once()", **ours) as our_process,
        WarmProcess(nbproj_python, prepare, call, **theirs) as their_process,
    ):
        result = side_by_side(compare("8 notebooks in 8 threads", "papermill, in turn"), our_process.call, their_process.call, rounds=2)
    found = json.loads((ours["cwd"] / "found.json").read_text())
    assert found == {path: ["FINISHED", f"folder {n} 0.3\n"] for n, path in enumerate(paths)}
    assert result.wall <= 0.7
