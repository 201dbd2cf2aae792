"""Values become code that is nothing but those values."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.errors import ParameterError
from nbproj.execution.injection import python_source

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
