"""A form: a control for each parameter, checked as one types in the words of the command line; its values, its texts, its secrets."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from pathlib import Path

import ipywidgets
import pytest

import nbproj
from nbproj.errors import ParameterError
from nbproj.project.model import REQUIRED, EntryPoint, EnvironmentSpec, Parameter
from nbproj.project.parameters import resolve_all
from nbproj.widgets.control import UNGIVEN
from nbproj.widgets.controls import control_for
from nbproj.widgets.form import Form
from nbproj.widgets.subject import Subject
from nbproj.widgets.wording import Wish

MARKUP = '<img src=x onerror="window.pwned=1">$x$'


@pytest.fixture
def form(tmp_path):
    """Return a function that makes a form for parameters."""

    def make(*parameters, **subject):
        point = EntryPoint("train", list(parameters), command="true")
        return Form(Subject("wine", {"train": point}, "train", tmp_path, EnvironmentSpec(), root=tmp_path, **subject))

    return make


def kinds(parameter):
    return [type(widget).__name__ for widget in control_for(parameter, base=Path()).widgets]


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (Parameter("a", "float", default=0.5), ["Text"]),
        (Parameter("a", "float", default=0.5, min=0, max=1), ["Text", "FloatSlider"]),
        (Parameter("a", "float", default=0.01, min=1e-5, max=1), ["Text", "FloatLogSlider"]),
        (Parameter("a", "int", default=3, min=0, max=10), ["Text", "IntSlider"]),
        (Parameter("a", "int", default=3, min=0), ["Text"]),
        (Parameter("a", "bool", default=True), ["Checkbox"]),
        (Parameter("a", "bool"), ["Dropdown"]),
        (Parameter("a", "choice", default="x", choices=("x", "y")), ["Dropdown"]),
        (Parameter("a", "float", default=0.1, choices=(0.1, 0.2)), ["Dropdown"]),
        (Parameter("a", "list", item="string", choices=("x", "y"), default=["x"]), ["SelectMultiple"]),
        (Parameter("a", "list", default=[1]), ["Text"]),
        (Parameter("a", "dict", default={"x": 1}), ["Textarea"]),
        (Parameter("a", "date", default=dt.date(2026, 1, 31)), ["DatePicker"]),
        (Parameter("a", "datetime", default=dt.datetime.fromisoformat("2026-01-31T12:00")), ["NaiveDatetimePicker"]),
        (Parameter("a", "datetime", default=dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)), ["Text"]),
        (Parameter("a", "path", default="x.csv"), ["Combobox"]),
        (Parameter("a", secret=True), ["Password"]),
        (Parameter("a", default="two\nlines"), ["Textarea"]),
        (Parameter("a", "tensor", default="x"), ["Text"]),
    ],
    ids=lambda value: value.type if isinstance(value, Parameter) else "",
)
def test_every_type_has_a_control_that_holds_its_default(parameter, expected):
    assert kinds(parameter) == expected
    assert control_for(parameter, base=Path()).read() is UNGIVEN


@pytest.mark.parametrize(
    ("parameter", "typed"),
    [
        (Parameter("a", "float", default=0.5), "high"),
        (Parameter("a", "float", default=0.5, max=1.0), "2"),
        (Parameter("a", "float", default=0.5), "nan"),
        (Parameter("a", "int", default=1), "1.5"),
        (Parameter("a", "list", default=[1], item="int"), "[1, x]"),
        (Parameter("a", "dict", default={}), "{a"),
        (Parameter("a", "path", default=".", exists=True), "nowhere.csv"),
        (Parameter("a", "uri", default="."), ""),
    ],
    ids=lambda value: value.type if isinstance(value, Parameter) else "",
)
def test_what_is_wrong_is_said_as_one_types_in_the_words_of_the_command_line(parameter, typed, form, tmp_path):
    shown = form(parameter)
    shown._rows["a"].control.widgets[0].value = typed
    with pytest.raises(ParameterError) as error:
        resolve_all(shown.entry_point, {"a": typed}, base=tmp_path)
    assert f"parameter 'a': {shown.problems['a']}" == str(error.value)
    assert 'role="alert"' in shown._rows["a"].complaint
    assert "a" not in shown.value
    with pytest.raises(ParameterError):
        shown.order()


def test_a_value_that_is_needed_is_asked_for_when_it_is_run_and_not_before_anything_was_typed(form):
    shown = form(Parameter("data", "path", exists=False))
    assert shown.problems == {"data": "a value is needed"}
    assert shown._rows["data"].complaint == ""
    shown._actions.run.click()
    assert "a value is needed" in shown._rows["data"].complaint
    assert shown.runs == ()


def test_the_values_are_those_that_a_run_would_use_and_only_what_differs_is_given(form, tmp_path):
    shown = form(
        Parameter("alpha", "float", default=0.5, default_text="0.50"),
        Parameter("rounds", "list", item="int", default=[1, 2]),
        Parameter("note", default=None, optional=True),
        Parameter("out", "path", default="out", exists=False),
        Parameter("seed", "int", default=REQUIRED, default_text="draw()"),
    )
    assert shown.value == {"alpha": 0.5, "rounds": [1, 2], "note": None, "out": tmp_path / "out"}
    assert shown.given == {}
    shown.set(alpha="1e-3", note="x", seed=7)
    assert shown.given == {"alpha": "1e-3", "note": "x", "seed": "7"}
    assert (shown.value["alpha"], shown.value["note"], shown.value["seed"]) == (0.001, "x", 7)
    order = shown.order()
    assert (order.uri, order.entry_point, order.synchronous, order.bases["alpha"]) == ("wine", "train", False, tmp_path)
    shown.set(alpha=0.5, note=None)
    assert shown.given == {"seed": "7"} | ({"alpha": "0.5"})


def test_an_observer_is_told_the_old_and_the_new_values_once_for_each_change(form):
    shown = form(Parameter("alpha", "float", default=0.5))
    told = []
    shown.observe(told.append)
    shown.set(alpha=0.7)
    shown.set(alpha="high")
    shown.unobserve(told.append)
    shown.set(alpha=0.1)
    assert [(one["name"], one["old"], one["new"]) for one in told[:1]] == [("value", {"alpha": 0.5}, {"alpha": 0.7})]
    with pytest.raises(ParameterError, match="nothing to observe"):
        shown.observe(told.append, names="children")


def test_a_slider_and_its_text_follow_each_other_and_any_number_can_be_typed(form):
    text, slider = control_for(Parameter("a", "float", default=0.5, min=0.0, max=1.0), base=Path()).widgets
    slider.value = 0.25
    assert text.value == "0.25"
    text.value = "0.123456789"
    assert slider.value == pytest.approx(0.123456789)
    text.value = "7"
    assert slider.value == pytest.approx(0.123456789)


def test_a_secret_never_stays_in_a_widget(form):
    shown = form(Parameter("token", secret=True), Parameter("alpha", "float", default=0.5))
    field = shown._rows["token"].control.widgets[0]
    field.value = "hunter2"
    assert shown.order().parameters == {"token": "hunter2"}
    assert "hunter2" not in json.dumps([widget.get_state() for widget in _all(shown.widget)], default=str)
    assert "hunter2" not in f"{shown.value}{shown.wish().command()}{shown.wish().python()}{shown.wish().magic()}{field.placeholder}{shown!r}"


def test_paths_are_completed_from_where_they_start(tmp_path):
    (tmp_path / "wine.csv").write_text("")
    (tmp_path / "wines").mkdir()
    (field,) = control_for(Parameter("data", "path"), base=tmp_path).widgets
    field.value = "wi"
    assert field.options == ("wine.csv", "wines/")


def test_markup_in_names_values_helps_and_errors_stays_text(form):
    point = EntryPoint(
        MARKUP,
        [
            Parameter("a", help=MARKUP, default=MARKUP),
            Parameter("b", "choice", default=MARKUP, choices=(MARKUP, "x"), help=MARKUP),
            Parameter("c", "int", default=1),
        ],
        help=MARKUP,
        command="true",
    )
    shown = Form(Subject(MARKUP, {MARKUP: point}, MARKUP, Path(), EnvironmentSpec(file=MARKUP), root=Path()))
    shown._rows["c"].control.widgets[0].value = MARKUP
    shown._actions.question.ask(MARKUP, "https://example.org/<b>", lambda: None)
    html = [widget for widget in _all(shown.widget) if isinstance(widget, ipywidgets.HTML)]
    assert sum("&lt;img" in widget.value for widget in html) >= 4
    assert not [widget.value for widget in html if "<img" in widget.value]
    assert not [
        widget for widget in _all(shown.widget) if getattr(widget, "description_allow_html", False) or isinstance(widget, ipywidgets.HTMLMath)
    ]


def _all(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _all(child)


def test_lists_and_forms_make_a_batch_whose_points_are_checked(form):
    shown = form(Parameter("alpha", "float", default=0.5, max=1), Parameter("note", default="x"))
    row = shown._rows["alpha"]
    row.many.value = True
    assert row.list.value == "0.5"
    assert (shown._actions.run.disabled, shown._actions.batch.disabled) == (True, False)
    row.list.value = "0.1, 2"
    assert shown.problems == {"alpha": "2.0 is more than 1"}
    row.list.value = "linspace(0, 1, 3)"
    shown.set(note="range(3)")
    assert shown.problems == {}
    assert shown.wish().command() == "nbproj batch wine -e train -P 'note=choice('\"'\"'range(3)'\"'\"')' -P 'alpha=linspace(0, 1, 3)'"
    row.list.value = "0.1, 0.2"
    assert shlex.split(shown.wish().command())[-4:] == ["-P", "alpha=0.1", "-P", "alpha=0.2"]


@pytest.mark.parametrize("text", ["", "two words", "a'b\"c", "{x}", '{"a": 1}', "$HOME `id` \\", "line\nbreak", "-e", "=x=", "grün"])
def test_what_is_copied_means_what_the_form_holds(text):
    from nbproj.cli.running import run
    from nbproj.magics.expansion import expand, words
    from nbproj.options import parameter_pairs

    wish = Wish("wine project", "train", {"note": text}, settings={"experiment_name": "a b"}, version="v1")
    typed = shlex.split(wish.command())[2:]
    context = run.make_context("run", list(typed))
    assert (context.params["uri"], context.params["entry_point"], context.params["version"]) == ("wine project", "train", "v1")
    assert (parameter_pairs(context.params["parameters"]), context.params["experiment_name"]) == ({"note": text}, "a b")
    line = wish.magic().removeprefix("%mlrun ")
    assert "\n" not in line
    pairs = parameter_pairs(run.make_context("run", words(line)).params["parameters"])
    assert expand(pairs, {}) == {"note": text}
    called = []
    eval(wish.python(), {"nbproj": type("N", (), {"run": staticmethod(lambda *given, **named: called.append((given, named)))})})
    assert called == [(("wine project", "train"), {"parameters": {"note": text}, "version": "v1", "experiment_name": "a b"})]


def test_a_form_over_a_remote_project_asks_before_it_runs_unless_that_is_trusted(form, monkeypatch):
    from nbproj import trust

    started = []
    shown = form(Parameter("alpha", "float", default=0.5), is_remote=True, version="4a74a11ce9" * 4)
    object.__setattr__(shown.subject, "uri", "https://example.org/team/wine.git")
    monkeypatch.setattr(shown._launcher, "start", lambda order, *_given, **_named: started.append(order))
    shown._actions.run.click()
    assert started == []
    asked = "".join(widget.value for widget in _all(shown._actions.question.box) if isinstance(widget, ipywidgets.HTML))
    for told in ("train", "https://example.org/team/wine.git", "4a74a11ce9"):
        assert told in asked
    shown._actions.question.no.click()
    assert started == []
    shown._actions.run.click()
    shown._actions.question.yes.click()
    assert len(started) == 1
    trust.trust("https://example.org/team/wine.git")
    shown._actions.run.click()
    assert len(started) == 2


def test_a_run_starts_from_the_form_and_its_card_is_in_the_stack(tmp_path):
    (tmp_path / "MLproject").write_text("entry_points: {main: {parameters: {alpha: {type: float, default: 0.5}}, command: 'echo got {alpha}'}}")
    shown = nbproj.form(str(tmp_path))
    shown.set(alpha=0.25)
    shown.run().join(120)
    (run,) = shown.runs
    assert run.wait(120)
    assert (run.params["alpha"], run.logs().strip()) == ("0.25", "got 0.25")


def test_a_batch_starts_from_the_form_and_its_table_is_in_the_stack(tmp_path):
    (tmp_path / "MLproject").write_text("entry_points: {main: {parameters: {alpha: float, note: {default: x}}, command: 'echo {alpha} {note}'}}")
    shown = nbproj.form(str(tmp_path))
    shown.set(note="range(3)")
    shown._rows["alpha"].many.value, shown._rows["alpha"].list.value = True, "0.1, 0.2"
    shown.run().join(120)
    (batch,) = shown.runs
    assert batch.run.wait(120)
    assert {(run.params["alpha"], run.params["note"]) for run in batch.runs} == {("0.1", "range(3)"), ("0.2", "range(3)")}
    assert batch.batch_id[:8] in shown._launcher.cards.bundle["text/html"]


def test_what_keeps_a_run_from_starting_is_said_in_the_form(tmp_path):
    (tmp_path / "MLproject").write_text("entry_points: {main: {command: 'true'}}")
    shown = nbproj.form(str(tmp_path))
    (tmp_path / "MLproject").unlink()
    shown.run().join(120)
    assert shown.runs == ()
    assert 'role="alert"' in shown._actions.status.value
    assert "main" in shown._actions.status.value
