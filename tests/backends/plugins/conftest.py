"""Packages of strangers, really installed, into a folder that every process of a test has on its path."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from uv import find_uv_bin

import nbproj

HERE = Path(__file__).parent
ROOT = Path(nbproj.__file__).parent.parent
collect_ignore_glob = ["*_package/*"]
"""What strangers have written runs where it is installed."""
PACKAGES = ("spool_package", "shed_package", "odd_package")


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Path:
    """Install the packages of this folder, and what nbproj's own pyproject.toml declares; return where."""
    folder = tmp_path_factory.mktemp("installed")
    command = [find_uv_bin(), "pip", "install", "--quiet", "--offline", "--no-build-isolation", "--no-deps", "--python", sys.executable]
    subprocess.run([*command, "--target", folder, *(HERE / name for name in PACKAGES)], check=True, timeout=120)
    # An editable installation has the entry points of the day it was made.
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["mlflow.project_backend"]
    about = folder / "nbproj_as_declared-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: nbproj-as-declared\nVersion: 0\n")
    (about / "entry_points.txt").write_text("[mlflow.project_backend]\n" + "".join(f"{name} = {target}\n" for name, target in declared.items()))
    return folder


@pytest.fixture
def plugins(installed, monkeypatch) -> Path:
    """Put them on the path of this process and of all that it starts."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(installed)]))
    monkeypatch.syspath_prepend(installed)
    return installed
