"""The panel for JupyterLab as a wheel brings it: built once from this checkout, by the hook that builds it for everybody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock
from full_mlflow import CACHE

ROOT = Path(__file__).parent.parent
SHARED = "share/jupyter/labextensions/nbproj"
SECONDS = 600
WEEK = 7 * 24 * 3600
PARTS = ("nbproj", "labextension", "hatch_build.py", "pyproject.toml", "README.md", "LICENSE")
MADE = {"__pycache__", "node_modules", "lib", ".yarn", "tsconfig.tsbuildinfo"}


def built_wheel() -> Path:
    """Return the wheel of this checkout, panel and all; whoever comes first builds it, and it is kept for as long as nothing in it has changed."""
    shelf = CACHE / "wheels"
    shelf.mkdir(parents=True, exist_ok=True)
    folder = shelf / _content()
    with FileLock(shelf / "lock", timeout=2 * SECONDS):
        if not folder.exists():
            for old in shelf.iterdir():
                if old.is_dir() and time.time() - old.stat().st_mtime > WEEK:
                    shutil.rmtree(old)
            with tempfile.TemporaryDirectory(dir=shelf) as beside:
                _build(Path(beside, "built"))
                Path(beside, "built").rename(folder)
        os.utime(folder)
    return next(folder.glob("*.whl"))


def _sources() -> Iterator[Path]:
    for part in PARTS:
        for folder, names, files in os.walk(ROOT / part):
            names[:] = sorted(set(names) - MADE - ({"labextension"} if Path(folder).name == "nbproj" else set()))
            yield from (Path(folder, name) for name in sorted(set(files) - MADE))
        if (ROOT / part).is_file():
            yield ROOT / part


def _content() -> str:
    told = sha256(version("jupyter-builder").encode())
    for file in _sources():
        told.update(f"{file.relative_to(ROOT)} {sha256(file.read_bytes()).hexdigest()}\n".encode())
    return told.hexdigest()[:16]


def _build(folder: Path) -> None:
    # Programs of this interpreter's environment, jlpm among them; node is the machine's.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "NBPROJ_PANEL": "require"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def panel_of(wheel: Path, folder: Path) -> Path:
    """Unpack the panel that is in a wheel, and return its folder."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            before, found, after = name.partition(f"{SHARED}/")
            if found and before.endswith(".data/data/"):
                target = folder / after
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(name))
    return folder
