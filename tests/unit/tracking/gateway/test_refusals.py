"""Requests that must not be carried out: each is refused, counted in one note, and leaves the run and the store as they were."""

import base64
import json
import socket
import time
import urllib.parse
from pathlib import Path

import pytest


@pytest.fixture
def unharmed(store, run, stranger):
    """Assert afterwards that neither run has changed, and that the gateway was asked things that a note tells of."""
    before = (store.get_run(run.run_id), store.get_run(stranger.run_id))
    yield
    assert (store.get_run(run.run_id), store.get_run(stranger.run_id)) == before
    assert store.list_artifacts(run.run_id) == []


def basic(text):
    return f"Basic {base64.b64encode(text.encode()).decode()}"


NOBODY = "the tracking gateway was asked to let somebody in without the run's token: refused"


WRONG = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    "Bearer größer",
    "Token {token}",
    "{token}",
    "Bearer {token}x",
    "Bearer {token}\tx",
    basic("nbproj:wrong"),
    basic("{token}:"),
    "Basic {token}",
    "Basic !!",
]


def test_who_lacks_the_token_gets_nothing(sender, run, unharmed):
    paths = [f"/api/2.0/mlflow/runs/get?run_id={run.run_id}", "/health", "/version", "/nowhere"]
    for authorization in WRONG:
        given = None if authorization is None else authorization.format(token=sender.gateway.token)
        for path in paths:
            answer = sender.send("GET", path, Authorization=given)
            assert (answer.status, answer.json["error_code"]) == (401, "UNAUTHENTICATED"), (authorization, path)
            assert answer.headers["connection"] == "close"
    assert sender.end() == [f"{NOBODY} ({len(WRONG) * len(paths)} times)"]


def test_the_token_is_taken_as_a_bearer_and_as_the_password_of_any_user(sender, run):
    token = sender.gateway.token
    for authorization in (f"Bearer {token}", f"bearer {token}", basic(f"nbproj:{token}"), basic(f":{token}")):
        answer = sender.send("GET", f"/api/2.0/mlflow/runs/get?run_id={run.run_id}", Authorization=authorization)
        assert (answer.status, answer.json["run"]["info"]["run_id"]) == (200, run.run_id)
    assert sender.end() == []


def test_a_name_that_only_leads_here_is_not_answered_even_with_the_token(sender, unharmed):
    """A page in a browser can let its own name point to the loopback address."""
    port = sender.address[1]
    hosts = ["evil.example.org", f"evil.example.org:{port}", "localhost.evil.example.org", "127.0.0.1.evil.example.org", "[::1]", ""]
    for host in hosts:
        answer = sender.send("GET", "/health", Host=host)
        assert (host, answer.status) == (host, 421)
    assert sender.send("GET", "http://evil.example.org/health").status == 421
    assert sender.end() == ["the tracking gateway was asked to answer under another name than its own: refused (7 times)"]


def test_the_name_by_which_a_container_knows_its_host_is_answered(start):
    sender = start(reached_as="host.docker.internal")
    assert sender.gateway.uri.startswith("http://host.docker.internal:")
    sender.gateway._name = "127.0.0.1"  # where the test itself must go
    assert sender.send("GET", "/health", Host="Host.Docker.Internal:80").status == 200
    assert sender.send("GET", "/health", Host="docker.internal:80").status == 421


def test_another_run_can_neither_be_read_nor_changed(sender, store, stranger, unharmed):
    theirs = {"run_id": stranger.run_id}
    answers = [
        sender.get("runs/get", **theirs),
        sender.get("metrics/get-history", metric_key="m", **theirs),
        sender.get("metrics/get-history-bulk", metric_key="m", **theirs),
        sender.get("metrics/get-history-bulk-interval", metric_key="m", run_ids=[stranger.run_id]),
        sender.get("artifacts/list", **theirs),
        sender.post("runs/update", status="FAILED", **theirs),
        sender.post("runs/log-metric", key="m", value=1, timestamp=1, **theirs),
        sender.post("runs/log-parameter", key="p", value="1", **theirs),
        sender.post("runs/set-tag", key="t", value="1", **theirs),
        sender.post("runs/delete-tag", key="mlflow.user", **theirs),
        sender.post("runs/log-batch", tags=[{"key": "t", "value": "1"}], **theirs),
        sender.post("runs/log-inputs", **theirs),
        sender.post("runs/outputs", **theirs),
        sender.post("runs/log-model", model_json="{}", **theirs),
        sender.post("runs/create", experiment_id="0", tags=[{"key": "mlflow.parentRunId", "value": stranger.run_id}]),
        sender.post("logged-models", experiment_id="0", name="m", source_run_id=stranger.run_id),
        sender.artifact("PUT", f"0/{stranger.run_id}/artifacts/a.txt", b"x"),
        sender.artifact("GET", f"0/{stranger.run_id}/artifacts/a.txt"),
    ]
    assert [answer.status for answer in answers] == [404] * len(answers)
    assert {run["info"]["run_id"] for run in sender.post("runs/search", experiment_ids=["0"]).json["runs"]} == {sender.gateway._run_id}
    narrowed = sender.post("runs/search", experiment_ids=["0"], filter=f"attributes.run_id = '{stranger.run_id}'")
    assert narrowed.json.get("runs", []) == []
    assert store.list_artifacts(stranger.run_id) == []
    (note,) = sender.end()
    assert "speak of runs other than this one and its children: refused (18 times)" in note


def test_a_run_that_is_not_there_and_one_that_is_none_of_its_business_look_the_same(sender, stranger):
    there, not_there = sender.get("runs/get", run_id=stranger.run_id), sender.get("runs/get", run_id="f" * 32)
    assert (there.status, there.body.replace(stranger.run_id.encode(), b"-")) == (not_there.status, not_there.body.replace(b"f" * 32, b"-"))


def test_what_nbproj_tells_of_its_own_run_cannot_be_forged(sender, run, unharmed):
    for path, values in (
        ("runs/set-tag", {"key": "nbproj.exit_code", "value": "0"}),
        ("runs/set-tag", {"key": "mlflow.parentRunId", "value": run.run_id}),
        ("runs/delete-tag", {"key": "nbproj.owner"}),
        ("runs/log-batch", {"tags": [{"key": "nbproj.reason", "value": "x"}]}),
    ):
        assert sender.post(path, run_id=run.run_id, **values).status == 403
    assert sender.end() == ["the tracking gateway was asked to change the tags that nbproj keeps of its run: refused (4 times)"]


BEYOND = [
    ("runs/delete", {"run_id": "x"}),
    ("runs/restore", {"run_id": "x"}),
    ("experiments/create", {"name": "another"}),
    ("experiments/delete", {"experiment_id": "0"}),
    ("experiments/restore", {"experiment_id": "0"}),
    ("experiments/update", {"experiment_id": "0", "new_name": "x"}),
    ("experiments/set-experiment-tag", {"experiment_id": "0", "key": "a", "value": "b"}),
    ("runs/create", {"experiment_id": "1"}),
    ("logged-models", {"experiment_id": "1", "name": "m"}),
]


def test_what_reaches_beyond_the_run_is_denied(sender, unharmed):
    for path, values in BEYOND:
        answer = sender.post(path, **values)
        assert (path, answer.status, answer.json["error_code"]) == (path, 403, "PERMISSION_DENIED")
    assert sum("refused" in note for note in sender.end()) == 5  # kinds of them


OUT = [
    "../../../etc/passwd",
    "%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e/%252e%252e/etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "..%5c..%5cetc",
    "a/../../b",
    "a//b",
    "./a",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "a%00b",
    "a%0ab",
    "~/../x/../..",
]


def test_a_path_that_climbs_out_of_the_artifacts_is_refused(sender, run, unharmed):
    for path in OUT:
        for method, body in (("PUT", b"x"), ("GET", None)):
            answer = sender.artifact(method, f"0/{run.run_id}/artifacts/{path}", body)
            assert (path, answer.status) == (path, 400)
            assert b"root:" not in answer.body
    assert sender.end() == [f"the tracking gateway was asked to follow paths that lead out of the artifacts: refused ({2 * len(OUT)} times)"]


def test_a_listing_that_climbs_out_is_refused(sender, run):
    for path in ("..", "a/../..", "/etc", "%2e%2e", "a\\b"):
        told = urllib.parse.urlencode({"run_id": run.run_id, "path": path})
        assert (path, sender.send("GET", f"/api/2.0/mlflow/artifacts/list?{told}").status) == (path, 400)
        told = urllib.parse.urlencode({"path": f"0/{run.run_id}/artifacts/{path}"})
        assert (path, sender.send("GET", f"/api/2.0/mlflow-artifacts/artifacts?{told}").status) == (path, 400)


def test_an_address_that_is_not_of_the_runs_artifacts_is_refused(sender, run, unharmed):
    addresses = ["", "0", "0/models", f"1/{run.run_id}/artifacts/a", f"{run.run_id}/artifacts/a", f"0/{run.run_id}/a", f"0/{run.run_id}"]
    for address in (*addresses, "0/models/m-1/artifacts/a", f"0/{run.run_id}/artifacts", f"0/{run.run_id}/artifacts/"):
        for method, body in (("PUT", b"x"), ("GET", None), ("DELETE", None)):
            answer = sender.artifact(method, address, body)
            assert answer.status in {400, 403, 404}, (method, address)


def test_a_link_among_the_artifacts_leads_nowhere(sender, store, run, tmp_path, stranger):
    (tmp_path / "secret.txt").write_text("theirs")
    (tmp_path / "note.txt").write_text("mine")
    store.log_artifacts(run.run_id, {"note.txt": tmp_path / "note.txt"})
    root = Path(run.artifact_uri.removeprefix("file://"))
    (root / "link").symlink_to(tmp_path)
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert sender.artifact("GET", f"0/{run.run_id}/artifacts/note.txt").body == b"mine"
    for path in ("link/secret.txt", "link.txt"):
        answer = sender.artifact("GET", f"0/{run.run_id}/artifacts/{path}")
        assert (answer.status, b"theirs" in answer.body) == (400, False)
        assert sender.artifact("PUT", f"0/{run.run_id}/artifacts/{path}", b"mine now").status == 400
    assert (tmp_path / "secret.txt").read_text() == "theirs"


def test_a_body_that_is_too_large_is_refused_with_an_answer_that_its_client_reads(start, run, unharmed):
    sender = start(body_limit=10_000)
    body = json.dumps({"run_id": run.run_id, "key": "t", "value": "x" * 20_000}).encode()
    answer = sender.send("POST", "/api/2.0/mlflow/runs/set-tag", body)
    assert (answer.status, answer.json["message"]) == (413, "the request is larger than 10000 bytes")
    assert sender.end() == ["the tracking gateway was asked to take in more than 10000 bytes at once: refused"]


def test_a_body_that_says_it_is_huge_is_not_waited_for(sender, unharmed):
    answer = sender.send("POST", "/api/2.0/mlflow/runs/set-tag", b"{", Content_Length=str(1 << 40))
    assert answer.status == 413


def test_a_body_in_pieces_without_an_end_is_refused_when_it_is_too_large(start, unharmed):
    sender = start(body_limit=10_000)
    host, port = sender.address
    head = f"POST /api/2.0/mlflow/runs/log-batch HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {sender.gateway.token}\r\n"
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(50):
            try:
                connection.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
            except OSError:
                break
            time.sleep(0.001)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert len(sender.end()) == 1


def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(start, run, tmp_path, unharmed):
    sender = start(artifact_limit=1000)
    assert sender.artifact("PUT", f"0/{run.run_id}/artifacts/big", b"x" * 1001).status == 413
    assert not any((tmp_path / "gateway").glob("*"))


NO_REQUESTS = [b"{", b"[]", b"null", b"1", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"run_id": {"a": 1}}', b'{"value": ' + b"9" * 5000 + b"}"]


def test_a_body_that_is_no_request_is_a_mistake_of_the_client(sender, unharmed):
    for body in NO_REQUESTS:
        answer = sender.send("POST", "/api/2.0/mlflow/runs/log-metric", body)
        assert (body[:20], answer.status) == (body[:20], 400)
        assert "error_code" in answer.json


NO_ENDPOINTS = [
    ("GET", "/"),
    ("GET", "/metrics"),
    ("GET", "/get-artifact?path=a&run_uuid={run}"),
    ("POST", "/upload-artifact"),
    ("POST", "/graphql"),
    ("POST", "/api/2.0/mlflow/registered-models/create"),
    ("POST", "/api/2.0/mlflow/traces"),
    ("DELETE", "/api/2.0/mlflow/runs/get"),
    ("GET", "/api/2.0/mlflow/runs/log-metric"),
    ("OPTIONS", "/api/2.0/mlflow/runs/get"),
    ("GET", "/api/9.0/mlflow/runs/get"),
    ("GET", "//api/2.0/mlflow/runs/get?run_id={run}"),
    ("DELETE", "/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/a"),
]


def test_an_endpoint_that_is_not_of_a_run_is_refused_in_words_that_clients_show(sender, run, unharmed):
    for method, path in NO_ENDPOINTS:
        answer = sender.send(method, path.format(run=run.run_id), b"{}" if method == "POST" else None)
        assert answer.status in {403, 404}, path
        assert "the tracking gateway of a run" in answer.json["message"]
    assert len(sender.end()) == 11  # ten kinds, and how many others


def test_a_flood_of_refusals_is_a_handful_of_notes(sender):
    for number in range(40):
        sender.send("GET", f"/nowhere/{number}")
    notes = sender.end()
    assert len(notes) == 11
    assert notes[-1] == "the tracking gateway refused 30 requests of other kinds"


def test_the_secrets_of_the_run_and_the_token_are_masked_in_what_is_logged_and_answered(start, store, run):
    sender = start(mask=lambda text: text.replace("hunter22", "***"))
    token = sender.gateway.token
    for number, value in enumerate(["hunter22", token, f"user:{token}@", base64.b64encode(token.encode()).decode()]):
        assert sender.post("runs/set-tag", run_id=run.run_id, key=f"t{number}", value=f"a {value} b").status == 200
        assert sender.post("runs/log-parameter", run_id=run.run_id, key=f"p{number}", value=value).status == 200
    answer = sender.send("GET", f"/nowhere/{token}")
    assert token not in answer.body.decode()
    record = store.get_run(run.run_id)
    assert not [value for value in (*record.tags.values(), *record.params.values()) if "hunter22" in value or token in value]
    assert record.tags["t0"] == "a *** b"
    assert not [note for note in sender.end() if token in note]
