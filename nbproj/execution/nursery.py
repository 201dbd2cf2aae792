"""The nursery: a program that has imported what kernels import, and forks one whenever it is asked to.

It runs alone, in the interpreter of an environment that has nothing but ipykernel, and imports nothing of nbproj; Python 3.9 and later, on Linux.
What makes forking sound is checked here and nowhere else: one thread, no libraries but those of the list, as many threads of BLAS as in an ordinary
kernel.

The driver holds the other end of the socket whose descriptor is the first argument. It writes "take" and gets a kernel that waits: its number, a
socket to it, and a pipe from which its end can be read. When that socket closes, the nursery ends, and everything that it has forked ends with it.

Longer than other files: it is handed to a foreign interpreter as one text, which can import nothing beside it.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import random
import runpy  # noqa: F401 - starts the kernel in the end
import select
import signal
import socket
import struct
import sys
from typing import Any

KERNEL = ("ipykernel.ipkernel", "ipykernel.kernelapp")
LATER = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "faulthandler",
    "tornado.platform.asyncio",
    "unicodedata",
)
"""What a kernel imports once it runs; what is not there is left out."""
LIBRARIES = ("numpy", "pandas")
THREADS = ("OPENBLAS_NUM_THREADS", "OPENBLAS_DEFAULT_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
UNSOUND = ("libgomp", "libiomp", "libomp", "libmkl", "libblis", "libcuda", "libtorch", "libtbb")
"""Libraries that may not be there before a fork."""
GREETING = 1 << 16


class RefusedError(Exception):
    """Kernels cannot be forked from here with what was imported last."""

    def __init__(self, reason: str, library: str = "") -> None:
        super().__init__(reason)
        self.library = library


class Kernel:
    """A forked kernel, as the nursery knows it.

    Parameters
    ----------
    pid, death : int
        Its process, and what becomes readable when it has ended.
    gate : socket
        The driver's end of the way to it, until it is taken.
    """

    def __init__(self, pid: int, death: int, gate: socket.socket) -> None:
        self.pid = pid
        self.death = death
        self.gate: socket.socket | None = gate
        self.told = -1
        """Where its exit code is written to."""


def threads() -> int:
    """Return how many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def loaded() -> set[str]:
    """Return the names of the libraries that are mapped into this process."""
    found = set()
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123 - pathlib is not imported for one line
        for line in lines:
            path = line.rstrip().rpartition("/")[2]
            if ".so" in path:
                found.add(line[line.index("/") :].rstrip())
    return found


def import_kernel() -> None:
    """Import what a kernel needs; the folder in which it will run is not looked into."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # nobody steps through a run
    try:
        for name in KERNEL:
            importlib.import_module(name)
        if importlib.util.find_spec("ipykernel.debugger") is not None:
            importlib.import_module("ipykernel.debugger")
    finally:
        del sys.modules["debugpy"]
    for name in LATER:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def rehearse() -> None:
    """Go once through what every kernel does with its first cell and its arguments: patterns are compiled that none has to compile again."""
    with contextlib.suppress(Exception):  # whatever is missing is done later, as in an ordinary kernel
        from IPython.core.inputtransformer2 import TransformerManager

        manager = TransformerManager()
        manager.check_complete(manager.transform_cell("%time a = 1\nb = f(a, 'c') # d\n"))
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-f")
    parser.parse_known_args(["-f", "1"])


def import_library(name: str) -> bool:
    """Import a library where it is installed, its own threads held back; return whether it is there."""
    if importlib.util.find_spec(name) is None:
        return False
    before = {variable: os.environ.get(variable) for variable in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        importlib.import_module(name)
    except BaseException as error:
        msg = f"{name} cannot be imported: {type(error).__name__}: {error}"
        raise RefusedError(msg, name) from error
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value
    check(name)
    return True


def check(library: str) -> None:
    """Refuse to fork with what has just been imported."""
    if threads() != 1:
        msg = f"{library} starts threads when it is imported"
        raise RefusedError(msg, library)
    for path in loaded():
        name = path.rpartition("/")[2]
        if name.startswith(UNSOUND):
            msg = f"{library} brings {name}, which does not survive a fork"
            raise RefusedError(msg, library)
        if "blas" in name and "openblas" not in name:
            msg = f"{library} computes with {name}, whose threads cannot be set afterwards"
            raise RefusedError(msg, library)
    for path in loaded():
        if "openblas" in path.rpartition("/")[2] and blas(path) is None:
            msg = f"the threads of {path.rpartition('/')[2]} cannot be set afterwards"
            raise RefusedError(msg, library)


def blas(path: str) -> Any:
    """Return what sets the threads of an OpenBLAS, None where it has no such function."""
    import ctypes

    library = ctypes.CDLL(path)
    for before in ("scipy_", ""):
        for behind in ("64_", ""):
            with contextlib.suppress(AttributeError):
                return getattr(library, f"{before}openblas_set_num_threads{behind}")
    return None


def blas_threads() -> int:
    """Return how many threads OpenBLAS would have had, had it been loaded here."""
    most = len(os.sched_getaffinity(0))
    for variable in THREADS[:4]:
        with contextlib.suppress(KeyError, ValueError):
            number = int(os.environ[variable])
            if number > 0:
                return min(number, most)
    return most


def close_all_but(kept: int) -> None:
    """Close every descriptor but the three of each process and one more."""
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        if number > 2 and number != kept:  # noqa: PLR2004 - standard input, output and error
            with contextlib.suppress(OSError):
                os.close(number)


def die_with(parent: int) -> None:
    """End when the parent does."""
    import ctypes

    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def receive(gate: socket.socket) -> tuple[dict[str, Any], int]:
    """Wait until the driver says what to run; return that and the descriptor of the log. Ends the process when nobody will."""
    head, ancillary, _flags, _address = gate.recvmsg(4, socket.CMSG_SPACE(4))
    if len(head) < 4:  # noqa: PLR2004 - the four bytes of a length
        os._exit(0)
    missing, parts = struct.unpack("I", head)[0], []
    while missing:
        part = gate.recv(min(missing, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        missing -= len(part)
    return json.loads(b"".join(parts)), struct.unpack("i", ancillary[0][2][:4])[0]


def become_kernel(gate: socket.socket, parent: int, path: list[str]) -> None:
    """Turn this freshly forked process into what a kernel of its own would be at its start."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    die_with(parent)
    close_all_but(gate.fileno())
    order, log = receive(gate)
    os.umask(order["umask"])
    try:
        os.chdir(order["cwd"])
    except OSError:
        os._exit(1)  # an ordinary kernel says why
    os.environ.clear()
    os.environ.update(order["environment"])
    os.environ["JPY_PARENT_PID"] = str(parent)  # a signal of death goes with the thread that forked, this with the process
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, number)
    os.close(nothing)
    os.close(log)
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
        for library in loaded():
            if "openblas" in library.rpartition("/")[2]:
                blas(library)(blas_threads())
    sys.argv = ["-c", *order["arguments"]]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = order["command"]
    sys.path[:] = path
    gate.sendall(b"ok")
    gate.close()
    gc.enable()


class Nursery:
    """Forks kernels on demand and tells how they end.

    Parameters
    ----------
    driver : socket
        Whoever asks.
    spares : int
        How many kernels are forked before anybody asks.
    """

    def __init__(self, driver: socket.socket, spares: int) -> None:
        self._driver = driver
        self._spares = spares
        self._waiting: list[Kernel] = []
        self._kernels: dict[int, Kernel] = {}
        self._poll = select.poll()
        self._poll.register(driver, select.POLLIN)

    def fork(self) -> socket.socket | None:
        """Fork a kernel that waits; None in the nursery, in the kernel the socket from which it hears what to do."""
        if threads() != 1:
            msg = "a library started a thread"
            raise RefusedError(msg)
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            return theirs
        theirs.close()
        kernel = Kernel(pid, os.pidfd_open(pid), ours)
        self._kernels[kernel.death] = kernel
        self._waiting.append(kernel)
        self._poll.register(kernel.death, select.POLLIN)
        return None

    def serve(self) -> socket.socket | None:
        """Serve until the driver goes; in a forked kernel return its socket."""
        while True:
            while len(self._waiting) < self._spares:
                gate = self.fork()
                if gate is not None:
                    return gate
            for descriptor, _event in self._poll.poll():
                if descriptor != self._driver.fileno():
                    self._bury(descriptor)
                    continue
                if not self._driver.recv(64):
                    return None
                if not self._waiting:
                    gate = self.fork()
                    if gate is not None:
                        return gate
                self._hand_over(self._waiting.pop(0))

    def forget(self) -> None:
        """Close, in a kernel, what is the nursery's: an object that did it later would close what the kernel has opened under its number."""
        for kernel in self._kernels.values():
            os.close(kernel.death)
            if kernel.gate is not None:
                kernel.gate.close()
            else:
                os.close(kernel.told)
        self._driver.close()

    def _hand_over(self, kernel: Kernel) -> None:
        assert kernel.gate is not None  # noqa: S101 - it has just waited
        reading, kernel.told = os.pipe()
        handles = array.array("i", [kernel.gate.fileno(), reading])
        self._driver.sendmsg([json.dumps({"pid": kernel.pid}).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)])
        kernel.gate.close()
        kernel.gate = None
        os.close(reading)

    def _bury(self, descriptor: int) -> None:
        kernel = self._kernels.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        _pid, status = os.waitpid(kernel.pid, 0)
        if kernel.gate is not None:
            self._waiting.remove(kernel)
            kernel.gate.close()
        else:
            with contextlib.suppress(OSError):
                os.write(kernel.told, struct.pack("i", os.waitstatus_to_exitcode(status)))
            os.close(kernel.told)


def prepare(path: list[str], libraries: list[str]) -> bytes:
    """Import what kernels need; return what the driver is told of it."""
    if not hasattr(os, "pidfd_open"):
        msg = "this Python is too old to watch processes"
        raise RefusedError(msg)
    gc.disable()
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # ipykernel reads it when it is imported, and ends with its parent
    if sys.path[:1] == [""]:
        del sys.path[0]
    import_kernel()
    rehearse()
    check("")
    known = {name.partition(".")[0] for name in sys.modules}
    imported = [name for name in libraries if import_library(name)]
    gc.collect()
    gc.freeze()
    # Those of the standard library stand first on the import path, also in a kernel: no project hides them.
    more = sorted({name.partition(".")[0] for name in sys.modules} - known - set(getattr(sys, "stdlib_module_names", ())))
    greeting = json.dumps({"path": [entry for entry in path if entry], "libraries": imported, "more": more}).encode()
    if len(greeting) > GREETING:
        msg = "the import path is too long"
        raise RefusedError(msg)
    return greeting


def main() -> None:
    """Serve the driver; returns in a forked kernel only."""
    driver = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(driver.fileno(), False)  # noqa: FBT003 - the standard library's own way
    nursery = Nursery(driver, int(sys.argv[2]))
    path, parent = list(sys.path), os.getpid()
    try:
        driver.sendall(prepare(path, [name for name in LIBRARIES if name in sys.argv[3:]]))
        gate = nursery.serve()
    except RefusedError as error:
        driver.sendall(json.dumps({"refused": error.library, "reason": str(error)}).encode())
        os._exit(3)
    except OSError:  # the driver has gone
        os._exit(0)
    if gate is None:
        os._exit(0)
    nursery.forget()
    become_kernel(gate, parent, path)
