"""Projects that pin another MLflow than nbproj stands on: clients as they are in the world, each with a Python of its time.

Their environments are made by nbproj itself, as for any project, and kept where the machine keeps what tests share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import full_mlflow
import pytest

from nbproj.environments import interpreters

ENVIRONMENTS = full_mlflow.CACHE / "projects"


@dataclass(frozen=True)
class OldMlflow:
    """A release of MLflow's client, and what a project that pins it asks for.

    Parameters
    ----------
    release : str
        Its version.
    pythons : tuple of str
        Versions of Python that it runs on, the preferred one first.
    beside : tuple of str
        Further requirements.
    """

    release: str
    pythons: tuple[str, ...]
    beside: tuple[str, ...] = field(default=())

    def python(self, cache: Path) -> str:
        """Return the first of its Pythons that this machine has; skip the test where there is none."""
        there = {".".join(map(str, found.version[:2])) for found in interpreters.found(cache)}
        for wanted in self.pythons:
            if wanted in there:
                return wanted
        pytest.skip(f"platform: MLflow {self.release} needs one of Python {', '.join(self.pythons)}")

    def project(self, folder: Path, **files: str) -> Path:
        """Make a project that pins it, with further files by name, and return its folder."""
        lines = "".join(f"  - {line}\n" for line in (f"mlflow-skinny=={self.release}", *self.beside))
        folder.mkdir(exist_ok=True)
        (folder / "python_env.yaml").write_text(f"python: '{self.python(ENVIRONMENTS / 'nbproj')}'\ndependencies:\n{lines}")
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text)
        return folder


FIRST = OldMlflow("1.30.1", ("3.9", "3.8", "3.10"), ("setuptools<70",))
"""The last of the 1.x: what it sends is what clients in other languages still send."""
SECOND = OldMlflow("2.22.5", ("3.11", "3.12", "3.10"), ("pandas", "matplotlib", "sqlalchemy", "alembic", "ipykernel"))
"""The last of the 2.x, able to open databases: of another schema."""
THIRD = OldMlflow("3.2.0", ("3.12", "3.11", "3.10"), ("pandas",))
"""An older 3.x, as people install it in a small environment: without SQLAlchemy."""


@pytest.fixture
def shared_environments(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the environments of this test's projects for the next tests; return the folder."""
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(ENVIRONMENTS))
    return ENVIRONMENTS
