from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nbproj.errors import SourceError
from nbproj.sources.registry import fetch
from nbproj.sources.source import Credentials

SECRET = "opensesame42"


def with_login(url, login):
    return url.replace("http://", f"http://{login}@") + "/project.git"


@pytest.fixture
def process_list():
    """Collect the arguments of every process of this user while the test runs; return a function that gives those that have been seen by now."""
    seen, stop = set(), threading.Event()

    def watch():
        while not stop.is_set():
            listed = subprocess.run(["ps", "-eo", "args", "-ww"], capture_output=True, text=True, check=True, timeout=30).stdout
            seen.update(line for line in listed.splitlines() if "git" in line)
            time.sleep(0.01)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield lambda: list(seen)  # a copy: the thread goes on adding
    stop.set()
    thread.join(60)


def files_holding(folder, text):
    return [str(path) for path in Path(folder).rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.mark.parametrize("way", ["address", "argument", "environment", "mixed"])
def test_a_password_opens_the_server_and_is_seen_nowhere(locked_server, process_list, tmp_path, monkeypatch, way):
    url, credentials = f"{locked_server.url}/project.git", None
    if way == "address":
        url = with_login(locked_server.url, f"alice:{SECRET}")
    elif way == "argument":
        credentials = Credentials("alice", SECRET)
    elif way == "environment":
        monkeypatch.setenv("MLFLOW_GIT_USERNAME", "alice")
        monkeypatch.setenv("MLFLOW_GIT_PASSWORD", SECRET)
    else:
        url = with_login(locked_server.url, "alice")
        monkeypatch.setenv("MLFLOW_GIT_PASSWORD", SECRET)
    # The user's own helper would store what git approves; it may not hear of this password.
    store = tmp_path / "stored"
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(f"[credential]\nhelper = store --file={store}\n")
    events = []
    asking = f"127.0.0.1:{locked_server.server_port}/project.git"
    locked_server.delay.clear()  # until the process list was read meanwhile

    def answer_once_it_was_seen():
        deadline = time.monotonic() + 25
        while not any("ls-remote" in line and asking in line for line in process_list()) and time.monotonic() < deadline:
            time.sleep(0.02)
        locked_server.delay.set()

    threading.Thread(target=answer_once_it_was_seen).start()
    with fetch(url, "v1", progress=events.append, credentials=credentials) as checkout:
        assert SECRET not in repr(checkout)
        assert files_holding(tmp_path, SECRET) == []
    assert SECRET not in repr(events)
    assert any("ls-remote" in line and asking in line for line in process_list())
    assert not any(SECRET in line for line in process_list())
    assert not store.exists()


def test_a_lone_token_is_a_user_name_with_an_empty_password(repository, web, process_list, tmp_path):
    token = "ghp_0123456789abcdefABCDEF0123456789abcd"
    with web(repository.served, f"{token}:") as server, fetch(with_login(server.url, token)) as checkout:
        assert checkout.commit == repository.last
        assert files_holding(tmp_path, token) == []
    assert not any(token in line for line in process_list())


def test_a_plain_user_name_in_the_address_is_completed_by_the_users_own_helper(locked_server, tmp_path):
    store = tmp_path / "stored"
    store.write_text(locked_server.url.replace("http://", f"http://alice:{SECRET}@") + "\n")
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(f"[credential]\nhelper = store --file={store}\n")
    with fetch(with_login(locked_server.url, "alice")) as checkout:
        assert checkout.uri == f"{locked_server.url}/project.git"


@pytest.mark.parametrize("login", ["", "alice", "alice:wrongwrong"])
def test_a_wrong_or_missing_password_says_what_to_set_and_does_not_prompt(locked_server, tmp_path, login):
    url = with_login(locked_server.url, login) if login else f"{locked_server.url}/project.git"
    with pytest.raises(SourceError, match=r"authentication failed.*MLFLOW_GIT_PASSWORD") as caught:
        fetch(url)
    assert "wrongwrong" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_credentials_do_not_follow_a_redirect_to_another_server(open_server, web, repository, monkeypatch):
    monkeypatch.setenv("MLFLOW_GIT_USERNAME", "alice")
    monkeypatch.setenv("MLFLOW_GIT_PASSWORD", SECRET)
    with web(repository.served, "mallory:other") as thief:
        open_server.redirects["/project.git/info/refs"] = f"{thief.url}/project.git/info/refs?service=git-upload-pack"
        with pytest.raises(SourceError, match="authentication failed"):
            fetch(f"{open_server.url}/project.git")
        assert thief.headers_seen
        assert not any("Authorization" in headers for headers in thief.headers_seen)


def test_credentials_of_a_project_do_not_reach_the_server_of_a_submodule(locked_server, web, repository, tmp_path):
    with web(repository.served, "mallory:other") as thief:
        repository.write(".gitmodules", f'[submodule "x"]\npath = x\nurl = {thief.url}/project.git\n')
        repository.run("update-index", "--add", "--cacheinfo", f"160000,{repository.first},x")
        repository.run("add", ".gitmodules")
        repository.run("commit", "--quiet", "-m", "submodule")
        repository.publish()
        with pytest.raises(SourceError, match="submodule 'x': authentication failed"):
            fetch(with_login(locked_server.url, f"alice:{SECRET}"))
        assert thief.headers_seen
        assert not any("Authorization" in headers for headers in thief.headers_seen)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_traces_of_the_users_environment_do_not_write_credentials(locked_server, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_TRACE_CURL", str(tmp_path / "trace"))
    monkeypatch.setenv("GIT_TRACE_REDACT", "0")
    with fetch(with_login(locked_server.url, f"alice:{SECRET}")):
        assert not (tmp_path / "trace").exists()


def test_a_password_with_a_line_break_is_refused(locked_server):
    with pytest.raises(SourceError, match="control character"):
        fetch(f"{locked_server.url}/project.git", credentials=Credentials("alice", "a\nhost=evil"))


def test_the_process_list_is_read_by_this_test(process_list):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "git-canary"]) as canary:
        deadline = time.monotonic() + 50
        while not any("git-canary" in line for line in process_list()) and time.monotonic() < deadline:
            time.sleep(0.05)
        canary.kill()
    assert any("git-canary" in line for line in process_list())
