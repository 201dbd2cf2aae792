"""How a form starts runs: in threads of its own, so that the kernel and the form stay free; each has its card below the form."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from nbproj.batches.carrying import detach_batch
from nbproj.batches.order import BatchOrder
from nbproj.batches.result import Batch
from nbproj.batches.space import Space
from nbproj.errors import NbprojError
from nbproj.order import Order
from nbproj.progress import Event, Progress
from nbproj.record import Run
from nbproj.runner import detach
from nbproj.widgets.buttons import Begin, Buttons
from nbproj.widgets.card import LiveCard
from nbproj.widgets.said import Tone
from nbproj.widgets.several import values_of
from nbproj.widgets.stack import Slot, Stack

__all__ = ["Launcher"]

_SECONDS: Final = 1.0


class Launcher:
    """Starts runs that a process of their own carries.

    Parameters
    ----------
    tell : callable
        Told, from a thread, what is going on until there is a run: a text, and in what tone.
    cards : Stack, optional
        Where cards are shown; a new one by default.
    """

    def __init__(self, tell: Callable[[str, Tone], None], cards: Stack | None = None) -> None:
        self.cards = cards if cards is not None else Stack()
        self.runs: list[Run | Batch] = []
        self._tell = tell

    def start(self, order: Order, several: Mapping[str, str] = MappingProxyType({}), *, base: Path) -> threading.Thread:
        """Start a run, or with several values a batch, and return at once; the thread ends when it exists, or was refused.

        Parameters
        ----------
        order : Order
            What to run.
        several : mapping of str to str
            Texts that stand for several values each.
        base : Path
            Where paths of a batch start.
        """
        if not several:
            return self._thread(lambda: self._carry(lambda progress: detach(order, progress)))
        # One value each is a list, too: a text that looks like a form stands for itself then.
        assignments: list[tuple[str, object]] = [(name, [value]) for name, value in order.parameters.items()]
        assignments += [(name, values_of(text, name)) for name, text in several.items()]
        asked = BatchOrder(dataclasses.replace(order, parameters={}, bases={}), Space.of(assignments, base=base))
        return self._thread(lambda: self._carry_batch(asked))

    def offer(self, run: Run) -> None:
        """Give the card of a run its buttons; what Re-run starts is shown above it."""
        Buttons.beside(run, self._again)

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            self._tell("starting", "quiet")
            try:
                work()
            except NbprojError as error:
                self._tell(f"{error}{f'. {error.hint}' if error.hint else ''}", "problem")
            else:
                self._tell("", "plain")

        thread = threading.Thread(target=guarded, name="nbproj-form", daemon=True)
        thread.start()
        return thread

    def _telling(self, event: Event) -> None:
        if event.step == "created":  # from now on its card says what is going on
            self._tell("", "plain")
        elif event.step not in {"batch", "cell", "created", "metric", "output", "settled"} and event.text:
            self._tell(event.text, "quiet")

    def _carry(self, begin: Begin) -> None:
        card = LiveCard(self.cards.new())

        def progress(event: Event) -> None:
            card(event)
            self._telling(event)

        run = begin(progress)
        self.runs.append(run)
        card.leave(run)
        self.offer(run)

    def _again(self, begin: Begin) -> None:
        self._thread(lambda: self._carry(begin))

    def _carry_batch(self, asked: BatchOrder) -> None:
        listener: Progress = self._telling
        batch = detach_batch(asked, listener)
        self.runs.append(batch)
        place = self.cards.new()
        place.update(batch._repr_mimebundle_(), raw=True)
        threading.Thread(target=self._follow, args=(batch, place), name="nbproj-batch", daemon=True).start()

    def _follow(self, batch: Batch, place: Slot) -> None:
        try:
            while True:
                ended = batch.run.has_ended()
                place.update(batch._repr_mimebundle_(), raw=True)
                if ended:
                    return
                time.sleep(_SECONDS)
        except NbprojError as error:  # the store is gone: the table stays as it is
            self._tell(f"the batch is not watched any more: {error}", "problem")
