"""What `nbproj export` writes, a full `mlflow run` runs: each entry point, with the results of `nbproj run`."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from full_mlflow import full_mlflow

from nbproj.tracking.mlflow_store import open_store

NAMES = ("alpha", "seed", "verbose", "label", "mode", "rates", "since", "data", "limit", "guess")
SEEN = f"import json, os\nnames = {NAMES!r}\nseen = {{name: repr(globals()[name]) for name in names if name in globals()}}"
WRITTEN = "open(os.environ['SEEN'], 'w').write(json.dumps({'point': '{}', **seen}))"

MLPROJECT = """
name: wine
entry_points:
  train:
    notebook: notebooks/wine.ipynb
    parameters: {seed: {type: int, default: 11}}
  judge:
    notebook: notebooks/wine.ipynb
    cells: eval
  shell:
    parameters: {alpha: {type: float, default: 0.5}, note: {default: "two words; $HOME 'x'"}}
    command: printf '%s|%s' {alpha} {note} > "$SEEN"
"""

SHARED = 'alpha: float = 0.5\nseed = 7\nverbose: bool = False\nlabel: str = "1"\nlimit: int | None = None'

CELLS = [
    "%load_ext nbproj",
    f'%%parameters\n{SHARED}\nmode: Literal["fast", "good"] = "fast"',
    "before = alpha",
    '%%parameters --entry train\nrates: list[float] = [0.1, 1]\nsince: date = "2026-01-31"\nguess = before * 2',
    '# parameters\n# entrypoint: eval\ndata: Path = "test.csv"',
    SEEN,
    "%%entrypoint train\n" + WRITTEN.replace("{}", "train") + "\nimport mlflow\nmlflow.log_metric('product', alpha * seed * sum(rates))",
    "# entrypoint: eval\nassert data.read_text() == 'a,b'\n" + WRITTEN.replace("{}", "eval"),
]

CALLS = {
    "train": {"alpha": "0.25", "verbose": "true", "since": "2025-12-24", "rates": "[2, 3]", "limit": "4"},
    "judge": {"mode": "good", "label": "0x"},
    "shell": {"alpha": "1e-3"},
}


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project") / "wine"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "MLproject").write_text(MLPROJECT)
    (folder / "notebooks/test.csv").write_text("a,b")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), folder / "notebooks/wine.ipynb")
    return folder


def seen(path, folder):
    """Return what a run has left, its project's folder called PROJECT."""
    text = path.read_text().replace(str(folder), "PROJECT")
    return json.loads(text) if text.startswith("{") else text


def test_mlflow_run_gives_each_entry_point_the_results_of_nbproj_run(cli, store, wine, tmp_path):
    exported = cli("export", wine, "-o", tmp_path / "out", "--json")
    assert exported.code == 0, exported.err
    assert exported.json["entry_points"][:3] == ["train", "judge", "shell"]
    assert {"notebooks/train.ipynb", "notebooks/judge.ipynb", "MLproject"} <= set(exported.json["files"])
    assert (tmp_path / "out/notebooks/test.csv").read_text() == "a,b"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    running, stores = {}, {}
    for name, given in CALLS.items():
        values = [word for key, value in given.items() for word in ("-P", f"{key}={value}")]
        command = [str(full_mlflow()), "-m", "mlflow", "run", str(tmp_path / "out"), "-e", name, *values, "--env-manager", "local"]
        # A store for each: MLflow's own SQLite gives up after five seconds in which another one writes.
        stores[name] = open_store(f"sqlite:///{tmp_path}/{name}.db")
        environment = {**os.environ, "PATH": path, "SEEN": str(tmp_path / f"{name}.theirs"), "MLFLOW_EXPERIMENT_NAME": name}
        environment["MLFLOW_TRACKING_URI"] = stores[name].uri
        running[name] = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for name, given in CALLS.items():
        values = [word for key, value in given.items() for word in ("-P", f"{key}={value}")]
        ours = cli("run", wine, "-e", name, *values, "--json", SEEN=str(tmp_path / f"{name}.ours"))
        assert ours.code == 0, ours.err
        out, _ = running[name].communicate(timeout=200)
        assert running[name].returncode == 0, out[-3000:]
        assert seen(tmp_path / f"{name}.theirs", tmp_path / "out") == seen(tmp_path / f"{name}.ours", wine)
        theirs = stores[name].search_runs([stores[name].experiment(name=name)])[0]
        raw = {key: shlex.split(value)[0] for key, value in theirs.params.items()}  # mlflow tracks what it has quoted for the shell
        assert {key: value for key, value in raw.items() if value not in {"None", "before * 2"}} == {
            key: value for key, value in ours.json["params"].items() if value != "None"
        }
        assert theirs.metrics == ours.json["metrics"]
    assert seen(tmp_path / "train.ours", wine)["guess"] == "0.5"  # the notebook made it of what the cell above was given
    assert "executed" in {item.name for item in (tmp_path / "out").iterdir()}


def test_papermill_alone_and_nbproj_run_what_was_exported(cli, wine, tmp_path):
    assert cli("export", wine, "-o", tmp_path / "out").code == 0
    checked = cli("check", "--strict", tmp_path / "out")
    assert checked.code == 0, checked.err
    plain = [sys.executable, "-m", "papermill", "--no-progress-bar", "train.ipynb", "done.ipynb", "-p", "alpha", "0.75", "-y", "rates: [5]"]
    environment = {**os.environ, "SEEN": str(tmp_path / "plain"), "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/plain.db"}
    subprocess.run(plain, cwd=tmp_path / "out/notebooks", env=environment, check=True, timeout=240, capture_output=True)
    ran = cli("run", tmp_path / "out", "-e", "train", "-P", "alpha=0.75", "-P", "rates=[5]", SEEN=str(tmp_path / "ours"))
    assert ran.code == 0, ran.err
    assert seen(tmp_path / "plain", tmp_path) == seen(tmp_path / "ours", tmp_path)
    assert seen(tmp_path / "plain", tmp_path)["since"] == "datetime.date(2026, 1, 31)"
    assert seen(tmp_path / "plain", tmp_path)["seed"] == "11"
