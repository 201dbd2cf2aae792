"""The end of an output as a terminal shows it."""

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.display.colour import PLAIN, Style, css, render
from nbproj.display.line import Span
from nbproj.display.terminal import Screen, tail_of


def shown(*pieces: str) -> str:
    screen = Screen()
    for piece in pieces:
        screen.feed(piece)
    return screen.text()


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("a\nb\n", "a\nb"),
        ("a\r\nb\r\n", "a\nb"),
        ("10%\r20%\r100%\n", "100%"),
        ("longer\rab", "abnger"),
        ("longer\r\x1b[Kab", "ab"),
        ("abc\b\bX", "aXc"),
        ("a\t\tb\b\bc\x1b\x1b[31md", "a              cd"),
        ("a\tb\tc", "a       b       c"),
        ("abc\x1b[2Kd", "   d"),
        ("abcdef\x1b[3D\x1b[1Kx", "   xef"),
        ("one\ntwo\x1b[A\rONE\x1b[B\rTWO", "ONE\nTWO"),
        ("one\ntwo\nthree\x1b[2F\x1b[Jagain", "again"),
        ("one\ntwo\x1b[H\x1b[2Jthree", "three"),
        ("one\x1bctwo", "   two"),
        ("abcdef\x1b[3Gx", "abxdef"),
        ("abcdef\x1b[1;3Hx\x1b[2;2Hy", "abxdef\n y"),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("\x1b(Ba\x1b=b\x1b[?25lc\x1b[?25hd", "abcd"),
        ("\x1bP+q\x1b\\a\x1b_x\x1b\\b", "ab"),
        ("a\x00b\x07c\x0e\x9bd\x7f", "abcd"),
        ("a\x0bb\x0cc", "a\nb\nc"),
        ("漢字\rab", "ab字"),
        ("漢字\ra", "a 字"),
        ("漢字\b\bx", "漢x"),
        ("e\u0301tude", "e\u0301tude"),
        ("x" + "\u0301" * 100, "x" + "\u0301" * 4),
        ("a\ud800b\u202ec", "a\ufffdb\ufffdc"),
        ("\x1b", ""),
        ("\x1b[31", ""),
        ("\x1b\n[x", "\n[x"),
        ("\n\n\n", ""),
    ],
)
def test_output_is_shown_as_a_terminal_shows_it(output, text):
    assert shown(output) == text
    assert shown(*output) == text


def test_several_progress_bars_are_drawn_in_place():
    pieces = [f"\rfirst {share}%\n\rsecond {share // 2}%\x1b[A" for share in range(0, 101, 10)]
    assert shown(*pieces, "\n\n") == "first 100%\nsecond 50%"


def test_a_live_display_rewrites_its_block():
    frame = "\x1b[2Kworking {}\n\x1b[2Kdone {}\n"
    assert shown("start\n", *(("\x1b[1A\x1b[2K\x1b[1A" if n else "") + frame.format(n, n) for n in range(20))) == "start\nworking 19\ndone 19"


def test_only_the_last_lines_are_kept_and_shown():
    screen = Screen(rows=100)
    screen.feed("".join(f"line {number}\n" for number in range(1000)))
    assert screen.text(3) == "line 997\nline 998\nline 999"
    assert len(screen.tail(lines=10**6)) == 99


def test_a_long_line_is_cut_with_an_ellipsis():
    assert tail_of("x" * 1000, width=10) == [[Span("x" * 9), Span("\u2026")]]
    assert tail_of("x" * 1000, width=4000)[0][0].text.count("x") == 400 or len(shown("x" * 1000)) == 200


@given(
    st.lists(
        st.sampled_from(["a", "bc\n", "\r", "\r\r", "long text 1234567890", "\x1b[31m", "\x1b[0m", "\x1b[K", "é", "█", "\n", "x\n" * 30]),
        max_size=40,
    )
)
def test_skipping_what_scrolls_away_changes_nothing(pieces):
    whole, single = Screen(rows=12), Screen(rows=12)
    text = "".join(pieces)
    whole.feed(text)
    for character in text:
        single.feed(character)
    assert whole.tail() == single.tail()


@given(st.text(st.sampled_from("ab\r\n\b\t\x1b[];?0123456789mABCDHJKGdfM\x07\\漢\u0301\ud800"), max_size=200), st.integers(0, 200))
def test_any_sequences_split_anywhere_show_the_same_and_nothing_that_acts(text, where):
    whole = shown(text)
    assert shown(text[:where], text[where:]) == whole
    assert all(character == "\n" or character.isprintable() for character in whole)


@pytest.mark.parametrize(
    ("sequence", "look"),
    [
        ("\x1b[31m", Style(fg=1)),
        ("\x1b[1;4;92m", Style(fg=10, bold=True, underline=True)),
        ("\x1b[38;5;196m", Style(fg=(255, 0, 0))),
        ("\x1b[38;5;9m", Style(fg=9)),
        ("\x1b[48;5;240m", Style(bg=(88, 88, 88))),
        ("\x1b[38;2;1;2;3m", Style(fg=(1, 2, 3))),
        ("\x1b[38:2::1:2:3m", Style(fg=(1, 2, 3))),
        ("\x1b[38;2;999;2;3m", Style(fg=(255, 2, 3))),
        ("\x1b[31;1m\x1b[22;39m\x1b[3m", Style(italic=True)),
        ("\x1b[31m\x1b[0m\x1b[9m", Style(strike=True)),
        ("\x1b[41;7m", Style(bg=1, inverse=True)),
        ("\x1b[38;5m\x1b[38m\x1b[999m\x1b[2m", Style(dim=True)),
    ],
)
def test_colours_and_weights_are_understood(sequence, look):
    assert tail_of(f"{sequence}x\x1b[0my") == [[Span("x", look), Span("y", PLAIN)]]


def test_colours_become_inline_styles_and_markup_stays_text():
    screen = Screen()
    screen.feed("\x1b[1;31m<b>error</b>\x1b[0m & more")
    assert screen.html() == '<span style="color:#d93f4c;font-weight:bold">&lt;b&gt;error&lt;/b&gt;</span> &amp; more'


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@given(st.one_of(st.integers(0, 15), st.tuples(*[st.integers(0, 255)] * 3)))
def test_every_foreground_reads_on_light_and_dark_pages(colour):
    text = css(Style(fg=colour))
    if text:
        for page in ("#ffffff", "#111111", "#0d1117"):
            assert contrast(text.removeprefix("color:"), page) > 3.8


@given(
    st.one_of(st.none(), st.integers(0, 15), st.tuples(*[st.integers(0, 255)] * 3)),
    st.one_of(st.integers(0, 15), st.tuples(*[st.integers(0, 255)] * 3)),
    st.booleans(),
)
def test_every_foreground_reads_on_its_own_background(fg, bg, inverse):
    properties = dict(part.split(":") for part in css(Style(fg=fg, bg=bg, inverse=inverse)).split(";"))
    if "background" in properties:
        assert contrast(properties["color"], properties["background"]) >= 3


def test_a_sequence_with_many_parameters_is_read_in_bounded_time():
    assert render(PLAIN, "1;" * 100_000) == Style(bold=True)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([("x" * 99 + "\n") * 10_000] * 60, id="60 MB in lines"),
        pytest.param(["x" * 1_000_000] * 60, id="60 MB without a line's end"),
        pytest.param(["\rx"] * 5_000 + ["\rx" * 1_000_000], id="a million carriage returns"),
        pytest.param(["\x1b]0;" + "x" * 1_000_000] * 5, id="a title that does not end"),
        pytest.param(["\x1b[" + "0" * 1_000_000] * 5, id="a sequence that does not end"),
        pytest.param(["a" + "\u0301" * 200_000], id="marks without end"),
        pytest.param(["\x1b[9999B\x1b[9999C\x1b[9999;9999Hx"] * 2_000, id="jumps far away"),
        pytest.param(["\t" * 500_000, "\b" * 500_000], id="tabs and backspaces"),
    ],
)
def test_memory_stays_bounded_and_time_short(pieces):
    screen = Screen()
    begin = time.process_time()
    tracemalloc.start()
    try:
        for piece in pieces:
            screen.feed(piece)
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 3_000_000
    assert time.process_time() - begin < 30
    assert len(screen.text()) < 12 * 201


def test_plain_output_costs_little():
    piece = ("x" * 99 + "\n") * 10_000
    begin = time.process_time()
    screen = Screen()
    for _ in range(60):
        screen.feed(piece)
    assert 60 / (time.process_time() - begin) > 50
