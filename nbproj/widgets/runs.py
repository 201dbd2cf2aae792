"""The panel of runs: a live table below the cell, and static text and HTML where no kernel runs."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from nbproj.display.runs import bundle
from nbproj.errors import NbprojError, UsageError
from nbproj.housekeeping import tidy
from nbproj.overview.answers import Answers
from nbproj.overview.conversation import Conversation
from nbproj.overview.lines import sound_columns
from nbproj.paths import write_atomically, writing
from nbproj.progress import silent
from nbproj.record import Run, brief_of
from nbproj.records import found_run
from nbproj.runner import open_default_store, store_uri
from nbproj.tracking.catalogue.opening import open_catalogue
from nbproj.tracking.catalogue.view import ATTRIBUTES, View
from nbproj.tracking.location import label
from nbproj.tracking.store import Store
from nbproj.widgets.fallback import covered, show_live, show_static
from nbproj.widgets.routing import take_where_sent

__all__ = ["Panel", "panel"]

_STATIC_ROWS: Final = 5  # of a notebook that is saved
_ABSENT: Final = "The live panel was here; run the cell again to have it back."


def panel(
    experiment: str | None = None,
    *,
    filter: str = "",  # noqa: A002 - the word of the command line
    columns: Sequence[str] = (),
    sort: str = "start_time",
    descending: bool = True,
    grouped: bool = False,
    tracking_uri: str | None = None,
) -> Panel:
    """Return a table of the runs of a store, which lives in the notebook: find, filter, sort, compare, draw.

    Parameters
    ----------
    experiment : str, optional
        Only its runs, by name or id; by default those of all experiments.
    filter : str
        Conditions in MLflow's language, such as `metrics.rmse < 60 and params.alpha = '0.3'`.
    columns : sequence of str
        What is shown: `status`, `name`, `entry_point`, `start_time`, `duration`, `user`, `experiment`, `run_id`, `metrics.NAME`, `params.NAME`,
        `tags.NAME`. By default those that tell the runs apart.
    sort : str
        The column that decides the order.
    descending : bool
        The largest first.
    grouped : bool
        The runs of a batch stand below it.
    tracking_uri : str, optional
        The store; by default the one that a run started here would be recorded in.

    Returns
    -------
    Panel
        Shown as the value of a cell.

    Raises
    ------
    UsageError
        A column's name or the filter is not understood.
    StoreError
        There is no such store or experiment, or the store does not answer.

    Examples
    --------
    >>> import nbproj
    >>> panel = nbproj.panel("wine", filter="metrics.rmse < 60")  # doctest: +SKIP
    >>> panel.selected, panel.to_frame()  # doctest: +SKIP
    """
    unknown = [one for one in [*columns, sort] if not sound_columns([one], ATTRIBUTES)]
    if unknown:
        msg = f"there is no column {unknown[0]!r}: columns are {', '.join(ATTRIBUTES)}, metrics.NAME, params.NAME and tags.NAME"
        raise UsageError(msg)
    made = Panel(store_uri(tracking_uri), experiment, View(filter, "", sort, descending, grouped), columns)
    if filter.strip():
        made.check()
    return made


class Panel:
    """A live table of runs; made by `panel`.

    Parameters
    ----------
    uri : str
        The store.
    experiment : str, optional
        Name or id.
    view : View
        What is shown first.
    columns : sequence of str
        Columns that are shown.
    """

    def __init__(self, uri: str, experiment: str | None = None, view: View | None = None, columns: Sequence[str] = ()) -> None:
        self.store = label(uri)
        self._uri = uri
        self._opened: Store | None = None
        self._catalogue = open_catalogue(uri, experiment, self._store)
        self._answers = Answers(self._catalogue, self._store)
        self._conversation = Conversation(self._catalogue, self._answers, self._send, label=self.store, view=view, columns=columns, renew=self._renew)
        self._shown_static: Any = None
        self._widget: Any = None
        self._was_shown = False

    def _store(self) -> Store:
        if self._opened is None:
            self._opened = open_default_store(self._uri, silent, create=False)
        return self._opened

    def _send(self, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        if self._widget is not None:
            self._widget.send(content, list(buffers))

    def check(self) -> None:
        """Ask for one run, so that what is wrong with a filter is said at once."""
        self._catalogue.span(self._conversation.view, 0, 1)

    @property
    def widget(self) -> Any:  # noqa: ANN401 - an `anywidget.AnyWidget`, which is imported here first
        """The live part, as a widget: to be put beside others, such as in an `ipywidgets.VBox`."""
        if self._widget is None:
            self._widget = _widget()
            take_where_sent(self._widget)
            self._widget.on_msg(lambda _widget, content, _buffers: self._conversation.receive(content))
        return self._widget

    @property
    def selected(self) -> list[Run]:
        """The runs that are selected in the table, in the order in which they were."""
        return [self._run(run_id) for run_id in self._conversation.selected]

    def select(self, runs: Iterable[Run | str]) -> None:
        """Select runs, given as such or by their whole ids, and no others."""
        self._conversation.selected = [one.run_id if isinstance(one, Run) else str(one) for one in runs]
        self._conversation.tell({"push": "selected", "selected": self._conversation.selected})

    def _run(self, run_id: str) -> Run:
        return found_run(self._store, run_id)

    def to_frame(self) -> Any:  # noqa: ANN401 - a `pandas.DataFrame`, which not everybody has
        """Return the runs that the table has now, all of them, in its order and with its columns, as a `pandas.DataFrame`.

        Times of starts are in UTC, durations in seconds; parameters and tags are texts.

        Raises
        ------
        UsageError
            pandas is not installed.
        """
        try:
            import pandas as pd  # type: ignore[import-untyped]
        except ImportError as error:
            msg = "to_frame needs pandas: pip install pandas, or take to_csv()"
            raise UsageError(msg) from error
        columns = self._columns()
        rows = list(self._answers.table(self._conversation.view, columns))
        frame = pd.DataFrame(rows, columns=["run_id", *columns]).set_index("run_id")
        if "start_time" in columns:
            frame["start_time"] = pd.to_datetime(frame["start_time"], unit="ms", utc=True)
        return frame

    def to_csv(self, to: str | os.PathLike[str] | None = None) -> str | Path:
        """Return the same as CSV, or write it to a file and return that; times are milliseconds since the epoch.

        Raises
        ------
        RunError
            The file cannot be written.
        """
        text = self._answers.csv(self._conversation.view, self._columns())
        if to is None:
            return text
        path = Path(to).expanduser()
        with writing(path):
            write_atomically(path, text)
        return path

    def _columns(self) -> list[str]:
        return [column for column in self._conversation.first_columns() if column != "run_id"]

    def close(self) -> None:
        """End what goes on behind the table: it stays on the page and answers no more."""
        self._conversation.end()
        if self._widget is not None:
            self._widget.close()
            self._widget = None

    def shown(self) -> Panel:
        """Show the table, and return it as the value of a cell that is not shown again."""
        self._ipython_display_()
        self._was_shown = True
        return self

    def static(self) -> dict[str, Any]:
        """Return the first runs as plain text, HTML and JSON: what a saved notebook holds."""
        span = self._catalogue.span(self._conversation.view, 0, _STATIC_ROWS)
        keys = [column.partition(".")[2] for column in self._conversation.first_columns() if column.startswith("metrics.")]
        records = self._catalogue.records([one.run_id for one in span.lines], [f"metrics.{key}" for key in keys])
        zone = dt.datetime.now().astimezone().tzinfo or dt.UTC
        found = [brief_of(records[one.run_id]) for one in span.lines if one.run_id in records]
        return bundle(found, now=time.time() * 1000, metrics=keys, zone=zone, total=span.total)

    def _ipython_display_(self) -> None:
        if self._was_shown:
            self._was_shown = False
            return
        self._shown_static = show_static(self.static(), is_fallback=True)
        show_live(self.widget, _ABSENT)
        self._conversation.settle(lambda: tidy(silent))

    def _renew(self) -> None:
        # What is saved is what was shown last, not what there was when the cell was run.
        if self._shown_static is not None:
            self._shown_static.update(covered(self.static()), raw=True)

    def _repr_mimebundle_(self, **_wanted: object) -> dict[str, Any]:
        # Where a shell knows nothing of displays.
        return self.static()

    def __repr__(self) -> str:
        try:
            return str(self.static()["text/plain"])
        except NbprojError as error:
            return f"<Panel of {self.store}: {error}>"


def _widget() -> Any:  # noqa: ANN401 - as `Panel.widget`
    import anywidget

    from nbproj.widgets.bundle import javascript, stylesheet

    # No list of runs is a trait: what is a trait may be saved with the notebook.
    return type("RunsPanel", (anywidget.AnyWidget,), {"_esm": javascript(), "_css": stylesheet(), "__module__": __name__})()
