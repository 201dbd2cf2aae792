"""What every route has in common: who may call it, how its body is read, how it answers and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado.http1connection import HTTP1Connection
from tornado.web import HTTPError, stream_request_body

from nbproj.errors import NbprojError, RunError
from nbproj.paths import is_inside
from nbproj.record import Run
from nbproj.records import get_run
from nbproj.server import errors, limits
from nbproj.server.paths import local_folder
from nbproj.server.service import Service
from nbproj.server.store import StorePlace

__all__ = ["AUTH_RESOURCE", "Route"]

AUTH_RESOURCE = "nbproj"
"""What an authorizer is asked about: `read` for looking, `write` for choosing the store, `execute` for starting and stopping runs."""


@stream_request_body
class Route(APIHandler):
    """A route of ours.

    Its body is read piece by piece: one that is too long is refused before it is in memory. A subclass marks each verb with `authenticated` and
    `authorized`.
    """

    SUPPORTED_METHODS = ("GET", "POST", "PUT")  # no other site calls this: nothing to answer to OPTIONS
    auth_resource = AUTH_RESOURCE
    service: Service

    def initialize(self, service: Service) -> None:
        """Take what all routes share."""
        self.service = service
        self._received = bytearray()

    def set_default_headers(self) -> None:
        """Let nobody guess types, and keep answers out of caches that others read."""
        super().set_default_headers()
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-cache, private")

    async def prepare(self) -> None:  # type: ignore[override]  # as Jupyter's own APIHandler
        """Refuse whom Jupyter refuses, then a body that says itself that it is too long."""
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection):
            connection.set_max_body_size(limits.BODY_BYTES)  # the rest of a longer body is not waited for: the connection ends
        await super().prepare()
        length = self.request.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > limits.BODY_BYTES:
            raise errors.RefusedError(413, limits.too_long())

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece of the body; past the limit nothing more."""
        if len(self._received) <= limits.BODY_BYTES:
            self._received += chunk

    def body(self, known: Collection[str]) -> dict[str, Any]:
        """Return the object that the body holds; `RefusedError` where it holds none, or other keys than the known ones."""
        return limits.body(bytes(self._received), known)

    def argument(self, name: str, default: str = "") -> str:
        """Return an argument of the address, as it was written."""
        return self.get_query_argument(name, default, strip=False) or default

    def number(self, name: str, *, default: int, least: int = 0, most: int = limits.WINDOW) -> int:
        """Return an argument of the address that is a whole number."""
        return limits.number(self.argument(name), name, default=default, least=least, most=most)

    async def run_of(self, run_id: str) -> Run:
        """Return a run of the store that is shown; `RefusedError` with 404 for every other."""
        return (await self._found(run_id))[0]

    async def run_with_files(self, run_id: str) -> Run:
        """Return a run whose artifacts may be looked at; `RefusedError` with 409 for one that claims to have them anywhere."""
        run, place = await self._found(run_id)
        files = local_folder(run.record.artifact_uri)
        # A store that came with somebody's files must not decide which of ours are read.
        if not place.named and files is not None and not is_inside(self.service.root, files):
            msg = f"run {run_id[:8]} keeps its artifacts outside the server's folder, and nobody has named its store: name it in the settings"
            raise errors.RefusedError(409, msg)
        return run

    async def _found(self, run_id: str) -> tuple[Run, StorePlace]:
        place = await self.service.read(self.service.store, self.argument("path"))

        none_such = f"there is no run {run_id!r} in {place.label}"

        def find() -> Run:
            try:
                with self.service.patient(place):
                    found = get_run(run_id, tracking_uri=place.uri)
            except RunError as error:
                raise errors.RefusedError(404, none_such) from error
            if found.run_id != run_id:  # a beginning is enough for people; an address means one run, today and tomorrow
                raise errors.RefusedError(404, none_such)
            return found

        return await self.service.read(find), place

    def answer(self, document: dict[str, Any], status: int = 200, *, public: bool = False) -> None:
        """Send a document; `public` when what may not be shown was taken out before. A reader that has it is told so: Tornado compares the ETag."""
        self.set_status(status)
        self.finish(json.dumps(document if public else self.service.public(document), allow_nan=False))

    def write_error(self, status_code: int, **details: Any) -> None:  # noqa: ANN401, ARG002 - Tornado's signature
        """Answer with a line for people; never with a traceback."""
        error = (details.get("exc_info") or (None, None, None))[1]
        told: dict[str, Any]
        if isinstance(error, NbprojError):
            self.set_status(errors.status(error))
            told = errors.document(error)
        elif isinstance(error, HTTPError):
            told = {"message": error.log_message or error.reason or self._reason, "hint": "", "type": "HTTPError"}
        else:
            told = {"message": "an error in nbproj itself: the server's log tells more", "hint": "", "type": "Exception"}
        self.finish(json.dumps(self.service.public(told)))

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:  # noqa: ANN401 - Tornado's signature
        """Write defects of ours into the log with their traceback, and what a user can repair in one line."""
        if isinstance(error, NbprojError):
            self.log.info("nbproj: %s", self.service.public(str(error)))
        else:
            super().log_exception(kind, error, trace)
