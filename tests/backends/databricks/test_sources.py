"""Git projects on Databricks: the files of one commit go there, and nothing by which they were had."""

from __future__ import annotations

import base64
import functools
import http.server
import json
import subprocess
import tarfile
import threading

import pytest

LOGIN = "eva:geheim-und-lang"


class Locked(http.server.SimpleHTTPRequestHandler):
    """Serves files to whoever knows the password."""

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == f"Basic {base64.b64encode(LOGIN.encode()).decode()}":
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()


def git(*arguments, cwd):
    """Return what a command of Git prints."""
    return subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.fixture
def repository(home, tmp_path):
    """Return the address of a repository behind a password, and its commit."""
    work, bare = tmp_path / "work", tmp_path / "served" / "project.git"
    work.mkdir()
    (work / "MLproject").write_text("name: wine\nentry_points:\n  main: {command: 'echo fine'}\n")
    git("init", "--quiet", cwd=work)
    git("add", "-A", cwd=work)
    git("commit", "--quiet", "-m", "one", cwd=work)
    git("clone", "--quiet", "--bare", str(work), str(bare), cwd=tmp_path)
    git("update-server-info", cwd=bare)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Locked, directory=str(tmp_path / "served")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/project.git", git("rev-parse", "HEAD", cwd=work)
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_commit_goes_there_and_no_password(run, repository, service, runs, monkeypatch):
    url, commit = repository
    monkeypatch.setenv("MLFLOW_GIT_USERNAME", LOGIN.partition(":")[0])
    monkeypatch.setenv("MLFLOW_GIT_PASSWORD", LOGIN.partition(":")[2])

    run(url)

    (body,) = service.submitted
    (text,) = body["tasks"][0]["spark_python_task"]["parameters"]
    place = service.file(json.loads(text)["project"])
    assert runs()[0].tags["mlflow.source.git.commit"] == commit
    assert "geheim" not in json.dumps(service.asked)
    assert not any(b"geheim" in path.read_bytes() for path in service.folder.rglob("*") if path.is_file())
    with tarfile.open(place) as archive:
        assert archive.getnames() == ["project/MLproject"]
