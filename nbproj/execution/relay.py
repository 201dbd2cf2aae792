"""A socket of the file system whose connections are handed on, byte by byte, to where somebody else listens.

Nothing of nbproj is imported: an attendant loads this file alone.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

_PIECE = 1 << 16


class Relay:
    """Listens from `open` to `close`, in threads.

    Parameters
    ----------
    path : Path
        The socket; it is made.
    connect : callable
        Returns a connection to what listens elsewhere; called for each that comes here.
    """

    def __init__(self, path: Path, connect: Callable[[], socket.socket]) -> None:
        self._path, self._connect = path, connect
        self._listening = socket.socket(socket.AF_UNIX)
        self._ends: set[socket.socket] = set()
        self._closed = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Listen from now on.

        Raises
        ------
        OSError
            The socket cannot be made.
        """
        self._listening.bind(str(self._path))
        self._listening.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End all connections, and take no more."""
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            self._closed = True
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near:
            try:
                far = self._connect()
            except OSError:  # who has come tries again
                return
            with far:
                with self._lock:
                    if self._closed:  # while the other side was being connected: nobody would end it any more
                        return
                    self._ends |= {near, far}
                back = threading.Thread(target=_copy, args=(far, near), daemon=True)
                back.start()
                _copy(near, far)
                back.join()
                with self._lock:
                    self._ends -= {near, far}


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
