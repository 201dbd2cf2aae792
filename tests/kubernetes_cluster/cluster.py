"""A cluster of one node: etcd, API server, controllers, scheduler, and a kubelet whose pods really run, on an engine of their own.

All of it listens on loopback and on the address of a bridge that only this machine sees. Sessions of tests that run at the same time share it; the
last one ends it, by pid. A folder of tests gets it by importing the fixture: `from kubernetes_cluster.cluster import cluster`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from docker_engine import Layer, alive, answers, plain
from filelock import FileLock
from ports import held_port

from kubernetes_cluster.files import KUBECONFIG, KUBELET, REGISTRY, RUNTIME
from kubernetes_cluster.programs import FOLDER, ProgramsError, programs

STATE = FOLDER / "state"
BRIDGE, ADDRESS = "nbprojtest0", "172.30.41.1"
NODE = "nbproj-test-node"
PAUSE = "nbproj-test-pause:1"
START_SECONDS = 180
END_SECONDS = 40
SLOW_SECONDS = 60
"""For which an API server that lives may be too slow to say that it is ready."""
ORDER_OF_THE_END = ("kubelet", "scheduler", "controllers", "apiserver", "etcd", "registry", "dockerd")


@dataclass(frozen=True)
class Ports:
    """Where the parts listen on loopback."""

    etcd: int
    peer: int
    api: int
    registry: int


class Cluster:
    """The cluster that this session uses; a context manager."""

    def __init__(self) -> None:
        self.kubeconfig = STATE / "kubeconfig"
        self.address = ADDRESS
        """This machine's address as pods see it."""
        self.engine = f"unix://{FOLDER}/engine.sock"
        """The engine that pods run on."""
        self._lock = FileLock(f"{STATE}.lock", timeout=START_SECONDS * 2)
        self._ports = Ports(0, 0, 0, 0)
        self._held = contextlib.ExitStack()

    @property
    def registry(self) -> str:
        """Return where images are pushed to and pulled from."""
        return f"localhost:{self._ports.registry}"

    @property
    def guest(self) -> str:
        """Return the token of a user who may do nothing."""
        return (STATE / "tokens.csv").read_text().splitlines()[1].partition(",")[0]

    def __enter__(self) -> Self:
        folder = _programs()
        with self._lock:
            if not self._answers():
                self._end()
                self._start(folder)
            self._ports = Ports(**json.loads((STATE / "ports.json").read_text()))
            (STATE / "users").mkdir(exist_ok=True)
            (STATE / "users" / str(os.getpid())).touch()
        return self

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            (STATE / "users" / str(os.getpid())).unlink(missing_ok=True)
            if not any(alive(int(path.name)) for path in (STATE / "users").iterdir()):
                self._end()

    def stop_api(self) -> None:
        """Kill the API server, as a failure of its machine would. A session that begins meanwhile waits, and does not take the cluster for dead."""
        self._lock.acquire()
        _kill("apiserver", signal.SIGKILL)
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):  # its last threads may still be about to let go
                self._held.enter_context(_held(self._ports.api))  # it is to come back on the same one
                return
            time.sleep(0.05)

    def start_api(self) -> None:
        """Start the API server again, on the same port with the same data."""
        try:
            self._api(_programs())
        finally:
            self._held.close()
            self._lock.release()

    def _answers(self) -> bool:
        try:
            self._ports = Ports(**json.loads((STATE / "ports.json").read_text()))
        except (OSError, ValueError, TypeError):
            return False
        deadline = time.monotonic() + SLOW_SECONDS
        while _pid("apiserver") is not None and _pid("kubelet") is not None and time.monotonic() < deadline:
            if _ready(self._ports.api):
                return True
            time.sleep(0.1)
        return False

    def _start(self, folder: Path) -> None:
        shutil.rmtree(STATE, ignore_errors=True)
        (STATE / "etcd").mkdir(parents=True, mode=0o700)
        with contextlib.ExitStack() as stack:  # the programs come one after the other, and the last some seconds after the first
            self._ports = Ports(*(stack.enter_context(held_port()) for _ in range(3)), stack.enter_context(_registry_port()))
            self._start_programs(folder)
        (STATE / "ports.json").write_text(json.dumps(vars(self._ports)))

    def _start_programs(self, folder: Path) -> None:
        port, peer = f"http://127.0.0.1:{self._ports.etcd}", f"http://127.0.0.1:{self._ports.peer}"
        (STATE / "tokens.csv").write_text(f'{(token := secrets.token_hex(16))},admin,admin,"system:masters"\n{secrets.token_hex(16)},guest,guest\n')
        self.kubeconfig.write_text(KUBECONFIG.format(port=self._ports.api, token=token))
        for command in (["genrsa", "-out", "sa.key", "2048"], ["rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub"]):
            subprocess.run(["openssl", *command], cwd=STATE, check=True, capture_output=True, timeout=60)
        self._engine()
        self._registry()
        _start(
            "etcd",
            ["etcd", "--data-dir", str(STATE / "etcd"), "--unsafe-no-fsync", "--listen-client-urls", port, "--advertise-client-urls", port],
            ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"],
        )
        self._api(folder)
        common = ["--kubeconfig", str(self.kubeconfig), "--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=0", "--port=0"]
        _start(
            "controllers",
            [str(folder / "kube-controller-manager"), *common, "--service-account-private-key-file", str(STATE / "sa.key")],
            ["--cert-dir", str(STATE / "certificates"), "--feature-gates=TTLAfterFinished=true"],
        )
        _start("scheduler", [str(folder / "kube-scheduler"), *common])
        self._kubelet(folder)

    def _api(self, folder: Path) -> None:
        _start(
            "apiserver",
            [str(folder / "kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{self._ports.etcd}", "--bind-address=127.0.0.1"],
            ["--advertise-address=127.0.0.1", f"--secure-port={self._ports.api}", "--insecure-port=0", f"--cert-dir={STATE / 'certificates'}"],
            ["--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={STATE / 'sa.pub'}"],
            [f"--service-account-signing-key-file={STATE / 'sa.key'}", "--api-audiences=api", f"--token-auth-file={STATE / 'tokens.csv'}"],
            ["--authorization-mode=RBAC", "--service-cluster-ip-range=10.254.0.0/24", "--disable-admission-plugins=ServiceAccount"],
            ["--endpoint-reconciler-type=none", "--feature-gates=TTLAfterFinished=true", "--kubelet-preferred-address-types=InternalIP"],
        )
        _wait("apiserver", lambda: _ready(self._ports.api))

    def _engine(self) -> None:
        if not Path(f"/sys/class/net/{BRIDGE}").exists():
            for command in (["add", BRIDGE, "type", "bridge"], ["set", BRIDGE, "up"]):
                subprocess.run(["ip", "link", *command], check=True, capture_output=True, timeout=20)
            subprocess.run(["ip", "addr", "add", f"{ADDRESS}/24", "dev", BRIDGE], check=True, capture_output=True, timeout=20)
        runtime = FOLDER / "runtime"
        runtime.write_text(RUNTIME.format(python=os.path.realpath(sys.executable), runc=shutil.which("runc") or "/usr/sbin/runc"))
        runtime.chmod(0o755)
        (STATE / "dockerd.json").write_text("{}")
        _start(
            "dockerd",
            ["dockerd", "--config-file", str(STATE / "dockerd.json"), "--data-root", str(FOLDER / "data"), "--exec-root", str(FOLDER / "exec")],
            ["--pidfile", str(STATE / "dockerd.own.pid"), "-H", self.engine, "--bridge", BRIDGE, "--iptables=false", "--ip-masq=false"],
            ["--add-runtime", f"plain={runtime}", "--default-runtime", "plain"],
        )
        _wait("dockerd", lambda: answers(self.engine))
        docker = ["docker", "--host", self.engine]
        if subprocess.run([*docker, "image", "inspect", PAUSE], capture_output=True, timeout=30, check=False).returncode:
            layer = Layer()
            for folder in ("usr", "usr/bin", "usr/lib", "usr/lib64", "proc", "sys", "dev", "etc"):
                layer.folder(folder)
            for name in ("bin", "lib", "lib64"):
                layer.link(name, f"usr/{name}")
            layer.program(shutil.which("sleep") or "/usr/bin/sleep")
            command = [*docker, "import", "--change", 'ENTRYPOINT ["/usr/bin/sleep", "infinity"]', "-", PAUSE]
            subprocess.run(command, input=layer.data(), check=True, capture_output=True, timeout=60)

    def _registry(self) -> None:
        (STATE / "registry.yml").write_text(REGISTRY.format(folder=FOLDER / "registry", port=self._ports.registry))
        _start("registry", ["docker-registry", "serve", str(STATE / "registry.yml")])

        def listens() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._ports.registry), 1):
                return True
            return False

        _wait("registry", listens)

    def _kubelet(self, folder: Path) -> None:
        place = STATE / "kubelet"
        place.mkdir()
        (place / "config.yaml").write_text(KUBELET.format(address=ADDRESS))
        _start(
            "kubelet",
            [str(folder / "kubelet"), "--kubeconfig", str(self.kubeconfig), "--config", str(place / "config.yaml")],
            ["--root-dir", str(place / "root"), "--cert-dir", str(place / "pki"), f"--hostname-override={NODE}", f"--node-ip={ADDRESS}"],
            ["--container-runtime=docker", f"--docker-endpoint={self.engine}", f"--pod-infra-container-image={PAUSE}"],
            ["--runtime-cgroups=/", "--kubelet-cgroups=/", "--cni-bin-dir=/nonexistent", "--network-plugin="],
        )
        _wait("kubelet", self._node_is_ready)

    def _node_is_ready(self) -> bool:
        node = self.get(f"/api/v1/nodes/{NODE}")
        conditions = (node or {}).get("status", {}).get("conditions", [])
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def get(self, path: str) -> dict[str, object] | None:
        """Return what the API server answers, None when it does not."""
        try:
            return dict(json.loads(self.text(path)))
        except (OSError, ValueError):
            return None

    def text(self, path: str) -> str:
        """Return what the API server answers, as it stands."""
        token = (STATE / "tokens.csv").read_text().partition(",")[0]
        request = urllib.request.Request(f"https://127.0.0.1:{self._ports.api}{path}", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30, context=unverified()) as answer:
            return bytes(answer.read()).decode()

    def _end(self) -> None:
        if answers(self.engine):  # what pods have left: a kubelet that is ended leaves its containers running
            docker = ["docker", "--host", self.engine]
            found = subprocess.run([*docker, "ps", "-aq"], capture_output=True, text=True, timeout=60, check=False).stdout.split()
            _kill("kubelet", signal.SIGTERM)
            if found:
                subprocess.run([*docker, "rm", "-f", *found], capture_output=True, timeout=120, check=False)
        for name in ORDER_OF_THE_END:
            _kill(name, signal.SIGTERM)
        subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, timeout=20, check=False)
        if Path("/proc/mounts").exists():
            for line in reversed(Path("/proc/mounts").read_text().splitlines()):
                if (place := line.split()[1]).startswith(f"{STATE}/"):
                    subprocess.run(["umount", place], capture_output=True, timeout=20, check=False)


def _programs() -> Path:
    try:
        folder = programs()
        lacking = [name for name in ("etcd", "dockerd", "docker-registry", "openssl", "ip") if shutil.which(name) is None]
        why = f"a cluster needs {', '.join(lacking)}" if lacking else "" if os.geteuid() == 0 else "a cluster is started by root only"
    except ProgramsError as error:
        why = str(error)
    if why:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    return folder


@contextlib.contextmanager
def _held(port: int) -> Iterator[int]:
    """Hold a port that is known already, as `held_port` holds any."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        yield port


@contextlib.contextmanager
def _registry_port() -> Iterator[int]:
    """Hold the registry's port, the same as ever while it is free: an engine knows by its address what a registry has already."""
    kept = FOLDER / "registry.port"
    with contextlib.ExitStack() as stack:
        try:
            port = stack.enter_context(_held(int(kept.read_text())))
        except (OSError, ValueError):
            kept.write_text(str(port := stack.enter_context(held_port())))
        yield port


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/readyz", timeout=5, context=unverified()) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def _start(name: str, *command: list[str]) -> None:
    """Start a service that is no child of this process; its pid and its log are in the folder of the state."""
    shell = 'log=$1; pid=$2; shift 2; setsid "$@" </dev/null >>"$log" 2>&1 & echo $! >"$pid"'
    words = ["/bin/sh", "-c", shell, "sh", str(STATE / f"{name}.log"), str(STATE / f"{name}.pid"), *(word for part in command for word in part)]
    subprocess.run(words, env=plain(), cwd=STATE, check=True, timeout=30)


def _pid(name: str) -> int | None:
    """Return the process of a service that lives. After a restart of the machine the number may be somebody else's, who names no file of ours."""
    try:
        pid = int((STATE / f"{name}.pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    # One that is just being replaced by its program (execve) shows nothing for a moment.
    return pid if alive(pid) and (not command or str(STATE).encode() in command) else None


def _wait(name: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        if _pid(name) is None or time.monotonic() > deadline:
            pytest.fail(f"{name} did not start:\n{(STATE / f'{name}.log').read_text()[-3000:]}")
        time.sleep(0.1)


def _kill(name: str, how: int) -> None:
    pid = _pid(name)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)
    deadline = time.monotonic() + END_SECONDS
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    if alive(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster that lives as long as the test session."""
    with Cluster() as running:
        yield running
