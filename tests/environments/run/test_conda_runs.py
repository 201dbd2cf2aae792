"""Runs in conda environments: scripts and notebooks, and machines without conda."""

import json
import os
import subprocess
import sys

import pytest
from environments.conda_channel import address, without_conda
from environments.wheelhouse import package

FILE = """channels: [{channel}]
dependencies:
  - python
  - demo_cli
variables: {{OF_THE_FILE: '007'}}
"""
SEE = """import json, os, sys
import demo_cli
names = ("CONDA_PREFIX", "DEMO_HOME", "DEMO_VAR", "OF_THE_FILE")
with open("{name}.json", "w") as file:
    json.dump([sys.version_info[:2], *(os.environ[name].replace(os.environ["CONDA_PREFIX"], "PREFIX") for name in names)], file)
"""
SEEN = ["PREFIX", "PREFIX/share/demo", "of the package", "007"]
HIDDEN = "import sys; sys.modules['rattler'] = None; from nbproj.cli import main; sys.exit(main())"
"""nbproj where py-rattler is not installed."""


@pytest.fixture
def bare(home, monkeypatch):
    """Return a function that runs nbproj on a machine with neither a conda nor py-rattler."""
    without_conda(monkeypatch)

    def run(*arguments):
        command = [sys.executable, "-c", HIDDEN, *map(str, arguments)]
        return subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=120, check=False)

    return run


def test_a_script_and_a_notebook_see_the_same_activated_environment(conda, cli, project, notebook, store):
    folder = project(conda__yaml=FILE.format(channel=address()), see__py=SEE.format(name="script"))
    notebook(SEE.format(name="notebook"))
    script = cli("run", folder, "-e", "see.py")
    assert script.code == 0, script.err
    cells = cli("run", folder, "-e", "nb.ipynb")
    assert cells.code == 0, cells.err
    assert "ipykernel is not among the packages of conda.yaml" in cells.err
    seen = [json.loads((folder / f"{name}.json").read_text()) for name in ("script", "notebook")]
    assert seen[0] == seen[1]
    assert seen[0][1:] == SEEN
    runs = store.search_runs()
    assert {run.tags["mlflow.project.env"] for run in runs} == {"conda"}
    assert {run.tags["nbproj.environment"] for run in runs} == {"conda"}


def test_a_specification_that_cannot_be_met_ends_the_run_with_the_solvers_words(cli, project, only_run):
    folder = project(conda__yaml=f"channels: [{address()}]\ndependencies: [demo-data, conflict]\n", see__py="")
    done = cli("run", folder, "-e", "see.py")
    assert done.code == 121
    assert "demo <1.1" in done.err
    assert only_run().status == "FAILED"
    assert only_run().tags["nbproj.exit_code"] == "121"


def test_without_conda_the_extra_that_brings_one_is_named_and_no_run_exists(bare, project, store):
    folder = project(conda__yaml="channels: [conda-forge]\ndependencies: [python, r-base=4.4]\n", see__py="")
    done = bare("run", folder, "-e", "see.py")
    assert done.returncode == 121
    assert "conda.yaml: asks for r-base=4.4, which conda installs" in done.stderr
    assert "pip install 'nbproj[conda]'" in done.stderr
    assert store.search_runs() == []


def test_without_conda_uv_makes_what_needs_only_python_and_pip_and_says_so(bare, project, no_index, store):
    text = "channels: [defaults]\ndependencies:\n  - python>=3.11\n  - pip: [tiny<2]\nvariables: {OF_THE_FILE: '007'}\n"
    folder = project(conda__yaml=text, see__py="import os, tiny; print('saw', tiny.__version__, os.environ['OF_THE_FILE'])")
    done = bare("run", folder, "-e", "see.py")
    assert done.returncode == 0, done.stderr
    assert "saw 1.0 007" in done.stdout
    assert "conda.yaml names only Python and pip packages, and conda is not here: uv makes the environment" in done.stderr


def test_a_run_can_be_repeated_in_exactly_its_packages(cli, project, no_index, store, tmp_path):
    text = f"channels: [{address()}]\ndependencies: [python, demo-data, pip: [tiny<2, ./own]]\n"
    folder = project(conda__yaml=text, see__py="import os, own, tiny; print('saw', tiny.__version__, os.environ['DEMO_VAR'])")
    package(folder / "own", "own", requires=["tiny"])
    first = cli("run", folder, "-e", "see.py")
    assert first.code == 0, first.err
    (run,) = store.search_runs()
    (folder / "conda.yaml").write_text(text.replace("tiny<2", "tiny"))
    again = cli("run", folder, "-e", "see.py", "--locked", run.run_id)
    assert again.code == 0, again.err
    assert first.out == again.out == "saw 1.0 of the package\n"
    texts = {store.download_artifact(one.run_id, "run/environment.txt", tmp_path).read_text() for one in store.search_runs()}
    assert len(texts) == 1
    assert "# conda file://" in texts.pop()
