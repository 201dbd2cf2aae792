"""A run that a notebook has started, after the notebook's kernel is gone: followed and stopped from a terminal, found by another notebook."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import warm
from jupyter_client.manager import start_new_kernel

COUNT = "import time\nfor number in range(3000):\n    print('line', number, flush=True)\n    time.sleep(0.1)\n"


class Notebook:
    """Cells that are executed one after another in a kernel of their own."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3")

    def __call__(self, source: str) -> str:
        """Execute a cell and return the text of its value."""
        told: dict[str, str] = {}

        def listen(message):
            content = message["content"]
            if message["msg_type"] == "execute_result":
                told["value"] = content["data"]["text/plain"]
            elif message["msg_type"] == "error":
                told["error"] = "\n".join(content["traceback"])

        self.client.execute_interactive(source, timeout=60, output_hook=listen)
        assert "error" not in told, told["error"]
        return told.get("value", "")

    def kill(self) -> None:
        """Kill the kernel and all of its process group, as a machine that is short of memory or a restart does."""
        os.killpg(self.manager.provisioner.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def open_notebook(home, store) -> Iterator[Callable[[], Notebook]]:
    """Return a function that opens a notebook."""
    opened: list[Notebook] = []

    def make() -> Notebook:
        opened.append(Notebook())
        return opened[-1]

    yield make
    for notebook in opened:
        if notebook.manager.has_kernel:
            notebook.close()


def printed(run_id: str) -> subprocess.Popen:
    return warm.Popen([sys.executable, "-m", "nbproj", "logs", "-f", run_id], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("way", ["magic", "python"])
def test_a_run_outlives_the_kernel_that_started_it(way, open_notebook, project, cli, nobody_left):
    folder = project(count__py=COUNT)
    notebook = open_notebook()
    if way == "magic":
        notebook(f"%load_ext nbproj\nrun = %mlrun {folder} -e count.py --detach")
    else:
        notebook(f"import nbproj\nrun = nbproj.run({str(folder)!r}, 'count.py', synchronous=False)")
    assert notebook("run.status") == "'RUNNING'"
    run_id = notebook("run.run_id").strip("'")
    notebook.kill()

    following = printed(run_id[:12])
    assert following.stdout is not None
    assert [following.stdout.readline() for _ in range(3)] == ["line 0\n", "line 1\n", "line 2\n"]
    stopped = cli("stop", run_id[:12])
    assert (stopped.code, stopped.out) == (0, f"run {run_id[:8]} stopped: KILLED\n")
    _, told = following.communicate(timeout=60)
    assert (following.returncode, told.startswith("KILLED")) == (0, True)

    another = open_notebook()
    another("import nbproj\n[found] = nbproj.runs()")
    assert another("found.run_id, found.status, found.exit_code") == f"('{run_id}', 'KILLED', 143)"
    another.close()
    nobody_left()


def test_a_run_whose_driver_is_killed_too_is_settled_by_the_next_notebook(open_notebook, project, nobody_left):
    folder = project(count__py=COUNT)
    notebook = open_notebook()
    notebook(f"%load_ext nbproj\nrun = %mlrun {folder} -e count.py --detach")
    driver = int(notebook("import json; json.loads(run.tags['nbproj.owner'])['pid']"))
    notebook("import time\nwhile 'line 0' not in run.logs():\n    time.sleep(0.05)")
    os.kill(driver, signal.SIGKILL)
    notebook.kill()
    nobody_left()

    another = open_notebook()
    another("import nbproj\n[found] = nbproj.runs()")
    assert another("found.status, found.exit_code") == "('KILLED', 137)"
    assert another("'line 0' in found.logs()") == "True"


def test_a_kernel_that_is_killed_during_a_run_it_waits_for_leaves_a_settled_run(open_notebook, project, cli, store, nobody_left):
    folder = project(count__py=f"open('begun', 'w').close()\n{COUNT}")
    notebook = open_notebook()
    notebook("%load_ext nbproj")
    notebook.client.execute(f"%mlrun {folder} -e count.py")
    deadline = time.monotonic() + 60
    while not (folder / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    notebook.kill()
    nobody_left()
    assert "KILLED" in cli("runs").out
    assert [run.status for run in store.search_runs()] == ["KILLED"]


def test_the_card_of_a_detached_run_goes_on_after_its_cell_and_leaves_the_kernel_free(open_notebook, project):
    folder = project(
        count__py="import pathlib, time\nfor number in range(3):\n    print('line', number, flush=True)\nwhile not pathlib.Path('seen').exists():\n"
        "    time.sleep(0.05)\n"
    )
    notebook = open_notebook()
    cards: list[str] = []

    def listen(message):
        if message["msg_type"] in {"display_data", "update_display_data"}:
            cards.append(message["content"]["data"]["text/plain"])
            if notebook_is_free and cards[-1].startswith("RUNNING") and "line 2" in cards[-1]:
                (folder / "seen").touch()

    notebook_is_free = False
    notebook.client.execute_interactive(f"%load_ext nbproj\nrun = %mlrun {folder} -e count.py --detach", timeout=60, output_hook=listen)
    assert notebook("1 + 1") == "2"
    returned, notebook_is_free = len(cards), True
    deadline = time.monotonic() + 60
    while not cards[-1].startswith("FINISHED  count.py"):
        assert time.monotonic() < deadline, cards[-1]
        with contextlib.suppress(queue.Empty):
            listen(notebook.client.get_iopub_msg(timeout=1))
    assert any(card.startswith("RUNNING") and "line 2" in card for card in cards[returned:])
    assert notebook("run.status, run.exit_code") == "('FINISHED', 0)"
