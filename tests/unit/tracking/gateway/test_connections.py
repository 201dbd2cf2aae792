"""Clients that hold a connection without need: others are answered all the same, and the gateway ends when its run does."""

import socket
import time

import pytest

from nbproj.tracking.gateway.connections import most_connections


def closed(connection, seconds=25):
    """Return whether the other side ends a connection in time, whatever it still says."""
    connection.settimeout(seconds)
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def until_it_has(sender, count):
    """Wait until the gateway has so many connections: it learns of a new one, and of one that has gone, a moment after its client."""
    deadline = time.monotonic() + 30
    while len(sender.gateway._server.server_state.connections) != count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_more_connections_than_are_allowed_are_closed_and_the_first_ones_still_answered(start, run):
    sender = start(most=5)
    held = [socket.create_connection(sender.address, timeout=30) for _ in range(5)]
    until_it_has(sender, 5)
    further = [socket.create_connection(sender.address, timeout=30) for _ in range(20)]
    assert all(closed(connection) for connection in further)
    until_it_has(sender, 5)
    held.pop().close()
    until_it_has(sender, 4)
    assert sender.get("runs/get", run_id=run.run_id).status == 200
    for connection in (*held, *further):
        connection.close()
    assert sender.end() == ["the tracking gateway was asked to keep more than 5 connections at once: refused (20 times)"]


@pytest.mark.parametrize("sent", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\nX: "])
def test_a_request_that_does_not_come_is_not_waited_for(start, run, sent):
    sender = start(head_seconds=3)  # of a good request the head comes within that, on a busy machine too
    with socket.create_connection(sender.address, timeout=30) as slow:
        slow.sendall(sent)
        assert sender.get("runs/get", run_id=run.run_id).status == 200
        assert closed(slow)
    assert sender.end() == ["the tracking gateway was asked to wait for a request that did not come: refused"]


def test_a_head_that_trickles_in_has_no_more_time_than_one_that_stops(start):
    sender = start(head_seconds=0.5)
    ended = False
    with socket.create_connection(sender.address, timeout=30) as slow:
        for _ in range(400):
            time.sleep(0.05)
            try:
                slow.sendall(b"G")
            except ConnectionError:
                ended = True
                break
    assert ended
    assert len(sender.end()) == 1


def test_a_second_request_on_the_same_connection_that_does_not_end_is_not_waited_for(start):
    sender = start(head_seconds=3)
    host, port = sender.address
    request = f"GET /health HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {sender.gateway.token}\r\n\r\n".encode()
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(request)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.sendall(request[:20])
        assert closed(connection)
    assert len(sender.end()) == 1


def test_a_slow_body_of_somebody_with_the_token_gets_its_time(start, store, run):
    sender = start(head_seconds=2)
    host, port = sender.address
    body = f'{{"run_id": "{run.run_id}", "key": "slow", "value": "yes"}}'.encode()
    head = f"POST /api/2.0/mlflow/runs/set-tag HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {sender.gateway.token}\r\n"
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        for start_at in range(0, len(body), 10):
            time.sleep(0.3)
            connection.sendall(body[start_at : start_at + 10])
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert store.get_run(run.run_id).tags["slow"] == "yes"


def test_a_client_that_goes_on_sending_does_not_keep_a_gateway_from_ending(sender):
    host, port = sender.address
    head = f"POST /api/2.0/mlflow/runs/set-tag HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {sender.gateway.token}\r\n"
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        time.sleep(0.2)
        sender.end()
        assert closed(connection)
        assert sender.gateway._thread is None
        with pytest.raises(ConnectionError):
            socket.create_connection((host, port), timeout=5)


def test_a_gateway_leaves_most_of_the_open_files_to_the_run():
    resource = pytest.importorskip("resource", reason="platform: no limits here")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        assert most_connections() == 64
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
