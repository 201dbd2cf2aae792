"""Where configuration files can be: Jupyter's configuration path, looked at without importing Jupyter."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

__all__ = ["NAME", "any_file", "default_file", "folders"]

NAME: Final = "jupyter_nbproj_config"
"""The files' name, before `.py` or `.json`."""

_SYSTEM: Final = ("/usr/local/etc/jupyter", "/etc/jupyter")
_NO = {"no", "n", "false", "off", "0", "0.0"}


def any_file(environ: Mapping[str, str]) -> bool:
    """Return whether there is a configuration file in any folder that Jupyter could look into.

    In which order they count is asked of Jupyter itself, once there is one.
    """
    if environ.get("JUPYTER_NO_CONFIG"):
        return False
    if environ.get("JUPYTER_PLATFORM_DIRS", "no").lower() not in _NO:
        return True  # only Jupyter knows the platform's folders
    return any(os.path.lexists(f"{folder}/{NAME}{suffix}") for folder in _possible(environ) for suffix in (".py", ".json"))


def _possible(environ: Mapping[str, str]) -> Iterator[str]:
    yield from (environ.get("JUPYTER_CONFIG_PATH") or "").split(os.pathsep) if environ.get("JUPYTER_CONFIG_PATH") else ()
    yield environ.get("JUPYTER_CONFIG_DIR") or os.path.join(os.path.expanduser("~"), ".jupyter")  # noqa: PTH111, PTH118 - quick, and quiet without a home
    if site.ENABLE_USER_SITE:
        yield f"{site.getuserbase()}/etc/jupyter"
    yield f"{sys.prefix}/etc/jupyter"
    yield from _SYSTEM


def folders() -> list[Path]:
    """Return the folders on Jupyter's configuration path; the first wins."""
    from jupyter_core.paths import jupyter_config_path

    return [Path(folder) for folder in dict.fromkeys(jupyter_config_path())]


def default_file() -> Path:
    """Return where a new configuration file belongs: in the user's own folder for Jupyter."""
    from jupyter_core.paths import jupyter_config_dir

    return Path(jupyter_config_dir()) / f"{NAME}.py"
