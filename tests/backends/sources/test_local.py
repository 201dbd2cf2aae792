from __future__ import annotations

import os
import subprocess

import pytest

from nbproj.errors import SourceError
from nbproj.sources import worktree
from nbproj.sources.registry import fetch


def state(folder):
    """Return everything in a folder that a fetch could change, `.git` included."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("form", ["{}", "file://{}", "{}/", "'{}'"])
def test_a_folder_is_run_in_place(tmp_path, form):
    (tmp_path / "project").mkdir()
    with fetch(form.format(tmp_path / "project")) as checkout:
        assert checkout.root == tmp_path / "project"
        assert (checkout.temporary, checkout.commit, checkout.uri) == (None, None, str(tmp_path / "project"))
    assert (tmp_path / "project").is_dir()


def test_a_relative_path_and_the_home_are_understood(tmp_path, monkeypatch, home):
    (home / "project").mkdir()
    monkeypatch.chdir(home)
    for uri in ("project", "./project", "~/project", ".#project"):
        assert fetch(uri).root == home / "project", uri


def test_a_notebook_is_a_project_in_its_folder(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/train.ipynb").write_text("{}")
    for uri in (f"{tmp_path}/a b/train.ipynb", f"file://{tmp_path}/a%20b/train.ipynb", f"{tmp_path}#a b/train.ipynb"):
        checkout = fetch(uri)
        assert (checkout.root, checkout.notebook, checkout.temporary) == (tmp_path / "a b", "train.ipynb", None), uri


@pytest.mark.parametrize("sub", ["/etc", "..", "x/../..", "out"])
def test_a_sub_that_leaves_the_folder_is_refused(tmp_path, sub):
    (tmp_path / "project/x").mkdir(parents=True)
    (tmp_path / "project/out").symlink_to("/etc")
    with pytest.raises(SourceError, match="leaves the project"):
        fetch(f"{tmp_path}/project#{sub}")


def test_what_is_no_project_is_one_line_with_a_suggestion(tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(SourceError, match=r"not a Git address either\. Did you mean 'project'\?"):
        fetch(f"{tmp_path}/projekt")
    with pytest.raises(SourceError, match="is not a project"):
        fetch(f"{tmp_path}/notes.txt")
    with pytest.raises(SourceError, match=r"Did you mean 'notes.txt'\?"):
        fetch(f"{tmp_path}#notes.tx")


def test_commit_branch_and_remote_are_told_without_credentials(repository):
    repository.run("remote", "add", "origin", "https://user:s3cret@example.org/team/x.git")
    checkout = fetch(str(repository.work))
    assert (checkout.commit, checkout.branch, checkout.dirty, checkout.difference) == (repository.last, "main", False, b"")
    assert checkout.repository == "https://example.org/team/x.git"
    assert checkout.uri == f"file://{repository.work}"
    assert fetch(f"{repository.work}#sub/dir.v1").uri == f"file://{repository.work}#sub/dir.v1"
    assert fetch(f"{repository.work}/sub/dir.v1/train.ipynb").uri == f"file://{repository.work}#sub/dir.v1/train.ipynb"


def test_a_detached_head_has_no_branch_and_a_new_repository_no_commit(repository, tmp_path):
    repository.run("checkout", "--quiet", "v1")
    assert (fetch(str(repository.work)).branch, fetch(str(repository.work)).commit) == (None, repository.first)
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "new")], check=True, timeout=30)
    assert fetch(str(tmp_path / "new")).commit is None


def test_changes_are_told_as_a_patch_that_applies(repository):
    repository.write("MLproject", "name: staged\n")
    repository.run("add", "MLproject")
    repository.write("MLproject", "name: staged and changed\n")
    repository.write("added.txt", "added\n")
    repository.run("add", "added.txt")
    (repository.work / "sub/dir.v1/train.ipynb").unlink()
    repository.write("new.txt", "new\n")
    before = state(repository.work)
    checkout = fetch(str(repository.work))
    assert state(repository.work) == before
    assert checkout.dirty
    assert b"# not in Git: new.txt\n" in checkout.difference
    repository.run("stash", "--include-untracked")
    subprocess.run(["git", "apply", "--index", "-"], cwd=repository.work, input=checkout.difference, check=True, timeout=30)
    assert (repository.work / "MLproject").read_text() == "name: staged and changed\n"
    assert (repository.work / "added.txt").exists()
    assert not (repository.work / "sub/dir.v1/train.ipynb").exists()


def test_only_what_lies_below_the_project_makes_it_dirty(repository):
    repository.write("MLproject", "changed")
    repository.write("beside.txt", "new")
    assert not fetch(f"{repository.work}#sub").dirty
    repository.write("sub/new.txt", "new")
    assert fetch(f"{repository.work}#sub").difference == b"# not in Git: new.txt\n"


def test_ignored_files_and_what_runs_leave_behind_do_not_make_it_dirty(repository, tmp_path):
    repository.write(".git/info/exclude", "excluded\n")
    for name in ("excluded", "mlflow.db", "mlflow.db-wal", "mlruns/0/meta.yaml", "sub/.ipynb_checkpoints/x.ipynb", "sub/__pycache__/x.pyc"):
        repository.write(name, "x")
    assert fetch(str(repository.work)).difference == b""


def test_a_touched_file_with_the_same_content_is_not_a_change(repository):
    os.utime(repository.work / "MLproject", (1, 1))
    assert not fetch(str(repository.work)).dirty


def test_a_folder_that_its_repository_ignores_has_no_git_information(repository):
    repository.write(".gitignore", "build/\n")
    repository.write("build/MLproject", "")
    assert fetch(f"{repository.work}/build").commit is None
    assert fetch(f"{repository.work}/sub").commit == repository.last


def test_a_large_difference_is_cut_with_a_note(repository):
    repository.write("MLproject", "x" * 79 + "\n" + "\n".join(str(number) for number in range(400_000)))
    difference = fetch(str(repository.work)).difference
    assert len(difference) < worktree.MOST_DIFFERENCE + 200
    assert difference.endswith(b"bytes\n")
    assert b"\n# cut here: more than" in difference


def test_names_of_new_files_cannot_forge_lines(repository):
    repository.write("a\nb\x1b[31m.txt", "x")
    assert fetch(str(repository.work)).difference == b"# not in Git: a\\nb\\x1b[31m.txt\n"


@pytest.mark.parametrize("feature", ["worktree", "split-index", "sha256", "packed", "spaces"])
def test_every_layout_of_a_repository_is_read(repository, tmp_path, feature):
    folder = repository.work
    if feature == "worktree":
        folder = tmp_path / "second"
        repository.run("worktree", "add", "--quiet", str(folder), "feature/x")
    elif feature == "split-index":
        repository.run("update-index", "--split-index")
    elif feature == "packed":
        repository.run("gc", "--quiet")
    else:
        folder = tmp_path / 'odd "name" #1'
        form = "sha256" if feature == "sha256" else "sha1"
        subprocess.run(["git", "init", "--quiet", f"--object-format={form}", str(folder)], check=True, timeout=30)
        (folder / "MLproject").write_text("name: one\n")
        subprocess.run(["git", "add", "."], cwd=folder, check=True, timeout=30)
        subprocess.run(["git", "commit", "--quiet", "-m", "one"], cwd=folder, check=True, timeout=30)
    assert not fetch(str(folder)).dirty
    (folder / "MLproject").write_text("changed\n")
    checkout = fetch(str(folder))
    assert b"+changed" in checkout.difference
    assert checkout.commit == subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user_is_run_with_a_note_instead_of_git_information(repository):
    for path in (repository.work, *repository.work.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    events = []
    checkout = fetch(str(repository.work), progress=events.append)
    assert (checkout.root, checkout.commit) == (repository.work, None)
    assert [event.step for event in events] == ["note"]
    assert "dubious ownership" in events[0].text
    with pytest.raises(SourceError, match=r"safe\.directory"):
        fetch(str(repository.work), "v1")


def test_a_broken_repository_is_run_with_a_note(repository):
    (repository.work / ".git/HEAD").write_text("nonsense")
    events = []
    assert fetch(str(repository.work), progress=events.append).root == repository.work
    assert [event.step for event in events] == ["note"]


def test_a_folder_is_run_where_there_is_no_git(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    events = []
    assert fetch(str(repository.work), progress=events.append).root == repository.work
    assert "Git is not installed" in events[0].text
    with pytest.raises(SourceError, match="Git is not installed"):
        fetch("https://127.0.0.1/x")


@pytest.mark.parametrize("version", ["v1", "feature/x", "main", "first", "short", "remote-only"])
def test_a_version_of_a_local_repository_is_a_private_checkout(repository, tmp_path, version):
    repository.run("remote", "add", "origin", "https://user:s3cret@example.org/x.git")
    repository.run("update-ref", "refs/remotes/origin/remote-only", repository.second)
    repository.write("MLproject", "uncommitted\n")
    repository.write("new.txt", "new")
    repository.run("add", "new.txt")
    expected = {
        "v1": (repository.first, None),
        "feature/x": (repository.second, "feature/x"),
        "main": (repository.last, "main"),
        "first": (repository.first, None),
        "short": (repository.second, None),
        "remote-only": (repository.second, "remote-only"),
    }[version]
    before = state(repository.work)
    with fetch(str(repository.work), {"first": repository.first, "short": repository.second[:8]}.get(version, version)) as checkout:
        assert (checkout.commit, checkout.branch) == expected
        assert checkout.repository == "https://example.org/x.git"
        assert not checkout.root.is_relative_to(repository.work)
        assert not (checkout.root / "new.txt").exists()
        assert not checkout.dirty
        (checkout.root / "MLproject").write_text("changed by a run")
    assert state(repository.work) == before
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_version_of_a_folder_or_notebook_inside_a_repository(repository):
    repository.run("rm", "--quiet", "-r", "sub")
    repository.write("sub/other", "")
    with fetch(f"{repository.work}#sub/dir.v1", "v1") as checkout:
        assert (checkout.root.name, checkout.uri) == ("dir.v1", f"{repository.work}#sub/dir.v1")
    with fetch(f"{repository.work}/sub#dir.v1/train.ipynb", "v1") as checkout:
        assert checkout.notebook == "train.ipynb"
    with pytest.raises(SourceError, match="leaves the project"):
        fetch(f"{repository.work}/sub#../MLproject", "v1")


def test_a_version_that_the_repository_does_not_have(repository, tmp_path):
    with pytest.raises(SourceError, match=r"no branch, tag or commit 'featur/x'\. Did you mean 'feature/x'"):
        fetch(str(repository.work), "featur/x")
    (tmp_path / "plain").mkdir()
    with pytest.raises(SourceError, match="needs a Git project"):
        fetch(str(tmp_path / "plain"), "v1")


def test_local_submodules_come_with_a_version_of_a_local_repository(repository, tmp_path):
    inner = tmp_path / "inner"
    subprocess.run(["git", "clone", "--quiet", str(repository.bare), str(inner)], check=True, timeout=60)
    repository.write(".gitmodules", '[submodule "a"]\npath = parts/a\nurl = ../../inner\n[submodule "b"]\npath = parts/b\nurl = ' + str(inner) + "\n")
    for name in "ab":
        repository.run("update-index", "--add", "--cacheinfo", f"160000,{repository.first},parts/{name}")
    repository.run("add", ".gitmodules")
    repository.run("commit", "--quiet", "-m", "submodules")
    with fetch(str(repository.work), "main") as checkout:
        assert (checkout.root / "parts/a/MLproject").read_text() == "name: one\n"
        assert (checkout.root / "parts/b/MLproject").read_text() == "name: one\n"
