"""Runs of a user who is not root, and of whom neither this machine nor the image knows a name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from environments.docker.callers import ANOTHER, as_another, give

SCRIPT = """
import getpass, os, pathlib, sys
pathlib.Path.home().joinpath("kept").write_text("the home can be written")
pathlib.Path(sys.argv[1]).write_text("of the script")
pathlib.Path(os.environ["NBPROJ_OUTPUT_DIR"], "a", "b").mkdir(parents=True)
pathlib.Path(os.environ["NBPROJ_OUTPUT_DIR"], "a", "b", "c.txt").write_text("an artifact")
pathlib.Path("/shared/made.txt").write_text("in a volume")
print(os.getuid(), getpass.getuser())
"""
ENTRIES = "  main: {parameters: {target: {type: path, exists: false}}, command: 'python s.py {target}'}\n  note: {notebook: nb.ipynb}\n"


def test_what_scripts_and_notebooks_leave_outside_belongs_to_the_caller(
    container_project, notebook, store, containers, engine, docker_engine, home, tmp_path
):
    folder = container_project(ENTRIES, more='volumes: ["../shared:/shared"]', s__py=SCRIPT)
    notebook("import os, pathlib\nprint(os.getuid())", "pathlib.Path(os.environ['NBPROJ_OUTPUT_DIR'], 'cell.txt').write_text('of a cell')")
    (tmp_path / "shared").mkdir()
    give(tmp_path, home)
    group = Path(docker_engine.address.removeprefix("unix://")).stat().st_gid

    def run(*arguments: object) -> str:
        command = [*as_another(group), "-m", "nbproj", "run", folder, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    name = "" if os.geteuid() else str(ANOTHER)
    assert f"{ANOTHER} {name}" in run("-P", f"target={tmp_path}/made.txt")
    run("-e", "note")

    assert (tmp_path / "made.txt").read_text() == "of the script"
    assert (tmp_path / "shared/made.txt").read_text() == "in a volume"
    assert [run.status for run in store.search_runs()] == ["FINISHED", "FINISHED"]
    files = [path for place in (tmp_path, home) for path in place.rglob("*")]
    assert {"c.txt", "cell.txt"} <= {path.name for path in files}
    assert [path for path in files if path.lstat().st_uid != ANOTHER] == []


def test_a_notebook_of_another_user_of_the_container_is_spoken_to_through_ports(
    container_project, notebook, store, only_run, containers, docker_engine, home, tmp_path
):
    """As on a machine whose engine is in a virtual machine: the sockets of the kernel are not this user's."""
    folder = container_project(ENTRIES)
    notebook("import os\nprint(os.getuid(), '*' * 300_000)", "import nbproj\nnbproj.log_metric('score', 7)", "import os\nos._exit(9)")
    give(tmp_path, home)
    group = Path(docker_engine.address.removeprefix("unix://")).stat().st_gid
    command = [*as_another(group), "-m", "nbproj", "run", folder, "-e", "note", "-A", "user=2345:2345"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 9, done.stderr
    assert f"2345 {'*' * 300_000}\n" in done.stdout
    run = only_run()
    assert (run.metrics, run.tags["nbproj.reason"]) == ({"score": 7.0}, "the kernel died in cell 3: exit code 9")

    refused = subprocess.run([*command, "-A", "network=none"], capture_output=True, text=True, timeout=240, check=False)
    assert refused.returncode == 121
    assert "is spoken to through ports here, which --network=none does not have" in refused.stderr
