"""What installs conda packages: a conda, mamba or micromamba of this machine, or py-rattler; and its own words on failure."""

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

from nbproj.environments.builder import BuildFailed, call
from nbproj.environments.condachannels import public
from nbproj.errors import EnvironmentPreparationError, one_line

__all__ = ["CondaTool", "find_conda", "why"]

_NAMES: Final = ("conda", "mamba", "micromamba")
_DRAWN: Final = re.compile("[\u2500-\u257f\u2190-\u21ff]+ ?")
_BEGINNING: Final = re.compile(
    r"^(?:\w*(?:Error|NotFound|Exception)(?:\([^)]*\))?: ?|error\s+libmamba |Could not solve for environment specs|error: |critical libmamba )",
    re.MULTILINE,
)
_NOISE: Final = re.compile(
    r"^(Current channels:|To search for alternate channels|(Collecting|Solving|Channels:|Platform:|Retrieving)\b|# >|`\$ |  environment variables:"
    r"|If this (package|error)|critical libmamba|Pins seem to be involved|Note that strict channel priority|\(?https?://\S+\)?$|.*\bWarning: )"
)
_PROGRAM: Final = (
    "import os, sys; sys.path += [path for path in sys.argv.pop(1).split(os.pathsep) if path and path not in sys.path]; "
    "from nbproj.environments.condarattler import main; main(sys.argv[1:])"
)
_LONGEST: Final = 400
_NETWORK: Final = re.compile(
    r"HTTPError|ConnectionFailed|connection (failed|refused)|error sending request|dns error|timed out|resolve host|Download error|couldn't connect",
    re.IGNORECASE,
)
_SOLVING: Final = re.compile(
    r"Unsatisfiable|incompatible|No candidates|nothing provides|NotFound|not available|cannot be installed|does not exist|could not be installed",
    re.IGNORECASE,
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


def why(failure: BuildFailed, tool: CondaTool) -> EnvironmentPreparationError:
    r"""Return a failure as an error: the solver's own words, trimmed to one line, and what to do.

    Examples
    --------
    >>> text = "Solving environment: failed\n\nResolvePackageNotFound: \n  - nosuch=1\n"
    >>> str(why(BuildFailed(1, text), CondaTool("conda", "conda")))
    'ResolvePackageNotFound: nosuch=1'
    """
    text = _DRAWN.sub("", failure.text)
    found = list(_BEGINNING.finditer(text))
    # What is said last is the cause, but for a line that only says that it has failed.
    told = text[found[0].start() :] if found else "\n".join(text.strip().splitlines()[-3:])
    lines: list[str] = []
    for raw in told.splitlines():
        line = re.sub(r"^(- |error: |error\s+libmamba )+", "", raw.strip())
        if line.startswith("Current channels"):
            break
        if line and not _NOISE.match(line) and line not in lines:
            lines.append(line)
    joined = public(one_line(" ".join(lines)).removeprefix("Cannot solve the request because of: "))
    if len(joined) > _LONGEST:
        joined = joined[: _LONGEST - 1] + "…"
    if "No space left on device" in text or "os error 28" in text:
        hint = "nbproj env gc makes room; NBPROJ_CACHE_DIR names another disk"
    elif _NETWORK.search(text):
        hint = "Are the channels within reach? Run again: what was downloaded is kept"
    elif _SOLVING.search(joined):
        hint = "Change the packages that contradict each other, or add the channel that has them"
    else:
        hint = ""
    return EnvironmentPreparationError(joined or f"{tool.name} ended with code {failure.code}", hint=hint)
