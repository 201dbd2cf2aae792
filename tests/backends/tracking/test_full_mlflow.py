"""Users open our runs with a full MLflow, beside nbproj or in an environment of its own."""

import json
import subprocess

from full_mlflow import full_mlflow

from nbproj.tracking.location import database_uri, variables
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.store import Metric

READ = """
import json, os, sys, mlflow
client = mlflow.MlflowClient()
run = client.get_run(sys.argv[1])
files = [one.path for one in client.list_artifacts(run.info.run_id, "run")]
text = open(client.download_artifacts(run.info.run_id, "run/output.log")).read()
with mlflow.start_run(run_id=sys.argv[1]):
    mlflow.log_metric("theirs", 2.0)
    mlflow.log_dict({"a": 1}, "theirs.json")
made = mlflow.create_experiment("theirs")
print(json.dumps([run.data.params, run.data.metrics, run.data.tags["k"], run.info.run_name, files, text]))
"""


def test_a_full_mlflow_reads_the_store_and_adds_to_it(tmp_path):
    store = open_store(database_uri(tmp_path / "mlflow.db"))
    run = store.create_run(store.experiment(name="ours"), name="first", tags={"k": "v"})
    store.log_params(run.run_id, {"alpha": "0.5"})
    store.log_metrics(run.run_id, [Metric("loss", 0.25, 1)])
    (tmp_path / "log").write_text("hello")
    store.log_artifacts(run.run_id, {"run/output.log": tmp_path / "log"})
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true", **variables(store.uri)}
    done = subprocess.run(
        [str(full_mlflow()), "-c", READ, run.run_id], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [{"alpha": "0.5"}, {"loss": 0.25}, "v", "first", ["run/output.log"], "hello"]
    assert store.get_run(run.run_id).metrics == {"loss": 0.25, "theirs": 2.0}
    assert [path for path, _ in store.list_artifacts(run.run_id)] == ["run/output.log", "theirs.json"]
    assert store.get_run(run.run_id).status == "FINISHED"


def test_a_store_made_from_the_blueprint_is_the_one_that_mlflow_makes(tmp_path):
    import sqlite3

    from nbproj.tracking import library

    library.load()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    open_store(database_uri(tmp_path / "ours.db"))
    with library.quiet():
        SqlAlchemyStore(f"sqlite:///{tmp_path}/theirs.db", str(tmp_path / "mlruns")).engine.dispose()

    def content(name):
        connection = sqlite3.connect(tmp_path / name)
        try:
            schema = sorted(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall(), key=str)
            tables = [row[1] for row in schema if row[0] == "table"]
            rows = {table: connection.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables if table != "experiments"}
            columns = "experiment_id, name, artifact_location, lifecycle_stage, workspace"
            # The migrations write a table's constraints in the order of a set, another one in every process.
            clauses = [(*row[:3], sorted(line.strip().rstrip(",") for line in (row[3] or "").splitlines())) for row in schema]
            return sorted(clauses, key=lambda row: row[:3]), rows, connection.execute(f"SELECT {columns} FROM experiments").fetchall()
        finally:
            connection.close()

    assert content("ours.db") == content("theirs.db")
