"""What it costs to have nbproj at hand in a notebook, and to print a lot under it."""

import os
import sys
from pathlib import Path

import pytest
from harness import own_clock, side_by_side, whole_process

pytestmark = pytest.mark.timeout(1500)

OURS = Path(sys.executable)
HEAVY = ("alembic", "docker", "git", "ipywidgets", "jupyter_client", "mlflow", "nbclient", "nbformat", "numpy", "pandas", "papermill", "sqlalchemy")

LOAD = f"""
import sys, time
from pathlib import Path
start = time.perf_counter()
from IPython.core.interactiveshell import InteractiveShell
imported = time.perf_counter()
shell = InteractiveShell.instance()
before = set(sys.modules)
begin = time.perf_counter()
shell.run_line_magic("load_ext", "nbproj")
loaded = time.perf_counter()
heavy = sorted((set(sys.modules) - before) & set({HEAVY}))
assert shell.find_line_magic("mlrun") is not None
assert not heavy, heavy
Path("load").write_text(str(loaded - begin))
Path("import").write_text(str(imported - start))
"""

FLOOD = """
import sys, time
start = time.perf_counter()
line = "x" * 99
for _ in range(int(sys.argv[1]) * 10_000):
    print(line)
open(sys.argv[2], "w").write(str(time.perf_counter() - start))
"""
PROJECT = "entry_points: {main: {parameters: {megabytes: int, to: {type: path, exists: false}}, command: 'python flood.py {megabytes} {to}'}}\n"
MEGABYTES = 200
SECRETS = {  # as many as a developer's shell holds, and as odd
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "DB_PASSWORD": "p@ss\"word'x",
    "GITHUB_TOKEN": "ghp_0123456789abcdefghij",
    "HF_TOKEN": "hf_abcdefghijklmnop",
}
CARD = """
import sys, time
import nbproj
from nbproj.display.card import bundle
from nbproj.display.live import CardState

state, shown = CardState(0), 0.0

def show(event):
    global shown
    state.fold(event, time.time() * 1000)
    if time.monotonic() - shown > 0.25:
        shown = time.monotonic()
        bundle(state.values(time.time() * 1000))

nbproj.run(".", parameters={"megabytes": sys.argv[1], "to": sys.argv[2]}, progress=show)
"""


@pytest.fixture
def place(tmp_path):
    """Return a folder to work in, and the variables of a process there."""
    (tmp_path / "flood.py").write_text(FLOOD)
    (tmp_path / "MLproject").write_text(PROJECT)
    path = os.pathsep.join([str(OURS.parent), os.environ["PATH"]])
    own = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "PATH": path, "PYTHONUNBUFFERED": "1"}
    return {"cwd": tmp_path, "env": {**os.environ, **own}}


def test_load_ext_costs_at_most_half_of_importing_ipython_and_brings_nothing_heavy(compare, place):
    folder = place["cwd"]
    result = side_by_side(
        compare("%load_ext nbproj, fresh interpreter", "import of the IPython shell"),
        lambda: own_clock([OURS, "-c", LOAD], folder / "load", **place),
        lambda: own_clock([OURS, "-c", LOAD], folder / "import", **place),
        rounds=9,
    )
    assert result.wall <= 0.5


def through_cat(place, to):
    command = ["bash", "-c", f"'{OURS}' flood.py {MEGABYTES} {to} | cat > out"]
    return own_clock(command, to, **place)


def test_a_program_that_prints_much_waits_no_longer_than_for_cat(compare, place):
    ours, theirs = place["cwd"] / "ours", place["cwd"] / "theirs"
    command = [OURS, "-m", "nbproj", "run", ".", "-P", f"megabytes={MEGABYTES}", "-P", f"to={ours}"]
    result = side_by_side(
        compare(f"print {MEGABYTES} MB, command line", "| cat > file"),
        lambda: own_clock(command, ours, **place),
        lambda: through_cat(place, theirs),
        rounds=3,
    )
    assert result.wall <= 1.3


def test_it_waits_no_longer_where_secrets_are_masked_and_a_card_is_drawn(compare, place):
    ours, theirs = place["cwd"] / "ours", place["cwd"] / "theirs"
    place["env"] |= SECRETS
    result = side_by_side(
        compare(f"print {MEGABYTES} MB, four secrets, card", "| cat > file"),
        lambda: own_clock([OURS, "-c", CARD, str(MEGABYTES), ours], ours, **place),
        lambda: through_cat(place, theirs),
        rounds=3,
    )
    assert result.wall <= 1.3


def test_the_memory_of_the_driver_does_not_grow_with_the_output(compare, place):
    def run(megabytes):
        return whole_process([OURS, "-c", CARD, str(megabytes), place["cwd"] / "told"], **place)

    result = side_by_side(compare("print 200 MB, memory", "print 20 MB"), lambda: run(200), lambda: run(20), rounds=3)
    assert result.memory <= 1.15
