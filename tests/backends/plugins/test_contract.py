"""The contract suite as its users run it: a pytest of its own, for the local backend and for a stranger's that was written from the docs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 900
"""For a suite of its own, on a machine that is busy."""
LOCAL = """
from nbproj.testing.backends import BackendContract


class TestLocal(BackendContract):
    backend = "local"
"""


def contract(folder: Path, *, expect: int = 0, **environment: str) -> str:
    """Run the tests in a folder with warnings as errors and none of our own fixtures; return what pytest said."""
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\ntimeout = 300\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", str(folder)]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=SECONDS - 50, check=False)
    assert done.returncode == expect, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.timeout(SECONDS)
def test_the_local_backend_passes_the_suite(plugins, tmp_path):
    (tmp_path / "test_local.py").write_text(LOCAL)
    assert "15 passed" in contract(tmp_path)


@pytest.mark.timeout(SECONDS)
def test_a_strangers_backend_written_from_the_docs_passes_the_suite(plugins, tmp_path):
    (tmp_path / "test_spool.py").write_text((Path(__file__).parent / "spool_package" / "test_spool.py").read_text())
    assert "15 passed" in contract(tmp_path, SPOOL=str(tmp_path / "spool"))


@pytest.mark.parametrize("code", ["", "import nbproj.backends"])
def test_what_plug_ins_import_is_light(plugins, code):
    ask = f"{code}\nimport sys, nbproj_spool\nprint(sorted({{'mlflow', 'papermill', 'git', 'docker', 'IPython'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
