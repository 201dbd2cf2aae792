"""What a pod has printed, as nodes hand it over: pieces that end anywhere, times of every zone, connections that are cut."""

from __future__ import annotations

import datetime as dt
import threading
from types import SimpleNamespace

import pytest

from nbproj.backends.kubernetes.cluster import ClusterAwayError
from nbproj.backends.kubernetes.output import PodOutput


class Node:
    """Answers each time it is asked with the next of its connections: pieces, and an error where one is cut."""

    def __init__(self, *connections, restarts=0):
        self.connections = list(connections)
        self.restarts = restarts
        self.previous: list[bool] = []
        self.asked: list[int | None] = []

    def log(self, _pod, _container, seconds, *, follow, previous, opened):
        assert follow != previous
        opened(None)
        self.asked.append(seconds)
        self.previous.append(previous)
        for piece in self.connections.pop(0):
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def look(self):
        running = bool(self.connections)
        status = SimpleNamespace(name="main", state=SimpleNamespace(running=running), restart_count=self.restarts)
        return SimpleNamespace(pods=[SimpleNamespace(metadata=SimpleNamespace(name="p"), status=SimpleNamespace(container_statuses=[status]))])


class Log:
    """Keeps what is written."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data


def stamp(second, fraction="", zone="Z"):
    return f"2026-01-02T03:04:{second:02}{fraction}{zone} ".encode()


CUT = ClusterAwayError("cut")


def copied(*connections):
    """Return what is in the log in the end, and the node."""
    node, log = Node(*connections), Log()
    assert PodOutput(node, "p", "main", threading.Event(), threading.Event()).copy(log) == ""
    return log.data, node


def test_lines_that_were_read_before_are_left_out_after_a_connection_was_cut():
    one, two, three = stamp(1) + b"one\n", stamp(2, ".5") + b"two\n", stamp(2, ".50001") + b"three\n"
    assert copied([one + two, CUT], [one + two, three])[0] == b"one\ntwo\nthree\n"


def test_a_line_that_was_cut_is_written_once_and_in_whole():
    assert copied([stamp(1) + b"whole\n" + stamp(2) + b"ha", CUT], [stamp(1) + b"whole\n" + stamp(2) + b"half\n"])[0] == b"whole\nhalf\n"
    # A connection that ends well in the middle of a line, as servers do that end.
    assert copied([stamp(1) + b"ha"], [stamp(1) + b"half"])[0] == b"half"


def test_lines_of_two_streams_whose_times_are_not_in_order_are_all_kept():
    out, err, last = stamp(1, ".000002") + b"out\n", stamp(1, ".000001") + b"err\n", stamp(3) + b"last\n"
    assert copied([out + err, CUT], [out, err + last])[0] == b"out\nerr\nlast\n"
    assert copied([out, CUT], [out, err + last])[0] == b"out\nerr\nlast\n"


def test_what_a_container_printed_before_it_was_started_again_is_read_once():
    first, second, third = stamp(1) + b"first\n", stamp(2) + b"second\n", stamp(3) + b"third\n"
    for known in ([], [first]):
        node, log = Node(known, [first + second], [third]), Log()
        output = PodOutput(node, "p", "main", threading.Event(), threading.Event())
        output._copied(log, follow=True)
        assert output.copy_before(log) == ""
        assert output.copy(log) == ""
        assert log.data == b"first\nsecond\nthird\n"


def test_a_container_that_was_started_again_before_it_was_heard_is_heard_from_the_first_start():
    """The node gives what the second start prints to whoever asks for the first too late."""
    first, second = stamp(1) + b"first\n", stamp(2) + b"second\n"
    node, log = Node([second], [first], [second], restarts=1), Log()
    assert PodOutput(node, "p", "main", threading.Event(), threading.Event()).copy(log, 0) == ""
    assert log.data == b"first\nsecond\n"
    assert node.previous == [False, True, False]


def test_a_node_that_has_forgotten_it_is_told_of_and_the_rest_is_read():
    node, log = Node([CUT], [stamp(3) + b"third\n"]), Log()
    output = PodOutput(node, "p", "main", threading.Event(), threading.Event())
    assert output.copy_before(log) == "what the container printed before it was started again is missing: cut"
    assert output.copy(log) == ""
    assert log.data == b"third\n"


def test_the_same_words_printed_twice_in_one_moment_are_two_lines():
    same = stamp(1, ".5") + b"x\n"
    assert copied([same + same])[0] == b"x\nx\n"


@pytest.mark.parametrize("zone", ["Z", "+02:00", "-08:00"])
def test_as_many_seconds_are_read_again_as_went_by_since_the_last_line_wherever_the_node_is(zone):
    hours = 0 if zone == "Z" else int(zone[:3])
    then = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=100)
    line = f"{then + dt.timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}.25{zone} tick\n".encode()
    data, node = copied([line, CUT], [line])
    assert data == b"tick\n"
    first, second = node.asked
    assert first is None
    assert 155 <= second <= 400, "and as many more as two clocks may differ by"


def test_the_hour_that_comes_twice_in_autumn_is_kept():
    first, second = b"2026-10-25T02:59:59+02:00 summer\n", b"2026-10-25T02:00:00+01:00 winter\n"
    assert copied([first, CUT], [first + second])[0] == b"summer\nwinter\n"


def test_a_line_without_an_end_in_sight_is_not_kept_in_memory_and_comes_in_whole():
    pieces = [stamp(1), *[b"a" * 50_000] * 40, b"\n", stamp(2) + b"next\n"]
    data, _node = copied(pieces)
    assert data == b"a" * 2_000_000 + b"\nnext\n"
    # Cut behind it, it is known again although it comes in other pieces.
    assert copied([*pieces, CUT], [b"".join(pieces)])[0] == data


def test_what_the_node_itself_says_is_no_output():
    words = b'unable to retrieve container logs for docker://0123"'
    fine = stamp(1) + b"fine\n"
    assert copied([words], [b"2026-13-45T99:00:00Z x\n"], [fine])[0] == b"fine\n"
