"""Sends requests to the gateway of its own run that must be refused, and prints what came back; needs nothing but Python."""

import http.client
import json
import os
import select
import socket
import time
import urllib.error
import urllib.request

uri, token, run_id = os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_TRACKING_TOKEN"], os.environ["MLFLOW_RUN_ID"]
address = uri.removeprefix("http://")
experiment = os.environ["MLFLOW_EXPERIMENT_ID"]
other = os.environ["ANOTHER_RUN"]


def ask(path, values=None, *, bearer=token, method=None):
    data = None if values is None else json.dumps(values).encode()
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    request = urllib.request.Request(f"{uri}/api/2.0/{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


answers = {
    "allowed": ask("mlflow/runs/set-tag", {"run_id": run_id, "key": "polite", "value": "yes"}),
    "wrong token": ask(f"mlflow/runs/get?run_id={run_id}", bearer="wrong"),
    "no token": ask(f"mlflow/runs/get?run_id={run_id}", bearer=None),
    "another run": ask("mlflow/runs/set-tag", {"run_id": other, "key": "mine", "value": "now"}),
    "climbing out": ask(f"mlflow-artifacts/artifacts/{experiment}/{run_id}/artifacts/%2e%2e/%2e%2e/x", {"a": 1}, method="PUT"),
    "huge": ask("mlflow/runs/set-tag", {"run_id": run_id, "key": "huge", "value": "x" * (20 << 20)}),
    "unknown": ask("mlflow/registered-models/create", {"name": "m"}),
    "to delete": ask("mlflow/runs/delete", {"run_id": run_id}),
}
connection = http.client.HTTPConnection(address)
connection.request("GET", "/health", headers={"Host": "evil.example.org", "Authorization": f"Bearer {token}"})
answers["another name"] = connection.getresponse().status
host, port = address.split(":")
held = [socket.create_connection((host, int(port))) for _ in range(300)]
select.select(held, [], [], 60)  # some are closed at once, when the gateway comes to them
for one in held:
    one.close()
for _ in range(100):  # clients try again when a connection is refused
    try:
        answers["allowed afterwards"] = ask("mlflow/runs/set-tag", {"run_id": run_id, "key": "polite", "value": "still"})
        break
    except OSError:
        time.sleep(0.2)
print(json.dumps(answers))
