import json
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from nbproj.processes import ProcessIdentity, start_time
from nbproj.tracking.ledger import Entry, Ledger
from nbproj.tracking.owner import OWNER_TAG, Owner, owner_of_tag


@pytest.fixture
def ledger(tmp_path):
    return Ledger.open({"NBPROJ_STATE_DIR": str(tmp_path / "state")})


def an_owner(**changes) -> Owner:
    return replace(Owner(ProcessIdentity.of(), "https://eva:secret@host/x"), **changes)


def test_an_entry_is_found_again_with_all_it_holds(ledger):
    entry = ledger.enter(an_owner())
    entry.update(run_id="r1", group=os.getpgid(0), container="c", job="j")
    (found,) = ledger
    assert found.owner == entry.owner
    assert (found.owner.run_id, found.owner.group, found.owner.container, found.owner.job) == ("r1", os.getpgid(0), "c", "j")
    assert found.owner.group_started == start_time(os.getpgid(0))


def test_a_closed_entry_is_gone_and_may_be_closed_again(ledger):
    with ledger.enter(an_owner()) as entry:
        assert entry.folder.is_dir()
    entry.close()
    assert list(ledger) == []
    assert list(ledger.folder.iterdir()) == []


def test_the_ledger_is_readable_by_its_user_only(ledger):
    entry = ledger.enter(an_owner())
    entry.update(run_id="r1")
    assert stat.S_IMODE(entry.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((entry.folder / "owner.json").stat().st_mode) == 0o600
    assert (entry.folder / "out").is_dir()


def test_the_tag_names_the_process_and_holds_no_address():
    owner = an_owner()
    assert "secret" not in owner.to_tag()
    assert set(json.loads(owner.to_tag())) == {"host", "boot", "pid", "started", "token"}
    assert owner_of_tag({OWNER_TAG: owner.to_tag()}) == (owner.process, owner.token)


def test_the_address_is_not_printed_with_the_owner():
    assert "secret" not in repr(an_owner())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"process": 1}', '{"process": {"host": "h", "boot": "b", "pid": "7", "started": 1}, "store": "s"}', "\x00"]
)
def test_a_corrupted_entry_is_said_and_left_and_the_others_are_found(ledger, text):
    notes = []
    ledger = Ledger(ledger.folder, notes.append)
    good, bad = ledger.enter(an_owner()), ledger.enter(an_owner())
    (bad.folder / "owner.json").write_text(text)
    assert [entry.owner.token for entry in ledger] == [good.owner.token]
    assert bad.folder.exists()
    assert len(notes) == 1
    assert bad.folder.name in notes[0].text


def test_a_corrupted_entry_is_removed_when_it_is_old(ledger):
    bad = ledger.enter(an_owner())
    (bad.folder / "owner.json").write_text("{")
    os.utime(bad.folder, (time.time() - 8 * 24 * 3600,) * 2)
    assert list(ledger) == []
    assert not bad.folder.exists()


def test_what_a_newer_nbproj_wrote_besides_is_ignored(ledger):
    entry = ledger.enter(an_owner())
    values = json.loads((entry.folder / "owner.json").read_text())
    (entry.folder / "owner.json").write_text(json.dumps({**values, "future": 1}))
    assert [found.owner for found in ledger] == [entry.owner]


def test_a_removal_that_was_killed_half_way_is_completed(ledger):
    entry = ledger.enter(an_owner())
    entry.folder.rename(entry.folder.with_name(f".gone-{entry.owner.token}"))
    assert list(ledger) == []
    assert list(ledger.folder.iterdir()) == []


def test_a_ledger_that_does_not_exist_is_empty(tmp_path):
    assert list(Ledger(tmp_path / "nowhere")) == []


def test_two_settlers_do_not_hold_one_entry(ledger):
    entry = ledger.enter(an_owner())
    with entry.exclusively() as first, Entry(entry.folder, entry.owner).exclusively() as second:
        assert (first, second) == (True, False)
    with entry.exclusively() as again:
        assert again


def test_nobody_holds_an_entry_that_is_gone(ledger):
    entry = ledger.enter(an_owner())
    entry.close()
    with entry.exclusively() as mine:
        assert not mine


def test_a_state_folder_that_cannot_be_written_gives_way_to_a_temporary_one_with_a_note(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    notes = []
    environ = {"NBPROJ_STATE_DIR": str(tmp_path / "file" / "below")}
    entry = Ledger.open(environ, progress=notes.append).enter(an_owner())
    assert "cannot be written" in notes[0].text
    assert [found.owner for found in Ledger.open(environ)] == [entry.owner]
    assert stat.S_IMODE(entry.folder.parent.stat().st_mode) == 0o700


def test_a_planted_folder_in_the_temporary_one_is_not_used(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"nbproj-{os.getuid()}-runs").symlink_to(tmp_path / "elsewhere")
    Ledger.open({"NBPROJ_STATE_DIR": str(tmp_path / "file" / "below")}).enter(an_owner())
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_looking_at_an_empty_ledger_costs_no_heavy_import_and_no_time(ledger):
    ledger.folder.mkdir(parents=True, exist_ok=True)
    code = (
        "import sys, time, pathlib\n"
        "from nbproj.tracking.ledger import Ledger\nfrom nbproj.tracking.settlement import settle\n"
        "ledger = Ledger(pathlib.Path(sys.argv[1])); settle(ledger)\n"
        "best = 1\n"
        "for _ in range(300):\n    start = time.perf_counter(); settle(ledger); best = min(best, time.perf_counter() - start)\n"
        "assert best < 0.001, best\n"
        "assert not {'mlflow', 'filelock', 'psutil', 'sqlalchemy', 'requests'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(ledger.folder)], check=True, timeout=60)
