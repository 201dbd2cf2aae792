"""`%mlrun` in a real kernel: the card below the cell, live and as it stays in the saved notebook."""

from __future__ import annotations

import json

import nbformat.v4
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


@pytest.fixture
def execute(tmp_path, store):
    """Return a function that executes cells in a fresh kernel and returns the notebook and what stopped it."""

    def run(*sources: str):
        cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext nbproj", *sources)]
        document = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}})
        error = None
        try:
            NotebookClient(document, timeout=120, resources={"metadata": {"path": str(tmp_path)}}, store_widget_state=False).execute()
        except CellExecutionError as stopped:
            error = stopped
        return document, error

    return run


def card(cell) -> dict:
    """Return the one card that stands below a cell."""
    found = [output.data for output in cell.outputs if output.output_type == "display_data"]
    assert len(found) == 1, cell.outputs
    return found[0]


def test_a_script_and_a_notebook_run_and_their_cards_stay(execute, project, notebook):
    folder = project(
        "entry_points: {main: {parameters: {alpha: float}, command: 'echo alpha is {alpha}'}}\n",
        m__py="import mlflow\nwith mlflow.start_run():\n    mlflow.log_metric('rmse', 0.25)\n",
    )
    notebook("print('hello from', name)", parameters="name = 'nobody'", name="project/nb.ipynb")
    document, error = execute(
        "best = {'alpha': 0.5}",
        f"run = %mlrun {folder} -P alpha={{best['alpha']}}",
        "print(run.status, run.params['alpha'])",
        f"%mlrun {folder} -e nb.ipynb -P name=Ana",
        f"%mlrun {folder} -e m.py",
    )
    assert error is None
    script, printed, book, metric = document.cells[2:]
    assert "alpha is 0.5" in card(script)["text/html"]
    assert "FINISHED" in card(script)["text/html"]
    assert printed.outputs[0].text == "FINISHED 0.5\n"
    assert "hello from Ana" in card(book)["text/html"]
    assert book.outputs[-1].output_type == "execute_result"
    assert book.outputs[-1].data["text/plain"].startswith("<Run ")
    bundle = card(metric)["application/vnd.nbproj.run.v1+json"]
    assert bundle["status"] == "FINISHED"
    assert len(json.dumps(bundle)) < 10_000
    assert "rmse" in card(metric)["text/plain"]
    for cell in (script, book, metric):
        assert "<script" not in card(cell)["text/html"]


def test_a_failing_run_stops_run_all_with_one_line_and_its_card_tells_the_rest(execute, project, notebook):
    notebook("1 / 0", name="project/nb.ipynb")
    document, error = execute(f"%mlrun {project()} -e nb.ipynb", "print('never')")
    assert error is not None
    cell = document.cells[1]
    shown = card(cell)
    assert "ZeroDivisionError" in shown["text/plain"]
    assert shown["text/plain"].count("Traceback (most recent call last)") <= 1
    failure = next(output for output in cell.outputs if output.output_type == "error")
    assert len("\n".join(failure.traceback).splitlines()) == 1
    assert failure.ename == "RunFailed"
    assert document.cells[2].outputs == []


def test_wrong_use_is_one_line_below_the_cell(execute, project):
    document, error = execute(f"%mlrun {project('entry_points: {main: {command: echo}}')} -e mian")
    assert error is not None
    failure = document.cells[1].outputs[0]
    assert len(failure.traceback) == 1
    assert "Did you mean 'main'?" in failure.traceback[0]


def test_interrupting_the_cell_ends_the_run_and_the_kernel_lives(execute, project, store, nobody_left):
    folder = project("entry_points: {main: {command: 'sleep 100'}}\n")
    interrupt = (
        "import os, signal, threading, time\n"
        "def stop():\n"
        "    from nbproj.runner import open_default_store\n"
        "    while not open_default_store().search_runs():\n"
        "        time.sleep(0.2)\n"
        "    time.sleep(1)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=stop).start()"
    )
    document, error = execute(
        interrupt, f"try:\n    get_ipython().run_line_magic('mlrun', '{folder}')\nexcept KeyboardInterrupt:\n    print('stopped')"
    )
    assert error is None
    texts = [output.text for output in document.cells[2].outputs if output.output_type == "stream"]
    assert "stopped\n" in texts
    assert "KILLED" in card(document.cells[2])["text/plain"]
    assert [run.status for run in store.search_runs()] == ["KILLED"]


def test_the_same_run_shown_twice_is_the_same_to_the_byte(execute, project):
    folder = project("entry_points: {main: {command: 'echo hi'}}\n")
    document, error = execute(f"run = %mlrun {folder}", "run", "run")
    assert error is None
    first, second = (cell.outputs[-1].data for cell in document.cells[2:])
    assert first["text/plain"].startswith("<Run ") or first == second
    assert second["application/vnd.nbproj.run.v1+json"]["status"] == "FINISHED"
