"""Servers on loopback: one of the web that misbehaves on demand, and moto's, which speaks the API of S3."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import http.server
import threading
import time
import uuid
from dataclasses import dataclass, field


@dataclass
class Page:
    """What lies at a path, and how it is served."""

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    failures: int = 10**9
    """How often what is wrong with it is wrong."""
    cut: int | None = None
    """Bytes after which the connection is closed."""
    longer: int = 0
    """By how much the length that is told differs."""
    chunked: bool = False
    conditions: bool = True
    seconds: float = 0.0


class Host(http.server.ThreadingHTTPServer):
    """A web server with pages by path, that remembers what it was asked and what it sent."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent = collections.Counter()

    def url(self, path, login=""):
        return f"http://{login}127.0.0.1:{self.server_port}{path}"


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Host

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.asked.append((self.path, dict(self.headers)))
        page = self.server.pages.get(path, Page(status=404))
        self.close_connection = True
        time.sleep(page.seconds)
        etag = page.headers.get("ETag")
        modified = page.headers.get("Last-Modified")
        same = (etag and self.headers.get("If-None-Match") == etag) or (modified and self.headers.get("If-Modified-Since") == modified)
        if page.conditions and same:
            self.send_response(304)
            self.end_headers()
            return
        wrong, page.failures = page.failures > 0, page.failures - 1
        self.send_response(page.status if wrong else 200)
        for name, value in page.headers.items():
            self.send_header(name, value)
        self.send_header(*(("Transfer-Encoding", "chunked") if page.chunked else ("Content-Length", str(len(page.body) + page.longer * wrong))))
        self.send_header("Connection", "close")
        self.end_headers()
        self.server.sent[path] += 1
        body = page.body if page.cut is None or not wrong else page.body[: page.cut]
        with contextlib.suppress(OSError):
            if page.chunked:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body) + (b"" if page.cut is not None and wrong else b"0\r\n\r\n"))
            else:
                self.wfile.write(body)


@contextlib.contextmanager
def served(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Bucket:
    """A bucket of its own on moto's server, and what the server is to do wrong."""

    def __init__(self, client, front):
        self.name = f"bucket-{uuid.uuid4().hex[:12]}"
        self._client, self.front = client, front
        client.create_bucket(Bucket=self.name)

    def put(self, key, body, **options):
        self._client.put_object(Bucket=self.name, Key=key, Body=body, **options)

    def address(self, key):
        return f"s3://{self.name}/{key}"

    @property
    def sent(self):
        """How often the server has sent the content of an object of this bucket."""
        return sum(count for path, count in self.front.sent.items() if path.startswith(f"/{self.name}/"))


class Front:
    """Stands before moto: counts what is sent, and spoils it."""

    def __init__(self, application):
        self.application = application
        self.sent = collections.Counter()
        self.spoil = self.refuse = None
        self.seconds = 0.0
        self.checksums = True

    def __call__(self, environ, start_response):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if self.refuse is not None and self.refuse(environ):
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"]

        def start(status, headers, *more):
            shown = [(name, value) for name, value in headers if self.checksums or not name.lower().startswith("x-amz-checksum")]
            return start_response(status, shown, *more)

        answer = self.application(environ, start)
        if method != "GET" or path.count("/") < 2 or not path.rpartition("/")[2]:
            return answer
        self.sent[path] += 1
        time.sleep(self.seconds)
        return answer if self.spoil is None else [self.spoil(b"".join(answer))]


def kept(storage):
    """Return the files below a folder of downloads, but locks and markers."""
    return sorted(path.name for path in storage.rglob("*") if path.is_file() and path.suffix != ".lock" and path.name != "entry.json")


def md5(body):
    return hashlib.md5(body, usedforsecurity=False)
