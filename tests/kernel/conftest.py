"""The fixtures of runs, with kernels."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from backends.conftest import cli, mark, nobody_left, notebook, only_run, project, store
from jupyter_client.connect import LocalPortCache

__all__ = ["cli", "mark", "nobody_left", "notebook", "only_run", "project", "store"]

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
SHARE = 2000


@pytest.fixture(scope="session", autouse=True)
def ports() -> Iterator[None]:
    """Give the kernels that Jupyter's own client starts here ports that the other process of tests does not give to its own.

    Jupyter takes a port from the system, lets it go, and tells the kernel, which binds it a second later. Until then the system may give it to a
    kernel of the other process, and one of the two dies at its start. Below the ports that the system gives away each process has its own share.
    """
    first = int(RANGE.read_text().split()[0]) if RANGE.exists() else 49152
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
    share = range(first - (worker + 1) * SHARE, first - worker * SHARE)
    begin = random.randrange(SHARE)  # other runs of these tests on this machine have the same shares
    numbers = itertools.cycle([*share[begin:], *share[:begin]])

    def find(self: LocalPortCache, ip: str) -> int:
        for number in itertools.islice(numbers, SHARE):
            with socket.socket() as tried:
                try:
                    tried.bind((ip, number))
                except OSError:
                    continue
            if number not in self.currently_used_ports:
                self.currently_used_ports.add(number)
                return number
        msg = "no port is free"
        raise OSError(msg)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalPortCache, "find_available_port", find)
        yield
