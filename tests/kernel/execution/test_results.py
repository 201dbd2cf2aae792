"""What notebooks and scripts write down about their own run, with real kernels: one that has nbproj, one that has nothing but ipykernel."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import bare_kernel
import pytest

import nbproj
from nbproj import RunFailed
from nbproj.execution.prelude import MIME
from nbproj.progress import Event


@pytest.fixture
def bare(home) -> str:
    """Return the name of a kernel whose environment holds only ipykernel."""
    return bare_kernel.install_kernelspec(home)


@pytest.fixture(params=["python3", "bare"])
def kernel(request, home) -> str:
    """Return a kernel with, and one without nbproj."""
    return bare_kernel.install_kernelspec(home) if request.param == "bare" else request.param


@pytest.fixture
def told():
    """Return a list of all notes, and a listener that fills it."""

    class Notes(list):
        def __bool__(self) -> bool:  # a listener, also while it is empty
            return True

        def __call__(self, event: Event) -> None:
            if event.step == "note":
                self.append(event.text)

    return Notes()


def saved(run) -> str:
    return Path(run.notebook).read_text()


def test_everything_that_can_be_written_down_is_recorded(notebook, store, kernel):
    path = notebook(
        """\
        import nbproj
        for step in range(5):
            nbproj.log_metric("loss", 1 / (step + 1), step)
        nbproj.log_metrics({"rmse": 2, "val/r2": float("nan")})
        nbproj.log_param("depth", 3)
        nbproj.log_params({"solver": "lbfgs"})
        nbproj.set_tag("phase", "test")
        nbproj.set_tags({"mlflow.note.content": "What came out"})
        nbproj.log_artifact(b"a,b", "tables/best.csv")
        open("beside.txt", "w").write("text")
        nbproj.log_artifact("beside.txt")
        """,
        kernel=kernel,
    )
    run = nbproj.run(path)
    assert run.metrics["rmse"] == 2.0
    assert math.isnan(run.metrics["val/r2"])
    assert [(one.step, one.value) for one in store.metric_history(run.run_id, "loss")] == [(step, 1 / (step + 1)) for step in range(5)]
    assert run.params == {"depth": "3", "solver": "lbfgs"}
    assert (run.tags["phase"], run.tags["mlflow.note.content"]) == ("test", "What came out")
    assert {"beside.txt", "tables/best.csv"} < set(run.artifacts)
    assert run.artifact("tables/best.csv").read_text() == "a,b"
    assert run.logs() == ""
    assert [cell["outputs"] for cell in json.loads(saved(run))["cells"]] == [[]]
    assert MIME not in saved(run)


def test_a_kernel_without_nbproj_says_what_it_has(notebook, store, bare):
    path = notebook("import nbproj\ntry:\n    nbproj.run('.')\nexcept AttributeError as error:\n    print(error)", kernel=bare)
    assert nbproj.run(path).logs() == (
        "nbproj.run is not here: nbproj is not installed in this kernel's environment. Without it there are "
        "log_artifact, log_figure, log_metric, log_metrics, log_param, log_params, set_tag, set_tags\n"
    )


def test_what_the_driver_puts_into_a_kernel_leaves_no_name_no_number_and_no_output(notebook, store, bare):
    path = notebook("print([name for name in dir() if not name.startswith('_')])", "print(In)", kernel=bare)
    run = nbproj.run(path)
    assert run.logs().splitlines() == [
        "['In', 'Out', 'exit', 'get_ipython', 'open', 'quit']",
        "['', \"print([name for name in dir() if not name.startswith('_')])\", 'print(In)']",
    ]
    assert [cell["execution_count"] for cell in json.loads(saved(run))["cells"]] == [1, 2]


def test_an_environment_with_an_nbproj_of_its_own_keeps_it(notebook, project, store, bare):
    folder = project(nbproj__py="mine = 1")
    notebook("import nbproj; print(nbproj.mine)", kernel=bare)
    assert nbproj.run(folder, "nb.ipynb").logs() == "1\n"


def test_metrics_reach_the_listener_while_the_cell_runs(notebook, store, kernel, tmp_path):
    flag = tmp_path / "go"
    path = notebook(
        f"import nbproj, os, time\nnbproj.log_metric('loss', 0.5, 7)\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.05)", kernel=kernel
    )
    seen = []

    def progress(event: Event) -> None:
        if event.step == "metric":
            seen.append((event.data["key"], event.data["value"], event.data["step"]))
            flag.touch()  # the cell would never end otherwise

    nbproj.run(path, progress=progress, timeout=60)
    assert seen == [("loss", 0.5, 7)]


def test_captured_cells_threads_forks_and_programs_are_heard_too(notebook, store):
    path = notebook(
        "%%capture\nimport nbproj\nnbproj.log_metric('captured', 1)",
        "import threading\none = threading.Thread(target=nbproj.log_metric, args=('thread', 2)); one.start(); one.join()",
        "import os\nif os.fork() == 0:\n    nbproj.log_metric('fork', 3)\n    os._exit(0)\nos.wait()[1]",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import nbproj; nbproj.log_metric(\"program\", 4)'], check=True).returncode",
    )
    assert nbproj.run(path).metrics == {"captured": 1, "thread": 2, "fork": 3, "program": 4}


def test_what_a_notebook_displays_from_elsewhere_is_neither_believed_nor_shown(notebook, store, kernel):
    forged = {MIME: {"token": "0" * 32, "entries": [{"metric": "rmse", "value": 0}]}}
    path = notebook(
        f"from IPython.display import display\ndisplay({forged!r}, raw=True)",
        f"display({{'{MIME}': 'no mapping', 'text/plain': 'shown'}}, raw=True)",
        kernel=kernel,
    )
    run = nbproj.run(path)
    assert run.metrics == {}
    outputs = [cell["outputs"] for cell in json.loads(saved(run))["cells"]]
    assert outputs[0] == []
    assert outputs[1][0]["data"]["text/plain"] == ["shown"]


def test_what_cannot_be_recorded_is_told_in_one_line_and_does_not_change_the_end(notebook, store, told):
    lines = 'nonsense\n{"metric": "a,b", "value": 1}\n[1]\n{"metric": "ok", "value": 1}\n'
    path = notebook(
        "import nbproj\nnbproj.log_param('alpha', 9)\nnbproj.log_param('beta', 1)\nnbproj.log_param('beta', 2)",
        "nbproj.set_tag('nbproj.exit_code', 7)\nnbproj.set_tag('mlflow.user', 'somebody')",
        f"import os\nopen(os.environ['NBPROJ_RESULTS_FILE'], 'a').write({lines!r})",
        parameters="alpha = 0.5",
    )
    run = nbproj.run(path, parameters={"alpha": 0.1}, progress=told)
    assert (run.status, run.exit_code) == ("FINISHED", 0)
    assert run.params == {"alpha": "0.1", "beta": "1"}
    assert run.metrics == {"ok": 1}
    assert sorted(told) == [
        "a result was not recorded: metric 'a,b': this is no name that a store takes",
        "a result was not recorded: not JSON: 'nonsense'",
        "a result was not recorded: not understood: '[1]'",
        "a result was not recorded: tag 'mlflow.user' is not a program's to set",
        "a result was not recorded: tag 'nbproj.exit_code' is not a program's to set",
        "parameter 'alpha' stays '0.1': '9' was not recorded, because a parameter has one value in a run",
        "parameter 'beta' stays '1': '2' was not recorded, because a parameter has one value in a run",
    ]


def test_a_wrong_value_fails_in_the_cell_that_says_it(notebook, store, kernel):
    path = notebook("import nbproj\nnbproj.log_metric('rmse', 'low')", kernel=kernel)
    with pytest.raises(RunFailed, match="cell 1: TypeError: metric 'rmse': a number is expected, not 'low'"):
        nbproj.run(path)


def test_secrets_are_masked_in_what_is_written_down(notebook, store, monkeypatch):
    monkeypatch.setenv("SERVICE_TOKEN", "hunter2-hunter2")
    path = notebook("import nbproj, os\nnbproj.log_param('url', 'https://x/' + os.environ['SERVICE_TOKEN'])\nnbproj.set_tag('t', 'hunter2-hunter2')")
    run = nbproj.run(path)
    assert (run.params["url"], run.tags["t"]) == ("https://x/***", "***")


def test_a_long_training_loses_nothing_while_its_driver_is_held_up(notebook, store, kernel, tmp_path):
    path = notebook(
        """\
        import nbproj, os, pathlib, signal
        for step in range(3000):
            nbproj.log_metric("loss", step, step)
            if step == 500:
                os.kill(os.getppid(), signal.SIGSTOP)
        print("told")
        pathlib.Path(PLACE).write_text("all told")
        """.replace("PLACE", repr(str(tmp_path / "told"))),
        kernel=kernel,
    )
    with subprocess.Popen([sys.executable, "-m", "nbproj", "run", path, "--json"], stdout=subprocess.PIPE, cwd=tmp_path) as driver:
        try:
            deadline = time.monotonic() + 60
            while not (tmp_path / "told").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            driver.send_signal(signal.SIGCONT)
        told, _ = driver.communicate(timeout=60)
    run = json.loads(told)
    history = store.metric_history(run["run_id"], "loss")
    assert sorted(int(one.value) for one in history) == list(range(3000))
    assert "told\\n" in Path(run["notebook"]).read_text()


def test_what_a_killed_notebook_has_written_down_is_kept(notebook, store, kernel):
    path = notebook("import nbproj\nnbproj.log_metric('early', 1)", "import os\nos._exit(3)", kernel=kernel)
    with pytest.raises(RunFailed) as caught:
        nbproj.run(path)
    assert caught.value.run.metrics == {"early": 1}


def test_a_run_that_is_cancelled_keeps_its_results(notebook, store):
    path = notebook("import nbproj, time\nnbproj.log_metric('early', 1)\nprint('said', flush=True)\ntime.sleep(100)")
    said = threading.Event()
    run = None

    def progress(event: Event) -> None:
        nonlocal run
        if event.step == "created":
            run = nbproj.get_run(str(event.data["run_id"]))
        if event.step == "output" and not said.is_set():
            said.set()
            threading.Thread(target=run.cancel, daemon=True).start()

    with pytest.raises(RunFailed, match="stopped"):
        nbproj.run(path, progress=progress, timeout=60)
    assert run is not None
    assert run.metrics == {"early": 1}


def test_figures_are_kept_as_files(notebook, store):
    path = notebook(
        textwrap.dedent("""\
            import matplotlib
            matplotlib.use("agg")
            import matplotlib.pyplot as plt
            import nbproj
            from PIL import Image
            figure, axes = plt.subplots()
            axes.plot([1, 2])
            nbproj.log_figure(figure, "plots/line")
            nbproj.log_figure(axes, "line.svg")
            nbproj.log_figure(Image.new("RGB", (2, 2)), "red.jpg")
            plt.close(figure)
            """)
    )
    run = nbproj.run(path)
    begin = {name: run.artifact(name).read_bytes()[:5] for name in ("plots/line.png", "line.svg", "red.jpg")}
    assert begin == {"plots/line.png": b"\x89PNG\r", "line.svg": b"<?xml", "red.jpg": b"\xff\xd8\xff\xe0\x00"}


def test_a_figure_that_shows_itself_is_kept_without_any_library(notebook, store, bare):
    path = notebook(
        "import nbproj\nclass Drawing:\n    def _repr_svg_(self):\n        return '<svg/>'\nnbproj.log_figure(Drawing(), 'drawing')", kernel=bare
    )
    assert nbproj.run(path).artifact("drawing.svg").read_text() == "<svg/>"


def test_scripts_and_commands_write_down_results_without_loading_mlflow(project, store):
    line = '{{"metric": "shell", "value": 3}}'  # braces are doubled in a command
    folder = project(
        f"entry_points:\n  main:\n    command: |-\n      python train.py && echo '{line}' >> $NBPROJ_RESULTS_FILE\n",
        train__py="import sys, nbproj\nnbproj.log_metric('rmse', 1.5)\nnbproj.log_artifact(b'x', 'x.bin')\nprint('mlflow' in sys.modules)",
    )
    run = nbproj.run(folder)
    assert run.logs() == "False\n"
    assert run.metrics == {"rmse": 1.5, "shell": 3}
    assert "x.bin" in run.artifacts


def test_a_run_inside_a_run_writes_down_its_own(notebook, store, project):
    folder = project(inner__py="import nbproj\nnbproj.log_metric('inner', 1)")
    notebook(f"import nbproj\nnbproj.log_metric('outer', 1)\nnbproj.run({str(folder)!r}, 'inner.py').metrics", name="project/nb.ipynb")
    outer = nbproj.run(folder, "nb.ipynb")
    inner = next(one for one in store.search_runs() if one.tags.get("mlflow.parentRunId") == outer.run_id)
    assert (dict(outer.metrics), dict(inner.metrics)) == ({"outer": 1}, {"inner": 1})


def test_a_kernel_that_some_other_program_starts_inside_a_run_is_heard_too(project, notebook, store):
    notebook("import nbproj\nnbproj.log_metric('deep', 1)")
    folder = project(outer__py="import nbformat, nbclient\nnbclient.execute(nbformat.read('nb.ipynb', 4))")
    assert nbproj.run(folder, "outer.py").metrics == {"deep": 1}
