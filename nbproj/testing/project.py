"""The project that the contract of backends is tried on: programs that look at what they were given, and ends of every kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

__all__ = ["HOSTILE", "write_project"]

HOSTILE: Final = 'it\'s $HOME; `id` && "two"  words * ü\n#end'
"""One value, which no shell may take for more than that."""

_MLPROJECT: Final = """
name: contract
entry_points:
  look:
    parameters:
      text: string
      number: {type: float, default: 0.5}
      password: {type: string, secret: true}
    command: "python look.py {text} {number}"
  fail:
    command: "python -c 'print(\\"about to fail\\"); raise SystemExit(7)'"
  stay:
    parameters: {folder: path}
    command: "python stay.py {folder}"
  square:
    parameters: {x: float}
    command: "python -c 'import nbproj, sys; nbproj.log_metric(\\"square\\", float(sys.argv[1]) ** 2)' {x}"
"""

_LOOK: Final = """
import json, os, pathlib, subprocess, sys
import nbproj

secret = os.environ["PASSWORD"]
try:
    lines = [path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
except OSError:  # one of them has just ended
    lines = []
print("words", json.dumps(sys.argv[1:]))
print("folder", json.dumps(os.getcwd()))
print("variables", json.dumps({name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}))
print("in a command line", any(secret.encode() in line for line in lines))
print("the secret is", secret)
print("length", len(secret))
nbproj.log_metric("rmse", 0.25)
nbproj.set_tag("colour", "green")
pathlib.Path(os.environ["NBPROJ_OUTPUT_DIR"], "model.txt").write_text("a model")
"""

_STAY: Final = """
import os, pathlib, subprocess, sys, time
import nbproj

folder = pathlib.Path(sys.argv[1])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("ready", flush=True)
(folder / "there.part").write_text(f"{os.getpid()} {child.pid}")
(folder / "there.part").rename(folder / "there")
for _ in range(6000):
    if (folder / "go").exists():
        break
    time.sleep(0.1)
child.kill()
child.wait()
nbproj.log_metric("late", 1)
"""

_CELLS: Final[tuple[tuple[list[str], str], ...]] = (
    (["parameters"], "alpha: float = 0.1\nname = 'nobody'"),
    ([], "import nbproj\nnbproj.log_metric('double', 2 * alpha)\nprint('hello', name)"),
)


def write_project(folder: Path) -> Path:
    """Write the project into a new folder, and return that."""
    folder.mkdir(parents=True)
    (folder / "MLproject").write_text(_MLPROJECT, encoding="utf-8")
    (folder / "look.py").write_text(_LOOK, encoding="utf-8")
    (folder / "stay.py").write_text(_STAY, encoding="utf-8")
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "id": f"cell-{number}", "metadata": {"tags": tags}, "source": source, "outputs": [], "execution_count": None}
        for number, (tags, source) in enumerate(_CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "hello.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return folder
