"""A forked kernel is what an ordinary one is: each notebook here runs in both, and tells the same."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from nbproj.execution.forkserver import KernelServers
from nbproj.execution.kernels import interpreter_kernel
from nbproj.execution.process import Guard

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only"),
    pytest.mark.timeout(300),
]

TELL = "\nimport json\nprint('TOLD' + json.dumps(told, default=repr))"


@pytest.fixture
def servers(mark):
    """Servers that fork whatever can be forked."""
    with Guard() as guard, KernelServers(guard, "fork") as servers:
        yield servers


@pytest.fixture
def told(execute):
    """Return a function that executes cells of which the last fills `told`, and returns that, with the whole."""

    def run(*sources, **options):
        done = execute(*sources[:-1], sources[-1] + TELL, **options)
        assert done.outcome.exit_code == 0, done.outcome
        text = "".join(map(done.texts, range(len(done.document["cells"]))))
        return json.loads(text[text.index("TOLD") + 4 :].splitlines()[0]), done

    return run


@pytest.fixture
def both(told, servers, tmp_path):
    """Return a function that tells what cells find in an ordinary kernel, and in a forked one; in one folder, as two runs of a project."""

    def run(*sources, **options):
        cwd = options.pop("cwd", tmp_path / "project")
        cwd.mkdir(exist_ok=True)
        notes = []
        ordinary, _ = told(*sources, cwd=cwd, **options)
        forked, done = told(*sources, cwd=cwd, servers=servers, **options)
        notes += [event.text for event in done.events if event.step == "note"]
        assert notes == []
        assert ordinary.pop("parent") == os.getpid()
        assert forked.pop("parent") in {slot.server._process.pid for slot in servers._slots.values()}, "it was not forked"
        return ordinary, forked

    return run


WHAT_IT_IS = r"""
import gc, locale, multiprocessing, os, re, resource, signal, sys, threading, time, warnings
status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
def kind(number):
    try:
        return re.sub(r"[\[\]\d]+|/.*/kernel", "N", os.readlink(f"/proc/self/fd/{number}"))
    except FileNotFoundError:
        return "the folder that is read"
told = {
    "parent": os.getppid(),
    "environment": {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"},
    "told its parent": os.environ["JPY_PARENT_PID"] == str(os.getppid()),
    "cwd": os.getcwd(),
    "path": sys.path,
    "arguments": [re.sub(r"\S*/kernel", "kernel", word) for word in sys.argv],
    "command": [re.sub(r"\S*/kernel", "kernel", word) for word in sys.orig_argv],
    "executable": [sys.executable, sys.prefix, sys.flags, sys._xoptions, sys.warnoptions],
    "main": [sys.modules["__main__"].__name__, sys.modules["__main__"].__dict__ is globals(), "__file__" in globals(), __name__],
    "modules": sorted({"numpy", "pandas", "debugpy", "ipykernel.debugger", "matplotlib", "nbproj", "nursery"} & set(sys.modules)),
    "leads": [os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()],
    "input": sys.stdin.read() if sys.stdin else None,
    "streams": [kind(0), kind(1), kind(2), sys.__stdout__.encoding, sys.__stdout__.line_buffering, sys.__stdout__.write_through],
    "descriptors": sorted(map(kind, os.listdir("/proc/self/fd"))),
    "signals": {number.name: repr(signal.getsignal(number)).partition(" at ")[0] for number in signal.Signals},
    "masks": [status[name] for name in ("SigBlk", "SigIgn", "SigCgt", "Seccomp", "NoNewPrivs")],
    "wakeup": signal.set_wakeup_fd(-1) >= 0,
    "umask": status["Umask"],
    "limits": [resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")],
    "nice": os.nice(0),
    "threads": sorted(re.sub(r"-\d+", "-N", thread.name) for thread in threading.enumerate()),
    "daemons": [thread.name for thread in threading.enumerate() if not thread.daemon],
    "hash": hash("text") if os.environ.get("PYTHONHASHSEED") else None,
    "locale": [locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding(), time.tzname],
    "garbage": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count() > 1000],
    "recursion": sys.getrecursionlimit(),
    "switch": sys.getswitchinterval(),
    "processes": [multiprocessing.get_start_method(), multiprocessing.current_process().name, multiprocessing.parent_process()],
    "filters": [repr(one) for one in warnings.filters],
}
"""


def test_it_is_told_and_finds_the_same(both, tmp_path, monkeypatch):
    """Environment, folder, arguments, import path, descriptors, streams, signals, limits, locale, seed of hashes."""
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore::ResourceWarning")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("ODD", "é\udcff\n=")
    before = os.umask(0o027)
    try:
        ordinary, forked = both(WHAT_IT_IS, environment={"PYTHONUNBUFFERED": "1", "MLFLOW_RUN_ID": "of this run"})
    finally:
        os.umask(before)
    assert forked == ordinary
    assert ordinary["cwd"] == str(tmp_path / "project")


WHAT_IT_DOES = r"""
import asyncio, atexit, concurrent.futures, multiprocessing, os, queue, random, signal, sqlite3, subprocess, sys, tempfile, threading, uuid
def answer(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, input="said", cwd="/").stdout
def square(n):
    return n * n
async def later():
    await asyncio.sleep(0.01)
    return asyncio.get_running_loop() is not None
told = {"parent": os.getppid()}
told["asyncio"] = await later()
told["loop"] = type(asyncio.get_running_loop()).__name__
told["nested"] = repr(type(asyncio.get_event_loop_policy()).__name__)
told["child"] = answer("import os, sys, signal; print(sys.stdin.read(), len(os.listdir('/proc/self/fd')), signal.getsignal(signal.SIGINT))")
told["shell"] = subprocess.run("echo $0; exit 3", shell=True, capture_output=True, text=True).stdout
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    told["threads"] = sum(pool.map(square, range(100)))
with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
    told["processes"] = sum(pool.map(square, range(100)))
reading, writing = os.pipe()
if not os.fork():
    os.write(writing, b"forked")
    os._exit(5)
told["fork"] = [os.read(reading, 10).decode(), os.waitstatus_to_exitcode(os.wait()[1])]
caught = queue.Queue()
signal.signal(signal.SIGUSR1, lambda number, frame: caught.put(number))
os.kill(os.getpid(), signal.SIGUSR1)
told["signal"] = caught.get(timeout=60)
signal.signal(signal.SIGALRM, lambda *_: caught.put("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.01)
try:
    told["alarm"] = caught.get(timeout=5)
except queue.Empty:
    told["alarm"] = "none"
try:
    input("?")
except Exception as error:
    told["input"] = type(error).__name__
try:
    1 / 0
except ZeroDivisionError as error:
    told["error"] = str(error)
told["database"] = sqlite3.connect(":memory:").execute("select 1 + 1").fetchone()
told["magics"] = [get_ipython().run_line_magic("pwd", "") == os.getcwd(), get_ipython().getoutput("echo shell")[:1]]
os.environ["ADDED"] = "1"
told["own"] = answer("import os; print(os.environ.get('ADDED'))")
told["loaded"] = [__import__("this_project").VALUE, type(get_ipython()).__name__, get_ipython().kernel.implementation]
"""


def test_it_does_the_same(both, tmp_path):
    """asyncio, threads, processes, children, signals, input, magics, modules of the project."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "this_project.py").write_text("VALUE = 'of the project'\n")
    ordinary, forked = both(WHAT_IT_DOES)
    assert forked == ordinary
    assert ordinary["input"] == "StdinNotImplementedError"
    assert ordinary["loaded"][0] == "of the project"


NUMBERS = r"""
import ctypes, os, random, sys
import numpy as np, pandas as pd
libraries = [line.split()[-1] for line in open("/proc/self/maps") if "openblas" in line and ".so" in line]
def threads():
    library = ctypes.CDLL(libraries[0])
    names = [f"{a}openblas_get_num_threads{b}" for a in ("scipy_", "") for b in ("64_", "")]
    return next(getattr(library, name)() for name in names if hasattr(library, name))
matrix = np.linspace(0, 1, 250_000).reshape(500, 500)
told = {
    "parent": os.getppid(),
    "threads": threads(),
    "product": (matrix @ matrix.T).sum().hex(),
    "system threads": len(os.listdir("/proc/self/task")) - len(__import__("threading").enumerate()),
    "seeded": [np.random.RandomState(1).rand().hex(), np.random.default_rng(1).random().hex(), random.Random(1).random()],
    "frame": pd.DataFrame({"a": [1, 2], "b": ["x", None]}).groupby("a").count().to_dict(),
    "html": pd.DataFrame({"a": [1]})._repr_html_(),
    "versions": [np.__version__, pd.__version__, np.__file__, pd.__file__],
    "variables": {name: os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")},
}
chance = [random.random(), float(np.random.rand()), float(np.random.default_rng().random()), str(__import__("uuid").uuid4())]
np.random.seed(3); random.seed(3)
told["after seeding"] = [float(np.random.rand()), random.random()]
print("CHANCE" + repr(chance))
"""


@pytest.mark.parametrize("threads", [None, "1"])
def test_numbers_come_out_the_same_and_chance_differs(execute, both, servers, threads, tmp_path):
    ordinary, forked = both(NUMBERS, environment={"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": None})
    assert forked == ordinary
    assert ordinary["threads"] == (int(threads) if threads else len(os.sched_getaffinity(0)))
    assert [kind.libraries for kind in servers._slots] == [("numpy", "pandas")]
    if threads is None:
        two = [execute(NUMBERS, servers=servers, environment={"OPENBLAS_NUM_THREADS": None, "OMP_NUM_THREADS": None}).texts() for _ in range(2)]
        drawn = [eval(text[text.index("CHANCE") + 6 :].splitlines()[0]) for text in two]
        assert all(one != other for one, other in zip(*drawn, strict=True))


def test_a_picture_is_shown_the_same(execute, servers):
    source = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2, 3]);"
    ordinary, forked = execute(source), execute(source, servers=servers)
    shown = [[sorted(output["data"]) for output in done.document["cells"][0]["outputs"]] for done in (ordinary, forked)]
    assert shown[0] == shown[1] == [["image/png", "text/plain"]]
    pictures = [done.document["cells"][0]["outputs"][0]["data"]["image/png"] for done in (ordinary, forked)]
    assert pictures[0] == pictures[1]


ENDINGS = {
    "left": "import os; os._exit(9)",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "crashed": "import ctypes; ctypes.string_at(0)",
    "said": "import sys; sys.exit(3)",
    "raised": "1 / 0",
    "quit": "quit()",
}


def test_it_ends_the_same(begin, servers, monkeypatch):
    """Exit codes, signals, exceptions: the outcome, the notebook and what it says of the cells."""
    monkeypatch.setattr("nbproj.execution.kernelprocess._killed_for_memory", list)  # the system's may go up meanwhile, for somebody else
    for name, source in ENDINGS.items():
        pair = [begin(source, "'not reached'"), begin(source, "'not reached'", servers=servers)]
        ordinary, forked = (running.finish() for running in pair)
        assert forked.outcome == dataclasses.replace(ordinary.outcome, trace=forked.outcome.trace), name
        assert (forked.statuses, forked.marks) == (ordinary.statuses, ordinary.marks)
        assert [event.step for event in forked.events] == [event.step for event in ordinary.events]


def test_what_a_program_leaves_for_its_end_is_done(execute, servers, tmp_path):
    """Functions for the exit, threads that still run, files that nobody has closed."""
    left = []
    for chosen in (None, servers):
        folder = tmp_path / ("forked" if chosen else "ordinary")
        folder.mkdir()
        done = execute(
            "import atexit, threading, time\nfrom pathlib import Path",
            "atexit.register(lambda: Path('exit').write_text('done'))\nfile = open('open', 'w'); file.write('kept')",
            "threading.Thread(target=lambda: (time.sleep(0.5), Path('thread').write_text('done'))).start()",
            "class Last:\n    def __del__(self):\n        open('object', 'w').close()\nlast = Last()",
            servers=chosen,
            cwd=folder,
        )
        assert done.outcome.exit_code == 0
        left.append({path.name: path.read_text() for path in folder.iterdir() if path.suffix != ".ipynb"})
    assert left[0] == left[1]
    assert left[1]["exit"] == left[1]["thread"] == "done"
    assert left[1]["open"] == "kept"


def test_it_is_interrupted_and_stopped_the_same(begin, servers, monkeypatch):
    """A cell that takes too long, one that swallows the interrupt, and a run that is cancelled; their children end with them."""
    long = "import subprocess, time\nsubprocess.Popen(['sleep', '100'])\ntry:\n    time.sleep(60)\nfinally:\n    print('interrupted')"
    deaf = "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except KeyboardInterrupt:\n        print('no')"
    for source, patience in ((long, 60.0), (deaf, 5.0)):  # who reacts, and who does not, is told apart on a busy machine too
        monkeypatch.setattr("nbproj.execution.client._INTERRUPT_SECONDS", patience)
        pair = [begin(source, cell_timeout=5.0), begin(source, cell_timeout=5.0, servers=servers)]
        ordinary, forked = (running.finish() for running in pair)
        assert forked.outcome.exit_code == ordinary.outcome.exit_code == 124
        assert forked.outcome.reason == ordinary.outcome.reason
        assert forked.texts() == ordinary.texts()
    running = begin("print('here', flush=True)\nimport time; time.sleep(100)", servers=servers)
    while not running.log.exists() or "here" not in running.log.read_text():
        running.execution.next(0.1)
    running.execution.cancel()
    assert running.execution._outcome.exit_code == 143


def test_it_runs_where_nothing_but_ipykernel_is_installed(both):
    import bare_kernel

    source = "import os, sys\ntold = {'parent': os.getppid(), 'python': sys.executable, 'here': [m for m in ('nbproj', 'numpy') if m in sys.modules]}"
    ordinary, forked = both(
        source, "try:\n    import numpy\nexcept ImportError:\n    told['numpy'] = 'no'", kernel=interpreter_kernel(bare_kernel.bare_python())
    )
    assert forked == ordinary
    assert ordinary["numpy"] == "no"


def alive(pid):
    """Return whether a process runs; a zombie does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_killed_server_takes_its_kernels_along_and_the_next_run_gets_a_new_one(begin, told, servers):
    running = begin("import os; print('pid', os.getpid(), flush=True)\nimport time; time.sleep(100)", servers=servers)
    while not running.log.exists() or "pid" not in running.log.read_text():
        running.execution.next(0.1)
    (slot,) = servers._slots.values()
    os.kill(slot.server._process.pid, signal.SIGKILL)
    done = running.finish()
    assert done.outcome.died
    assert "signal 9" in done.outcome.reason
    assert not alive(int(done.log.split()[1]))
    parents = [told("import os; told = {'parent': os.getppid()}", servers=servers) for _ in range(2)]
    assert parents[0][0]["parent"] == os.getpid()
    notes = [event.text for event in parents[0][1].events if event.step == "note"]
    assert len(notes) == 1
    assert "one by one" in notes[0]
    assert parents[1][0]["parent"] == slot.server._process.pid


def test_servers_and_kernels_end_with_their_driver(tmp_path, nobody_left, mark):
    import subprocess

    program = """
import sys, time
sys.path.insert(0, sys.argv[2])
import os, json
from pathlib import Path
from nbproj.execution.forkserver import KernelServers
from nbproj.execution.kernels import interpreter_kernel
from nbproj.execution.process import Guard
guard = Guard()
servers = KernelServers(guard, "fork", workers=2)
process = servers.take(interpreter_kernel(sys.executable), environment=dict(os.environ), cwd=Path("/"), sources=[], note=print)
guard.watch(process.pid)
(slot,) = servers._slots.values()
Path(sys.argv[1]).write_text(json.dumps([slot.server._process.pid, process.pid]))
time.sleep(100)
"""
    driver = subprocess.Popen([sys.executable, "-c", program, tmp_path / "pids", Path(__file__).parents[3]])
    while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text():
        assert driver.poll() is None
        time.sleep(0.05)
    pids = json.loads((tmp_path / "pids").read_text())
    assert all(map(alive, pids))
    driver.kill()
    driver.wait()
    nobody_left(seconds=20)
    deadline = time.monotonic() + 20
    while any(map(alive, pids)):  # the system takes a while to bury them
        assert time.monotonic() < deadline
        time.sleep(0.05)


def library(folder, name, text):
    """Put a module into a folder of the import path, as if it were installed."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(text)


PLAIN = "import os\ntold = {'parent': os.getppid()}"


def test_a_library_that_starts_threads_is_left_out_and_said_once(told, servers, tmp_path):
    library(tmp_path / "site", "pandas", "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()")
    environment = {"PYTHONPATH": str(tmp_path / "site")}
    runs = [told("import pandas", PLAIN, servers=servers, environment=environment) for _ in range(2)]
    notes = [event.text for _told, done in runs for event in done.events if event.step == "note"]
    assert notes == ["kernels are forked without pandas: pandas starts threads when it is imported"]
    (server,) = [slot.server for slot in servers._slots.values() if slot.server is not None]
    assert server.libraries == ["numpy"]
    assert {one["parent"] for one, _done in runs} == {server._process.pid}


def test_what_is_not_the_same_gets_a_kernel_of_its_own(told, servers, tmp_path):
    """Other variables, and a module of the project in the place of one that the server has imported."""
    first, _ = told(PLAIN, servers=servers, environment={"PYTHONHASHSEED": "1"})
    assert first["parent"] != os.getpid()
    for environment in ({"PYTHONHASHSEED": "2"}, {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "5"}, {"PYTHONHASHSEED": "1", "LD_LIBRARY_PATH": "/x"}):
        other, done = told(PLAIN, servers=servers, environment=environment)
        assert other["parent"] == os.getpid()
        assert not [event for event in done.events if event.step == "note"]
    same, _ = told(PLAIN, servers=servers, environment={"PYTHONHASHSEED": "1", "MLFLOW_RUN_ID": "x", "KEY": "x"}, secrets={"key": "KEY"})
    assert same["parent"] == first["parent"]
    project = tmp_path / "project"
    project.mkdir()
    (project / "numpy.py").write_text("mine = True\n")
    mine, _ = told("import numpy", PLAIN + "\ntold['mine'] = numpy.mine", servers=servers, environment={"PYTHONHASHSEED": "1"}, cwd=project)
    assert mine == {"parent": os.getpid(), "mine": True}


def test_a_package_that_is_installed_meanwhile_makes_a_new_server(told, servers, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    environment = {"PYTHONPATH": str(site)}
    first, _ = told(PLAIN, servers=servers, environment=environment)
    library(site, "installed", "")
    second, _ = told(PLAIN, servers=servers, environment=environment)
    assert os.getpid() not in {first["parent"], second["parent"]}
    assert first["parent"] != second["parent"]
    assert not alive(first["parent"])


def test_a_server_that_cannot_begin_is_said_once_and_runs_go_on(told, tmp_path, mark):
    (tmp_path / "sitecustomize.py").write_text("import os\nif 'MLFLOW_RUN_ID' not in os.environ:\n    os._exit(3)\n")
    environment = {"PYTHONPATH": str(tmp_path), "MLFLOW_RUN_ID": "1"}
    with Guard() as guard, KernelServers(guard, "fork") as servers:
        runs = [told(PLAIN, servers=servers, environment=environment) for _ in range(2)]
    assert [one["parent"] for one, _done in runs] == [os.getpid()] * 2
    notes = [event.text for _told, done in runs for event in done.events if event.step == "note"]
    assert len(notes) == 1
    assert notes[0].startswith("kernels are started one by one")


def test_a_forked_kernel_that_dies_at_its_start_is_followed_by_an_ordinary_one(told, begin, servers, tmp_path):
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text(f"import os\nif os.getppid() != {os.getpid()}:\n    os._exit(4)\n")
    found, done = told(PLAIN, servers=servers, environment={"IPYTHONDIR": str(tmp_path / "ipython")})
    assert found["parent"] == os.getpid()
    assert [event.text for event in done.events if event.step == "note"] == ["the kernel is started by itself: the forked one died at its start"]
    assert done.outcome.exit_code == 0
    gone = [begin(PLAIN, cwd=tmp_path / "gone", servers=chosen).finish().outcome for chosen in (None, servers)]
    assert gone[0] == gone[1]
    assert "No such file or directory" in gone[0].reason


def test_there_is_an_off_switch_and_one_run_is_not_worth_a_server(told, mark):
    with Guard() as guard:
        for start, runs, forks in (("spawn", 9, False), ("auto", 1, False), ("auto", 2, True), ("fork", 1, True)):
            with KernelServers(guard, start, runs=runs) as servers:
                assert servers.forks is forks
        with KernelServers(guard, "spawn") as servers:
            found, _ = told(PLAIN, servers=servers)
    assert found["parent"] == os.getpid()
