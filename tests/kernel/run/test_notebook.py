"""Notebooks that run in a real kernel: values in, the executed notebook out, the truth about how it ended."""

from __future__ import annotations

import json
import textwrap
import threading
from pathlib import Path

import pytest

import nbproj
from nbproj import RunFailed


def executed(run) -> dict:
    """Return the executed notebook that a run recorded."""
    document = json.loads(Path(run.notebook).read_text())
    for cell in document["cells"]:
        cell["source"] = "".join(cell["source"])
    return document


def statuses(document: dict) -> list[str]:
    """Return papermill's word on each cell."""
    return [cell["metadata"]["papermill"]["status"] for cell in document["cells"]]


def test_values_of_every_type_arrive_as_python_objects(project, notebook, store):
    folder = project(
        textwrap.dedent("""\
            entry_points:
              look:
                notebook: nb.ipynb
                parameters:
                  s: string
                  f: float
                  i: int
                  b: bool
                  d: date
                  l: {type: list}
                  m: {type: dict}
                  p: {type: path, exists: false}
                  o: {type: int, optional: true}
            """)
    )
    notebook("print(repr((s, f, i, b, d, l, m, p, o, type(p).__name__, extra)))")
    given = {"s": "a'b\n", "f": "1e-3", "i": "7", "b": "true", "d": "2026-01-02", "l": "[1, 2.5]", "m": '{"a": null}', "p": "/out", "extra": 5}
    run = nbproj.run(folder, "look", parameters=given)
    expected = "(\"a'b\\n\", 0.001, 7, True, datetime.date(2026, 1, 2), [1, 2.5], {'a': None}, PosixPath('/out'), None, 'PosixPath', '5')\n"
    assert run.logs() == expected
    assert run.params["f"] == "1e-3"


def test_the_source_stays_as_it_is_and_the_executed_notebook_is_an_artifact(project, notebook, store, tmp_path):
    path = notebook("print(alpha)", parameters="alpha = 0.5")
    before = path.read_bytes()
    run = nbproj.run(project(), "nb.ipynb", parameters={"alpha": 2.0})
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["nb.ipynb"]
    document = executed(run)
    assert [cell["source"] for cell in document["cells"]][1] == "# Parameters\nalpha = 2.0"
    assert document["cells"][2]["outputs"][0]["text"] == ["2.0\n"]
    assert statuses(document) == ["completed"] * 3
    assert run.artifacts == ["run/environment.txt", "run/nb.ipynb", "run/output.log"]


def test_a_notebook_alone_is_a_project(notebook, store):
    run = nbproj.run(notebook("print(alpha)", parameters="alpha = 0.5"))
    assert run.logs() == "0.5\n"
    assert run.tags["mlflow.project.entryPoint"] == "main"


def test_a_failing_cell_is_named_once_with_its_traceback(cli, project, notebook, store, only_run):
    notebook("print('before')", "def f(x):\n    return 1 / x\nf(0)", "print('after')")
    done = cli("run", project(), "-e", "nb.ipynb")
    assert done.code == 1
    assert done.out == "before\n"
    assert done.err.count("Traceback") == 1
    assert done.err.count("cell 2: ZeroDivisionError: division by zero") == 1
    assert "return 1 / x" in done.err
    assert "\x1b" not in done.err
    run = only_run()
    assert (run.status, run.tags["nbproj.exit_code"], run.tags["nbproj.reason"]) == ("FAILED", "1", "cell 2: ZeroDivisionError: division by zero")


def test_the_executed_notebook_says_which_cell_failed_and_which_did_not_run(project, notebook, store):
    notebook("1", "1 / 0", "2")
    with pytest.raises(RunFailed) as caught:
        nbproj.run(project(), "nb.ipynb")
    assert statuses(executed(caught.value.run)) == ["completed", "failed", "pending"]


@pytest.mark.parametrize(
    ("source", "code", "reason"),
    [
        ("import os; os._exit(3)", 3, "the kernel died in cell 1: exit code 3"),
        ("import os; os._exit(0)", 1, "the kernel died in cell 1: exit code 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137, "the kernel died in cell 1: ended by signal 9 (SIGKILL)"),
        ("import ctypes; ctypes.string_at(0)", 139, "ended by signal 11"),
        ("import sys; sys.exit(4)", 4, "cell 1: SystemExit: 4"),
        ("input('? ')", 1, "cell 1: input() was called, and nobody is there to answer"),
        ("%nosuchmagic", 1, "cell 1: UsageError: Line magic function `%nosuchmagic` not found"),
    ],
)
def test_a_kernel_that_ends_says_how(source, code, reason, project, notebook, store, nobody_left):
    notebook(source, "print('after')")
    with pytest.raises(RunFailed) as caught:
        nbproj.run(project(), "nb.ipynb")
    assert caught.value.exit_code == code
    assert reason in str(caught.value)
    assert statuses(executed(caught.value.run)) == ["failed", "pending"]
    nobody_left()


def test_a_clean_exit_in_a_cell_ends_the_notebook_well(project, notebook, store):
    notebook("import sys; sys.exit(0)", "print('after')")
    run = nbproj.run(project(), "nb.ipynb")
    assert (run.status, run.exit_code) == ("FINISHED", 0)
    assert "after" not in run.logs()


def test_a_timeout_ends_kernel_and_children_and_saves_what_there_was(project, notebook, store, nobody_left):
    notebook("print('begun')", "import subprocess, time; subprocess.Popen(['sleep', '100']); time.sleep(100)")
    with pytest.raises(RunFailed, match="timeout after 20 s") as caught:  # a busy machine may take as many seconds as that to start a kernel
        nbproj.run(project(), "nb.ipynb", timeout=20)
    assert caught.value.exit_code == 124
    assert statuses(executed(caught.value.run)) == ["completed", "failed"]
    nobody_left()


def test_output_comes_while_a_cell_runs_and_progress_by_cell(project, notebook, store, tmp_path):
    flag = tmp_path / "go"
    wait = f"import os, time\nprint('early', flush=True)\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.05)"
    notebook("1", wait, "print('late')")
    seen = []

    def progress(event):
        if event.step == "output" and "early" in event.text:
            flag.touch()  # without live output the cell would never end
        if event.step == "cell":
            seen.append((event.done, event.total))

    run = nbproj.run(project(), "nb.ipynb", progress=progress, timeout=60)
    assert run.logs() == "early\nlate\n"
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_notebook_runs_in_its_own_folder_and_the_driver_stays_where_it_is(project, notebook, store):
    notebook("import os; print(os.getcwd()); print(open('beside.txt').read())", name="project/sub/nb.ipynb")
    folder = project()
    (folder / "sub/beside.txt").write_text("beside")
    before = Path.cwd()
    run = nbproj.run(folder, "sub/nb.ipynb")
    assert run.logs() == f"{folder}/sub\nbeside\n"
    assert Path.cwd() == before


def test_four_notebooks_in_four_threads_run_in_their_own_folders(tmp_path, notebook, store):
    paths = [
        notebook("import os, time; time.sleep(0.2); print(os.path.basename(os.getcwd()), n)", parameters="n = 0", name=f"p{n}/nb.ipynb")
        for n in range(4)
    ]
    logs: dict[int, str] = {}

    def work(n: int) -> None:
        logs[n] = nbproj.run(paths[n], "nb.ipynb", parameters={"n": n}).logs()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert logs == {n: f"p{n} {n}\n" for n in range(4)}


def test_an_unknown_kernel_is_one_line_that_names_those_there_are(cli, project, notebook, store):
    notebook("1", kernel="cobol")
    done = cli("run", project(), "-e", "nb.ipynb")
    assert done.code == 120
    assert "there is no kernel 'cobol'. Found: " in done.err
    assert "python3" in done.err
    assert store.search_runs() == []
    assert cli("run", project(), "-e", "nb.ipynb", "--kernel", "python3").code == 0


def test_a_kernel_that_dies_at_its_start_says_why(project, notebook, store, home, nobody_left):
    spec = home / ".local/share/jupyter/kernels/broken"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps({"argv": ["sh", "-c", "echo no such library >&2; exit 9"], "display_name": "b", "language": "python"})
    )
    notebook("1", kernel="broken")
    with pytest.raises(RunFailed, match=r"the kernel died at start: exit code 9 \(no such library\)"):
        nbproj.run(project(), "nb.ipynb")
    nobody_left()


def test_an_optional_secret_that_is_not_given_is_none(project, notebook, store):
    folder = project("entry_points: {main: {notebook: nb.ipynb, parameters: {token: {type: string, secret: true, optional: true}}}}\n")
    notebook("assert token is None", parameters="token = 'from the notebook'")
    assert nbproj.run(folder).status == "FINISHED"


def test_a_secret_is_read_from_the_environment_and_is_in_no_notebook(project, notebook, store, home, tmp_path):
    folder = project("entry_points: {main: {notebook: nb.ipynb, parameters: {token: {type: string, secret: true}}}}\n")
    notebook("print(len(token), token)", "token")
    secret = "correct-horse-battery"
    run = nbproj.run(folder, parameters={"token": secret})
    assert run.logs().startswith("21 ")
    assert 'token = os.environ["TOKEN"]' in executed(run)["cells"][0]["source"]
    for root in (home, tmp_path):
        for path in root.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path


def test_a_copy_of_the_executed_notebook_goes_where_it_is_asked_for(cli, project, notebook, store, tmp_path):
    notebook("print('hello')")
    assert cli("run", project(), "-e", "nb.ipynb", "--output", tmp_path / "done.ipynb").code == 0
    assert "hello" in (tmp_path / "done.ipynb").read_text()


def test_metrics_logged_in_a_cell_are_in_the_run(project, notebook, store):
    notebook("import mlflow\nwith mlflow.start_run():\n    mlflow.log_metric('rmse', 0.5)")
    run = nbproj.run(project(), "nb.ipynb")
    assert run.metrics == {"rmse": 0.5}


def test_a_notebook_of_an_older_format_runs(project, store):
    folder = project()
    (folder / "old.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": [
        {"cell_type": "code", "source": ["print(6 * 7)"], "outputs": [], "metadata": {}, "execution_count": None}]}))  # fmt: skip
    assert nbproj.run(folder, "old.ipynb").logs() == "42\n"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"nbformat": 5, "cells": []}', '{"nbformat": 4}'])
def test_a_file_that_is_no_notebook_is_one_line_and_no_run(text, cli, project, store):
    folder = project()
    (folder / "bad.ipynb").write_text(text)
    done = cli("run", folder, "-e", "bad.ipynb")
    assert done.code == 120
    assert "bad.ipynb" in done.err
    assert len(done.err.splitlines()) == 1
    assert store.search_runs() == []


def test_a_kernel_is_spoken_to_over_private_sockets_that_are_gone_afterwards(project, notebook, store, home):
    source = "import ipykernel, json\nfile = ipykernel.get_connection_file()\nprint(file, json.load(open(file))['transport'])"
    notebook(source)
    run = nbproj.run(project(), "nb.ipynb")
    file, transport = run.logs().split()
    assert transport == "ipc"
    assert not Path(file).parent.exists()
    assert not list(home.rglob("kernel-*.json"))
