"""The extension as Jupyter sees it: found, switched on, sound, and without a cost for who does not use it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from nbproj.version import __version__

LABEXTENSION = Path(__file__).parents[2] / "labextension"
FRESH = """
import json, sys
import nbproj.server
before = sorted(sys.modules)
import nbproj.server.app
print(json.dumps({"before": before, "after": sorted(sys.modules)}))
"""


def test_jupyter_lists_the_extension_as_enabled_and_sound(home):
    configured = home / "config"
    shutil.copytree(LABEXTENSION / "jupyter-config", configured / "jupyter_server_config.d")
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_server.extension.serverextension", "list"],
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(configured)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = [re.sub(r"\x1b\[\d+m", "", line).strip() for line in (done.stdout + done.stderr).splitlines()]
    start = lines.index("nbproj enabled", lines.index(f"Config dir: {configured}"))
    assert lines[start + 1] == "- Validating nbproj..."
    assert f"nbproj {__version__} OK" in lines[start + 2 : start + 4]


def test_neither_the_package_nor_a_server_that_starts_imports_mlflow_or_papermill():
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, timeout=120, check=True)
    told = json.loads(done.stdout)
    assert not {"jupyter_server", "tornado"} & {name.partition(".")[0] for name in told["before"]}
    assert not {"docker", "git", "ipywidgets", "mlflow", "pandas", "papermill", "sqlalchemy"} & {name.partition(".")[0] for name in told["after"]}


def test_the_panel_has_the_version_of_the_package_and_names_no_registry():
    assert json.loads((LABEXTENSION / "package.json").read_text())["version"] == __version__
    assert "://" not in (LABEXTENSION / "yarn.lock").read_text()
