"""`%mlbatch` in a real kernel: the table below the cell, live and as it stays in the saved notebook."""

from __future__ import annotations

import json

from .test_mlrun import execute

__all__ = ["execute"]

MIME = "application/vnd.nbproj.batch.v1+json"
SCRIPT = "import sys\nimport nbproj\nnbproj.log_metric('loss', (float(sys.argv[1]) - 0.5) ** 2)\nsys.exit(sys.argv[2] == '3')\n"
MLPROJECT = "entry_points: {main: {parameters: {alpha: float, seed: {type: int, default: 0}}, command: 'python work.py {alpha} {seed}'}}\n"


def shown(cell) -> dict:
    """Return the one card that stands below a cell."""
    found = [output.data for output in cell.outputs if output.output_type == "display_data"]
    assert len(found) == 1, cell.outputs
    return found[0]


def test_a_table_fills_and_stays_with_what_came_out(execute, project, store):
    folder = project(MLPROJECT, work__py=SCRIPT)
    document, error = execute(
        "alphas = [0.1, 0.5]",
        f"batch = %mlbatch {folder} -P alpha={{alphas}} -P 'seed=range(2,4)' --metric loss -j 2",
        "batch",
        "print(batch.counts['finished'], batch.best('loss').params['alpha'], len(batch.to_frame()))",
        f"%mlbatch {folder} -P alpha={{alphas}} -P seed=2 --name other",
    )
    assert error is None, error
    ran, value, printed, other = document.cells[2:]
    card = shown(ran)
    assert card["text/plain"].startswith("FAILED main: 2 of 4 finished, 2 failed")
    rows = card["text/plain"].splitlines()[1:4]
    assert rows[0].split() == ["alpha", "seed", "loss", "took", "run"]
    assert [row.split()[0] for row in rows[1:]] == ["0.5", "0.1"]  # ordered by the metric
    assert "failed: alpha=0.1 seed=3: exit code 1" in card["text/plain"]
    assert "<script" not in card["text/html"]
    bundle = card[MIME]
    assert len(json.dumps(bundle)) < 10_000
    assert bundle["counts"]["failed"] == 2
    assert value.outputs[-1].data["text/plain"].startswith(("<Batch ", "FAILED main"))
    assert printed.outputs[0].text == "2 0.5 4\n"
    assert other.outputs[-1].data["text/plain"].startswith("<Batch ")
    assert shown(other)[MIME]["counts"] == {"points": 2, "finished": 2, "failed": 0, "killed": 0, "running": 0, "waiting": 0}


def test_what_is_wrong_is_one_line_and_interrupting_ends_all_runs(execute, project, store, nobody_left):
    folder = project("entry_points: {main: {parameters: {n: int}, command: 'sleep {n}'}}\n")
    interrupt = (
        "import os, signal, threading, time\n"
        "def stop():\n"
        "    from nbproj.runner import open_default_store\n"
        "    while len(open_default_store().search_runs()) < 3:\n"
        "        time.sleep(0.2)\n"
        "    time.sleep(1)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=stop).start()"
    )
    call = "get_ipython().run_line_magic('mlbatch', {!r})"
    document, error = execute(
        f"try:\n    {call.format(f'{folder} -P n=range(0)')}\nexcept Exception as error:\n    print(type(error).__name__, error)",
        f"try:\n    {call.format(f'{folder} -P n=1 --json')}\nexcept Exception as error:\n    print(type(error).__name__, error)",
        interrupt,
        f"try:\n    {call.format(f'{folder} -P n=100 -P n=101 -j 2')}\nexcept KeyboardInterrupt:\n    print('stopped')",
    )
    assert error is None, error
    empty, json_asked, _, stopped = document.cells[1:]
    assert empty.outputs[0].text.startswith("ParameterError parameter 'n' takes no value (range(0))")
    assert "here the Batch itself comes back: batch = %mlbatch" in json_asked.outputs[0].text
    assert [output.text for output in stopped.outputs if output.output_type == "stream"] == ["stopped\n"]
    assert shown(stopped)[MIME]["status"] == "KILLED"
    assert {run.status for run in store.search_runs()} == {"KILLED"}
    assert len(store.search_runs()) == 3
    nobody_left()
