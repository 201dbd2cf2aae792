"""The current notebook: found by what surrounds the kernel, in the order of the contract's section 8."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from nbproj.current.executions import Executions
from nbproj.current.frontend import from_colab, from_run, from_session_name, from_vscode
from nbproj.current.server import Server, servers
from nbproj.errors import NbprojError, UsageError
from nbproj.paths import is_inside

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["CurrentNotebook", "current_notebook", "served_path"]

SECONDS: Final = 5.0
"""How long all servers together are waited for."""
KERNEL: Final = re.compile(r"kernel-(.+)\.json")
NAME_IT: Final = "name what to run, as in %mlrun train.ipynb"


@dataclass(frozen=True, slots=True)
class CurrentNotebook:
    """The file that is the open notebook.

    Parameters
    ----------
    path : Path
        Absolute.
    live : bool
        People edit and execute it: the file may be older than what was run. Not so when a run executes it, or when it was just copied.
    """

    path: Path
    live: bool = True

    def check_saved(self, executions: Executions) -> None:
        """Refuse a file that is older than what was run.

        Parameters
        ----------
        executions : Executions
            What was run.

        Raises
        ------
        UsageError
            The file lacks a cell that was executed after it was saved.
        EntryPointError
            It is not a notebook.
        """
        from nbproj.project.cells import code_cells

        if not self.live:
            return
        saved = self.path.stat().st_mtime
        missing = executions.unsaved((source for _, source in code_cells(self.path)), saved)
        if missing is not None:
            line = next((line.strip() for line in missing.splitlines() if line.strip()), "")
            shown = line if len(line) <= 40 else f"{line[:37]}..."  # noqa: PLR2004 - the rest would not help to find the cell
            msg = f"{self.path.name}: the saved file is older than what was run here: the cell {shown!r} is not in it. Save first, or add --stale-ok"
            raise UsageError(msg)


def current_notebook(shell: InteractiveShell, executions: Executions | None = None) -> CurrentNotebook:
    """Return the notebook that a shell's cells belong to.

    Parameters
    ----------
    shell : InteractiveShell
        Of a kernel.
    executions : Executions, optional
        Tells which cell is running, where two open notebooks share a kernel.

    Raises
    ------
    UsageError
        There is none, or it cannot be told which: the line asks to name it.
    """
    executed = from_run(os.environ)
    if executed is not None and executed.is_file():
        return CurrentNotebook(executed, live=False)
    if not hasattr(shell, "kernel"):
        msg = f"there is no current notebook in a terminal: {NAME_IT}"
        raise UsageError(msg)
    missing: list[str] = []
    found = _served(executions or Executions(), missing)
    if found is not None:
        return CurrentNotebook(found)
    named = from_vscode(shell.user_ns)
    if named is not None and named.is_file():
        return CurrentNotebook(_notebook(named))
    copied = from_colab(Path.cwd())
    if copied is not None:
        return CurrentNotebook(copied, live=False)
    named = from_session_name(os.environ)
    if named is not None and named.is_file():
        return CurrentNotebook(_notebook(named))
    where = f"the current notebook is {missing[0]!r}, which is no file on this machine" if missing else "it cannot be told which notebook this is"
    msg = f"{where}: {NAME_IT}"
    raise UsageError(msg)


def _notebook(path: Path) -> Path:
    if path.suffix != ".ipynb":
        msg = f"the current notebook is {path.name}, which is no .ipynb file: {NAME_IT}"
        raise UsageError(msg)
    return path.absolute()


def _served(executions: Executions, missing: list[str]) -> Path | None:
    """Return the notebook that a Jupyter server of this machine has open on this kernel, or None; names that are no files go to `missing`."""
    kernel, folders = _kernel()
    if kernel is None:
        return None
    parent = int(os.environ.get("JPY_PARENT_PID") or 0) or os.getppid()
    deadline = time.monotonic() + SECONDS
    for server in servers(folders, os.environ, parent):
        if time.monotonic() > deadline:
            break
        names = server.notebooks(kernel)
        found = [path for name in names for path in _files(server, name)]
        if found:
            return _notebook(found[0] if len(found) == 1 else _running(found, executions))
        missing.extend(names)
    return None


def _files(server: Server, name: str) -> Iterator[Path]:
    """Give the file that a path of a server means, if it is one on this machine."""
    # A drive comes first, `RTC:notebooks/train.ipynb`; a file name may hold a colon, too.
    for plain in dict.fromkeys([name, name.partition(":")[2]]):
        relative = PurePosixPath(plain.lstrip("/"))
        if not relative.name:
            continue
        for root in [server.root] if server.root is not None else [Path.cwd(), *Path.cwd().parents]:
            path = root / relative
            if path.is_file():
                yield path
                return


def _running(found: list[Path], executions: Executions) -> Path:
    """Return which of several notebooks on one kernel holds the cell that is running."""
    from nbproj.project.cells import read_cells

    holding = []
    for path in found:
        with contextlib.suppress(NbprojError):
            if executions.cell is not None and any(cell.id == executions.cell for cell in read_cells(path)):
                holding.append(path)
    if len(holding) != 1:
        names = " and ".join(sorted(path.name for path in found))
        msg = f"{names} share this kernel, and it cannot be told which is meant: {NAME_IT}"
        raise UsageError(msg)
    return holding[0]


def served_path(file: Path) -> str | None:
    """Return the path by which the server that this kernel belongs to knows a file; None when it lies outside of what that serves.

    Parameters
    ----------
    file : Path
        On this machine.
    """
    for server in servers(_kernel()[1], os.environ, os.getppid()):
        if server.root is not None and file.exists() and is_inside(server.root, file):
            return Path(os.path.relpath(os.path.realpath(file), os.path.realpath(server.root))).as_posix()
    return None


def _kernel() -> tuple[str | None, list[Path]]:
    """Return the id of this process's kernel, and the folders where servers of this user leave their files."""
    try:
        from ipykernel.connect import get_connection_file
        from jupyter_core.paths import jupyter_runtime_dir

        file = Path(get_connection_file())
        named = KERNEL.fullmatch(file.name)
    except (ImportError, RuntimeError):  # another kernel than ipykernel's
        return None, []
    return (named[1] if named else None), list(dict.fromkeys([file.parent, Path(jupyter_runtime_dir())]))
