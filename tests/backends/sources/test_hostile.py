"""Hostile repositories and addresses: what they would execute writes a file named PWNED, which must never appear."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from nbproj.errors import SourceError
from nbproj.sources.registry import fetch


@pytest.fixture(autouse=True)
def pwned(tmp_path, home):
    yield (tmp_path / "PWNED")
    found = [*tmp_path.rglob("*PWNED*"), *home.rglob("*PWNED*"), *Path.cwd().glob("*PWNED*")]
    assert found == []


@pytest.fixture
def program(tmp_path, pwned):
    """Return a program that leaves the trace; it behaves well otherwise, so that git goes on."""
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\n: > '{str(pwned)[:-5]}'PWN''ED\ncat\n")
    path.chmod(0o755)
    return str(path)


def test_the_trap_works(program, pwned):
    subprocess.run([program], stdin=subprocess.DEVNULL, check=True, timeout=30)
    assert pwned.exists()
    pwned.unlink()


def everything(program):
    return {
        "core.fsmonitor": program,
        "core.sshCommand": program,
        "core.pager": program,
        "core.askPass": program,
        "core.alternateRefsCommand": program,
        "diff.external": program,
        "diff.trap.textconv": program,
        "diff.trap.command": program,
        "filter.trap.clean": program,
        "filter.trap.smudge": program,
        "filter.trap.process": program,
        "filter.trap.required": "true",
        "uploadpack.packObjectsHook": program,
        "credential.helper": f"!{program}",
        "alias.diff": f"!{program}",
        "alias.status": f"!{program}",
        "remote.origin.uploadpack": program,
        "remote.origin.url": f"ext::{program}",
        "remote.origin.promisor": "true",
        "remote.origin.vcs": "ext",
        "extensions.partialClone": "origin",
        "submodule.recurse": "true",
    }


def arm(repository, program):
    for key, value in everything(program).items():
        repository.run("config", key, value)
    for name in ("post-checkout", "pre-commit", "post-index-change", "fsmonitor-watchman", "reference-transaction", "post-rewrite", "pre-auto-gc"):
        hook = repository.work / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(Path(program).read_text())
        hook.chmod(0o755)


@pytest.mark.parametrize("command", [["status"], ["diff", "HEAD"], ["add", "--dry-run", "."]])
def test_plain_git_does_execute_what_these_repositories_hold(repository, program, pwned, command):
    repository.write(".gitattributes", "* filter=trap diff=trap merge=trap\n")
    repository.commit("attributes")
    arm(repository, program)
    repository.write("MLproject", "name: changed\n")
    subprocess.run(["git", *command], cwd=repository.work, capture_output=True, check=False, timeout=30)
    assert pwned.exists()
    pwned.unlink()


def test_a_local_repository_executes_nothing_when_its_state_is_read(repository, program):
    repository.write(".gitattributes", "* filter=trap diff=trap merge=trap\n")
    repository.commit("attributes")
    arm(repository, program)
    repository.write("MLproject", "name: changed\n")
    repository.write("new.txt", "new\n")
    with fetch(str(repository.work)) as checkout:
        assert checkout.dirty
        assert b"+name: changed" in checkout.difference


@pytest.mark.parametrize("version", ["v1", "main", "feature/x", None])
def test_a_local_repository_executes_nothing_when_a_version_is_taken_from_it(repository, program, version):
    repository.write(".gitattributes", "* filter=trap diff=trap\n")
    repository.commit("attributes")
    arm(repository, program)
    with fetch(f"git+file://{repository.work}" if version is None else str(repository.work), version) as checkout:
        assert checkout.commit == repository.run("rev-parse", f"{version or 'main'}^{{commit}}")


def test_a_missing_object_of_a_partial_clone_is_not_fetched_by_the_repositorys_own_command(repository, program):
    arm(repository, program)
    blob = repository.run("rev-parse", "HEAD:MLproject")
    (repository.work / ".git/objects" / blob[:2] / blob[2:]).unlink()
    repository.write("MLproject", "name: changed\n")
    events = []
    with fetch(str(repository.work), progress=events.append) as checkout:
        assert checkout.root == repository.work
    with pytest.raises(SourceError):
        fetch(str(repository.work), "main")


def test_a_submodule_of_a_local_repository_executes_nothing(repository, program, tmp_path):
    inner = repository.work / "inner"
    subprocess.run(["git", "clone", "--quiet", str(repository.bare), str(inner)], check=True, timeout=60)
    repository.run("add", "inner")
    repository.run("commit", "--quiet", "-m", "inner")
    subprocess.run(["git", "config", "core.fsmonitor", program], cwd=inner, check=True, timeout=60)
    (inner / "MLproject").write_text("name: changed inside\n")
    with fetch(str(repository.work)) as checkout:
        assert not checkout.dirty


def test_a_worktree_setting_that_points_elsewhere_shows_nothing_of_that_place(repository, tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private/MLproject").write_text("private words")
    repository.run("config", "core.worktree", str(tmp_path / "private"))
    with fetch(str(repository.work)) as checkout:
        assert b"private words" not in checkout.difference
        assert checkout.commit is None


def test_a_folder_that_looks_like_a_bare_repository_is_not_one_for_the_folder_above(repository, program):
    trap = repository.work / "trap"
    subprocess.run(["git", "init", "--quiet", "--bare", str(trap)], check=True, timeout=60)
    (trap / "config").write_text(f'[core]\nrepositoryformatversion = 0\nbare = false\nworktree = ..\nfsmonitor = "{program}"\n')
    (trap / "sub").mkdir()
    with fetch(str(trap / "sub")) as checkout:
        assert checkout.root == trap / "sub"


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c 'touch PWNED'",
        "git+ext::sh -c 'touch PWNED'",
        "--upload-pack=touch PWNED",
        "-u./program",
        "ssh://-oProxyCommand=touch%20PWNED/x",
        "ssh://%2DoProxyCommand=touch%20PWNED/x",
        "ssh://localhost/--upload-pack=touch PWNED",
        "-oProxyCommand=touch PWNED:x",
        "file:///x\n--upload-pack=touch PWNED",
        "git@localhost:;touch PWNED",
        "localhost:`touch PWNED`",
        "ssh://localhost/$(touch PWNED)",
        "ssh://localhost;touch PWNED/x",
        "git://127.0.0.1:9/`touch PWNED`",
        "http://127.0.0.1:9/;touch PWNED",
        "/no/such;touch PWNED",
        "/no/such#$(touch PWNED)",
        "file:///$(touch PWNED)",
    ],
)
def test_nothing_in_an_address_is_executed(address, monkeypatch):
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -o ConnectTimeout=3 -o BatchMode=yes -p 9")
    with pytest.raises(SourceError) as caught:
        fetch(address)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "version", ["--upload-pack=touch PWNED", "-x", "--output=PWNED", "$(touch PWNED)", "`touch${IFS}PWNED`", ";touch${IFS}PWNED", "a\nb"]
)
@pytest.mark.parametrize("place", ["daemon", "local"])
def test_nothing_in_a_version_is_executed(request, repository, place, version):
    with pytest.raises(SourceError) as caught:
        fetch(request.getfixturevalue("daemon") if place == "daemon" else str(repository.work), version)
    assert "\n" not in str(caught.value)


def test_the_hooks_and_templates_of_the_user_do_not_run_in_a_checkout(daemon, program, tmp_path, monkeypatch):
    template = tmp_path / "template"
    (template / "hooks").mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (template / "hooks" / name).write_text(Path(program).read_text())
        (template / "hooks" / name).chmod(0o755)
    with Path(os.environ["GIT_CONFIG_GLOBAL"]).open("a") as stream:
        stream.write(f"[core]\nhooksPath = {template}/hooks\nfsmonitor = {program}\n[init]\ntemplateDir = {template}\n")
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template))
    with fetch(daemon) as checkout:
        assert not (checkout.root / ".git/hooks").exists()


@pytest.mark.parametrize("variable", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND"])
def test_variables_that_redirect_git_are_not_passed_on(daemon, repository, program, monkeypatch, variable):
    monkeypatch.setenv(variable, program)
    with fetch(daemon, "v1") as remote, fetch(str(repository.work)) as local:
        assert (remote.commit, local.commit) == (repository.first, repository.last)


def test_a_filter_named_by_a_remote_repository_is_not_run(daemon, repository, program):
    repository.write(".gitattributes", "* filter=trap ident\n")
    repository.write(".gitconfig", f'[filter "trap"]\nsmudge = {program}\n')
    repository.write(".lfsconfig", "[lfs]\nurl = ext::sh\n")
    repository.commit("filter")
    repository.publish()
    with fetch(daemon) as checkout:
        assert (checkout.root / "MLproject").read_text() == "name: three\n"


def add_submodule(repository, *, path="x", url, name="x", commit=None, extra=""):
    repository.write(".gitmodules", f'[submodule "{name}"]\n\tpath = {path}\n\turl = {url}\n{extra}')
    repository.run("update-index", "--add", "--cacheinfo", f"160000,{commit or repository.first},{path}")
    repository.run("add", ".gitmodules")
    repository.run("commit", "--quiet", "-m", "submodule")
    repository.publish()


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c 'touch PWNED'",
        "-u./program",
        "--upload-pack=touch PWNED",
        "ssh://-oProxyCommand=touch/x",
        "-oProxyCommand=x:y",
        "file:///etc",
        "/etc",
        "~/x",
        "./../../../../x",
        "https://user:password@127.0.0.1/x",
        "unknown://127.0.0.1/x",
    ],
)
def test_a_submodule_of_a_server_may_not_be_a_command_an_option_or_a_local_path(daemon, repository, tmp_path, url):
    add_submodule(repository, url=f'"{url}"')
    with pytest.raises(SourceError, match="submodule 'x':") as caught:
        fetch(daemon)
    assert "\n" not in str(caught.value)
    assert "password@" not in str(caught.value)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("name", ["../../x", "../.git/hooks", "-x", "a/../../b", 'x\\"; touch PWNED'])
def test_a_hostile_name_of_a_submodule_is_never_a_path(daemon, repository, tmp_path, name):
    add_submodule(repository, name=name, url=daemon)
    with fetch(daemon) as checkout:
        assert (checkout.root / "x/MLproject").read_text() == "name: one\n"
        assert sorted(path.name for path in checkout.temporary.iterdir() if path.is_dir()) == ["project"]


def test_an_update_command_and_a_path_that_starts_with_a_dash_are_harmless(daemon, repository, program):
    add_submodule(repository, path="-x", url=daemon, extra=f"\tupdate = !{program}\n\tbranch = --upload-pack={program}\n\tignore = all\n")
    with fetch(daemon) as checkout:
        assert (checkout.root / "-x/MLproject").is_file()


@pytest.mark.parametrize("path", ["../x", "/etc/x", ".git/hooks", "missing"])
def test_declared_paths_count_only_where_the_tree_has_a_submodule(daemon, repository, tmp_path, path):
    repository.write(".gitmodules", f'[submodule "x"]\n\tpath = {path}\n\turl = {daemon}\n')
    repository.commit("declared only")
    repository.publish()
    with fetch(daemon) as checkout:
        assert sorted(entry.name for entry in checkout.root.iterdir()) == [".git", ".gitmodules", "MLproject", "sub"]


def test_gitmodules_as_a_symbolic_link_or_with_an_include_reads_no_other_file(daemon, repository, tmp_path):
    (tmp_path / "modules").write_text(f'[submodule "x"]\n\tpath = x\n\turl = {daemon}\n')
    repository.write(".gitmodules", f"[include]\n\tpath = {tmp_path}/modules\n")
    repository.run("update-index", "--add", "--cacheinfo", f"160000,{repository.first},x")
    repository.run("add", ".gitmodules")
    repository.run("commit", "--quiet", "-m", "include")
    repository.publish()
    events = []
    with fetch(daemon, progress=events.append) as checkout:
        assert list((checkout.root / "x").iterdir()) == []
    assert any("its folder stays empty" in event.text for event in events)


def test_submodules_that_contain_each_other_end(open_server, repository):
    url = f"{open_server.url}/project.git"
    commit = None
    for _ in range(10):
        add_submodule(repository, url=url, commit=commit)
        commit = repository.run("rev-parse", "HEAD")
    with pytest.raises(SourceError, match="nested more than"):
        fetch(url)


def test_what_a_server_says_is_one_printable_line(tmp_path, web):
    with web(tmp_path) as server:
        server.redirects["/x.git/info/refs"] = "/\x1b[31m"
        with pytest.raises(SourceError) as caught:
            fetch(f"{server.url}/x.git")
    assert str(caught.value).isprintable()
