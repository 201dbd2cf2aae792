"""What a run has left: a list, and each file for itself, to be saved and never to be shown as a page of this site."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from jupyter_server.auth.decorator import authorized
from tornado.iostream import StreamClosedError
from tornado.web import authenticated

from nbproj.paths import is_inside
from nbproj.record import Run
from nbproj.server.errors import RefusedError
from nbproj.server.paths import artifact_path, local_folder
from nbproj.server.routes.route import Route

__all__ = ["ArtifactRoute", "ArtifactsRoute"]

_MOST = 1000
_PIECE = 1 << 18


class ArtifactsRoute(Route):
    """`GET runs/{id}/artifacts`: their paths and sizes."""

    @authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """Answer with the first thousand."""
        run = await self.run_with_files(run_id)
        found = await self.service.read(run.artifact_sizes)
        self.answer({"artifacts": [{"path": path, "size": size} for path, size in found[:_MOST]], "left_out": max(len(found) - _MOST, 0)})


class ArtifactRoute(Route):
    """`GET runs/{id}/artifacts/{path}`: one file."""

    @property
    def content_security_policy(self) -> str:
        """Whatever it holds, it may do nothing: no script, no form, no origin."""
        return "sandbox; default-src 'none'"

    @authenticated
    @authorized
    async def get(self, run_id: str, path: str) -> None:
        """Send it piece by piece, as a file to be saved."""
        name = artifact_path(path)
        run = await self.run_with_files(run_id)
        folder = await self.service.read(tempfile.mkdtemp, prefix="nbproj-artifact-")
        try:
            file = await self.service.read(_local, run, name, Path(folder))
            with file:
                self.set_attachment_header(name.rpartition("/")[2])
                self.set_header("Content-Length", str(os.fstat(file.fileno()).st_size))
                self.set_header("Content-Type", "application/octet-stream")
                while piece := await self.service.read(file.read, _PIECE):
                    self.write(piece)
                    await self.flush()  # waits for a slow reader: no more than a piece is in memory
        except StreamClosedError:  # the reader has gone
            return
        finally:
            await self.service.read(shutil.rmtree, folder, ignore_errors=True)
        self.finish(set_content_type="application/octet-stream")


def _local(run: Run, name: str, folder: Path) -> BinaryIO:
    """Return an artifact, open; one on this machine is read where it lies, any other is fetched into a folder."""
    none_such = f"run {run.run_id[:8]} has no artifact {name!r}"
    root = local_folder(run.record.artifact_uri)
    try:
        if root is not None:
            within, path = root, root / name
        elif any(name == known for known, _size in run.artifact_sizes()):
            within, path = folder, run.artifact(name, folder)
        else:
            raise RefusedError(404, none_such)
        if not path.is_file() or not is_inside(within, path):
            raise RefusedError(404, none_such)
        return path.open("rb")
    except (OSError, ValueError) as error:
        raise RefusedError(404, none_such) from error
