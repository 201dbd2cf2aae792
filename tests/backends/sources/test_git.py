from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from nbproj.errors import SourceError
from nbproj.sources.registry import fetch


def run(*arguments, cwd):
    return subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def name_of(checkout):
    return (checkout.root / "MLproject").read_text().removeprefix("name: ").strip()


@pytest.fixture(params=["daemon", "http", "dumb", "ssh", "scp", "file"])
def url(request, repository):
    kind = request.param
    if kind == "daemon":
        return request.getfixturevalue("daemon")
    if kind in {"http", "dumb"}:
        return request.getfixturevalue("open_server").url + ("/dumb" if kind == "dumb" else "") + "/project.git"
    if kind in {"ssh", "scp"}:
        server = request.getfixturevalue("ssh")
        return f"ssh://{server.user}@127.0.0.1:{server.port}{server.root}" if kind == "ssh" else f"{server.user}@127.0.0.1:{server.root}"
    return f"git+file://{repository.bare}"


def test_every_kind_of_version_is_checked_out_over_every_transport(url, repository, tmp_path):
    expected = {
        None: ("three", repository.last, "main"),
        "HEAD": ("three", repository.last, "main"),
        "v1": ("one", repository.first, None),
        "feature/x": ("two", repository.second, "feature/x"),
        "refs/heads/feature/x": ("two", repository.second, "feature/x"),
        repository.first: ("one", repository.first, None),
        repository.second[:9]: ("two", repository.second, None),
    }
    for version, (name, commit, branch) in expected.items():
        with fetch(url, version) as checkout:
            assert (name_of(checkout), checkout.commit) == (name, commit), version
            if branch != "main" or "dumb" not in url:
                assert checkout.branch == branch, version
            assert run("rev-parse", "HEAD", cwd=checkout.root) == commit
            assert run("status", "--porcelain", cwd=checkout.root) == ""
            assert checkout.repository == url.removeprefix("git+")
            assert checkout.root.name == "project"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_moved_branch_is_seen_by_the_next_fetch(daemon, repository):
    with fetch(daemon, "main") as before:
        assert before.commit == repository.last
    repository.write("MLproject", "name: four\n")
    newest = repository.commit("four")
    repository.publish()
    with fetch(daemon, "main") as after:
        assert (after.commit, name_of(after)) == (newest, "four")


def test_a_rewritten_branch_and_a_moved_tag_are_followed(daemon, repository):
    fetch(daemon, "v1").close()
    repository.run("checkout", "--quiet", "--orphan", "other")
    repository.write("MLproject", "name: other\n")
    other = repository.commit("other")
    repository.run("tag", "-f", "v1")
    repository.run("branch", "-f", "main")
    repository.publish()
    for version in ("v1", "main", other[:8]):
        with fetch(daemon, version) as checkout:
            assert checkout.commit == other


def test_a_branch_that_became_a_folder_of_branches_is_fetched(daemon, repository):
    with fetch(daemon, repository.second[:9]):
        pass
    run("branch", "-D", "feature/x", cwd=repository.bare)
    run("branch", "feature", repository.first, cwd=repository.bare)
    with fetch(daemon, repository.first[:9]) as checkout:
        assert checkout.commit == repository.first


def test_a_full_commit_that_is_cached_needs_no_network(open_server, repository):
    url = f"{open_server.url}/project.git"
    with fetch(url, repository.first):
        pass
    open_server.asked.clear()
    with fetch(url, repository.first) as checkout:
        assert checkout.commit == repository.first
    assert open_server.asked == []


def test_a_single_version_is_fetched_without_history(daemon, tmp_path, repository):
    with fetch(daemon, "v1") as checkout:
        assert run("rev-list", "--count", "HEAD", cwd=checkout.root) == "1"
    (cached,) = (tmp_path / "cache/git").glob("*/objects")
    objects = subprocess.run(["git", f"--git-dir={cached.parent}", "cat-file", "-e", repository.last], capture_output=True, check=False, timeout=30)
    assert objects.returncode != 0


def test_the_cache_is_private(daemon, tmp_path):
    fetch(daemon).close()
    assert (tmp_path / "cache/git").stat().st_mode & 0o077 == 0


def test_each_fetch_has_a_checkout_of_its_own(daemon):
    with fetch(daemon) as one, fetch(daemon) as two:
        (one.root / "MLproject").write_text("changed")
        assert name_of(two) == "three"
        assert one.temporary != two.temporary


def test_a_folder_or_a_notebook_inside_is_the_project(daemon):
    with fetch(f"{daemon}#sub/dir.v1") as checkout:
        assert checkout.root.name == "dir.v1"
        assert checkout.uri == f"{daemon}#sub/dir.v1"
    with fetch(f"{daemon}#sub/dir.v1/train.ipynb", "v1") as checkout:
        assert (checkout.root.name, checkout.notebook) == ("dir.v1", "train.ipynb")


@pytest.mark.parametrize("sub", ["/etc", "../x", "sub/../../x", "out", "missing", "MLproject", "sub/dir.v2"])
def test_a_sub_that_leaves_the_project_or_is_missing_is_refused(daemon, repository, tmp_path, sub):
    (repository.work / "out").symlink_to("/etc")
    repository.commit("link")
    repository.publish()
    with pytest.raises(SourceError) as caught:
        fetch(f"{daemon}#{sub}")
    assert sub in str(caught.value)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_version_that_is_not_there_is_refused_with_the_nearest(daemon, tmp_path):
    with pytest.raises(SourceError, match=r"Did you mean 'feature/x'\?"):
        fetch(daemon, "featur/x")
    with pytest.raises(SourceError, match="has no branch, tag or commit 'zzz'"):
        fetch(daemon, "zzz")
    with pytest.raises(SourceError, match="has no branch, tag or commit"):
        fetch(daemon, "0123456789" * 4)
    with pytest.raises(SourceError, match="has no branch, tag or commit"):
        fetch(daemon, "0123abc")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_an_ambiguous_abbreviation_is_refused(daemon, repository):
    seen = {}
    for number in range(2000):  # a shared prefix of four is certain long before
        tree = repository.run("rev-parse", "HEAD^{tree}")
        commit = run("commit-tree", "-m", str(number), "-p", "HEAD", tree, cwd=repository.work)
        if commit[:4] in seen:
            break
        seen[commit[:4]] = commit
    repository.run("branch", "one", commit)
    repository.run("branch", "two", seen[commit[:4]])
    repository.publish()
    with pytest.raises(SourceError, match="ambiguous"):
        fetch(daemon, commit[:4])


def test_an_empty_repository_and_one_without_default_branch_say_so(daemon, repository):
    run("init", "--quiet", "--bare", "empty.git", cwd=repository.served)
    with pytest.raises(SourceError, match="the repository is empty"):
        fetch(daemon.replace("project.git", "empty.git"))
    run("symbolic-ref", "HEAD", "refs/heads/gone", cwd=repository.bare)
    with pytest.raises(SourceError, match="choose a version: feature/x, main"):
        fetch(daemon)
    with fetch(daemon, repository.second[:8]) as checkout:
        assert checkout.commit == repository.second


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("{daemon}x", "there is no Git repository"),
        ("{web}/nothing.git", "there is no Git repository"),
        ("http://127.0.0.1:9/x.git", "cannot be reached"),
        ("git://127.0.0.1:9/x.git", "cannot be reached"),
        ("https://nowhere.invalid/x.git", "cannot be reached"),
        ("git+file:///no/such/folder", "no such folder"),
        ("git+file://{tmp}", "there is no Git repository"),
        ("/no/such/folder", "not a Git address either"),
        ("https://127.0.0.1/x.git?token=a", r"no '\?'"),
    ],
)
def test_a_repository_that_cannot_be_had_is_one_line_with_the_reason(daemon, open_server, tmp_path, uri, message):
    with pytest.raises(SourceError, match=message) as caught:
        fetch(uri.format(daemon=daemon, web=open_server.url, tmp=tmp_path))
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "token" not in str(caught.value)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_ssh_without_the_key_or_with_an_unknown_host_says_what_to_do(ssh, monkeypatch, tmp_path):
    url = f"ssh://{ssh.user}@127.0.0.1:{ssh.port}{ssh.root}"
    monkeypatch.setenv("GIT_SSH_COMMAND", re.sub(r"-i \S+", "-i /dev/null", ssh.command))
    with pytest.raises(SourceError, match="check your key"):
        fetch(url)
    monkeypatch.setenv("GIT_SSH_COMMAND", re.sub(r"UserKnownHostsFile=\S+", "UserKnownHostsFile=/dev/null", ssh.command))
    with pytest.raises(SourceError, match="host key"):
        fetch(url)


def test_progress_tells_what_is_fetched_and_how_far(daemon, repository):
    for number in range(200):
        repository.write(f"data/{number}", os.urandom(2000).hex())
    repository.commit("data")
    repository.publish()
    events = []
    with fetch(daemon, "main", progress=events.append) as checkout:
        assert events[0].text == f"fetching {daemon} (main)"
        assert events[-1].step == "fetched"
        assert events[-1].data["commit"] == checkout.commit
    assert any(event.total and event.done == event.total and event.total > 200 for event in events)


def test_the_checkout_is_removed_when_the_block_ends_and_when_it_fails(daemon):
    with fetch(daemon) as checkout:
        root = checkout.root
    assert not root.exists()

    def fail(checkout):
        with checkout:
            raise RuntimeError

    checkout = fetch(daemon)
    with pytest.raises(RuntimeError):
        fail(checkout)
    assert not checkout.root.exists()


def test_the_repositorys_public_address_is_the_remote_of_the_checkout(locked_server):
    url = locked_server.url.replace("http://", "http://alice:opensesame42@") + "/project.git"
    with fetch(url) as checkout:
        assert run("remote", "get-url", "origin", cwd=checkout.root) == f"{locked_server.url}/project.git" == checkout.repository == checkout.uri


def test_fetching_is_quick_to_import():
    heavy = ("git", "mlflow", "docker", "IPython", "pandas")
    code = f"import sys, nbproj.sources.registry; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.strip() == "[]"
