"""Entry points that run as Jobs on a real cluster: their output, their results, their end."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import mlflow
import nbformat
import nbformat.v4
import pytest
import yaml
from kubernetes_cluster.relay import relayed
from nbclient import NotebookClient

import nbproj

DIABETES = Path(__file__).parents[3] / "notebooks/diabetes"
SITE = Path(mlflow.__file__).parent.parent


def notebook_of(store, run, tmp_path):
    """Return the executed notebook of a run."""
    return nbformat.read(store.download_artifact(run.run_id, "run/nb.ipynb", tmp_path), 4)


def test_a_script_runs_as_a_job_of_the_template_with_its_values_and_variables(
    submit, job_project, runs, jobs, store, tmp_path, api, namespace, monkeypatch
):
    monkeypatch.setenv("COPIED", "from here")
    monkeypatch.setenv("SITE_PASSWORD", "geheim-123")
    folder = job_project(
        "  main:\n    parameters: {alpha: float, key: {type: string, secret: true}}\n    command: 'python train.py {alpha}'\n",
        more='environment: [["GREETING", "hello, pod"], "COPIED", "SITE_PASSWORD"]',
        template=lambda text: text.replace(
            "      restartPolicy", "      - {name: side, image: nbproj-test-pause:1, command: [/usr/bin/sleep, '1']}\n      restartPolicy"
        ),
        train__py="import os, sys, mlflow\nwith mlflow.start_run():\n    mlflow.log_metric('rmse', float(sys.argv[1]))\n"
        "print(os.environ['GREETING'], os.environ['COPIED'], os.getcwd(), len(os.environ['KEY']), os.environ['SITE_PASSWORD'])\n",
    )
    template = (tmp_path / "job.yaml").read_bytes()

    done = submit(folder, "-P", "alpha=0.3", "-P", "key=s3cret-value")

    assert done.code == 0, done.err
    assert "hello, pod from here /mlflow/projects/code 12 ***" in done.out
    [run] = runs()
    assert (run.status, run.metrics, run.params["alpha"]) == ("FINISHED", {"rmse": 0.3}, "0.3")
    assert (tmp_path / "job.yaml").read_bytes() == template, "the user's file stays as it is"
    [job] = jobs()
    asked, made = yaml.safe_load(template), api.sanitize_for_serialization(job)
    assert re.fullmatch(r"wine-quality-\d{4}(-\d\d){5}-[0-9a-f]{8}", made["metadata"]["name"])
    assert made["metadata"]["labels"]["team"] == "wine"
    first, side = made["spec"]["template"]["spec"]["containers"]
    assert first["name"] == "wine-quality"
    assert re.fullmatch(rf"localhost:\d+/{namespace}@sha256:[0-9a-f]{{64}}", first["image"])
    assert first["image"] == run.tags["mlflow.docker.image.uri"]
    assert first["command"][-1] == "python train.py 0.3"
    assert first["resources"] == asked["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert {key: side[key] for key in ("name", "image", "command")} == asked["spec"]["template"]["spec"]["containers"][1]
    assert "env" not in side
    for key in ("ttlSecondsAfterFinished", "backoffLimit"):
        assert made["spec"][key] == asked["spec"][key]
    secret = api.core.read_namespaced_secret(job.metadata.name, namespace)
    assert set(secret.data) == {"KEY", "SITE_PASSWORD"}
    assert secret.metadata.owner_references[0].uid == job.metadata.uid, "it goes with the Job"
    text = json.dumps(made) + json.dumps(dict(run.tags))
    assert "s3cret-value" not in text
    assert "geheim-123" not in text
    assert "environment.txt" in str(store.list_artifacts(run.run_id))


def test_pods_reach_the_tracking_server_by_an_address_of_their_own(submit, job_project, runs, jobs, api, pod_server):
    """This machine has it on loopback, where no pod comes."""
    step = "import os, mlflow\nwith mlflow.start_run():\n    mlflow.log_metric('there', 1)\nprint(os.environ['MLFLOW_TRACKING_URI'])\n"
    folder = job_project("  main: {command: 'python step.py'}\n", step__py=step)

    with relayed(pod_server.host, pod_server.port) as address:
        here = {"MLFLOW_TRACKING_URI": f"http://{address}"}
        refused = submit(folder, **here)
        done = submit(folder, **here, KUBE_MLFLOW_TRACKING_URI=pod_server.uri)

    assert (refused.code, done.code) == (120, 0), done.err
    assert "Set KUBE_MLFLOW_TRACKING_URI" in refused.err
    [run] = runs()
    assert run.metrics == {"there": 1.0}
    assert pod_server.uri in done.out.splitlines()
    assert f"http://{address}" in done.err, "what this machine calls it"
    made = json.dumps(api.sanitize_for_serialization(jobs()[0]))
    assert address not in made


def test_a_notebook_runs_in_a_pod_and_is_kept_also_when_it_fails(submit, job_project, notebook, runs, store, tmp_path):
    folder = job_project("  main:\n    notebook: nb.ipynb\n    parameters: {n: int}\n")
    notebook(
        "import nbproj, os, pathlib\nnbproj.log_metric('twice', n * 2)\nprint('n is', n)",
        "(pathlib.Path(os.environ['NBPROJ_OUTPUT_DIR']) / 'out.txt').write_text('made inside')",
        "assert n < 5, 'too many'",
        "print('never for many')",
        parameters="n = 1",
    )

    good, bad = submit(folder, "-P", "n=4"), submit(folder, "-P", "n=7")

    assert good.code == 0, good.err
    assert bad.code == 1
    assert "n is 4" in good.out
    assert "AssertionError: too many" in bad.out
    finished, failed = runs()
    assert (finished.status, finished.metrics, failed.status, failed.metrics) == ("FINISHED", {"twice": 8.0}, "FAILED", {"twice": 14.0})
    assert failed.tags["nbproj.reason"] == "cell 4: AssertionError: too many"
    assert "out.txt" in dict(store.list_artifacts(finished.run_id))
    outputs = [cell.outputs for cell in notebook_of(store, failed, tmp_path).cells if cell.cell_type == "code"]
    assert [one.output_type for cell in outputs for one in cell][-1] == "error"
    assert outputs[-1] == [], "what comes behind a cell that fails is not run"


def with_packages(text):
    """Return a template whose pods find the packages of this very environment: nothing is downloaded."""
    container = """
        env: [{name: PYTHONPATH, value: /site}, {name: MPLBACKEND, value: agg}]
        volumeMounts: [{name: site, mountPath: /site, readOnly: true}]"""
    text = text.replace("          limits: {memory: 512Mi}", "          limits: {memory: 1500Mi}" + container)
    return text.replace("      restartPolicy", f"      volumes: [{{name: site, hostPath: {{path: {SITE}}}}}]\n      restartPolicy")


def test_the_diabetes_project_runs_from_the_command_line_from_python_and_by_the_magic(submit, job_project, store, runs, tmp_path):
    declared = (DIABETES / "MLproject").read_text().partition("entry_points:\n")[2]
    folder = job_project(declared, template=with_packages)
    shutil.copytree(DIABETES, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mlruns", "mlflow.db", "__pycache__", "MLproject"))
    config = str(tmp_path / "backend.json")

    typed = submit(folder, "-e", "train", "-P", "alpha=0.3")
    script = nbproj.run(folder, "train_script", parameters={"alpha": 0.3}, backend="kubernetes", backend_config=config)
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext nbproj", f"%mlrun {folder} -e train -P alpha=0.3 -b kubernetes -c {config}")]
    document = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}})
    NotebookClient(document, timeout=280, resources={"metadata": {"path": str(tmp_path)}}, store_widget_state=False).execute()

    assert typed.code == 0, typed.err
    assert script.status == "FINISHED"
    first, second, third = runs()
    assert (second.run_id, third.status) == (script.run_id, "FINISHED")
    assert first.metrics["rmse"] == second.metrics["rmse"] == pytest.approx(third.metrics["rmse"])
    for one in (first, third):
        assert "run/train.ipynb" in dict(store.list_artifacts(one.run_id))
