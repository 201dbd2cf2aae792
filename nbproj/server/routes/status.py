"""Which tracking store is shown, why, and how many runs are under way; and the choice of another store."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from nbproj.server.errors import RefusedError
from nbproj.server.limits import WINDOW
from nbproj.server.listing import Window
from nbproj.server.routes.route import Route
from nbproj.server.store import check_address
from nbproj.tracking.catalogue.view import View
from nbproj.version import __version__

__all__ = ["StatusRoute", "StoreRoute"]

_ACTIVE = Window(View(filter="attributes.status = 'RUNNING'"), ("status",), count=WINDOW)


class StatusRoute(Route):
    """`GET status?path=`: what a line at the window's edge tells."""

    _track_activity = False

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer with the store, the reason that it is this one, and the number of runs that are under way in it."""
        path = self.argument("path")
        self.answer(await self.service.share(("status", path), lambda: self._told(path)))

    def _told(self, path: str) -> dict[str, Any]:
        self.service.tidy()
        place = self.service.store(path)
        with self.service.patient(place):
            rows = self.service.listing.window(place, "", _ACTIVE)["rows"]
        return {
            "version": __version__,
            "store": place.label,
            "why": place.why,
            "running": sum(one["status"] == "RUNNING" for one in rows),
            "lost": sum(one["status"] == "LOST" for one in rows),
        }


class StoreRoute(Route):
    """`PUT store`: the store that a setting of JupyterLab names, for as long as the server runs."""

    @authenticated
    @authorized("write")  # type: ignore[untyped-decorator]  # its type knows the form without a word only
    async def put(self) -> None:
        """Show the runs of another store; of that of each folder when the address is empty."""
        given = self.body(["tracking_uri"]).get("tracking_uri", "")
        if not isinstance(given, str):
            msg = "'tracking_uri' must be a text"
            raise RefusedError(400, msg)
        self.service.choose(check_address(given))
        place = await self.service.read(self.service.store, "")
        self.answer({"store": place.label, "why": place.why})
