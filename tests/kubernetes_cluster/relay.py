"""An address of loopback behind which a server of another address is: what a port that is forwarded is like."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator


class Relay(socketserver.ThreadingTCPServer):
    """Passes on what comes, both ways."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Passage)
        self.behind = (host, port)


class Passage(socketserver.BaseRequestHandler):
    """One connection."""

    server: Relay

    def handle(self) -> None:
        """Pass on until both have said all."""
        with socket.create_connection(self.server.behind, 10) as other:
            other.settimeout(None)
            answers = threading.Thread(target=_pass_on, args=(other, self.request), daemon=True)
            answers.start()
            _pass_on(self.request, other)
            answers.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relayed(host: str, port: int) -> Iterator[str]:
    """Start it, and give its address."""
    with Relay(host, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(20)
