from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.errors import SourceError
from nbproj.sources.address import checked_version, parse, public
from nbproj.sources.archive import ArchiveSource
from nbproj.sources.git import GitSource
from nbproj.sources.local import LocalSource
from nbproj.sources.registry import detect


@pytest.mark.parametrize(
    ("uri", "kind", "location", "sub"),
    [
        ("https://example.org/x.git", "web", "https://example.org/x.git", ""),
        ("https://example.org/x.git#a/b.c", "web", "https://example.org/x.git", "a/b.c"),
        ("git+https://example.org:8443/x", "web", "https://example.org:8443/x", ""),
        ("ssh://git@example.org:22/~me/x", "ssh", "ssh://git@example.org:22/~me/x", ""),
        ("git+ssh://example.org/x", "ssh", "ssh://example.org/x", ""),
        ("git@example.org:team/x.git#sub", "scp", "git@example.org:team/x.git", "sub"),
        ("host:x.git", "scp", "host:x.git", ""),
        ("git@[::1]:x.git", "scp", "git@[::1]:x.git", ""),
        ("git://example.org/x", "git", "git://example.org/x", ""),
        ("file:///no/such/folder#sub", "path", "/no/such/folder", "sub"),
        ("file:///no/such%20folder", "path", "/no/such folder", ""),
        ("git+file:///no/such/x.git", "path", "/no/such/x.git", ""),
        ("'/no/such'", "path", "/no/such", ""),
        ('"/no/such"#', "path", '/no/such"', ""),
    ],
)
def test_an_address_is_taken_apart(uri, kind, location, sub):
    address = parse(uri)
    assert (address.kind, address.location, address.sub) == (kind, location, sub)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "''",
        "-x",
        "--upload-pack=touch PWNED",
        "ext::sh -c 'touch PWNED'",
        "fd::17/x",
        "transport::https://example.org/x",
        "https://example.org/x\n--upload-pack=x",
        "/tmp/x\0y",
        "ssh://-oProxyCommand=touch/x",
        "ssh://%2doProxyCommand=touch/x",
        "ssh://-l@example.org/x",
        "ssh://example.org/-x",
        "-oProxyCommand=touch:x",
        "git@-oProxyCommand=touch:x",
        "git@example.org:-x",
        "https://-x/y",
        "https:///y",
        "ftp://example.org/x",
        "rsync://example.org/x",
        "file://example.org/x",
        "file:///a%00b",
        "user:password@example.org:x.git",
        "https://u:p%0aq@example.org/x",
    ],
)
def test_a_hostile_or_malformed_address_is_refused_in_one_line(uri):
    with pytest.raises(SourceError) as caught:
        detect(uri)
    assert "\n" not in str(caught.value)
    assert "password@" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://u:s3cret@example.org/x.git#sub", "https://example.org/x.git#sub"),
        ("https://s3cret@example.org/x", "https://example.org/x"),
        ("https://u:s3@cret@example.org/x", "https://example.org/x"),
        ("https://u:s3/cret@example.org/x", "https://example.org/x"),
        ("https://u:s3#cret@example.org/x", "https://example.org/x"),
        ("https://u:s3?cret@example.org/x", "https://example.org/x"),
        ("HTTPS://u:s3cret@example.org/x", "HTTPS://example.org/x"),
        ("https://example.org/x.zip?token=s3cret#sub", "https://example.org/x.zip#sub"),
        ("ssh://git:s3cret@example.org/x", "ssh://git@example.org/x"),
        ("git+ssh://git@example.org/x", "git+ssh://git@example.org/x"),
        ("git:s3cret@example.org:x.git", "example.org:x.git"),
        ("git@example.org:x.git", "git@example.org:x.git"),
        ("/folder/a@b:c", "/folder/a@b:c"),
        ("https://[::1]:80/a@b", "https://[::1]:80/a@b"),
    ],
)
def test_what_is_shown_holds_no_secret(uri, shown):
    assert public(uri) == shown


@pytest.mark.parametrize("mark", ["/", "#", "?"])
def test_a_password_that_must_be_escaped_is_refused_without_being_shown(mark):
    with pytest.raises(SourceError, match="percent-encoded") as caught:
        parse(f"https://user:s3{mark}cret@example.org/x")
    assert "cret" not in str(caught.value)


def test_credentials_are_taken_out_of_the_address_and_decoded():
    address = parse("https://me%40home:p%2Fq@example.org/x#s")
    assert (address.username, address.password) == ("me@home", "p/q")
    assert "p/q" not in repr(address)
    assert "me" not in address.public


@given(password=st.text(alphabet="abcXYZ019@/#?:&=%-_.~", min_size=8, max_size=20))
def test_no_password_is_ever_shown(password):
    marked = f"QQ{password}QQ"
    assert marked not in public(f"https://user:{marked}@example.org/x")


@pytest.mark.parametrize("version", ["", "-v", "--upload-pack=x", "a b", "a\nb", "a\0b", "a..b", "a:b", "a^", "a~1", "a*", "@{0}"])
def test_a_version_that_no_branch_tag_or_commit_can_have_is_refused(version):
    with pytest.raises(SourceError, match="refused"):
        checked_version(version)


@pytest.mark.parametrize("version", ["main", "v1.0", "feature/x-y", "refs/pull/1/head", "0123abc", "release@2024", "äöü"])
def test_an_ordinary_version_passes(version):
    assert checked_version(version) == version


def test_each_kind_of_address_has_its_source(tmp_path):
    (tmp_path / "n.ipynb").write_text("{}")
    (tmp_path / "x.zip").write_bytes(b"")
    (tmp_path / "folder.zip").mkdir()
    bare = tmp_path / "bare"
    for name in ("objects", "refs"):
        (bare / name).mkdir(parents=True)
    (bare / "HEAD").write_text("ref: refs/heads/main\n")
    expected = {
        str(tmp_path): LocalSource,
        f"file://{tmp_path}": LocalSource,
        str(tmp_path / "n.ipynb"): LocalSource,
        str(tmp_path / "folder.zip"): LocalSource,
        str(tmp_path / "x.zip"): ArchiveSource,
        f"file://{tmp_path}/x.zip": ArchiveSource,
        "https://example.org/x.zip#sub": ArchiveSource,
        "https://example.org/x.zip?signature=1": ArchiveSource,
        str(bare): GitSource,
        f"file://{bare}": GitSource,
        f"git+file://{tmp_path}": GitSource,
        "git+https://example.org/x.zip": GitSource,
        "https://example.org/x": GitSource,
        "git@example.org:x.git": GitSource,
    }
    assert {uri: type(detect(uri)) for uri in expected} == expected


def test_a_local_folder_whose_name_holds_a_hash_or_a_colon_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c#code").mkdir()
    (tmp_path / "host:x").mkdir()
    assert parse("c#code").location == str(tmp_path / "c#code")
    assert parse("host:x").kind == "path"


def test_a_notebook_at_a_web_address_is_refused_with_the_way_to_say_it():
    with pytest.raises(SourceError, match=r"#path/notebook\.ipynb"):
        detect("https://example.org/x/n.ipynb")


def test_the_folder_of_a_checkout_gets_the_name_of_the_repository():
    assert parse("https://example.org/team/my-model.git/").name == "my-model"
    assert parse("git@example.org:my model.git").name == "my_model"
    assert parse("https://example.org/..").name == "project"
