"""The files of a project that go into its image: all but what .dockerignore names, what Git keeps, what caches and stores of runs hold.

They are brought into one form - no owner, no time, readable by everybody - so that the same content gives the same archive on every machine.
"""

from __future__ import annotations

import hashlib
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from nbproj.errors import EnvironmentPreparationError

__all__ = ["ProjectFile", "archive", "content_of", "project_files"]

_IGNORED: Final = (
    ".git",
    "**/__pycache__",
    "**/*.pyc",
    "**/.ipynb_checkpoints",
    "**/.mypy_cache",
    "**/.pytest_cache",
    "**/.ruff_cache",
    "**/.DS_Store",
    # Stores change with every run, and would make every image another one.
    "mlruns",
    "mlartifacts",
    "mlflow.db*",
)
_BOUND: Final = 1 << 20
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A file, folder or symbolic link of a project.

    Parameters
    ----------
    name : str
        Its path below the project's root.
    path : Path
        Where it is.
    mode : int
        Kind and permissions.
    size : int
        Bytes, of a file.
    """

    name: str
    path: Path
    mode: int
    size: int


def project_files(root: Path) -> list[ProjectFile]:
    """Return what of a project goes into its image, in a fixed order. Files are not opened; ignored folders are not entered.

    Parameters
    ----------
    root : Path
        The project's folder; its `.dockerignore` is honoured.

    Raises
    ------
    EnvironmentPreparationError
        A folder or `.dockerignore` cannot be read.
    """
    from docker.utils import exclude_paths

    found = []
    try:
        names = exclude_paths(str(root), [*_IGNORED, *_patterns(root / ".dockerignore")])
        for name in sorted(names):
            path = root / name
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) or stat.S_ISLNK(status.st_mode):  # a pipe or a socket is no content
                found.append(ProjectFile(name, path, status.st_mode, status.st_size if stat.S_ISREG(status.st_mode) else 0))
    except OSError as error:
        msg = f"{error.filename or root} cannot be put into the image: {error.strerror or error}"
        raise EnvironmentPreparationError(msg) from error
    return found


def _patterns(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as stream:
            lines = [line.strip() for line in stream.read(_BOUND).splitlines()]
    except FileNotFoundError:
        return []
    return [line for line in lines if line and not line.startswith("#")]


class _Digested:
    """A file that is read once: for the archive, for the digest and for who is told how far it is."""

    def __init__(self, stream: IO[bytes], file: ProjectFile, digest: hashlib._Hash, passed: _Passed) -> None:
        self._stream, self._file, self._digest, self._passed = stream, file, digest, passed

    def read(self, size: int = -1) -> bytes:
        try:
            piece = self._stream.read(size)
        except OSError as error:
            raise _unreadable(self._file, error) from error
        self._digest.update(piece)
        self._passed.add(len(piece))
        return piece


class _Passed:
    """Bytes that were read so far."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told, self._bytes = told, 0

    def add(self, count: int) -> None:
        self._bytes += count
        self._told(self._bytes)


def _nobody(_done: int) -> None:
    """Be told nothing."""


def _entries(files: list[ProjectFile], prefix: str) -> Iterator[tuple[ProjectFile, tarfile.TarInfo]]:
    for file in files:
        entry = tarfile.TarInfo(f"{prefix}/{file.name}")
        if stat.S_ISDIR(file.mode):
            # Whoever the container runs as may write where the program runs: it is a copy, gone with the container.
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
        elif stat.S_ISLNK(file.mode):
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, str(file.path.readlink()), 0o777
        else:
            entry.size, entry.mode = file.size, 0o777 if file.mode & 0o111 else 0o666
        yield file, entry


def _head(entry: tarfile.TarInfo) -> bytes:
    return repr((entry.name, entry.type, entry.mode, entry.size, entry.linkname)).encode("utf-8", "surrogateescape")


def content_of(files: list[ProjectFile], prefix: str, told: Callable[[int], None] = _nobody) -> str:
    """Return what identifies the content of files: equal texts mean equal archives.

    Parameters
    ----------
    files : list of ProjectFile
        As `project_files` gives them.
    prefix : str
        The folder that they would lie in.
    told : callable
        Told how many bytes were read so far, often.

    Raises
    ------
    EnvironmentPreparationError
        A file cannot be read.
    """
    digest, passed = hashlib.sha256(), _Passed(told)
    for file, entry in _entries(files, prefix):
        digest.update(_head(entry))
        if entry.isreg():
            with _reading(file) as stream:
                content = _Digested(stream, file, digest, passed)
                while content.read(_PIECE):
                    pass
    return digest.hexdigest()


def archive(files: list[ProjectFile], into: tarfile.TarFile, prefix: str, told: Callable[[int], None] = _nobody) -> str:
    """Add files to an archive below a folder; return what identifies their content, as it was when they were read.

    Parameters
    ----------
    files : list of ProjectFile
        As `project_files` gives them.
    into : TarFile
        The archive.
    prefix : str
        The folder in it.
    told : callable
        Told how many bytes were read so far, often.

    Raises
    ------
    EnvironmentPreparationError
        A file cannot be read, or became shorter meanwhile.
    OSError
        There is no room for the archive.
    """
    digest, passed = hashlib.sha256(), _Passed(told)
    for file, entry in _entries(files, prefix):
        digest.update(_head(entry))
        if not entry.isreg():
            into.addfile(entry)
            continue
        with _reading(file) as stream:
            try:
                into.addfile(entry, _Digested(stream, file, digest, passed))
            except OSError as error:
                if error.errno is not None:  # there is no room for the archive
                    raise
                raise _unreadable(file, error) from error
    return digest.hexdigest()


def _reading(file: ProjectFile) -> IO[bytes]:
    try:
        return file.path.open("rb")
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: ProjectFile, error: OSError) -> EnvironmentPreparationError:
    msg = f"{file.path} cannot be put into the image: {error.strerror or error}"
    return EnvironmentPreparationError(msg, hint="Name it in .dockerignore if it does not belong there")
