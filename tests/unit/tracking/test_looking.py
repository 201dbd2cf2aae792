"""Who only looks at the runs of a file gets what MLflow's library would say, without waiting for its import."""

import math
import subprocess
import sys

import pytest

from nbproj.errors import StoreError
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.store import Metric, RunNotFoundError

LOOK = """
import sys
from nbproj.tracking.mlflow_store import open_store
store = open_store(sys.argv[1], create=False)
run, = store.search_runs()
assert store.get_run(run.run_id) == run
assert store.experiment(name="Default", create=False) == "0"
assert store.get_status(run.run_id) == "RUNNING"
print(run.run_id, "mlflow" in sys.modules)
print(store.search_runs(filter_string="attributes.status = 'RUNNING'") == [run], "mlflow" in sys.modules)
"""


def test_a_look_at_runs_imports_mlflow_only_for_a_filter(uri, run):
    done = subprocess.run([sys.executable, "-c", LOOK, uri], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == (f"{run.run_id} False\nTrue True\n", "")


def test_what_is_read_is_what_the_library_reads(uri, store):
    wine = store.experiment(name="wine ü")
    for number in range(3):
        run = store.create_run(wine, name=None if number else "named", tags={"mlflow.user": "eva", "z": "1", "a": "\n"})
        store.log_params(run.run_id, {"beta": "", "alpha": "0.5"})
        store.log_metrics(run.run_id, [Metric("loss", value, 1, step) for step, value in enumerate((0.5, 0.25))])
        store.log_metrics(run.run_id, [Metric("large", math.inf, 1), Metric("small", -math.inf, 1)])
    store.set_status(run.run_id, "FAILED", end_time=7)
    store.create_run("0", name=None, tags={})
    looking = open_store(uri, create=False)
    assert looking.search_runs([wine]) == store.search_runs([wine])
    assert len(looking.search_runs([wine], limit=2)) == 2
    assert looking.search_runs([]) == []
    assert len(looking.search_runs()) == 4
    assert looking.get_run(run.run_id) == store.get_run(run.run_id)
    assert store.get_run(run.run_id).metrics == {"loss": 0.25, "large": math.inf, "small": -math.inf}
    assert looking.experiment(name="wine ü", create=False) == wine
    assert "_backing" not in vars(looking)


def test_what_is_not_there_is_told_in_the_librarys_words(uri, store):
    looking = open_store(uri, create=False)
    with pytest.raises(RunNotFoundError, match="knows no such run"):
        looking.get_run("0" * 32)
    with pytest.raises(StoreError, match="there is no experiment 'nowhere'"):
        open_store(uri, create=False).experiment(name="nowhere", create=False)


def test_whoever_only_looked_can_still_write(uri, run):
    looking = open_store(uri, create=False)
    assert looking.get_run(run.run_id).status == "RUNNING"
    looking.set_tags(run.run_id, {"late": "1"})
    assert looking.get_run(run.run_id).tags["late"] == "1"
