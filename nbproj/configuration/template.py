"""A configuration file to begin with: every key with its help, as a comment."""

from __future__ import annotations

import textwrap
from pathlib import Path

from nbproj.configuration.files import SECTION
from nbproj.configuration.keys import KEYS
from nbproj.errors import RunError
from nbproj.paths import write_atomically

__all__ = ["template", "write_template"]

_HEAD = """\
# Configuration of nbproj: defaults for every run, from the command line, notebooks and Python.
#
# An option of the caller wins, then MLflow's environment variables, then the variable named with each key, then this file.
# Take the "#" away before what you want to set.

c = get_config()  # noqa: F821 - Jupyter defines it
"""


def template() -> str:
    """Return the text of a file that sets nothing and tells everything.

    Examples
    --------
    >>> "# c.Nbproj.timeout = 3600" in template()
    True
    """
    parts = [_HEAD]
    for key in KEYS.values():
        told = f"{key.help} Otherwise: {key.otherwise}."
        if key.choices:
            told += f" One of: {', '.join(key.choices)}."
        told += f" Variable: {key.variable}" + (f"; {key.before} wins." if key.before else ".")
        parts.append(
            "\n".join([*textwrap.wrap(told, 100, initial_indent="# ", subsequent_indent="# "), f"# c.{SECTION}.{key.name} = {key.example}\n"])
        )
    return "\n".join(parts)


def write_template(path: Path) -> None:
    """Write the file, in place of one that is there.

    Raises
    ------
    RunError
        It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, template())
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise RunError(msg) from error
