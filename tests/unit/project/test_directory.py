"""Folders as projects, and what a name means in them."""

import json
import os
import subprocess

import pytest

from nbproj.errors import EntryPointError, ProjectError
from nbproj.project.directory import find_entry_point, load_project, scan
from nbproj.project.listing import MAXIMUM_FILES, runnable_files
from nbproj.project.model import EnvironmentSpec


def notebook(source="", tags=(), **metadata):
    cell = {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source, "outputs": []}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [cell]})


@pytest.fixture
def folder(tmp_path):
    """Make files in a project folder: a mapping of path to text, or paths of empty ones."""
    root = tmp_path / "wine"
    root.mkdir()

    def make(*names, **texts):
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(notebook() if name.endswith(".ipynb") else "")
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    return make


def refused(project, name):
    with pytest.raises(ProjectError) as caught:
        find_entry_point(project, name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- loading


def test_a_folder_without_mlproject_is_named_after_itself(folder):
    project = load_project(folder("requirements.txt"))
    assert (project.name, project.file, dict(project.entry_points)) == ("wine", None, {})
    assert project.environment == EnvironmentSpec("uv", file="requirements.txt")


@pytest.mark.parametrize("name", ["MLproject", "mlproject", "MLPROJECT", "mLpRoJeCt"])
def test_mlproject_is_found_in_any_case(folder, name):
    assert load_project(folder(**{name: "name: x"})).name == "x"


def test_the_first_of_several_mlproject_files_counts(folder):
    assert load_project(folder(MLproject="name: first", mlproject="name: second")).name == "first"


@pytest.mark.parametrize("name", ["MLproject.yaml", "xMLproject"])
def test_other_names_are_not_mlproject(folder, name):
    assert load_project(folder(**{name: "name: x"})).name == "wine"


def test_an_mlproject_without_environment_follows_the_conventions(folder):
    assert load_project(folder("conda.yaml", MLproject="entry_points:")).environment == EnvironmentSpec("conda", file="conda.yaml")
    assert load_project(folder("r.yaml", MLproject="python_env: r.yaml")).environment.file == "r.yaml"


def test_a_spark_job_has_no_environment_by_convention(folder):
    assert load_project(folder("conda.yaml", MLproject="databricks_spark_job: {python_file: a}")).environment == EnvironmentSpec()


def test_strict_reaches_the_file(folder):
    root = folder(MLproject="zzz: 1")
    assert load_project(root).warnings
    with pytest.raises(ProjectError, match="MLproject:1:1"):
        load_project(root, strict=True)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="there is no folder"):
        load_project(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="is not a folder"):
        load_project(tmp_path / "file")


def test_an_mlproject_that_leaves_the_folder_is_refused(folder, tmp_path):
    (tmp_path / "secret").write_text("name: hush")
    root = folder()
    (root / "MLproject").symlink_to("../secret")
    with pytest.raises(ProjectError, match="leaves the project's folder"):
        load_project(root)


def test_an_mlproject_folder_is_none(folder):
    root = folder()
    (root / "MLproject").mkdir()
    assert load_project(root).file is None


def test_one_notebook_is_a_project(folder):
    project = load_project(folder("train.ipynb", "conda.yaml", MLproject="[broken"), notebook="train.ipynb")
    assert (project.name, project.notebook, list(project.entry_points), project.environment) == ("train", "train.ipynb", ["main"], EnvironmentSpec())
    assert find_entry_point(project).notebook == "train.ipynb"
    assert scan(project) == {}
    assert find_entry_point(project, "train.ipynb").notebook == "train.ipynb"
    assert "there is no entry point 'other.ipynb'" in refused(project, "other.ipynb")


# --- entry points


def test_a_declared_name_comes_before_a_file(folder):
    project = load_project(folder("train.py", MLproject="entry_points: {train.py: {command: other}}"))
    assert find_entry_point(project, "train.py").command == "other"


@pytest.mark.parametrize("asked", [None, "main"])
@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["main.py", "main.ipynb", "x.ipynb"], "main.py"),
        (["main.ipynb", "x.ipynb"], "main.ipynb"),
        (["sub/only.ipynb", "x.py"], "sub/only.ipynb"),
    ],
)
def test_main_by_convention(folder, asked, files, found):
    assert find_entry_point(load_project(folder(*files)), asked).name == found


def test_main_is_the_declared_one_first(folder):
    assert find_entry_point(load_project(folder("main.py", MLproject="entry_points: {main: {command: run}}"))).command == "run"


@pytest.mark.parametrize("files", [[], ["a.py"], ["a.ipynb", "b.ipynb"], ["sub/main.py"]])
def test_main_is_not_guessed(folder, files):
    assert "there is no entry point 'main'" in refused(load_project(folder(*files)), None)


@pytest.mark.parametrize("name", ["train.py", "sub/run.sh", "sub/my run.R", "-x.py"])
def test_a_script_is_an_entry_point_by_its_path(folder, name):
    found = find_entry_point(load_project(folder(name)), name)
    assert (found.name, found.script, found.notebook, found.parameters) == (name, name, None, ())


def test_a_path_is_made_plain(folder):
    project = load_project(folder("sub/train.py"))
    for written in ("./sub//train.py", "sub/../sub/train.py", str(project.root / "sub/train.py")):
        assert find_entry_point(project, written).name == "sub/train.py"


def test_a_notebook_is_an_entry_point_with_its_parameters(folder):
    root = folder()
    (root / "t.ipynb").write_text(notebook("alpha = 1.5", ["parameters"]))
    found = find_entry_point(load_project(root), "t.ipynb")
    assert (found.name, found.notebook, found.parameters[0].default) == ("t.ipynb", "t.ipynb", 1.5)


@pytest.mark.parametrize("name", ["../out.py", "/etc/out.py", "link.py", "linked/out.py", "sub/../../out.py", "../wine-2/out.py", "a\0b.py"])
def test_a_path_that_leaves_the_project_is_refused(folder, tmp_path, name):
    root = folder()
    (tmp_path / "out.py").touch()
    (tmp_path / "wine-2").mkdir()
    (tmp_path / "wine-2/out.py").touch()
    (root / "link.py").symlink_to("../out.py")
    (root / "linked").symlink_to("..")
    (root / "sub").mkdir()
    message = refused(load_project(root), name)
    assert "leaves the project's folder" in message or "NUL" in message


def test_an_unknown_name_is_answered_with_those_there_are(folder):
    project = load_project(folder("evaluate.py", MLproject="entry_points: {train: {command: run}, report: {command: run}}"))
    assert refused(project, "trian") == "there is no entry point 'trian'. Did you mean 'train'? Entry points: train, report. Files: evaluate.py"
    assert "Did you mean 'evaluate.py'?" in refused(project, "evalaute.py")
    assert refused(load_project(folder(MLproject="")), "x").startswith("there is no entry point 'x'.")


def test_a_folder_with_the_name_of_a_script_is_not_one(folder):
    root = folder()
    (root / "sub.py").mkdir()
    assert "is not a file" in refused(load_project(root), "sub.py")


@pytest.mark.parametrize("name", ["notes.txt", "train", "train.r", ""])
def test_other_files_are_not_entry_points(folder, name):
    assert f"there is no entry point {name!r}" in refused(load_project(folder("notes.txt", "train.r")), name)


def test_the_problem_of_an_entry_point_is_raised_when_it_is_asked_for(folder):
    project = load_project(folder(MLproject="entry_points: {bad: {command: 'x {y}'}, good: {command: run}}"))
    assert find_entry_point(project, "good").command == "run"
    assert refused(project, "bad").startswith("MLproject:1:31: command, line 1, column 3")


# --- listing


def test_what_tools_keep_is_not_listed(folder):
    root = folder(
        *("train.py", "sub/deep/run.sh", "r.R", "nb.ipynb", "notes.txt", "x.r"),
        *(
            ".hidden.py",
            ".git/hooks/x.py",
            ".ipynb_checkpoints/nb-checkpoint.ipynb",
            "node_modules/x.py",
            "__pycache__/x.py",
            "lib/site-packages/x.py",
        ),
        *("venv/pyvenv.cfg", "venv/bin/x.py", "conda/conda-meta/history", "conda/x.py"),
    )
    (root / "done.ipynb").write_text(notebook(papermill={"exception": None}))
    assert list(scan(load_project(root))) == ["nb.ipynb", "r.R", "sub/deep/run.sh", "train.py"]


def test_a_cell_that_mentions_papermill_does_not_make_a_notebook_executed(folder):
    root = folder()
    (root / "nb.ipynb").write_text(notebook('x = "papermill"'))
    assert runnable_files(root) == ["nb.ipynb"]


def test_what_git_ignores_is_not_listed_just_as_git_says(folder):
    root = folder("a.py", "out/b.py", "keep/c.py", "keep/d.py", "sub/e.py", "sub/f.py", "sub/gen/g.py", "sub/h.sh")
    (root / ".gitignore").write_text("/out/\nkeep/*\n!keep/c.py\n*.sh\n")
    (root / "sub/.gitignore").write_text("f.py\ngen\n!h.sh\n")
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True, timeout=60)
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/exclude").write_text("a.py\n")
    listed = subprocess.run(
        ["git", "ls-files", "-o", "--exclude-standard"], cwd=root, check=True, timeout=60, capture_output=True, text=True
    ).stdout.split()
    assert runnable_files(root) == [name for name in listed if not name.endswith(".gitignore")] == ["keep/c.py", "sub/e.py", "sub/h.sh"]
    assert runnable_files(root / "sub") == ["e.py", "h.sh"]


def test_the_rules_of_the_repository_above_hold_in_a_folder_of_it(folder):
    root = folder("sub/a.py", "sub/b.py")
    (root / ".git").mkdir()
    (root / ".gitignore").write_text("/sub/a.py\n")
    assert runnable_files(root / "sub") == ["b.py"]


def test_links_are_listed_only_where_they_stay_inside(folder, tmp_path):
    root = folder("real/a.py")
    (tmp_path / "out.py").touch()
    (root / "in.py").symlink_to("real/a.py")
    (root / "out.py").symlink_to("../out.py")
    (root / "lost.py").symlink_to("nowhere")
    (root / "loop").symlink_to(".")
    assert runnable_files(root) == ["in.py", "real/a.py"]


def test_a_pipe_is_no_script(folder):
    root = folder()
    os.mkfifo(root / "x.py")
    os.mkfifo(root / "x.ipynb")
    assert runnable_files(root) == []


def test_a_notebook_that_cannot_be_read_carries_its_problem(folder):
    root = folder("good.py")
    (root / "bad.ipynb").write_text("{")
    found = scan(load_project(root))
    assert isinstance(found["bad.ipynb"].problem, EntryPointError)
    assert found["good.py"].problem is None


@pytest.mark.parametrize("rules", ["\xff\xfe", "[", "\\", "!" * 50, "a" * 10_000, "**/**/**/x"])
def test_rules_that_are_not_understood_hide_nothing(folder, rules):
    root = folder("a.py")
    (root / ".gitignore").write_text(rules)
    assert runnable_files(root) == ["a.py"]


@pytest.mark.timeout(60)
def test_rules_made_to_take_for_ever_do_not(folder):
    root = folder()
    for number in range(20):
        (root / ("a" * 200 + f"{number}.py")).touch()
    (root / ".gitignore").write_text(f"{'*a' * 30}b\n{'*a' * 3}b\n" * 3)
    assert len(runnable_files(root)) == 20


def test_a_very_large_folder_is_listed_in_part(folder):
    root = folder()
    for number in range(MAXIMUM_FILES + 5):
        (root / f"s{number:05}.py").touch()
    assert len(runnable_files(root)) == MAXIMUM_FILES


# --- entry points that notebooks declare


def declaring(*names, parameters=""):
    """Return a notebook that marks a cell for each name."""
    cells = [f"# entrypoint: {name}\nrun()" for name in names] + ([f"# parameters\n{parameters}"] if parameters else [])
    listed = [{"cell_type": "code", "metadata": {}, "source": source, "outputs": []} for source in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": listed})


def test_a_name_that_one_notebook_declares_needs_no_file(folder):
    project = load_project(folder(**{"a.ipynb": declaring("train", "eval", parameters="x = 1"), "b.ipynb": declaring("report")}))
    found = find_entry_point(project, "eval")
    assert (found.name, found.notebook, found.cells, found.parameters[0].name) == ("eval", "a.ipynb", "eval", "x")
    assert list(scan(project)) == ["train", "eval", "report"]


def test_a_name_that_two_notebooks_declare_is_refused_only_when_it_is_asked_for(folder):
    project = load_project(folder(**{"a.ipynb": declaring("train", "eval"), "sub/b.ipynb": declaring("train")}))
    assert find_entry_point(project, "eval").notebook == "a.ipynb"
    assert refused(project, "train") == "entry point 'train' is declared by a.ipynb, sub/b.ipynb. Name one of them: a.ipynb:train"
    assert find_entry_point(project, "sub/b.ipynb:train").notebook == "sub/b.ipynb"
    assert sorted(scan(project)) == ["a.ipynb:train", "eval", "sub/b.ipynb:train"]


def test_a_notebook_by_its_path_means_its_main_or_its_only_entry_point(folder):
    project = load_project(folder(**{"one.ipynb": declaring("train"), "two.ipynb": declaring("a", "main"), "many.ipynb": declaring("a", "b")}))
    assert (find_entry_point(project, "one.ipynb").name, find_entry_point(project, "one.ipynb").cells) == ("one.ipynb:train", "train")
    assert find_entry_point(project, "two.ipynb").cells == "main"
    assert refused(project, "many.ipynb") == "many.ipynb: has several entry points: a, b. Name one, such as many.ipynb:a"
    assert refused(project, "many.ipynb:c") == "many.ipynb: there is no entry point 'c'. Entry points: a, b"


def test_a_declared_main_is_the_default_before_the_only_notebook(folder):
    project = load_project(folder(**{"a.ipynb": declaring("main", "x"), "b.ipynb": declaring("y")}))
    assert (find_entry_point(project).notebook, find_entry_point(project).cells) == ("a.ipynb", "main")
    assert find_entry_point(load_project(folder())).notebook == "a.ipynb"


def test_the_only_notebook_runs_its_only_entry_point(folder):
    assert find_entry_point(load_project(folder("x.py", **{"a.ipynb": declaring("train")}))).cells == "train"


def test_a_notebook_alone_has_its_entry_points_by_name_and_path(folder):
    project = load_project(folder(**{"a.ipynb": declaring("train", "eval")}), notebook="a.ipynb")
    assert list(project.entry_points) == ["train", "eval"]
    assert find_entry_point(project, "a.ipynb:eval").cells == "eval"
    assert refused(project, None) == "a.ipynb: has several entry points: train, eval. Name one: -e train"
    assert refused(project, "a.ipynb") == refused(project, None)
    assert refused(project, "tarin") == "there is no entry point 'tarin'. Did you mean 'train'? Entry points: train, eval"


def test_a_notebook_that_is_broken_hides_no_other(folder):
    project = load_project(folder(**{"a.ipynb": "{", "b.ipynb": declaring("train")}))
    assert find_entry_point(project, "train").notebook == "b.ipynb"
    assert scan(project)["a.ipynb"].problem is not None


def test_an_unknown_name_is_answered_with_what_notebooks_declare(folder):
    project = load_project(folder(**{"a.ipynb": declaring("train")}))
    assert refused(project, "trian") == "there is no entry point 'trian'. Did you mean 'train'? Entry points: train. Files: a.ipynb"


def test_an_mlproject_names_the_cells_of_a_notebook_or_means_those_of_its_own_name(folder):
    points = (
        "train: {notebook: a.ipynb}, quick: {notebook: a.ipynb, cells: train}, other: {notebook: a.ipynb}, bad: {notebook: a.ipynb, cells: tarin}"
    )
    project = load_project(folder(MLproject=f"entry_points: {{{points}}}", **{"a.ipynb": declaring("train", "eval")}))
    assert [project.entry_points[name].cells for name in ("train", "quick")] == ["train", "train"]
    assert refused(project, "other") == "MLproject:1:104: entry point 'other': a.ipynb has several entry points. Name one by 'cells': train, eval"
    assert refused(project, "bad") == "a.ipynb: there is no entry point 'tarin'. Did you mean 'train'? Entry points: train, eval"


def test_a_script_is_read_as_a_notebook_when_that_is_asked_for(folder):
    script = "# %%\n# parameters\nalpha = 0.5\n\n# %% tags=['entrypoint:train']\nprint(alpha)\n"
    text = "# Title\n\n```python\n# entrypoint: eval\nx\n```\n"
    project = load_project(folder(**{"train.py": script, "eval.md": text}))
    assert find_entry_point(project, "train.py").script == "train.py"
    found = find_entry_point(project, "train.py", as_notebook=True)
    assert (found.notebook, found.cells, found.script, found.parameters[0].default) == ("train.py", "train", None, 0.5)
    assert find_entry_point(project, "eval.md:eval", as_notebook=True).cells == "eval"
    assert "there is no entry point 'eval.md'" in refused(project, "eval.md")
    assert refused(project, "train.py:train").startswith("train.py is a script: 'train' would be an entry point of the notebook in it.")
