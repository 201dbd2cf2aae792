"""Which shell of a kernel takes what a widget's front end sends."""

from __future__ import annotations

from typing import Any

__all__ = ["take_where_sent"]


def take_where_sent(widget: Any) -> None:  # noqa: ANN401 - a widget, whose library is imported late
    """Have what a widget's front end sends taken by the shell of the kernel that it is sent to.

    JupyterLab sends to a subshell, which is free while a cell runs. ipykernel 7.4 hands a message on to the shell that has last written to the front
    end instead; what a thread writes while a cell runs, or the cell that shows the widget, counts as written by the main shell. Whatever came after
    that would wait for the cell.

    Parameters
    ----------
    widget : Widget
        Of ipywidgets or anywidget, with what works in threads behind it.
    """
    comm = widget.comm
    if hasattr(comm, "_reply_subshell_for"):  # elsewhere nothing stands between: other kernels, older ones, no kernel
        comm._reply_subshell_for = _named  # noqa: SLF001 - there is no public way


def _named(_data: object, subshell: str | None) -> str | None:
    return subshell
