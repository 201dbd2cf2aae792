"""Which control a parameter gets: by its type, its bounds and its choices. Core widgets of ipywidgets only, and no value is ever markup."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from nbproj.completion.paths import paths
from nbproj.project.conversion import default_text, text_of
from nbproj.project.model import REQUIRED, Parameter
from nbproj.widgets.control import UNGIVEN, Control

__all__ = ["LABEL_WIDTH", "control_for"]

LABEL_WIDTH: Final = "150px"
_WIDTH: Final = "430px"
_WIDE: Final = 1000
"""The ratio of two bounds from which on a slider moves by powers of ten."""
_STEPS: Final = 100
_MOST_STEPS: Final = 1_000_000
_MOST_PATHS: Final = 100
_MOST_SHOWN: Final = 8


def control_for(parameter: Parameter, *, base: Path) -> Control:
    """Return the control of a parameter, which holds its default.

    Parameters
    ----------
    parameter : Parameter
        The declaration.
    base : Path
        Where a relative path that is typed starts.

    Examples
    --------
    >>> control = control_for(Parameter("alpha", "float", default=0.5, min=0.0, max=1.0), base=Path())
    >>> [type(widget).__name__ for widget in control.widgets], control.read() is UNGIVEN
    (['Text', 'FloatSlider'], True)
    >>> control.widgets[0].value = "0.25"
    >>> control.read(), control.widgets[1].value
    ('0.25', 0.25)
    """
    if parameter.secret:
        return _secret(parameter)
    if parameter.choices:
        return _several(parameter) if parameter.type == "list" else _choice(parameter, [(text_of(one), one) for one in parameter.choices])
    if parameter.type == "path":
        return _path(parameter, base)
    makers = {"bool": _switch, "int": _number, "float": _number, "date": _moment, "datetime": _moment}
    return makers.get(parameter.type, _text)(parameter)


def _labelled(parameter: Parameter, **further: Any) -> dict[str, Any]:  # noqa: ANN401 - what a widget takes
    width = further.pop("width", _WIDTH)
    return {
        "description": parameter.name,
        "tooltip": parameter.help or None,
        "style": {"description_width": LABEL_WIDTH},
        "layout": {"width": width, "max_width": "100%"},
        **further,
    }


def _read_text(parameter: Parameter, widget: Any) -> Callable[[], object]:  # noqa: ANN401 - a widget with a text
    default = default_text(parameter)

    def read() -> object:
        text = widget.value
        # No default and nothing typed: nothing is given. With a default, the empty text is a value as any other.
        return UNGIVEN if text == (default or "") and not (default is None and parameter.optional and parameter.default is None) else text

    return read


def _hint(parameter: Parameter) -> str:
    if parameter.default is REQUIRED and parameter.default_text is not None:
        return f"left alone: {parameter.default_text}"  # what the notebook computes itself
    what = {"list": "[1, 2] or [a, b]", "dict": '{"a": 1}', "uri": "an address or a path", "path": "a path"}.get(parameter.type, parameter.type)
    return f"needed: {what}" if parameter.required else what


def _text(parameter: Parameter) -> Control:
    import ipywidgets

    text = default_text(parameter) or ""
    long = parameter.type == "dict" or "\n" in text
    kind = ipywidgets.Textarea if long else ipywidgets.Text
    rows = {"rows": min(text.count("\n") + 2, _MOST_SHOWN)} if long else {}
    widget = kind(value=text, placeholder=_hint(parameter), **rows, **_labelled(parameter))

    def write(value: object) -> None:
        widget.value = text_of(value)

    return Control([widget], _read_text(parameter, widget), write)


def _number(parameter: Parameter) -> Control:
    import ipywidgets

    control = _text(parameter)
    slider = _slider(parameter)
    if slider is None:
        return control
    (text,) = control.widgets
    text.layout = ipywidgets.Layout(width="270px", max_width="100%")

    def slid(change: Any) -> None:  # noqa: ANN401 - traitlets'
        if _value(text.value) != change["new"]:
            text.value = str(change["new"]) if parameter.type == "int" else f"{change['new']:.6g}"

    def typed(_change: object) -> None:
        value = _value(text.value)
        if value is not None and parameter.min is not None and parameter.max is not None and parameter.min <= value <= parameter.max:
            slider.value = int(value) if parameter.type == "int" else value

    typed(None)
    slider.observe(slid, names="value")
    text.observe(typed, names="value")
    return Control([text, slider], control.read, control.write, traits=[text])


def _value(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _slider(parameter: Parameter) -> Any | None:  # noqa: ANN401 - one of three widgets
    """Return a slider where both bounds are known, None where there is nothing to slide between."""
    import ipywidgets

    low, high = parameter.min, parameter.max
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high) and low < high):
        return None
    common: dict[str, Any] = {"readout": False, "layout": {"width": "180px"}, "continuous_update": True}
    if parameter.type == "int":
        step = int(parameter.step or 1) or 1
        return ipywidgets.IntSlider(min=math.ceil(low), max=math.floor(high), step=step, **common) if high - low <= _MOST_STEPS else None
    if low > 0 and high / low >= _WIDE and parameter.step is None:
        # Of the ends a power of ten may fall a little short.
        return ipywidgets.FloatLogSlider(value=low, base=10, min=math.log10(low), max=math.log10(high), step=0.01, **common)
    return ipywidgets.FloatSlider(min=low, max=high, step=parameter.step or (high - low) / _STEPS, **common)


def _choice(parameter: Parameter, options: list[tuple[str, object]]) -> Control:
    import ipywidgets

    has_default = any(value == parameter.default for _, value in options)
    pairs = options if has_default else [("choose ..." if parameter.required else "", UNGIVEN), *options]
    # A value is known by its place: True and 1 are equal to Python, and what a program gives may not be hashable.
    start = next((index for index, (_, value) in enumerate(pairs) if has_default and value == parameter.default), 0)
    widget = ipywidgets.Dropdown(options=[(text, index) for index, (text, _) in enumerate(pairs)], value=start, **_labelled(parameter))

    def read() -> object:
        return UNGIVEN if widget.value == start else pairs[widget.value][1]

    def write(value: object) -> None:
        widget.value = next(
            (index for index, (text, one) in enumerate(pairs) if (value == one and type(value) is type(one)) or value == text), widget.value
        )

    return Control([widget], read, write)


def _several(parameter: Parameter) -> Control:
    import ipywidgets

    options = [(text_of(one), one) for one in parameter.choices]
    default: list[object] = list(parameter.default) if isinstance(parameter.default, list | tuple) else []
    chosen = [index for index, (_, value) in enumerate(options) if value in default]
    widget = ipywidgets.SelectMultiple(
        options=[(text, index) for index, (text, _) in enumerate(options)],
        value=chosen,
        rows=min(len(options), _MOST_SHOWN),
        **_labelled(parameter),
    )

    def read() -> object:
        values = [options[index][1] for index in widget.value]
        return UNGIVEN if list(widget.value) == chosen and (values == default or not values) else values

    def write(value: object) -> None:
        wanted = value if isinstance(value, list | tuple) else []
        widget.value = [index for index, (_, one) in enumerate(options) if one in wanted]

    return Control([widget], read, write)


def _switch(parameter: Parameter) -> Control:
    import ipywidgets

    if not isinstance(parameter.default, bool):  # off is a value, and none was given
        return _choice(parameter, [("true", True), ("false", False)])
    widget = ipywidgets.Checkbox(value=parameter.default, **_labelled(parameter))

    def read() -> object:
        return UNGIVEN if widget.value == parameter.default else widget.value

    def write(value: object) -> None:
        widget.value = bool(value)

    return Control([widget], read, write)


def _moment(parameter: Parameter) -> Control:
    import ipywidgets

    default = parameter.default if isinstance(parameter.default, dt.date) else None
    if isinstance(default, dt.datetime) and default.tzinfo is not None:
        return _text(parameter)  # a picker would show it in the browser's zone
    kind = ipywidgets.DatePicker if parameter.type == "date" else ipywidgets.NaiveDatetimePicker
    widget = kind(value=default, **_labelled(parameter))

    def read() -> object:
        return UNGIVEN if widget.value == default or widget.value is None else widget.value

    def write(value: object) -> None:
        known = dt.date if parameter.type == "date" else dt.datetime
        widget.value = known.fromisoformat(value) if isinstance(value, str) else value

    return Control([widget], read, write)


def _path(parameter: Parameter, base: Path) -> Control:
    import ipywidgets

    text = default_text(parameter) or ""
    widget = ipywidgets.Combobox(value=text, placeholder=_hint(parameter), ensure_option=False, continuous_update=True, **_labelled(parameter))

    def complete(_change: object) -> None:
        found = itertools.islice(paths(widget.value, base=base), _MOST_PATHS) if "://" not in widget.value else ()
        widget.options = [one.text for one in found if not any(not character.isprintable() for character in one.text)]

    def write(value: object) -> None:
        widget.value = text_of(value) if isinstance(value, str) else str(value)

    complete(None)
    widget.observe(complete, names="value")
    return Control([widget], _read_text(parameter, widget), write)


def _secret(parameter: Parameter) -> Control:
    """Return a field whose value leaves the widget at once: what a front end saves with a notebook never holds it."""
    import ipywidgets

    held: list[str] = []
    where = f"else from the variable {parameter.variable}"
    widget = ipywidgets.Password(placeholder=where, continuous_update=False, **_labelled(parameter))
    changed = ipywidgets.IntText()  # never shown: it counts, so that who watches is told once the value is held

    def take(change: Any) -> None:  # noqa: ANN401 - traitlets'
        if change["new"]:
            held[:] = [change["new"]]
            widget.value = ""
            widget.placeholder = "given, and not shown"
            changed.value += 1

    def write(value: object) -> None:
        widget.value = str(value)

    widget.observe(take, names="value")
    return Control([widget], lambda: held[0] if held else UNGIVEN, write, traits=[changed])
