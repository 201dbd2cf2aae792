"""The experiment that an entry point's source names by a literal `mlflow.set_experiment("x")` (contract, section 7)."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nbproj.errors import NbprojError
from nbproj.paths import inside
from nbproj.project.cells import code_cells
from nbproj.project.model import EntryPoint
from nbproj.project.python_source import parse_python

__all__ = ["declared_experiment"]

MAXIMUM_BYTES: Final = 5_000_000
PYTHON: Final = re.compile(r"(.*/)?python(3(\.\d+)?)?")
# Options of the interpreter that take the next word.
WITH_VALUE: Final = frozenset({"-W", "-X"})


def declared_experiment(entry_point: EntryPoint, root: Path) -> str | None:
    r"""Return the experiment that the Python source of an entry point sets, or None.

    The source is the script, the notebook's code cells, or the file that a command `python file.py` runs. It is read, never run; what cannot be read
    names no experiment. The first literal counts.

    Parameters
    ----------
    entry_point : EntryPoint
        The declaration.
    root : Path
        The project's folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "train.py").write_text('import mlflow\nmlflow.set_experiment("wine")')
    ...     declared_experiment(EntryPoint("main", command="python train.py --fast"), Path(folder))
    'wine'
    """
    try:
        for source in _sources(entry_point, root):
            try:
                name = _experiment(parse_python(source))
            except SyntaxError:
                continue
            if name:
                return name
    except (NbprojError, OSError):
        pass  # whoever runs the entry point says what is wrong with it
    return None


def _sources(entry_point: EntryPoint, root: Path) -> Iterator[str]:
    if entry_point.notebook is not None:
        for _number, source in code_cells(inside(root, entry_point.notebook)):
            if "set_experiment" in source:
                yield source
        return
    script = entry_point.script if entry_point.script is not None else _script_of(entry_point.command or "")
    if script is None or not script.endswith(".py"):
        return
    path = inside(root, script)
    if path.is_file() and path.stat().st_size <= MAXIMUM_BYTES:
        source = path.read_text(encoding="utf-8-sig", errors="replace")
        if "set_experiment" in source:
            yield source


def _script_of(command: str) -> str | None:
    """Return the file that the first `python file.py` of a command runs."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        words = command.split()
    for index, word in enumerate(words):
        if not PYTHON.fullmatch(word):
            continue
        following = iter(words[index + 1 :])
        for argument in following:
            if argument in WITH_VALUE:
                next(following, None)
            elif not argument.startswith("-"):
                return argument.rstrip(";") if "{" not in argument else None
            elif argument in {"-c", "-m", "-"}:
                break
    return None


def _experiment(tree: ast.Module) -> str | None:
    modules, functions = {"mlflow"}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname for alias in node.names if alias.name == "mlflow" and alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module in {"mlflow", "mlflow.tracking", "mlflow.tracking.fluent"}:
            functions |= {alias.asname or alias.name for alias in node.names if alias.name == "set_experiment"}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_setting(node.func, modules, functions)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        named = next((keyword.value for keyword in call.keywords if keyword.arg == "experiment_name"), None)
        value = call.args[0] if call.args else named
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.strip():
            return value.value
    return None


def _is_setting(function: ast.expr, modules: set[str], functions: set[str]) -> bool:
    if isinstance(function, ast.Name):
        return function.id in functions
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "set_experiment"
        and isinstance(function.value, ast.Name)
        and function.value.id in modules
    )
