"""The client that executes a notebook's cells: papermill's, with a truthful record of how each cell ended."""

from __future__ import annotations

import asyncio
import re
import warnings
from typing import Any, Protocol

from nbproj.execution.execution import Outcome

__all__ = ["Listener", "cell_client"]

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_START_SECONDS = 60


class Listener(Protocol):
    """What the client tells while it works."""

    def save(self, text: str) -> None:
        """Take the executed notebook as it stands, serialised."""

    def stream(self, text: str) -> None:
        """Take what a cell printed."""

    def cell(self, done: int, total: int, text: str) -> None:
        """Hear that a cell starts."""

    def death(self, position: str) -> Outcome:
        """Return the outcome of a kernel that died; `position` says where."""


def _trace(cell: Any) -> str:
    """Return the traceback that stands in a cell's output, without colours."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    return _COLOURS.sub("", "\n".join(errors[-1].traceback)) if errors else ""


def cell_client(notebook: Any, listener: Listener) -> Any:  # noqa: C901 - two small classes that only exist once papermill is imported
    """Return papermill's client with our bookkeeping; made here because papermill is imported only when a notebook runs.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Parameters injected; changed while it runs.
    listener : Listener
        Told of everything.
    """
    import nbformat
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NotebookExecutionManager

    class Manager(NotebookExecutionManager):  # type: ignore[misc]  # papermill ships no types
        """papermill's record of the cells, saved atomically."""

        def save(self, **_kwargs: object) -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                listener.save(nbformat.writes(self.nb))
            self.last_save_time = self.now()

    class Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill ships no types
        """Executes the cells one by one and says truthfully how that ended."""

        def process_message(self, *arguments: Any, **options: Any) -> Any:
            output = super().process_message(*arguments, **options)
            if output and output.get("output_type") == "stream":
                listener.stream("".join(output.text))
            return output

        async def execute_cells(self) -> Outcome:
            total = len(self.nb.cells)
            for index, cell in enumerate(self.nb.cells):
                listener.cell(index, total, f"cell {index + 1} of {total}")
                self.nb_man.cell_start(cell, index)
                try:
                    await self.async_execute_cell(cell, index)
                except CellExecutionError as error:
                    if error.ename == "SystemExit" and error.evalue.strip() in {"", "0", "None"}:
                        self.nb_man.cell_complete(cell, cell_index=index)
                        return Outcome(0)
                    self._failed(cell, index)
                    code = int(error.evalue) % 256 if error.ename == "SystemExit" and error.evalue.isdigit() else 1
                    reason = f"cell {index + 1}: {error.ename}: {error.evalue}".rstrip(": ")
                    return Outcome(code or 1, reason, cell=index + 1, source=cell.source, trace=_trace(cell))
                except (DeadKernelError, CellTimeoutError, RuntimeError) as error:
                    self._failed(cell, index)
                    if isinstance(error, DeadKernelError) or "died" in str(error):
                        outcome = listener.death(f"in cell {index + 1}")
                        return Outcome(outcome.exit_code, outcome.reason, cancelled=outcome.cancelled, cell=index + 1, source=cell.source)
                    return Outcome(1, f"cell {index + 1}: {error}", cell=index + 1, source=cell.source)
                except asyncio.CancelledError:
                    self._failed(cell, index)
                    raise
                self.nb_man.cell_complete(cell, cell_index=index)
            listener.cell(total, total, "")
            return Outcome(0)

        def _failed(self, cell: Any, index: int) -> None:
            self.nb_man.cell_exception(cell, cell_index=index)
            self.nb_man.cell_complete(cell, cell_index=index)

    manager = Manager(notebook, progress_bar=False, autosave_cell_every=5)
    return Client(manager, raise_on_iopub_timeout=True, iopub_timeout=10, startup_timeout=_START_SECONDS, store_widget_state=False)
