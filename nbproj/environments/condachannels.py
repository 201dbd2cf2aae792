"""Channels: where conda's packages come from, as a project's file and the user's own settings (`.condarc`) name them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from nbproj.environments.blame import blamed
from nbproj.environments.content import content_key
from nbproj.errors import EnvironmentPreparationError
from nbproj.paths import inside
from nbproj.project.model import Place

__all__ = ["Channel", "CondaSettings", "public", "read_channel"]

_NAME: Final = re.compile(r"[A-Za-z0-9_][\w.+-]*(/[\w.+-]+)*")
_SCHEMES: Final = ("https", "file", "s3", "gs", "oci")
_NEAR: Final = {"localhost", "127.0.0.1", "::1"}
_ALIAS: Final = "https://conda.anaconda.org"
_DEFAULTS: Final = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel.

    Parameters
    ----------
    text : str
        Its name, or its address.
    folder : Path, optional
        Where it lies, if on this machine.
    """

    text: str
    folder: Path | None = None

    def key(self) -> str:
        """Return what identifies it: one on this machine by the content of its indexes, another one by its address.

        What another channel offers changes every hour, and an environment is not built anew for that.
        """
        if self.folder is None:
            return self.text
        indexes = sorted(self.folder.glob("*/repodata.json*"))
        return " ".join([self.text, *(f"{file.parent.name}/{file.name}:{content_key(file)}" for file in indexes)])


def read_channel(text: str, place: Place, root: Path, folder: str = ".") -> Channel:
    """Return a channel that a project's file names.

    Parameters
    ----------
    text : str
        A name (`conda-forge`), an address, or a folder of the project that begins with `.`.
    place : Place
        Where it stands.
    root : Path
        The project's folder.
    folder : str
        The folder of the file, in the project.

    Raises
    ------
    EnvironmentPreparationError
        It is none, or it comes by a way that is refused.

    Examples
    --------
    >>> read_channel("conda-forge", Place("conda.yaml", 2), Path()).text
    'conda-forge'
    """
    bare = text.strip()
    parts = urlsplit(bare)
    if len(parts.scheme) > 1:
        near = parts.scheme == "http" and parts.hostname in _NEAR
        if (parts.scheme not in _SCHEMES and not near) or re.search(r"\s|[^\x21-\x7e]", bare):
            msg = f"the channel {public(bare)!r}: channels come by {', '.join(_SCHEMES)}"
            raise EnvironmentPreparationError(msg, place=place, hint="what concerns this machine belongs into its .condarc")
        return Channel(bare.rstrip("/"), Path(unquote(parts.path)) if parts.scheme == "file" else None)
    if bare.startswith("."):
        with blamed(place):
            path = inside(root, os.path.normpath(Path(folder) / bare), what="the channel")
        if not path.is_dir():
            msg = f"there is no channel {bare!r} in the project"
            raise EnvironmentPreparationError(msg, place=place)
        return Channel(path.as_uri(), path)
    if not _NAME.fullmatch(bare):
        msg = f"{text!r} is no channel"
        raise EnvironmentPreparationError(msg, place=place)
    return Channel(bare)


def public(text: str) -> str:
    """Return a text without what addresses of channels may hold for nobody else: a password, a token.

    Examples
    --------
    >>> public("https://ana:secret@conda.example.org/t/ab-12/team/linux-64/x-1-0.conda")
    'https://conda.example.org/team/linux-64/x-1-0.conda'
    """
    return re.sub(r"(://[^\s/]*)/t/[^/\s]+", r"\1", re.sub(r"(?<=://)[^\s/@]*@", "", text))


@dataclass(frozen=True, slots=True)
class CondaSettings:
    """What the user's own settings say about channels.

    Parameters
    ----------
    values : mapping
        The keys of the `.condarc` files, the nearest first.
    """

    values: Mapping[str, Any]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> CondaSettings:
        """Return them; a file that cannot be read counts for nothing, as it does for conda's own readers.

        Examples
        --------
        >>> CondaSettings.read({"HOME": "/nonexistent"}).addresses([])
        ['https://conda.anaconda.org/conda-forge']
        """
        import yaml

        home = Path(environ.get("HOME") or "/nonexistent")
        config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
        named = [Path(environ["CONDARC"])] if environ.get("CONDARC") else []
        values: dict[str, Any] = {}
        for file in (*named, home / ".condarc", home / ".conda/.condarc", config / "conda/.condarc", Path("/etc/conda/.condarc")):
            try:
                if file.stat().st_size > _MOST_BYTES:
                    continue
                read = yaml.safe_load(file.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, yaml.YAMLError):
                continue
            if isinstance(read, dict):
                values = {**read, **values}
        return cls(values)

    def addresses(self, channels: Sequence[Channel]) -> list[str]:
        """Return the addresses that channels mean, in their order; without any, those that the settings name, else conda-forge."""
        names = [channel.text for channel in channels if channel.text != "nodefaults"] or self._list("channels") or ["conda-forge"]
        found: list[str] = []
        for name in names:
            found += (self._list("default_channels") or list(_DEFAULTS)) if name == "defaults" else [name]
        return list(dict.fromkeys(self._address(name) for name in found))

    def _address(self, name: str) -> str:
        if "://" in name:
            return name
        custom = self.values.get("custom_channels")
        base = custom.get(name.partition("/")[0]) if isinstance(custom, dict) else None
        alias = base if isinstance(base, str) else self.values.get("channel_alias")
        return f"{(alias if isinstance(alias, str) and alias else _ALIAS).rstrip('/')}/{name}"

    def _list(self, key: str) -> list[str]:
        value = self.values.get(key)
        return [item for item in value if isinstance(item, str) and item != "nodefaults"] if isinstance(value, list) else []
