"""What installs conda packages: a conda, mamba or micromamba of this machine, or py-rattler."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nbproj.environments.builder import call
from nbproj.errors import EnvironmentPreparationError

__all__ = ["Calling", "CondaTool", "find_conda"]

_NAMES: Final = ("conda", "mamba", "micromamba")
_PROGRAM: Final = (
    "import os, sys; sys.path += [path for path in sys.argv.pop(1).split(os.pathsep) if path and path not in sys.path]; "
    "from nbproj.environments.condarattler import main; main(sys.argv[1:])"
)
_TELLING: Final = re.compile(r"(solved|installing) ")


@dataclass(frozen=True, slots=True)
class CondaTool:
    """What installs conda packages.

    Parameters
    ----------
    name : str
        `conda`, `mamba`, `micromamba` or `py-rattler`.
    program : str, optional
        Its path; None for py-rattler, which runs on the Python that runs nbproj.
    """

    name: str
    program: str | None = None

    def create(self, prefix: Path, packages: Sequence[str], channels: Sequence[str], calling: Calling) -> None:
        """Solve for packages and install them.

        Parameters
        ----------
        prefix : Path
            The environment's folder, not there yet.
        packages : sequence of str
            As conda's files name them.
        channels : sequence of str
            For py-rattler addresses, for a program as the project's file has them.
        calling : Calling
            How programs are called.

        Raises
        ------
        BuildFailed
            It failed.
        """
        wanted = {"channels": list(channels), "dependencies": list(packages)}
        file = calling.folder / "environment.yml"
        # JSON is YAML: nothing that a name holds can become another key.
        file.write_text(json.dumps({key: value for key, value in wanted.items() if value or key == "dependencies"}), encoding="utf-8")
        if self.program is None:
            self._rattler(prefix, "solve", file, calling)
        elif self.name == "micromamba":
            calling(self.program, "create", "-y", "-p", prefix, "-f", file)
        else:
            calling(self.program, "env", "create", "-p", prefix, "-f", file)

    def restore(self, prefix: Path, urls: Sequence[str], calling: Calling) -> None:
        """Install exactly these packages, each an address with its checksum behind a `#`.

        Raises
        ------
        BuildFailed
            It failed.
        """
        file = calling.folder / "explicit.txt"
        file.write_text("\n".join(["@EXPLICIT", *urls]) + "\n", encoding="utf-8")
        if self.program is None:
            self._rattler(prefix, "explicit", file, calling)
        else:
            calling(self.program, "create", "-y", "-p", prefix, "--file", file)

    @staticmethod
    def _rattler(prefix: Path, what: str, file: Path, calling: Calling) -> None:
        # In a process of its own: it can be ended at any moment, and a notebook's event loop is none of its business.
        calling(sys.executable, "-I", "-c", _PROGRAM, os.pathsep.join(sys.path), what, file, prefix)


@dataclass(frozen=True, slots=True)
class Calling:
    """How the programs of one build are called.

    Parameters
    ----------
    folder : Path
        A folder of ours, where they run.
    environment : mapping of str to str
        The caller's variables, nothing activated.
    tell : callable
        Shows a line.
    keep_open : sequence of int
        File descriptors of locks.
    started : callable
        Gets a process group.
    """

    folder: Path
    environment: Mapping[str, str]
    tell: Callable[[str], None]
    keep_open: Sequence[int] = ()
    started: Callable[[int], None] = lambda _group: None

    def __call__(self, *command: str | os.PathLike[str]) -> None:
        """Call one."""
        quiet = {"NO_COLOR": "1", "MAMBA_NO_BANNER": "1", "CONDA_REPORT_ERRORS": "false", "CONDA_ALWAYS_YES": "1", "CONDA_AUTO_UPDATE_CONDA": "false"}
        call(
            command,
            cwd=self.folder,
            environment={**self.environment, **quiet},
            heard=lambda line: self.tell(line) if _TELLING.match(line) else None,
            keep_open=self.keep_open,
            started=self.started,
        )


def find_conda(environ: Mapping[str, str] | None = None) -> CondaTool | None:
    """Return what installs conda packages on this machine, or None.

    Looked at, in this order: `$MLFLOW_CONDA_HOME/bin`, the folder of `CONDA_EXE`, PATH, py-rattler. MLFLOW_CONDA_CREATE_ENV_CMD names another program
    than `conda`, as MLflow has it.

    Raises
    ------
    EnvironmentPreparationError
        MLFLOW_CONDA_HOME or MLFLOW_CONDA_CREATE_ENV_CMD names what is not there.
    """
    environment = os.environ if environ is None else environ
    wanted = environment.get("MLFLOW_CONDA_CREATE_ENV_CMD", "").strip()
    home = environment.get("MLFLOW_CONDA_HOME")
    path = environment.get("PATH") or os.defpath
    if home:
        path = os.path.join(os.path.expanduser(home), "bin")  # noqa: PTH111, PTH118 - a search path is a text
    elif environment.get("CONDA_EXE"):
        path = os.pathsep.join([str(Path(environment["CONDA_EXE"]).parent), path])
    for name in (wanted,) if wanted else _NAMES:
        program = shutil.which(os.path.expanduser(name), path=path)  # noqa: PTH111 - as above
        if program is not None:
            return CondaTool(next((known for known in reversed(_NAMES) if Path(program).name.startswith(known)), "conda"), os.path.abspath(program))  # noqa: PTH100 - links stay
    if wanted:
        msg = f"MLFLOW_CONDA_CREATE_ENV_CMD names {wanted!r}, and there is no such program{f' in {path}' if home else ''}"
        raise EnvironmentPreparationError(msg)
    if home:
        msg = f"MLFLOW_CONDA_HOME is {home}, and there is neither conda nor mamba nor micromamba in its bin folder"
        raise EnvironmentPreparationError(msg)
    return CondaTool("py-rattler") if importlib.util.find_spec("rattler") is not None else None
