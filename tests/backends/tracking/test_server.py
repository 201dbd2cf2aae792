"""A real tracking server over HTTP, servers that are not there, and servers that are something else."""

import http.server
import math
import os
import socket
import threading
import time

import pytest
from full_mlflow import MlflowServer
from ports import held_port

from nbproj.errors import StoreError, StoreUnreachableError
from nbproj.processes import ProcessIdentity
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.owner import OWNER_TAG, Owner
from nbproj.tracking.settlement import settle, sweep
from nbproj.tracking.spool import Closing, Spool
from nbproj.tracking.store import Metric, RunNotFoundError

SECONDS = 30
"""Far less than MLflow's own patience (seven requests of two minutes each, and the pauses between), far more than a busy machine adds to ours."""


@pytest.fixture
def store(mlflow_server):
    return open_store(mlflow_server.uri)


def test_a_server_keeps_what_a_file_keeps(store, tmp_path):
    experiment = store.experiment(name="a name with ü")
    assert store.experiment(name="a name with ü") == store.experiment(experiment_id=experiment) == experiment
    run = store.create_run(experiment, name="first", tags={"mlflow.user": "eva", "k": "a\0\ud800"})
    store.log_params(run.run_id, {f"p{number}": "ü" * 6000 for number in range(120)} | {"empty": "", "long": "x" * 7000})
    store.log_metrics(run.run_id, [Metric("m", float(step), step, step) for step in range(1100)] + [Metric("nan", math.nan, 1)])
    (tmp_path / "log").write_text("hello")
    store.log_artifacts(run.run_id, {"run/output.log": tmp_path / "log"})
    store.set_status(run.run_id, "FINISHED", end_time=run.start_time + 5)
    found = store.get_run(run.run_id)
    assert (found.status, found.name, found.end_time) == ("FINISHED", "first", run.start_time + 5)
    assert found.tags["k"] == "a\u2400\ufffd"
    assert (len(found.params), found.params["empty"], len(found.params["long"])) == (122, "", 6000)
    assert found.metrics["m"] == 1099
    assert math.isnan(found.metrics["nan"])
    assert store.list_artifacts(run.run_id) == [("run/output.log", 5)]
    assert store.download_artifact(run.run_id, "run/output.log", tmp_path).read_text() == "hello"
    assert [one.run_id for one in store.search_runs([experiment], filter_string="tags.mlflow.user = 'eva'")] == [run.run_id]


def test_a_server_says_which_run_it_does_not_know(store):
    with pytest.raises(RunNotFoundError):
        store.set_tags("0" * 32, {"k": "v"})
    with pytest.raises(StoreError, match="there is no experiment with id"):
        store.experiment(experiment_id="99999")


def test_dead_drivers_are_settled_on_a_server_too(store, mlflow_server, tmp_path):
    ledger = Ledger(tmp_path / "runs")
    dead = ProcessIdentity(**{**{name: getattr(ProcessIdentity.of(), name) for name in ("host", "boot", "pid")}, "started": 1.0})
    known, unknown, lost = (Owner(dead, mlflow_server.uri) for _ in range(3))
    runs = [store.create_run("0", name=None, tags={OWNER_TAG: owner.to_tag()}) for owner in (known, unknown, lost)]
    ledger.enter(known).update(run_id=runs[0].run_id)
    ledger.enter(unknown)
    assert {one.run_id for one in settle(ledger, open_store=open_store)} == {run.run_id for run in runs[:2]}
    assert [one.run_id for one in sweep(store)] == [runs[2].run_id]
    assert {store.get_run(run.run_id).status for run in runs} == {"KILLED"}


def test_a_status_refused_by_a_dying_server_is_told_when_it_is_back(tmp_path):
    spool = Spool(tmp_path / "spool")
    with MlflowServer(tmp_path / "server") as server:
        store = open_store(server.uri)
        run = store.create_run("0", name=None, tags={})
        server.stop()
        start = time.monotonic()
        with pytest.raises(StoreUnreachableError, match="does not answer"):
            store.set_tags(run.run_id, {"nbproj.exit_code": "0"})
        assert time.monotonic() - start < SECONDS
        spool.put(Closing(server.uri, run.run_id, "FINISHED", 1_700_000_000_000, {"nbproj.exit_code": "0"}))
        start = time.monotonic()
        assert spool.replay() == []
        assert time.monotonic() - start < SECONDS
        server.start()
        while not (told := spool.replay()):  # with two seconds of patience; what is not told now is told by the next command
            assert time.monotonic() - start < 200
        assert [one.run_id for one in told] == [run.run_id]
        found = store.get_run(run.run_id)
        assert (found.status, found.end_time, found.tags["nbproj.exit_code"]) == ("FINISHED", 1_700_000_000_000, "0")


def test_a_server_that_is_not_there_is_said_within_seconds_and_waited_for_aloud():
    events = []
    start = time.monotonic()
    with held_port() as port, pytest.raises(StoreUnreachableError, match="nobody listens there") as caught:
        open_store(f"http://eva:secret@127.0.0.1:{port}", progress=events.append)
    assert 3 < time.monotonic() - start < SECONDS
    assert [event.step for event in events] == ["waiting"]
    assert "secret" not in str(caught.value) + caught.value.hint + events[0].text
    assert "\n" not in str(caught.value)


def test_a_server_that_accepts_and_never_answers_is_given_up():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        with pytest.raises(StoreUnreachableError, match="in time"):
            open_store(f"http://127.0.0.1:{silent.getsockname()[1]}", patience=2)
        assert time.monotonic() - start < SECONDS


def test_a_server_that_starts_a_little_later_is_waited_for(tmp_path):
    answers = Answers(200, b'{"experiments": []}', "application/json")
    with held_port() as port:
        timer = threading.Timer(1.5, answers.start, [port])
        timer.start()
        try:
            open_store(f"http://127.0.0.1:{port}")
        finally:
            timer.join()
            answers.stop()


class Answers:
    """A server that gives one answer to everything."""

    def __init__(self, status: int, body: bytes, kind: str = "text/html") -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815  (the name http.server looks for)

            def log_message(self, *_args):
                pass

        self.handler = Handler
        self.server = None

    def start(self, port: int = 0):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self.handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join(10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_error):
        self.stop()


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (401, b"who are you?", "text/plain", "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        (401, b'{"error_code": "UNAUTHENTICATED", "message": "no"}', "application/json", "MLFLOW_TRACKING_TOKEN"),
        (403, b"no", "text/plain", "ask for permission"),
        (403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}', "application/json", "ask for permission"),
        (200, b"<!doctype html><html>hello</html>", "text/html", "is not an MLflow tracking server"),
        (404, b"<html>nothing here</html>", "text/html", "is not an MLflow tracking server"),
        (404, b"not found", "text/plain", "is not an MLflow tracking server"),
        (500, b"broken", "text/plain", "answers with errors of its own"),
    ],
)
def test_what_a_server_answers_is_told_in_one_line_with_what_to_do(status, body, kind, told):
    with Answers(status, body, kind) as answers, pytest.raises(StoreError, match=told) as caught:
        open_store(f"http://eva:secret@127.0.0.1:{answers.server.server_port}/team")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert f"http://127.0.0.1:{answers.server.server_port}/team" in str(caught.value)


def test_an_overloaded_server_is_out_of_reach():
    with Answers(503, b"later") as answers, pytest.raises(StoreUnreachableError, match="try again later"):
        open_store(f"http://127.0.0.1:{answers.server.server_port}", patience=1)


def test_a_server_that_speaks_no_tls_where_tls_is_expected_is_out_of_reach():
    with Answers(200, b"hello") as answers, pytest.raises(StoreUnreachableError) as caught:
        open_store(f"https://127.0.0.1:{answers.server.server_port}", patience=1)
    assert "\n" not in str(caught.value)


def test_an_address_whose_host_has_no_name_is_said_so():
    with pytest.raises(StoreUnreachableError, match="its name is not known"):
        open_store("http://no-such-host.invalid:5000", patience=2)


def test_the_users_environment_is_left_as_it_was(store, monkeypatch):
    before = dict(os.environ)
    store.search_runs(limit=1)
    assert dict(os.environ) == before
