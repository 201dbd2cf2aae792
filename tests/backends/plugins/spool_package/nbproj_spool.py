"""A stranger's backend, as docs/backends.md teaches it: jobs are files in a folder, and a worker that is nobody's child starts what is there."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

from nbproj.backends import Backend, BackendError, JobExecution, JobQueue, Program, RejoinedJob

IDLE_SECONDS = 5.0


class Spool(JobQueue):
    """A folder: NAME.json is a job that waits, NAME.running one that runs and holds its process group, NAME.ended one that has ended.

    For the moment in which a worker starts it, it is NAME.taken.

    A job is named by its path, NAME with its folder: that is all there is when a driver has died.
    """

    def __init__(self, folder=None):
        self.folder = folder

    def submit(self, program):
        folder = Path(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        job = folder.absolute() / uuid.uuid4().hex
        job.with_suffix(".part").write_text(json.dumps({"argv": list(program.argv), "cwd": str(program.cwd)}))
        job.with_suffix(".part").rename(job.with_suffix(".json"))
        worker = [sys.executable, __file__, str(job.parent)]
        with (job.parent / "worker.log").open("a") as log:
            subprocess.run(worker, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", check=True)
        return str(job)

    def goes_on(self, job):
        return not Path(job).with_suffix(".ended").exists()

    def cancel(self, job):
        job = Path(job)
        try:
            job.with_suffix(".json").rename(job.with_suffix(".ended"))
        except FileNotFoundError:
            while job.with_suffix(".taken").exists():  # it is being started: its number is not known yet
                time.sleep(0.05)
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(job.with_suffix(".running").read_text()), signal.SIGTERM)


class SpoolBackend(Backend):
    name = "spool"

    def check(self, entry_point, environment, config):
        if set(config) != {"folder"}:
            msg = 'backend spool is configured by its folder alone: {"folder": "/where/jobs/go"}'
            raise BackendError(msg)

    def check_store(self, uri):
        pass

    def submit(self, request, workplace):
        return JobExecution(Spool(request.config["folder"]), Program.of(request, workplace), workplace)

    def rejoined(self, job, folder):
        return RejoinedJob(Spool(), job)


def work(folder):
    """Start every job that waits, at once; go when there has been nothing to do for a while."""
    running, idle_since = {}, time.monotonic()
    while running or time.monotonic() - idle_since < IDLE_SECONDS:
        for waiting in folder.glob("*.json"):
            order = json.loads(waiting.read_text())
            taken = waiting.with_suffix(".taken")
            try:
                waiting.rename(taken)
            except FileNotFoundError:  # another worker was quicker, or it was cancelled
                continue
            process = subprocess.Popen(order["argv"], cwd=order["cwd"], stdin=subprocess.DEVNULL, start_new_session=True)
            taken.write_text(str(process.pid))
            taken.rename(waiting.with_suffix(".running"))
            running[waiting.stem] = process
        for job, process in list(running.items()):
            if process.poll() is not None:
                del running[job]
                (folder / f"{job}.running").rename(folder / f"{job}.ended")
                idle_since = time.monotonic()
        time.sleep(0.05)


if __name__ == "__main__" and not os.fork():  # whoever has started it goes on at once, and has no child
    work(Path(sys.argv[1]))
