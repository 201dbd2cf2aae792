"""The Jupyter server's side: projects and runs over HTTP, for the panel in JupyterLab.

Thin: each route calls one public function of the rooms below, in a thread, and answers in JSON. `app` is what a Jupyter server loads; nothing here is
imported by anybody else, and `jupyter_server` is imported nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__: list[str] = []


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Add the routes to a server: what Jupyter calls when it starts."""
    from nbproj.server.app import load

    load(server)


async def _start_jupyter_server_extension(server: ServerApp) -> None:
    """Settle what dead drivers left: what Jupyter calls once the server runs."""
    from nbproj.server.app import started

    await started(server)
