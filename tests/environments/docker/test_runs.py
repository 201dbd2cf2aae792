"""Scripts in containers, through the command line, on a real engine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nbproj
from nbproj.execution.relay import Relay

SHOW = """
import json, os, sys, socket
open(os.path.join(os.environ["NBPROJ_OUTPUT_DIR"], "result.txt"), "w").write("made inside")
open("beside.txt", "w").write("the working folder can be written")
if os.environ.get("HOME", "/") != "/":
    open(os.path.expanduser("~/cache.txt"), "w").write("so can the home")
print(json.dumps({
    "argv": sys.argv[1:],
    "cwd": os.getcwd(),
    "user": [os.getuid(), os.getgid()],
    "read": [open(name).read() for name in sys.argv[1:] if os.path.isfile(name)],
    "variables": dict(os.environ),
    "files": sorted(os.listdir()),
}))
"""


def shown(done) -> dict:
    """Return what the program printed of itself."""
    assert done.code == 0, done.err
    return json.loads(next(line for line in done.out.splitlines() if line.startswith("{")))


def wait_for(condition, seconds: float = 60):
    """Wait until a condition holds; return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


@pytest.fixture
def start(mark, monkeypatch):
    """Return a function that starts `nbproj` in the background; what is left of it is killed at the end."""
    monkeypatch.setenv("NBPROJ_GRACE", "30")  # of five seconds a busy machine may keep all to itself: only what ends by itself is waited for
    started: list[subprocess.Popen] = []

    def go(*arguments: object) -> subprocess.Popen:
        process = subprocess.Popen([sys.executable, "-m", "nbproj", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        started.append(process)
        return process

    yield go
    for process in started:
        process.kill()
        process.communicate()


def test_a_project_finds_its_files_parameters_variables_and_volumes(
    cli, container_project, store, only_run, containers, engine, name, tmp_path, monkeypatch
):
    (tmp_path / "in put.txt").write_text("an input")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "s.txt").write_text("of a volume")
    monkeypatch.setenv("COPIED", "from here")
    more = f'volumes: ["{tmp_path}/shared:/shared:ro"]\nenvironment: [["NEW", "its value"], "COPIED"]'
    entry = (
        "  main:\n    parameters: {data: path, target: {type: path, exists: false}, n: int}\n"
        "    command: python show.py {data} {target} {n} /shared/s.txt; echo made > {target}\n"
    )
    folder = container_project(entry, more=more, show__py=SHOW)

    done = cli("run", folder, "-P", f"data={tmp_path}/in put.txt", "-P", f"target={tmp_path}/made.txt", "-P", "n=3")

    found = shown(done)
    assert found["argv"] == ["/mlflow/nbproj/inputs/data/in put.txt", "/mlflow/nbproj/outputs/target/made.txt", "3", "/shared/s.txt"]
    assert found["read"] == ["an input", "of a volume"]
    assert found["cwd"] == "/mlflow/projects/code"
    assert found["user"] == [os.getuid(), os.getgid()]
    assert found["variables"]["HOME"] == "/mlflow/nbproj/home"
    assert {"MLproject", "show.py", "beside.txt"} <= set(found["files"])
    assert (found["variables"]["NEW"], found["variables"]["COPIED"]) == ("its value", "from here")
    assert (tmp_path / "made.txt").read_text() == "made\n"
    assert (tmp_path / "made.txt").stat().st_uid == os.getuid()
    assert not (folder / "beside.txt").exists()
    run = only_run()
    assert run.status == "FINISHED"
    assert run.params == {"data": f"{tmp_path}/in put.txt", "target": f"{tmp_path}/made.txt", "n": "3"}
    assert run.tags["mlflow.project.env"] == "docker"
    assert run.tags["mlflow.docker.image.uri"] == f"{name}:latest"
    assert run.tags["mlflow.docker.image.id"] == engine.client.images.get(f"{name}:latest").id
    assert found["variables"]["MLFLOW_RUN_ID"] == run.run_id
    assert found["variables"]["MLFLOW_TRACKING_URI"].startswith("http://host.docker.internal:")
    assert "sqlite" not in done.out
    assert (Path(run.artifact_uri) / "result.txt").read_text() == "made inside"
    assert containers() == []


def test_example_1_an_image_without_a_registry_path(container_project, only_run, containers, engine):
    """The first example of MLflow's documentation: the tag is `latest`, and the image is on this machine."""
    image = "mlflow-docker-example-environment"
    engine.client.images.get(engine.bare).tag(image, "latest")
    try:
        run = nbproj.run(container_project("  main: {command: echo it runs}\n", image=image))
    finally:
        engine.client.images.remove(f"{image}:latest")

    assert run.status == "FINISHED"
    assert (Path(only_run().artifact_uri) / "run/output.log").read_text() == "it runs\n"


def test_example_2_mounting_volumes_and_specifying_environment_variables(container_project, only_run, containers, tmp_path, monkeypatch):
    """The second example of MLflow's documentation, word for word but for the folder of this machine."""
    (tmp_path / "local path").mkdir()
    (tmp_path / "local path" / "data.txt").write_text("of the volume")
    monkeypatch.setenv("VAR_TO_COPY_FROM_HOST_ENVIRONMENT", "its value here")
    more = (
        f'volumes: ["{tmp_path}/local path:/container/mount/path"]\n'
        'environment: [["NEW_ENV_VAR", "new_var_value"], "VAR_TO_COPY_FROM_HOST_ENVIRONMENT"]'
    )
    command = "cat /container/mount/path/data.txt; echo; echo $NEW_ENV_VAR; echo $VAR_TO_COPY_FROM_HOST_ENVIRONMENT"

    run = nbproj.run(container_project(f"  main: {{command: '{command}'}}\n", more=more))

    assert run.status == "FINISHED"
    printed = (Path(only_run().artifact_uri) / "run/output.log").read_text()
    assert printed.splitlines() == ["of the volume", "new_var_value", "its value here"]


def test_a_project_s_own_variables_win_over_those_that_are_only_handed_on(container_project, only_run, containers, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "11")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    more = 'environment: [["MLFLOW_HTTP_REQUEST_TIMEOUT", "22"], ["MLFLOW_RUN_ID", "another"]]'

    nbproj.run(container_project("  main: {command: env}\n", more=more))

    printed = (Path(only_run().artifact_uri) / "run/output.log").read_text().splitlines()
    assert {"MLFLOW_HTTP_REQUEST_TIMEOUT=22", "MLFLOW_HTTP_REQUEST_MAX_RETRIES=3", f"MLFLOW_RUN_ID={only_run().run_id}"} <= set(printed)


def test_the_image_of_a_commit_bears_its_name(container_project, store, containers, name):
    folder = container_project("  main: {command: ls}\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True).stdout[:7]

    nbproj.run(folder)
    (folder / "more.txt").write_text("not in the commit")
    nbproj.run(folder)

    assert {run.tags["mlflow.docker.image.uri"] for run in store.search_runs()} == {f"{name}:{commit}", f"{name}:{commit}-dirty"}


@pytest.mark.parametrize(
    ("command", "options", "code", "reason"),
    [
        ("exit 7", [], 7, "exit code 7"),
        ("PATH=/bin python train.py", [], 127, "exit code 127"),
        ("kill -9 $$", [], 137, "ended by signal 9"),
        ("python -c 'bytearray(300_000_000)'", ["-A", "memory=48m"], 137, "ended by signal 9: out of memory (the container may use 48 MiB)"),
        ("sleep 60", ["--timeout", "2"], 124, "timeout after 2 s"),
    ],
)
def test_the_end_of_the_program_is_the_end_of_the_run(command, options, code, reason, cli, container_project, only_run, containers):
    folder = container_project(f'  main: {{command: "{command}"}}\n')

    done = cli("run", folder, *options)

    assert done.code == code, done.err
    run = only_run()
    assert (run.status, run.tags["nbproj.exit_code"], run.tags["nbproj.reason"]) == ("FAILED", str(code), reason)
    assert containers() == []


def test_output_is_shown_while_the_program_runs_and_an_interrupt_ends_it(start, container_project, only_run, containers, nobody_left):
    folder = container_project("  main: {command: \"trap 'echo has heard; exit 3' TERM; echo begins; while true; do sleep 0.1; done\"}\n")
    process = start("run", folder)
    lines = iter(process.stdout.readline, b"")
    assert any(b"begins" in line for line in lines)

    process.send_signal(signal.SIGINT)

    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 130, rest
    run = only_run()
    assert (run.status, run.tags["nbproj.exit_code"]) == ("KILLED", "130")
    assert "has heard" in (Path(run.artifact_uri) / "run/output.log").read_text()
    assert containers() == []
    nobody_left()


def test_a_program_that_ignores_its_stop_is_killed(start, cli, container_project, only_run, containers, monkeypatch):
    monkeypatch.setenv("NBPROJ_GRACE", "2")
    folder = container_project("  main: {command: \"trap '' TERM; echo begins; while true; do sleep 0.1; done\"}\n")
    process = start("run", folder)
    assert any(b"begins" in line for line in iter(process.stdout.readline, b""))

    stopped = cli("stop", only_run().run_id)

    assert stopped.code == 0, stopped.err
    process.communicate(timeout=60)
    assert only_run().status == "KILLED"
    assert containers() == []


def test_a_killed_driver_leaves_no_container_and_the_next_command_settles_the_run(start, cli, container_project, only_run, containers, nobody_left):
    folder = container_project('  main: {command: "echo begins; sleep 600"}\n')
    process = start("run", folder)
    assert any(b"begins" in line for line in iter(process.stdout.readline, b""))

    process.kill()
    process.wait()

    wait_for(lambda: containers() == [])
    nobody_left()
    assert only_run().status == "RUNNING"
    cli("runs")
    assert (only_run().status, only_run().tags["nbproj.exit_code"]) == ("KILLED", "137")


def test_when_everything_is_killed_at_once_the_next_command_removes_the_container(start, cli, container_project, only_run, containers, mark):
    folder = container_project('  main: {command: "echo begins; sleep 600"}\n')
    process = start("run", folder)
    assert any(b"begins" in line for line in iter(process.stdout.readline, b""))

    for pid in stopped(mark):  # the attendant, then the driver: the guard of the run finds nobody whom it could end
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    assert len(containers()) == 1, "the container lives on without anybody who follows it"

    cli("runs")

    assert containers() == []
    assert only_run().status == "KILLED"


def stopped(mark: str) -> list[int]:
    """Stop all processes of a test, so that none can act on the end of another; return them, attendants first."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"TEST_MARK={mark}".encode() in (folder / "environ").read_bytes():
                    os.kill(int(folder.name), signal.SIGSTOP)
                    found.append((b"attendant.py" not in (folder / "cmdline").read_bytes(), int(folder.name)))
    return [pid for _, pid in sorted(found)]


def test_no_secret_is_on_a_command_line_or_in_the_record(start, container_project, only_run, containers, monkeypatch):
    monkeypatch.setenv("DEEP_SECRET", "hush-4711-copied")
    monkeypatch.setenv("MANY_LINES_SECRET", "first-line-4712\nsecond-line-4712")
    more = 'environment: ["DEEP_SECRET", "MANY_LINES_SECRET", ["NEW_PASSWORD", "hush-4713-new"]]'
    entry = (
        "  main:\n    parameters: {key: {type: string, secret: true, env: THE_KEY}}\n"
        '    command: "env | grep -c -e -471; echo $NEW_PASSWORD $DEEP_SECRET $THE_KEY; sleep 3"\n'
    )
    folder = container_project(entry, more=more)
    monkeypatch.setenv("THE_KEY", "hush-4714-parameter")
    process = start("run", folder)
    seen = set()
    while process.poll() is None:
        done = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True)
        seen |= {line for line in done.stdout.splitlines() if "hush-471" in line or "-line-4712" in line}  # all processes of this machine are there
        time.sleep(0.05)

    printed = process.stdout.read().decode()
    assert process.returncode == 0, printed
    assert seen == set()
    assert "5\n" in printed, "five lines of the container's environment hold a secret"
    run = only_run()
    log = (Path(run.artifact_uri) / "run/output.log").read_text()
    for text in (printed, log, str(run.tags), str(run.params)):
        assert not {"hush-4711", "hush-4713", "hush-4714"} & set(text.replace("-copied", " ").split())
    assert "*** *** ***" in log


def test_a_mounted_project_is_read_only_and_needs_no_image(cli, container_project, only_run, containers, engine, name):
    folder = container_project('  main: {command: "cat data.txt; echo x > here"}\n', data__txt="as it is now\n")

    done = cli("run", folder, "--no-build-image", "-q")

    assert done.code == 1, done.err
    assert done.out.splitlines()[0] == "as it is now"
    assert "Read-only file system" in done.out.splitlines()[1]
    assert not engine.client.images.list(name)
    assert only_run().tags["mlflow.docker.image.uri"] == engine.kernel


def test_another_user_of_the_container_can_leave_results(cli, container_project, only_run, containers):
    folder = container_project("  main: {command: python show.py}\n", more='user: "1234:1234"', show__py=SHOW)

    done = cli("run", folder, "-q")

    assert shown(done)["user"] == [1234, 1234]
    assert (Path(only_run().artifact_uri) / "result.txt").read_text() == "made inside"


@pytest.mark.parametrize(
    ("more", "options", "told"),
    [
        ('environment: ["NOT_SET_HERE", "NOR_THIS"]', [], "copies the variables NOT_SET_HERE, NOR_THIS from this machine, where they are not set"),
        ('volumes: ["/no/such/folder:/there"]', [], "volume '/no/such/folder:/there': there is no /no/such/folder on this machine"),
        ("environment: NOT_A_LIST", [], "docker_env: 'environment' is a text, where a list belongs, such as"),
        ("", ["-A", "no-such-option=1"], "the container cannot be created: unknown flag: --no-such-option"),
        ("", ["-A", "memory=lots"], "the container cannot be created: invalid argument"),
        ("", ["-A", "network=nowhere"], "there is no container network 'nowhere'"),
        ("", ["-A", "gpus=all"], 'the container could not be started: could not select device driver "" with capabilities: [[gpu]]'),
        ("", ["-A", "device=/no/such/device"], "the container could not be started: error gathering device information"),
    ],
)
def test_what_cannot_be_had_is_told_in_one_line(more, options, told, cli, container_project, store, containers):
    folder = container_project("  main: {command: ls}\n", more=more)

    done = cli("run", folder, *options)

    assert done.code in {120, 121}, (done.code, done.err)
    assert told in " ".join(done.err.split())
    assert done.out == ""
    assert all(run.status == "FAILED" for run in store.search_runs())
    assert containers() == []


def test_without_an_engine_there_is_no_run(cli, container_project, store, tmp_path):
    folder = container_project("  main: {command: ls}\n")

    done = cli("run", folder, DOCKER_HOST=f"unix://{tmp_path}/nobody.sock")

    assert (done.code, store.search_runs()) == (121, [])
    assert f"no Docker engine answers at unix://{tmp_path}/nobody.sock" in done.err


def test_an_engine_that_is_lost_during_a_run_is_told_and_its_container_removed_by_the_next(
    start, container_project, only_run, engine, docker_engine, home, monkeypatch, containers
):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{home}/d.sock")
    monkeypatch.setenv("NBPROJ_GRACE", "2")
    folder = container_project('  main: {command: "echo begins; sleep 600"}\n')
    way = Relay(home / "d.sock", lambda: connected_to(docker_engine.address))
    way.open()
    process = start("run", folder)
    assert any(b"begins" in line for line in iter(process.stdout.readline, b""))

    way.close()

    told = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 121, told
    assert only_run().tags["nbproj.reason"] == "the container was lost: the Docker engine does not answer any more"
    assert only_run().status == "FAILED"
    (left,) = containers()
    assert f"container {left} may be left: the Docker engine does not answer. The next run in a container removes it" in told
    way = Relay(home / "d.sock", lambda: connected_to(docker_engine.address))
    way.open()
    nbproj.run(container_project("  main: {command: ls}\n"))
    way.close()
    assert containers() == []


def connected_to(address: str) -> socket.socket:
    """Return a connection to the engine."""
    made = socket.socket(socket.AF_UNIX)
    made.connect(address.removeprefix("unix://"))
    return made


def test_an_engine_of_another_machine_is_refused(cli, container_project, store):
    done = cli("run", container_project("  main: {command: ls}\n"), DOCKER_HOST="ssh://build@far.example.org")

    assert (done.code, store.search_runs()) == (121, [])
    assert "the Docker engine at ssh://far.example.org is another machine" in done.err


def test_arguments_of_docker_are_for_containers_only(cli, project, store):
    done = cli("run", project("entry_points:\n  main: {command: ls}\n"), "-A", "memory=1g")

    assert (done.code, store.search_runs()) == (2, [])
    assert "-A is for projects with a docker_env" in done.err
