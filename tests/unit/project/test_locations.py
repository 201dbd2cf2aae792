"""Values of `path` and `uri` parameters."""

import pytest

from nbproj.project.locations import locate, locate_uri
from nbproj.project.remote import Remote


@pytest.fixture
def base(tmp_path):
    (tmp_path / "data.csv").touch()
    (tmp_path / "a b?#").touch()
    (tmp_path / "lost").symlink_to("nowhere")
    (tmp_path / "data:x").touch()
    return tmp_path


@pytest.mark.parametrize("text", ["data.csv", "./data.csv", "sub/../data.csv", ".", "data:x"])
def test_a_relative_path_starts_from_the_base(base, text):
    found = locate(text, base)
    assert found.is_absolute()
    assert found == (base / text.replace("sub/../", "")).resolve()


def test_a_path_keeps_its_links(base):
    (base / "link").symlink_to("data.csv")
    assert locate("link", base) == base / "link"


@pytest.mark.parametrize("text", ["~", "~/data.csv"])
def test_home_is_expanded(base, text, monkeypatch):
    monkeypatch.setenv("HOME", str(base))
    assert locate(text, base / "elsewhere") == base / text.removeprefix("~").removeprefix("/")


def test_a_home_that_nobody_has_is_a_name(base):
    assert locate("~nobody-of-this-name/x", base, exists=False) == base / "~nobody-of-this-name/x"


@pytest.mark.parametrize("form", ["file://{}", "file://localhost{}", "file:{}", "FILE://{}"])
def test_a_file_address_is_a_path(base, form):
    assert locate(form.format(base / "data.csv"), base / "elsewhere") == base / "data.csv"


def test_a_file_address_is_unquoted(base):
    assert locate(f"file://{base}/a%20b%3F%23", base) == base / "a b?#"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nowhere", "'nowhere' does not exist (looked for {base}/nowhere)"),
        ("lost", "'lost' is a link to nothing (looked for {base}/lost)"),
        ("data.csv/x", "'data.csv/x' does not exist"),
        ("x" * 5000, "does not exist"),
        ("file://other.example/x", "names another machine (other.example)"),
        ("file:///x?y", "is not the address of a file"),
        ("file:///x#y", "is not the address of a file"),
        ("file:///x%00", "holds a NUL character"),
        ("file://[x", "is not an address"),
        ("foo://u:hush@h/x", "'foo://h/x' is remote, and nothing is fetched by foo://: known are s3, "),
        ("https:///x", "'https:///x' names no server"),
        ("gs:///x", "'gs:///x' names no bucket"),
        ("runs:/", "'runs:/' names nothing"),
        ("https://u:***@h/x", "'https://h/x' holds *** where a password or token was masked"),
        ("https://h/x?token=***", "'https://h/x' holds *** where a password or token was masked"),
        ("http://[x/y", "is not an address"),
        ("http://h:x/y", "is not an address"),
        ("s3://b/x\ny", "holds a control character"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(base, text, reason):
    with pytest.raises(ValueError) as caught:
        locate(text, base)
    assert reason.format(base=base) in str(caught.value)
    assert "hush" not in str(caught.value)


_ELSEWHERE = """
s3://b/x S3://b s3a://b/x gs://b abfs://b abfss://c@a.dfs.core.windows.net/x hdfs://h/x hdfs:///x http://h https://u:p@h/x?y
dbfs:/x dbfs:///x runs:/1/x models:/m/1 models:/m@best
"""


@pytest.mark.parametrize("text", _ELSEWHERE.split())
def test_what_is_elsewhere_stays_an_address(base, text):
    found = locate(text, base)
    assert isinstance(found, Remote)
    assert found == text.replace("S3:", "s3:")  # schemes are read in any letters, and libraries know the small ones
    assert "p@" not in found.public


@pytest.mark.parametrize("text", ["s3://b/x", "runs:/1/x"])
def test_an_output_is_not_elsewhere(base, text):
    with pytest.raises(ValueError, match="is remote, and what a run writes lies here: give a path, or declare the parameter as a uri"):
        locate(text, base, exists=False)


def test_an_output_need_not_exist(base):
    assert locate("new/x", base, exists=False) == base / "new/x"


@pytest.mark.parametrize("text", ["s3://b/x", "dbfs:/x", "foo:bar", "file:///x", "jdbc:x", "http://h/a b"])
def test_an_address_passes_through(base, text):
    assert locate_uri(text, base) == text


@pytest.mark.parametrize("text", ["x", "./x", "sub/../x"])
def test_a_uri_without_a_scheme_is_made_absolute(base, text):
    assert locate_uri(text, base) == str(base / "x")
