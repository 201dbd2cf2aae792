"""Values of `path` parameters in buckets, on a real server of the S3 API."""

from __future__ import annotations

import subprocess
import sys

import pytest
from remote_servers import kept

BODY = bytes(range(256)) * 5000


def test_an_object_that_has_not_changed_is_sent_once(bucket, bring):
    bucket.put("a/data set.csv", BODY)
    first = bring(bucket.address("a/data set.csv"))
    assert (first.name, first.read_bytes(), bucket.sent) == ("data set.csv", BODY, 1)
    assert [event.done for event in bring.events if event.done][-1] == len(BODY)
    assert bring(bucket.address("a/data set.csv")) == first
    assert bring.last().endswith("is here already, and has not changed")
    assert bucket.sent == 1


def test_another_version_is_another_file(bucket, bring):
    bucket.put("x", b"one")
    first = bring(bucket.address("x"))
    bucket.put("x", b"two")
    assert (bring(bucket.address("x")).read_bytes(), first.read_bytes()) == (b"two", b"one")
    bucket.put("x", b"one")  # back to what is still here
    assert bring(bucket.address("x")).read_bytes() == b"one"


def test_an_empty_object_and_one_of_several_blocks(bucket, bring, monkeypatch):
    monkeypatch.setattr("nbproj.sources.remote.objects._BLOCK", 1 << 20)
    bucket.put("empty", b"")
    bucket.put("large", BODY * 3)
    assert bring(bucket.address("empty")).read_bytes() == b""
    assert bring(bucket.address("large")).read_bytes() == BODY * 3


@pytest.mark.parametrize("end", ["", "/"])
def test_a_folder_with_all_its_files(bucket, bring, storage, end):
    for name in ("f/one.csv", "f/deep/er/two.csv", "f/empty/", "foreign.csv"):
        bucket.put(name, name.encode())
    found = bring(bucket.address(f"f{end}"))
    assert found.name == "f"
    assert sorted(str(path.relative_to(found)) for path in found.rglob("*") if path.is_file()) == ["deep/er/two.csv", "one.csv"]
    sent = bucket.sent
    assert bring(bucket.address(f"f{end}")) == found
    assert bucket.sent == sent
    bucket.put("f/three.csv", b"3")
    assert (bring(bucket.address(f"f{end}")) / "three.csv").read_bytes() == b"3"
    assert kept(storage).count("three.csv") == 1


@pytest.mark.parametrize("names", [["f/../../x"], ["f//x"], ["f/./x"]])
def test_names_that_no_folder_can_hold_are_refused(bucket, refused, storage, names):
    bucket.put("f/plain", b"")
    for name in names:
        bucket.put(name, b"")
    assert "has a name that no folder here can hold" in refused(bucket.address("f"))
    assert kept(storage) == []


def test_a_file_and_a_folder_of_one_name_are_refused(bucket, refused, storage):
    bucket.put("f/x", b"")
    bucket.put("f/x/y", b"")
    assert "has a file and a folder of one name" in refused(bucket.address("f"))
    assert kept(storage) == []


def test_what_is_not_there_is_told(bucket, refused):
    assert refused(bucket.address("none")) == f"there is nothing at {bucket.address('none')}: check the address"
    assert refused("s3://no-such-bucket-here/x") == "there is no bucket 'no-such-bucket-here' (s3://no-such-bucket-here/x): check the address"


@pytest.mark.parametrize("checksums", [True, False])
def test_damage_on_the_way_is_found(bucket, refused, storage, front, checksums):
    front.checksums = checksums
    bucket.put("x", BODY)
    front.spoil = lambda body: body[:-1] + b"?"
    assert f"arrived damaged: {'Expected checksum' if checksums else 'its md5 is not the one that its store tells'}" in refused(bucket.address("x"))
    assert kept(storage) == []


def test_a_damaged_copy_heals(bucket, bring):
    bucket.put("x", BODY)
    path = bring(bucket.address("x"))
    path.chmod(0o644)
    path.write_bytes(b"other")
    assert bring(bucket.address("x")).read_bytes() == BODY
    assert any("is damaged" in event.text for event in bring.events)


def test_no_credentials_is_told_with_what_to_set(bucket, refused, monkeypatch):
    bucket.put("x", BODY)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    told = refused(bucket.address("x"))
    assert "there are no credentials, and it is not public; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE" in told


def test_what_is_public_needs_no_credentials(bucket, bring, monkeypatch):
    bucket.put("x", BODY, ACL="public-read")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert bring(bucket.address("x")).read_bytes() == BODY


def test_credentials_that_are_refused_are_told(bucket, refused, front):
    bucket.put("x", BODY)
    front.refuse = lambda environ: True
    told = refused(bucket.address("x"))
    assert f"{bucket.address('x')} could not be read: " in told
    assert "set AWS_ACCESS_KEY_ID" in told
    assert "testing-secret" not in told


def test_azure_without_an_account_is_told_with_what_to_set(refused):
    told = refused("abfs://container/x.csv")
    assert "set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY" in told


@pytest.mark.parametrize(("address", "library"), [("s3://b/x", "s3fs"), ("gs://b/x", "gcsfs"), ("abfs://c/x", "adlfs")])
def test_a_library_that_is_not_installed_is_named_with_its_extra(refused, monkeypatch, address, library):
    import fsspec

    assert fsspec.available_protocols()
    monkeypatch.setitem(sys.modules, library, None)
    for scheme in ("s3", "gs", "abfs"):
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)
    assert refused(address) == f"{address[: address.index(':')]}:// needs {library}, which is not installed: pip install 'nbproj[cloud]'"


_BRING = """
import sys
from pathlib import Path
from nbproj.project.remote import Remote
from nbproj.sources.remote.downloads import Downloads
with Downloads(lambda: Path(sys.argv[1])) as downloads:
    print(downloads.bring([Remote(sys.argv[2])], None, "store", lambda event: print(event.text, file=sys.stderr))[sys.argv[2]])
"""


def test_two_processes_at_once_download_once(bucket, storage, front):
    bucket.put("x", BODY)
    front.seconds = 1.5
    command = [sys.executable, "-c", _BRING, str(storage), bucket.address("x")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], told
    assert len({out for out, _ in told}) == 1
    assert bucket.sent == 1
    assert sorted("is here already" in err for _, err in told) == [False, True]
