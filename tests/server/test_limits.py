"""Requests that are too much: refused with a line, and never held in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json

import psutil
import pytest

from nbproj.server.limits import BODY_BYTES

pytest_plugins = ("pytest_jupyter.jupyter_server",)

MEGABYTE = 1 << 20
BODIES = {
    "nothing": (b"", "no JSON"),
    "no JSON": (b"{", "no JSON"),
    "no text": (b'{"path": "\xff"}', "no JSON"),
    "half a character": (b'{"path": "\\ud800"}', "no JSON"),
    "a list": (b"[]", "must be a JSON object"),
    "deep": (b'{"parameters": ' + b"[" * 100_000, "more than 20 levels"),
    "deep and whole": (b'{"parameters": {"x": ' + b"[" * 30 + b"]" * 30 + b"}}", "more than 20 levels"),
    "NaN": (b'{"timeout": NaN}', "NaN is no number"),
    "unknown": (b'{"entrypoint": "main"}', "Did you mean 'entry_point'?"),
    "a store": (b'{"tracking_uri": "sqlite:///other.db"}', "has no key 'tracking_uri'"),
    "a path that is none": (b'{"path": 1}', "'path' must be a text"),
    "parameters that are none": (b'{"parameters": []}', "'parameters' must be an object"),
    "a time that is none": (b'{"timeout": true}', "'timeout' must be a number"),
    "tags that are none": (b'{"tags": {"a": 1}}', "tag 'a' must be a text"),
    "a long text": (json.dumps({"run_name": "x" * 5000}).encode(), "'run_name' is too long"),
}


async def test_a_body_that_is_no_order_is_refused_with_a_line(ask, root):
    told = {}
    for name, (body, expected) in BODIES.items():
        got = await ask("runs", "POST", body)
        if got.code != 400 or expected not in got.json["message"]:
            told[name] = (got.code, got.body)
    assert told == {}
    assert not (root / "mlflow.db").exists()


async def test_no_route_takes_a_body_that_is_too_long_too_deep_or_none(ask, root):
    told = {}
    for verb, route in (
        ("PUT", "store"),
        ("POST", "checks"),
        ("POST", "batches"),
        ("POST", "runs"),
        ("POST", "answers"),
        ("POST", f"runs/{'0' * 32}/stop"),
    ):
        for body, expected in ((b" " * (BODY_BYTES + 1), 413), (BODIES["deep"][0], 400), (b"[]", 400), (b'{"x\\u0000": 1}', 400)):
            got = await ask(route, verb, body)
            if got.code != expected or not got.json["message"]:
                told[f"{verb} {route} {body[:20]!r}"] = (got.code, got.body)
    assert told == {}
    assert not (root / "mlflow.db").exists()


async def test_numbers_out_of_bounds_are_refused_with_a_line(ask):
    told = {}
    for query in ("count=0", "count=1001", "count=-1", "start=x", "start=10001", "start=1e3", "descending=2", "sort=nothing", "sort=metrics."):
        got = await ask(f"runs?{query}")
        if got.code != 400 or not got.json["message"]:
            told[query] = (got.code, got.body)
    assert told == {}


@pytest.mark.parametrize("told", [True, False], ids=["its length told", "its length not told"])
async def test_a_body_of_a_hundred_megabytes_is_refused_and_not_held(told, ask, jp_http_port, jp_base_url, jp_auth_header):
    await ask("status")  # what a first request loads is loaded
    before = psutil.Process().memory_info().rss
    reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    length = f"Content-Length: {100 * MEGABYTE}" if told else "Transfer-Encoding: chunked"
    head = f"POST {jp_base_url}nbproj/api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {jp_auth_header['Authorization']}\r\n{length}\r\n\r\n"
    writer.write(head.encode())
    piece = b"x" * MEGABYTE if told else b"%x\r\n%s\r\n" % (MEGABYTE, b"x" * MEGABYTE)
    writer.write(piece + piece)
    status = await asyncio.wait_for(reader.readline(), 60)
    most = 0
    with contextlib.suppress(ConnectionError):  # the server does not listen to the rest
        for _ in range(98):
            writer.write(piece)
            await writer.drain()
            most = max(most, psutil.Process().memory_info().rss - before)
    writer.transport.abort()
    assert status == (b"HTTP/1.1 413 Request Entity Too Large\r\n" if told else b"HTTP/1.1 400 Bad Request\r\n")
    assert most < 30 * MEGABYTE
    assert (await ask("status")).code == 200


async def test_a_body_that_is_a_little_too_long_is_answered_with_413(ask):
    got = await ask("runs", "POST", b" " * (BODY_BYTES + 1))
    assert (got.code, got.json["message"]) == (413, "the body is longer than 1024 kB")
    assert (await ask("runs", "POST", b" " * BODY_BYTES)).code == 400
