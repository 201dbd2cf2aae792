"""What a folder or notebook of the server offers to run. Reading it executes nothing."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from nbproj.backends.registry import known_backends
from nbproj.inspection import inspect_project
from nbproj.order import ENV_MANAGERS
from nbproj.server.paths import contents_path
from nbproj.server.routes.route import Route

__all__ = ["ProjectsRoute"]


class ProjectsRoute(Route):
    """`GET projects?path=`: the project that a folder or notebook is, as `nbproj show --json` tells it."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer with what is declared, where each of it is, and what a form can choose; 422 with the place of what is wrong."""
        path = self.argument("path")
        self.answer(await self.service.read(self._shown, path))

    def _shown(self, path: str) -> dict[str, Any]:
        there = self.service.file(path)
        document = inspect_project(str(there)).to_dict()
        folder = there if there.is_dir() else there.parent
        return {
            **document,
            "path": contents_path(self.service.root, there),
            "folder": contents_path(self.service.root, folder),
            "env_managers": list(ENV_MANAGERS),
            "backends": known_backends(),
        }
