"""A machine without space: for the files of an image, and in the engine."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker_engine import answers

from nbproj.environments.docker.images import project_image
from nbproj.errors import EnvironmentPreparationError
from nbproj.progress import silent

MEGABYTE = 1 << 20


def with_little_room(place: Path, megabytes: int, command: str) -> list[str]:
    """Return a command of a shell that runs where a folder is a small file system of its own, which only it sees."""
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", "--mount", *rights, "sh", "-c", f"mount -t tmpfs -o size={megabytes}m none {place} && {command}"]


def test_no_room_to_collect_the_files_is_one_line_and_a_failed_run(container_project, only_run, containers, engine, name, tmp_path):
    folder = container_project("  main: {command: ls}\n")
    (folder / "large.bin").write_bytes(os.urandom(3 * MEGABYTE))
    (tmp_path / "small").mkdir()
    run = f"TMPDIR={tmp_path}/small exec {sys.executable} -m nbproj run {folder}"

    done = subprocess.run(with_little_room(tmp_path / "small", 1, run), capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 121, done.stderr
    told = f"nbproj run: the files for image {name}:latest cannot be collected in {tmp_path}/small: No space left on device"
    assert told in done.stderr.splitlines()
    assert only_run().status == "FAILED"
    assert not engine.client.images.list(name)


@pytest.fixture
def full_engine(docker_engine, home) -> Iterator[docker.DockerClient]:
    """Return an engine that can keep 24 MB."""
    if os.geteuid() != 0:
        pytest.skip("platform: only root can start an engine")
    place = home / "engine"
    place.mkdir()
    address = f"unix://{home}/d.sock"
    # In a network of its own: an engine without a bridge removes the one that another engine has.
    start = (
        f"exec unshare --net dockerd --data-root {place}/d --exec-root {place}/x --pidfile {place}/pid -H {address} --bridge=none --iptables=false"
    )
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(with_little_room(place, 24, start), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while not answers(address):
            assert time.monotonic() < deadline, (home / "log").read_text()[-3000:]
            time.sleep(0.1)
        with contextlib.closing(docker.DockerClient(base_url=address, timeout=60)) as client:
            yield client
    finally:
        process.terminate()
        process.wait(60)


def test_an_engine_without_room_is_told_in_one_line_and_keeps_nothing_of_the_build(full_engine, tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    full_engine.api.import_image_from_data(buffer.getvalue(), repository="tiny", tag="1")
    base = full_engine.images.get("tiny:1")
    (tmp_path / "large.bin").write_bytes(os.urandom(40 * MEGABYTE))

    with pytest.raises(EnvironmentPreparationError, match=r"image mine:latest cannot be built: .*no space left on device") as caught:
        project_image(full_engine, base, tmp_path, "mine:latest", silent)

    assert "\n" not in str(caught.value)
    assert [image.id for image in full_engine.images.list(all=True)] == [base.id]
    assert full_engine.containers.list(all=True) == []
