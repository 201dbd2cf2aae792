import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from nbproj.errors import StoreError, StoreUnreachableError
from nbproj.processes import ProcessIdentity, boot_id, host_name, start_time
from nbproj.tracking.heartbeats import heartbeat, is_lost
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.owner import OWNER_TAG, TOKEN_VARIABLE, Owner
from nbproj.tracking.settlement import JOB_TAG, is_finished, settle, sweep
from nbproj.tracking.store import RunRecord

AWAY = "the store is away"


@pytest.fixture
def ledger(tmp_path):
    return Ledger.open({"NBPROJ_STATE_DIR": str(tmp_path / "state")})


@pytest.fixture
def dead():
    """The identity of a process that has ended, whose number may well be used again."""
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    identity = ProcessIdentity.of(process.pid)
    process.communicate(timeout=20)
    return identity


def left_behind(ledger, store, owner, **known):
    """Make an entry and its run as a driver does, and leave them."""
    entry = ledger.enter(owner)
    run = store.create_run("0", name=None, tags={OWNER_TAG: owner.to_tag()})
    entry.update(run_id=run.run_id, **known)
    return entry, run


class Group:
    """A process group of its own: a leader, and a child that outlives it."""

    def __init__(self, token: str) -> None:
        code = "import subprocess, sys; null = subprocess.DEVNULL\n"
        code += "print(subprocess.Popen(['sleep', '60'], stdin=null, stdout=null).pid, flush=True); sys.stdin.read()"
        self.leader = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, TOKEN_VARIABLE: token},
        )
        self.child = int(self.leader.stdout.readline())
        self.number, self.started = self.leader.pid, start_time(self.leader.pid)

    def end_leader(self) -> None:
        self.leader.communicate(timeout=20)

    def lives(self) -> bool:
        return start_time(self.child) is not None

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.number, signal.SIGKILL)
        self.leader.communicate(timeout=20)


def refuse_to_end(group: int) -> None:
    raise AssertionError(group)


def test_a_run_whose_driver_died_is_killed_with_a_reason_and_its_output(ledger, store, uri, dead):
    entry, run = left_behind(ledger, store, Owner(dead, uri))
    (entry.folder / "output.log").write_text("the last words")
    notes = []
    (settled,) = settle(ledger, progress=notes.append)
    assert (settled.run_id, settled.changed) == (run.run_id, True)
    found = store.get_run(run.run_id)
    assert (found.status, found.tags["nbproj.exit_code"]) == ("KILLED", "137")
    assert "died" in found.tags["nbproj.reason"]
    assert is_finished(found)
    assert store.list_artifacts(run.run_id) == [("run/output.log", 14)]
    assert not entry.folder.exists()
    assert run.run_id in notes[0].text


def test_a_run_whose_driver_lives_is_left_alone(ledger, store, uri):
    _, run = left_behind(ledger, store, Owner(ProcessIdentity.of(), uri))
    assert settle(ledger) == []
    assert store.get_run(run.run_id).status == "RUNNING"
    assert len(list(ledger)) == 1


def test_a_driver_whose_number_was_used_again_is_dead(ledger, store, uri):
    reused = replace(ProcessIdentity.of(), started=1.0)
    _, run = left_behind(ledger, store, Owner(reused, uri))
    settle(ledger)
    assert store.get_run(run.run_id).status == "KILLED"


def test_a_driver_of_an_earlier_boot_is_dead_and_nothing_is_signalled(ledger, store, uri):
    with Group("other") as group:
        owner = Owner(replace(ProcessIdentity.of(), boot="an earlier one"), uri)
        _, run = left_behind(ledger, store, owner, group=group.number)
        settle(ledger, end_group=refuse_to_end)
        assert group.lives()
    assert store.get_run(run.run_id).status == "KILLED"


def test_an_entry_of_another_host_is_left_alone(ledger, store, uri, dead):
    _, run = left_behind(ledger, store, Owner(replace(dead, host="elsewhere"), uri))
    assert settle(ledger) == []
    assert store.get_run(run.run_id).status == "RUNNING"


def test_the_group_of_a_dead_driver_is_ended(ledger, store, uri, dead):
    owner = Owner(dead, uri)
    with Group(owner.token) as group:
        left_behind(ledger, store, owner, group=group.number)
        settle(ledger)
        assert not group.lives()


def test_a_group_whose_leader_is_gone_is_ended_when_its_members_carry_the_token(ledger, store, uri, dead):
    owner = Owner(dead, uri)
    with Group(owner.token) as group:
        left_behind(ledger, store, owner, group=group.number)
        group.end_leader()
        assert group.lives()
        settle(ledger)
        assert not group.lives()


def test_a_strangers_group_of_the_same_number_is_never_signalled(ledger, store, uri, dead):
    with Group("somebody else's") as group:
        entry, run = left_behind(ledger, store, Owner(dead, uri), group=group.number)
        group.end_leader()
        settle(ledger, end_group=refuse_to_end)
        assert group.lives()
    assert store.get_run(run.run_id).status == "KILLED"
    assert not entry.folder.exists()


def test_a_leader_whose_number_was_used_again_is_never_signalled(ledger, store, uri, dead):
    with Group("somebody else's") as group:
        entry, _ = left_behind(ledger, store, Owner(dead, uri), group=group.number)
        text = (entry.folder / "owner.json").read_text()
        (entry.folder / "owner.json").write_text(text.replace(str(group.started), "1.0"))
        settle(ledger, end_group=refuse_to_end)
        assert group.lives()


def test_a_driver_that_died_before_it_knew_its_run_is_found_by_its_token(ledger, store, uri, dead):
    owner = Owner(dead, uri)
    ledger.enter(owner)
    run = store.create_run(store.experiment(name="somewhere"), name=None, tags={OWNER_TAG: owner.to_tag()})
    other = store.create_run("0", name=None, tags={OWNER_TAG: Owner(dead, uri).to_tag()})
    settle(ledger)
    assert store.get_run(run.run_id).status == "KILLED"
    assert store.get_run(other.run_id).status == "RUNNING"


def test_a_driver_that_died_before_its_run_was_created_leaves_nothing(ledger, store, uri, dead):
    ledger.enter(Owner(dead, uri))
    (settled,) = settle(ledger)
    assert (settled.run_id, settled.changed) == (None, False)
    assert list(ledger) == []


def test_a_run_that_had_ended_keeps_its_status(ledger, store, uri, dead):
    _, run = left_behind(ledger, store, Owner(dead, uri))
    store.set_tags(run.run_id, {"nbproj.exit_code": "3"})
    store.set_status(run.run_id, "FAILED")
    (settled,) = settle(ledger)
    found = store.get_run(run.run_id)
    assert (settled.changed, found.status, found.tags["nbproj.exit_code"]) == (False, "FAILED", "3")


def test_a_run_that_user_code_ended_but_whose_driver_died_is_killed(ledger, store, uri, dead):
    _, run = left_behind(ledger, store, Owner(dead, uri))
    store.set_status(run.run_id, "FINISHED")
    settle(ledger)
    assert store.get_run(run.run_id).status == "KILLED"


def test_a_run_whose_store_was_removed_is_forgotten_and_the_store_not_made_again(ledger, store, uri, dead, tmp_path):
    left_behind(ledger, store, Owner(dead, uri))
    (tmp_path / "mlflow.db").unlink()
    settle(ledger)
    assert list(ledger) == []
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.parametrize("kind", [StoreUnreachableError, StoreError])
def test_a_store_that_refuses_keeps_the_entry_for_the_next_time_and_is_asked_once(ledger, store, uri, dead, kind):
    runs = [left_behind(ledger, store, Owner(dead, uri))[1] for _ in range(3)]
    notes, asked = [], []

    def away(address):
        asked.append(address)
        raise kind(AWAY)

    assert settle(ledger, open_store=away, progress=notes.append) == []
    assert len(list(ledger)) == 3
    assert (len(notes), len(asked)) == (1, 1)
    assert "the store is away" in notes[0].text
    assert len(settle(ledger)) == 3
    assert {store.get_run(run.run_id).status for run in runs} == {"KILLED"}


def test_an_entry_whose_store_stays_away_for_a_week_is_given_up(ledger, store, uri, dead):
    entry, _ = left_behind(ledger, store, Owner(dead, uri))
    os.utime(entry.folder / "owner.json", (time.time() - 8 * 24 * 3600,) * 2)

    def away(_address):
        raise StoreUnreachableError(AWAY)

    settle(ledger, open_store=away)
    assert list(ledger) == []


def test_settlers_at_once_settle_each_run_once(ledger, store, uri, dead):
    for _ in range(6):
        left_behind(ledger, store, Owner(dead, uri))
    with ThreadPoolExecutor(4) as pool:
        settled = [one for found in pool.map(lambda _: settle(ledger, open_store=open_store), range(4)) for one in found]
    assert len({one.run_id for one in settled}) == len(settled) == 6
    assert {run.status for run in store.search_runs()} == {"KILLED"}


def test_a_second_pass_finds_nothing_to_do(ledger, store, uri, dead):
    left_behind(ledger, store, Owner(dead, uri))
    assert len(settle(ledger)) == 1
    assert settle(ledger) == []


def test_a_sweep_finds_runs_that_no_ledger_knows_and_leaves_everybody_elses(store, uri, dead):
    def running(**tags):
        return store.create_run("0", name=None, tags=tags).run_id

    lost = running(**{OWNER_TAG: Owner(dead, uri).to_tag()})
    spared = Owner(dead, uri)
    others = [
        running(),
        running(**{OWNER_TAG: Owner(ProcessIdentity.of(), uri).to_tag()}),
        running(**{OWNER_TAG: Owner(replace(dead, host="elsewhere"), uri).to_tag()}),
        running(**{OWNER_TAG: spared.to_tag()}),
        running(**{OWNER_TAG: '{"token": "nonsense"}'}),
    ]
    assert [one.run_id for one in sweep(store, spare=[spared.token])] == [lost]
    assert store.get_run(lost).status == "KILLED"
    assert {store.get_run(run_id).status for run_id in others} == {"RUNNING"}


def test_a_heartbeat_keeps_a_run_of_another_host_from_being_lost(store, uri, dead):
    run = store.create_run("0", name=None, tags={OWNER_TAG: Owner(replace(dead, host="elsewhere"), uri).to_tag()})
    assert not is_lost(run)
    assert is_lost(run, now=time.time() + 3600)
    before = time.time()
    heartbeat(store, run.run_id)
    beaten = store.get_run(run.run_id)
    assert int(beaten.tags["nbproj.heartbeat"]) / 1000 >= before - 0.01
    assert not is_lost(beaten)


@pytest.mark.parametrize(("status", "tags"), [("FINISHED", {"nbproj.exit_code": "0"}), ("RUNNING", {OWNER_TAG: "{"})])
def test_a_run_that_is_over_or_not_ours_is_not_lost(status, tags):
    assert not is_lost(RunRecord("1", "0", status, start_time=0, tags=tags))


def test_a_run_of_this_host_is_lost_as_soon_as_its_process_is_gone(dead):
    assert (dead.host, dead.boot) == (host_name(), boot_id())
    assert is_lost(RunRecord("1", "0", "RUNNING", start_time=0, tags={OWNER_TAG: Owner(dead, "x").to_tag()}))
    assert not is_lost(RunRecord("1", "0", "RUNNING", start_time=0, tags={OWNER_TAG: Owner(ProcessIdentity.of(), "x").to_tag()}))


def test_a_run_whose_job_goes_on_waits_for_who_can_take_it_up(ledger, store, uri, dead):
    entry, run = left_behind(ledger, store, Owner(dead, uri), job="a Job")
    notes = []

    assert settle(ledger) == []
    assert settle(ledger, rejoin=lambda _entry: False, progress=notes.append) == []

    assert store.get_run(run.run_id).status == "RUNNING"
    assert "the next command tries again" in notes[0].text
    assert ledger.find(entry.owner.token) is not None


def test_a_run_whose_job_goes_on_is_taken_up_unless_the_caller_does_that_itself(ledger, store, uri, dead):
    _entry, run = left_behind(ledger, store, Owner(dead, uri), job="a Job")
    asked = []

    settle(ledger, rejoin=asked.append, spare=run.run_id)
    assert asked == []
    settle(ledger, rejoin=lambda found: bool(asked.append(found.owner.job)) or True)

    assert asked == ["a Job"]
    assert store.get_run(run.run_id).status == "RUNNING"


def test_a_run_whose_job_nobody_could_take_up_for_a_week_is_killed(ledger, store, uri, dead):
    entry, run = left_behind(ledger, store, Owner(dead, uri), job="a Job")
    os.utime(entry.folder / "owner.json", (0, 0))

    settle(ledger, rejoin=lambda _entry: False)

    assert store.get_run(run.run_id).status == "KILLED"
    assert ledger.find(entry.owner.token) is None


def test_a_sweep_leaves_for_a_week_what_a_job_carries(store, dead, uri):
    owner = Owner(dead, uri)
    tags = {OWNER_TAG: owner.to_tag(), JOB_TAG: "a Job"}
    young = store.create_run("0", name=None, tags=tags)
    record = store.get_run(young.run_id)
    assert is_lost(record)

    assert sweep(store) == []

    assert store.get_run(young.run_id).status == "RUNNING"


def test_of_two_entries_of_a_run_the_living_drivers_counts(ledger, uri, dead):
    owners = [Owner(process, uri, token=token) for process, token in ((dead, "a"), (ProcessIdentity.of(), "b"), (dead, "c"))]
    for owner in owners:
        ledger.enter(owner).update(run_id="r1")
    assert ledger.of_run("r1").owner.token == "b"
    assert ledger.of_run("r2") is None
