"""`nbproj env`: what a newcomer sees who makes, looks at, locks, offers and removes environments."""

import json
import os
import subprocess
import sys
import time

import pytest

from nbproj.environments.uv import UvEnvironments
from nbproj.project.model import EnvironmentSpec


@pytest.fixture
def tiny(project, no_index):
    """Return a project that needs one package."""
    return project(requirements__txt="tiny\n", main__py="")


@pytest.fixture
def made(tiny, told, cache):
    """Return the environment of that project, as the cache has it."""
    UvEnvironments().prepare(EnvironmentSpec("uv", file="requirements.txt"), tiny, told.append, run_id="0a1b2c3d4e5f")
    return cache.all()[0]


def age(cache, kept, days):
    """Make an environment look as if nobody had used it for days, and its user gone."""
    (kept.folder / "complete.json").write_text(json.dumps({**kept.facts, "created": time.time() - days * 86400}))
    uses = [{**entry, "time": time.time() - days * 86400, "started": 0.0} for entry in cache.uses(kept.key).read()]
    cache.uses(kept.key).path.write_text("".join(json.dumps(entry) + "\n" for entry in uses))


def test_nothing_is_there_at_first(cli):
    assert cli("env", "list").out == "no environments\n"
    assert json.loads(cli("env", "list", "--json").out) == []
    assert cli("env", "gc").out == "nothing removed\n"


def test_an_environment_is_made_before_the_first_run_and_said_to_be(cli, tiny, cache):
    first = cli("env", "create", tiny)
    assert first.code == 0
    (kept,) = cache.all()
    assert first.out == f"{kept.key[:12]}  {kept.python}\n"
    assert "was built in" in first.err
    again = cli("env", "create", tiny, "--json")
    assert json.loads(again.out)["key"] == kept.key
    assert again.err == ""


def test_the_list_says_what_it_is_how_large_and_who_used_it(cli, made):
    out = cli("env", "list").out.splitlines()
    assert out[0].split() == ["ENVIRONMENT", "SIZE", "LAST", "USED", "RUNS", "WHAT"]
    assert out[1].startswith(made.key[:12])
    assert out[1].endswith(f"just now           1  {made.title}")
    assert out[2].startswith("1 environment, ")
    (one,) = json.loads(cli("env", "list", "--json").out)
    assert one["runs"] == ["0a1b2c3d4e5f"]
    assert one["size"] > 0


@pytest.mark.parametrize("named", ["by key", "by project", "by nothing"])
def test_one_is_shown_by_its_key_or_by_its_project(cli, made, tiny, named):
    arguments = {"by key": [made.key[:8]], "by project": [tiny], "by nothing": []}[named]
    out = cli("env", "show", *arguments, cwd=tiny).out
    assert out.splitlines()[0] == f"{made.key[:12]}  {made.title}"
    assert "0a1b2c3d" in out
    assert out.splitlines()[-1] == "tiny==2.0"
    document = json.loads(cli("env", "show", *arguments, "--json", cwd=tiny).out)
    assert (document["key"], document["packages"][-1], document["layers"]) == (made.key, "tiny==2.0", [])


def test_what_is_damaged_is_listed_as_that(cli, made):
    next(made.prefix.glob("lib/python*/site-packages/tiny.py")).unlink()
    assert f"  damaged: {made.title}\n" in cli("env", "list", COLUMNS="120").out
    assert "tiny.py is gone" in cli("env", "show", made.key).out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "."], 121, "the environment of project (requirements.txt) is not built yet: nbproj env create ."),
        (["show", "feedbeef"], 2, "there is no environment 'feedbeef'. See nbproj env list"),
        (["show", "nothing"], 2, "there is no environment and no project 'nothing'. See nbproj env list"),
        (["remove", "feedbeef"], 2, "there is no environment 'feedbeef'. See nbproj env list"),
        (["gc", "--older-than", "soon"], 2, "'soon' is no time, such as 12h, 30d or 2w"),
        (["create", ".", "--env-manager", "poetry"], 2, "there is no environment manager 'poetry'."),
        (["lock", "./nowhere"], 121, "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(cli, tiny, arguments, code, said):
    done = cli("env", *arguments, cwd=tiny)
    assert done.code in {code, 120}
    assert said in done.err.splitlines()[0]
    assert done.out == ""


def test_a_project_without_an_environment_of_its_own_is_told_what_would_give_it_one(cli, project):
    folder = project(main__py="")
    for command in ("show", "kernel"):
        done = cli("env", command, folder)
        assert done.code == 121
        assert "runs in the system environment, which is none of its own" in done.err
        assert "requirements.txt" in done.err


def test_the_exact_packages_are_printed_as_a_file_that_builds_the_same(cli, tiny, tmp_path, cache, no_index):
    text = cli("env", "lock", tiny).out
    assert text.splitlines()[0].startswith("# python 3.")
    assert text.splitlines()[1:] == ["tiny==2.0"]
    assert cli("env", "lock", tiny, "-o", tmp_path / "exact.txt").out == f"{tmp_path / 'exact.txt'}\n"
    assert (tmp_path / "exact.txt").read_text() == text
    (tiny / "requirements.txt").write_text(text)
    assert cli("env", "lock", tiny).out == text


def test_a_kernel_is_offered_to_jupyter_and_keeps_its_environment(cli, project, cache, home):
    folder = project(requirements__txt="iniconfig\n", main__py="")
    done = cli("env", "kernel", folder)
    assert done.code == 0, done.err
    written = home / ".local/share/jupyter/kernels/nbproj-project"
    assert done.out == f"{written}\n"
    spec = json.loads((written / "kernel.json").read_text())
    assert spec["display_name"] == "project (nbproj)"
    environment = {**os.environ, "PYTHONPATH": "/leak"} | {name: value for name, value in spec["env"].items() if "$" not in value}
    code = "import iniconfig, ipykernel, sys; print('/leak' in sys.path)"
    asked = subprocess.run([spec["argv"][0], "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert asked.stdout == "False\n"
    for kept in cache.all():
        age(cache, kept, days=90)
    gone = cli("env", "gc")
    assert gone.out == "nothing removed\n"
    assert "2 as old stay" in gone.err
    for path in written.iterdir():
        path.unlink()
    assert "2 environments" in cli("env", "gc").out
    assert cache.all() == []


def test_a_kernel_of_somebody_else_is_not_written_over(cli, tiny, home):
    folder = home / ".local/share/jupyter/kernels/mine"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text('{"argv": ["python"]}')
    done = cli("env", "kernel", tiny, "--name", "mine", PIP_CONFIG_FILE=os.devnull)
    assert done.code == 2
    assert "there is a kernel 'mine' that nbproj has not made" in done.err
    assert (folder / "kernel.json").read_text() == '{"argv": ["python"]}'


def test_what_was_not_used_for_long_is_collected_and_the_rest_stays(cli, made, cache):
    assert cli("env", "gc").out == "nothing removed\n"
    age(cache, made, days=31)
    assert cli("env", "gc", "--older-than", "40d").out == "nothing removed\n"
    assert "1 environment, " in cli("env", "gc").out
    assert cache.all() == []


def test_what_is_broken_is_collected_at_any_age(cli, made, cache):
    next(made.prefix.glob("lib/python*/site-packages/tiny.py")).unlink()
    (made.folder.parent / ("0" * 32) / "env").mkdir(parents=True)
    age(cache, made, days=0)
    cli("env", "gc")
    assert cache.all() == []


def test_one_is_removed_by_its_key_and_by_its_project(cli, tiny, cache):
    for named in ("key", "project"):
        cli("env", "create", tiny)
        (kept,) = cache.all()
        done = cli("env", "remove", kept.key if named == "key" else tiny)
        assert (done.code, done.out) == (0, f"{kept.key[:12]} removed\n"), done.err
        assert cache.all() == []


def test_one_that_a_run_uses_stays_unless_it_is_forced(cli, made, cache):
    assert cache.uses(made.key).read()[0]["pid"] == os.getpid()  # this process, which lives
    done = cli("env", "remove", made.key)
    assert done.code == 121
    assert "is in use and stays" in done.err
    assert cli("env", "remove", made.key, "--force").code == 0
    assert cache.all() == []


def test_the_python_of_a_made_environment_is_the_one_that_runs_use(cli, tiny):
    answer = json.loads(cli("env", "create", tiny, "--json").out)
    done = subprocess.run([answer["python"], "-c", "import tiny; print(tiny.__file__)"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith(answer["folder"])
    assert sys.executable != answer["python"]
