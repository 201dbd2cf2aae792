"""Which files of a project count, and what of them: not what runs leave, not what saving a notebook changes."""

from __future__ import annotations

import os
import subprocess
import time

import nbformat.v4
import pytest

from nbproj.identity.digests import BudgetSpentError, Digests
from nbproj.identity.manifest import changed_files, source_manifest
from nbproj.identity.states import recall, remember


def git(folder, *arguments):
    identity = ("-c", "user.name=Eva", "-c", "user.email=eva@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def committed(folder):
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "all")


def write(folder, **files):
    folder.mkdir(exist_ok=True, parents=True)
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    return folder


def notebook(path, *cells, **metadata):
    document = nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}, **metadata})
    path.write_text(nbformat.writes(document))


def code(source, **options):
    return nbformat.v4.new_code_cell(source, **options)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "project", train_dot_py="print(1)", lib__a_dot_py="a = 1")


def test_what_runs_leave_is_no_part_of_the_source(folder):
    before = source_manifest(folder)
    assert sorted(before) == ["lib/a.py", "train.py"]
    left = ("mlflow_dot_db", "mlflow_dot_db-wal", "mlruns__0__x_dot_txt", "mlartifacts__x", "lib___dot_ipynb_checkpoints__x_dot_ipynb")
    write(folder, **dict.fromkeys(left, "x"))
    write(folder / "lib/__pycache__", x_dot_py="x")
    write(folder, _dot_env="TOKEN=s3cret")
    notebook(folder / "out.ipynb", code("1"), papermill={"version": "2.6"})
    assert source_manifest(folder) == before
    committed(folder)
    assert source_manifest(folder) == before
    assert sorted(source_manifest(folder, own="out.ipynb")) == ["lib/a.py", "out.ipynb", "train.py"]
    assert source_manifest(folder, leave_out=[folder / "lib"]) == {"train.py": before["train.py"]}


def test_what_is_left_out_may_be_named_through_a_link(folder, tmp_path):
    write(folder, runs_dot_db="x")
    (tmp_path / "link").symlink_to(folder)
    assert sorted(source_manifest(folder, leave_out=[tmp_path / "link/runs.db"])) == ["lib/a.py", "train.py"]


def test_saving_and_running_a_notebook_changes_nothing_and_writing_in_it_does(folder):
    path = folder / "train.ipynb"
    notebook(path, code("alpha = 1", metadata={"tags": ["parameters"]}), code("print(alpha)"), code("%mlbatch . -P alpha=range(3)"))
    before = source_manifest(folder)
    output = nbformat.v4.new_output("stream", text="1\n")
    executed = [
        code("alpha = 1", metadata={"tags": ["parameters"], "collapsed": True}, execution_count=1),
        code("print(alpha)", outputs=[output], execution_count=2),
        code("%mlbatch . -P alpha=range(3)", execution_count=3, outputs=[output]),
    ]
    notebook(path, *executed, language_info={"name": "python", "version": "3.13"}, widgets={"x": 1})
    assert source_manifest(folder) == before
    notebook(path, *executed, code("display(batch)", metadata={"tags": ["nbproj-skip"]}))
    assert source_manifest(folder) == before
    for changed in (
        [code("alpha = 2", metadata={"tags": ["parameters"]}), *executed[1:]],
        [code("alpha = 1"), *executed[1:]],
        executed[::-1],
        [*executed, code("more()")],
    ):
        notebook(path, *changed)
        assert changed_files(before, source_manifest(folder)) == ["train.ipynb changed"]
    path.write_text(path.read_text().replace('"python3"', '"ir"'))
    assert changed_files(before, source_manifest(folder)) == ["train.ipynb changed"]
    path.write_text("no notebook")
    assert changed_files(before, source_manifest(folder)) == ["train.ipynb changed"]


def test_changed_removed_and_new_files_are_listed(folder):
    before = source_manifest(folder)
    (folder / "train.py").write_text("print(2)")
    (folder / "lib/a.py").unlink()
    write(folder, new_dot_py="")
    assert changed_files(before, source_manifest(folder)) == ["lib/a.py removed", "new.py new", "train.py changed"]
    assert changed_files(before, before) == []


def test_a_script_that_becomes_executable_has_changed(folder):
    before = source_manifest(folder)
    (folder / "train.py").chmod(0o755)
    assert changed_files(before, source_manifest(folder)) == ["train.py changed"]


def test_with_git_what_it_tracks_or_would_take_counts_unless_hidden_and_a_fresh_checkout_of_it_is_the_same(folder, tmp_path):
    write(folder, _dot_gitignore="*.csv\nkept.log\n", data_dot_csv="1", kept_dot_log="tracked all the same", _dot_hidden__x="1")
    (folder / "link").symlink_to("train.py")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "add", "--force", "kept.log")
    write(folder, new_dot_py="not added yet", _dot_vscode__settings_dot_json="{}", **{"train.py~": "left by an editor"})
    (folder / ".python-version").write_text("3.13")
    found = source_manifest(folder)
    assert sorted(found) == [".gitignore", ".hidden/x", ".python-version", "kept.log", "lib/a.py", "link", "new.py", "train.py"]
    assert found["link"] == "link:train.py"
    git(folder, "add", "new.py", ".python-version")
    git(folder, "commit", "--quiet", "--message", "all")
    assert source_manifest(folder) == found
    git(tmp_path, "clone", "--quiet", "project", "clone")
    assert source_manifest(tmp_path / "clone", fresh=True) == found
    assert source_manifest(folder / "lib") == {"a.py": found["lib/a.py"]}


def test_a_repository_inside_counts_file_by_file(folder, tmp_path):
    committed(folder)
    inner = write(tmp_path / "inner", b_dot_py="b = 1")
    committed(inner)
    git(folder, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(inner), "vendor")
    found = source_manifest(folder)
    assert "vendor/b.py" in found
    (folder / "vendor/b.py").write_text("b = 2")
    assert changed_files(found, source_manifest(folder)) == ["vendor/b.py changed"]


def test_nothing_of_the_repositorys_own_configuration_is_executed(folder, tmp_path):
    committed(folder)
    for name in ("core.fsmonitor", "core.hooksPath", "core.pager", "core.editor", "core.sshCommand"):
        git(folder, "config", name, f"touch {tmp_path}/PWNED")
    assert sorted(source_manifest(folder)) == ["lib/a.py", "train.py"]
    git(folder, "config", "core.worktree", str(tmp_path))
    assert sorted(source_manifest(folder)) == ["lib/a.py", "train.py"]
    assert not (tmp_path / "PWNED").exists()


def test_a_folder_that_git_ignores_counts_as_if_there_were_no_git(tmp_path):
    write(tmp_path, _dot_gitignore="project/\n")
    git(tmp_path, "init", "--quiet")
    folder = write(tmp_path / "project", train_dot_py="", _dot_hidden__x="", env__lib_dot_py="", env__pyvenv_dot_cfg="")
    (folder / ".python-version").write_text("3.13")
    assert sorted(source_manifest(folder)) == [".python-version", "train.py"]


def test_links_out_of_the_project_and_pipes_are_not_followed(folder, tmp_path):
    write(tmp_path, outside_dot_txt="1")
    (folder / "away").symlink_to(tmp_path / "outside.txt")
    os.mkfifo(folder / "pipe")
    committed(folder)
    before = source_manifest(folder)
    write(tmp_path, outside_dot_txt="2")
    assert source_manifest(folder) == before
    assert "pipe" not in before


def test_files_are_read_once_and_again_when_they_change(folder):
    def digest(budget):
        with Digests("memory", budget=budget) as digests:
            return source_manifest(folder, digests=digests)

    with pytest.raises(BudgetSpentError):
        digest(5)
    time.sleep(0.15)  # a file that was written just now may change without its times telling
    before = digest(None)
    assert digest(0) == before
    (folder / "train.py").write_text("print(2)")
    with pytest.raises(BudgetSpentError):
        digest(0)
    assert changed_files(before, digest(None)) == ["train.py changed"]


def test_a_memory_that_is_damaged_is_made_anew(folder, home):
    time.sleep(0.15)
    with Digests("memory") as digests:
        before = source_manifest(folder, digests=digests)
    (memory,) = (home / ".cache/nbproj/digests").glob("*.json")
    for text in ("", "[]", '{"version": 1, "files": {"a": [1]}}', '{"version": 99}'):
        memory.write_text(text)
        with Digests("memory") as digests:
            assert source_manifest(folder, digests=digests) == before


def test_more_files_than_are_cheap_are_not_looked_at(folder):
    with pytest.raises(BudgetSpentError):
        source_manifest(folder, most=1)


def test_a_state_that_was_seen_is_known_again_and_only_the_latest_are_kept(home):
    for number in range(205):
        remember(f"{number:032x}", {"train.py": str(number)})
    kept = list((home / ".cache/nbproj/sources").iterdir())
    assert len(kept) == 200
    assert recall(f"{204:032x}") == {"train.py": "204"}
    assert recall("0" * 31 + "f" * 2) is None
    kept[0].write_text("[")
    assert recall(kept[0].stem) is None
