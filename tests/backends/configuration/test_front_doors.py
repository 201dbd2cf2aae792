"""What is configured holds for the command line and Python alike, with real runs; `jupyter nbproj` is the same program."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import warm

from nbproj.configuration.places import NAME

PROGRAM = "import os\nprint(os.environ.get('NBPROJ_GRACE'), os.environ.get('NBPROJ_STATE_DIR'))\n"


@pytest.fixture
def configure(home):
    """Return a function that writes the user's configuration file."""
    file = home / ".jupyter" / f"{NAME}.py"

    def put(text: str) -> Path:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    return put


@pytest.fixture
def folder():
    """Return a project with two programs: one that ends, one that sleeps."""
    here = Path("wine")
    here.mkdir()
    (here / "main.py").write_text(PROGRAM)
    (here / "sets.py").write_text("import mlflow\nmlflow.set_experiment('its own')\n")
    (here / "sleeps.py").write_text("import time\ntime.sleep(60)\n")
    return here


def started(*command: object, by: Callable[..., Any] = subprocess.run, **environment: str) -> subprocess.CompletedProcess[str]:
    done = by(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **environment},
    )
    assert "Traceback" not in done.stderr
    return done


def nbproj(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return started(sys.executable, "-m", "nbproj", *arguments, by=warm.run, **environment)


def experiment_of(store: Path, run_id: str) -> str:
    question = "SELECT experiments.name FROM experiments JOIN runs USING (experiment_id) WHERE run_uuid = ?"
    with contextlib.closing(sqlite3.connect(store)) as connection:
        return str(connection.execute(question, [run_id]).fetchone()[0])


def test_a_file_names_store_experiment_and_folders_and_what_is_started_agrees(configure, folder, home):
    configure(f"c.Nbproj.tracking_uri = '{home}/team.db'\nc.Nbproj.experiment_name = 'wine'\nc.Nbproj.grace = 7\nc.Nbproj.state_dir = '~/states'")
    done = nbproj("run", folder, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines().count(f"7 {home}/states") == 1
    assert experiment_of(home / "team.db", json.loads(done.stdout)["run_id"]) == "wine"
    assert (home / "states").is_dir()
    assert not Path("mlflow.db").exists()
    named = nbproj("run", folder, "--json", "--experiment-name", "flag", "--tracking-uri", "here.db", NBPROJ_GRACE="3")
    assert experiment_of(Path("here.db"), json.loads(named.stdout)["run_id"]) == "flag"
    assert f"3 {home}/states" in named.stderr.splitlines()


def test_a_program_that_sets_its_experiment_comes_before_the_configuration(configure, folder):
    configure("c.Nbproj.experiment_name = 'wine'")
    done = nbproj("run", folder, "-e", "sets.py", "--json")
    assert done.returncode == 0, done.stderr
    assert experiment_of(Path("mlflow.db"), json.loads(done.stdout)["run_id"]) == "its own"


def test_a_variable_limits_a_run_from_python_and_an_argument_wins(folder, monkeypatch):
    import nbproj as library

    monkeypatch.setenv("NBPROJ_TIMEOUT", "0.5")
    with pytest.raises(library.RunFailed, match=r"timeout after 0\.5 s"):
        library.run(folder, "sleeps.py")
    assert library.run(folder, "main.py", timeout=60).status == "FINISHED"


def test_a_backend_is_configured_for_those_who_name_none(configure, folder):
    configure("c.Nbproj.backend = 'nowhere'\nc.Nbproj.backend_config = {'a': 1}")
    refused = nbproj("run", folder)
    assert (refused.returncode, "there is no backend 'nowhere'" in refused.stderr) == (120, True)
    assert nbproj("run", folder, "-b", "local").returncode == 0
    code = (
        "import nbproj\ntry:\n    nbproj.run('wine')\nexcept nbproj.NbprojError as error:\n    print(error)\n"
        "print(nbproj.run('wine', backend='local').status)"
    )
    told = started(sys.executable, "-c", code).stdout
    assert "there is no backend 'nowhere'" in told
    assert told.endswith("FINISHED\n")


def test_a_wrong_file_is_one_line_and_the_doctor_still_works(configure, folder):
    file = configure("c.Nbproj.timeuot = 1")
    refused = nbproj("run", folder)
    assert refused.returncode == 2
    assert refused.stderr == f"{file}:1: there is no key 'timeuot'. Did you mean 'timeout'?\n"
    told = nbproj("doctor")
    assert told.returncode == 1
    assert f"missing  configuration  {file}:1: there is no key" in told.stdout
    assert nbproj("completion", "bash").returncode == 0
    configure("c.Nbproj.timeout = 10")
    line = next(line for line in nbproj("doctor", NBPROJ_KERNEL="ir").stdout.splitlines() if " configuration " in line)
    assert line.split()[2:] == [f"{file},", "NBPROJ_KERNEL"]


def test_the_doctor_names_who_has_named_the_store(configure):
    file = configure("c.Nbproj.tracking_uri = 'team.db'")
    assert f"team.db (named by {file})" in nbproj("doctor").stdout
    assert "team.db (named by NBPROJ_TRACKING_URI)" in nbproj("doctor", NBPROJ_TRACKING_URI="team.db").stdout


def test_a_file_to_begin_with_is_written_and_never_over_another(home):
    file = home / ".jupyter" / f"{NAME}.py"
    assert nbproj("--generate-config").stdout == f"{file}\n"
    file.write_text("mine")
    refused = nbproj("--generate-config")
    assert (refused.returncode, refused.stderr) == (2, f"nbproj: {file} is there already: -y replaces it\n")
    assert file.read_text() == "mine"
    assert nbproj("--generate-config", "-y").returncode == 0
    assert "c.Nbproj.timeout" in file.read_text()
    assert "stands alone" in nbproj("--generate-config", "show").stderr


def test_a_terminal_is_asked_before_a_file_is_replaced(home):
    import pexpect

    file = home / ".jupyter" / f"{NAME}.py"
    file.parent.mkdir()
    file.write_text("mine")
    for answer, code, kept in (("n", 1, True), ("y", 0, False)):
        child = pexpect.spawn(sys.executable, ["-m", "nbproj", "--generate-config"], timeout=60, dimensions=(24, 400))
        child.expect("Replace it")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.wait()  # it lets the terminal go a moment before it has ended, and pexpect would end it
        child.close()
        assert child.exitstatus == code
        assert (file.read_text() == "mine") is kept


def test_jupyter_nbproj_is_the_same_program_under_its_own_name(folder):
    assert started("jupyter", "nbproj", "run", folder, "-q").stdout.startswith("None ")
    assert started("jupyter", "nbproj", "run", "--help").stdout.startswith("Usage: jupyter nbproj run ")
    refused = started("jupyter", "nbproj", "run")
    assert (refused.returncode, refused.stderr) == (2, "jupyter nbproj run: missing argument 'URI'. See jupyter nbproj run --help\n")


def test_a_run_without_configuration_imports_neither_traitlets_nor_jupyter(folder):
    code = (
        "import sys\nfrom nbproj.cli import main\nsys.argv[0] = 'nbproj'\n"
        "try:\n    main(['show', 'wine'])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('traitlets', 'jupyter_core') if name in sys.modules])"
    )
    assert started(sys.executable, "-c", code, NBPROJ_TIMEOUT="9").stdout.splitlines()[-1] == "[]"
