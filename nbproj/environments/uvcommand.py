"""uv as a program: where it is, how it is called, and its own words on what went wrong, on one line."""

from __future__ import annotations

import functools
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nbproj.environments.builder import call
from nbproj.environments.complaints import why
from nbproj.environments.pipsettings import index_refused, uv_variables
from nbproj.errors import EnvironmentPreparationError

__all__ = ["Uv", "find_uv", "shown", "why"]

_DROPPED: Final = re.compile(
    r"UV_(PYTHON|PYTHON_PREFERENCE|PROJECT|PROJECT_ENVIRONMENT|WORKING_DIR\w*|SYSTEM_PYTHON|BREAK_SYSTEM_PACKAGES|TARGET|PREFIX|RESOLUTION|PRERELEASE"
    r"|REQUIRE_HASHES|NO_VERIFY_HASHES|FROZEN|LOCKED|NO_SYNC|VENV_\w+|COMPILE_BYTECODE|NO_PROGRESS|ENV_FILE|ISOLATED)"
    r"|VIRTUAL_ENV|PYTHONPATH|PYTHONHOME|CONDA_PREFIX|CONDA_DEFAULT_ENV|PYTHONSAFEPATH|RUST_LOG"
)
"""What would aim uv at another environment than ours, or make the same files mean something else."""
_ASKING: Final = (("pip", "install"), ("pip", "compile"))
"""What asks an index."""
_TELLING: Final = re.compile(r"(Resolved|Downloading|Downloaded|Building|Built|Prepared|Installed|Updating|Updated|Cloning) ")


@functools.cache
def find_uv(path: str | None = None) -> str:
    """Return the path of uv: the one that is installed with nbproj, else the first on PATH.

    Parameters
    ----------
    path : str, optional
        Where to look instead.

    Raises
    ------
    EnvironmentPreparationError
        There is none.
    """
    if path is None:
        try:
            from uv import find_uv_bin

            return os.fspath(find_uv_bin())
        except (ImportError, OSError):
            pass
    program = shutil.which("uv", path=path or os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]))
    if program is None:
        msg = "uv is not installed, and it makes Python environments. Install it: pip install uv"
        raise EnvironmentPreparationError(msg)
    return program


@dataclass(frozen=True, slots=True)
class Uv:
    """uv, called for one environment.

    Parameters
    ----------
    cwd : Path
        A folder of ours: what lies in a project or above it must not set uv up.
    heard : callable
        Gets each line that it says.
    keep_open : sequence of int
        File descriptors that it holds while it lives.
    started : callable
        Gets its process group.
    environ : mapping of str to str
        The caller's environment.
    """

    cwd: Path
    heard: Callable[[str], None]
    keep_open: Sequence[int] = ()
    started: Callable[[int], None] = lambda _group: None
    environ: Mapping[str, str] | None = None

    def __call__(self, *arguments: str | os.PathLike[str], **variables: str) -> str:
        """Call it and return what it wrote to standard output.

        Raises
        ------
        BuildFailed
            It failed.
        """
        caller = os.environ if self.environ is None else self.environ
        environment = {name: value for name, value in caller.items() if not _DROPPED.fullmatch(name)}
        environment |= uv_variables(caller)
        environment |= {
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "NO_COLOR": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "PIP_NO_INPUT": "1",
            **variables,
        }
        if arguments[:2] in _ASKING and index_refused(caller):
            arguments = (*arguments, "--no-index")
        return call([find_uv(), *arguments], cwd=self.cwd, environment=environment, heard=self.heard, keep_open=self.keep_open, started=self.started)


def shown(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Return a listener that passes on what a reader wants to know of what uv says."""

    def heard(line: str) -> None:
        if _TELLING.match(line):
            tell(line[0].lower() + line[1:])

    return heard
