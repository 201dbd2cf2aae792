"""The gateway's application: who may ask, how much may be sent, what answers."""

from __future__ import annotations

import base64
import binascii
import functools
import hmac
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nbproj.tracking.gateway import artifacts, metrics
from nbproj.tracking.gateway.charge import Charge
from nbproj.tracking.gateway.messages import request_message, to_json
from nbproj.tracking.gateway.notes import Notes
from nbproj.tracking.gateway.refused import Refused, not_found, refused_by
from nbproj.tracking.gateway.routes import SERVICE, find

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

__all__ = ["Application"]

T = TypeVar("T")

_NO_PARTS = "Multipart upload is not supported for the current artifact repository"
"""The words by which MLflow's clients know that a file is to be sent in one piece."""


_HEARD_OUT = 4
"""Of a body that is too large, so many times the limit is heard out: a client that still sends does not read the answer."""


class Application:
    """Answers requests, in the form that ASGI servers call.

    Parameters
    ----------
    charge : Charge
        What may be asked for.
    token : str
        Every request must bear it.
    notes : Notes
        Counts what is refused.
    names : set of str
        The hosts that a request may be meant for. A page in a browser that lets its own name lead here has another one.
    folder : Path
        For files on their way; private.
    body_limit, artifact_limit : int
        Bytes that a request, and a file, may have.
    """

    def __init__(
        self, charge: Charge, token: str, notes: Notes, *, names: frozenset[str], folder: Path, body_limit: int, artifact_limit: int
    ) -> None:
        self._charge = charge
        self._token = token.encode()
        self._notes = notes
        self._names = frozenset(name.lower() for name in names)
        self._folder = folder
        self._body_limit = body_limit
        self._artifact_limit = artifact_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        from starlette.requests import ClientDisconnect, Request
        from starlette.responses import Response

        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:  # nobody waits for an answer
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the run goes on
            refused = error if isinstance(error, Refused) else refused_by(error)
            if refused.note:
                self._notes.add(self._charge.mask(refused.note))
            response = Response(self._charge.mask(refused.to_json().decode()), refused.status, media_type="application/json")
            if refused.status in {401, 413, 421}:
                response.headers["connection"] = "close"  # what is still to come is not read
            if refused.status == 401:  # noqa: PLR2004 - HTTP's number
                response.headers["www-authenticate"] = 'Basic realm="mlflow"'
        response.headers["x-content-type-options"] = "nosniff"
        await response(scope, receive, send)

    def _admit(self, request: Request) -> None:
        """Let in who means this gateway and bears the token, as a bearer or as the password of any user."""
        if _host(request.headers.get("host", "")) not in self._names:
            msg = "the tracking gateway of a run has another name"
            raise Refused(421, "BAD_REQUEST", msg, note="answer under another name than its own")
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        offered = given.strip().encode("utf-8", "replace")
        if kind.lower() == "basic":
            try:
                offered = base64.b64decode(offered, validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                offered = b""
        if kind.lower() not in {"basic", "bearer"} or not hmac.compare_digest(offered, self._token):
            msg = "the tracking gateway does not know you: MLFLOW_TRACKING_TOKEN is not the run's"
            raise Refused(401, "UNAUTHENTICATED", msg, note="let somebody in without the run's token")

    async def _answer(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse

        self._admit(request)
        path, method = request.scope["path"], request.method
        if path == "/health":
            return PlainTextResponse("OK")
        if path == "/version":
            from mlflow.version import VERSION

            return PlainTextResponse(VERSION)
        found = SERVICE.fullmatch(path)
        if found and found["service"] == "mlflow-artifacts":
            return await self._artifact(request, found["path"])
        if found:
            return await self._rest(request, found["path"])
        raise _unknown(method, path)

    async def _rest(self, request: Request, path: str) -> Response:
        if path == "server-info":
            return _json(
                {"store_type": "SqlStore", "workspaces_enabled": False, "multipart_uploads_enabled": False, "multipart_downloads_enabled": False}
            )
        query = request.query_params.multi_items()
        if path == "metrics/get-history-bulk" and request.method == "GET":
            return await self._bulk(query)
        route = find(request.method, path)
        if route is None:
            raise _unknown(request.method, path)
        body = await self._body(request)
        return _json(await _in_thread(functools.partial(self._carry_out, *route, query, body)))

    def _carry_out(self, route: Any, named: dict[str, str], query: list[tuple[str, str]], body: bytes) -> bytes:  # noqa: ANN401 - a Route
        return to_json(route.answer(self._charge, request_message(route.message, query, body, named)))

    async def _bulk(self, query: list[tuple[str, str]]) -> Response:
        values = dict(query)
        limit = values.get("max_results", "25000")
        if not limit.isdigit() or not limit.isascii() or "metric_key" not in values:
            raise Refused(400, "INVALID_PARAMETER_VALUE", "metric_key is needed, and max_results is a number")
        run_ids = [value for name, value in query if name == "run_id"]
        return _json({"metrics": await _in_thread(functools.partial(metrics.history_bulk, self._charge, run_ids, values["metric_key"], int(limit)))})

    async def _body(self, request: Request) -> bytes:
        self._measure(request, _HEARD_OUT * self._body_limit)
        body, received = bytearray(), 0
        async for piece in request.stream():
            received += len(piece)
            if received <= self._body_limit:
                body += piece
            elif received > _HEARD_OUT * self._body_limit:
                break
        if received > self._body_limit:
            raise _too_large(self._body_limit)
        return bytes(body)

    @staticmethod
    def _measure(request: Request, limit: int) -> int:
        told = request.headers.get("content-length", "0")
        size = int(told) if told.isdigit() and told.isascii() else 0
        if size > limit:
            raise _too_large(limit)
        return size

    async def _artifact(self, request: Request, path: str) -> Response:
        if path == "artifacts" and request.method == "GET":
            address = request.query_params.get("path", "")
            return _json({"files": await _in_thread(functools.partial(artifacts.list_place, self._charge, address))})
        service, _, address = path.partition("/")
        if service == "artifacts" and request.method == "PUT":
            return await self._receive(request, await _in_thread(functools.partial(artifacts.place, self._charge, address)))
        if service == "artifacts" and request.method == "GET":
            return await self._send(await _in_thread(functools.partial(artifacts.place, self._charge, address)))
        if service in {"mpu", "presigned"}:
            raise Refused(501, "NOT_IMPLEMENTED", _NO_PARTS)
        if service == "artifacts" and request.method == "DELETE":
            raise Refused(403, "PERMISSION_DENIED", "the tracking gateway of a run deletes no artifacts", note="delete artifacts")
        raise _unknown(request.method, f"mlflow-artifacts/{path}")

    async def _receive(self, request: Request, where: artifacts.Place) -> Response:
        name = where.path.rpartition("/")[2]
        if not name:
            raise Refused(400, "INVALID_PARAMETER_VALUE", "not a path of an artifact")
        size = self._measure(request, self._artifact_limit)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if size > shutil.disk_usage(self._folder).free:
            raise Refused(507, "INVALID_PARAMETER_VALUE", "the disk has no room for this file", note="store a file for which the disk has no room")
        folder = Path(tempfile.mkdtemp(prefix="up-", dir=self._folder))
        try:
            received = 0
            with (folder / name).open("wb") as file:
                async for piece in request.stream():
                    received += len(piece)
                    if received > self._artifact_limit:
                        raise _too_large(self._artifact_limit)
                    await _in_thread(functools.partial(file.write, piece))
            await _in_thread(functools.partial(artifacts.store, self._charge, where, folder / name))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return _json({})

    async def _send(self, where: artifacts.Place) -> Response:
        from starlette.background import BackgroundTask
        from starlette.responses import FileResponse

        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file, copied = await _in_thread(functools.partial(artifacts.fetch, self._charge, where, self._folder))
        top = self._folder / file.relative_to(self._folder).parts[0] if copied else None
        done = BackgroundTask(shutil.rmtree, top, ignore_errors=True) if top is not None else None
        return FileResponse(file, media_type="application/octet-stream", filename=where.path.rpartition("/")[2], background=done)


def _host(header: str) -> str:
    """Return the name in a `Host` header, without the port."""
    name = header.strip().lower()
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]


async def _in_thread(work: Callable[[], T]) -> T:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(work)


def _json(told: bytes | dict[str, Any]) -> Response:
    from starlette.responses import Response

    return Response(told if isinstance(told, bytes) else json.dumps(told), media_type="application/json")


def _unknown(method: str, path: str) -> Refused:
    what = f"answer {method} {path[:100]}"
    refused = not_found(f"the tracking gateway of a run does not {what}", note=what)
    refused.code = "ENDPOINT_NOT_FOUND"
    return refused


def _too_large(limit: int) -> Refused:
    return Refused(413, "INVALID_PARAMETER_VALUE", f"the request is larger than {limit} bytes", note=f"take in more than {limit} bytes at once")
