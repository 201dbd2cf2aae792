"""A form for the parameters of an entry point: a control for each, checked as one types; runs start from it and leave the kernel free."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from nbproj.current.frontend import is_live
from nbproj.display.project_card import entry_point_bundle
from nbproj.errors import NbprojError, ParameterError
from nbproj.order import Order
from nbproj.project.model import EntryPoint
from nbproj.widgets.actions import Actions
from nbproj.widgets.companion import companion
from nbproj.widgets.control import UNGIVEN
from nbproj.widgets.copying import Copying
from nbproj.widgets.fallback import show_live, show_static
from nbproj.widgets.launch import Launcher
from nbproj.widgets.row import Row
from nbproj.widgets.said import line
from nbproj.widgets.settings import Settings
from nbproj.widgets.subject import Subject
from nbproj.widgets.validation import Checked, check_values
from nbproj.widgets.wording import Wish

__all__ = ["Form", "form"]

_ABSENT: Final = "The form was here; run the cell again to have it back."


def form(uri: str = ".", entry_point: str | None = None, *, version: str | None = None) -> Form:
    """Return a form for the parameters of an entry point; as the value of a cell it is shown.

    Parameters
    ----------
    uri : str
        A folder, a Git address, a zip file or a notebook, as `nbproj.run` takes it.
    entry_point : str, optional
        A declared entry point, or the path of a script or notebook. Without one, all that are declared can be chosen.
    version : str, optional
        Commit, branch or tag of a Git project.

    Returns
    -------
    Form
        With the defaults in it.

    Raises
    ------
    NbprojError
        The project cannot be had or read, or there is no such entry point.

    Examples
    --------
    >>> from nbproj.widgets.form import form
    >>> chosen = form("notebooks/diabetes", "train")
    >>> sorted(chosen.value)
    ['alpha', 'l1_ratio', 'seed']
    """
    return Form(Subject.of(str(uri), entry_point, version))


class Form:
    """A form, its values, and the runs that it has started.

    Parameters
    ----------
    subject : Subject
        The project.
    guard : callable, optional
        Called before a run starts; raises what is to keep it from that.

    Examples
    --------
    >>> from nbproj.widgets.form import form
    >>> chosen = form("notebooks/diabetes", "train")
    >>> chosen.set(alpha="high")
    >>> chosen.problems
    {'alpha': "'high' is not a float"}
    >>> chosen.set(alpha=0.25)
    >>> chosen.problems, chosen.value["alpha"]
    ({}, 0.25)
    """

    def __init__(self, subject: Subject, *, guard: Callable[[], None] | None = None) -> None:
        import ipywidgets

        self.subject = subject
        self._guard = guard
        self._observers: list[Callable[[dict[str, Any]], None]] = []
        self._checked = Checked()
        self._rows: dict[str, Row] = {}
        self._was_shown = False
        self._actions = Actions(self._pressed)
        self._launcher = Launcher(self._actions.say)
        self._choice = ipywidgets.Dropdown(description="entry point", options=list(subject.points), value=subject.first)
        self._body = ipywidgets.VBox(layout={"overflow": "visible"})
        self._copying = Copying()
        self._companion = companion()
        self.widget = ipywidgets.VBox(layout={"overflow": "visible", "margin": "4px 0"})
        self.widget.add_class("nbproj-form")
        self._build()
        self._choice.observe(lambda _change: self._build(), names="value")

    @property
    def entry_point(self) -> EntryPoint:
        """What is run."""
        return self.subject.points[self._choice.value]

    @property
    def value(self) -> dict[str, object]:
        """The values as a notebook would receive them, by name: those that are right. Secrets are not among them."""
        return dict(self._checked.values)

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong, by the name of the parameter."""
        return dict(self._checked.problems)

    @property
    def given(self) -> dict[str, object]:
        """What differs from the defaults, as it was typed; secrets are among it."""
        return {name: row.given for name, row in self._rows.items() if row.several is None and row.given is not UNGIVEN}

    @property
    def runs(self) -> tuple[Any, ...]:
        """The runs that this form has started, the newest last."""
        return tuple(self._launcher.runs)

    def set(self, values: Mapping[str, object] | None = None, /, **more: object) -> None:
        """Set parameters by name, as texts or as values of their types.

        Raises
        ------
        ParameterError
            There is no such parameter.
        """
        for name, value in {**(values or {}), **more}.items():
            if name not in self._rows:
                msg = f"parameter {name!r} is not in this form: it has {', '.join(self._rows) or 'none'}"
                raise ParameterError(msg)
            self._rows[name].set(value)
        self._check()

    def observe(self, handler: Callable[[dict[str, Any]], None], names: str = "value") -> None:
        """Have something called when `value` has changed, with a mapping of `name`, `old`, `new`, `owner`, `type`, as ipywidgets does.

        Parameters
        ----------
        handler : callable
            Takes the mapping.
        names : str
            `value`; nothing else can be observed.
        """
        if names != "value":
            msg = f"a form has nothing to observe but 'value', not {names!r}"
            raise ParameterError(msg)
        self._observers.append(handler)

    def unobserve(self, handler: Callable[[dict[str, Any]], None]) -> None:
        """Call something no longer."""
        self._observers = [one for one in self._observers if one != handler]

    def order(self) -> Order:
        """Return what the form asks for.

        Raises
        ------
        ParameterError
            A value is wrong or missing.
        """
        self._check()
        if self._checked.problems:
            told = "; ".join(f"parameter {name!r}: {problem}" for name, problem in self._checked.problems.items())
            raise ParameterError(told)
        given = self.given
        settings: dict[str, Any] = self._settings.chosen
        return Order(
            self.subject.uri,
            self._choice.value,
            version=self.subject.version,
            parameters=given,
            bases=dict.fromkeys(given, self.subject.base),
            synchronous=False,
            **settings,
        )

    def run(self) -> threading.Thread:
        """Start a run with the values of the form - a batch if one of them is a list - as its button does but without a question.

        Returns
        -------
        Thread
            Ends when the run exists: `runs` holds it then, and its card is below the form.

        Raises
        ------
        NbprojError
            A value is wrong, or what was declared is not saved.
        """
        order = self.order()
        if self._guard is not None:
            self._guard()
        return self._launcher.start(order, self._several, base=self.subject.base)

    @property
    def _several(self) -> dict[str, str]:
        return {name: row.several for name, row in self._rows.items() if row.several is not None}

    def wish(self) -> Wish:
        """Return what the form is set to, to be told as text; secrets are left out."""
        secret = {one.name for one in self.entry_point.parameters if one.secret}
        return Wish(
            self.subject.uri,
            self._choice.value,
            {name: value for name, value in self.given.items() if name not in secret},
            self._several,
            self._settings.chosen,
            self.subject.version,
            is_here=self.subject.is_here,
        )

    def show(self) -> Form:
        """Show the form below the cell that is executed, and return it; as that cell's value it is not shown again."""
        self._display()
        self._was_shown = True
        return self

    def __repr__(self) -> str:
        return f"<Form {self._choice.value} of {self.subject.title}>"

    def _ipython_display_(self) -> None:
        if self._was_shown:
            self._was_shown = False
            return
        self._display()

    def _display(self) -> None:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        # Who executes notebooks keeps the state of widgets, and a page of that is blank without a network.
        lives = shell is not None and is_live(shell)
        made = entry_point_bundle(self.entry_point)
        show_static({kind: made[kind] for kind in ("text/plain", "text/html")}, is_fallback=lives)
        if lives:
            show_live(self.widget, _ABSENT)
        self._launcher.cards.show()

    def _build(self) -> None:

        point = self.entry_point
        self._rows = {one.name: Row(one, base=self.subject.base) for one in point.parameters}
        self._settings = Settings(point.environment or self.subject.environment)
        for row in self._rows.values():
            row.watch(self._check)
        for one in self._settings.rows:
            one.observe(lambda _change: self._copying.show(self.wish()), names="value")
        title = line(f"{point.name} \u00b7 {self.subject.title}")
        choice = [self._choice] if len(self.subject.points) > 1 else []
        self._body.children = [title, line(point.help, "quiet"), *choice, *(row.box for row in self._rows.values()), self._settings.box]
        actions = self._actions.boxes(self._settings.toggle, *self._copying.widgets)
        self.widget.children = [self._body, *actions, self._companion]
        self._check()

    def _check(self) -> None:
        before = self._checked.values
        several = self._several
        self._checked = check_values(self.entry_point, self.given, several, base=self.subject.base, root=self.subject.root)
        for name, row in self._rows.items():
            # What nobody has touched yet is not wrong in red.
            row.complain("" if row.is_untouched else self._checked.problems.get(name, ""))
        self._actions.offer(several=bool(several))
        self._copying.show(self.wish())
        if self._checked.values != before:
            change = {"name": "value", "old": dict(before), "new": self.value, "owner": self, "type": "change"}
            for handler in tuple(self._observers):
                handler(change)

    def _pressed(self) -> None:
        """Start what the form asks for; what is wrong is said in the form."""
        try:
            self.order()
            if self.subject.asks:
                self._actions.question.ask(
                    f"Run {self._choice.value!r} of {self.subject.title}? It runs with your rights.", self.subject.uri, self._start
                )
                return
            self._start()
        except NbprojError as error:
            self._actions.say(str(error))
            for name, problem in self._checked.problems.items():  # also at what nobody has touched
                self._rows[name].complain(problem)

    def _start(self) -> None:
        try:
            self.run()
        except NbprojError as error:
            self._actions.say(str(error))
