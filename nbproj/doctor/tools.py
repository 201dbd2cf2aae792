"""Programs of others: which are there, in which version. Each is asked for its version only, and is ended when it does not answer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata, util
from pathlib import Path

from nbproj.display.doctor import Finding
from nbproj.doctor.engine import NO_CLIENT, engine
from nbproj.errors import one_line
from nbproj.processes import end_group

__all__ = ["ask", "conda", "docker", "git", "r", "uv"]

SECONDS = 2.5
"""After which a program that does not answer is ended."""

_VERSION = re.compile(r"\d+(?:\.\d+)+")
_OLDEST_GIT = (2, 31)


def ask(*command: str, seconds: float = SECONDS) -> str:
    """Return what a program prints, one line.

    Raises
    ------
    OSError
        It cannot be started.
    TimeoutError
        It did not answer in time; it is ended, with all that it has started.
    """
    with subprocess.Popen(  # noqa: S603 - a program that was found on PATH, and a question of ours
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            told, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            end_group(process.pid, grace=0.2)
            process.communicate()
            msg = f"{Path(command[0]).name} did not answer within {seconds:g} s"
            raise TimeoutError(msg) from None
    return one_line(told.decode(errors="replace"))


def _version(program: str, *question: str) -> str:
    told = ask(program, *(question or ("--version",)))
    found = _VERSION.search(told)
    return found[0] if found else told[:60]


def git() -> Finding:
    """Look for Git."""
    program = shutil.which("git")
    if program is None:
        return Finding("git", "missing", "not found", "Install Git 2.31 or newer for projects from Git; folders run without it")
    found = _version(program)
    old = tuple(int(part) for part in found.split(".")[:2] if part.isdigit()) < _OLDEST_GIT
    return Finding("git", "warning" if old else "ok", f"{found}, {program}", "Git 2.31 or newer is needed for projects from Git" if old else "")


def uv() -> Finding:
    """Look for uv, also beside this Python."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    program = shutil.which("uv", path=beside)
    if program is None:
        return Finding("uv", "missing", "not found", "Install uv for projects with a python_env or requirements.txt")
    return Finding("uv", "ok", f"{_version(program)}, {program}")


def conda() -> Finding:
    """Look for conda, mamba and micromamba, where their variables and MLflow's say, and for py-rattler where there is none of them."""
    home = os.environ.get("MLFLOW_CONDA_HOME")
    named = [os.environ.get("CONDA_EXE"), home and f"{home}/bin/conda", os.environ.get("MAMBA_EXE"), "conda", "mamba", "micromamba"]
    programs = dict.fromkeys(program for name in named if name and (program := shutil.which(name)))
    if not programs:
        if util.find_spec("rattler") is not None:
            return Finding("conda", "ok", f"py-rattler {metadata.version('py-rattler')}, in the place of a conda")
        advice = "Install one of them for projects with a conda_env, or what does without: pip install 'nbproj[conda]'"
        return Finding("conda", "missing", "neither conda nor mamba nor micromamba found", advice)
    known: dict[str, str] = {}
    silent = []
    for program in programs:
        if Path(program).name in known:
            continue
        try:
            known[Path(program).name] = f"{Path(program).name} {_version(program)}, {program}"
        except (OSError, TimeoutError) as error:
            silent.append(str(error))
    return Finding("conda", "warning" if silent else "ok", "; ".join([*known.values(), *silent]))


def docker() -> Finding:
    """Look for Docker's client and its engine. The engine is asked for its version, and not started."""
    program = shutil.which("docker")
    client, address = NO_CLIENT, os.environ.get("DOCKER_HOST", "")
    if program is not None:
        client = f"client {_version(program)}"
        if not address:  # read from the client's settings: the engine is not asked
            told = ask(program, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", seconds=1)
            address = told if re.match(r"\w+://\S+$", told) else ""
    return engine(client, address)


def r() -> Finding:
    """Look for R."""
    program = shutil.which("Rscript")
    if program is None:
        return Finding("R", "missing", "not found", "Install R for entry points in R")
    return Finding("R", "ok", f"{_version(program)}, {program}")
