"""What a front end itself tells a kernel about the notebook: VS Code, Colab, the variable of Jupyter's servers, nbproj when it runs a notebook."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from nbproj import processes
from nbproj.errors import UsageError
from nbproj.paths import write_atomically
from nbproj.tracking.owner import TOKEN_VARIABLE

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["RUN_VARIABLE", "from_colab", "from_run", "from_session_name", "from_vscode", "is_live"]

RUN_VARIABLE: Final = "NBPROJ_NOTEBOOK"
"""Names, for a kernel that a run started, the notebook that is being executed."""
SESSION_VARIABLE: Final = "JPY_SESSION_NAME"
COLAB_SECONDS: Final = 10
COPY: Final = "copied_from"


def from_run(environ: Mapping[str, str]) -> Path | None:
    """Return the notebook that nbproj executes in this kernel, or None."""
    # A notebook may run itself, another entry point of it: it is the run's token that differs then.
    return _named_for_us(RUN_VARIABLE, environ, TOKEN_VARIABLE)


def from_session_name(environ: Mapping[str, str]) -> Path | None:
    """Return the notebook that a Jupyter server named when it started this kernel, or None; it may have been renamed since."""
    return _named_for_us(SESSION_VARIABLE, environ)


def is_live(shell: InteractiveShell) -> bool:
    """Return whether somebody sits before a front end: it can ask for input, or names the cell; programs that execute notebooks do neither.

    Parameters
    ----------
    shell : InteractiveShell
        Of a kernel.
    """
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    metadata, content = (parent.get(part) or {} for part in ("metadata", "content")) if isinstance(parent, dict) else ({}, {})
    return "cellId" in metadata or bool(content.get("allow_stdin")) or from_vscode(shell.user_ns) is not None


def from_vscode(names: Mapping[str, object]) -> Path | None:
    """Return the notebook that VS Code names among the notebook's own names, or None.

    Examples
    --------
    >>> from_vscode({"__vsc_ipynb_file__": "/work/train.ipynb"}).name
    'train.ipynb'
    """
    named = names.get("__vsc_ipynb_file__")
    return Path(named) if isinstance(named, str) and named else None


def from_colab(folder: Path) -> Path | None:
    """Return a copy of the notebook that is open in Colab, or None elsewhere: Colab's notebooks are no files on the machine that runs them.

    Parameters
    ----------
    folder : Path
        Where the copy is written, under the notebook's own name. An earlier copy is replaced, another file never.

    Raises
    ------
    UsageError
        There is another file of that name, or Colab does not answer.
    """
    colab = sys.modules.get("google.colab")
    if colab is None:
        return None
    from importlib import import_module

    try:
        answer = import_module("google.colab._message").blocking_request("get_ipynb", timeout_sec=COLAB_SECONDS)
    except Exception as error:
        msg = f"Colab did not hand over the notebook ({type(error).__name__}): name what to run, as in %mlrun train.ipynb"
        raise UsageError(msg) from error
    document = answer.get("ipynb") if isinstance(answer, dict) else None
    if not isinstance(document, dict):
        msg = "Colab did not hand over the notebook: name what to run, as in %mlrun train.ipynb"
        raise UsageError(msg)
    metadata = document.setdefault("metadata", {})
    path = folder / _file_name(metadata)
    if path.exists() and not _is_copy(path):
        msg = f"{path} is another file than a copy of the open notebook, and is not replaced: move it, or rename the notebook"
        raise UsageError(msg)
    metadata["nbproj"] = {COPY: "colab"}
    try:
        write_atomically(path, json.dumps(document, indent=1, ensure_ascii=False))
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}. It is where the open notebook is copied to"
        raise UsageError(msg) from error
    return path


def _file_name(metadata: Mapping[str, Any]) -> str:
    colab = metadata.get("colab")
    named = str(colab.get("name") or "") if isinstance(colab, dict) else ""
    plain = "".join(character for character in PurePosixPath(named.replace("\\", "/")).name if character.isprintable()).lstrip(".")
    plain = plain or "notebook.ipynb"
    return plain if plain.endswith(".ipynb") else f"{plain}.ipynb"


def _is_copy(path: Path) -> bool:
    try:
        ours = json.loads(path.read_bytes()).get("metadata", {}).get("nbproj", {})
    except (OSError, ValueError, AttributeError, RecursionError):
        return False
    return isinstance(ours, dict) and COPY in ours


def _named_for_us(variable: str, environ: Mapping[str, str], *others: str) -> Path | None:
    """Return the path that a variable holds for this very process: a kernel that was started from a notebook's cell inherits that notebook's."""
    value = environ.get(variable, "")
    if not value:
        return None
    above = processes.environment_of(os.getppid())
    inherited = all(above.get(name) == environ.get(name) for name in (variable, *others))
    return None if inherited else Path(value)
