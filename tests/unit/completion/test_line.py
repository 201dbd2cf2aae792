"""What a word of the command line could become."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest

from nbproj import cli
from nbproj.completion.line import candidates


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nbproj r", ["run", "runs", "rerun"]),
        ("nbproj run --exp", ["--experiment-name", "--experiment-id"]),
        ("nbproj run -", None),
        ("nbproj run project --quiet --qu", []),
        ("nbproj run project -q --qu", []),
        ("nbproj run project -P alpha=1 --par", ["--param", "--params-file"]),
        ("nbproj run project -- --par", []),
        ("nbproj run project --cluster", ["--cluster-spec"]),
        ("nbproj run project --docker", ["--docker-args"]),
        ("nbproj run project -e ", ["train", "trace", "wrong"]),
        ("nbproj run project -e t", ["train", "trace"]),
        ("nbproj run project -et", ["-etrain", "-etrace"]),
        ("nbproj run project -qet", ["-qetrain", "-qetrace"]),
        ("nbproj run project --entry-point=tra", ["--entry-point=train", "--entry-point=trace"]),
        ("nbproj run project -e p", ["plot.py"]),
        ("nbproj show project -e tr", ["train", "trace"]),
        ("nbproj show -e ", ["lesson.ipynb", "project/plot.py"]),
        ("nbproj run project -e train -P ", ["alpha=", "mode=", "depth=", "data=", "verbose="]),
        ("nbproj run -e train project -P a", ["alpha="]),
        ("nbproj run project -e train -P alpha=1 -Pmode=fast --param=depth=3 -P ", ["data=", "verbose="]),
        ("nbproj run project -e trace -e train -P a", ["alpha="]),
        ("nbproj run project -e train -P mode=", ["mode=fast", "mode=exact"]),
        ("nbproj run project -e train -Pmode=f", ["-Pmode=fast"]),
        ("nbproj run project -e train --param=mode=f", ["--param=mode=fast"]),
        ("nbproj run project -e train -P verbose=", ["verbose=true", "verbose=false"]),
        ("nbproj run project -e train -P depth=", ["depth=3"]),
        ("nbproj run project -e train -P depth=4", []),
        ("nbproj run project -e train -P alpha=", []),
        ("nbproj run project -e train -P data=d", ["data=data/", "data=day.csv"]),
        ("nbproj run project -e train -P data=pro", ["data=project/own/data.csv", "data=project/"]),
        ("nbproj run project -e train -P data=.h", ["data=.hidden"]),
        ("nbproj run project -e train -P unknown=", []),
        ("nbproj run project -e train -P unknown=./d", ["unknown=./data/", "unknown=./day.csv"]),
        ("nbproj run project -e train -P token=", []),
        ("nbproj run project -e gone -P a", []),
        ("nbproj run lesson.ipynb -P ", ["rate="]),
        ("nbproj run lesson.ipynb -P rate=", ["rate=0.1"]),
        ("nbproj run ", ["project/", "lesson.ipynb", "data/"]),
        ("nbproj run project#", ["project#own/"]),
        ("nbproj run project#../", []),
        ("nbproj run nowhere -e ", []),
        ("nbproj run git@example.org:team/x.git -e ", []),
        ("nbproj run ext::sh -e ", []),
        ("nbproj run project --env-manager ", ["local", "uv", "virtualenv", "conda"]),
        ("nbproj run project -b ", ["local", "kubernetes", "databricks"]),
        ("nbproj run project -f da", ["data/", "day.csv"]),
        ("nbproj run project --git-password ", []),
        ("nbproj completion ", ["bash", "zsh", "fish"]),
        ("nbproj nothing ", None),
    ],
)
def test_candidates(line, expected, complete):
    found = complete(line)
    if expected is not None:
        assert found == expected


def test_words_behind_the_cursor_count(complete):
    assert complete("nbproj run project -P ", "-e train -P alpha=1") == ["mode=", "depth=", "data=", "verbose="]
    assert complete("nbproj run project -P al", "-e train") == ["alpha="]
    assert complete("nbproj run project -", "-e train").count("--entry-point") == 0


def test_every_option_of_run_is_offered_once(complete):
    found = complete("nbproj run project -")
    assert {"--entry-point", "--version", "--param", "--kernel", "--json", "--help"} <= set(found)
    assert len(found) == len(set(found))


def test_help_tells_what_a_candidate_means(work):
    def told(*words: str) -> dict[str, str]:
        return {one.text: one.help for one in candidates(cli.nbproj, words, "")}

    assert told("run", "project", "-e", "train", "-P")["alpha="] == "Strength of the penalty (required float)"
    assert told("run", "project", "-e", "train", "-P")["depth="] == "int, 3"
    assert told("run", "project", "-e")["train"] == "mode, alpha, depth, data, verbose, token"
    assert told("run", "project", "-e")["wrong"].startswith("cannot be run: MLproject:")
    assert told("run")["project/"] == "project"


def test_a_project_in_the_working_folder_comes_first(work, monkeypatch, complete):
    monkeypatch.chdir(work / "project")
    assert complete("nbproj run ") == [".", "own/"]
    assert complete("nbproj show -e tra") == ["train", "trace"]


def test_branches_and_tags_of_a_local_project(work, complete):
    for command in ("init -q", "add MLproject", "commit -q -m One", "tag v1", "branch dev"):
        subprocess.run(["git", *command.split()], cwd=work / "project", check=True, capture_output=True, timeout=60)
    assert sorted(complete("nbproj run project -v ")) == ["dev", "main", "v1"]
    assert complete("nbproj run project -v d") == ["dev"]
    assert complete("nbproj run data -v ") == []


def test_kernels_by_name(complete, monkeypatch, tmp_path):
    (tmp_path / "kernels/mine").mkdir(parents=True)
    (tmp_path / "kernels/mine/kernel.json").write_text('{"argv": ["x"], "display_name": "Mine", "language": "python"}')
    (tmp_path / "kernels/broken").mkdir()
    (tmp_path / "kernels/broken/kernel.json").write_text("{")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert {"mine", "python3"} <= set(complete("nbproj run project --kernel "))
    assert complete("nbproj run project --kernel mi") == ["mine"]


@pytest.mark.parametrize("mlproject", ["{", "entry_points: 7", "a: &a [*a]", "x" * 2_000_000, "", "entry_points: {t: {parameters: 7}}"])
def test_what_cannot_be_read_has_no_candidates_and_no_error(mlproject, work, complete):
    (work / "project/MLproject").write_text(mlproject)
    assert "train" not in complete("nbproj run project -e ")
    assert complete("nbproj run project -e train -P ") == []


def test_a_plain_zip_is_a_project_that_is_not_opened(work, complete):
    with zipfile.ZipFile(work / "packed.zip", "w") as archive:
        archive.writestr("MLproject", "entry_points: {packed: {command: 'true'}}")
    assert "packed.zip" in complete("nbproj run ")
    assert complete("nbproj run packed.zip -e ") == []


@pytest.mark.parametrize("name", ["\x1b[31mred", "new\nline", "tab\there", "back\x08space", "\u202eturned", "bad\udcff"])
def test_names_that_are_no_plain_text_are_left_out(name, work, complete):
    try:
        (work / "data" / name).write_text("")
    except OSError:
        pytest.fail("this file system cannot hold the name")
    (work / "data/plain").write_text("")
    assert complete("nbproj run project -f data/") == ["data/plain"]


def test_thousands_of_files_are_cut_to_what_can_be_looked_at(work, complete):
    for number in range(1200):
        (work / f"data/{number:04}").write_text("")
    assert len(complete("nbproj run project -f data/")) == 500


def test_reading_executes_and_imports_nothing_heavy(work):
    code = (
        "import sys; from nbproj import cli; from nbproj.completion.line import candidates\n"
        "for words, word in ((['run'], ''), (['run', 'project', '-e'], 't'), (['run', 'project', '-e', 'train', '-P'], 'data='), "
        "(['run', 'project', '--run-id'], ''), (['run', 'lesson.ipynb', '-P'], '')): candidates(cli.nbproj, words, word)\n"
        "print({'mlflow', 'git', 'docker', 'IPython', 'papermill', 'nbformat', 'sqlalchemy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=dict(os.environ))
    assert done.stdout.strip() == "set()"
