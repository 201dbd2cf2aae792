"""The objects of Git projects that are kept: listed, borrowed by checkouts, removed."""

import fcntl
import json
import os
import subprocess
import time

import pytest

from nbproj.sources import gitstock
from nbproj.sources.gitstock import MARKER, cache_folder, collect_repositories, kept_repositories
from nbproj.sources.registry import fetch

MONTH = 30 * 86400


def age(kept, seconds=2 * MONTH):
    past = time.time() - seconds
    os.utime(kept.folder / MARKER, (past, past))


@pytest.fixture
def kept(daemon):
    with fetch(daemon):
        pass
    (found,) = kept_repositories()
    return found


def test_a_repository_is_listed_with_its_last_use(kept, daemon):
    assert kept.address == daemon
    assert time.time() - kept.used < 60
    age(kept)
    with fetch(daemon, "v1"):
        pass
    assert time.time() - kept_repositories()[0].used < 60


def test_what_no_run_wanted_for_long_is_removed_and_fetched_again(kept, daemon, repository):
    assert collect_repositories(MONTH) == ([], [])
    age(kept)
    gone, stay = collect_repositories(MONTH)
    assert ([one.address for one in gone], stay) == ([daemon], [])
    assert not kept.folder.exists()
    with fetch(daemon) as checkout:
        assert checkout.commit == repository.last
    assert len(kept_repositories()) == 1


def test_what_a_checkout_borrows_stays_and_goes_with_it(daemon):
    with fetch(daemon) as checkout:
        gone, stay = collect_repositories(0)
        assert (gone, [one.address for one in stay]) == ([], [daemon])
        subprocess.run(["git", "fsck", "--connectivity-only"], cwd=checkout.root, check=True, capture_output=True, timeout=60)
    assert [one.address for one in collect_repositories(0)[0]] == [daemon]


def test_checkouts_of_another_host_are_believed_for_a_month(daemon, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(gitstock, "host_name", lambda: "elsewhere")
        with fetch(daemon):
            pass
    (kept,) = kept_repositories()
    assert [one.folder for one in collect_repositories(0)[1]] == [kept.folder]
    (note,) = (kept.folder / "nbproj.borrowers").iterdir()
    past = time.time() - 2 * MONTH
    os.utime(note, (past, past))
    assert [one.folder for one in collect_repositories(0)[0]] == [kept.folder]


def test_notes_of_checkouts_that_are_gone_do_not_pile_up(kept, daemon):
    for _ in range(3):
        with fetch(daemon):
            assert len(list((kept.folder / "nbproj.borrowers").iterdir())) == 1


def test_what_another_process_is_fetching_into_stays(kept):
    age(kept)
    with kept.folder.with_name(f"{kept.folder.name}.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        gone, stay = collect_repositories(MONTH)
        assert (gone, [one.folder for one in stay]) == ([], [kept.folder])
    assert [one.folder for one in collect_repositories(MONTH)[0]] == [kept.folder]


def test_what_a_killed_process_left_is_removed(kept):
    (kept.folder / MARKER).unlink()
    assert kept_repositories() == []
    assert collect_repositories(MONTH) == ([], [])
    assert [path.name for path in cache_folder().iterdir()] == [f"{kept.folder.name}.lock"]


def test_the_command_line_lists_and_removes_them(kept, daemon, cli):
    (listed,) = json.loads(cli("cache", "list", "--json").out)
    size = sum(path.stat().st_size for path in kept.folder.rglob("*") if path.is_file())
    assert (listed["kind"], listed["address"], listed["size"]) == ("git", daemon, size)
    assert f"git   {daemon}" in cli("cache", "list").out
    assert "1 Git repository, " in cli("cache", "list").out
    assert cli("cache", "gc").out == "nothing removed\n"
    gone = cli("cache", "gc", "--older-than", "0").out
    assert daemon in gone
    assert gone.rstrip().endswith(" removed")
    assert cli("cache", "list").out == "nothing is kept\n"
