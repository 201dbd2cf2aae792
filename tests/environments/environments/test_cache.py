"""The cache of environments under crowds, kills, damage and full disks: whole or not there at all."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from backends.conftest import marked
from environments.contract import ask

from nbproj.environments.cache import EnvironmentCache
from nbproj.environments.health import examine
from nbproj.environments.uv import UvEnvironments
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import EnvironmentSpec

SPEC = EnvironmentSpec("uv", file="requirements.txt")
PREPARE = """
import pathlib, sys
from nbproj.environments.uv import UvEnvironments
from nbproj.errors import NbprojError
from nbproj.project.model import EnvironmentSpec
told = []
try:
    made = UvEnvironments().prepare(EnvironmentSpec("uv", file="requirements.txt"), pathlib.Path(sys.argv[1]), told.append, run_id=sys.argv[2])
except NbprojError as error:
    sys.exit(f"{type(error).__name__}: {error} ({error.hint})")
print(made.python, sum(event.text.startswith("making an environment") for event in told))
"""


@pytest.fixture
def root(tmp_path, no_index):
    """Return a project that needs packages which take a moment."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text("heavy\nupper\n")
    return folder


def builder(root, run_id="r", prefix=(), **variables):
    """Start a process that prepares the project's environment."""
    command = [*prefix, sys.executable, "-c", PREPARE, str(root), run_id]
    return subprocess.Popen(
        command, env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def prepared(root, told):
    return UvEnvironments().prepare(SPEC, root, told.append)


def remains(cache):
    """Return the names of what is there beyond whole environments."""
    known = {f"{kept.key}{suffix}" for kept in cache.all() if kept.whole for suffix in ("", ".lock", ".uses")}
    return {path.name for path in cache.folder.iterdir()} - known - {"interpreters.json"}


def test_ten_processes_at_once_build_it_once(root, cache):
    crowd = [builder(root, f"run{number}") for number in range(10)]
    answers = [process.communicate(timeout=120) for process in crowd]
    assert [process.returncode for process in crowd] == [0] * 10, answers
    assert len({out.split()[0] for out, _ in answers}) == 1
    assert sum(int(out.split()[1]) for out, _ in answers) == 1
    (kept,) = cache.all()
    assert {entry["run_id"] for entry in cache.uses(kept.key).read()} == {f"run{number}" for number in range(10)}


def test_two_environments_at_once_on_a_cold_cache_of_the_installer(root, tmp_path, cache):
    other = tmp_path / "other"
    other.mkdir()
    (other / "requirements.txt").write_text("heavy\nupper\ntiny==2.0\n")
    crowd = [builder(folder, UV_CACHE_DIR=str(tmp_path / "cold")) for folder in (root, other)]
    answers = [process.communicate(timeout=120) for process in crowd]
    assert [process.returncode for process in crowd] == [0, 0], answers
    assert len(cache.all()) == 2


def test_a_builder_killed_at_any_instant_leaves_nothing_that_is_taken_for_whole(root, cache, told, mark, nobody_left):
    begun = time.monotonic()
    whole = builder(root)
    assert whole.wait(120) == 0, whole.communicate()
    whole.communicate()
    usual = time.monotonic() - begun
    assert cache.remove(UvEnvironments().key(SPEC, root))
    chance = random.Random(6)
    for _ in range(10):
        process = builder(root)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.2, 1) * usual)
        process.kill()  # the builder only: what it has started must notice by itself
        process.communicate(timeout=20)
        kept = cache.find(UvEnvironments().key(SPEC, root))
        if kept is not None:
            assert examine(kept.prefix, kept.facts["observed"]).sound
            nobody_left()
            assert cache.remove(kept.key, in_use=True)
    nobody_left()
    environment = prepared(root, told)
    assert ask(environment, "import heavy, upper, tiny; print('healed')") == "healed"
    cache.sweep()
    assert remains(cache) == set()


@pytest.fixture
def half_built(root, hurdle, cache):
    """Return a process that is in the middle of building the project's environment."""
    with (root / "requirements.txt").open("a") as file:
        file.write("./own\n")
    hurdle.put(root / "own")
    with builder(root) as process:
        hurdle.reach(process)
        assert len(list(cache.folder.glob("*/env"))) == 1
        yield process
        process.kill()


def test_what_a_killed_builder_has_left_is_swept(half_built, cache):
    process = half_built
    process.kill()
    process.communicate(timeout=20)
    deadline = time.monotonic() + 30
    while remains(cache):  # until what it had started is gone, too
        assert time.monotonic() < deadline
        cache.sweep()
        time.sleep(0.05)
    assert cache.all() == []


def test_an_interrupted_builder_takes_everything_with_it(mark, half_built, cache, nobody_left):
    process = half_built
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode
    nobody_left()
    assert cache.all() == []


def bare(kept):
    return next(kept.prefix.glob("lib/python*/site-packages"))


DAMAGE = {
    "a module is gone": lambda kept: (bare(kept) / "tiny.py").unlink(),
    "a package is gone": lambda kept: shutil.rmtree(next(bare(kept).glob("tiny-*.dist-info"))),
    "a list of files is gone": lambda kept: next(bare(kept).glob("tiny-*.dist-info/RECORD")).unlink(),
    "all packages are gone": lambda kept: shutil.rmtree(bare(kept)),
    "the programs are gone": lambda kept: shutil.rmtree(kept.prefix / "bin"),
    "its Python is gone": lambda kept: ((kept.prefix / "bin/python").unlink(), (kept.prefix / "bin/python").symlink_to("/nonexistent/python")),
    "its Python is another": lambda kept: ((kept.prefix / "bin/python").unlink(), (kept.prefix / "bin/python").symlink_to("/bin/sh")),
    "the environment is gone": lambda kept: shutil.rmtree(kept.prefix),
    "the marker is cut": lambda kept: (kept.folder / "complete.json").write_text('{"format": 1, "ke'),
    "the marker is another's": lambda kept: (kept.folder / "complete.json").write_text(json.dumps({**kept.facts, "key": "0" * 32})),
    "the marker is no object": lambda kept: (kept.folder / "complete.json").write_text("[]"),
    "nothing was observed": lambda kept: (kept.folder / "complete.json").write_text(json.dumps({**kept.facts, "observed": None})),
    "somebody installed into it": lambda kept: (bare(kept) / "extra-1.0.dist-info").mkdir(),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_environment_is_built_again(what, tmp_path, no_index, cache, told):
    (tmp_path / "requirements.txt").write_text("tiny\n")
    first = prepared(tmp_path, told)
    (kept,) = cache.all()
    DAMAGE[what](kept)
    told.clear()
    again = prepared(tmp_path, told)
    assert ask(again, "import tiny; print(tiny.__version__)") == "2.0"
    assert again.fingerprint == first.fingerprint
    assert [event for event in told if event.text.startswith("making an environment")]
    assert all(examine(one.prefix, one.facts["observed"]).sound for one in cache.all())


def test_an_environment_that_runs_use_is_not_taken_from_under_them(tmp_path, no_index, cache, told):
    (tmp_path / "requirements.txt").write_text("tiny\n")
    sleeper = subprocess.Popen(
        [sys.executable, "-c", PREPARE + "\nprint('ready', flush=True)\nsys.stdin.read()", str(tmp_path), "r"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert sleeper.stdout.readline()
        assert sleeper.stdout.readline() == "ready\n"
        (kept,) = cache.all()
        assert not cache.remove(kept.key)
        (bare(kept) / "extra-1.0.dist-info").mkdir()
        environment = prepared(tmp_path, told)
        assert environment.folder == kept.folder
        assert [event.text for event in told if event.step == "note" and "somebody has installed extra into it" in event.text]
        assert (bare(kept) / "extra-1.0.dist-info").exists()
    finally:
        sleeper.communicate(timeout=30)
    assert cache.remove(kept.key)
    assert cache.all() == []


@pytest.fixture
def small_disk(tmp_path):
    """Return what to put in front of a command so that a folder is a disk of 12 MB to it, and that folder."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["sh", "-c", 'mount -t tmpfs -o size=12m tmpfs "$0" && exec "$@"', str(folder)]
    for private in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        if shutil.which("unshare") and subprocess.run([*private, *mount, "true"], capture_output=True, check=False, timeout=20).returncode == 0:
            return [*private, *mount], folder
    pytest.skip("platform: nobody but root may mount a disk in memory here")


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing_half_built(root, small_disk):
    prefix, folder = small_disk
    look = [*prefix, "sh", "-c", 'cd "$2"; "$0" -c "$1" "$3" r; code=$?; find "$2" -mindepth 2 -type f -name "*.py" >&2; exit $code']
    done = subprocess.run(
        [*look, sys.executable, PREPARE, str(folder), str(root)],
        env={**os.environ, "NBPROJ_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("EnvironmentPreparationError: requirements.txt: the disk is full")
    assert "nbproj env gc makes room" in line


@pytest.mark.parametrize("blocked", ["a file", "no folder for us"])
def test_a_folder_that_cannot_be_used_is_told(tmp_path, blocked, monkeypatch):
    (tmp_path / "cache").write_text("")
    monkeypatch.setenv("NBPROJ_CACHE_DIR", str(tmp_path / "cache" if blocked == "a file" else "/proc/nothing"))
    with pytest.raises(EnvironmentPreparationError, match="NBPROJ_CACHE_DIR names another place"):
        EnvironmentCache()


def test_threads_of_one_process_build_it_once(tmp_path, no_index, cache):
    (tmp_path / "requirements.txt").write_text("upper\n")
    told, made = [], []
    threads = [threading.Thread(target=lambda: made.append(prepared(tmp_path, told))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({environment.python for environment in made}) == 1
    assert len(made) == 4
    assert sum(event.text.startswith("making an environment") for event in told) == 1


def test_marks_are_found(mark):
    """The test of the tests' own eye: a process that carries the mark is seen."""
    process = subprocess.Popen(["sleep", "300"])
    try:
        deadline = time.monotonic() + 60
        while not marked(mark):  # until it is `sleep`, of which nothing is shown before
            assert time.monotonic() < deadline
    finally:
        process.kill()
        process.wait(10)
