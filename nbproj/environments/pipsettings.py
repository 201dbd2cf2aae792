"""Where packages come from on this machine: uv does not read pip's settings, so what a user has set for pip is told to it in its own words."""

from __future__ import annotations

import configparser
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["index_refused", "uv_variables"]

_WORDS: Final = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find-links": ("UV_FIND_LINKS",),
    "cert": ("SSL_CERT_FILE",),
    "trusted-host": ("UV_INSECURE_HOST",),
}
_TRUE: Final = {"1", "true", "yes", "on"}
_LISTS: Final = {"find-links": ","}
_OWN: Final = {"index", "index-url", "extra-index-url", "find-links", "no-index", "pip"}


def uv_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that tell uv what pip's settings say, where uv has not been told by itself.

    Parameters
    ----------
    environ : mapping of str to str
        The caller's environment.

    Examples
    --------
    >>> uv_variables({"PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": "/wheels /more", "HOME": "/nonexistent"})
    {'UV_FIND_LINKS': '/wheels,/more'}
    """
    if _uv_is_set_up(environ):
        return {}
    settings = _pip_settings(environ)
    told = {
        words[0]: _LISTS.get(name, " ").join(settings[name].split())
        for name, words in _WORDS.items()
        if settings.get(name, "").strip() and not any(word in environ for word in words)
    }
    if "UV_INDEX" in told and "UV_INDEX_STRATEGY" not in environ:
        told["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip looks into all of its indexes; uv alone would stop at the first that knows a package
    return told


def index_refused(environ: Mapping[str, str]) -> bool:
    """Return whether pip's settings say that no index is asked, as on a machine without a network; uv has no variable for it.

    Examples
    --------
    >>> index_refused({"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1"}), index_refused({"PIP_CONFIG_FILE": "/dev/null"})
    (True, False)
    """
    return not _uv_is_set_up(environ) and _pip_settings(environ).get("no-index", "").lower() in _TRUE


def _pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    chosen = environ.get("PIP_CONFIG_FILE")
    home = Path(environ.get("HOME") or "/nonexistent")
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf", user / "pip/pip.conf", Path(sys.prefix) / "pip.conf"]
    if sys.platform == "darwin":
        files.insert(2, home / "Library/Application Support/pip/pip.conf")
    if chosen is not None:
        files = [] if chosen == os.devnull else [*files, Path(chosen)]
    settings: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError, OSError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= dict(parser.items(section))
    variables = {name: f"PIP_{name.upper().replace('-', '_')}" for name in (*_WORDS, "no-index")}
    return settings | {name: environ[variable] for name, variable in variables.items() if variable in environ}


def _uv_is_set_up(environ: Mapping[str, str]) -> bool:
    """Return whether the user's own uv.toml says where packages come from."""
    home = Path(environ.get("HOME") or "/nonexistent")
    named = environ.get("UV_CONFIG_FILE")
    for file in [Path(named)] if named else [Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "uv/uv.toml", Path("/etc/uv/uv.toml")]:
        try:
            if _OWN & tomllib.loads(file.read_text(encoding="utf-8")).keys():
                return True
        except (OSError, ValueError):
            continue
    return False
