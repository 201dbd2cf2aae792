"""A real Docker engine for tests, and images made without any registry.

An engine that answers already is used and left alone. Else `dockerd` is started, with a socket and a data folder of its own in the folder that the
tests of this machine share, and ended by its pid when the last session that uses it is over. What it keeps - the images - makes the next start quick.

A folder of tests gets it by importing the fixtures in its conftest.py: `from docker_engine import docker_engine, images`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import docker
import full_mlflow
import pytest
from bare_kernel import bare_python
from filelock import FileLock

FOLDER = full_mlflow.CACHE / "docker"
START_SECONDS = 120
END_SECONDS = 30
PROGRAMS = (
    "bash",
    "cat",
    "chmod",
    "cp",
    "date",
    "echo",
    "env",
    "find",
    "grep",
    "head",
    "id",
    "ls",
    "mkdir",
    "ps",
    "rm",
    "sed",
    "sh",
    "sleep",
    "tr",
    "wc",
)
EXPECTED = ("libstdc++.so.6", "libgcc_s.so.1", "librt.so.1", "libdl.so.2", "libpthread.so.0", "libutil.so.1", "libm.so.6", "libgomp.so.1")
"""What wheels of many machines expect, beside what Python itself is linked with."""
RESOLVER = ("libresolv.so.2", "libnss_dns.so.2", "libnss_files.so.2")
FOLDERS = (
    "usr",
    "usr/bin",
    "usr/sbin",
    "usr/lib",
    "usr/lib64",
    "usr/local",
    "usr/local/bin",
    "etc",
    "var",
    "root",
    "home",
    "proc",
    "sys",
    "dev",
    "run",
)
SKIPPED = {"test", "idlelib", "tkinter", "turtledemo", "__pycache__", "site-packages", "ensurepip"}
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def answers(address: str) -> bool:
    """Return whether an engine answers at an address."""
    command = ["docker", "--host", address, "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def alive(pid: int) -> bool:
    """Return whether a process lives."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0] not in {b"Z", b"X"}
    except OSError:
        return False


class Engine:
    """The engine that this session uses; a context manager."""

    def __init__(self) -> None:
        self.address = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        self._lock = FileLock(FOLDER.with_suffix(".lock"), timeout=START_SECONDS * 3)
        self._ours = False

    def __enter__(self) -> Self:
        if answers(self.address):
            return self
        if shutil.which("dockerd") is None or os.geteuid() != 0:
            msg = "no Docker engine answers, and this user cannot start one here: start Docker, or as root apt install docker.io iptables"
            if os.environ.get("CI"):
                pytest.fail(msg)
            pytest.skip(msg)
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.address = f"unix://{FOLDER}/docker.sock"
        with self._lock:
            (FOLDER / "users").mkdir(exist_ok=True)
            (FOLDER / "users" / str(os.getpid())).touch()
            self._ours = True
            if not answers(self.address) and not self._is_slow():
                self._start()
        return self

    def _is_slow(self) -> bool:
        """Whether the engine lives and was only slow to answer: it does now. Another one on the same folder would be its end."""
        try:
            pid = int((FOLDER / "docker.pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return False
        deadline = time.monotonic() + START_SECONDS
        while str(FOLDER / "docker.pid").encode() in command and alive(pid) and time.monotonic() < deadline:
            if answers(self.address):
                return True
            time.sleep(0.1)
        return False

    def _start(self) -> None:
        (FOLDER / "docker.pid").unlink(missing_ok=True)
        command = ["dockerd", "--data-root", FOLDER / "data", "--exec-root", FOLDER / "exec", "--pidfile", FOLDER / "docker.pid", "-H", self.address]
        # Whichever session is the last one ends it: it is no child of this one.
        shell = ["/bin/sh", "-c", 'log=$1; shift; setsid "$@" </dev/null >"$log" 2>&1 &', "sh", FOLDER / "log", *command]
        subprocess.run(shell, env=plain(), check=True, timeout=START_SECONDS)
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.address):
            if time.monotonic() > deadline:
                pytest.fail(f"dockerd did not start:\n{(FOLDER / 'log').read_text()[-3000:]}")
            time.sleep(0.1)

    def __exit__(self, *_error: object) -> None:
        if not self._ours:
            return
        with self._lock:
            (FOLDER / "users" / str(os.getpid())).unlink(missing_ok=True)
            users = [path for path in (FOLDER / "users").iterdir() if alive(int(path.name))]
            if users or not (FOLDER / "docker.pid").exists():
                return
            pid = int((FOLDER / "docker.pid").read_text())
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + END_SECONDS
            while alive(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
            for path in (FOLDER / "users").iterdir():
                path.unlink(missing_ok=True)


def plain() -> dict[str, str]:
    """Return the environment of a service: none of what a test has set."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "NBPROJ_", "DOCKER_", "XDG_"))}


@dataclass(frozen=True)
class Images:
    """Names of images that the tests run in.

    Parameters
    ----------
    bare : str
        This Python, a shell, a few programs; no package at all, not even pip.
    kernel : str
        The same, with ipykernel and what it needs.
    client : object
        docker-py's client of the engine.
    """

    bare: str
    kernel: str
    client: Any


class Layer:
    """Files of an image, as a tar archive."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w")  # noqa: SIM115 - closed by `data`
        self._names: set[str] = set()

    def folder(self, name: str, mode: int = 0o755) -> None:
        """Add a folder."""
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self._tar.addfile(entry)

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(entry)

    def text(self, name: str, content: str) -> None:
        """Add a file of text."""
        self.binary(name, content.encode())

    def binary(self, name: str, content: bytes) -> None:
        """Add a file of bytes."""
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        self._tar.addfile(entry, io.BytesIO(content))

    def file(self, path: str | Path, name: str | None = None) -> None:
        """Add a file of this machine, once, under its own path in the merged tree of /usr."""
        target = name or str(path)
        if re.match(r"/(bin|sbin|lib|lib64)/", target):
            target = f"/usr{target}"
        if target not in self._names:
            self._names.add(target)
            self._tar.add(os.path.realpath(path), target.lstrip("/"), recursive=False)

    def program(self, path: str | Path) -> None:
        """Add a program or a library with the libraries that it is linked with."""
        self.file(path)
        linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        for found in re.finditer(r"(?:=> )?(/\S+) \(0x", linked):
            self.file(found[1])

    def data(self) -> bytes:
        """Return the archive."""
        self._tar.close()
        return self._buffer.getvalue()


def add_python(layer: Layer) -> None:
    """Add the running Python and its standard library."""
    base = Path(os.path.realpath(sys.base_prefix))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    layer.program(base / "bin" / version)
    for parent, folders, names in os.walk(base / "lib" / version):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("config-"))
        for name in sorted(names):
            if not name.endswith(".a") and "_tkinter" not in name:
                (layer.program if ".so" in name else layer.file)(Path(parent, name))
    for path in (base / "lib").glob("libpython*.so*"):
        layer.file(path)
    for name in ("python", "python3", version):
        layer.link(f"usr/local/bin/{name}", str(base / "bin" / version))


def add_system(layer: Layer, programs: Iterable[str]) -> None:
    """Add folders and programs."""
    for name in FOLDERS:
        layer.folder(name)
    layer.folder("tmp", 0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        layer.link(name, f"usr/{name}")
    for program in filter(None, map(shutil.which, programs)):
        layer.program(program)
    layer.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    layer.text("etc/group", "root:x:0:\nnogroup:x:65534:\n")


def shell_layer(**files: bytes) -> bytes:
    """Return a shell and some files, as an archive: a small image."""
    layer = Layer()
    add_system(layer, ("sh", "bash", "cat"))
    for name, content in files.items():
        layer.binary(name, content)
    return layer.data()


def python_layer() -> bytes:
    """Return the running Python with its standard library, a shell and a few programs, as an archive."""
    layer = Layer()
    add_system(layer, PROGRAMS)
    places = [Path(folder, machine) for folder in ("/lib", "/usr/lib") for machine in ("x86_64-linux-gnu", "aarch64-linux-gnu")]
    for name in (*EXPECTED, *RESOLVER):
        found = next((place / name for place in places if (place / name).exists()), None)
        if found is not None:
            layer.file(found)
    add_python(layer)
    for path in filter(os.path.exists, (CERTIFICATES, "/etc/nsswitch.conf")):
        layer.file(path)
    return layer.data()


def kernel_layer() -> bytes:
    """Return what is to be built above that Python: ipykernel and what it needs."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    source = bare_python().parent.parent / "lib" / version / "site-packages"
    target = f"{os.path.realpath(sys.base_prefix)}/lib/{version}/site-packages"
    layer = Layer()
    layer.text("Dockerfile", f"FROM {name_of('bare')}\nCOPY site {target}\n")
    for parent, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = Path(parent, name)
            layer.file(path, f"site/{path.relative_to(source)}")
    return layer.data()


def name_of(kind: str, *content: str) -> str:
    """Return the name of an image: another one for each Python, each content and each way to make it."""
    parts = (sys.version, os.path.realpath(sys.base_prefix), *content)
    key = hashlib.sha256(Path(__file__).read_bytes() + "\n".join(parts).encode()).hexdigest()[:12]
    return f"nbproj-test-{kind}:{key}"


def make_images(client: Any) -> Images:
    """Return the images, made where they are missing."""
    bare, kernel = name_of("bare"), name_of("kernel")
    with FileLock(f"{FOLDER}-images.lock", timeout=600):
        if not client.images.list(bare):
            repository, _, tag = bare.partition(":")
            changes = ["ENV PATH=/usr/local/bin:/usr/bin:/bin", f"ENV SSL_CERT_FILE={CERTIFICATES}", 'CMD ["python"]']
            client.api.import_image_from_data(python_layer(), repository=repository, tag=tag, changes=changes)
        if not client.images.list(kernel):
            client.images.build(fileobj=io.BytesIO(kernel_layer()), custom_context=True, tag=kernel, rm=True)
    return Images(bare, kernel, client)


def image_ids(client: Any) -> set[str]:
    """Return which images there are. Nothing more is asked of each: another process of tests may be removing it."""
    return set(client.api.images(all=True, quiet=True))


def untag(client: Any, name: str) -> None:
    """Take the names that begin so from the images that have them. One of the same content that another test has made keeps that test's."""
    for one in client.api.images():
        for tag in one["RepoTags"] or ():
            if tag.startswith(name):
                client.api.remove_image(tag, force=True)


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """A real engine that lives as long as the test session."""
    with Engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def images(docker_engine) -> Iterator[Images]:
    """Images to run in."""
    client = docker.DockerClient(base_url=docker_engine.address, timeout=300)
    yield make_images(client)
    client.close()


@pytest.fixture
def engine(docker_engine, images, monkeypatch) -> Images:
    """The engine as the one that every command of the test uses; the test leaves no container behind."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine.address)
    return images
