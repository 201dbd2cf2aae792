"""Texts in the columns of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nbproj.display.columns import clip, columns, pad, printable, wrap


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("\u6f22\u5b57", 4), ("\uff21", 2), ("e\u0301", 1), ("\U0001f600", 2), ("\u2713", 1), ("\u00fc", 1)]
)
def test_wide_characters_take_two_columns_and_combining_ones_none(text, width):
    assert columns(text) == width


@given(some.text(), some.integers(0, 40))
def test_a_clipped_text_fits_and_is_its_own_beginning(text, width):
    cut = clip(text, width)
    assert columns(cut) <= max(width, 0)
    assert cut == text or text.startswith(cut.rstrip("."))


@given(some.text())
def test_a_printable_text_moves_no_cursor_and_can_be_encoded(text):
    assert printable(text).isprintable()
    printable(text).encode()


def test_a_printable_text_keeps_what_can_be_copied():
    assert printable("a  b\u00e9\u6f22") == "a  b\u00e9\u6f22"
    assert printable("\x1b]0;title\x07\u202e\x9b\udcff\r\n\t") == r"\x1b]0;title\x07\u202e\x9b\udcff\r\n\t"


@given(some.lists(some.text(some.characters(categories=("L", "M", "N", "P", "S")), min_size=1), min_size=1), some.integers(5, 60))
def test_wrapped_lines_hold_every_word_in_order_and_break_where_they_must(words, width):
    lines = wrap(" ".join(words), width, first="> ", rest="  ")
    assert lines[0].startswith(">")
    assert [word for line in lines for word in line[2:].split(" ")] == words
    for line in lines:
        assert columns(line) <= width or " " not in line[2:].strip()


def test_a_long_word_stays_whole():
    assert wrap("see /a/very/long/path/indeed now", 10, rest="  ") == ["see", "  /a/very/long/path/indeed", "  now"]


def test_padding_counts_columns():
    assert pad("\u6f22", 4) == "\u6f22  "
    assert pad("long", 2) == "long"
