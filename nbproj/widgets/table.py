"""A table of parameters that is edited: rows are added, typed, moved and removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nbproj.declaring.rows import ParameterRow

__all__ = ["Table", "row_buttons"]

_COLUMNS: Final = (("name", "145px", "40px"), ("type", "135px", "34px"), ("default", "150px", "50px"), ("help", "175px", "34px"))
"""Each with its width and that of its label: a field has one of its own, which a screen reader tells."""
_OVERFLOW: Final = {"flex_flow": "row wrap", "align_items": "center", "overflow": "visible"}


def row_buttons(what: str, move: Callable[[int], None], remove: Callable[[], None]) -> list[Any]:
    """Return the buttons that move a row up and down, and remove it.

    Parameters
    ----------
    what : str
        The row, for people who do not see where the buttons stand.
    move : callable
        Takes -1 or 1.
    remove : callable
        Takes nothing.
    """
    import ipywidgets

    made = []
    for word, action in (("up", lambda: move(-1)), ("down", lambda: move(1)), ("remove", remove)):
        button = ipywidgets.Button(description=word, tooltip=f"{word}: {what}", layout={"width": "auto"})
        button.on_click(lambda _button, action=action: action())
        made.append(button)
    return made


@dataclass(slots=True)
class _Line:
    was: str | None
    fields: dict[str, Any]
    box: Any


class Table:
    """A table of parameters.

    Parameters
    ----------
    rows : sequence of ParameterRow
        What it holds at first.
    types : sequence of str
        What is offered as types; others can be typed.
    what : str
        Whose parameters they are.

    Examples
    --------
    >>> table = Table([ParameterRow("alpha", "float", "0.5", was="alpha")], ["float", "int"], "train")
    >>> table.add()
    >>> table.move(1, -1)
    >>> [row.name for row in table.rows]
    ['', 'alpha']
    """

    def __init__(self, rows: Sequence[ParameterRow], types: Sequence[str], what: str) -> None:
        import ipywidgets

        self._types = tuple(types)
        self._what = what
        self._lines = [self._line(row) for row in rows]
        add = ipywidgets.Button(description="Add parameter", tooltip=f"add a parameter to {what}")
        add.on_click(lambda _button: self.add())
        self._add = add
        self.box = ipywidgets.VBox(layout={"overflow": "visible"})
        self._draw()

    @property
    def rows(self) -> tuple[ParameterRow, ...]:
        """What it holds, as it is typed."""
        return tuple(ParameterRow(**{name: str(field.value).strip() for name, field in line.fields.items()}, was=line.was) for line in self._lines)

    def add(self) -> None:
        """Add an empty row at the end."""
        self._lines.append(self._line(ParameterRow()))
        self._draw()

    def move(self, index: int, by: int) -> None:
        """Move a row up (-1) or down (1)."""
        other = index + by
        if 0 <= other < len(self._lines):
            self._lines[index], self._lines[other] = self._lines[other], self._lines[index]
            self._draw()

    def remove(self, index: int) -> None:
        """Remove a row."""
        del self._lines[index]
        self._draw()

    def set(self, index: int, **texts: str) -> None:
        """Type into the fields of a row: `name`, `type`, `default`, `help`."""
        for name, text in texts.items():
            self._lines[index].fields[name].value = text

    def _line(self, row: ParameterRow) -> _Line:
        import ipywidgets

        told = row.name or "a new parameter"
        fields: dict[str, Any] = {}
        for name, width, label in _COLUMNS:
            common: dict[str, Any] = {
                "value": getattr(row, name),
                "description": name,
                "tooltip": f"{name} of {told}, {self._what}",
                "style": {"description_width": label},
                "layout": {"width": width, "margin": "2px 4px 2px 0"},
            }
            fields[name] = ipywidgets.Combobox(options=self._types, ensure_option=False, **common) if name == "type" else ipywidgets.Text(**common)
        line = _Line(row.was, fields, None)
        buttons = row_buttons(told, lambda by: self.move(self._lines.index(line), by), lambda: self.remove(self._lines.index(line)))
        line.box = ipywidgets.HBox([*fields.values(), *buttons], layout=_OVERFLOW)
        return line

    def _draw(self) -> None:
        self.box.children = [*(line.box for line in self._lines), self._add]
