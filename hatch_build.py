"""What building a distribution does about the JupyterLab panel: it is built where that can be done, else taken as it is, else left out.

Node is needed to build it, and nothing else of nbproj needs node: a checkout without it is installed all the same, and one line says that the panel
is not in it. NBPROJ_PANEL=require makes that an error (for releases), NBPROJ_PANEL=skip leaves the panel as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("package.json", "yarn.lock", "tsconfig.json", "src", "schema", "style")
SHOWN_ELSEWHERE = ("runs.js", "runs.css", "web")  # what notebooks show, too: the panel holds a copy
SHARED = "share/jupyter/labextensions/nbproj"
OLDEST_NODE = 20


class PanelBuildHook(BuildHookInterface[Any]):
    """Puts the panel into what is built."""

    @property
    def _built(self) -> Path:
        return Path(self.root, "nbproj", "labextension")

    @property
    def _is_built(self) -> bool:
        return (self._built / "package.json").is_file()

    def dependencies(self) -> list[str]:
        """Return what building the panel needs besides node; nothing where it is not built."""
        return ["jupyter-builder>=1.2,<2"] if self._must_build() and not _lacking() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the panel if need be, and put it into a wheel where JupyterLab looks for it."""
        if version == "editable":  # a copy would hide what is built from now on
            self.app.display_info(
                "nbproj: jupyter-builder develop --overwrite . links the panel of this checkout, once it is built: see CONTRIBUTING.md"
            )
            return
        why = self._build() if self._must_build() else ""
        if not self._is_built:
            self._leave_out(why or "it is not built")
            return
        if why:
            self.app.display_warning(f"nbproj: the JupyterLab panel is older than its sources: {why}")
        if self.target_name == "wheel":
            build_data["shared_data"][str(self._built)] = SHARED
            build_data["shared_data"][str(Path(self.root, "labextension", "install.json"))] = f"{SHARED}/install.json"

    def _must_build(self) -> bool:
        return os.environ.get("NBPROJ_PANEL") != "skip" and not self._is_fresh()

    def _is_fresh(self) -> bool:
        if not self._is_built:
            return False
        made = (self._built / "package.json").stat().st_mtime
        folder = Path(self.root, "labextension")
        widgets = Path(self.root, "nbproj", "widgets")
        sources = [*(folder / name for name in SOURCES), *(widgets / name for name in SHOWN_ELSEWHERE)]
        files = [file for source in sources for file in [source, *source.rglob("*")] if file.is_file()]
        return all(file.stat().st_mtime <= made for file in files)

    def _build(self) -> str:
        """Build the panel; return why it could not be, or an empty text."""
        lacking = _lacking()
        if lacking:
            return lacking
        folder = Path(self.root, "labextension")
        jlpm = shutil.which("jlpm", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
        if jlpm is None:
            return "jlpm was not found (pip install jupyter-builder)"
        environment = {**os.environ, "PATH": os.pathsep.join([str(Path(jlpm).parent), os.environ.get("PATH", "")])}
        for step in (["install", "--immutable"], ["build:prod"]):
            done = subprocess.run(  # noqa: S603 - what was found above
                [jlpm, *step], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
            if done.returncode:
                self.app.display_info(done.stdout + done.stderr)
                return f"jlpm {' '.join(step)} failed"
        return ""

    def _leave_out(self, why: str) -> None:
        line = f"nbproj: the JupyterLab panel is left out: {why}"
        if os.environ.get("NBPROJ_PANEL") == "require":
            raise SystemExit(line)
        self.app.display_warning(line)


def _lacking() -> str:
    """Return what the machine lacks to build the panel, and what to do, or an empty text."""
    advice = f"install Node.js {OLDEST_NODE} or newer and install nbproj again, or take its wheel"
    node = shutil.which("node")
    if node is None:
        return f"node was not found; {advice}"
    done = subprocess.run([node, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - as above
    major = done.stdout.strip().removeprefix("v").partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_NODE:
        return f"node {done.stdout.strip() or 'does not run'} is too old; {advice}"
    return ""
