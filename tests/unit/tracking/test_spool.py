import os
import stat
import threading
import time

import pytest

from nbproj.errors import StoreError, StoreUnreachableError
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.spool import Closing, Spool

AWAY = "the store is away"


@pytest.fixture
def spool(tmp_path):
    return Spool.open({"NBPROJ_STATE_DIR": str(tmp_path / "state")})


def closing(uri, run_id, status="FAILED", end_time=5):
    return Closing(uri, run_id, status, end_time, {"nbproj.exit_code": "3"})


def test_a_kept_status_reaches_its_store_with_its_time_and_tags(spool, store, run, uri):
    path = spool.put(closing(uri, run.run_id))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(spool.replay()) == 1
    found = store.get_run(run.run_id)
    assert (found.status, found.end_time, found.tags["nbproj.exit_code"]) == ("FAILED", 5, "3")
    assert spool.waiting() == []


def test_statuses_are_told_in_the_order_in_which_they_came(spool, store, run, uri):
    for status in ("RUNNING", "KILLED", "FINISHED"):
        spool.put(closing(uri, run.run_id, status))
    assert [one.status for one in spool.replay()] == ["RUNNING", "KILLED", "FINISHED"]
    assert store.get_run(run.run_id).status == "FINISHED"


@pytest.mark.parametrize("kind", [StoreUnreachableError, StoreError])
def test_what_a_store_does_not_take_waits_and_the_store_is_asked_once(spool, run, uri, kind):
    for _ in range(3):
        spool.put(closing(uri, run.run_id))
    notes, asked = [], []

    def away(address):
        asked.append(address)
        raise kind(AWAY)

    assert spool.replay(open_store=away, progress=notes.append) == []
    assert (len(spool.waiting()), len(asked), len(notes)) == (3, 1, 1)
    assert len(spool.replay()) == 3


def test_a_store_that_is_away_does_not_hold_up_another(spool, store, run, uri):
    spool.put(closing("https://eva:secret@away", "1"))
    spool.put(closing(uri, run.run_id))

    def some(address):
        if address.startswith("https"):
            raise StoreUnreachableError(AWAY)
        return open_store(address)

    assert [one.run_id for one in spool.replay(open_store=some)] == [run.run_id]
    assert len(spool.waiting()) == 1


def test_the_status_of_a_run_that_is_gone_is_dropped_with_a_note(spool, store, uri):
    spool.put(closing(uri, "0" * 32))
    notes = []
    assert spool.replay(progress=notes.append) == []
    assert spool.waiting() == []
    assert "is gone" in notes[0].text


def test_the_status_for_a_store_that_was_removed_is_dropped(spool, tmp_path):
    spool.put(closing(f"sqlite:///{tmp_path}/removed.db", "0" * 32))
    spool.replay()
    assert spool.waiting() == []
    assert not (tmp_path / "removed.db").exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"store": 1, "run_id": "r", "status": "FAILED", "end_time": 1, "tags": {}}', '{"status": "NONSENSE"}']
)
def test_a_file_that_cannot_be_read_is_passed_over_and_removed_when_it_is_old(spool, store, run, uri, text):
    bad = spool.put(closing(uri, run.run_id))
    bad.write_text(text)
    spool.put(closing(uri, run.run_id))
    assert len(spool.replay()) == 1
    assert spool.waiting() == [bad]
    os.utime(bad, (time.time() - 40 * 24 * 3600,) * 2)
    spool.replay()
    assert spool.waiting() == []


def test_the_address_is_not_printed_with_a_closing(uri):
    assert "secret" not in repr(closing("https://eva:secret@host", "1"))


def test_two_commands_do_not_tell_a_store_twice(spool, store, run, uri):
    spool.put(closing(uri, run.run_id))
    entered, go = threading.Event(), threading.Event()

    def slow(address):
        entered.set()
        go.wait(20)
        return open_store(address)

    told = []
    first = threading.Thread(target=lambda: told.append(spool.replay(open_store=slow)))
    first.start()
    assert entered.wait(20)
    told.append(spool.replay())
    go.set()
    first.join(20)
    assert sorted(map(len, told)) == [0, 1]
