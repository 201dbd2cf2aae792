"""What may be written down, and where it goes when there is no run."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nbproj
from nbproj.execution import prelude
from nbproj.execution.results import checked
from nbproj.logbook.values import is_good_name
from nbproj.tracking.mlflow_store import open_store

SOURCES = [*sorted(Path(nbproj.__file__).parent.joinpath("logbook").glob("*.py")), Path(prelude.__file__)]


def say(code: str, *environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_what_is_sent_to_kernels_is_python_3_8_and_imports_only_what_every_python_has(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module).partition(".")[0])
    assert imported - set(sys.stdlib_module_names) <= {"nbproj", "mlflow", "IPython", "zmq"}  # of these what an ipykernel has, or a guarded import


@pytest.mark.parametrize("name", ["rmse", "val/loss", "a b", "x.y-z_1", "ß", "a:b"])
def test_names_that_mlflow_takes_are_good(name):
    assert is_good_name(name)


@pytest.mark.parametrize("name", ["", "a,b", "../a", "a/../b", "/a", "a/", "a//b", ".", "..", "x" * 251, "a\n", "a\0"])
def test_other_names_are_refused_where_they_are_said(name):
    assert not is_good_name(name)
    with pytest.raises(ValueError, match="a name may hold letters"):
        nbproj.log_metric(name, 1)


@pytest.mark.parametrize("value", ["1.5", b"1", None, [1], {}, object(), 10**400])
def test_what_is_no_number_is_refused_where_it_is_said(value):
    with pytest.raises(TypeError, match="metric 'rmse': a number is expected"):
        nbproj.log_metric("rmse", value)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", "run/output.log", "run", "a\0b", "."])
def test_an_artifact_stays_among_the_artifacts(name):
    with pytest.raises(ValueError, match="artifact"):
        nbproj.log_artifact(b"", name)


def test_a_file_that_is_not_there_and_bytes_without_a_name_are_refused():
    with pytest.raises(FileNotFoundError, match=r"there is no file 'absent.csv'"):
        nbproj.log_artifact("absent.csv")
    with pytest.raises(ValueError, match="bytes need a name"):
        nbproj.log_artifact(b"x")


def test_what_is_no_figure_is_refused():
    with pytest.raises(TypeError, match="int is no figure of matplotlib, Plotly or PIL"):
        nbproj.log_figure(3, "x")


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {},
        {"metric": 1, "value": 1},
        {"metric": "a"},
        {"metric": "a", "value": True},
        {"metric": "a", "value": "1.5"},
        {"metric": "a", "value": [1]},
        {"metric": "a", "value": 10**400},
        {"metric": "a", "value": 1, "step": 1.5},
        {"metric": "a", "value": 1, "step": 2**63},
        {"metric": "a", "value": 1, "step": "1"},
        {"param": "../a", "value": 1},
        {"tag": "nbproj.owner", "value": ""},
        {"tag": "mlflow.parentRunId", "value": ""},
    ],
)
def test_what_a_program_says_is_not_believed(entry):
    with pytest.raises(ValueError, match=r"."):
        checked(entry)


@pytest.mark.parametrize("time", [None, "now", -1, 2**60, 1.5, True])
def test_a_time_that_is_none_becomes_now(time):
    assert checked({"metric": "a", "value": 1, "time": time}).time > 1_700_000_000_000


def test_huge_texts_are_cut_before_they_reach_the_store():
    assert len(checked({"param": "a", "value": "x" * 10_000_000}).text) == 100_000


def test_without_a_run_one_line_tells_what_was_not_recorded_and_the_program_goes_on():
    done = say(
        "import nbproj\nfor i in range(100): nbproj.log_metric('loss', 1 / (i + 1), i)\nnbproj.log_param('a', 'b')\nnbproj.log_artifact(b'', 'x.bin')"
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "nbproj: no run here, so this is shown only: loss = 0.01 (last of 100), a = b, x.bin\n"


def test_in_a_shell_the_line_comes_with_the_cell():
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as Shell\nshell = Shell.instance()\n"
        "import sys\nsys.stderr = sys.stdout\n"
        "for cell in ('import nbproj; nbproj.log_metric(\"a\", 1)', 'print(2)', 'nbproj.log_metric(\"a\", 3)'):\n"
        "    shell.run_cell(cell); print('--')\n"
    )
    assert say(code).stdout == (
        "nbproj: no run here, so this is shown only: a = 1\n--\n2\n--\nnbproj: no run here, so this is shown only: a = 3\n--\n"
    )


def test_in_a_run_of_mlflow_itself_everything_goes_there(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    open_store(f"sqlite:///{tmp_path}/mlflow.db")  # a database that MLflow makes by itself takes it seconds
    done = say(
        "import mlflow, nbproj\nwith mlflow.start_run() as run:\n    nbproj.log_metrics({'a': 1, 'b': float('nan')}, 3)\n"
        "    nbproj.log_param('p', 1)\n"
        "    nbproj.set_tag('t', 'x')\n    nbproj.log_artifact(b'x', 'deep/x.bin')\n"
        "data = mlflow.get_run(run.info.run_id).data\nprint(data.metrics, data.params, data.tags['t'])\n"
        "print([one.path for one in mlflow.MlflowClient().list_artifacts(run.info.run_id, 'deep')])"
    )
    assert done.stdout.splitlines() == ["{'a': 1.0, 'b': nan} {'p': '1'} x", "['deep/x.bin']"], done.stderr
