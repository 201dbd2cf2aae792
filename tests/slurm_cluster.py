"""A real Slurm on one machine for tests: the controller on this host, and one node that is another host by its name.

Three programs of Debian's packages - munged, slurmctld, slurmd - run as they would on a cluster, with folders, ports and a key of their own, and end
with the session of tests, also when that is killed. The node has a name of its own by a UTS namespace: what it runs is seen from here as what another
host runs, while the two share a file system, as nodes do. A job costs a tenth of a second; there is no accounting and no limit of memory.

A folder of tests gets it by importing the fixture in its conftest.py: `from slurm_cluster import slurm_cluster`.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from ports import held_port

NODE = "node1"
START_SECONDS = 180
END_SECONDS = 30
ENDED = {"CANCELLED", "COMPLETED", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"}
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "unshare", "setpriv")
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=60
MinJobAge=3600
SchedulerParameters=batch_sched_delay=0,sched_min_interval=1
SlurmdParameters=config_overrides
NodeName={node} NodeAddr=127.0.0.1 NodeHostname={node} CPUs=8 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def cgroup_plugin() -> str:
    """Return what a Slurm that uses no control groups is told of them: before 23.11 it wants to know a kind all the same."""
    said = subprocess.run(["slurmd", "-V"], capture_output=True, text=True, check=True, timeout=20).stdout
    major, minor = (int(part) for part in re.findall(r"\d+", said)[:2])
    return "disabled" if (major, minor) >= (23, 11) else "cgroup/v1"


class Cluster:
    """The cluster of this session; a context manager."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nbproj-slurm-"))
        self.variables = {"SLURM_CONF": str(self.folder / "slurm.conf")}
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        if os.geteuid() != 0 or (lacking := [name for name in PROGRAMS if shutil.which(name) is None]):
            msg = "Slurm cannot be started here: as root, apt install slurmctld slurmd slurm-client munge"
            if os.environ.get("CI"):
                pytest.fail(f"{msg} ({', '.join(lacking) if os.geteuid() == 0 else 'not root'})")
            pytest.skip(msg)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        host = socket.gethostname().partition(".")[0]
        controller, daemon = (self._held.enter_context(held_port()) for _ in range(2))
        text = CONFIGURATION.format(host=host, folder=self.folder, controller=controller, daemon=daemon, node=NODE)
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "cgroup.conf").write_text(f"CgroupPlugin={cgroup_plugin()}\n")
        (self.folder / "munge.key").write_bytes(secrets.token_bytes(64))
        (self.folder / "munge.key").chmod(0o400)
        kept = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        self._daemon("munged", "--foreground", "--force", *(f"--{option}={self.folder}/munge.{name}" for option, name in kept.items()))
        self._until((self.folder / "munge.socket").exists)
        self._daemon("slurmctld", "-D", "-c")
        self._daemon("unshare", "--uts", "sh", "-c", f"hostname {NODE}; exec slurmd -D -N {NODE}")
        self._until(lambda: self.ask("sinfo", "-h", "-o", "%T") == "idle")

    def _daemon(self, *command: str) -> None:
        with (self.folder / "log").open("ab") as log:
            # The death of this process ends them, too. They inherit nothing that a test has set.
            self._daemons.append(
                subprocess.Popen(
                    ["setpriv", "--pdeathsig", "TERM", *command],
                    env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", **self.variables},
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            dead = next((one for one in self._daemons if one.poll() is not None), None)
            if dead is not None or time.monotonic() > deadline:
                pytest.fail(f"Slurm did not start:\n{(self.folder / 'log').read_text()[-3000:]}")
            time.sleep(0.05)

    def __exit__(self, *_error: object) -> None:
        if len(self._daemons) > 2:
            self.ask("scancel", "--user=root")
            deadline = time.monotonic() + END_SECONDS
            while self.ask("squeue", "-h") and time.monotonic() < deadline:
                time.sleep(0.1)
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in self._daemons:
            try:
                daemon.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._held.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, *command: str) -> str:
        """Return what one of Slurm's programs answers; empty when it refuses."""
        done = subprocess.run(command, env=os.environ | self.variables, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.strip()

    def job(self, number: str) -> dict[str, str]:
        """Return what the controller knows of a job, also for some minutes after its end."""
        return _values(self._shown(number))

    def ended(self, number: str, seconds: float = 200) -> dict[str, str]:
        """Wait for the end of a job, or of all jobs of an array; return what is known then. A controller that does not answer has said nothing."""
        deadline = time.monotonic() + seconds
        while not (states := set(re.findall(r"\bJobState=(\w+)", shown := self._shown(number)))) or states - ENDED:
            assert time.monotonic() < deadline, f"it goes on: {shown}"
            time.sleep(0.1)
        return _values(shown)

    def _shown(self, number: str) -> str:
        return self.ask("scontrol", "show", "job", "-o", number)


def _values(shown: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S*)", shown))


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[Cluster]:
    """A real cluster that lives as long as the test session."""
    with Cluster() as cluster:
        yield cluster
