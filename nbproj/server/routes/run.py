"""One run: what is known of it, and its end."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from nbproj.display.card import bundle
from nbproj.display.card_json import MIME
from nbproj.display.run import run_json
from nbproj.errors import StoreError
from nbproj.record import Run
from nbproj.server.listing import row
from nbproj.server.paths import contents_path
from nbproj.server.routes.route import Route
from nbproj.tracking.settlement import is_settled
from nbproj.tracking.store import TERMINAL

__all__ = ["RunRoute", "StopRoute"]

_OUTPUT: Final = "run/output.log"
_OUTPUT_BYTES: Final = 1 << 16
"""Of the end of the output, from which a card takes its last lines."""


class RunRoute(Route):
    """`GET runs/{id}`: a run of the store that is shown."""

    _track_activity = False

    @authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """Answer with its row for the table, whether anything more will come, all of it as `--json` tells it, its card, and where its notebook is."""
        run = await self.run_with_files(run_id)
        self.answer(await self.service.read(self._told, run))

    def _told(self, run: Run) -> dict[str, Any]:
        settled = is_settled(run.record)  # asked first: what is read afterwards is complete then
        shown, values = row(run), run.values()
        if not settled:  # its program may have ended the run early, or it ends while we read: whoever is told of the end is told all of it
            for one in (shown, values):
                one |= {"status": "RUNNING" if one["status"] in TERMINAL else one["status"], "end_time": None, "exit_code": None}
        elif _OUTPUT in values["artifacts"]:
            values["output"] = _last_output(run)
        card = bundle({**values, **run.course()})[MIME]
        return {
            "row": shown,
            "settled": settled,
            "run": run_json(values),
            "card": card,
            "notebook_path": contents_path(self.service.root, values["notebook"]),
            "notebook_artifact": next((path for path in values["artifacts"] if path.startswith("run/") and path.endswith(".ipynb")), None),
        }


def _last_output(run: Run) -> str:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(StoreError, OSError), run.artifact(_OUTPUT, Path(folder)).open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - _OUTPUT_BYTES, 0))
        return file.read().decode("utf-8", errors="replace")
    return ""


class StopRoute(Route):
    """`POST runs/{id}/stop`: the end of a run that this host carries."""

    @authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]  # its type knows the form without a word only
    async def post(self, run_id: str) -> None:
        """End it, and answer with its row when it is settled; one that has ended is left as it is."""
        self.body(()) if self._received else None
        run = await self.run_of(run_id)

        def stop() -> dict[str, Any]:
            run.cancel()
            return row(run)

        self.answer({"run": await self.service.act(stop)})
