"""A machine with Python, pip and nothing else: an environment that the wheel of this checkout is installed in, panel and all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from built_panel import ROOT, built_wheel

__all__ = ["Machine"]

UV = Path(sys.executable).with_name("uv")
SECONDS = 300


@dataclass
class Machine:
    """An environment.

    Parameters
    ----------
    folder : Path
        Where it is.
    wheel : Path
        What nbproj is installed from.
    bare : set of str
        Its files as they are without nbproj.
    """

    folder: Path
    wheel: Path
    bare: set[str] = field(default_factory=set)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def call(self, *command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment; there are no others on its PATH, node least of all."""
        program, *arguments = command
        own = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}
        done = subprocess.run(
            [self.folder / "bin" / program, *arguments],
            cwd=cwd,
            env={**own, "PATH": str(self.folder / "bin")},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def install(self, *what: str | Path) -> subprocess.CompletedProcess[str]:
        """Have pip install something; what it needs is there."""
        return self.call("pip", "install", "--disable-pip-version-check", "--no-deps", *what)

    @property
    def has_nbproj(self) -> bool:
        """Whether nbproj is installed in it."""
        return any(self.folder.glob("lib/python*/site-packages/nbproj-*.dist-info"))

    def uninstall(self) -> None:
        """Have pip take nbproj away."""
        self.call("pip", "uninstall", "--disable-pip-version-check", "--yes", "nbproj")

    def files(self) -> set[str]:
        """Return all files and folders of the environment, but for what Python keeps of other modules that it has imported."""
        cached = ("__pycache__", ".pyc")
        return {str(path) for path in self.folder.rglob("*") if not path.name.endswith(cached) or "nbproj" in str(path.relative_to(self.folder))}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Return an environment with what `nbproj[lab]` needs and nothing of nbproj itself."""
    made = Machine(tmp_path_factory.mktemp("machine") / "venv", built_wheel())
    for command in (
        [UV, "venv", "--quiet", "--no-project", "--seed", "--python", sys.executable, made.folder],
        [UV, "pip", "install", "--quiet", "--python", made.python, f"nbproj[lab] @ {made.wheel.as_uri()}"],
        [UV, "pip", "uninstall", "--quiet", "--python", made.python, "nbproj"],
    ):
        subprocess.run(command, check=True, timeout=SECONDS)
    made.bare = made.files()
    return made


@pytest.fixture
def installed(machine: Machine) -> Machine:
    """Return the machine with nbproj installed from its wheel; a test may take it away."""
    if not machine.has_nbproj:
        machine.install(machine.wheel)
    return machine


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the checkout without the panel."""
    folder = tmp_path / "checkout"
    left = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "lib", "site", "dist", "mlruns", "mlflow.db", "tests", "docs", "notebooks")
    shutil.copytree(ROOT, folder, ignore=lambda path, names: {*left(path, names), *({"labextension"} if Path(path).name == "nbproj" else ())})
    shutil.copy(ROOT / ".gitignore", folder)  # decides what is in an sdist
    return folder
