"""Projects in a zip archive, on this machine or at a web address."""

from __future__ import annotations

import contextlib
import shutil
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from nbproj.errors import SourceError
from nbproj.paths import is_inside
from nbproj.progress import Event, Progress
from nbproj.sources import temporary
from nbproj.sources.address import Address, parse, public
from nbproj.sources.root import project_root
from nbproj.sources.source import Checkout, Credentials

__all__ = ["ArchiveSource", "Limits", "extract"]

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may cost.

    Parameters
    ----------
    download : int
        Bytes of the archive.
    total : int
        Bytes of all files in it together.
    entries : int
        Number of files and folders.
    ratio : int
        How many times larger than the archive the files may be, beyond `free` bytes.
    free : int
        Bytes that need no good ratio.
    """

    download: int = 2 << 30
    total: int = 8 << 30
    entries: int = 100_000
    ratio: int = 200
    free: int = 64 << 20


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """A zip archive: a local path, `file://`, https or http.

    Parameters
    ----------
    address : Address
        Where it is.
    limits : Limits
        What it may cost.

    Examples
    --------
    >>> ArchiveSource.detect("https://example.org/x.zip").address.name
    'x'
    """

    address: Address
    limits: Limits = Limits()

    @classmethod
    def detect(cls, uri: str) -> Self | None:
        """Return the source when an address means a zip archive."""
        address = parse(uri)
        if address.git or address.kind not in {"path", "web"}:
            return None
        path = urlsplit(address.location).path if address.kind == "web" else address.location
        return cls(address) if path.lower().endswith(".zip") and not (address.kind == "path" and Path(path).is_dir()) else None

    def fetch(self, version: str | None, progress: Progress, credentials: Credentials | None = None) -> Checkout:  # noqa: ARG002 - for Git servers
        """Return the archive's files in a temporary folder.

        A single folder at the top is the root, as in the archives that Git hosts offer; `#sub/dir` may be written with or without it.

        Parameters
        ----------
        version : None
            Archives have no versions.
        progress : callable
            Gets `fetching` events with bytes, and `fetched`.
        credentials : Credentials, optional
            Not used: they are for Git servers. Credentials in the address are.

        Raises
        ------
        SourceError
            It could not be had, is no zip archive, or holds what is refused; nothing is left behind.
        """
        if version is not None:
            msg = f"version {version!r} needs a Git project; {self.address.public} is an archive"
            raise SourceError(msg)
        temporary.sweep()
        made = temporary.make()
        try:
            shown = public(self.address.location)
            progress(Event("fetching", f"fetching {shown}"))
            archive = self._at_hand(made, progress)
            folder = made / self.address.name
            extract(archive, folder, shown, self.limits)
            (made / "download.zip").unlink(missing_ok=True)
            whole = bool(self.address.sub) and (folder / self.address.sub).exists()
            root, notebook = project_root(folder if whole else _top(folder), self.address.sub, shown)
            progress(Event("fetched", f"fetched {shown}"))
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        return Checkout(root=root, uri=self.address.public, notebook=notebook, temporary=made)

    def _at_hand(self, made: Path, progress: Progress) -> Path:
        if self.address.kind == "web":
            from nbproj.sources.download import download  # the web's modules cost a local run nothing

            download(self.address, made / "download.zip", self.limits.download, progress)
            return made / "download.zip"
        archive = Path(self.address.location)
        if not archive.is_file():
            msg = f"there is no archive {archive}"
            raise SourceError(msg)
        return archive


def _top(folder: Path) -> Path:
    entries = [entry for entry in folder.iterdir() if entry.name != "__MACOSX"]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder


def extract(archive: Path, folder: Path, shown: str, limits: Limits | None = None) -> None:
    """Write the files of a zip archive into a new folder.

    Parameters
    ----------
    archive : Path
        The archive.
    folder : Path
        The folder to make.
    shown : str
        The archive's address, for errors.
    limits : Limits, optional
        What it may cost.

    Raises
    ------
    SourceError
        It is no zip archive, is damaged, encrypted or too large, or a name in it is absolute, leaves the folder, stands twice, or is no plain file.
    """
    limits = limits or Limits()
    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            allowed = min(limits.total, max(limits.free, limits.ratio * archive.stat().st_size))
            if len(members) > limits.entries:
                _refuse(shown, f"it holds more than {limits.entries} entries")
            if sum(member.file_size for member in members) > allowed:
                _refuse(shown, "its files would be far larger than the archive")
            for member in members:
                allowed -= _write(opened, member, folder, shown, allowed)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        msg = f"{shown} is not a zip archive that can be read: {error}"
        raise SourceError(msg) from None
    except (OSError, ValueError, RuntimeError) as error:  # a damaged stream, an encrypted member, a name that is too long, a full disk
        msg = f"{shown} cannot be extracted: {error}"
        raise SourceError(msg) from None
    except Exception as error:
        if type(error).__module__ not in {"zlib", "lzma", "_lzma"}:  # their errors have no common base
            raise
        msg = f"{shown} is damaged: {error}"
        raise SourceError(msg) from None


def _refuse(shown: str, why: str) -> None:
    msg = f"{shown} is refused: {why}"
    raise SourceError(msg)


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, shown: str, allowed: int) -> int:
    name = member.filename
    mode = member.external_attr >> 16
    target = folder / name
    if name.startswith("/") or "\\" in name or ".." in name.split("/") or not is_inside(folder, target):
        _refuse(shown, f"its member {name!r} attempts to leave the folder")
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        _refuse(shown, f"its member {name!r} is a link or device")
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opened.open(member) as stream, contextlib.ExitStack() as stack:
        try:
            out = stack.enter_context(target.open("xb"))
        except FileExistsError:
            _refuse(shown, f"its member {name!r} stands in it twice")
        while chunk := stream.read(_CHUNK):
            written += len(chunk)
            if written > allowed:  # the sizes that the archive tells may be wrong
                _refuse(shown, "its files would be far larger than the archive")
            out.write(chunk)
    target.chmod(0o755 if mode & 0o100 else 0o644)
    return written
