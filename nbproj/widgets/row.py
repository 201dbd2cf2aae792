"""One row of a form: a parameter's control, whether it is None, whether it takes several values, its help, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from nbproj.display.parameter import told_rule
from nbproj.project.conversion import default_text
from nbproj.project.model import Parameter
from nbproj.widgets.control import UNGIVEN, Control
from nbproj.widgets.controls import LABEL_WIDTH, control_for
from nbproj.widgets.said import line, tell

__all__ = ["Row"]

_INDENT: Final = f"calc({LABEL_WIDTH} + 8px)"


class Row:
    """The widgets of one parameter.

    Parameters
    ----------
    parameter : Parameter
        The declaration.
    base : Path
        Where a relative path that is typed starts.

    Examples
    --------
    >>> row = Row(Parameter("seed", "int", default=1), base=Path())
    >>> row.given is UNGIVEN, row.several
    (True, None)
    >>> row.many.value, row.list.value = True, "range(3)"
    >>> row.several
    'range(3)'
    """

    def __init__(self, parameter: Parameter, *, base: Path) -> None:
        import ipywidgets

        self.parameter = parameter
        self.control: Control = control_for(parameter, base=base)
        admits = parameter.optional and not parameter.secret
        starts_none = admits and parameter.default is None
        small = ipywidgets.Layout(width="auto")
        self.none = ipywidgets.Checkbox(
            value=starts_none, description="none", indent=False, tooltip=f"{parameter.name} is None", layout={"width": "auto", "margin": "2px 4px"}
        )
        self.many = ipywidgets.ToggleButton(description="list", tooltip=f"several values of {parameter.name}, for a batch", layout=small)
        self.list = ipywidgets.Text(
            description=parameter.name,
            placeholder="values of a batch: 0.1, 0.2 or range(10)",
            tooltip=parameter.help or None,
            style={"description_width": LABEL_WIDTH},
            layout={"width": "430px", "max_width": "100%"},
        )
        self._starts_none = starts_none
        self._admits = admits
        self._help = line(told_rule(parameter), "quiet", indent=_INDENT)
        self._problem = line(indent=_INDENT)
        self._top = ipywidgets.HBox(layout={"flex_flow": "row wrap", "align_items": "center", "overflow": "visible"})
        self.box = ipywidgets.VBox([self._top, self._problem, self._help], layout={"margin": "0 0 6px 0", "overflow": "visible"})
        self.box.add_class("nbproj-row")
        self._arrange()
        self.many.observe(lambda _change: self._fill_in(), names="value")
        for toggle in (self.none, self.many):
            toggle.observe(lambda _change: self._arrange(), names="value")

    @property
    def given(self) -> object:
        """What the caller gives: `UNGIVEN` for the default, None, a text or an object."""
        if self._admits and self.none.value:
            return UNGIVEN if self._starts_none else None
        return self.control.read()

    @property
    def several(self) -> str | None:
        """The text that stands for several values; None when there is one."""
        return self.list.value if self.many.value and not self.parameter.secret else None

    @property
    def is_untouched(self) -> bool:
        """Whether a value is needed here and nobody has given any yet."""
        return self.several is None and self.given is UNGIVEN and self.parameter.required

    def set(self, value: object) -> None:
        """Show a value."""
        self.many.value = False
        if self._admits:
            self.none.value = value is None
        if value is not None:
            self.control.write(value)

    def complain(self, problem: str) -> None:
        """Say what is wrong; an empty text when nothing is."""
        tell(self._problem, problem, "problem")

    @property
    def complaint(self) -> str:
        """The HTML of what is said to be wrong."""
        return str(self._problem.value)

    def watch(self, callback: Callable[[], None]) -> None:
        """Have something called when what is given has changed."""
        self.control.watch(callback)
        for toggle in (self.none, self.many, self.list):
            toggle.observe(lambda _change: callback(), names="value")

    def _arrange(self) -> None:
        if self.many.value:
            self._top.children = [self.list, self.many]
            return
        self.control.enable(enabled=not (self._admits and self.none.value))
        toggles: list[Any] = [*([self.none] if self._admits else []), *([] if self.parameter.secret else [self.many])]
        self._top.children = [*self.control.widgets, *toggles]

    def _fill_in(self) -> None:
        """Begin a list with the value that is there."""
        if self.many.value and not self.list.value and self.parameter.type not in {"list", "dict"}:
            given = self.given
            text = default_text(self.parameter) if given is UNGIVEN else str(given)
            self.list.value = text or ""
