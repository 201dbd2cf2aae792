"""What a form needs: what is wrong with its values, and many runs at once."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from nbproj.batches.carrying import detach_batch
from nbproj.server.asking import BATCH_KEYS, CHECK_KEYS, batch_of, problems_of
from nbproj.server.listing import row
from nbproj.server.routes.route import Route

__all__ = ["BatchesRoute", "ChecksRoute"]


class ChecksRoute(Route):
    """`POST checks`: what is wrong with the values of a form. It changes nothing; the values are too long, and may be too secret, for an address."""

    @authenticated
    @authorized("read")  # type: ignore[untyped-decorator]  # its type knows the form without a word only
    async def post(self) -> None:
        """Answer with `problems`, by the name of the parameter."""
        given = self.body(CHECK_KEYS)
        service = self.service
        self.answer({"problems": await service.read(problems_of, given, service)})


class BatchesRoute(Route):
    """`POST batches`: a run for each combination of values, which outlive server and browser."""

    @authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]  # its type knows the form without a word only
    async def post(self) -> None:
        """Start a batch and answer with the row of the run that stands for it, 201; the same body again does only what is missing."""
        given = self.body(BATCH_KEYS)
        service = self.service

        def start() -> dict[str, Any]:
            return row(detach_batch(batch_of(given, service), service.remark).run)

        started = await service.act(start)
        self.answer({"run": started}, 201)
