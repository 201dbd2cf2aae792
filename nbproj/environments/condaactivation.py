"""What activating a conda environment does to a process's variables: found out once, when it is built, and kept as plain values.

Nothing is sourced when a run starts, and no `activate` is looked up on a PATH, where a virtual environment's may stand.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from nbproj.environments.activation import deactivated
from nbproj.environments.blueprint import Kept
from nbproj.environments.builder import BuildFailed, call
from nbproj.errors import EnvironmentPreparationError, one_line
from nbproj.paths import write_atomically

__all__ = ["Changes", "activated_conda", "capture", "keep_changes", "keep_variables", "kept_changes"]

Changes: TypeAlias = dict[str, "list[str] | None"]
"""By name: a value; what stands before and behind the caller's value; or None for a variable that is taken away."""

_FILE: Final = "activation.json"
_PLAIN: Final = frozenset({"HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TERM"})
_LISTS: Final = ("PATH", "_DIRS")
_OF_THE_SHELL: Final = frozenset({"PWD", "OLDPWD", "SHLVL", "_"})


def keep_variables(prefix: Path, variables: Mapping[str, str]) -> None:
    """Write the variables of a project's file where conda itself keeps them, so that a `conda activate` sets them too."""
    if variables:
        (prefix / "conda-meta" / "state").write_text(json.dumps({"version": 1, "env_vars": dict(variables)}), encoding="utf-8")


def keep_changes(folder: Path, changes: Changes) -> None:
    """Keep what activating an environment changes, beside it."""
    write_atomically(folder / _FILE, json.dumps(changes, indent=1), mode=0o600)


def kept_changes(kept: Kept) -> Changes | None:
    """Return what activating an environment changes, as it was found out when it was built; None where that is not known."""
    try:
        found: Changes = json.loads((kept.folder / _FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return found


def capture(
    prefix: Path, folder: Path, environ: Mapping[str, str], *, keep_open: Sequence[int] = (), started: Callable[[int], None] = lambda _group: None
) -> Changes:
    """Return what activating an environment changes: its own variables and state, then its packages' scripts, run once.

    Parameters
    ----------
    prefix : Path
        The environment.
    folder : Path
        A folder of ours.
    environ : mapping of str to str
        The caller's variables. The scripts see few of them, so that no secret can be kept.
    keep_open : sequence of int
        As `builder.call`.
    started : callable
        As `builder.call`.

    Raises
    ------
    EnvironmentPreparationError
        A script ended everything.
    """
    caller = deactivated(environ)
    base = {name: value for name, value in caller.items() if name in _PLAIN or name.endswith(_LISTS)}
    variables = {**base, **_own(prefix)}
    variables["PATH"] = os.pathsep.join([str(prefix / "bin"), base["PATH"]])
    scripts = sorted((prefix / "etc" / "conda" / "activate.d").glob("*.sh"))
    if scripts:
        variables = _sourced(scripts, variables, folder, keep_open, started)
    changes: Changes = {name: None for name in base if name not in variables}
    for name, value in variables.items():
        before = base.get(name)
        if name in _OF_THE_SHELL or value == before:
            continue
        changes[name] = _around(value, before or "") if name.endswith(_LISTS) else [value]
    return changes


def _around(value: str, before: str) -> list[str]:
    """Return what a script has put in front of and behind a list, which goes on to have the caller's part, whoever calls; or all of it."""
    start = value.find(before) if before else 0 if value.startswith(os.pathsep) else len(value) if value.endswith(os.pathsep) else -1
    return [value[:start], value[start + len(before) :]] if start >= 0 else [value]


def activated_conda(environ: Mapping[str, str], changes: Mapping[str, Sequence[str] | None], above: Sequence[Path] = ()) -> dict[str, str]:
    """Return the variables of a process in a conda environment.

    Parameters
    ----------
    environ : mapping of str to str
        The caller's.
    changes : mapping
        As `capture` returns them.
    above : sequence of Path
        Environments that stand on it.

    Examples
    --------
    >>> changes = {"CONDA_PREFIX": ["/new"], "PATH": ["/new/bin:", ""], "LIBS_PATH": ["/new/lib:", ""]}
    >>> activated_conda({"PATH": "/bin", "VIRTUAL_ENV": "/old"}, changes)
    {'PATH': '/new/bin:/bin', 'CONDA_PREFIX': '/new', 'LIBS_PATH': '/new/lib', 'PYTHONNOUSERSITE': '1'}
    """
    variables = deactivated(environ)
    for name, change in changes.items():
        if change is None:
            variables.pop(name, None)
        elif len(change) == 1:
            variables[name] = change[0]
        else:
            whole = variables.get(name, "")
            variables[name] = f"{change[0]}{whole}{change[1]}" if whole else f"{change[0]}{change[1]}".strip(os.pathsep)
    variables["PATH"] = os.pathsep.join([*(str(prefix / "bin") for prefix in above), variables["PATH"]])
    variables["PYTHONNOUSERSITE"] = "1"  # what a user has installed for another Python is no part of it
    return variables


def _own(prefix: Path) -> dict[str, str]:
    """Return the variables that the environment itself sets: conda's, its packages', those of the project's file."""
    found = {"CONDA_PREFIX": str(prefix), "CONDA_DEFAULT_ENV": str(prefix), "CONDA_SHLVL": "1"}
    files = sorted((prefix / "etc" / "conda" / "env_vars.d").glob("*.json"))
    for file in (*files, prefix / "conda-meta" / "state"):
        with contextlib.suppress(OSError, ValueError):
            read = json.loads(file.read_bytes())
            told = read.get("env_vars", {}) if file.name == "state" else read
            found |= {str(name): str(value) for name, value in told.items() if value != "***unset***"}
    return found


def _sourced(
    scripts: Sequence[Path], variables: Mapping[str, str], folder: Path, keep_open: Sequence[int], started: Callable[[int], None]
) -> dict[str, str]:
    bash, env = shutil.which("bash") or "/bin/bash", shutil.which("env") or "/usr/bin/env"
    found = folder / "activation.env"
    lines = [f". {shlex.quote(str(script))}" for script in scripts]
    # What they print is not ours to parse; `env` by its path, because they may have changed PATH.
    program = "\n".join(["{", *lines, "} >/dev/null", f"exec {shlex.quote(env)} -0 >{shlex.quote(str(found))}"])
    try:
        call([bash, "--noprofile", "--norc", "-c", program], cwd=folder, environment=variables, keep_open=keep_open, started=started)
        pairs = os.fsdecode(found.read_bytes()).split("\0")
    except (BuildFailed, OSError) as failure:
        names = ", ".join(script.name for script in scripts)
        told = failure.text if isinstance(failure, BuildFailed) else str(failure)
        msg = f"the environment cannot be activated: its scripts ({names}) end the shell. {one_line(told)[-200:]}".rstrip(". ")
        raise EnvironmentPreparationError(msg) from None
    finally:
        found.unlink(missing_ok=True)
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
