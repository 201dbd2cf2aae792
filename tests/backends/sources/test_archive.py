from __future__ import annotations

import io
import stat
import zipfile

import pytest

from nbproj.errors import SourceError
from nbproj.sources.archive import ArchiveSource, Limits, extract
from nbproj.sources.registry import detect, fetch


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path


@pytest.fixture
def project(tmp_path):
    return archive(tmp_path / "model.zip", {"MLproject": "name: one\n", "sub/train.ipynb": "{}", "sub/dir.v1/x": ""})


@pytest.fixture
def left(tmp_path):
    yield
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize("form", ["{path}", "file://{path}", "{url}", "{url}?signature=s3cret"])
def test_a_zip_is_a_project_in_a_temporary_folder(project, web, form):
    with web(project.parent) as server:
        uri = form.format(path=project, url=f"{server.url}/dumb/model.zip")
        events = []
        with fetch(uri, progress=events.append) as checkout:
            assert (checkout.root / "MLproject").read_text() == "name: one\n"
            assert checkout.root.name == "model"
            assert sorted(entry.name for entry in checkout.root.iterdir()) == ["MLproject", "sub"]
            assert "s3cret" not in f"{checkout!r}{events!r}"
            root = checkout.root
        assert not root.exists()


@pytest.mark.usefixtures("left")
def test_a_folder_or_notebook_inside_is_the_project(project):
    with fetch(f"{project}#sub/train.ipynb") as checkout:
        assert (checkout.root.name, checkout.notebook, checkout.uri) == ("sub", "train.ipynb", f"{project}#sub/train.ipynb")
    with fetch(f"{project}#sub/dir.v1") as checkout:
        assert checkout.root.name == "dir.v1"
    for sub in ("..", "/etc", "missing"):
        with pytest.raises(SourceError):
            fetch(f"{project}#{sub}")


def test_a_single_folder_at_the_top_is_the_root(tmp_path):
    path = archive(tmp_path / "x.zip", {"model-main/MLproject": "name: one\n", "__MACOSX/x": ""})
    with fetch(str(path)) as checkout:
        assert checkout.root.name == "model-main"
    path = archive(tmp_path / "y.zip", {"only/x.py": "", "MLproject": "name: one\n"})
    with fetch(str(path)) as checkout:
        assert checkout.root.name == "y"


def test_programs_stay_executable_and_nothing_gets_more_rights(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as opened:
        for name, mode in (("run.sh", 0o755), ("setuid", 0o6777), ("plain", 0o666)):
            member = zipfile.ZipInfo(name)
            member.external_attr = (stat.S_IFREG | mode) << 16
            opened.writestr(member, "")
    with fetch(str(tmp_path / "x.zip")) as checkout:
        modes = {name: (checkout.root / name).stat().st_mode & 0o7777 for name in ("run.sh", "setuid", "plain")}
    assert modes == {"run.sh": 0o755, "setuid": 0o755, "plain": 0o644}


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize("name", ["../PWNED", "a/../../PWNED", "/tmp/PWNED", "..\\PWNED", "a/b/../../../PWNED", "..", "x/.."])
def test_a_member_that_leaves_the_folder_is_refused(tmp_path, name):
    path = archive(tmp_path / "x.zip", {name: "x"})
    with pytest.raises(SourceError, match="attempts to leave"):
        fetch(str(path))
    assert not list(tmp_path.rglob("PWNED"))


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path, kind):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as opened:
        member = zipfile.ZipInfo("x")
        member.create_system = 3
        member.external_attr = (kind | 0o777) << 16
        opened.writestr(member, "/etc")
        opened.writestr("x/passwd", "x")
    with pytest.raises(SourceError, match="link or device"):
        fetch(str(tmp_path / "x.zip"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.usefixtures("left")
def test_a_name_that_stands_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as opened:
        opened.writestr("a", "one")
        opened.writestr("a", "two")
    with pytest.raises(SourceError, match="twice"):
        fetch(str(tmp_path / "x.zip"))


@pytest.mark.parametrize(
    ("members", "limits"),
    [
        ({"zeros": b"\0" * (1 << 20)}, Limits(ratio=10, free=1000)),
        ({str(number): b"x" * 1000 for number in range(10)}, Limits(total=5000)),
        ({str(number): b"" for number in range(11)}, Limits(entries=10)),
    ],
)
def test_a_bomb_is_refused_before_it_is_written(tmp_path, members, limits):
    path = archive(tmp_path / "x.zip", members)
    with pytest.raises(SourceError, match="refused"):
        extract(path, tmp_path / "out", "x.zip", limits)
    assert not [entry for entry in (tmp_path / "out").iterdir() if entry.stat().st_size]


def test_sizes_that_the_archive_tells_are_not_believed(tmp_path):
    path = archive(tmp_path / "x.zip", {"zeros": b"\0" * (1 << 20)})
    content = bytearray(path.read_bytes())
    central = content.rindex(b"PK\x01\x02")
    content[central + 24 : central + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(SourceError):
        extract(path, tmp_path / "out", "x.zip", Limits(ratio=10, free=1000))
    assert sum(entry.stat().st_size for entry in (tmp_path / "out").iterdir()) < 1000


@pytest.mark.usefixtures("left")
def test_what_is_no_zip_or_damaged_is_one_line(tmp_path, project):
    whole = project.read_bytes()
    good = {
        "text.zip": b"<html>not found</html>",
        "empty.zip": b"",
        "cut.zip": whole[: len(whole) // 2],
        "flipped.zip": whole.replace(b"name: one", b"name: two"),
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("x", bytes(range(256)) * 50)
    broken = bytearray(data.getvalue())
    broken[40:60] = bytes(20)
    good["stream.zip"] = bytes(broken)
    for name, content in good.items():
        (tmp_path / name).write_bytes(content)
        if name == "flipped.zip" and content == whole:
            continue  # the member was compressed: nothing to flip
        with pytest.raises(SourceError) as caught:
            fetch(str(tmp_path / name))
        assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("left")
def test_an_encrypted_archive_is_one_line(tmp_path, project):
    content = bytearray(project.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            content[start + offset] |= 1
            start += 4
    (tmp_path / "locked.zip").write_bytes(content)
    with pytest.raises(SourceError, match="encrypted"):
        fetch(str(tmp_path / "locked.zip"))


@pytest.mark.usefixtures("left")
def test_a_version_and_a_missing_archive_are_refused(project):
    with pytest.raises(SourceError, match="needs a Git project"):
        fetch(str(project), "v1")
    with pytest.raises(SourceError, match="no archive"):
        fetch(f"{project}x.zip")


@pytest.mark.usefixtures("left")
def test_a_password_opens_the_archive_and_does_not_follow_a_redirect(project, web):
    with web(project.parent, "alice:opensesame42") as server, web(project.parent) as other:
        address = f"{server.url}/dumb/model.zip".replace("//", "//alice:opensesame42@")
        events = []
        with fetch(address, progress=events.append) as checkout:
            assert "opensesame42" not in f"{checkout!r}{events!r}"
        with pytest.raises(SourceError, match="the server said 401") as caught:
            fetch(address.replace("opensesame42", "wrongwrong"))
        assert "wrongwrong" not in str(caught.value)
        server.redirects["/dumb/model.zip"] = f"{other.url}/dumb/model.zip"
        with fetch(address):
            pass
        assert other.headers_seen
        assert not any("Authorization" in headers for headers in other.headers_seen)


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x.zip", "gopher://127.0.0.1/x"])
def test_a_redirect_stays_on_the_web(project, web, target):
    with web(project.parent) as server:
        server.redirects["/dumb/model.zip"] = target
        with pytest.raises(SourceError, match="redirect"):
            fetch(f"{server.url}/dumb/model.zip")


@pytest.mark.usefixtures("left")
def test_an_archive_that_is_too_large_or_missing_is_one_line(project, web):
    with web(project.parent) as server:
        source = detect(f"{server.url}/dumb/model.zip")
        with pytest.raises(SourceError, match="larger than 10 bytes"):
            ArchiveSource(source.address, Limits(download=10)).fetch(None, lambda event: None)
        with pytest.raises(SourceError, match="the server said 404"):
            fetch(f"{server.url}/dumb/other.zip")
    with pytest.raises(SourceError, match="check the address and the network"):
        fetch("http://127.0.0.1:9/x.zip")


@pytest.mark.usefixtures("left")
def test_an_interrupted_download_leaves_nothing(project, web):
    with web(project.parent) as server:

        def interrupt(event):
            if event.done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fetch(f"{server.url}/dumb/model.zip", progress=interrupt)


def test_a_folder_after_the_hash_may_be_written_with_or_without_the_single_top_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "wine.zip", "w") as archive:
        archive.writestr("wine-main/sub/a.py", "")
    for sub in ("sub", "wine-main/sub"):
        with fetch(f"{tmp_path}/wine.zip#{sub}") as checkout:
            assert (checkout.root / "a.py").exists()
