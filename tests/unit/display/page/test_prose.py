"""Markdown, code and printed text, as a page shows them."""

from __future__ import annotations

import re
import time

import pytest
from executed_notebooks import MARKUP, picture

from nbproj.display.page.patience import Patience, TangledError
from nbproj.display.page.prose import code_html, printed_html, prose_html


def text(html: str) -> str:
    """Return what a reader sees of the content of a `pre`."""
    import html as entities

    return entities.unescape(re.sub(r"<[^>]*>", "", html))


def test_markdown_is_what_its_readers_know():
    shown = prose_html("# A\n\n*b* **c** `d` ~~e~~\n\n| f | g |\n|---|---|\n| 1 | 2 |\n\n1. h\n\n> i\n\n```python\nj = 1\n```\n\n$k_1$ <sub>l</sub>")
    for expected in (
        "<h1>A</h1>",
        "<em>b</em>",
        "<code>d</code>",
        "<s>e</s>",
        "<td>2</td>",
        "<ol>",
        "<blockquote>",
        "j = 1",
        "$k_1$",
        "<sub>l</sub>",
    ):
        assert expected in shown


@pytest.mark.parametrize("payload", MARKUP)
def test_nothing_in_markdown_runs_or_loads(payload):
    shown = prose_html(
        f"{payload}\n\n# {payload}\n\n[x]({payload}) ![x](https://example.org/a.png)\n\n[y]: {payload}\n\n- {payload}\n\n    {payload}"
    )
    for tag in re.findall(r"<[^>]*>", shown):
        assert not re.search(r"<(script|style|iframe|link|meta|base|form|input|object|video)|\son\w+=|javascript:|\sid=|url\(", tag)
        assert "src=" not in tag or 'src="data:image/' in tag


def test_a_picture_that_the_cell_brings_along_is_shown():
    held = {"a plot.png": {"image/png": picture()}}
    assert f'<img src="data:image/png;base64,{picture()}" alt="plot">' in prose_html("![plot](attachment:a%20plot.png)", held)
    assert "[picture: plot]" in prose_html("![plot](attachment:other.png)", held)


@pytest.mark.parametrize("piece", ["<!--", "[", "![", "*a ", "`", "> ", "|a", "&#"])
def test_markdown_that_is_tangled_on_purpose_costs_no_more_than_the_patience_there_is(piece):
    begin = time.monotonic()
    try:
        assert prose_html(piece * (150_000 // len(piece)), patience=Patience(0.2))
    except TangledError as error:
        assert "too long" in str(error)  # noqa: PT017 - some are through in time, on some machines
    assert time.monotonic() - begin < 30


def test_the_words_of_code_are_marked_and_its_text_stays_the_same():
    source = "\n\ndef f(x: int) -> str:  # <why>\n    return f'{x}' + \"&\"\n\n"
    shown = code_html(source, "python")
    assert '<span class="k">def</span>' in shown
    assert text(shown) == source
    assert text(code_html("x <- c(1, 2)\n", "r")) == "x <- c(1, 2)\n"


@pytest.mark.parametrize("language", ["no such language", "<b>", "c++", ""])
def test_code_in_a_language_that_is_not_known_is_shown_as_it_is(language):
    assert code_html("<b>\n", language) == "&lt;b&gt;\n"


def test_code_that_is_too_long_or_too_late_to_be_marked_is_shown_as_it_is():
    assert code_html("x = 1\n" * 10_000, "python") == "x = 1\n" * 10_000
    assert code_html("def", "python", Patience(0)) == "def"


def test_code_shows_what_would_turn_or_hide_it():
    assert text(code_html("a = '\u202e' # \x1b\0", "python")).rstrip() == "a = '\ufffd' # \ufffd\ufffd"


def test_printed_text_is_what_a_terminal_shows():
    assert printed_html("a < b\n") == "a &lt; b\n"
    assert text(printed_html("10 %\r20 %\n\x1b[1mbold\x1b[0m\x1b]8;;https://example.org/\x07link\x1b]8;;\x07")) == "20 %\nboldlink"


def test_a_colour_reads_on_light_and_dark_and_one_with_a_background_is_left_alone():
    assert re.search(r'style="color:light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\);font-weight:bold"', printed_html("\x1b[1;31mred"))
    assert "light-dark" not in printed_html("\x1b[31;43mred on yellow")


def test_when_there_is_no_patience_left_printed_text_has_no_colours():
    assert printed_html("10 %\r\x1b[1;31m<red>\x1b[0m", Patience(0)) == "10 %\n&lt;red&gt;"
