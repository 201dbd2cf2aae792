"""Logs whatever this version of MLflow can log, and prints what it reads back; run by nbproj in an environment that pins the version."""

import importlib.util
import json
import os
import pathlib
import sys
import tempfile

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

have = {name for name in ("pandas", "matplotlib") if importlib.util.find_spec(name)}
major = int(mlflow.__version__.split(".")[0])
client = MlflowClient()
told = {"version": mlflow.__version__, "python": "{}.{}".format(*sys.version_info)}

with mlflow.start_run() as run:
    run_id = run.info.run_id
    mlflow.log_param("alpha", 0.5)
    mlflow.log_params({"layers": 3, "name": "größer → 0"})
    for step, value in enumerate([0.5, 0.25, 0.125]):
        mlflow.log_metric("rmse", value, step=step)
    mlflow.log_metrics({"nan": float("nan"), "inf": float("inf")}, step=7)
    mlflow.set_tag("colour", "blue")
    mlflow.set_tags({"gone": "soon", "mlflow.note.content": "written by the program"})
    mlflow.delete_tag("gone")
    client.log_batch(
        run_id,
        metrics=[Metric("loss", 1.0 / (step + 1), 1_700_000_000_000 + step, step) for step in range(900)],
        params=[Param(f"p{number}", str(number)) for number in range(90)],
        tags=[RunTag("batch", "yes")],
    )
    mlflow.log_text("hello\n", "texts/hello.txt")
    mlflow.log_dict({"a": [1, 2]}, "settings.json")
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "big.bin").write_bytes(bytes(range(256)) * 20_000)
    (folder / "with blank & ümlaut.txt").write_text("content")
    mlflow.log_artifact(str(folder / "big.bin"), "data")
    mlflow.log_artifacts(str(folder), "data/folder")
    if "matplotlib" in have:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2, 2))
        figure.subplots().plot([1, 2, 4])
        mlflow.log_figure(figure, "plots/curve.png")
    if "pandas" in have:
        import pandas as pd

        frame = pd.DataFrame({"x": [1, 2, 3], "y": [2, 4, 6]})
        mlflow.log_input(mlflow.data.from_pandas(frame, name="doubles"), context="training")
        mlflow.log_table(frame, "table.json")

        class Twice(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):
                return model_input * 2

        where = {"artifact_path": "model"} if major < 3 else {"name": "model"}
        model = mlflow.pyfunc.log_model(python_model=Twice(), pip_requirements=["mlflow-skinny"], **where)
        loaded = mlflow.pyfunc.load_model(model.model_uri)
        told["predicted"] = loaded.predict(frame)["y"].tolist()
        told["model_id"] = getattr(model, "model_id", None)
    with mlflow.start_run(run_name="inner", nested=True) as inner:
        mlflow.log_metric("depth", 1)
        mlflow.log_text("from inside", "inside.txt")
        with mlflow.start_run(run_name="innermost", nested=True) as innermost:
            mlflow.log_metric("depth", 2)
    told["children"] = [inner.info.run_id, innermost.info.run_id]

read = client.get_run(run_id)
told["experiment"] = mlflow.get_experiment(read.info.experiment_id).name
told["read"] = {"rmse": read.data.metrics["rmse"], "alpha": read.data.params["alpha"], "colour": read.data.tags["colour"]}
told["history"] = [one.value for one in client.get_metric_history(run_id, "rmse")]
told["listed"] = sorted(one.path for one in client.list_artifacts(run_id))
fetched = (
    client.download_artifacts(run_id, "data/folder") if major < 2 else mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="data/folder")
)
told["fetched"] = sorted(entry.name for entry in pathlib.Path(fetched).iterdir())
found = client.search_runs([read.info.experiment_id], "metrics.depth >= 1")
told["found"] = sorted(one.info.run_id for one in found)
pathlib.Path(os.environ["NBPROJ_OUTPUT_DIR"], "told.json").write_text(json.dumps(told))
