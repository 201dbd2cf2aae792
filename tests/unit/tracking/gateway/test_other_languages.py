"""Requests in the words of clients in R, in Java, of long ago, and of people with curl: the same answers as from MLflow's own server."""

import base64
import json
import math
import threading
import urllib.parse

import pytest


def test_a_client_in_r_speaks_of_runs_by_both_names_and_writes_what_is_no_number_as_words(sender, store, run):
    both = {"run_uuid": run.run_id, "run_id": run.run_id}
    for step, value in enumerate([0.5, "NaN", "Infinity", "-Infinity"]):
        assert sender.post("runs/log-metric", key=f"m{step}", value=value, timestamp=1_700_000_000_000, step=step, **both).json == {}
    assert sender.post("runs/log-parameter", key="alpha", value="0.5", **both).json == {}
    assert sender.post("runs/set-tag", key="note", value="aus R: größer", **both).json == {}
    metrics = [{"key": "loss", "value": 1 / (step + 1), "timestamp": 1_700_000_000_000, "step": step} for step in range(3)]
    assert sender.post("runs/log-batch", run_id=run.run_id, metrics=metrics, params=[{"key": "b", "value": "1"}], tags=[]).json == {}
    ended = sender.post("runs/update", status="FINISHED", end_time=1_700_000_001_000, **both).json["run_info"]
    assert (ended["status"], ended["end_time"], ended["run_uuid"]) == ("FINISHED", 1_700_000_001_000, run.run_id)

    told = sender.get("runs/get", **both).json["run"]
    assert {one["key"]: one["value"] for one in told["data"]["params"]} == {"alpha": "0.5", "b": "1"}
    found = store.get_run(run.run_id)
    assert (found.metrics["m0"], found.metrics["loss"], found.tags["note"]) == (0.5, 1 / 3, "aus R: größer")
    assert math.isnan(found.metrics["m1"])
    assert found.metrics["m2"] > 1e308 > -1e308 > found.metrics["m3"]
    history = sender.get("metrics/get-history", metric_key="loss", **both).json["metrics"]
    assert [one["step"] for one in history] == [0, 1, 2]
    assert sender.get("experiments/get", experiment_id="0").json["experiment"]["name"] == "Default"
    assert sender.get("experiments/get-by-name", experiment_name="Default").json["experiment"]["experiment_id"] == "0"
    assert sender.get("experiments/list").json["experiments"][0]["experiment_id"] == "0"
    listed = sender.post("runs/search", experiment_ids=["0"], filter="", run_view_type="ACTIVE_ONLY", max_results=100, order_by=[]).json["runs"]
    assert [one["info"]["run_id"] for one in listed] == [run.run_id]
    assert sender.end() == []


def test_a_client_in_java_writes_long_numbers_as_texts(sender, store, run):
    body = {"run_uuid": run.run_id, "run_id": run.run_id, "key": "m", "value": 2.5, "timestamp": "1700000000000", "step": "7"}
    assert sender.post("runs/log-metric", **body).status == 200
    assert sender.post("runs/update", run_id=run.run_id, status="FAILED", end_time="1700000001000").status == 200
    (value,) = store.metric_history(run.run_id, "m")
    assert (value.value, value.timestamp, value.step) == (2.5, 1_700_000_000_000, 7)
    assert store.get_run(run.run_id).status == "FAILED"
    child = sender.post("runs/create", experiment_id="0", user_id="eva", start_time="1700000000000", run_name="from Java").json["run"]
    found = store.get_run(child["info"]["run_id"])
    assert (found.name, found.tags["mlflow.parentRunId"], found.start_time) == ("from Java", run.run_id, 1_700_000_000_000)


def test_clients_of_long_ago_use_another_beginning_and_encode_twice(sender, store, run):
    body = json.dumps(json.dumps({"run_uuid": run.run_id, "key": "old", "value": "yes"})).encode()
    assert sender.send("POST", "/api/2.0/preview/mlflow/runs/set-tag", body).status == 200
    assert sender.send("GET", f"/ajax-api/2.0/preview/mlflow/runs/get?run_uuid={run.run_id}").json["run"]["data"]["tags"]
    assert store.get_run(run.run_id).tags["old"] == "yes"


def test_curl_with_a_user_and_a_password_is_let_in(sender, run):
    password = base64.b64encode(f"anybody:{sender.gateway.token}".encode()).decode()
    answer = sender.send("GET", f"/api/2.0/mlflow/runs/get?run_id={run.run_id}", Authorization=f"Basic {password}")
    assert answer.json["run"]["info"]["artifact_uri"] == f"mlflow-artifacts:/0/{run.run_id}/artifacts"


@pytest.mark.parametrize("name", ["a.txt", "deep/er/b.bin", "with blank & ümlaut?.txt", "%41.txt"])
def test_a_file_that_is_sent_is_the_file_that_is_fetched_and_listed(sender, store, run, name):
    content = bytes(range(256)) * 40
    address = f"0/{run.run_id}/artifacts/{urllib.parse.quote(name)}"
    assert sender.artifact("PUT", address, content).status == 200
    answer = sender.artifact("GET", address)
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    folder, _, file = name.rpartition("/")
    assert (name, len(content)) in store.list_artifacts(run.run_id, folder)
    listed = sender.send("GET", f"/api/2.0/mlflow/artifacts/list?{urllib.parse.urlencode({'run_id': run.run_id, 'path': folder})}").json
    assert {"path": name, "is_dir": False, "file_size": len(content)} in listed["files"]
    assert listed["root_uri"] == f"mlflow-artifacts:/0/{run.run_id}/artifacts"
    direct = sender.send("GET", f"/api/2.0/mlflow-artifacts/artifacts?{urllib.parse.urlencode({'path': f'0/{run.run_id}/artifacts/{folder}'})}").json
    assert file in [one["path"] for one in direct["files"]]


def test_a_value_that_is_told_twice_because_the_answer_was_lost_is_recorded_once(sender, store, run):
    metric = {"key": "m", "value": 1.0, "timestamp": 1, "step": 1}
    for _ in range(2):
        assert sender.post("runs/log-batch", run_id=run.run_id, metrics=[metric, metric], params=[{"key": "p", "value": "1"}]).status == 200
    assert [one.value for one in store.metric_history(run.run_id, "m")] == [1.0]


def test_a_parameter_keeps_its_first_value_and_the_client_is_told_why(sender, store, run):
    sender.post("runs/log-parameter", run_id=run.run_id, key="p", value="1")
    answer = sender.post("runs/log-parameter", run_id=run.run_id, key="p", value="2")
    assert answer.status == 400
    assert "p" in answer.json["message"]
    assert "SQL" not in answer.json["message"]
    assert store.get_run(run.run_id).params == {"p": "1"}
    assert sender.end() == []  # the client's own error says it


def test_many_clients_at_once_lose_nothing(sender, store, run):
    failed = []

    def client(number):
        for step in range(10):
            answer = sender.post("runs/log-metric", run_id=run.run_id, key=f"m{number}", value=step, timestamp=step, step=step)
            if answer.status != 200:
                failed.append(answer)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failed == []
    assert [len(store.metric_history(run.run_id, f"m{number}")) for number in range(6)] == [10] * 6


def test_children_are_of_the_family_down_to_the_last_and_what_others_make_below_them_too(sender, store, run):
    child = sender.post("runs/create", experiment_id="0").json["run"]["info"]["run_id"]
    tags = [{"key": "mlflow.parentRunId", "value": child}]
    grandchild = sender.post("runs/create", experiment_id="0", tags=tags).json["run"]["info"]["run_id"]
    beside = store.create_run("0", name="by nbproj itself", tags={"mlflow.parentRunId": grandchild}).run_id
    for run_id in (child, grandchild, beside):
        assert sender.post("runs/set-tag", run_id=run_id, key="nbproj.exit_code", value="0").status == 200
        assert sender.get("runs/get", run_id=run_id).status == 200
    found = {one["info"]["run_id"] for one in sender.post("runs/search", experiment_ids=["0"]).json["runs"]}
    assert {run.run_id, child, grandchild} <= found
    assert sender.post("runs/set-tag", run_id=child, key="mlflow.parentRunId", value="elsewhere").status == 404
    assert sender.post("runs/delete-tag", run_id=child, key="mlflow.parentRunId").status == 403
