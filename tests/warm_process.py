"""What waits with everything imported, and forks for each command that it is told: see warm.py, which starts it.

Between it and a command stands a fork that waits for the command's end and tells it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import struct
import sys
import tempfile
import time
import types

NUMBER = struct.Struct("i")
IMPORTS = (
    "nbproj.cli",
    "nbproj.console",
    "nbproj.execution.notebook",
    "nbproj.inspection",
    "nbproj.options",
    "nbproj.records",
    "nbproj.runner",
    "nbproj.sources.registry",
    "nbproj.tracking.mlflow_store",
    "jupyter_client.kernelspec",
    "jupyter_client.blocking",
    "mlflow.store.db.utils",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.artifact.artifact_repository_registry",
    "nbformat",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
    "yaml",
)
"""What a run of a program or a notebook imports by the time it has ended."""


def load() -> None:
    """Import everything, as the command line does it."""
    from importlib import import_module

    from nbproj.tracking import library

    library.load()
    for name in IMPORTS:
        import_module(name)
    from sqlalchemy.orm import configure_mappers

    configure_mappers()
    gc.collect()
    gc.freeze()


def received(line: socket.socket) -> tuple[dict, list[int]] | None:
    """Return the next order and its descriptors: the standard streams, and the socket for the answer; None at the end."""
    head, descriptors, _flags, _address = socket.recv_fds(line, NUMBER.size, 4, socket.MSG_WAITALL)
    if len(head) < NUMBER.size:
        return None
    text = line.recv(NUMBER.unpack(head)[0], socket.MSG_WAITALL)
    return json.loads(text), descriptors


def wait(line: socket.socket) -> dict:
    """Wait for orders; return one in the process that is to carry it out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the tests who are interrupted
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks for the ends of the forks between
    while (told := received(line)) is not None:
        order, descriptors = told
        if os.fork() == 0:
            line.close()
            return between(order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
    os._exit(0)


def between(order: dict, descriptors: list[int]) -> dict:
    """Fork the command, tell of it and of its end; return the order in the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, answer = descriptors
    pid = os.fork()
    if pid == 0:
        try:
            become(order, streams)
        finally:  # told once it has its session, folder and signals, as after an execve: who was told may send a signal at once
            os.write(answer, NUMBER.pack(os.getpid()))
            os.close(answer)
        return order
    for descriptor in streams:
        os.close(descriptor)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _pid, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):  # whoever asked may be gone
        os.write(answer, NUMBER.pack(status))
    os._exit(0)


def become(order: dict, streams: list[int]) -> None:
    """Take on what a process is given when it is started."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    if order["session"]:
        os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    tempfile.tempdir = None
    signal.signal(signal.SIGINT, signal.default_int_handler)


def carry_out(order: dict) -> None:
    """Be `python -m nbproj ...` or `python -c ...`."""
    _python, option, program, *arguments = order["command"]
    if option == "-m":
        sys.argv[:] = ["-m", *arguments]
        sys.path.insert(0, order["cwd"])
        runpy._run_module_as_main(program)
    else:
        sys.argv[:] = ["-c", *arguments]
        sys.path.insert(0, "")
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(program, "<string>", "exec"), main.__dict__)


if __name__ == "__main__":
    if os.fork():
        os._exit(0)
    own = sys.modules["__main__"]  # lives on when another takes its name
    del sys.path[0]  # the folder of this file, which a command line does not see
    load()
    carry_out(wait(socket.socket(fileno=int(sys.argv[1]))))
