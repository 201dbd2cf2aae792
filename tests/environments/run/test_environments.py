"""Runs in environments of the project's own: scripts and notebooks, on several Pythons, in crowds, inside each other, exactly as recorded."""

import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest
from environments.wheelhouse import package

import nbproj
from nbproj.errors import EnvironmentPreparationError, RunError, UsageError

SCRIPT = "import sys, tiny; print('on', '.'.join(map(str, sys.version_info[:2])), tiny.__version__)\n"


@dataclass
class Ran:
    """A run, what its program printed, and what was remarked."""

    run: nbproj.Run
    output: str
    notes: list[str]


@pytest.fixture
def ran(store):
    """Return a function that runs an entry point in this process."""

    def call(folder, entry_point="main", **options):
        told = []
        run = nbproj.run(folder, entry_point, progress=told.append, **options)
        return Ran(run, "".join(event.text for event in told if event.step == "output"), [event.text for event in told if event.step == "note"])

    return call


@pytest.fixture
def pythons(another_python):
    """Return the versions of two Pythons."""
    return [".".join(map(str, sys.version_info[:2])), ".".join(map(str, another_python.minor))]


def test_a_script_runs_on_each_python_with_the_packages_that_it_asks_for(pythons, project, ran, no_index):
    for version in pythons:
        folder = project(python_env__yaml=f"python: '{version}'\ndependencies: ['tiny<2']\n", main__py=SCRIPT)
        assert ran(folder).output == f"on {version} 1.0\n"


def test_a_notebook_runs_on_each_python_in_a_kernel_that_is_put_on_top(pythons, project, notebook, ran):
    for version in pythons:
        folder = project(python_env__yaml=f"python: '{version}'\ndependencies: [iniconfig]\n")
        notebook("import sys, iniconfig; print('on', '.'.join(map(str, sys.version_info[:2])))")
        done = ran(folder, "nb.ipynb")
        assert f"on {version}\n" in done.output
        assert [note for note in done.notes if note.startswith("ipykernel is not among the packages of python_env.yaml")]


def test_a_script_that_says_what_it_needs_in_itself_gets_it(project, ran, no_index):
    block = "# /// script\n# requires-python = '>=3.11'\n# dependencies = ['tiny<2']\n# ///\n"
    folder = project(main__py=block + SCRIPT, other__py="import importlib.util as u; print(u.find_spec('tiny'))")
    assert ran(folder).output.endswith(" 1.0\n")
    assert ran(folder, "other.py").output == "None\n"


def test_virtualenv_is_another_word_for_uv(project, ran, no_index):
    folder = project("python_env: env.yaml\nentry_points: {main: {command: python -c 'import tiny'}}\n", env__yaml="dependencies: [tiny]\n")
    assert ran(folder, env_manager="virtualenv").run.tags["nbproj.environment"] == "uv"


def test_the_packages_of_every_run_are_kept_with_it(project, ran, store, no_index, tmp_path):
    folder = project(requirements__txt="upper\n", main__py="")
    text = store.download_artifact(ran(folder).run.run_id, "run/environment.txt", tmp_path).read_text()
    assert text.splitlines()[0].startswith("python==3.")
    assert text.splitlines()[1:] == ["tiny==2.0", "upper==1.0"]


def test_what_the_caller_has_activated_does_not_reach_the_program(project, ran, no_index, tmp_path, monkeypatch):
    (tmp_path / "tiny.py").write_text("raise SystemExit('leaked')")
    code = "import os, tiny; print(sorted(set(os.environ) & {'PYTHONPATH', 'PYTHONHOME', 'CONDA_PREFIX'}))"
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    assert ran(project(requirements__txt="tiny", main__py=code)).output == "[]\n"


def test_ten_first_runs_at_once_build_once_and_all_finish(project, store, no_index, cache):
    folder = project(requirements__txt="heavy\nupper\n", main__py="import heavy, upper")
    command = [sys.executable, "-m", "nbproj", "run", str(folder)]
    crowd = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(10)]
    told = [process.communicate(timeout=200)[1] for process in crowd]
    assert [process.returncode for process in crowd] == [0] * 10, told
    assert [run.status for run in store.search_runs()] == ["FINISHED"] * 10
    (kept,) = cache.all()
    assert len(cache.uses(kept.key).read()) == 10
    assert kept.facts["created"] > 0


def test_an_environment_that_cannot_be_had_ends_the_run_with_its_reason(project, cli, store, no_index, only_run, cache):
    folder = project(requirements__txt="upper\ntiny<2\n", main__py="")
    done = cli("run", folder)
    assert done.code == 121
    assert "requirements.txt: no versions fit: " in done.err
    run = only_run()
    assert run.status == "FAILED"
    assert run.tags["nbproj.exit_code"] == "121"
    assert "no versions fit" in run.tags["nbproj.reason"]
    assert cache.all() == []


def test_a_wrong_file_is_refused_before_there_is_a_run(project, cli, store, no_index):
    folder = project(requirements__txt="tiny; touch x\n", main__py="")
    done = cli("run", folder)
    assert done.code == 121
    assert done.err == "requirements.txt:1: 'tiny; touch x' is no requirement\n"
    assert store.search_runs() == []


def test_a_run_that_is_interrupted_while_its_environment_is_built_is_settled(
    project, cli, store, no_index, cache, only_run, mark, nobody_left, hurdle
):
    folder = project(requirements__txt="heavy\nupper\n./own\n", main__py="")
    hurdle.put(folder / "own")
    process = subprocess.Popen([sys.executable, "-m", "nbproj", "run", str(folder)], stderr=subprocess.PIPE, start_new_session=True)
    hurdle.reach(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert (only_run().status, only_run().tags["nbproj.exit_code"]) == ("KILLED", "130")
    nobody_left()
    assert cache.all() == []


def test_a_run_whose_driver_is_killed_while_it_builds_is_settled_by_the_next_which_builds_it(project, cli, store, no_index, cache, hurdle):
    folder = project(requirements__txt="heavy\nupper\n./own\n", main__py="print('built')")
    hurdle.put(folder / "own")
    process = subprocess.Popen([sys.executable, "-m", "nbproj", "run", str(folder)], stderr=subprocess.PIPE)
    hurdle.reach(process)
    process.kill()
    process.communicate(timeout=60)
    hurdle.clear()
    done = cli("run", folder)
    assert (done.code, done.out) == (0, "built\n"), done.err
    assert sorted(run.status for run in store.search_runs()) == ["FINISHED", "KILLED"]


def test_the_environment_of_a_run_can_be_had_again_exactly(project, ran, store, no_index, tmp_path):
    package(project(requirements__txt="tiny<2\n./own\n", main__py=SCRIPT + "import own\n") / "own", "own")
    folder = project()
    first = ran(folder).run
    (folder / "requirements.txt").write_text("tiny\n./own\n")
    assert ran(folder).output.endswith(" 2.0\n")
    again = ran(folder, locked=first.run_id[:8])
    assert again.output.endswith(" 1.0\n")
    lists = []
    for run in (first, again.run):
        (tmp_path / run.run_id).mkdir()
        lists.append(store.download_artifact(run.run_id, "run/environment.txt", tmp_path / run.run_id).read_text())
    assert lists[0].partition("# own")[0] == lists[1].partition("# own")[0]


def test_a_run_whose_packages_nobody_knows_cannot_be_had_again(project, ran, store, no_index):
    folder = project(requirements__txt="tiny\n", main__py=SCRIPT)
    with pytest.raises(RunError, match="there is no run 'feedbeef'"):
        ran(folder, locked="feedbeef")
    empty = store.create_run("0", name="empty", tags={}).run_id
    with pytest.raises(EnvironmentPreparationError, match=f"run {empty[:8]} holds no list of packages"):
        ran(folder, locked=empty)
    with pytest.raises(UsageError, match="asks for another"):
        ran(folder, locked=empty, env_manager="local")
    assert [run.run_id for run in store.search_runs()] == [empty]


def test_a_run_inside_a_run_takes_over_how_its_environment_is_made(project, ran, store, no_index):
    inner = "import sys, subprocess\nsubprocess.run([sys.argv[1], '-m', 'nbproj', 'run', '.', '-e', 'inner.py'], check=True)\n"
    text = "entry_points:\n  main:\n    parameters: {python: string}\n    command: python main.py {python}\n"
    folder = project(text, requirements__txt="tiny\n", main__py=inner, inner__py="import sys; print(sys.prefix)")
    (folder / "MLproject").write_text(text + "python_env: env.yaml\n")
    (folder / "env.yaml").write_text("dependencies: [tiny]\n")
    assert f"{sys.prefix}\n" in ran(folder, parameters={"python": sys.executable}, env_manager="local").output
    assert [run.tags["nbproj.environment"] for run in store.search_runs()] == ["system"] * 2
    assert f"{sys.prefix}\n" not in ran(folder, parameters={"python": sys.executable}).output
    assert [run.tags["nbproj.environment"] for run in store.search_runs()] == ["uv"] * 2 + ["system"] * 2
