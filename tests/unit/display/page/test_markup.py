"""Foreign HTML: what is left of it can neither run, load, hide nor reach out of its place."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from executed_notebooks import MARKUP, TABLE, picture
from hypothesis import given
from hypothesis import strategies as st

from nbproj.display.page.markup import sanitise
from nbproj.display.page.patience import Patience, TangledError

SILENT = {"script", "style", "iframe", "object", "embed", "link", "meta", "base", "form", "input", "button", "video", "audio", "math", "template"}


class Reader(HTMLParser):
    """Reads what is left, and complains of what should not be there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == [], html

    def handle_starttag(self, tag, attrs):
        assert tag not in SILENT
        self.tags.append(tag)
        if tag not in {"br", "col", "hr", "img", "wbr"}:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert name not in {
                "id",
                "class",
                "target",
                "srcset",
                "srcdoc",
                "action",
                "formaction",
                "xlink:href",
                "background",
                "poster",
                "name",
            } or ((tag, name, value) == ("span", "class", "absent"))
            if name == "src":
                assert value.startswith("data:image/")
            if name == "href":
                assert value.startswith(("http://", "https://", "mailto:", "#cell-"))
            if name == "style":
                assert "url" not in value
                assert not {"position", "z-index", "display", "content", "behavior"} & {part.partition(":")[0] for part in value.split(";")}

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("html", MARKUP)
def test_nothing_that_runs_loads_or_hides_is_left(html):
    Reader(sanitise(html).markup)


PIECES = [
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    '"',
    "'",
    "=",
    "&lt;",
    "&#60;",
    "\0",
    " ",
    "x",
    "onclick",
    "style",
    "href",
    "src",
]
PIECES += [
    "script",
    "svg",
    "math",
    "table",
    "td",
    "p",
    "b",
    "a",
    "img",
    "title",
    "style",
    "textarea",
    "javascript:",
    "https://e.org",
    "data:image/png;base64,",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_whatever_it_is_made_of_what_is_left_is_whole_and_harmless(html):
    left = sanitise(html).markup
    Reader(left)
    assert sanitise(left).markup == left


def test_what_a_reader_came_for_is_left():
    left = sanitise(TABLE)
    read = Reader(left.markup)
    assert read.tags.count("th") == 4
    assert "58.8" in read.text
    assert "vertical-align" not in read.text
    assert not left.is_empty
    assert not left.is_coloured
    formatted = '<p>see <a href="https://example.org/">here</a><br>H<sub>2</sub>O</p>'
    assert sanitise(formatted).markup == '<p>see <a rel="noreferrer" href="https://example.org/">here</a><br>H<sub>2</sub>O</p>'


def test_what_holds_nothing_to_see_says_so():
    for html in ("", "<div id='plot'></div><script>draw()</script>", "<style>a{}</style>  <p>\n</p>"):
        assert sanitise(html).is_empty
    for html in ("x", "<svg><rect/></svg>", "<img src=x>"):
        assert not sanitise(html).is_empty


def test_html_that_brings_its_colours_says_so_because_it_was_made_for_white():
    assert sanitise("<td style='background-color: #ff0'>1</td>").is_coloured
    assert not sanitise("<td style='text-align: right'>1</td>").is_coloured


def test_a_picture_that_lies_elsewhere_is_named_and_one_that_is_here_is_shown():
    assert sanitise("<img src='a.png' alt='a <chart>'>").markup == '<span class="absent">[picture: a &lt;chart&gt;]</span>'
    assert sanitise("<img src='https://example.org/a.png'>").markup == '<span class="absent">[picture: https://example.org/a.png]</span>'
    here = f"data:image/png;base64,{picture()}"
    assert sanitise(f"<img src='{here}' width=20 onload=x()>").markup == f'<img src="{here}" alt="" width="20">'
    assert "not shown" in sanitise("<img src='data:text/html;base64,PHNjcmlwdD4='>").markup


def test_what_is_nested_deeper_than_anybody_writes_keeps_its_text():
    left = sanitise("<div>" * 50_000 + "text" + "</div>" * 50_000).markup
    assert "text" in left
    assert left.count("<div>") < 300


@pytest.mark.parametrize("piece", ["<a ", "</", "<!--", "<?", "<![CDATA[", "<a a='", "<x", "<script>"])
def test_a_text_that_is_tangled_on_purpose_costs_no_more_than_the_patience_there_is(piece):
    begin = time.monotonic()
    try:
        Reader(sanitise(piece * (1_000_000 // len(piece)), Patience(0.2)).markup)
    except TangledError as error:
        assert "too long" in str(error)  # noqa: PT017 - a newer Python is through with it in time
    assert time.monotonic() - begin < 30
