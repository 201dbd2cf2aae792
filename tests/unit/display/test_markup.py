"""All data is text, never markup: whatever is put into names and values, a parser finds our elements and nothing else."""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbproj import display
from nbproj.display import card, html, project_card, runs
from nbproj.display.card_json import LIMIT, MIME
from nbproj.display.doctor import Finding
from nbproj.display.facts import Facts
from nbproj.display.terminal import Screen, tail_of
from nbproj.errors import EntryPointError, NbprojError
from nbproj.project.model import DockerSpec, EntryPoint, EnvironmentSpec, Parameter, Place, Project

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload='alert(1)'>",
    "' style='position:fixed' onmouseover='alert(1)",
    "</pre></td></table><iframe src=javascript:alert(1)>",
    "<!-- <a href='data:text/html,x'>",
    "]]><![CDATA[<style>@import url(//x)</style>",
    "&lt;b&gt; &amp; &#x3c;",
    "[a](javascript:alert(1)) **b** $\\href{javascript:alert(1)}{x}$",
    "\x00\x07\x08\x1b[31m\x1b]8;;http://x\x07link\x1b]8;;\x07\x9b31m\x7f",
    "\x1b[2J\x1b[H\r\n\x0b\x0c\u2028\u2029",
    "\u202etxt.exe\u202c\u2066\ufeff\u200b",
    "\ud800 half \udfff",
    "😀" * 300,
    "<" * 3000,
    "\U0001d518" * 3000,
]
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """Everything that a parser sees in a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.open: list[str] = []
        self.problems: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()
        if self.open:
            self.problems.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        if tag not in html.TAGS or tag in VOID:
            self.problems.append(f"tag {tag}")
        allowed = {name.lower() for name in html.ATTRIBUTES}
        self.problems += [f"attribute {name} of {tag}" for name, _value in attrs if name not in allowed]
        self.attributes += attrs
        self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"end of {tag}")

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.problems.append("comment")

    def handle_decl(self, decl):
        self.problems.append("declaration")

    def unknown_decl(self, data):
        self.problems.append("declaration")

    def handle_pi(self, data):
        self.problems.append("instruction")


def everywhere(text: str) -> dict:
    """Return values with a text in every place that has one."""
    return {
        "run_id": text,
        "name": text,
        "status": text,
        "exit_code": text,
        "experiment_id": text,
        "entry_point": text,
        "params": {text: text, f"{text} 2": text},
        "metrics": {text: 1.5, f"{text} 2": text},
        "curves": {text: [1, 2, 3]},
        "artifacts": [text, f"plots/{text}"],
        "notebook": text,
        "store": text,
        "look": text,
        "reason": text,
        "step": text,
        "cell": text,
        "source": text,
        "traceback": text,
        "output": text,
        "notes": [text],
        "start_time": 0,
        "now": 1000,
    }


def recorded(text: str) -> dict:
    """Return the same as a store has it: numbers are numbers."""
    run = everywhere(text) | {"metrics": {text: 1.5}, "tags": {text: text}, "artifact_uri": text, "exit_code": 1, "end_time": 2000}
    environment = {"key": text, "title": text, "problem": text, "folder": text, "runs": [text], "kernels": [text]}
    row = {"run_id": text, "params": {text: text}, "metrics": {text: 1.5}, "label": text, "reason": text, "status": text}
    counts = {"points": 3, "finished": 1, "failed": 2}
    batch = {"batch_id": text, "counts": counts, "varying": [text], "metric": text, "rows": [row], "failures": [row], "active": [text]}
    return {**run, **environment, **batch, "kind": text, "address": text, "size": 1, "used": 2.0, "created": 1.0, "in_use": True}


def parameter(text: str) -> Parameter:
    return Parameter(text, text, text, text, text, (text, text + "2"), 0.0, 1.0, 0.1, env=text, flag=text, item=text, declared=Place(text, 1))


def entry_point(text: str) -> EntryPoint:
    secret = Parameter(f"{text}s", text, secret=True, env=text, optional=True)
    problem = EntryPointError(text, place=Place(text, 1, cell=2))
    return EntryPoint(text, [parameter(text), secret], f"{text}\n{text}", help=text, declared=Place(text, 3, 4), problem=problem)


def project(text: str) -> Project:
    book = EntryPoint(f"{text}2", notebook=text, cells=text, declared=Place(text, 1, cell=2))
    environment = EnvironmentSpec("docker", text, DockerSpec(text))
    return Project(text, Path("/project"), {text: entry_point(text), book.name: book}, environment, warnings=(text, text))


MAKERS: dict[str, Callable[[str], Any]] = {
    "EntryPoint": entry_point,
    "Facts": lambda text: Facts.of(everywhere(text)),
    "Iterable[Iterable[Span]]": tail_of,
    "Iterable[Mapping[str, Any]]": lambda text: [everywhere(text), everywhere(text)],
    "Iterable[float]": lambda text: [1.0, float("nan"), text],
    "Mapping[str, Any]": recorded,
    "Mapping[str, EntryPoint] | None": lambda text: {f"{text}3": entry_point(text), "a.py": EntryPoint("a.py", script="a.py")},
    "Parameter": parameter,
    "Place | None": lambda text: Place(text, 1),
    "Project": project,
    "Sequence[Mapping[str, Any]]": lambda text: [recorded(text), recorded(text)],
    "float": lambda _text: 3000.0,
    "Sequence[Finding]": lambda text: [Finding(text, "warning", text, text, needed=True), Finding("", "missing", "", text)],
    "str": lambda text: text,
}
"""How something of each type is made that a rendering takes: with a text in every place that has one."""

BUILDERS = {"nbproj.display.html", "nbproj.display.quantity", "nbproj.display.columns", "nbproj.display.colour"}
"""What renderings are made of. They are tried in what is made of them."""


def renderings() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Find every function of `display` that returns something to be shown."""
    for found in pkgutil.iter_modules(display.__path__, "nbproj.display."):
        module = importlib.import_module(found.name)
        for name in getattr(module, "__all__", ()):
            function = getattr(module, name)
            if found.name in BUILDERS or not inspect.isfunction(function):
                continue
            returned = inspect.signature(function).return_annotation
            if returned == "Markup" or (returned == "str" and name not in {"cut", "moment", "since"}) or name.endswith(("bundle", "_json")):
                yield f"{found.name.removeprefix('nbproj.display.')}.{name}", function


RENDERINGS = dict(renderings())


def rendered(function: Callable[..., Any], text: str, width: int) -> Any:
    """Call a rendering with a text everywhere in what it takes."""
    given_: dict[str, Any] = {}
    for name, one in inspect.signature(function).parameters.items():
        if name == "width":
            given_[name] = width
        elif one.annotation in MAKERS and (one.default is inspect.Parameter.empty or one.annotation != "str"):
            given_[name] = MAKERS[one.annotation](text)
        else:
            assert one.default is not inspect.Parameter.empty, f"tell MAKERS how to make a hostile {one.annotation!r}"
    return function(**given_)


SHOWN_RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def test_the_renderings_are_found():
    expected = {"card.bundle", "card_text.card_text", "runs.bundle", "run.run_text", "run.run_json", "project.project_text", "project.project_json"}
    assert expected | {"project_card.project_bundle", "project_card.entry_point_bundle", "doctor.findings_text"} <= RENDERINGS.keys()


@pytest.mark.parametrize("name", RENDERINGS)
def test_no_rendering_at_all_lets_markup_or_a_control_character_through(name):
    for text in PAYLOADS:
        for width in (24, 200):
            shown = rendered(RENDERINGS[name], text, width)
            if isinstance(shown, dict) and "text/html" in shown:
                check(shown)
            elif isinstance(shown, dict):  # a document, written for programs: JSON escapes it
                assert re.fullmatch(r"[\n -~]*", json.dumps(shown, indent=2, allow_nan=False))
            elif isinstance(shown, html.Markup):
                assert Page(shown).problems == []
                assert not SHOWN_RAW.search(shown)
            else:
                assert not SHOWN_RAW.search(shown)
                shown.encode()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_an_error_is_one_line_whatever_its_names_hold(payload):
    error = NbprojError(payload, place=Place(payload, 1), hint=payload)
    for line in (str(error), error.hint, *error._render_traceback_()):
        assert not SHOWN_RAW.search(line)
        assert len(line.splitlines()) <= 1


def texts(value: Any) -> Iterator[str]:
    """Return every text of a document but the newlines of commands, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def check(bundle: dict) -> Page:
    page = Page(bundle["text/html"])
    assert page.problems == []
    for name, value in page.attributes:
        assert name not in {"href", "src", "id"}
        assert not name.startswith("on")
        if name == "style":
            assert "url" not in value
            assert re.fullmatch(r"[\w #%.,():;-]*", value)
        if name == "class":
            assert value == "tex2jax_ignore mathjax_ignore"
    for rendering in (bundle["text/plain"], bundle["text/html"], page.text):
        assert not SHOWN_RAW.search(rendering)
        rendering.encode()
    document = next(value for mime, value in bundle.items() if mime.endswith("+json"))
    written = json.dumps(document, indent=1, allow_nan=False)
    assert len(written) < LIMIT
    json.dumps(document, ensure_ascii=False).encode()
    written = written.replace("\\\\", "")  # a path spells out what cannot be shown: that is a text, not the character
    assert not any(SHOWN_RAW.search(text) for text in texts(document))
    return page


@pytest.mark.parametrize("status", ["RUNNING", "FAILED", None])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_markup_and_control_characters_stay_text(payload, status):
    values = everywhere(payload) | ({"status": status} if status else {})
    check(card.bundle(values))
    check(runs.bundle([values, values], now=10**6))


@pytest.mark.parametrize("payload", PAYLOADS[:9])
def test_a_reader_sees_the_payload_as_it_was_given(payload):
    page = check(card.bundle({"params": {"name": payload}, "source": payload, "status": "FAILED"}))
    assert page.text.count(payload) == 2


@given(text=st.text(st.characters(codec=None), max_size=60), status=st.sampled_from(["RUNNING", "FAILED", "FINISHED"]))
@settings(max_examples=150)
def test_no_text_at_all_becomes_markup(text, status):
    values = everywhere(text) | {"status": status}
    check(card.bundle(values))
    check(runs.bundle([values], now=10**6))


@given(
    pieces=st.lists(
        st.sampled_from([*PAYLOADS, "\x1b[1;31m", "\x1b[48;5;9m", "\x1b[A", "\r", "\n", "\x1b[38;2;1;2;3m", "\x1b[", "<b", ">"]), max_size=12
    )
)
@settings(max_examples=150)
def test_output_in_any_colours_stays_text(pieces):
    screen = Screen()
    for piece in pieces:
        screen.feed(piece)
    check(card.bundle({"status": "RUNNING", "tail": screen.tail()}))


@given(
    values=st.fixed_dictionaries(
        {
            "params": st.dictionaries(st.text(max_size=30), st.text(max_size=300), max_size=60),
            "metrics": st.dictionaries(st.text(max_size=30), st.floats(), max_size=60),
            "start_time": st.none() | st.floats() | st.integers(),
            "end_time": st.none() | st.integers(-(10**15), 10**15),
            "cells": st.none() | st.tuples(st.integers(), st.integers()),
            "exit_code": st.none() | st.integers(),
        }
    )
)
@settings(max_examples=80)
def test_any_numbers_make_a_card_of_bounded_size(values):
    check(card.bundle(values | {"status": "RUNNING", "now": 1000}))
    check(card.bundle(values | {"status": "FINISHED"}))


def test_the_builder_refuses_what_is_not_on_its_lists():
    for wrong in (lambda: html.element("script"), lambda: html.element("div", onclick="x"), lambda: html.element("div", href="x")):
        with pytest.raises(ValueError, match="of a card"):
            wrong()
    for wrong in ({"color": "red;position:fixed"}, {"background": "url(x)"}, {"position": "fixed"}, {"color": "expression('x')"}):
        with pytest.raises(ValueError, match="no style"):
            html.style(**wrong)


def test_a_first_newline_in_output_survives_the_parser():
    assert html.element("pre", "\nx") == "<pre>\n\nx</pre>"


def test_the_run_type_is_the_one_of_the_contract():
    assert MIME == "application/vnd.nbproj.run.v1+json"
    assert runs.MIME == "application/vnd.nbproj.runs.v1+json"
    assert project_card.MIME == "application/vnd.nbproj.project.v1+json"
