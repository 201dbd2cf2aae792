"""Values become code that is nothing but those values."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import nbformat.v4
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.errors import ParameterError
from nbproj.execution.injection import inject, python_source

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12)


def run(source: str) -> dict[str, object]:
    """Execute injected code and return its names."""
    names: dict[str, object] = {}
    exec(source, names)
    return names


@given(values)
def test_any_value_arrives_as_itself(value):
    assert run(python_source({"x": value}))["x"] == value


@given(st.dates() | st.datetimes())
def test_dates_arrive_as_dates(value):
    assert run(python_source({"x": value}))["x"] == value


def test_paths_and_not_numbers_arrive():
    names = run(python_source({"p": Path("/a'b\n"), "n": float("nan"), "i": float("-inf"), "d": [dt.date(2026, 1, 2)]}))
    assert names["p"] == Path("/a'b\n")
    assert names["n"] != names["n"]
    assert names["i"] == float("-inf")
    assert names["d"] == [dt.date(2026, 1, 2)]


def test_a_secret_is_read_when_the_cell_runs_and_stands_nowhere(monkeypatch):
    monkeypatch.setenv("TOKEN", "hunter2")
    source = python_source({}, {"token": "TOKEN"})
    assert "hunter2" not in source
    assert run(source)["token"] == "hunter2"


@pytest.mark.parametrize("name", ["a-b", "a.b", "1a", "class", "x; import os", "", "a b", "x=1\nimport os"])
def test_a_name_that_is_no_variable_is_refused(name):
    with pytest.raises(ParameterError, match="no name of a Python variable"):
        python_source({name: 1})


def notebook(*tags: str):
    """Return a notebook with a cell a tag."""
    cells = [nbformat.v4.new_code_cell(f"cell = {index}", metadata={"tags": [tag] if tag else []}) for index, tag in enumerate(tags)]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("tags", "where", "count"),
    [(("", "parameters", ""), 2, 4), (("", ""), 0, 3), (("parameters", "injected-parameters", ""), 1, 3)],
)
def test_the_cell_stands_where_papermill_puts_it(tags, where, count):
    document = notebook(*tags)
    inject(document, {"x": 1}, {}, kernel="python3", language="python")
    assert document["cells"][where]["metadata"]["tags"] == ["injected-parameters"]
    assert len(document.cells) == count
    nbformat.validate(nbformat.from_dict(document))


def test_without_values_nothing_is_injected():
    document = notebook("parameters")
    inject(document, {}, {}, kernel="python3", language="python")
    assert len(document.cells) == 1


def test_another_language_gets_its_own_code():
    document = notebook("parameters")
    inject(document, {"alpha": 0.5, "data": Path("/d")}, {}, kernel="ir", language="r")
    assert document["cells"][1]["source"] == '# Parameters\nalpha = 0.5\ndata = "/d"\n'


@pytest.mark.parametrize(
    ("language", "values", "secrets", "message"),
    [
        ("cobol", {"x": 1}, {}, "parameters cannot be given to a notebook in cobol"),
        ("r", {}, {"token": "TOKEN"}, "read by Python notebooks only"),
        ("r", {"x; system('id')": 1}, {}, "no name of a variable"),
    ],
)
def test_what_another_language_cannot_take_is_refused(language, values, secrets, message):
    with pytest.raises(ParameterError, match=message):
        inject(notebook("parameters"), values, secrets, kernel="other", language=language)
