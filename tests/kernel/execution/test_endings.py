"""How a notebook can end, and that the executed notebook says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbproj.execution.kernels import Kernel, interpreter_kernel


def test_a_cell_that_raises_is_named_and_what_follows_is_marked_as_not_run(execute):
    done = execute("x = 1", "1 / 0", "print('after')")
    assert (done.outcome.exit_code, done.outcome.cell) == (1, 2)
    assert done.outcome.reason == "cell 2: ZeroDivisionError: division by zero"
    assert "ZeroDivisionError" in done.outcome.trace
    assert "\x1b" not in done.outcome.trace
    assert done.statuses == ["completed", "failed", "pending"]
    assert done.marks == [None, "failed", "not run"]
    assert done.document["cells"][2]["metadata"]["nbproj"]["reason"] == done.outcome.reason
    told = done.document["metadata"]["nbproj"]
    assert (told["status"], told["exit_code"], told["cell"], told["reason"]) == ("failed", 1, 2, done.outcome.reason)
    assert done.document["metadata"]["papermill"]["exception"] is True


def test_the_number_of_a_cell_is_the_authors_not_that_of_the_notebook_with_parameters_in_it(execute):
    done = execute("# parameters\nx = 1", "1 / (x - 2)", values={"x": 2})
    assert done.outcome.reason == "cell 2: ZeroDivisionError: division by zero"
    assert done.statuses == ["completed", "completed", "failed"]


@pytest.mark.parametrize(
    ("source", "code", "reason"),
    [
        ("import os; os._exit(3)", 3, "the kernel died in cell 2: exit code 3"),
        ("import os; os._exit(0)", 1, "the kernel died in cell 2: exit code 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137, "the kernel died in cell 2: ended by signal 9 (SIGKILL)"),
        ("import ctypes; ctypes.string_at(0)", 139, "the kernel died in cell 2: ended by signal 11 (SIGSEGV)"),
        ("import os; os.abort()", 134, "the kernel died in cell 2: ended by signal 6 (SIGABRT)"),
    ],
)
def test_a_kernel_that_dies_is_noticed_at_once_with_how_it_ended(source, code, reason, execute, monkeypatch):
    monkeypatch.setattr("nbproj.execution.kernelprocess._killed_for_memory", list)  # the system's may go up meanwhile, for somebody else
    said = "import time\nprint('last words', flush=True)\ntime.sleep(0.3)"
    done = execute("pass", f"{said}\n{source}", "pass")
    assert (done.outcome.exit_code, done.outcome.reason) == (code, reason)
    assert done.statuses == ["completed", "failed", "pending"]
    assert done.document["cells"][1]["metadata"]["nbproj"] == {"status": "failed", "reason": reason}
    assert "last words" in done.log


@pytest.mark.skipif(sys.platform != "linux", reason="counts the system's own kills, which only Linux tells")
def test_a_kernel_that_the_system_kills_for_memory_says_so(execute, monkeypatch):
    # The system's counter is read for real; that it goes up meanwhile is what a full machine would do to it.
    from nbproj.execution import kernelprocess

    counted = kernelprocess._killed_for_memory()
    answers = [counted, [*counted, "one more"]]
    monkeypatch.setattr(kernelprocess, "_killed_for_memory", lambda: answers.pop(0) if len(answers) > 1 else answers[0])
    done = execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.outcome.reason == "the kernel died in cell 1: ended by signal 9 (SIGKILL), probably out of memory"


def test_memory_beyond_a_limit_is_an_ordinary_exception(execute):
    done = execute("import resource\nresource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\nx = bytearray(4 << 30)")
    assert done.outcome.reason == "cell 1: MemoryError"


@pytest.mark.parametrize("source", ["import sys; sys.exit(0)", "import sys; sys.exit()", "exit()", "raise SystemExit(False)"])
def test_a_notebook_that_ends_itself_well_has_ended_well(source, execute):
    done = execute("x = 1", source, "print('after')")
    assert done.outcome.exit_code == 0
    assert done.statuses == ["completed", "completed", "pending"]
    assert done.document["cells"][2]["metadata"]["nbproj"] == {"status": "not run", "reason": "the notebook had ended"}
    assert "after" not in done.log
    assert done.document["metadata"]["nbproj"]["status"] == "completed"
    assert not done.document["metadata"]["papermill"]["exception"]


@pytest.mark.parametrize(("value", "code"), [("3", 3), ("-1", 255), ("'no data'", 1), ("256", 0)])
def test_the_exit_code_of_a_cell_is_what_python_makes_of_it(value, code, execute):
    done = execute(f"import sys; sys.exit({value})")
    assert done.outcome.exit_code == code


def test_an_unknown_magic_is_told_in_its_own_words(execute):
    done = execute("%nosuchmagic x")
    assert done.outcome.reason == "cell 1: UsageError: Line magic function `%nosuchmagic` not found."


@pytest.mark.parametrize("source", ["input('? ')", "import getpass; getpass.getpass()"])
def test_a_question_is_refused_at_once_and_the_cell_named(source, execute):
    done = execute("pass", source, cell_timeout=30)
    assert done.outcome.reason == "cell 2: input() was called, and nobody is there to answer. Make it a parameter"


def test_a_cell_that_takes_too_long_is_interrupted_and_shows_where_it_was(execute, monkeypatch):
    # The cell before must not take as long on a busy machine, and a kernel that is held up must not be taken for one that does not react.
    monkeypatch.setattr("nbproj.execution.client._INTERRUPT_SECONDS", 60.0)
    done = execute("pass", "import time\nprint('begun')\ntime.sleep(100)", "pass", cell_timeout=5)
    assert (done.outcome.exit_code, done.outcome.reason, done.outcome.cell) == (124, "cell 2: timeout after 5 s", 2)
    assert done.statuses == ["completed", "failed", "pending"]
    assert done.document["cells"][1]["metadata"]["nbproj"]["reason"] == "cell 2: timeout after 5 s"
    assert "time.sleep(100)" in done.outcome.trace
    assert "begun" in done.texts(1)


def test_a_cell_that_cannot_be_interrupted_is_ended_all_the_same(execute):
    before = time.monotonic()
    done = execute("import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)", cell_timeout=0.5)
    assert done.outcome.reason == "cell 1: timeout after 0.5 s"
    assert time.monotonic() - before < 60


def test_a_notebook_that_is_cancelled_for_its_time_says_that_it_was_the_time(begin):
    running = begin("import time\ntime.sleep(100)", timeout=2.0)
    deadline = time.monotonic() + 2.0
    while time.monotonic() < deadline:
        running.execution.next(0.1)
    running.execution.cancel()
    done = running.finish()
    assert (done.outcome.exit_code, done.outcome.reason) == (124, "timeout after 2 s")
    assert done.document["metadata"]["nbproj"]["reason"] == "timeout after 2 s"


def test_a_notebook_that_is_cancelled_ends_with_all_that_it_started(begin):
    running = begin("import subprocess, time\nsubprocess.Popen(['sleep', '100'])\nprint('begun', flush=True)\ntime.sleep(100)", "pass")
    while (event := running.execution.next(30)) is not None and "begun" not in event.text:
        pass
    running.execution.cancel()
    done = running.finish()
    assert (done.outcome.exit_code, done.outcome.cancelled) == (143, True)
    assert done.statuses == ["failed", "pending"]
    assert done.document["cells"][0]["metadata"]["nbproj"]["reason"] == "cancelled"


def test_errors_may_be_allowed_and_the_first_of_them_is_how_the_run_ends(execute):
    done = execute("1 / 0", "print('on')", "{}['x']", allow_errors=True)
    assert (done.outcome.exit_code, done.outcome.reason) == (1, "cell 1: ZeroDivisionError: division by zero")
    assert done.statuses == ["failed", "completed", "failed"]
    assert done.log == "on\n"


def test_a_cell_tagged_as_raising_may_raise(execute):
    done = execute("1 / 0", "print('on')", tags={0: ["raises-exception"]})
    assert done.outcome.exit_code == 0
    assert done.statuses == ["completed", "completed"]
    assert done.document["cells"][0]["outputs"][0]["ename"] == "ZeroDivisionError"


def test_a_kernel_that_cannot_be_started_is_one_line(execute):
    done = execute("pass", kernel=Kernel("broken", ("/nowhere/python", "{connection_file}")))
    assert done.outcome.exit_code != 0
    assert done.outcome.reason.startswith("the kernel died at start: exit code 127 (")
    assert "/nowhere/python" in done.outcome.reason
    assert done.statuses == ["pending"]


def test_a_kernel_without_ipykernel_says_what_is_missing(execute, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True, timeout=120)
    done = execute("pass", kernel=interpreter_kernel(tmp_path / "bare/bin/python"), environment={"PYTHONPATH": ""})
    assert "the kernel died at start: exit code 1 (ModuleNotFoundError: No module named 'ipykernel')" in done.outcome.reason


DRIVER = """
import json, os, sys
sys.path[:0] = json.loads(os.environ["TEST_PATHS"])
from pathlib import Path
from nbproj.execution.kernels import named_kernel
from nbproj.execution.notebook import NotebookExecution, NotebookTask
from nbproj.execution.process import Guard
from nbproj.tracking.redact import Redactor
folder = Path(sys.argv[1])
with Guard() as guard:
    task = NotebookTask(folder / "nb.ipynb", folder / "out.ipynb", {}, {}, named_kernel("python3", "nb"), folder, dict(os.environ))
    run = NotebookExecution(task, log=folder / "log", mask=Redactor().stream(), text_mask=str, guard=guard, started=lambda group: None)
    run.start()
    while run.outcome is None:
        event = run.next(1)
        if event is not None and event.text:
            print(event.text, flush=True)
"""


def statuses(path: Path) -> list[str]:
    """Return papermill's word on each cell of a file."""
    return [cell["metadata"]["papermill"]["status"] for cell in json.loads(path.read_text())["cells"]]


def test_a_driver_that_is_killed_leaves_no_kernel_and_a_notebook_that_shows_how_far_it_was(tmp_path, mark, nobody_left):
    import nbformat

    cells = [nbformat.v4.new_code_cell("pass"), nbformat.v4.new_code_cell("import time\nprint('begun', flush=True)\ntime.sleep(100)")]
    (tmp_path / "nb.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))
    environment = {**os.environ, "TEST_PATHS": json.dumps(sys.path)}
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, tmp_path], stdout=subprocess.PIPE, text=True, env=environment)
    assert driver.stdout is not None
    for line in driver.stdout:
        if "begun" in line:
            break
    deadline = time.monotonic() + 60
    while statuses(tmp_path / "out.ipynb")[1] == "pending" and time.monotonic() < deadline:
        time.sleep(0.1)
    driver.send_signal(signal.SIGKILL)
    driver.wait(60)
    driver.stdout.close()
    nobody_left()
    assert statuses(tmp_path / "out.ipynb") == ["completed", "running"]


def test_what_a_notebook_leaves_open_is_written_when_its_kernel_ends(execute, tmp_path):
    class_ = "class Keeper:\n    def __init__(self, path):\n        self.file, self.me = open(path, 'w'), self\n        self.file.write('kept')\n"
    done = execute(f"f = open({str(tmp_path / 'plain')!r}, 'w')\nf.write('kept')", f"{class_}Keeper({str(tmp_path / 'ring')!r})")
    assert done.outcome.exit_code == 0
    assert [(tmp_path / name).read_text() for name in ("plain", "ring")] == ["kept", "kept"]


@pytest.mark.skipif(sys.platform != "linux", reason="platform: the kernel's memory is limited by a control group or not at all elsewhere")
def test_a_kernel_whose_memory_ends_in_a_library_says_how_it_died(execute):
    # Beyond the limit Python raises MemoryError; a library in C that does not look gets an abort or a fault of its own.
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))"
    library = "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p"
    done = execute("pass", f"{limit}\n{library}\nctypes.memset(libc.malloc(ctypes.c_size_t(4 << 30)), 1, 4 << 30)", "pass")
    assert (done.outcome.exit_code, done.outcome.reason) == (139, "the kernel died in cell 2: ended by signal 11 (SIGSEGV)")
    assert done.statuses == ["completed", "failed", "pending"]
