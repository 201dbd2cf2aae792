"""What is set, from variables and files: plain values that are handed on."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from nbproj.configuration.keys import KEYS
from nbproj.errors import UsageError

__all__ = ["ConfigurationError", "Settings", "carry", "settings"]


class ConfigurationError(UsageError):
    """A configuration file or an NBPROJ_* variable is wrong."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set; None is what is not.

    Parameters
    ----------
    tracking_uri, experiment_name, env_manager, backend, backend_config, timeout, kernel, kernel_start
        What is chosen for runs: `keys.KEYS` says what each means.
    storage_dir, state_dir, cache_dir, git_silence, grace
        Folders and patience, as `keys.KEYS` has them.
    files : tuple of Path
        The configuration files that were read, the one that wins first.
    origins : mapping of str to str
        Which variable or file has set a key.

    Examples
    --------
    >>> Settings(timeout=90.0).timeout, Settings().timeout
    (90.0, None)
    """

    tracking_uri: str | None = None
    experiment_name: str | None = None
    env_manager: str | None = None
    backend: str | None = None
    backend_config: Mapping[str, object] | str | None = None
    timeout: float | None = None
    kernel: str | None = None
    kernel_start: Literal["auto", "fork", "spawn"] | None = None
    storage_dir: str | None = None
    state_dir: str | None = None
    cache_dir: str | None = None
    git_silence: float | None = None
    grace: float | None = None
    files: tuple[Path, ...] = ()
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return what is set: by MLflow's variable for the same thing, by NBPROJ_*, in the files on Jupyter's configuration path, in this order.

    Where there is no such file this takes microseconds and imports nothing.

    Parameters
    ----------
    environ : mapping, optional
        The environment; by default this process's.

    Raises
    ------
    ConfigurationError
        A variable or file is wrong; the message says which, and in which line.

    Examples
    --------
    >>> settings({"NBPROJ_TIMEOUT": "90", "JUPYTER_NO_CONFIG": "1"}).timeout
    90.0
    """
    environment = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    files: tuple[Path, ...] = ()
    from nbproj.configuration.places import any_file

    if any_file(environment):
        from nbproj.configuration.files import read_files

        files, set_in_files = read_files(environment)
        for name, (value, file) in set_in_files.items():
            values[name], origins[name] = value, str(file)
    for name, key in KEYS.items():
        text = environment.get(key.variable)
        if text:
            try:
                values[name] = key.checked(text)
            except ValueError as error:
                msg = f"{key.variable} {error}"
                raise ConfigurationError(msg) from error
            origins[name] = key.variable
        elif key.kind == "folder" and name in values:
            values[name] = os.path.expanduser(values[name])  # noqa: PTH111 - pathlib raises where there is no home
        if key.before and environment.get(key.before):
            values[name], origins[name] = environment[key.before], key.before
    return Settings(**values, files=files, origins=MappingProxyType(origins))


def carry(chosen: Settings, environ: MutableMapping[str, str] | None = None) -> None:
    """Take what concerns the machine rather than one run - folders, patience - into the environment.

    The lowest floors look for it there, and what is started from here agrees with this process to its end, even if the file changes meanwhile.
    Where the file sets none of these keys, nothing is changed.

    Parameters
    ----------
    chosen : Settings
        What is set.
    environ : mapping, optional
        The environment; by default this process's.

    Examples
    --------
    >>> environment = {"NBPROJ_GRACE": "7"}
    >>> carry(Settings(grace=30.0, cache_dir="/scratch"), environment)
    >>> environment
    {'NBPROJ_GRACE': '7', 'NBPROJ_CACHE_DIR': '/scratch'}
    """
    environment = os.environ if environ is None else environ
    for name, key in KEYS.items():
        value = getattr(chosen, name)
        if key.carried and value is not None and not environment.get(key.variable):
            environment[key.variable] = f"{value:g}" if isinstance(value, float) else str(value)
