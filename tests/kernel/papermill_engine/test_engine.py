"""papermill on nbproj's kernels: what `nbproj run` gives, and all that papermill's callers are used to."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

import nbproj
from nbproj.errors import EntryPointError, ParameterError, RunError, UsageError

pytestmark = pytest.mark.usefixtures("nobody_left_after")


@pytest.fixture
def nobody_left_after(mark, nobody_left):
    """Look after the test for processes of it."""
    yield
    nobody_left()


@pytest.fixture
def execute(tmp_path):
    """Return a function that executes a notebook by papermill with our engine and returns the saved document."""

    def run(path: Path, parameters: dict | None = None, **options: object) -> dict:
        output = tmp_path / "out.ipynb"
        papermill.execute_notebook(path, output, parameters, **{"engine_name": "nbproj", "progress_bar": False, **options})
        return read(output)

    return run


def read(path: Path) -> dict:
    """Return a notebook's document, its sources as texts."""
    document = json.loads(path.read_text())
    for cell in document["cells"]:
        cell["source"] = "".join(cell["source"])
    return document


def sources(document: dict) -> list[str]:
    return [cell["source"] for cell in document["cells"]]


def statuses(document: dict) -> list[str | None]:
    return [cell["metadata"].get("papermill", {}).get("status") for cell in document["cells"]]


def printed(document: dict) -> str:
    return "".join(line for cell in document["cells"] for output in cell["outputs"] for line in output.get("text", ()))


def without_times(document: dict) -> list[dict]:
    """Return the cells without what differs from one execution to the next."""
    for cell in document["cells"]:
        for name in ("start_time", "end_time", "duration"):
            cell["metadata"].get("papermill", {}).pop(name, None)
    return document["cells"]


TWO = (
    "%%parameters\nalpha: float = 0.5\nkind: Literal['a', 'b'] = 'a'",
    "base = 1",
    "%%entrypoint train\nprint('train', alpha, kind)",
    "%%entrypoint evaluate\nprint('evaluate', alpha)",
)


def test_an_entry_point_gives_the_same_cells_as_nbproj_run(notebook, store, execute):
    path = notebook(*TWO)
    document = json.loads(path.read_text())
    document["cells"][3]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["of yesterday\n"]}]
    document["cells"][3]["execution_count"] = 7
    path.write_text(json.dumps(document))
    run = nbproj.run(path, "train", parameters={"alpha": 0.25})
    ours, theirs = read(Path(run.notebook)), execute(path, {"alpha": 0.25}, entry_point="train")
    assert sources(theirs)[1] == "# Parameters\nalpha = 0.25\nkind = 'a'"
    assert printed(theirs) == "train 0.25 a\nof yesterday\n"
    assert statuses(theirs) == ["completed"] * 4 + [None]
    unselected = theirs["cells"][4]
    assert {**unselected, "source": unselected["source"].splitlines(keepends=True)} == document["cells"][3]
    assert without_times(theirs) == without_times(ours)
    assert theirs["metadata"]["nbproj"] == ours["metadata"]["nbproj"]
    assert theirs["metadata"]["papermill"]["parameters"] == ours["metadata"]["papermill"]["parameters"] == {"alpha": 0.25, "kind": "a"}


def test_the_command_line_takes_parameters_in_all_its_ways_and_the_entry_point_from_the_environment(notebook, tmp_path):
    path = notebook("%%parameters\na: int = 0\nb: str = ''\nc: list[int] = []\nd: float = 0", *TWO[2:3], "%%entrypoint show\nprint(a, repr(b), c, d)")
    (tmp_path / "given.yaml").write_text("d: 0.5\n")
    options = ["-p", "a", "1", "-r", "b", "1", "-y", "c: [1, 2]", "-f", tmp_path / "given.yaml"]
    command = [sys.executable, "-m", "papermill", "--engine", "nbproj", path, tmp_path / "out.ipynb", *options]
    done = subprocess.run(command, env={**os.environ, "NBPROJ_ENTRY_POINT": "show"}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert printed(read(tmp_path / "out.ipynb")) == "1 '1' [1, 2] 0.5\n"
    assert "Executing: 100%" in done.stderr


def test_a_notebook_without_declarations_is_executed_as_papermill_does_it(notebook, execute, tmp_path):
    path = notebook("print(alpha, extra)", parameters="alpha = 0.5")
    papermill.execute_notebook(path, tmp_path / "theirs.ipynb", {"alpha": 2.5, "extra": [1, None]}, progress_bar=False)
    ours, theirs = execute(path, {"alpha": 2.5, "extra": [1, None]}), read(tmp_path / "theirs.ipynb")
    assert printed(ours) == printed(theirs) == "2.5 [1, None]\n"
    assert sources(ours) == [source.rstrip() for source in sources(theirs)]
    assert statuses(ours) == statuses(theirs) == ["completed"] * 3


def test_a_notebook_that_says_neither_kernel_nor_language_runs_in_python(tmp_path, execute):
    path = tmp_path / "nb.ipynb"
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(alpha)")])))
    assert printed(execute(path, {"alpha": 2})) == "2\n"


def test_the_cell_of_an_earlier_run_is_replaced_in_its_place(notebook, execute):
    path = notebook("alpha = 1", "alpha = 2", "print(alpha)")
    document = json.loads(path.read_text())
    document["cells"][1]["metadata"]["tags"] = ["injected-parameters"]
    path.write_text(json.dumps(document))
    assert sources(execute(path, {"alpha": 3})) == ["alpha = 1", "# Parameters\nalpha = 3", "print(alpha)"]


def test_what_would_be_refused_before_a_run_is_refused_here(notebook, execute):
    path = notebook(*TWO)
    with pytest.raises(EntryPointError, match=r"nb\.ipynb: there is no entry point 'tran'\. Did you mean 'train'\?"):
        execute(path, entry_point="tran")
    with pytest.raises(EntryPointError, match="has several entry points: train, evaluate"):
        execute(path)
    with pytest.raises(ParameterError, match="parameter 'kind': 'c' is not one of 'a', 'b'"):
        execute(path, {"kind": "c"}, entry_point="train")
    with pytest.raises(UsageError, match=r"engine nbproj has no option 'entrypoint'\. Did you mean 'entry_point'"):
        execute(path, entrypoint="train")
    lost = notebook("# parameters\nalpha = 1", "alpha = 2\nprint(alpha)", name="lost.ipynb")
    with pytest.raises(ParameterError, match=r"lost\.ipynb, cell 2, line 1: 'alpha' is assigned again before anything reads the given value"):
        execute(lost, {"alpha": 3})


def test_a_failing_cell_is_raised_by_papermill_and_the_saved_notebook_says_which(notebook, execute, tmp_path):
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        execute(notebook("x = 1", "1 / 0", "pass"))
    document = read(tmp_path / "out.ipynb")
    told = document["metadata"]["nbproj"]
    assert (told["status"], told["cell"], told["reason"]) == ("failed", 2, "cell 2: ZeroDivisionError: division by zero")
    assert statuses(document) == [None, "completed", None, "failed", "pending"]  # papermill's own two marks among them


def test_errors_may_be_allowed_and_are_raised_at_the_end(notebook, execute, tmp_path):
    with pytest.raises(PapermillExecutionError, match="division by zero"):
        execute(notebook("1 / 0", "print('on')"), allow_errors=True)
    assert printed({"cells": read(tmp_path / "out.ipynb")["cells"][-1:]}) == "on\n"


def test_an_old_error_in_a_cell_that_does_not_run_is_not_this_runs(notebook, execute):
    path = notebook(*TWO)
    document = json.loads(path.read_text())
    document["cells"][3]["outputs"] = [{"output_type": "error", "ename": "Old", "evalue": "", "traceback": []}]
    path.write_text(json.dumps(document))
    assert printed(execute(path, entry_point="train")) == "train 0.5 a\n"


def test_a_kernel_that_dies_is_the_error_that_papermill_knows_with_the_reason(notebook, tmp_path):
    path = notebook("x = 1", "import os; os._exit(3)")
    command = [sys.executable, "-m", "papermill", "--engine", "nbproj", "--no-progress-bar", path, tmp_path / "out.ipynb"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 138
    assert done.stderr.splitlines()[-1] == "nbclient.exceptions.DeadKernelError: the kernel died in cell 2: exit code 3"
    document = read(tmp_path / "out.ipynb")
    assert document["cells"][1]["metadata"]["nbproj"]["reason"] == "the kernel died in cell 2: exit code 3"
    assert statuses(document) == ["completed", "failed"]


def test_timeouts_of_cells_and_of_the_start_are_kept(notebook, execute, tmp_path, home):
    with pytest.raises(CellTimeoutError, match="cell 1: timeout after 1 s"):
        execute(notebook("import time; time.sleep(100)"), execution_timeout=1)
    assert read(tmp_path / "out.ipynb")["cells"][0]["metadata"]["nbproj"] == {"status": "failed", "reason": "cell 1: timeout after 1 s"}
    spec = home / ".local/share/jupyter/kernels/sleeper"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(json.dumps({"argv": ["sleep", "100"], "display_name": "s", "language": "python"}))
    with pytest.raises(RunError, match="the kernel does not answer within 1 s"):
        execute(notebook("pass"), kernel_name="sleeper", start_timeout=1)
    (spec / "kernel.json").write_text(json.dumps({"argv": ["false"], "display_name": "s", "language": "python"}))
    with pytest.raises(DeadKernelError, match="the kernel died at start: exit code 1"):
        execute(notebook("pass"), kernel_name="sleeper")


def test_what_cells_show_goes_into_the_log_and_the_files_that_the_caller_names(notebook, execute, caplog):
    path = notebook("import sys\nprint('out')\nsys.stdout.flush()\nprint('err', file=sys.stderr)", "6 * 7")
    streams = {"stdout_file": io.StringIO(), "stderr_file": io.StringIO()}
    with caplog.at_level(logging.INFO, logger="papermill"):
        execute(path, log_output=True, **streams)
    assert [stream.getvalue() for stream in streams.values()] == ["out\n", "err\n"]
    told = [(record.levelname, record.message.strip("-")) for record in caplog.records]
    assert [one for one in told if one[1] in {"out\n", "err\n", "42"}] == [("INFO", "out\n"), ("WARNING", "err\n"), ("INFO", "42")]
    assert [text for _, text in told if "Cell" in text] == ["Executing Cell 1", "Ending Cell 1", "Executing Cell 2", "Ending Cell 2"]


def test_the_kernel_works_where_papermills_caller_wants_and_the_output_lies_where_it_called(notebook, tmp_path, monkeypatch):
    path = notebook("import os\nprint(os.getcwd())")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    papermill.execute_notebook(path, "out.ipynb", engine_name="nbproj", progress_bar=False, cwd="there")
    assert printed(read(tmp_path / "out.ipynb")) == f"{tmp_path / 'there'}\n"


class Shelf:
    """A place that only papermill's handlers reach."""

    def __init__(self, flag: Path) -> None:
        self.saves: list[str] = []
        self.flag = flag

    def write(self, text: str, path: str) -> None:
        if "refused" in path:
            msg = "no access"
            raise PermissionError(msg)
        self.saves.append(text)
        if '"status": "running"' in text:
            self.flag.touch()

    @staticmethod
    def pretty_path(path: str) -> str:
        return path


def test_other_places_than_files_are_written_by_papermills_handlers(notebook, monkeypatch, tmp_path):
    from papermill.iorw import papermill_io

    shelf = Shelf(tmp_path / "saved-while-it-runs")
    monkeypatch.setattr(papermill_io, "_handlers", [("shelf://", shelf), *papermill_io._handlers])
    options = {"engine_name": "nbproj", "progress_bar": False}
    wait = f"import os, time\nwhile not os.path.exists({str(shelf.flag)!r}):\n    time.sleep(0.05)"  # else the cell would never end
    papermill.execute_notebook(notebook(wait, "print('done')"), "shelf://out.ipynb", autosave_cell_every=1, **options)
    assert [json.loads(save)["cells"][0]["metadata"]["papermill"]["status"] for save in shelf.saves][0::3][:1] == ["pending"]
    assert any('"status": "running"' in save for save in shelf.saves)
    assert printed(json.loads(shelf.saves[-1])) == "done\n"
    with pytest.raises(RunError, match=r"the executed notebook cannot be saved to shelf://refused\.ipynb: no access"):
        papermill.execute_notebook(notebook("pass"), "shelf://refused.ipynb", **options)


def test_a_report_hides_the_code_of_our_parameters_too(notebook, execute):
    document = execute(notebook("%%parameters\nalpha = 1", "alpha"), {"alpha": 2}, report_mode=True)
    assert [cell["metadata"]["jupyter"]["source_hidden"] for cell in document["cells"]] == [True] * 3


def test_a_secret_stands_in_no_saved_notebook(notebook, execute, tmp_path):
    path = notebook("%%parameters\ntoken: Secret\nalpha = 1", "print(token[::-1], token)")
    document = execute(path, {"token": "correct-horse", "alpha": 2})
    assert sources(document)[1] == '# Parameters\nimport os\nalpha = 2\ntoken = os.environ["TOKEN"]'
    assert printed(document) == "esroh-tcerroc ***\n"
    assert "correct-horse" not in (tmp_path / "out.ipynb").read_text()


def test_results_have_no_run_here_and_are_shown(notebook, execute):
    assert "no run here, so this is shown only: rmse = 0.5" in printed(execute(notebook("import nbproj\nnbproj.log_metric('rmse', 0.5)")))


def test_an_interrupted_notebook_says_so_and_leaves_no_kernel(notebook, tmp_path):
    path = notebook("import os, signal, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(100)", "pass")
    command = [sys.executable, "-m", "papermill", "--engine", "nbproj", "--no-progress-bar", path, tmp_path / "out.ipynb"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    document = read(tmp_path / "out.ipynb")
    assert document["metadata"]["nbproj"]["reason"] == "interrupted"
    assert statuses(document) == ["failed", "pending"]
