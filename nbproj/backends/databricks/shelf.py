"""Where archives are kept for clusters: files named after their content, so that what lies there already is not sent again."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol
from urllib.parse import quote

from nbproj.backends.databricks.answer import WorkspaceRefusalError
from nbproj.backends.databricks.workspace import Workspace
from nbproj.errors import BackendError

__all__ = ["DbfsShelf", "Shelf", "VolumeShelf", "WorkspaceShelf", "named", "shelf_at"]

_WORKSPACE_MOST: Final = 10 * 1000 * 1000 // 4 * 3
"""A workspace takes files of 10 MB, and in base64 they have a third more."""
_VOLUME_MOST: Final = 5 << 30
"""What one request may bring into a volume."""
_BLOCK: Final = 1 << 20
_OWN: Final = ".nbproj"


class Shelf(Protocol):
    """A folder that this machine writes to and clusters read."""

    def put(self, name: str, data: bytes) -> str:
        """Keep a file unless it is there; return its path as a cluster's programs know it.

        Raises
        ------
        WorkspaceAwayError, WorkspaceRefusalError, BackendError
            It cannot be kept.
        """


def named(data: bytes, suffix: str) -> str:
    """Return the name of a content.

    Examples
    --------
    >>> named(b"", ".py")
    'e3b0c44298fc1c149afbf4c8996fb924.py'
    """
    return f"{hashlib.sha256(data).hexdigest()[:32]}{suffix}"


def shelf_at(workspace: Workspace, folder: str | None, user: str) -> Shelf:
    """Return the shelf in a folder; in the user's own of the workspace, when none is named."""
    if folder is None:
        return WorkspaceShelf(workspace, f"/Users/{user}/{_OWN}")
    if folder.startswith("/Volumes/"):
        return VolumeShelf(workspace, folder)
    if folder.startswith("dbfs:"):
        return DbfsShelf(workspace, "/" + folder.removeprefix("dbfs:").strip("/"))
    return WorkspaceShelf(workspace, folder.removeprefix("/Workspace"))


class WorkspaceShelf:
    """A folder of workspace files, which are small."""

    def __init__(self, workspace: Workspace, folder: str) -> None:
        self._workspace, self._folder, self._made = workspace, folder, False

    def put(self, name: str, data: bytes) -> str:
        """Keep a file unless it is there."""
        path = f"{self._folder}/{name}"
        if len(data) > _WORKSPACE_MOST:
            msg = f"the project has {len(data) / 1e6:.0f} MB when packed, and a workspace takes files of 7.5 MB"
            raise BackendError(
                msg, hint='Leave data out by .dockerignore, or name a volume: {"new_cluster": ..., "folder": "/Volumes/CATALOG/SCHEMA/VOLUME"}'
            )
        what = f"{name} cannot be kept in the workspace"
        if not self._is_there(path, len(data), what):
            if not self._made:
                self._workspace.ask("POST", "/api/2.0/workspace/mkdirs", what, body={"path": self._folder})
                self._made = True
            body = {"path": path, "format": "AUTO", "content": base64.b64encode(data).decode(), "overwrite": True}
            self._workspace.ask("POST", "/api/2.0/workspace/import", what, body=body)
        return f"/Workspace{path}"

    def _is_there(self, path: str, size: int, what: str) -> bool:
        try:
            found = self._workspace.ask("GET", "/api/2.0/workspace/get-status", what, query={"path": path})
        except WorkspaceRefusalError as error:
            if error.is_absence:
                return False
            raise
        return found.get("size") in {None, size}


class VolumeShelf:
    """A folder of a volume of Unity Catalog."""

    def __init__(self, workspace: Workspace, folder: str) -> None:
        self._workspace, self._folder = workspace, folder

    def put(self, name: str, data: bytes) -> str:
        """Keep a file unless it is there."""
        path = f"{self._folder}/{name}"
        if len(data) > _VOLUME_MOST:
            msg = f"the project has {len(data) / 1e9:.0f} GB when packed, and a volume takes files of 5 GiB at once"
            raise BackendError(msg, hint="Leave data out by .dockerignore, and have the cluster read it where it lies")
        address, what = f"/api/2.0/fs/files{quote(path)}", f"{name} cannot be kept in {self._folder}"
        try:
            found = self._workspace.ask("HEAD", address, what)
            if found.get("length") in {None, str(len(data))}:
                return path
        except WorkspaceRefusalError as error:
            if not error.is_absence:
                raise
        self._workspace.ask("PUT", address, what, query={"overwrite": "true"}, data=data)
        return path


class DbfsShelf:
    """A folder of DBFS, which older workspaces have. A file appears there whole: it is written beside its place, and moved."""

    def __init__(self, workspace: Workspace, folder: str) -> None:
        self._workspace, self._folder = workspace, folder

    def put(self, name: str, data: bytes) -> str:
        """Keep a file unless it is there."""
        path = f"{self._folder}/{name}"
        what = f"{name} cannot be kept in dbfs:{self._folder}"
        if self._size(path, what) != len(data):
            self._write(path, data, what)
        return f"/dbfs{path}"

    def _size(self, path: str, what: str) -> int | None:
        try:
            return int(self._workspace.ask("GET", "/api/2.0/dbfs/get-status", what, query={"path": path})["file_size"])
        except WorkspaceRefusalError as error:
            if error.is_absence:
                return None
            raise

    def _write(self, path: str, data: bytes, what: str) -> None:
        beside = f"{path}.{uuid.uuid4().hex}"
        handle = self._workspace.ask("POST", "/api/2.0/dbfs/create", what, body={"path": beside, "overwrite": True})["handle"]
        for start in range(0, len(data), _BLOCK // 4 * 3):  # in base64 a block has a third more
            block = base64.b64encode(data[start : start + _BLOCK // 4 * 3]).decode()
            self._workspace.ask("POST", "/api/2.0/dbfs/add-block", what, body={"handle": handle, "data": block})
        with _unless_gone():  # closed already: the answer got lost
            self._workspace.ask("POST", "/api/2.0/dbfs/close", what, body={"handle": handle})
        if self._size(beside, what) != len(data):  # an answer that got lost, and a block that came twice
            self._delete(beside, what)
            msg = f"{what}: what arrived is not what was sent"
            raise BackendError(msg, hint="Run the same command again")
        try:
            if self._size(path, what) not in {None, len(data)}:  # half a file, and nothing can be moved onto it
                self._delete(path, what)
            self._workspace.ask("POST", "/api/2.0/dbfs/move", what, body={"source_path": beside, "destination_path": path})
        except WorkspaceRefusalError:
            if self._size(path, what) != len(data):  # else an answer got lost, or another run was quicker with the same content
                raise
        finally:
            if self._size(beside, what) is not None:
                self._delete(beside, what)

    def _delete(self, path: str, what: str) -> None:
        with _unless_gone():
            self._workspace.ask("POST", "/api/2.0/dbfs/delete", what, body={"path": path})


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Do something with what may be gone already."""
    try:
        yield
    except WorkspaceRefusalError as error:
        if not error.is_absence:
            raise
