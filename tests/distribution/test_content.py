"""What is in a distribution: one that is built here, and one that is built where there is no node."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from built_panel import built_wheel

pytestmark = pytest.mark.timeout(900)  # who comes first builds the panel with node
SHARED = "data/share/jupyter/labextensions/nbproj"
SWITCH = "data/etc/jupyter/jupyter_server_config.d/nbproj.json"


def build(kind: str, folder: Path, to: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build a distribution as an installer does, in an environment that has nothing on its PATH."""
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(to)],
        cwd=folder,
        env={"PATH": "/nowhere", "HOME": str(to), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def content(wheel: Path) -> list[str]:
    """Return what an installer puts where, without the version in the names."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert len(names) == len(set(names))
    return [re.sub(r"^[^/]+\.data/", "", name) for name in names]


def test_the_wheel_of_a_release_holds_the_panel_its_server_and_the_switch_between_them():
    names = content(built_wheel())
    panel = {name.removeprefix(f"{SHARED}/") for name in names if name.startswith(f"{SHARED}/")}
    assert {"install.json", "package.json", "schemas/nbproj/plugin.json", "static/style.js"} <= panel
    assert len([name for name in panel if re.fullmatch(r"static/remoteEntry\.[0-9a-f]+\.js", name)]) == 1
    assert [name for name in panel if name.endswith((".map", ".ts", ".tsx"))] == []
    assert SWITCH in names
    assert "nbproj/server/app.py" in names
    assert [name for name in names if name.startswith("nbproj/labextension")] == []


def test_a_checkout_without_node_is_installed_without_the_panel_and_one_line_says_so(checkout, tmp_path):
    done = build("wheel", checkout, tmp_path)
    assert done.returncode == 0, done.stderr
    told = [line for line in (done.stdout + done.stderr).splitlines() if "panel" in line]
    advice = "install Node.js 20 or newer and install nbproj again, or take its wheel"
    assert told == [f"nbproj: the JupyterLab panel is left out: node was not found; {advice}"]
    names = content(next(tmp_path.glob("*.whl")))
    assert SWITCH in names
    assert "nbproj/server/app.py" in names
    assert [name for name in names if "labextensions" in name or name.startswith("nbproj/labextension")] == []
    release = build("wheel", checkout, tmp_path, NBPROJ_PANEL="require")
    assert release.returncode != 0
    assert "node was not found" in release.stderr


def test_a_wheel_from_an_sdist_has_the_panel_once_and_needs_no_node(checkout, tmp_path):
    (checkout / "labextension" / "lib").mkdir()  # what compiling leaves
    built = checkout / "nbproj" / "labextension"
    (built / "static").mkdir(parents=True)
    (built / "static" / "remoteEntry.0123.js").write_text("// built before")
    (built / "package.json").write_text("{}")
    done = build("sdist", checkout, tmp_path)
    assert (done.returncode, "panel" in done.stdout + done.stderr) == (0, False), done.stderr
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    source = next((tmp_path / "unpacked").iterdir())
    assert (source / "labextension" / "src" / "index.ts").exists()
    assert not (source / "labextension" / "lib").exists()
    done = build("wheel", source, tmp_path)
    assert (done.returncode, "panel" in done.stdout + done.stderr) == (0, False), done.stderr
    names = content(next(tmp_path.glob("*.whl")))
    panel = sorted(name for name in names if name.endswith("remoteEntry.0123.js") or name.startswith(SHARED))
    assert panel == [f"{SHARED}/install.json", f"{SHARED}/package.json", f"{SHARED}/static/remoteEntry.0123.js"]
    assert SWITCH in names
    assert {"nbproj/widgets/runs.js", "nbproj/widgets/runs.css", "nbproj/widgets/web/uplot.js", "nbproj/widgets/web/table.js"} <= set(names)
