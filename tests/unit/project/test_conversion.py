"""Types: what a text or an object becomes, and what is refused."""

import datetime as dt
import math
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.project.conversion import TYPES, convert, shown, text_of, type_of
from nbproj.project.limits import check_limits
from nbproj.project.model import Parameter

NOON = dt.datetime.fromisoformat("2026-01-31T12:00:00+01:00")


@pytest.mark.parametrize(
    ("kind", "given_value", "value"),
    [
        ("string", "x", "x"),
        ("string", 5, "5"),
        ("string", True, "True"),
        ("string", [1, "a"], '[1, "a"]'),
        ("string", Path("a/b"), "a/b"),
        ("tensor", 5, "5"),
        ("float", "0.5", 0.5),
        ("float", "1e-3", 0.001),
        ("float", "1_0.5", 10.5),
        ("float", 1, 1.0),
        ("float", Fraction(1, 2), 0.5),
        ("float", np.float32(0.5), 0.5),
        ("int", "10", 10),
        ("int", "+1_000", 1000),
        ("int", "-0", 0),
        ("int", "010", 10),
        ("int", 3.0, 3),
        ("int", np.int64(3), 3),
        ("bool", "TRUE", True),
        ("bool", "off", False),
        ("bool", 0, False),
        ("bool", np.True_, True),
        ("date", "2026-01-31", dt.date(2026, 1, 31)),
        ("date", dt.date(2026, 1, 31), dt.date(2026, 1, 31)),
        ("datetime", "2026-01-31T12:00:00+01:00", NOON),
        ("datetime", NOON, NOON),
        ("datetime", dt.date(2026, 1, 31), dt.datetime.fromisoformat("2026-01-31")),
        ("list", "[1, 2]", [1, 2]),
        ("list", "[a, b c, 0.5]", ["a", "b c", 0.5]),
        ("list", '["a"]', ["a"]),
        ("list", (1, 2), [1, 2]),
        ("list", np.array([1, 2]), [1, 2]),
        ("dict", '{"a": 1}', {"a": 1}),
        ("dict", "{a: [1, x]}", {"a": [1, "x"]}),
        ("dict", {"a": 1}, {"a": 1}),
        ("choice", "a", "a"),
        ("path", Path("x"), "x"),
        ("uri", "s3://x", "s3://x"),
    ],
)
def test_a_value_becomes_one_of_its_type(kind, given_value, value):
    found = convert(Parameter("p", kind), given_value)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("float", value)
        for value in ("", "abc", " 1", "1 ", "1\n", "0x1F", "1,5", "\uff11", True, None, [1], b"1", np.array([1, 2]), 10**400, dt.date(2026, 1, 31))
    ]
    + [("int", value) for value in ("", "1.0", "1e3", " 1", "0x1F", "1__0", "_1", "٣", "9" * 5000, 1.5, True, None, float("inf"), float("nan"))]
    + [("bool", value) for value in ("", "2", "truE x", "y", 2, 1.0, None, [])]
    + [("date", value) for value in ("", "31.01.2026", "2026-13-01", "2026-01-31T12:00", NOON, 20260131)]
    + [("datetime", value) for value in ("", "noon", 0)]
    + [("list", value) for value in ("", "1", "a, b", "{a: 1}", "[", "[1", 5, {"a": 1}, "[" * 100_000, "[!!python/name:os.system x]")]
    + [("dict", value) for value in ("", "1", "[1]", "{", 5, [1], "&a {a: *a}")]
    + [("path", value) for value in ("", "a\0b", 5, ["a"], b"x", "\udcff")]
    + [("string", value) for value in ("a\0b", "\udcff", None)],
)
def test_what_is_not_of_the_type_is_refused_in_one_short_line(kind, value):
    with pytest.raises(ValueError) as caught:
        convert(Parameter("p", kind), value)
    assert len(str(caught.value)) < 150
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", TYPES)
def test_none_is_admitted_only_by_what_is_optional(kind):
    assert convert(Parameter("p", kind, optional=True), None) is None
    assert convert(Parameter("p", kind, optional=True), "None") is None
    with pytest.raises(ValueError, match="not optional"):
        convert(Parameter("p", kind), None)


def test_the_empty_text_is_none_for_every_optional_type_but_string():
    assert convert(Parameter("p", "float", optional=True), "") is None
    assert convert(Parameter("p", "float", optional=True), "null") is None
    assert convert(Parameter("p", optional=True), "") == ""


@pytest.mark.parametrize(
    ("item", "value", "converted"),
    [
        ("int", "[1, 2]", [1, 2]),
        ("float", [1, "0.5"], [1.0, 0.5]),
        ("string", "[1, a]", ["1", "a"]),
        ("date", "[2026-01-31]", [dt.date(2026, 1, 31)]),
    ],
)
def test_elements_of_a_list_have_their_type(item, value, converted):
    assert convert(Parameter("p", "list", item=item), value) == converted


def test_an_element_of_another_type_is_refused():
    with pytest.raises(ValueError, match="'x' is not an int"):
        convert(Parameter("p", "list", item="int"), "[1, x]")


@pytest.mark.parametrize("written", ["list[int", "list[list]", "list[zzz]", "list[]", "dict[str]", "Float", ""])
def test_a_type_that_is_not_ours_is_none(written):
    assert type_of(written) is None


@pytest.mark.parametrize("kind", ["int", "float", "bool", "date", "datetime", "list", "dict"])
@given(data=st.data())
def test_the_text_of_a_value_means_the_value(kind, data):
    plain = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
    values = {
        "int": st.integers(),
        "float": st.floats(allow_nan=False),
        "bool": st.booleans(),
        "date": st.dates(),
        "datetime": st.datetimes(timezones=st.none() | st.just(dt.UTC)),
        "list": st.lists(plain),
        "dict": st.dictionaries(st.text(max_size=3), plain),
    }
    value = data.draw(values[kind])
    assert convert(Parameter("p", kind), text_of(value)) == value


@given(
    st.sampled_from(TYPES), st.booleans(), st.text() | st.integers() | st.floats() | st.none() | st.binary() | st.lists(st.integers()) | st.dates()
)
def test_any_value_is_converted_or_refused_with_a_reason(kind, optional, value):
    try:
        convert(Parameter("p", kind, optional=optional), value)
    except ValueError as error:
        reason = str(error)
    else:
        reason = "none"
    assert reason


def test_the_text_of_a_structure_holds_what_json_can():
    value = {"a": np.int64(1), "b": [dt.date(2026, 1, 31), Path("x")], "c": MappingProxyType({"d": None})}
    assert text_of(MappingProxyType(value) | {}) == '{"a": 1, "b": ["2026-01-31", "x"], "c": {"d": null}}'


def test_a_long_value_is_shown_short():
    assert shown("x" * 1000) == repr("x" * 57 + "...")


# --- choices and bounds


@pytest.mark.parametrize(
    ("declared", "value", "reason"),
    [
        (Parameter("p", "float", min=0), -1.0, "-1.0 is less than 0"),
        (Parameter("p", "float", max=1), 1.5, "1.5 is more than 1"),
        (Parameter("p", "int", min=1, max=3), 4, "4 is more than 3"),
        (Parameter("p", "choice", choices=("a", "b")), "c", "'c' is not one of 'a', 'b'"),
        (Parameter("p", "int", choices=(1, 2)), 3, "3 is not one of 1, 2"),
        (Parameter("p", "int", choices=(0, 1)), True, "true is not one of 0, 1"),
        (Parameter("p", "list", choices=(1, 2)), [1, 3], "3 is not one of 1, 2"),
        (Parameter("p", "list", max=2), [1, 3], "3 is more than 2"),
        (Parameter("p", "float"), math.nan, "nan is not a finite number"),
        (Parameter("p", "float"), math.inf, "inf is not a finite number"),
        (Parameter("p", "float", default=math.nan), math.inf, "inf is not a finite number"),
        (Parameter("p", "float", max=math.inf), math.nan, "nan is not a finite number"),
        (Parameter("p", "list"), [1.0, math.nan], "nan is not a finite number"),
        (Parameter("p", "dict"), {"a": [math.inf]}, "inf is not a finite number"),
    ],
)
def test_what_the_declaration_does_not_admit_is_refused(declared, value, reason):
    with pytest.raises(ValueError) as caught:
        check_limits(declared, value)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (Parameter("p", "float", min=0, max=1), 1.0),
        (Parameter("p", "float", min=0, optional=True), None),
        (Parameter("p", "float", default=math.nan), math.nan),
        (Parameter("p", "float", choices=(math.nan, 1.0)), math.nan),
        (Parameter("p", "float", max=math.inf), -math.inf),
        (Parameter("p", "list", default=[math.inf]), [math.inf]),
        (Parameter("p", "bool", choices=(True,)), True),
    ],
)
def test_what_the_declaration_admits_passes(declared, value):
    check_limits(declared, value)
