"""What a Jupyter server loads: the routes, below its base URL, and a look at what was left behind."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_server.utils import url_path_join

from nbproj.doctor.installation import NO_PANEL, has_panel
from nbproj.server.routes.artifacts import ArtifactRoute, ArtifactsRoute
from nbproj.server.routes.events import EventsRoute
from nbproj.server.routes.forms import BatchesRoute, ChecksRoute
from nbproj.server.routes.projects import ProjectsRoute
from nbproj.server.routes.route import Route
from nbproj.server.routes.run import RunRoute, StopRoute
from nbproj.server.routes.runs import AnswersRoute, RunsRoute
from nbproj.server.routes.status import StatusRoute, StoreRoute
from nbproj.server.service import Service

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["ROUTES", "load", "started"]

_RUN = r"runs/([0-9A-Za-z_-]{1,64})"

ROUTES: tuple[tuple[str, type[Route]], ...] = (
    ("status", StatusRoute),
    ("store", StoreRoute),
    ("projects", ProjectsRoute),
    ("checks", ChecksRoute),
    ("batches", BatchesRoute),
    ("runs", RunsRoute),
    ("answers", AnswersRoute),
    (_RUN, RunRoute),
    (_RUN + "/events", EventsRoute),
    (_RUN + "/stop", StopRoute),
    (_RUN + "/artifacts", ArtifactsRoute),
    (_RUN + "/artifacts/(.+)", ArtifactRoute),
)
"""Below `<base URL>nbproj/api/`."""


def load(server: ServerApp) -> None:
    """Add the routes to a server.

    Parameters
    ----------
    server : ServerApp
        The server; its folder is what projects are looked for in.
    """
    contents = server.contents_manager
    service = Service(Path(server.root_dir), server.log, lambda: bool(contents.allow_hidden))
    application = server.web_app
    base = url_path_join(application.settings["base_url"], "nbproj", "api")
    application.add_handlers(  # type: ignore[no-untyped-call]  # Tornado
        ".*$", [(url_path_join(base, path), route, {"service": service}) for path, route in ROUTES]
    )
    application.settings["nbproj"] = service
    server.log.info("nbproj: projects and runs are served below %s", base)
    if find_spec("jupyterlab") is not None and not has_panel():  # installers keep to themselves what the build has said of it
        server.log.warning("nbproj: JupyterLab shows no panel: %s", NO_PANEL)


async def started(server: ServerApp) -> None:
    """Settle what dead drivers left on this host, without keeping the server from starting."""
    service: Service = server.web_app.settings["nbproj"]
    task = asyncio.ensure_future(service.read(service.tidy))
    task.add_done_callback(lambda done: done.cancelled() or done.exception() is None or server.log.warning("nbproj: %s", done.exception()))
