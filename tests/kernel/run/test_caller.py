"""nbproj called from a cell of a real kernel: interrupted, awaited around, failing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from jupyter_client.manager import start_new_kernel

from nbproj.tracking.settlement import is_finished


@pytest.fixture
def cell(home, store) -> Iterator[Callable[..., dict]]:
    """Return a function that executes a cell in a kernel; interrupts it, if asked to, once a condition holds."""
    manager, client = start_new_kernel(kernel_name="python3")

    def execute(source: str, *, interrupt: Callable[[], bool] | None = None, times: int = 1, seconds: float = 60) -> dict:
        asked, found, deadline = client.execute(source), {}, time.monotonic() + seconds
        while True:
            assert time.monotonic() < deadline, "the cell does not end"
            if times and interrupt is not None and interrupt():
                manager.interrupt_kernel()
                times -= 1
            try:
                message = client.get_iopub_msg(timeout=0.1)
            except Exception:  # noqa: BLE001 - nothing was said meanwhile
                continue
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] in {"error", "execute_result"}:
                found = message["content"]
            elif message["content"].get("execution_state") == "idle":
                return found

    yield execute
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("entry", ["main", "slow.ipynb"])
def test_an_interrupted_cell_ends_its_run_and_says_one_line(entry, times, cell, project, notebook, store, mark, nobody_left):
    # Both ignore TERM, so that all interrupts come before the run has ended: the kernel's own answer to a later one is another.
    folder = project("entry_points: {main: {command: \"trap '' TERM; echo begun; while :; do sleep 0.1; done\"}}\n")
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('begun')\nwhile True:\n    time.sleep(0.1)"
    notebook(stubborn, name="project/slow.ipynb")
    flag = folder.parent / "begun"
    listen = f"lambda event: event.step == 'output' and open({str(flag)!r}, 'w').close()"
    begin = f"import os, nbproj\nos.environ['NBPROJ_GRACE'] = '{3 if times == 1 else 10}'"
    told = cell(f"{begin}\nnbproj.run({str(folder)!r}, {entry!r}, progress={listen})", interrupt=flag.exists, times=times)
    assert told["ename"] == "Interrupted"
    assert len(told["traceback"]) == 1
    assert f"{entry} KILLED" in told["traceback"][0]
    [run] = store.search_runs()
    assert is_finished(run)
    assert (run.status, run.tags["nbproj.exit_code"]) == ("KILLED", "130")
    # The kernel itself lives on, with the handlers that it had, and so does the store.
    assert cell("import signal; signal.getsignal(signal.SIGINT) is signal.default_int_handler")["data"]["text/plain"] == "True"
    assert cell("nbproj.run('nowhere')")["ename"] == "SourceError"
    assert cell(f"os.environ['NBPROJ_GRACE'] = '1'\nnbproj.run({str(folder)!r}, 'main', timeout=0.2)")["ename"] == "RunFailed"


def test_a_cell_that_awaits_can_run_a_project(cell, project, store):
    folder = project("entry_points: {main: {command: 'true'}}\n")
    told = cell(f"import asyncio, nbproj\nawait asyncio.sleep(0.01)\nnbproj.run({str(folder)!r}).status")
    assert told["data"]["text/plain"] == "'FINISHED'"


@pytest.mark.parametrize("timeout", [0.001, 0.4, 1.2])
def test_a_timeout_before_the_kernel_is_there_starts_none(timeout, project, notebook, store, nobody_left):
    import nbproj

    notebook("import time; time.sleep(100)")
    before = time.monotonic()
    with pytest.raises(nbproj.RunFailed, match="timeout"):
        nbproj.run(project(), "nb.ipynb", timeout=timeout)
    assert time.monotonic() - before < 60
    nobody_left()
