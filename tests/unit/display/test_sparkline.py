"""Curves: small, honest about what is not finite, and told in words."""

import math
import re
import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.display.sparkline import Curve, plain_float, svg, text, thinned


@pytest.mark.parametrize(
    ("points", "title"),
    [
        ([5], "1 value: 5"),
        ([5, 4], "2 values from 5 to 4"),
        ([1, 3, 2], "3 values from 1 to 2; lowest 1, highest 3"),
        ([1, math.nan, 2], "3 values from 1 to 2; lowest 1, highest 2; some are not finite"),
        ([math.nan, -math.inf], "2 values; none is finite"),
    ],
)
def test_a_curve_is_told_in_words(points, title):
    assert ET.fromstring(svg(points)).find("title").text == title


def test_no_points_draw_nothing():
    assert svg([]) == ""
    assert text([]) == ""


@given(st.lists(st.floats() | st.integers(), min_size=1, max_size=300))
def test_every_curve_is_well_formed_bounded_and_inside_its_box(points):
    drawn = svg(points)
    root = ET.fromstring(drawn)
    assert len(drawn) < 2500
    assert {child.tag for child in root} <= {"title", "path", "circle"}
    for path in root.iter("path"):
        assert re.fullmatch(r"[MLh\d. ]+", path.get("d"))
        pairs = re.findall(r"[ML]([\d.]+) ([\d.]+)", path.get("d"))
        assert all(0 <= float(x) <= 96 and 0 <= float(y) <= 20 for x, y in pairs)
    assert len(text(points)) <= 20


def test_a_hundred_thousand_points_stay_small_and_keep_their_spike():
    points = [math.sin(index / 9000) for index in range(100_000)]
    points[31_000] = 40.0
    begin = time.process_time()
    drawn = svg(points)
    assert time.process_time() - begin < 5
    assert len(drawn) < 2500
    assert "highest 40" in drawn
    assert re.search(r"L[\d.]+ 2(?=[ML\"])", drawn)


def test_a_constant_is_a_line_in_the_middle():
    assert set(re.findall(r"[ML][\d.]+ ([\d.]+)", svg([7.0] * 5))) == {"10"}
    assert len(set(text([7.0] * 5))) == 1


def test_what_is_not_finite_leaves_a_gap_and_a_lone_value_is_a_dot():
    assert svg([1, 2, math.nan, 3, math.inf, 4, 5]).count("M") == 3
    assert text([1, math.nan, 2]) == "▁ █"


def test_a_curve_takes_the_colour_around_it():
    assert svg([1, 2]).count('"currentColor"') == 2


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=400), st.integers(6, 80))
def test_thinning_keeps_ends_and_extremes(points, limit):
    few = thinned(points, limit)
    assert len(few) <= max(limit, 2)
    assert (few[0], few[-1], min(few), max(few)) == (points[0], points[-1], min(points), max(points))


@given(st.lists(st.floats(), min_size=1, max_size=3000))
def test_a_growing_curve_is_bounded_and_ends_with_the_newest_value(points):
    curve = Curve(limit=32)
    for value in points:
        curve.add(value)
    assert curve.count == len(points)
    assert len(curve.points) <= 40
    assert repr(curve.points[-1]) == repr(points[-1])
    assert repr(curve.points[0]) == repr(points[0])
    finite = [value for value in points if math.isfinite(value)]
    if finite:
        kept = [value for value in curve.points if math.isfinite(value)]
        assert (min(kept), max(kept)) == (min(finite), max(finite))


def test_a_growing_curve_keeps_an_even_pace():
    curve = Curve()
    for value in range(50_000):
        curve.add(value)
    steps = [after - before for before, after in zip(curve.points, curve.points[2:], strict=False)][2:-4]
    assert max(steps) <= 2.2 * (sum(steps) / len(steps))


def test_any_number_becomes_a_float():
    assert plain_float(10**400) == math.inf
    assert math.isnan(plain_float("many"))
