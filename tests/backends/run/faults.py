"""Runs a project again and again, and lets each time another step be the one that fails; prints what was found afterwards, a line of JSON a case.

    python faults.py MODE PROJECT EVERY

MODE is `kill` (the driver is killed before step N), `refuse` (step N fails: the disk is full, the store refuses) or `signal` (TERM arrives at line N,
and INT again and again after it). A step is a store call (before it and after it), a file written, a folder made, a process started; EVERY takes each
n-th only.

Each case is a fork of one process that has imported everything, so that it costs a tenth of a second.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nbproj
from nbproj.errors import NbprojError, StoreError
from nbproj.execution.signals import STOPS
from nbproj.housekeeping import tidy
from nbproj.runner import open_default_store
from nbproj.tracking.mlflow_store import MlflowStore

MODE, PROJECT, EVERY = sys.argv[1], sys.argv[2], int(sys.argv[3])
STATE = Path(os.environ["HOME"]) / ".local/state/nbproj"
ROOM = str(Path(nbproj.__file__).parent)
WRITES = {"os.mkdir", "os.rename", "os.symlink", "os.chmod", "subprocess.Popen", "tempfile.mkstemp"}
REMOVALS = {"os.remove", "os.rmdir", "os.kill", "os.killpg"}
"""Steps that a full disk does not refuse."""


class Steps:
    """Counts the steps of a driver, and lets one of them fail."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.count = 0
        self.on = True

    @property
    def reached(self) -> bool:
        """Whether there were so many steps."""
        return self.count >= self.last

    def step(self, name: str, fail: Callable[[], None]) -> None:
        """Take a step."""
        if self.on:
            self.count += 1
            if self.count == self.last:
                if MODE == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                self.on = False
                fail()

    def audited(self, event: str, arguments: tuple) -> None:
        """Be told by the interpreter of what it is about to do."""
        writes = event in WRITES or (MODE == "kill" and event in REMOVALS)
        if event == "open" and isinstance(arguments[2], int) and isinstance(arguments[0], str) and not arguments[0].startswith("/dev"):
            writes = bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if writes:
            self.step(event, self._full)

    @staticmethod
    def _full() -> None:
        raise OSError(28, "No space left on device")

    def watch_the_store(self) -> None:
        """Take a step before and after each call of the store."""
        ask = MlflowStore._ask

        def asked(store: MlflowStore, doing: str, question: Callable) -> object:
            def refuse() -> None:
                msg = "the tracking store refuses"
                raise StoreError(msg)

            self.step(f"before: {doing}", refuse)
            answer = ask(store, doing, question)
            self.step(f"after: {doing}", refuse)
            return answer

        MlflowStore._ask = asked

    def traced(self, frame, event, _argument):
        """Be told by the interpreter of each line of nbproj."""
        if not frame.f_code.co_filename.startswith(ROOM):
            return None
        if event == "line":
            self.count += 1
            if self.count == self.last:
                threading.Thread(target=self._storm, daemon=True).start()
                os.kill(os.getpid(), signal.SIGTERM)
        return self.traced

    def _storm(self) -> None:
        for pause in (0.001, 0.005, 0.02, 0.05):
            time.sleep(pause)
            if self.on:
                os.kill(os.getpid(), signal.SIGINT)


def forked(work: Callable[[], dict]) -> dict | None:
    """Return what a fork found out; None when it was killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            found = work()
        except BaseException as error:  # noqa: BLE001 - the test shows it
            found = {"raised": f"{type(error).__name__}: {error}"}
        os.write(writing, json.dumps(found).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        text = stream.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else None


def processes() -> list[str]:
    """Return the command lines of what the runs have started."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and f"TEST_MARK={os.environ['TEST_MARK']}".encode() in (folder / "environ").read_bytes():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found += [command] if "faults.py" not in command and "pytest" not in command else []
        except OSError:
            continue
    return found


def look(name: str) -> dict:
    """Return what there is after a case."""
    run = next((run for run in open_default_store().search_runs() if run.name == name), None)
    return {
        "status": run and run.status,
        "code": run and run.tags.get("nbproj.exit_code"),
        "entries": sorted(entry.name for entry in (STATE / "runs").iterdir() if not entry.name.startswith(".new-")),
        "folders": sorted(entry.name for entry in Path(os.environ["TMPDIR"]).iterdir()),
        "project": sorted(entry.name for entry in Path(PROJECT).iterdir()),
        "threads": threads(),
    }


def threads() -> list[str]:
    """Return the threads that a run has left; one that was told to end may take a moment for it."""
    for _ in range(500):
        found = [thread.name for thread in threading.enumerate() if thread.name.startswith("nbproj")]
        if not found:
            break
        time.sleep(0.02)
    return found


def drive(name: str, last: int) -> dict:
    """Run the project with a fault; return how it ended."""
    steps = Steps(last)
    found: dict = {}
    later: list[int] = []
    if MODE == "signal":
        for number in (signal.SIGTERM, signal.SIGINT):  # those that come when the run is over must not end the case
            signal.signal(number, lambda number, _frame: later.append(number))
        sys.settrace(steps.traced)
    else:
        sys.addaudithook(steps.audited)
        steps.watch_the_store()
    try:
        nbproj.run(PROJECT, run_name=name)
        found["ended"] = "well"
    except NbprojError as error:
        found["ended"] = str(error)
    except STOPS:
        found["ended"] = "stopped"
    except BaseException as error:  # noqa: BLE001 - the test shows it
        found["raised"] = f"{type(error).__name__}: {error}"
    finally:
        sys.settrace(None)
    steps.on = False
    return {**found, "reached": steps.reached, **(look(name) if MODE == "signal" else {})}


def settled(name: str) -> dict:
    """Be the next command."""
    tidy()
    return look(name)


def main() -> None:
    """Go through all steps."""
    nbproj.run(PROJECT, run_name="warm")
    last = 1
    while True:
        name = f"step {last}"
        driver = forked(lambda name=name, last=last: drive(name, last))
        for _ in range(500):  # looks, not seconds: while the machine stands still nobody can end
            if not (left := processes()):
                break
            time.sleep(0.02)
        after = None if MODE == "signal" else forked(lambda name=name: settled(name))
        print(json.dumps({"step": last, "driver": driver, "left": left, "after": after}), flush=True)
        if driver is not None and not driver.get("reached", True):
            return
        last += EVERY


main()
