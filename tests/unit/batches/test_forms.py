"""The short forms of values: what they mean, that nothing else is one, and that random ones are the same everywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.batches.forms import FORMS, FormError, literal, read_form

BOUNDS = st.floats(-1e6, 1e6)
COUNTS = st.integers(1, 50)


def values(text, name="alpha", seed=0):
    found = read_form(text, name, seed)
    assert found is not None
    return list(found)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-5, 5).filter(bool))
def test_a_range_is_pythons(start, stop, step):
    assert values(f"range({start}, {stop}, {step})") == list(range(start, stop, step))
    assert values(f" range ( {abs(stop)} ) ") == list(range(abs(stop)))


@given(BOUNDS, BOUNDS, COUNTS)
def test_linspace_is_numpys(start, stop, count):
    assert np.allclose(values(f"linspace({start!r}, {stop!r}, {count})"), np.linspace(start, stop, count))


@given(st.floats(-20, 20), st.floats(-20, 20), COUNTS)
def test_logspace_is_numpys(start, stop, count):
    assert np.allclose(values(f"logspace({start!r}, {stop!r}, {count})"), np.logspace(start, stop, count))


def test_both_ends_are_exact():
    assert (values("linspace(0.1, 0.7, 7)")[0], values("linspace(0.1, 0.7, 7)")[-1]) == (0.1, 0.7)
    assert (values("logspace(-4, 0, 10)")[0], values("logspace(-4, 0, 10)")[-1]) == (0.0001, 1.0)


@given(st.lists(st.text().filter(lambda text: "\ud800" not in text), min_size=1, max_size=5))
def test_every_text_can_be_a_choice_in_quotes(texts):
    assert values(f"choice({', '.join(map(repr, texts))})") == texts


@given(st.text(max_size=30))
def test_a_form_in_quotes_is_the_text_itself(text):
    assert values(literal(text)) == [text]


def test_a_choice_keeps_what_stands_in_brackets_together():
    assert values("choice([1, 2], {a: [3, 4]}, plain text, 'it, is')") == ["[1, 2]", "{a: [3, 4]}", "plain text", "it, is"]


@given(BOUNDS, BOUNDS, COUNTS, st.integers(0, 2**40))
def test_uniform_samples_lie_between_the_bounds_and_depend_on_nothing_but_seed_name_and_number(one, other, count, seed):
    low, high = sorted((one, other))
    if low == high:
        return
    text = f"uniform({low!r}, {high!r}, {count})"
    found = values(text, seed=seed)
    assert len(found) == count
    assert all(low <= value <= high for value in found)
    assert values(f"uniform({low!r}, {high!r}, 50)", seed=seed)[:count] == found
    assert values(text, seed=seed) == found


def test_another_seed_and_another_name_give_other_samples():
    text = "uniform(0, 1, 20)"
    drawn = {tuple(values(text, name, seed)) for name in ("alpha", "beta") for seed in (0, 1)}
    assert len(drawn) == 4


def test_samples_are_the_same_on_every_machine_for_ever():
    assert values("uniform(0, 1, 3)", "alpha", 0) == [0.870713732958258, 0.4039420494717688, 0.5907709783186544]


def test_samples_are_distributed_as_they_say():
    uniform, log, normal = (np.array(values(text)) for text in ("uniform(2, 4, 20000)", "loguniform(0.001, 10, 20000)", "normal(5, 2, 20000)"))
    assert abs(uniform.mean() - 3) < 0.05
    assert abs(np.log10(log).mean() + 1) < 0.05
    assert log.min() >= 0.001
    assert log.max() <= 10
    assert abs(normal.mean() - 5) < 0.1
    assert abs(normal.std() - 2) < 0.1


def test_a_large_form_costs_nothing_until_it_is_read():
    assert len(read_form("linspace(0, 1, 10_000_000)", "alpha", 0)) == 10_000_000
    assert len(read_form("range(1000000000)", "alpha", 0)) == 1_000_000_000


@pytest.mark.parametrize(
    "text", ["0.5", "", "ranger(3)", "range", "range(3", "range(3))", "a range(3)", "range(3) x", "choice('a)", "Range(3)", "f(x)"]
)
def test_other_texts_are_values(text):
    assert read_form(text, "alpha", 0) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("range()", "one to three whole numbers"),
        ("range(0.5)", "one to three whole numbers"),
        ("range(1, 2, 0)", "is not 0"),
        ("linspace(0, 1)", "say how many values, as in linspace(0, 1, 10)"),
        ("linspace(0, x, 3)", "takes three numbers"),
        ("linspace(0, 1, 2.5)", "how many values there are"),
        ("linspace(0, 1, 0)", "how many values there are"),
        ("linspace(0, inf, 3)", "takes three numbers"),
        ("logspace(0, 400, 3)", "takes exponents"),
        ("uniform(1, 0, 3)", "the lower bound first"),
        ("loguniform(0, 1, 3)", "bounds above 0"),
        ("normal(0, 0, 3)", "standard deviation"),
        ("choice()", "the values themselves"),
        ("choice(a, , b)", "the values themselves"),
        ("choice('a'b)", "not a text in quotes"),
    ],
)
def test_a_form_with_wrong_arguments_says_what_it_takes(text, message):
    with pytest.raises(FormError) as caught:
        read_form(text, "alpha", 0)
    assert message in str(caught.value)


@given(st.sampled_from(sorted(FORMS)), st.text(alphabet="0123456789.,-eab'\"[]() ", max_size=20))
def test_no_text_is_a_defect(form, inside):
    try:
        found = read_form(f"{form}({inside})", "alpha", 0)
    except FormError:
        return
    if found is not None and len(found):
        assert not isinstance(found[0], float) or math.isfinite(found[0])
