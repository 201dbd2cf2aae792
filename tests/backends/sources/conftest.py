"""Repositories, and servers for them: each transport is the real one, on loopback."""

from __future__ import annotations

import base64
import contextlib
import getpass
import http.server
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from ports import held_port


def git(*arguments, cwd):
    command = ["git", "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.fixture(autouse=True)
def folders(home, tmp_path, monkeypatch):
    """Give each test a cache and a temporary folder that it can look into."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("NBPROJ_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_TMP_DIR", str(tmp_path / "tmp"))


class Repository:
    """A work tree with a branch, tags and a folder, and the bare copy that servers serve."""

    def __init__(self, folder):
        self.work = folder / "work"
        self.served = folder / "served"
        self.bare = self.served / "project.git"
        self.work.mkdir(parents=True)
        self.served.mkdir()
        self.run("init", "--quiet")
        self.write("MLproject", "name: one\n")
        self.write("sub/dir.v1/train.ipynb", "{}")
        self.first = self.commit("one")
        self.run("tag", "-a", "v1", "-m", "v1")
        self.write("MLproject", "name: two\n")
        self.second = self.commit("two")
        self.run("branch", "feature/x")
        self.write("MLproject", "name: three\n")
        self.last = self.commit("three")
        git("clone", "--quiet", "--bare", str(self.work), str(self.bare), cwd=folder)
        git("update-server-info", cwd=self.bare)

    def run(self, *arguments):
        return git(*arguments, cwd=self.work)

    def write(self, name, text):
        (self.work / name).parent.mkdir(parents=True, exist_ok=True)
        (self.work / name).write_text(text)

    def commit(self, message):
        self.run("add", "-A")
        self.run("commit", "--quiet", "-m", message)
        return self.run("rev-parse", "HEAD")

    def publish(self):
        self.run("push", "--quiet", "--force", "--all", str(self.bare))
        self.run("push", "--quiet", "--force", "--tags", str(self.bare))
        git("update-server-info", cwd=self.bare)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


def wait_for(port, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    pytest.fail("the server did not start")


@contextlib.contextmanager
def serving(command, port):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(port, process)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(timeout=60)


@pytest.fixture
def daemon(repository):
    """Serve over git://."""
    options = ["--reuseaddr", "--export-all", "--listen=127.0.0.1", f"--base-path={repository.served}"]
    with held_port() as port, serving(["git", "daemon", *options, f"--port={port}", str(repository.served)], port):
        yield f"git://127.0.0.1:{port}/project.git"


class WebServer(http.server.ThreadingHTTPServer):
    """Smart HTTP through git's own CGI program, files ("dumb" HTTP) under /dumb/, both behind a password if there is one."""

    daemon_threads = True

    def __init__(self, root, login=None):
        super().__init__(("127.0.0.1", 0), WebHandler)
        self.root = Path(root)
        self.login = login
        self.asked = []
        self.headers_seen = []
        self.redirects = {}
        self.delay = threading.Event()
        self.delay.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class WebHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.server.asked.append(self.path)
        self.server.headers_seen.append(dict(self.headers))
        self.server.delay.wait(30)
        expected = "Basic " + base64.b64encode((self.server.login or "").encode()).decode()
        if path in self.server.redirects:
            self.send_response(302)
            self.send_header("Location", self.server.redirects[path])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.server.login and self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path.startswith("/dumb/"):
            self.file(self.server.root / path.removeprefix("/dumb/"))
        else:
            self.cgi(path, query)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def file(self, path):
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def cgi(self, path, query):
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        answer = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, timeout=60, check=False).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def web_server(root, login=None):
    server = WebServer(root, login)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.delay.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def web():
    """Return a context manager that serves a folder: `web(folder, "user:password")`."""
    return web_server


@pytest.fixture
def open_server(repository):
    with web_server(repository.served) as server:
        yield server


@pytest.fixture
def locked_server(repository):
    with web_server(repository.served, "alice:opensesame42") as server:
        yield server


class SshServer:
    def __init__(self, port, command, root):
        self.port = port
        self.command = command
        self.root = root
        self.user = getpass.getuser()


@pytest.fixture
def port():
    with held_port() as number:
        yield number


@pytest.fixture
def ssh(repository, tmp_path, monkeypatch, port):
    """Serve over ssh with a throw-away key and host key."""
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if sshd is None:
        message = "sshd is not installed (Debian: apt-get install openssh-server)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True, timeout=30)
    shutil.copy(folder / "key.pub", folder / "authorized_keys")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True, mode=0o755)  # where sshd locks itself in before a login
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\nPidFile none\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
    )
    host_key = (folder / "host.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key[0]} {host_key[1]}\n")
    command = f"ssh -F none -i {folder}/key -o IdentitiesOnly=yes -o UserKnownHostsFile={folder}/known_hosts -p {port}"
    monkeypatch.setenv("GIT_SSH_COMMAND", command)
    with serving([sshd, "-D", "-f", str(folder / "sshd_config")], port):
        yield SshServer(port, command, repository.bare)
