"""A program over py-rattler: solves and installs conda packages without conda. Called with `solve` or `explicit`, a file, and the new environment.

All that touches py-rattler is here: its interface changes from month to month.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    import rattler

__all__ = ["main"]


async def _solve(channels: Sequence[str], specs: Sequence[rattler.MatchSpec]) -> list[rattler.RepoDataRecord]:
    from rattler import Channel, Gateway, Subdir, VirtualPackage, VirtualPackageOverrides, solve

    return await solve(
        [Channel(channel) for channel in channels],
        list(specs),
        gateway=Gateway(),
        platforms=[Subdir.current(), Subdir("noarch")],
        virtual_packages=VirtualPackage.detect(VirtualPackageOverrides.from_env()),
    )


def _specs(texts: Sequence[str]) -> list[rattler.MatchSpec]:
    from rattler import MatchSpec

    found = []
    for text in texts:
        try:
            found.append(MatchSpec(text))
        except Exception as error:  # noqa: BLE001 - its errors have no base of their own
            msg = f"{text!r} is not understood: {error}"
            raise ValueError(msg) from None
    return found


def _exact(line: str) -> tuple[str, str]:
    """Return the channel of a package that is told by its address and checksum, and the specification of exactly that one there.

    Raises
    ------
    ValueError
        It is on this machine, and not what was recorded. What is downloaded is compared by whoever downloads it.
    """
    url, _, checksum = line.partition("#")
    channel, subdir, file = url.rsplit("/", 2)
    name, version, build = re.sub(r"\.(conda|tar\.bz2)$", "", unquote(file)).rsplit("-", 2)
    digest = checksum.removeprefix("sha256:")
    kind = "sha256" if len(digest) == 64 else "md5"  # noqa: PLR2004 - hexadecimal digits
    if url.startswith("file:") and digest:
        found = hashlib.new(kind, Path(unquote(urlsplit(url).path)).read_bytes()).hexdigest()
        if found != digest:
            msg = f"{file} is not what was recorded: its checksum is another one"
            raise ValueError(msg)
    return channel, f"{name}=={version}={build}[subdir={subdir}{f', {kind}={digest}' if digest else ''}]"


async def _make(what: str, text: str, prefix: Path) -> None:
    from rattler import install

    if what == "solve":
        wanted = json.loads(text)
        specs = _specs(wanted["dependencies"])
        records = await _solve(wanted.get("channels", []), specs)
    else:
        exact = [_exact(line) for line in text.splitlines() if line and not line.startswith("@")]
        specs = _specs([spec for _channel, spec in exact])
        records = await _solve(list(dict.fromkeys(channel for channel, _spec in exact)), specs)
    names = sorted(f"{record.name.normalized} {record.version}" for record in records)
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")  # noqa: PLR2004 - a line of the terminal
    sys.stderr.write(f"installing {shown}\n")
    sys.stderr.flush()
    (prefix / "conda-meta").mkdir(parents=True)
    requested = [spec._match_spec for spec in specs] if what == "solve" else None  # noqa: SLF001 - it takes no other form
    await install(records, target_prefix=prefix, show_progress=False, execute_link_scripts=True, requested_specs=requested)
    (prefix / "conda-meta" / "history").touch()


def main(arguments: Sequence[str]) -> None:
    """Do what the arguments say, and end the process."""
    what, file, prefix = arguments
    code = 0
    try:
        asyncio.run(_make(what, Path(file).read_text(encoding="utf-8"), Path(prefix)))
    except Exception as error:  # noqa: BLE001 - its errors have no base of their own; whoever called this tells them
        sys.stderr.write(f"error: {error}\n")
        code = 1
    sys.stderr.flush()
    os._exit(code)  # not by the interpreter's own end: threads of py-rattler that still go on then would crash it
