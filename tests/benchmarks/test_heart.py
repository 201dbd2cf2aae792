"""What a run of a trivial project costs beside `mlflow run`, and what `import nbproj` costs beside IPython."""

import os
import sys
from pathlib import Path

import pytest
from harness import WarmProcess, side_by_side, whole_process

pytestmark = pytest.mark.timeout(1500)  # the first run on a machine builds the peer's environment

OURS = Path(sys.executable)
TRIVIAL = "name: trivial\nentry_points:\n  main:\n    parameters: {alpha: {type: float, default: 0.5}}\n    command: python -c pass {alpha}\n"


@pytest.fixture
def project(tmp_path):
    """Return the folder of a project that does nothing, outside any Git repository."""
    folder = tmp_path / "trivial"
    folder.mkdir()
    (folder / "MLproject").write_text(TRIVIAL)
    return folder


@pytest.fixture
def desk(tmp_path):
    """Return a folder to work in and the variables of a process there, with a store of its own: same kind, same `python`, for ours and theirs."""

    def prepare(name):
        folder = tmp_path / name
        folder.mkdir()
        path = os.pathsep.join([str(OURS.parent), os.environ["PATH"]])
        return {"cwd": folder, "env": os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "PATH": path}}

    return prepare


@pytest.fixture
def trivial_run(compare, project, desk, full_mlflow_python):
    """Return how the trivial project is run by an nbproj and by mlflow, whole processes in turn."""

    def measure(what, python):
        ours, theirs = desk("ours"), desk("theirs")
        arguments = ["run", project, "--env-manager", "local", "-P", "alpha=0.3"]
        return side_by_side(
            compare(what, "mlflow run"),
            lambda: whole_process([python.with_name("nbproj"), *arguments], **ours),
            lambda: whole_process([full_mlflow_python.with_name("mlflow"), *arguments], **theirs),
            rounds=7,
        )

    return measure


def test_a_run_from_the_command_line_takes_less_time_and_memory_than_mlflow_run(trivial_run, nbproj_python):
    result = trivial_run("a trivial run, command line", nbproj_python)
    assert result.wall <= 0.75
    assert result.memory <= 0.65


def test_a_run_from_the_command_line_stays_below_mlflow_run_where_pandas_is_installed(trivial_run):
    # mlflow's library imports pandas where it finds it; a user's environment often has it, as this one does.
    result = trivial_run("the same, pandas installed", OURS)
    assert result.wall < 1
    assert result.memory < 1


def last_run(folder):
    """Return the last run of a store, and the paths of its artifacts."""
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    run = client.search_runs(["0"], order_by=["attributes.start_time DESC"], max_results=1)[0]
    return run, [file.path for top in client.list_artifacts(run.info.run_id) for file in client.list_artifacts(run.info.run_id, top.path)]


@pytest.mark.filterwarnings("ignore")  # mlflow's own, on the way to its store
def test_a_run_in_a_warm_process_costs_about_what_mlflow_takes_and_records_more(compare, project, desk, nbproj_python, full_mlflow_python):
    ours, theirs = desk("ours"), desk("theirs")
    call = f"run({str(project)!r}, parameters={{'alpha': 0.3}}, env_manager='local')"
    with (
        WarmProcess(nbproj_python, "from nbproj import run", call, **ours) as our_process,
        WarmProcess(full_mlflow_python, "from mlflow.projects import run", call, **theirs) as their_process,
    ):
        result = side_by_side(compare("a trivial run, warm process", "mlflow.projects.run"), our_process.call, their_process.call, rounds=25)

    (our_run, our_files), (their_run, their_files) = last_run(ours["cwd"]), last_run(theirs["cwd"])
    assert our_run.data.params == their_run.data.params == {"alpha": "0.3"}
    assert set(our_run.data.tags) > set(their_run.data.tags)
    assert set(our_files) > set(their_files)
    assert result.wall <= 1.5


def test_import_nbproj_costs_less_than_import_ipython(compare, desk, nbproj_python):
    place = desk("ours")
    result = side_by_side(
        compare("import, fresh interpreter", "import IPython"),
        lambda: whole_process([nbproj_python, "-c", "import nbproj"], **place),
        lambda: whole_process([nbproj_python, "-c", "import IPython"], **place),
        rounds=9,
    )
    assert result.wall < 1
