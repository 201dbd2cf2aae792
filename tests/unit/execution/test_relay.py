"""A socket that leads elsewhere, as the engine of a container or the ports of a kernel are reached."""

import socket
import threading

import pytest

from nbproj.execution.relay import Relay


@pytest.fixture
def elsewhere():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server


def reached(path):
    near = socket.socket(socket.AF_UNIX)
    near.settimeout(20)
    near.connect(str(path))
    return near


def test_what_is_said_arrives_both_ways_and_closing_ends_it(tmp_path, elsewhere):
    way = Relay(tmp_path / "s", lambda: socket.create_connection(elsewhere.getsockname()))
    way.open()
    with reached(tmp_path / "s") as near, elsewhere.accept()[0] as far:
        far.settimeout(20)
        near.sendall(b"question")
        assert far.recv(100) == b"question"
        far.sendall(b"answer")
        assert near.recv(100) == b"answer"
        way.close()
        assert (near.recv(100), far.recv(100)) == (b"", b"")


def test_a_connection_that_is_being_made_when_it_is_closed_ends_too(tmp_path, elsewhere):
    asked, may_go_on = threading.Event(), threading.Event()

    def connect():
        asked.set()
        assert may_go_on.wait(20)
        return socket.create_connection(elsewhere.getsockname())

    way = Relay(tmp_path / "s", connect)
    way.open()
    with reached(tmp_path / "s") as near:
        assert asked.wait(20)
        way.close()
        may_go_on.set()
        assert near.recv(100) == b""
