"""A kernelspec for an environment of the cache, so that it can be chosen in JupyterLab."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path

from nbproj.environments.cache import Kept
from nbproj.environments.condaactivation import kept_changes
from nbproj.environments.inventory import kernels_of
from nbproj.errors import EnvironmentPreparationError, UsageError
from nbproj.paths import write_atomically

__all__ = ["install_kernelspec", "kernel_name"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def kernel_name(project: str) -> str:
    """Return the name of a kernelspec that is made from a project's.

    Examples
    --------
    >>> kernel_name("Wine & Cheese")
    'nbproj-wine-cheese'
    """
    return "nbproj-" + (re.sub(r"[^a-z0-9._]+", "-", project.lower()).strip("-.") or "project")


def install_kernelspec(kept: Kept, name: str, title: str) -> Path:
    """Write a kernelspec among the user's own; one of that name is replaced if it is ours.

    Parameters
    ----------
    kept : Kept
        An environment that has ipykernel, or a layer that brings it.
    name : str
        Its name: small letters, digits, `.`, `_`, `-`.
    title : str
        What JupyterLab shows.

    Returns
    -------
    Path
        Its folder.

    Raises
    ------
    UsageError
        The name cannot be one, or is somebody else's.
    EnvironmentPreparationError
        It cannot be written.
    """
    from jupyter_core.paths import jupyter_data_dir

    if not _NAME.fullmatch(name):
        msg = f"{name!r} is no name for a kernel: small letters, digits, '.', '_' and '-', and it begins with a letter or digit"
        raise UsageError(msg)
    folder = Path(jupyter_data_dir()) / "kernels" / name
    file = folder / "kernel.json"
    if file.exists():
        ours = False
        with contextlib.suppress(OSError, ValueError):
            ours = "nbproj" in json.loads(file.read_bytes()).get("metadata", {})
        if not ours:
            msg = f"there is a kernel {name!r} that nbproj has not made. Choose another name: --name NAME"
            raise UsageError(msg)
    spec = {
        "argv": [str(kept.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": title,
        "language": "python",
        "env": {**_activation(kept), "PYTHONPATH": "", "PYTHONNOUSERSITE": "1"},
        "metadata": {"debugger": True, "nbproj": {"environment": kept.key}},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps(spec, indent=1) + "\n")
        known = sorted({*kernels_of(kept), str(folder)})
        write_atomically(kept.folder / "kernels.json", json.dumps(known), mode=0o600)
    except OSError as error:
        msg = f"{folder} cannot be written: {error.strerror or error}"
        raise EnvironmentPreparationError(msg) from error
    return folder


def _activation(kept: Kept) -> dict[str, str]:
    """Return the variables that a kernel needs; Jupyter puts the server's own in the place of `${NAME}`."""
    chain = [kept, *(Kept(key, kept.folder.with_name(key), {}) for key in kept.facts.get("below", []))]
    changes = kept_changes(chain[-1])
    if changes is None:
        return {"PATH": f"{kept.prefix / 'bin'}:${{PATH}}", "VIRTUAL_ENV": str(kept.prefix)}
    found = {}
    for name, change in changes.items():
        texts = [text.replace("$", "$$") for text in change or [""]]
        found[name] = f"${{{name}}}".join(texts)
    found["PATH"] = os.pathsep.join([*(str(one.prefix / "bin") for one in chain[:-1]), found["PATH"]])
    return found
