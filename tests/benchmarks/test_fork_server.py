"""How much memory kernels take that are forked from one server, beside as many stock ones."""

import contextlib
import json
import os
import signal
import sys
import time
import uuid
from pathlib import Path

import nbformat
import pytest
from harness import Sample

from nbproj.execution.forkserver import KernelServers
from nbproj.execution.kernels import interpreter_kernel
from nbproj.execution.notebook import NotebookExecution, NotebookTask
from nbproj.execution.process import Guard
from nbproj.tracking.redact import Redactor

pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(sys.platform != "linux", reason="shares of memory are told by Linux")]

KERNELS = 4
IMPORTS = "import numpy, pandas\nframe = pandas.DataFrame({'a': numpy.arange(1000)})\nprint(frame.a.sum())"


def proportional(*pids):
    """Return the memory of processes, what several share being shared out among them, in bytes."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def stock():
    """Measure kernels as jupyter_client starts them."""
    from jupyter_client.manager import start_new_kernel

    with contextlib.ExitStack() as stack:
        pids = []
        for _ in range(KERNELS):
            manager, client = start_new_kernel(kernel_name="python3")
            stack.callback(manager.shutdown_kernel, now=True)
            stack.callback(client.stop_channels)
            assert client.execute_interactive(IMPORTS, output_hook=lambda _message: None, timeout=120)["content"]["status"] == "ok"
            pids.append(manager.provisioner.pid)
        return proportional(*pids)


def forked(folder):
    """Measure kernels of a batch with the server that they come from; those that nobody has asked for yet do not count."""
    release = folder / "release"
    say = f"import os, time\nopen({str(folder)!r} + f'/pid-{{os.getpid()}}', 'w').close()"
    wait = f"while not os.path.exists({str(release)!r}):\n    time.sleep(0.05)"
    notebook = folder / "nb.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (IMPORTS, say, wait)]), notebook)
    known = Redactor()
    with Guard() as guard, KernelServers(guard, "fork", workers=KERNELS) as servers:
        runs = []
        for _ in range(KERNELS):
            own = folder / uuid.uuid4().hex
            own.mkdir()
            task = NotebookTask(notebook, own / "nb.ipynb", {}, {}, interpreter_kernel(sys.executable), folder, dict(os.environ))
            runs.append(
                NotebookExecution(
                    task, log=own / "log", mask=known.stream(), text_mask=known.text, guard=guard, started=lambda _group: None, servers=servers
                )
            )
            runs[-1].start()
        deadline = time.monotonic() + 120
        while len(pids := [path.name.removeprefix("pid-") for path in folder.glob("pid-*")]) < KERNELS:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (slot,) = servers._slots.values()
        server = slot.server._process.pid
        children = {path.name for path in Path("/proc").glob("[0-9]*") if _parent(path) == server}
        assert set(pids) <= children
        os.kill(server, signal.SIGSTOP)  # it would fork others in their place
        for pid in children - set(pids):  # while they live, they bear a share of what all have in common
            os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.5)
        found = proportional(server, *pids)
        os.kill(server, signal.SIGCONT)
        release.touch()
        for run in runs:
            while run.outcome is None:
                run.next(1.0)
            assert run.outcome.exit_code == 0
            assert "499500" in json.dumps(json.loads(run.artifacts["run/nb.ipynb"].read_text()))
    return found


def _parent(process):
    with contextlib.suppress(OSError, ValueError):
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    return -1


def test_four_kernels_with_numpy_and_pandas_take_less_memory_than_stock_ones(compare, tmp_path):
    comparison = compare("4 kernels, numpy and pandas, PSS", "stock kernels")
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        comparison.ours.append(Sample(1.0, forked(folder)))
        comparison.theirs.append(Sample(1.0, stock()))
    assert comparison.memory <= 0.80
