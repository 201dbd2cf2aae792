"""The runs of a store as a table, and the start of another."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from nbproj.overview.answers import OF_FILES, SIDE_BY_SIDE, runs_of
from nbproj.overview.lines import sound_columns
from nbproj.runner import detach
from nbproj.server.limits import DEPTH
from nbproj.server.listing import Window, row, view
from nbproj.server.orders import KEYS, order_of
from nbproj.server.routes.route import Route
from nbproj.tracking.catalogue.view import ATTRIBUTES

__all__ = ["AnswersRoute", "RunsRoute"]


class RunsRoute(Route):
    """`GET runs`: lines of the table; `POST runs`: a run that outlives server and browser."""

    _track_activity = False  # a tab that is left open must not keep a server from being put to rest

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer with lines: `filter`, `text`, `experiment`, `sort`, `descending`, `grouped`, `opened`, `column`, `start` and `count` say which."""
        asked = {
            **{name: self.argument(name) for name in ("filter", "text", "sort")},
            "descending": self.number("descending", default=1, most=1) == 1,
            "grouped": self.number("grouped", default=0, most=1) == 1,
            "opened": self.get_query_arguments("opened"),
        }
        window = Window(
            view(asked),
            tuple(sound_columns(self.get_query_arguments("column"), ATTRIBUTES)),
            self.number("start", default=0, most=DEPTH),
            self.number("count", default=50, least=1),
        )
        service, path, experiment = self.service, self.argument("path"), self.argument("experiment")

        def lines() -> dict[str, Any]:
            service.tidy()
            place = service.store(path)
            with service.patient(place):
                return {"store": place.label, "why": place.why, **service.listing.window(place, experiment, window)}

        self.answer(await service.share(("runs", path, experiment, window), lines), public=True)

    @authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]  # its type knows the form without a word only
    async def post(self) -> None:
        """Start a run and answer with its row, 201, as soon as it exists; what is refused before that is told in one line."""
        given = self.body(KEYS)
        service = self.service

        def start() -> dict[str, Any]:
            return row(detach(order_of(given, service), service.remark))

        started = await service.act(start)
        self._track_activity = True
        self.set_header("Location", f"{self.request.path}/{started['run_id']}")
        self.answer({"run": started}, 201)


class AnswersRoute(Route):
    """`POST answers?path=`: what the table asks of runs beyond their lines. It changes nothing; its question is too long for an address."""

    _track_activity = False

    @authenticated
    @authorized("read")  # type: ignore[untyped-decorator]  # its type knows the form without a word only
    async def post(self) -> None:
        """Answer a question of `nbproj.overview`: `columns`, `compare`, `curves`, `values`, `pictures`, `picture`, `notebooks` or `csv`."""
        asked = self.body(("kind", "ids", "key", "path", "batch", "columns", "asked"))
        service, path = self.service, self.argument("path")
        if asked.get("kind") in OF_FILES:
            for run_id in runs_of(asked, SIDE_BY_SIDE):
                await self.run_with_files(run_id)

        def answer() -> dict[str, Any]:
            place = service.store(path)
            with service.patient(place):
                return service.listing.answer(place, asked)

        self.answer(await service.read(answer), public=True)
