"""What the driver of a batch knows while it goes on."""

from __future__ import annotations

import pytest

from nbproj.batches.tally import Tally
from nbproj.errors import StoreError
from nbproj.progress import Event


def test_counts_follow_the_runs_and_what_has_ended_is_told_once():
    tally = Tally(5, 1, None)
    first = tally.begin(0, "n=1")
    first(Event("created", data={"run_id": "a" * 32}))
    first(Event("cell", "cell 2 of 3", done=1, total=3))
    first(Event("output", "noise"))
    tally.begin(1, "n=2")
    event = tally.event(2)
    assert event.data["counts"] == {"points": 5, "finished": 1, "failed": 0, "killed": 0, "running": 2, "waiting": 2}
    assert [one["step"] for one in event.data["running"]] == ["cell 2 of 3", ""]
    assert event.data["running"][0]["cells"] == (1, 3)
    tally.end(0, "FINISHED", "", last=True)
    tally.end(1, "FAILED", "exit code 3", last=True)
    event = tally.event(2)
    assert (event.done, event.total) == (3, 5)
    assert [one["status"] for one in event.data["ended"]] == ["FINISHED", "FAILED"]
    assert event.text == "2 of 5 finished, 1 failed"  # less than a second is left
    assert tally.event(2).data["ended"] == []


def test_a_failed_attempt_counts_only_when_it_was_the_last():
    tally = Tally(1, 0, 1)
    tally.begin(0, "n=1")
    tally.end(0, "FAILED", "exit code 1", last=False)
    assert (tally.failed, tally.stopping) == (0, False)
    tally.begin(0, "n=1")
    tally.end(0, "FAILED", "exit code 1", last=True)
    assert (tally.failed, tally.stopping, tally.open) == (1, True, 0)


@pytest.mark.parametrize(("most", "failures", "stops"), [(None, 9, False), (1, 1, True), (3, 2, False), (3, 3, True)])
def test_nothing_starts_any_more_after_so_many_failures(most, failures, stops):
    tally = Tally(20, 0, most)
    for _ in range(failures):
        tally.begin(0, "")
        tally.end(0, "FAILED", "", last=True)
    assert tally.stopping is stops
    assert ("nothing more starts" in tally.event(1).text) is stops


def test_what_is_remarked_about_many_runs_is_told_once():
    tally = Tally(2, 0, None)
    for worker in range(2):
        tally.begin(worker, "")(Event("note", "the disk is slow"))
    assert tally.has_notes
    assert (tally.next_note(), tally.next_note()) == ("the disk is slow", None)
    assert not tally.has_notes


def test_the_first_error_that_ends_a_batch_is_the_one_that_is_told():
    tally = Tally(2, 0, None)
    tally.fail(StoreError("first"))
    tally.fail(StoreError("second"))
    assert str(tally.fatal) == "first"
    assert tally.stopping
    assert tally.wait(0)
    assert not tally.wait(0)
    tally.poke()
    assert tally.wait(0)
