"""Ports of the loopback address for servers that are told theirs."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """Give a port that is nobody else's during the block.

    It stays bound here, not listening: the system gives it to no other socket meanwhile, neither for a server nor for a connection. A server that
    sets SO_REUSEADDR, as most do, is let through.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
