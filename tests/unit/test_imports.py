"""What an import may cost: `import nbproj`, and every module below the front doors, leave the heavy libraries alone."""

import json
import pkgutil
import subprocess
import sys

import pytest

import nbproj

HEAVY = {
    "IPython",
    "anywidget",
    "docker",
    "git",
    "ipywidgets",
    "jupyter_server",
    "markdown_it",
    "mlflow",
    "nbclient",
    "nbformat",
    "pandas",
    "papermill",
    "pygments",
    "sqlalchemy",
}
MODULES = sorted(module.name for module in pkgutil.walk_packages(nbproj.__path__, "nbproj.") if not module.name.endswith("__main__"))


def imported_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def test_the_question_finds_a_heavy_library_when_there_is_one():
    assert "nbformat" in imported_by("import nbformat")


@pytest.mark.parametrize("statement", ["import nbproj", *(f"import {module}" for module in MODULES)])
def test_import_leaves_heavy_libraries_alone(statement):
    assert not imported_by(statement) & HEAVY
