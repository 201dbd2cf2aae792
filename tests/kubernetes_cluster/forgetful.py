"""A way to the API server that breaks at the wrong moment: the answer to the first Job that is made gets lost, or nothing comes through after it."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from kubernetes_cluster.cluster import STATE, Cluster, unverified

PASSED_ON = {"authorization", "content-type", "accept", "user-agent"}


class Forgetful(ThreadingHTTPServer):
    """Passes everything on; counts the Jobs that are asked for, and is silent after the first, or blind."""

    daemon_threads = True

    def __init__(self, port: int, silent_until: threading.Event | None, blind_until: threading.Event | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = port
        self.posts = 0
        self.silent_until, self.blind_until = silent_until, blind_until
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(STATE / "certificates/apiserver.crt", STATE / "certificates/apiserver.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients come and go."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Forgetful
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        """Ask the API server, and pass its answer on as it comes."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        blind = self.server.blind_until
        if blind is not None and self.server.posts and not blind.is_set():
            self.close_connection = True
            return
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.behind, context=unverified(), timeout=120)
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body, {name: value for name, value in self.headers.items() if name.lower() in PASSED_ON})
            answer = connection.getresponse()
            self.close_connection = True
            if self.command == "POST" and self.path.endswith("/jobs"):
                self.server.posts += 1
                if self.server.posts == 1 and blind is None:
                    answer.read()
                    if self.server.silent_until is not None:
                        self.server.silent_until.wait(60)
                    return
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers.get("content-type", ""))
            self.send_header("transfer-encoding", "chunked")  # as the API server does it: clients wait for the end of what has no chunks
            self.send_header("connection", "close")
            self.end_headers()
            while piece := answer.read1(65536):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PATCH = do_DELETE = pass_on  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def forgetful(
    cluster: Cluster, kubeconfig: Path, silent_until: threading.Event | None = None, *, blind_until: threading.Event | None = None
) -> Iterator[Forgetful]:
    """Start it, and write a kubeconfig that leads there.

    The connection on which an answer gets lost is broken at once, or when something happens: within half a minute, for which an answer is waited for.
    With `blind_until` that answer comes, and until then none to whatever is asked after it.
    """
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    at = document["clusters"][0]["cluster"]
    with Forgetful(int(at["server"].rpartition(":")[2]), silent_until, blind_until) as server:
        at["server"] = f"https://127.0.0.1:{server.server_address[1]}"
        kubeconfig.write_text(yaml.safe_dump(document))
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(20)
