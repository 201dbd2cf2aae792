"""Runs whose data are elsewhere: fetched before there is a run, recorded as they were given, known to the program by a path here."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from remote_servers import Page

import nbproj
from nbproj.errors import SourceError
from nbproj.sources.remote.cache import DownloadCache
from nbproj.sources.remote.downloads import downloads_folder

BODY = b"a,b\n1,2\n"
PROJECT = """
name: remote
entry_points:
  main:
    parameters:
      data: path
      other: {type: uri, default: "https://example.org/x"}
    command: "cat {data}; echo {data} {other}"
  several:
    parameters: {files: "list[path]"}
    command: "echo {files}"
  default:
    parameters: {data: {type: path, default: "DEFAULT"}}
    command: "cat {data}"
  hidden:
    parameters: {data: {type: path, secret: true, default: "."}, files: {type: "list[path]", secret: true, default: []}}
    command: "true"
  output:
    parameters: {model: {type: path, exists: false}}
    command: "echo {model}"
  many:
    parameters: {data: path, seed: int}
    command: "test -s {data} && echo {seed}"
"""


@pytest.fixture
def folder(project, host):
    return project(PROJECT.replace("DEFAULT", host.url("/data.csv")))


@pytest.fixture
def data(host):
    host.pages["/data.csv"] = Page(BODY, {"ETag": '"1"'})
    return host.url("/data.csv")


def test_the_program_gets_a_path_and_the_record_the_address(folder, data, host, store, only_run):
    run = nbproj.run(folder, parameters={"data": data, "other": "https://example.org/y"})
    record = only_run()
    assert record.params == {"data": data, "other": "https://example.org/y"}
    here, other = run.logs().splitlines()[-1].split()
    assert run.logs().startswith(BODY.decode())
    assert (Path(here).read_bytes(), Path(here).name, other) == (BODY, "data.csv", "https://example.org/y")
    assert Path(here).is_relative_to(downloads_folder())
    assert json.loads(record.tags["nbproj.order"])["parameters"]["data"] == data
    run.rerun()
    assert host.sent["/data.csv"] == 1


def test_an_object_of_s3_is_a_parameter_too(folder, bucket, store):
    bucket.put("data.csv", BODY)
    for address in (bucket.address("data.csv"), bucket.address("data.csv").replace("s3:", "S3:")):
        run = nbproj.run(folder, parameters={"data": address})
        assert run.logs().startswith(BODY.decode())
        assert run.params["data"] == address
    assert bucket.sent == 1


def test_a_default_and_the_elements_of_a_list_are_fetched_too(folder, data, store, host):
    assert nbproj.run(folder, "default").logs() == BODY.decode()
    (folder / "here.csv").touch()
    told = json.loads(nbproj.run(folder, "several", parameters={"files": [data, str(folder / "here.csv")]}).logs())
    assert Path(told[0]).read_bytes() == BODY
    assert told[1] == str(folder / "here.csv")
    assert host.sent["/data.csv"] == 1


def test_a_notebook_gets_a_path(notebook, data, store):
    path = notebook("print(type(data).__name__, data.read_text(), flush=True)", parameters="from pathlib import Path\ndata: Path = None")
    assert "PosixPath a,b\n1,2" in nbproj.run(path, parameters={"data": data}).logs()


def test_reading_and_checking_fetches_nothing(folder, data, host, cli):
    for command in (["show", folder], ["check", folder]):
        assert cli(*command).code == 0
    assert host.asked == []


def test_what_cannot_be_had_makes_no_run(folder, host, cli, store):
    done = cli("run", folder, "-P", f"data={host.url('/none.csv')}")
    assert done.code == 121
    assert done.err.strip().splitlines()[-1].endswith("the server said 404 Not Found; check the address")
    assert store.search_runs() == []


@pytest.mark.parametrize(
    ("entry", "name", "value", "reason"),
    [
        ("main", "data", "s3:///x", "names no bucket"),
        ("main", "data", "https:///x", "names no server"),
        ("main", "data", "ftp://example.org/x", "nothing is fetched by ftp://: known are s3, "),
        ("main", "data", "https://eva:***@example.org/x", "was masked in a record: give the whole address again"),
        ("main", "data", "http://[x/y", "is not an address"),
        ("main", "data", Path("s3://bucket/x"), "'s3://bucket/x' has two slashes, and pathlib's Path takes one away: give the address as a text"),
        ("main", "data", Path("https://eva:hush@example.org/x?y"), "'https://example.org/x' has two slashes"),
        ("hidden", "data", "https://example.org/x?token=hush", "the secret is an address, and what is downloaded is no secret"),
        ("hidden", "files", ["/", "s3://bucket/hush"], "the secret is an address"),
        ("output", "model", "s3://bucket/x", "is remote, and what a run writes lies here"),
    ],
)
def test_an_address_that_can_mean_nothing_is_refused_before_anything(folder, store, entry, name, value, reason):
    with pytest.raises(nbproj.errors.ParameterError, match="parameter") as caught:
        nbproj.run(folder, entry, parameters={name: value})
    assert reason in str(caught.value)
    assert "hush" not in str(caught.value)


def test_other_mistakes_are_told_before_anything_is_fetched(folder, data, host, store):
    with pytest.raises(nbproj.errors.NbprojError, match="seed"):
        nbproj.run(folder, "many", parameters={"data": data, "seed": "x"})
    assert host.asked == []


def test_a_password_reaches_the_server_and_no_record(folder, host, store, only_run, cli):
    host.pages["/data.csv"] = Page(BODY, {"ETag": '"1"'})
    address = f"{host.url('/data.csv', login='eva:hush-hush@')}?token=mum-mum&page=2"
    other = "https://me:whisper@example.org/"
    done = cli("run", folder, "-P", f"data={address}", "-P", f"other={other}", "--json")
    assert done.code == 0, done.err
    assert "Basic" in host.asked[0][1]["Authorization"]
    record = only_run()
    assert record.params["data"] == f"{host.url('/data.csv', login='***@')}?token=***&page=2"
    log = nbproj.runs()[0].logs()
    for text in (str(record), done.out, done.err, log):
        assert not any(secret in text for secret in ("hush-hush", "mum-mum", "whisper"))
    again = cli("rerun", record.run_id)
    assert again.code == 1
    assert "held a secret and was not kept: give it again, -P data=..." in again.err


def test_a_run_is_reused_by_the_content_of_what_was_fetched(folder, data, host, store):
    first = nbproj.run(folder, parameters={"data": data})
    assert nbproj.run(folder, parameters={"data": data}, reuse=True).run_id == first.run_id
    host.pages["/data.csv"] = Page(b"other\n", {"ETag": '"2"'})
    assert nbproj.run(folder, parameters={"data": data}, reuse=True).run_id != first.run_id


def test_a_batch_fetches_each_address_once(folder, data, host, store):
    host.pages["/two.csv"] = Page(BODY, {"ETag": '"2"'})
    batch = nbproj.batch(folder, "many", parameters={"data": [data, host.url("/two.csv")], "seed": "range(3)"}, workers=2)
    assert batch.counts["finished"] == 6
    assert sorted(path for path, _ in host.asked) == ["/data.csv", "/two.csv"]


def test_a_batch_over_addresses_is_the_same_one_from_another_folder(folder, data, host, store, tmp_path, monkeypatch):
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        batch = nbproj.batch(str(folder), "many", parameters={"data": [data], "seed": [1, 2]}, name="one")
    assert batch.counts["finished"] == 2


def test_a_batch_of_which_one_address_is_wrong_begins_not(folder, data, host, store):
    with pytest.raises(SourceError, match="404"):
        nbproj.batch(folder, "many", parameters={"data": [data, host.url("/none")], "seed": "range(3)"})
    assert store.search_runs() == []


def test_a_detached_run_tells_how_far_it_is_and_fetches_too(folder, data, store):
    events = []
    run = nbproj.run(folder, parameters={"data": data}, synchronous=False, progress=events.append)
    assert any(event.step == "fetched" for event in events)
    assert run.wait(60)
    assert run.logs().startswith(BODY.decode())


def test_the_folder_is_the_callers_choice(folder, data, store, tmp_path, cli):
    done = cli("run", folder, "-P", f"data={data}", "--storage-dir", "near", cwd=tmp_path)
    assert done.code == 0, done.err
    assert f"note: downloaded {data}\n" in done.err
    assert [path.read_bytes() for path in (tmp_path / "near" / "nbproj-downloads").rglob("data.csv")] == [BODY]
    done = cli("run", folder, "-P", f"data={data}", cwd=tmp_path, NBPROJ_STORAGE_DIR=str(tmp_path / "far"))
    assert (tmp_path / "far" / "nbproj-downloads").is_dir()


def test_an_artifact_of_a_run_is_a_parameter(folder, store, tmp_path):
    first = nbproj.run(folder, "output", parameters={"model": tmp_path / "x"})
    (tmp_path / "table.csv").write_bytes(BODY)
    store.log_artifacts(first.run_id, {"deep/table.csv": tmp_path / "table.csv"})
    for address in (f"runs:/{first.run_id}/deep/table.csv", f"runs:/{first.run_id}/deep/table.csv"):
        second = nbproj.run(folder, parameters={"data": address})
        assert second.logs().startswith(BODY.decode())
        assert second.params["data"] == address
    third = nbproj.run(folder, "several", parameters={"files": [f"runs:/{first.run_id}/deep"]})
    assert (Path(json.loads(third.logs())[0]) / "table.csv").read_bytes() == BODY
    with pytest.raises(SourceError, match="could not be downloaded"):
        nbproj.run(folder, parameters={"data": f"runs:/{first.run_id}/none.csv"})


def test_what_was_not_used_for_long_is_collected_and_what_a_run_uses_stays(data, bring, cli, home):
    folder = downloads_folder()
    path = bring(data, folder=folder)
    assert "1 download, 8 B" in cli("cache", "list").out
    (listed,) = cli("cache", "list", "--json").json
    assert (listed["address"], listed["size"]) == (data, 8)
    assert cli("cache", "gc").out == "nothing removed\n"
    using, done = threading.Event(), threading.Event()

    def use():
        from nbproj.project.remote import Remote
        from nbproj.sources.remote.downloads import Downloads

        with Downloads(lambda: folder) as downloads:
            downloads.bring([Remote(data)], None, "store")
            using.set()
            done.wait(60)

    thread = threading.Thread(target=use)
    thread.start()
    assert using.wait(30)
    kept = cli("cache", "gc", "--older-than", "0")
    assert "1 as old stay" in kept.err
    assert path.exists()
    done.set()
    thread.join()
    gone = cli("cache", "gc", "--older-than", "0")
    assert data in gone.out
    assert "removed" in gone.out
    assert DownloadCache(folder).all() == []


def test_papermill_itself_fetches_nothing_and_says_so(notebook, data, host, tmp_path):
    import papermill

    path = notebook("print(data)", parameters="from pathlib import Path\ndata: Path = None")
    with pytest.raises(nbproj.errors.ParameterError, match="is remote, and papermill fetches nothing"):
        papermill.execute_notebook(path, tmp_path / "out.ipynb", parameters={"data": data}, engine_name="nbproj", progress_bar=False)
    assert host.asked == []
