"""Stop, Re-run and Open notebook on a card, as long as there is a kernel: put into the page, never into what is saved."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from nbproj import trust
from nbproj.errors import NbprojError, one_line
from nbproj.progress import Event
from nbproj.recollection import order_of
from nbproj.record import Run
from nbproj.records import rerun
from nbproj.sources.address import public
from nbproj.widgets.routing import take_where_sent

__all__ = ["Begin", "Buttons"]

Begin: TypeAlias = Callable[[Callable[[Event], None]], Run]
"""Starts a run, and tells what happens until it exists."""

_SCRIPT: Final = Path(__file__).with_name("buttons.js")
_MOST: Final = 50
_TEXT: Final = 400


class Buttons:
    """The buttons of one kernel's cards.

    Use `Buttons.beside`; there is one object for all cards of a kernel.
    """

    def __init__(self) -> None:
        import anywidget
        import traitlets

        kind = type("Buttons", (anywidget.AnyWidget,), {"_esm": _SCRIPT.read_text(encoding="utf-8"), "runs": traitlets.Dict().tag(sync=True)})
        self._model: Any = kind()
        take_where_sent(self._model)
        self._runs: dict[str, tuple[Run, Callable[[Begin], None]]] = {}
        self._lock = threading.Lock()
        self._model.on_msg(self._said)

    @classmethod
    def beside(cls, run: Run, again: Callable[[Begin], None]) -> None:
        """Give the card of a run its buttons, and keep them right until it has ended.

        Parameters
        ----------
        run : Run
            Shown by a card.
        again : callable
            Starts a run, as the button Re-run asks for, and shows it.
        """
        _of_kernel().add(run, again)

    @classmethod
    def say(cls, run: Run, text: str) -> None:
        """Say something on the card of a run."""
        _of_kernel()._show(run.run_id, said=one_line(text))  # noqa: SLF001 - its own

    def add(self, run: Run, again: Callable[[Begin], None]) -> None:
        """Offer what can be done with a run; `beside` documents it."""
        with self._lock:
            self._runs[run.run_id] = (run, again)
            while len(self._runs) > _MOST:
                self._runs.pop(next(iter(self._runs)))
        ended = run.exit_code is not None
        self._show(run.run_id, running=not ended, notebook=_served(run) if ended else "")
        if not ended:
            threading.Thread(target=self._await, args=(run,), name="nbproj-buttons", daemon=True).start()

    @property
    def shown(self) -> Mapping[str, Mapping[str, Any]]:
        """What the front end knows: by id what a card offers."""
        return dict(self._model.runs)

    def press(self, run_id: str, does: str) -> None:
        """Do what a button says; what goes wrong is said on the card.

        Parameters
        ----------
        run_id : str
            The run.
        does : str
            `stop`, `rerun`, or the answer to a question: `agree`, `refuse`.
        """
        known = self._runs.get(run_id)
        if known is None:
            return
        run, again = known
        if does == "stop":
            self._show(run_id, said="stopping")
            threading.Thread(target=self._stop, args=(run,), name="nbproj-stop", daemon=True).start()
        elif does == "rerun":
            self._rerun(run, again)
        elif does == "agree" and self.shown.get(run_id, {}).get("asks"):
            self._show(run_id, asks="")
            again(_begin(run))
        elif does == "refuse":
            self._show(run_id, asks="")

    def _rerun(self, run: Run, again: Callable[[Begin], None]) -> None:
        try:
            order = order_of(run.record)
        except NbprojError as error:
            self._show(run.run_id, said=str(error))
            return
        if trust.is_trusted(order.uri):
            again(_begin(run))
            return
        commit = run.tags.get("mlflow.source.git.commit", "")[:10]
        where = f"{public(order.uri)}{f' at commit {commit}' if commit else ''}"
        asks = f"Run {order.entry_point or 'main'!r} of {where} again? It runs with your rights. nbproj trust ends this question."
        self._show(run.run_id, asks=one_line(asks))

    def _stop(self, run: Run) -> None:
        try:
            run.cancel()
        except NbprojError as error:
            self._show(run.run_id, said=str(error))

    def _await(self, run: Run) -> None:
        try:
            run.wait()
            self._show(run.run_id, running=False, notebook=_served(run), said="")
        except NbprojError as error:  # the store is gone
            self._show(run.run_id, said=str(error))

    def _show(self, run_id: str, **changes: object) -> None:
        with self._lock:
            runs = self._model.runs
            entry = {"running": False, "notebook": "", "asks": "", "said": "", **runs.get(run_id, {}), **changes}
            entry["said"] = str(entry["said"])[:_TEXT]
            self._model.runs = {**{key: value for key, value in runs.items() if key in self._runs}, run_id: entry}

    def _said(self, _model: object, content: object, _buffers: object) -> None:
        if isinstance(content, dict):
            self.press(str(content.get("run")), str(content.get("does")))


@functools.cache
def _of_kernel() -> Buttons:
    return Buttons()


def _begin(run: Run) -> Begin:
    return lambda progress: rerun(run.run_id, synchronous=False, tracking_uri=run.store_uri, progress=progress)


def _served(run: Run) -> str:
    """Return where a server of this machine has the executed notebook; empty when it has none."""
    from nbproj.current.notebook import served_path

    try:
        notebook = run.notebook
    except NbprojError:
        return ""
    return served_path(Path(notebook)) or "" if notebook and "://" not in notebook else ""
