"""What happens in a run, while it happens."""

from __future__ import annotations

import asyncio
import time

from jupyter_server.auth.decorator import authorized
from tornado.iostream import StreamClosedError
from tornado.web import authenticated

from nbproj.following import Watch
from nbproj.server.events import END, KEEP_ALIVE, RETRY, mark_of, message
from nbproj.server.routes.route import Route
from nbproj.server.service import Service

__all__ = ["EventsRoute"]

_MOST_BYTES = 1 << 20
"""Output that is sent at once, to somebody who comes late or reads slowly; what is older is read from the log."""
_BUSY_SECONDS = 0.25
_IDLE_SECONDS = 1.0
_SILENT_SECONDS = 15.0


class EventsRoute(Route):
    """`GET runs/{id}/events`: the run's journal and output as server-sent events."""

    _track_activity = False
    _gone: asyncio.Event

    def initialize(self, service: Service) -> None:
        """Wait for nothing yet."""
        super().initialize(service)
        self._gone = asyncio.Event()

    def on_connection_close(self) -> None:
        """End the watch: the browser has gone."""
        self._gone.set()

    @authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """Send events until the run has ended; from `Last-Event-ID` on, where the reader has lost the connection. 204 when it knows the end."""
        mark = mark_of(self.request.headers.get("Last-Event-ID") or self.argument("after"))
        run = await self.run_with_files(run_id)  # what it has printed is kept among them
        if mark is None:
            self.set_status(204)
            self.finish()
            return
        self.service.enter_stream()
        try:
            watch = await self.service.read(Watch, run, mark, most=_MOST_BYTES)
            try:
                self.set_header("Content-Type", "text/event-stream; charset=utf-8")
                self.set_header("X-Accel-Buffering", "no")  # a proxy passes on each event when it comes
                await self._tell(watch)
            finally:
                await self.service.read(watch.close)
        except StreamClosedError:
            return
        finally:
            self.service.leave_stream()
        self.finish(set_content_type="text/event-stream; charset=utf-8")

    async def _tell(self, watch: Watch) -> None:
        self.write(RETRY)
        await self.flush()
        pause, told = _BUSY_SECONDS, time.monotonic()
        while not watch.ended and not self._gone.is_set():
            news = await self.service.read(self._news, watch)
            for text in news:
                self.write(text)
                await self.flush()
            now = time.monotonic()
            if news:
                pause, told = _BUSY_SECONDS, now
            elif now - told > _SILENT_SECONDS:
                self.write(KEEP_ALIVE)
                await self.flush()
                told = now
            pause = max(min(pause * 1.2, _IDLE_SECONDS), watch.pause)
            if not watch.ended:
                try:
                    await asyncio.wait_for(self._gone.wait(), pause)
                except TimeoutError:
                    continue

    def _news(self, watch: Watch) -> list[str]:
        told = []
        for event in watch.look():
            if event.step == "output" and not event.text:
                continue
            document = self.service.public(event.to_dict())
            told.append(message(document, END if event.step == "settled" and watch.ended else watch.mark))
        return told
