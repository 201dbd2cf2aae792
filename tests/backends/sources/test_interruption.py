"""Many at once, and what is left when a fetch is ended at an awkward instant."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest

from nbproj.errors import SourceError
from nbproj.sources import temporary
from nbproj.sources.registry import fetch

FETCH = """
import sys
from nbproj.sources.registry import fetch
with fetch(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None) as checkout:
    print(checkout.commit, (checkout.root / "MLproject").read_text())
"""


def start(*arguments):
    return subprocess.Popen([sys.executable, "-c", FETCH, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def processes_with(text):
    """Return the processes of this host that have a text in their arguments."""
    return [
        process.pid for process in psutil.process_iter(["cmdline"]) if text in " ".join(process.info["cmdline"] or []) and process.pid != os.getpid()
    ]


def recorded(folder):
    """Return the commands that owners of temporary folders have written down."""
    texts = [file.read_text().split() for file in folder.glob("*/.command")]
    return {int(words[0]) for words in texts if len(words) == 2}


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def tar_pit():
    """Serve a port that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(20)
        yield listener.getsockname()[1]


def test_six_processes_on_a_cold_cache_all_succeed(daemon, repository, tmp_path):
    versions = [(), ("v1",), ("feature/x",), (repository.first,), (repository.second[:8],), ()]
    expected = [repository.last, repository.first, repository.second, repository.first, repository.second, repository.last]
    running = [start(daemon, *version) for version in versions]
    answers = [process.communicate(timeout=120) for process in running]
    assert [(process.returncode, out.split()[:1]) for process, (out, _) in zip(running, answers, strict=True)] == [(0, [c]) for c in expected], (
        answers
    )
    assert list((tmp_path / "tmp").iterdir()) == []


def test_threads_of_one_process_fetch_at_once(daemon, repository):
    commits = []

    def one():
        with fetch(daemon) as checkout:
            commits.append(checkout.commit)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert commits == [repository.last] * 4


def test_a_fetch_that_waits_for_another_says_so(daemon, tmp_path):
    import fcntl

    fetch(daemon).close()
    (lock,) = (tmp_path / "cache/git").glob("*.lock")
    events = []
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        def listen(event):
            events.append(event)
            if "another process is fetching" in event.text:
                fcntl.flock(held, fcntl.LOCK_UN)

        with fetch(daemon, progress=listen):
            pass
    assert sum("another process is fetching" in event.text for event in events) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_fetch_that_is_ended_leaves_nothing_that_stays(tar_pit, tmp_path, monkeypatch, number):
    monkeypatch.setenv("NBPROJ_GIT_SILENCE", "60")
    url = f"git://127.0.0.1:{tar_pit}/{tmp_path.name}.git"
    code = FETCH if number == signal.SIGKILL else "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n" + FETCH
    process = subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # git runs, and is written down: only then it is found when nobody is left.
    assert until(lambda: recorded(tmp_path / "tmp") & set(processes_with(url)))
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    if number == signal.SIGKILL:
        # Nobody was left to clean up: the next fetch does.
        assert len(list((tmp_path / "tmp").iterdir())) == 1
        assert processes_with(url) != []
        monkeypatch.setenv("NBPROJ_GIT_SILENCE", "1")
        with pytest.raises(SourceError):
            fetch(url)
    assert until(lambda: processes_with(url) == [])
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("step", [1, 2, 3])
def test_an_interruption_at_any_event_leaves_no_folder(daemon, tmp_path, step):
    seen = []

    def interrupt(event):
        seen.append(event)
        if len(seen) == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(daemon, progress=interrupt)
    assert list((tmp_path / "tmp").iterdir()) == []
    with fetch(daemon) as checkout:
        assert checkout.commit


def test_a_server_that_does_not_answer_is_given_up(tar_pit, monkeypatch, tmp_path):
    monkeypatch.setenv("NBPROJ_GIT_SILENCE", "1")
    with pytest.raises(SourceError, match="has not answered for too long"):
        fetch(f"git://127.0.0.1:{tar_pit}/x.git")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_fetch_killed_at_any_instant_is_healed_by_the_next(daemon, repository, tmp_path):
    for number in range(300):
        repository.write(f"data/{number}", os.urandom(5000).hex())
    last = repository.commit("data")
    repository.publish()
    for delay in (0.15, 0.25, 0.3, 0.35, 0.4, 0.5):
        process = start(daemon)
        time.sleep(delay)
        process.kill()
        process.communicate(timeout=60)
    with fetch(daemon) as checkout:
        assert checkout.commit == last
        assert len(list((checkout.root / "data").iterdir())) == 300
    # A git that nobody had written down yet may go on for longer than a sweep waits for: each next one tries again.
    assert until(lambda: not temporary.sweep() and list((tmp_path / "tmp").iterdir()) == [])


def spoil(cache, how):
    if how == "marker":
        (cache / "nbproj.complete").unlink()
        shutil.rmtree(cache / "objects")
    elif how == "config":
        (cache / "config").write_text("[core\n")
    elif how == "head":
        (cache / "HEAD").unlink()
    elif how == "locks":
        for name in ("shallow.lock", "config.lock", "packed-refs.lock", "refs/nbproj/incoming.lock"):
            (cache / name).parent.mkdir(parents=True, exist_ok=True)
            (cache / name).write_text("")
        (cache / "objects/pack").mkdir(exist_ok=True)
        (cache / "objects/pack/tmp_pack_x").write_text("half")
    elif how == "packs":
        for path in [*cache.glob("objects/pack/*.pack"), *(p for p in cache.glob("objects/??/*"))]:
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif how == "blob":
        blob = subprocess.run(
            ["git", f"--git-dir={cache}", "rev-parse", "refs/nbproj/incoming:MLproject"], capture_output=True, text=True, check=True
        )
        path = cache / "objects" / blob.stdout[:2] / blob.stdout.strip()[2:]
        path.unlink()
    elif how == "empty":
        shutil.rmtree(cache)
        cache.mkdir()
    else:
        shutil.rmtree(cache)
        cache.write_text("not a folder")


@pytest.mark.parametrize("how", ["marker", "config", "head", "locks", "packs", "blob", "empty", "file"])
@pytest.mark.parametrize("version", [None, "id"])
def test_a_spoilt_cache_is_healed(daemon, repository, tmp_path, how, version):
    version = repository.last if version else None
    fetch(daemon, version).close()
    (cache,) = (path for path in (tmp_path / "cache/git").iterdir() if path.is_dir())
    spoil(cache, how)
    with fetch(daemon, version) as checkout:
        assert (checkout.root / "MLproject").read_text() == "name: three\n"
        assert checkout.commit == repository.last
    with fetch(daemon, "v1") as checkout:
        assert checkout.commit == repository.first


def test_folders_of_living_processes_are_not_swept(tmp_path):
    mine = temporary.make()
    (tmp_path / "tmp/nbproj-source-strange").mkdir()
    other = tmp_path / "tmp/nbproj-source-link"
    other.symlink_to(tmp_path)
    code = "from nbproj.sources import temporary; print(temporary.make())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    assert [str(path) for path in temporary.sweep()] == [dead]
    assert mine.is_dir()
    assert other.is_symlink()
    assert mine.stat().st_mode & 0o077 == 0
