"""An environment that holds ipykernel and nothing else: no nbproj, no MLflow. Built once per machine, with uv from the user's cache."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import full_mlflow
from filelock import FileLock

BUILD_SECONDS = 600


def bare_python() -> Path:
    """Return the interpreter of the environment, which is built when there is none."""
    folder = full_mlflow.CACHE / f"bare-kernel-py{sys.version_info.major}.{sys.version_info.minor}"
    python, marker = folder / "bin" / "python", folder / "complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock", timeout=BUILD_SECONDS):
        if marker.exists() and python.exists():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        uv = full_mlflow._uv()
        for command in (
            [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, folder],
            [uv, "pip", "install", "--quiet", "--python", python, "ipykernel"],
        ):
            subprocess.run(command, env=full_mlflow._UV_ENVIRONMENT, check=True, timeout=BUILD_SECONDS)
        marker.touch()
    return python


def install_kernelspec(home: Path, name: str = "bare") -> str:
    """Make the environment's kernel known to Jupyter under a name, for a user with this home; return the name."""
    folder = home / ".local/share/jupyter/kernels" / name
    folder.mkdir(parents=True)
    argv = [str(bare_python()), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": name, "language": "python"}))
    return name
