"""Values of `path` parameters on the web: fetched once, whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import subprocess
import threading

import pytest
from remote_servers import Page, kept, md5

BODY = bytes(range(256)) * 5000


@pytest.mark.parametrize("headers", [{"ETag": '"one"'}, {"ETag": 'W/"one"'}, {"Last-Modified": "Sat, 21 Nov 2026 20:00:00 GMT"}])
def test_a_file_that_has_not_changed_is_sent_once(host, bring, headers):
    host.pages["/a/data set.csv"] = host.pages["/a/data%20set.csv"] = Page(BODY, headers)
    first = bring(host.url("/a/data%20set.csv"))
    assert (first.name, first.read_bytes()) == ("data set.csv", BODY)
    assert bring.last().startswith("downloaded http://127.0.0.1")
    assert bring(host.url("/a/data%20set.csv")) == first
    assert bring.last().endswith("is here already, and has not changed")
    assert (sum(host.sent.values()), len(host.asked)) == (1, 2)


def test_another_version_is_another_file_and_the_old_one_stays_for_who_uses_it(host, bring):
    host.pages["/x"] = Page(b"one", {"ETag": '"1"'})
    first = bring(host.url("/x"))
    host.pages["/x"] = Page(b"two", {"ETag": '"2"'})
    second = bring(host.url("/x"))
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")


def test_a_server_without_conditions_is_believed_by_its_etag(host, bring):
    host.pages["/x"] = Page(BODY, {"ETag": '"1"'}, conditions=False)
    assert bring(host.url("/x")) == bring(host.url("/x"))
    assert bring.last().endswith("has not changed")


def test_a_server_that_tells_no_version_is_asked_each_time_and_the_content_is_kept_once(host, bring, storage):
    host.pages["/x"] = Page(BODY)
    assert bring(host.url("/x")) == bring(host.url("/x"))
    assert host.sent["/x"] == 2
    assert kept(storage) == ["x"]


def test_progress_tells_bytes(host, bring):
    host.pages["/x"] = Page(BODY)
    bring(host.url("/x"))
    last = [event for event in bring.events if event.done][-1]
    assert (last.step, last.done, last.total) == ("fetching", len(BODY), len(BODY))


@pytest.mark.parametrize("wrong", [{"cut": 100}, {"cut": 100, "chunked": True}, {"longer": 10}, {"status": 503}, {"status": 429}])
def test_what_breaks_off_is_tried_again(host, bring, wrong):
    host.pages["/x"] = Page(BODY, failures=1, **wrong)
    assert bring(host.url("/x")).read_bytes() == BODY
    assert "waiting" in bring.steps()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"cut": 100}, "broke off after 100 of 1280000 bytes; try again"),
        ({"cut": 100, "chunked": True}, "broke off: IncompleteRead"),
        ({"longer": 10}, "broke off after 1280000 of 1280010 bytes"),
        ({"status": 503}, "the server said 503"),
        ({"status": 404}, "the server said 404 Not Found; check the address"),
        ({"status": 401}, "the server said 401 Unauthorized; put user:password@ into the address"),
    ],
)
def test_what_cannot_be_had_is_one_line_and_nothing_is_left(host, refused, storage, wrong, reason):
    host.pages["/x"] = Page(BODY, **wrong)
    told = refused(host.url("/x?token=hush1", login="eva:hush2@"))
    assert reason in told
    assert "hush" not in told
    assert kept(storage) == []
    assert len(host.asked) == (1 if wrong.get("status") in {401, 404} else 3)


@pytest.mark.parametrize("header", ["Content-MD5", "Digest", "Repr-Digest", "Content-Digest", "x-goog-hash"])
@pytest.mark.parametrize("right", [True, False])
def test_a_checksum_that_the_server_tells_is_compared(host, bring, refused, storage, header, right):
    body = BODY if right else BODY[:-1] + b"?"
    sha, md = base64.b64encode(hashlib.sha256(body).digest()).decode(), base64.b64encode(md5(body).digest()).decode()
    told = {
        "Content-MD5": md,
        "Digest": f"sha-256={sha}",
        "Repr-Digest": f"sha-256=:{sha}:",
        "Content-Digest": f"sha-512=:not base64:, sha-256=:{sha}:",
        "x-goog-hash": f"crc32c=AAAAAA==,md5={md}",
    }
    host.pages["/x"] = Page(BODY, {header: told[header]})
    if right:
        assert bring(host.url("/x")).read_bytes() == BODY
    else:
        assert "arrived damaged: its " in refused(host.url("/x"))
        assert kept(storage) == []


def test_a_redirect_is_followed_without_the_credentials(host, other_host, bring):
    host.pages["/x.csv"] = Page(status=302, headers={"Location": other_host.url("/elsewhere")})
    other_host.pages["/elsewhere"] = Page(BODY)
    found = bring(host.url("/x.csv", login="eva:hush@"))
    assert (found.name, found.read_bytes()) == ("x.csv", BODY)
    assert "Authorization" in host.asked[0][1]
    assert "Authorization" not in other_host.asked[0][1]


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/passwd", "/x"])
def test_a_redirect_off_the_web_or_in_a_circle_is_refused(host, refused, target):
    host.pages["/x"] = Page(status=302, headers={"Location": target})
    assert "redirect" in refused(host.url("/x"))


def test_no_server_is_one_line(host, refused):
    port = host.server_port
    host.server_close()
    assert f"http://127.0.0.1:{port}/x could not be downloaded: " in refused(f"http://127.0.0.1:{port}/x")


def truncate(path):
    path.chmod(0o644)
    os.truncate(path, 10)


def overwrite(path):
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(path, ns=(0, 0))


def replace_marker(path):
    (path.parents[1] / "entry.json").write_text("{")


def add(path):
    path.with_name("z").touch()


@pytest.mark.parametrize("damage", [truncate, overwrite, os.unlink, add, replace_marker])
def test_a_damaged_copy_heals(host, bring, damage):
    host.pages["/x"] = Page(BODY, {"ETag": '"1"'})
    path = bring(host.url("/x"))
    damage(path)
    again = bring(host.url("/x"))
    assert again.read_bytes() == BODY
    assert [one.name for one in again.parent.iterdir()] == ["x"]
    assert any("is damaged" in event.text for event in bring.events) == (damage is not replace_marker)
    assert host.sent["/x"] == 2


def test_a_copy_that_was_only_touched_is_looked_at_and_kept(host, bring):
    host.pages["/x"] = Page(BODY, {"ETag": '"1"'})
    os.utime(bring(host.url("/x")), ns=(0, 0))
    bring(host.url("/x"))
    assert host.sent["/x"] == 1


def test_what_a_killed_process_left_is_removed(host, bring, storage):
    host.pages["/x"] = Page(BODY, {"ETag": '"1"'})
    path = bring(host.url("/x"))
    key = path.parents[1].name.partition("-")[0]
    (storage / f".part-{key}-abc" / "content").mkdir(parents=True)
    (storage / f"{key}-0123" / "content").mkdir(parents=True)
    bring(host.url("/x"))
    assert sorted(one.name for one in storage.iterdir()) == sorted([path.parents[1].name, f"{key}.lock"])


def test_two_at_once_download_once(host, bring, storage):
    host.pages["/x"] = Page(BODY, {"ETag": '"1"'}, seconds=0.5)
    found = []
    threads = [threading.Thread(target=lambda: found.append(bring(host.url("/x")))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert host.sent["/x"] == 1


def test_a_file_cannot_be_written_to(host, bring):
    host.pages["/x"] = Page(BODY)
    assert bring(host.url("/x")).stat().st_mode & 0o777 == 0o444


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a small disk")
@pytest.mark.parametrize("chunked", [True, False])
def test_a_full_disk_is_one_line_and_nothing_is_left(host, refused, tmp_path, chunked):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", disk], check=True, timeout=20)
    try:
        host.pages["/x"] = Page(BODY, chunked=chunked)
        told = refused(host.url("/x"), folder=disk / "storage")
        assert "/x cannot be kept in " in told
        assert ("No space left on device" if chunked else "it has 1280000 bytes and the disk has ") in told
        assert kept(disk) == []
        assert len(host.asked) == 1
    finally:
        subprocess.run(["umount", disk], check=True, timeout=20)


def test_a_folder_that_cannot_be_made_is_one_line(host, refused, tmp_path):
    (tmp_path / "file").touch()
    assert "cannot be kept in" in refused(host.url("/x"), folder=tmp_path / "file" / "storage")


def test_an_interruption_leaves_nothing(host, bring, storage):
    host.pages["/x"] = Page(BODY)
    count = itertools.count()

    def interrupt(event):
        if event.step == "fetching" and next(count):
            raise KeyboardInterrupt

    bring.events = type("Interrupting", (list,), {"append": staticmethod(interrupt)})()
    with pytest.raises(KeyboardInterrupt):
        bring(host.url("/x"))
    assert kept(storage) == []
