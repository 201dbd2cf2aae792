"""Ports of this machine for programs that must be told a number."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def held_port(host: str = "127.0.0.1") -> Iterator[int]:
    """Hold a port in this block: the kernel gives it to nobody who asks for any.

    One that was looked for and let go belongs to whoever comes first, such as the other process of tests, and a server takes seconds to come. It can
    listen on the held one, also several times one after the other: nobody listens on it here, and servers set SO_REUSEADDR.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, 0))
        port = int(holder.getsockname()[1])
        if sys.platform != "linux":  # elsewhere nobody can listen on a port that is bound
            holder.close()
        yield port
