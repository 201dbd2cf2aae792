"""`%mlrun` without an address: this notebook, found as the front end tells, in a real Jupyter server and its kernels."""

from __future__ import annotations

import json
import os
import socket
import sys
import time

import nbformat.v4
import pytest
from kernel.magics.conftest import SECRET, running_server
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

LOAD = "%load_ext nbproj"
WHICH = "from nbproj.current.notebook import current_notebook\nprint(current_notebook(get_ipython()).path)"


def test_without_an_address_this_notebook_runs(server, save, store):
    path = save(server.root / "deep" / "train.ipynb", LOAD, "print('trained', 6 * 7)", "%mlrun")
    kernel = server.open("deep/train.ipynb")
    assert kernel(LOAD).status == "ok"
    answer = kernel("run = %mlrun --run-name first\nprint(run.status)", "new")
    assert answer.status == "ok", answer.error
    assert "trained 42" in answer.html
    assert answer.printed == "FINISHED\n"
    # The call in the executed notebook means that notebook, which runs already: it is skipped.
    runs = store.search_runs()
    assert [run.tags["mlflow.source.name"] for run in runs] == [str(path)]


def test_a_file_older_than_what_was_run_is_refused_until_it_is_saved(server, save, store):
    path = save(server.root / "train.ipynb", ("a", LOAD), ("b", "alpha = 1"), ("c", "print('alpha is', alpha)"))
    kernel = server.open("train.ipynb")
    kernel(LOAD, "a")
    kernel("alpha = 2", "b")
    refused = kernel("%mlrun", "d")
    assert refused.status == "error"
    assert len(refused.error.splitlines()) == 1
    assert "the cell 'alpha = 2' is not in it. Save first, or add --stale-ok" in refused.error
    assert store.search_runs() == []
    assert "alpha is 1" in kernel("%mlrun --stale-ok", "d").html
    save(path, ("a", LOAD), ("b", "alpha = 2"), ("c", "print('alpha is', alpha)"), ("d", "%mlrun --stale-ok"))
    again = kernel("%mlrun", "d")
    assert again.status == "ok", again.error
    assert "alpha is 2" in again.html


def test_what_was_tried_and_changed_before_the_file_was_saved_is_no_reason_to_refuse(server, save, store):
    path = save(server.root / "train.ipynb", ("a", LOAD), ("b", "alpha = 1"))
    kernel = server.open("train.ipynb")
    kernel("alpha = 0  # before the extension", "b")
    kernel(LOAD, "a")
    for value in (2, 3):
        kernel(f"alpha = {value}", "b")
    save(path, ("a", LOAD), ("b", "alpha = 3"))
    assert kernel("%mlrun", "c").status == "ok"
    # Executed again as it is saved, after the file was.
    kernel("alpha = 3", "b")
    assert kernel("%mlrun", "c").status == "ok"


def test_a_notebook_is_found_under_its_new_name(server, save):
    save(server.root / "old.ipynb", "1")
    kernel = server.open("old.ipynb")
    server.rename(server.last, "new.ipynb")
    assert kernel(WHICH).text == f"{server.root}/new.ipynb\n"


def test_a_path_starts_from_the_notebooks_folder_wherever_its_code_went(server, save, store):
    save(server.root / "deep" / "train.ipynb", LOAD, "data: 'Path' = 'x.csv'\nprint(open(data).read())")
    document = json.loads((server.root / "deep/train.ipynb").read_text())
    document["cells"][1]["metadata"]["tags"] = ["parameters"]
    (server.root / "deep/train.ipynb").write_text(json.dumps(document))
    (server.root / "deep" / "y.csv").write_text("the right one")
    kernel = server.open("deep/train.ipynb")
    kernel(f"{LOAD}\nimport os\nos.chdir('/')")
    document["cells"][1]["source"] = "data: 'Path' = 'x.csv'"
    document["cells"].append(nbformat.v4.new_code_cell("print(open(data).read())", id="last"))
    document["cells"][0]["source"] = f"{LOAD}\nimport os\nos.chdir('/')"
    (server.root / "deep/train.ipynb").write_text(json.dumps(document))
    answer = kernel("%mlrun -P data=y.csv")
    assert "the right one" in answer.html, answer.error


def test_two_notebooks_on_one_kernel_are_told_apart_by_the_running_cell(server, save):
    save(server.root / "a.ipynb", ("in-a", WHICH))
    save(server.root / "b.ipynb", ("in-b", WHICH))
    kernel = server.open("a.ipynb")
    shared = server.last["kernel"]["id"]
    server.open("b.ipynb", kernel=shared)
    server.open("a.ipynb-console", kernel=shared, kind="console")
    kernel(LOAD)
    asked = (
        "from nbproj.magics.extension import Extension\nfrom nbproj.current.notebook import current_notebook\n"
        "print(current_notebook(get_ipython(), Extension.of(get_ipython()).executions).path.name)"
    )
    assert kernel(asked, "in-b").text == "b.ipynb\n"
    assert kernel(asked, "in-a").text == "a.ipynb\n"
    refused = kernel("%mlrun", "elsewhere")
    assert "a.ipynb and b.ipynb share this kernel" in refused.error
    assert len(refused.error.splitlines()) == 1


def test_a_text_notebook_is_said_to_be_none_of_ours(server, save):
    (server.root / "train.py").write_text("# %%\n1\n")
    kernel = server.open("train.py")
    kernel(LOAD)
    assert "train.py, which is no .ipynb file: name what to run" in kernel("%mlrun").error


def test_a_server_that_does_not_answer_and_stale_files_do_not_keep_us(server, save):
    save(server.root / "train.ipynb", "1")
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    address = {"pid": os.getpid(), "port": silent.getsockname()[1], "base_url": "/", "token": "t"}
    (server.runtime / "jpserver-1.json").write_text(json.dumps(address))
    (server.runtime / "jpserver-2.json").write_text(json.dumps({"pid": 2**22 + 1, "port": 9, "base_url": "/"}))
    (server.runtime / "jpserver-3.json").write_text("not JSON")
    (server.runtime / "jpserver-4.json").write_text('["no", "mapping"]')
    (server.runtime / "jpserver-5.json").write_text('{"pid": "x", "port": []}')
    kernel = server.open("train.ipynb")
    started = time.monotonic()
    # Asked for last, and also when it is asked first.
    for parent in ("{}", str(os.getpid())):
        kernel(f"import os\nos.environ['JPY_PARENT_PID'] = '{parent.format(server.pid)}'")
        assert kernel(WHICH).text == f"{server.root}/train.ipynb\n"
    assert time.monotonic() - started < 45  # it would not answer at all
    silent.close()


@pytest.mark.parametrize("case", ["base", "hub", "socket", "password"])
def test_every_kind_of_server_is_understood(case, tmp_path, save, home):
    options, environment, path = [], {}, "a b.ipynb"
    if case == "base":
        options = ["--ServerApp.base_url=/some/where/"]
    elif case == "hub":
        options = ["--ServerApp.base_url=/user/ana/"]
        environment = {"JUPYTERHUB_SERVICE_PREFIX": "/user/ana/", "JUPYTERHUB_API_TOKEN": SECRET}
    elif case == "socket":
        options = [f"--ServerApp.sock={home}/s"]
    with running_server(tmp_path, *options, **environment) as server:
        expected = save(server.root / path, "1")
        kernel = server.open(path)
        file = server.runtime / f"jpserver-{server.pid}.json"
        if case in {"hub", "password"}:  # the hub, and a password, leave no token in the file
            file.write_text(json.dumps({**server.info, "token": ""}))
        assert kernel(WHICH).text == f"{expected}\n"


def test_vscode_names_the_notebook_among_its_names(tmp_path, save, executed):
    path = save(tmp_path / "train.ipynb", "print('in', 'code')")
    document, error = executed(f"__vsc_ipynb_file__ = {str(path)!r}", "%mlrun --stale-ok")
    assert error is None
    assert "in code" in document.cells[2].outputs[0].data["text/html"]


def test_colab_hands_the_notebook_over_and_it_is_never_older_than_what_was_run(tmp_path, save, executed, monkeypatch):
    # Colab's module exists on Colab's machines only; this one answers as theirs does.
    package = tmp_path / "colab" / "google" / "colab"
    package.mkdir(parents=True)
    notebook = save(tmp_path / "source.ipynb", "print('from', 'colab')")
    document = json.loads(notebook.read_text())
    document["metadata"]["colab"] = {"name": "../My model"}
    (package / "__init__.py").write_text("")
    (package / "_message.py").write_text(
        "import json\ndef blocking_request(kind, timeout_sec):\n    assert kind == 'get_ipynb'\n"
        f"    return {{'ipynb': json.loads({json.dumps(document)!r})}}\n"
    )
    done, error = executed(f"import sys\nsys.path.insert(0, {str(tmp_path / 'colab')!r})\nimport google.colab", "run = %mlrun", "%mlrun")
    assert error is None
    assert "from colab" in done.cells[2].outputs[0].data["text/html"]
    copied = tmp_path / "work" / "My model.ipynb"
    assert json.loads(copied.read_text())["metadata"]["nbproj"] == {"copied_from": "colab"}
    # A file of the user's that has the name is not replaced.
    copied.write_text("{}")
    _, error = executed(f"import sys\nsys.path.insert(0, {str(tmp_path / 'colab')!r})\nimport google.colab", "%mlrun")
    assert "is not replaced" in str(error)
    assert copied.read_text() == "{}"


def test_without_anybody_to_ask_the_notebook_is_to_be_named(executed, store):
    document, _ = executed("%mlrun -e train")
    failure = document.cells[1].outputs[-1]
    assert failure.traceback == ["UsageError: %mlrun: it cannot be told which notebook this is: name what to run, as in %mlrun train.ipynb"]
    assert store.search_runs() == []


def test_a_notebook_that_is_executed_from_a_cell_is_not_taken_for_the_one_of_the_cell(server, save, tmp_path):
    save(server.root / "outer.ipynb", "1")
    inner = save(tmp_path / "inner.ipynb", LOAD, "%mlrun")
    kernel = server.open("outer.ipynb")
    answer = kernel(f"!{sys.executable} -m papermill --no-progress-bar '{inner}' '{tmp_path}/out.ipynb' 2>&1 | tail -3")
    assert "it cannot be told which notebook this is" in answer.text


def test_in_an_executed_notebook_the_source_is_the_notebook(tmp_path, save, store, cli):
    (tmp_path / "train.ipynb").parent.mkdir(exist_ok=True)
    path = save(tmp_path / "train.ipynb", WHICH)
    done = cli("run", path)
    assert done.code == 0, done.err
    assert f"{path}\n" in done.out


@pytest.fixture
def executed(tmp_path, store):
    """Return a function that executes cells in a kernel that no server knows, and returns the notebook and what stopped it."""

    def run(*sources: str):
        (tmp_path / "work").mkdir(exist_ok=True)
        document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (LOAD, *sources)])
        error = None
        try:
            NotebookClient(document, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path / "work")}}).execute()
        except CellExecutionError as stopped:
            error = stopped
        return document, error

    return run


def test_the_tab_key_knows_the_entry_points_and_parameters_of_this_notebook(server, save):
    save(server.root / "train.ipynb", LOAD, "%%parameters\nalpha: float = 0.5", "%%entrypoint train", "%%entrypoint report")
    kernel = server.open("train.ipynb")
    kernel(LOAD)
    kernel("from nbproj.completion import magic\nmagic._SECONDS = 60")  # on a busy machine the first time takes longer than somebody would wait
    assert kernel.complete("%mlrun -e tr") == ["train"]
    assert kernel.complete("%mlrun -e train -P al") == ["alpha="]
    assert kernel.complete("%mlrun --stale") == ["--stale-ok"]


def test_an_entry_point_of_this_notebook_runs_its_cells_and_one_may_call_another(server, save, store):
    save(
        server.root / "train.ipynb",
        f"{LOAD}\n%mlrun -e train",
        "%%parameters\nalpha: float = 0.5",
        "%%entrypoint train\nprint('training with', alpha)",
        "%%entrypoint report\nprint('reporting')",
    )
    kernel = server.open("train.ipynb")
    kernel(LOAD)
    answer = kernel("%mlrun -e train -P alpha=0.25")
    assert answer.status == "ok", answer.error
    assert "training with 0.25" in answer.html
    assert "reporting" not in answer.html
    several = kernel("%mlrun")
    assert "has several entry points: train, report" in several.error
    assert len(several.error.splitlines()) == 1
    # Executed, the first cell asks for train again: above train it is skipped, above report it is a run inside the run.
    assert len(store.search_runs()) == 1
    answer = kernel("%mlrun -e report")
    assert answer.status == "ok", answer.error
    runs = store.search_runs()
    assert sorted(run.tags["mlflow.project.entryPoint"] for run in runs) == ["report", "train", "train"]
    inner = next(run for run in runs if "mlflow.parentRunId" in run.tags)
    outer = next(run for run in runs if run.tags["mlflow.project.entryPoint"] == "report")
    assert inner.tags["mlflow.parentRunId"] == outer.run_id
