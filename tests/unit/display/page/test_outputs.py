"""The outputs of a cell: the richest form that needs no script, bounded with a note."""

from __future__ import annotations

import base64

import pytest
from executed_notebooks import DRAWING, PAYLOADS, TABLE, picture, printed, raised

from nbproj.display.page.outputs import PAGE_CHARACTERS, TEXT_CHARACTERS, Room, outputs_html
from nbproj.display.page.patience import Patience


def shown(*outputs: object, room: Room | None = None) -> str:
    """Return outputs as HTML; a mapping of types is a display."""
    return outputs_html([one if "output_type" in one else {"output_type": "display_data", "data": one} for one in outputs], room or Room())


def test_the_richest_form_that_can_be_shown_is_shown():
    plain = {"text/plain": "plain"}
    assert shown({"text/html": TABLE, **plain}).startswith('<div class="html" tabindex="0"><div><table')
    assert shown({"image/png": picture(), **plain}) == f'<img src="data:image/png;base64,{picture()}" alt="plain">'
    assert shown({"text/markdown": ["**a", "**"], **plain}) == '<div class="prose"><p><strong>a</strong></p>\n</div>'
    assert shown({"text/latex": "$x^2$", **plain}) == '<pre class="plain" tabindex="0">$x^2$</pre>'
    assert shown({"application/json": {"a": [1]}}) == '<pre class="plain" tabindex="0">{\n  &quot;a&quot;: [\n    1\n  ]\n}</pre>'
    assert shown(plain) == '<pre class="plain" tabindex="0">plain</pre>'
    assert shown({}, {"text/plain": ""}, {"output_type": "unknown"}) == ""


def test_html_that_only_a_script_would_fill_gives_way_to_what_needs_none():
    html = "<div id=chart></div><script>draw()</script>"
    assert shown({"text/html": html, "image/png": picture()}).startswith("<img ")
    told = shown({"text/html": html, "text/plain": "Chart()"})
    assert (
        told == '<p class="note">This output needs a script (script), which this page does not have.</p><pre class="plain" tabindex="0">Chart()</pre>'
    )
    assert "(plotly)" in shown({"application/vnd.plotly.v1+json": {}, "text/plain": "Figure"})
    widget = shown({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider(value=1)"})
    assert "(widget)" in widget
    assert "IntSlider" in widget


def test_what_a_viewer_falls_back_to_is_not_told():
    assert "IPython" not in shown({"application/javascript": "alert(1)", "text/plain": "<IPython.core.display.Javascript object>"})


def test_a_drawing_is_a_picture_whose_scripts_no_browser_runs():
    found = shown({"image/svg+xml": DRAWING.replace("</svg>", "<script>window.pwned=1</script></svg>"), "text/plain": "a <drawing>"})
    assert found.startswith('<img src="data:image/svg+xml;base64,')
    assert found.endswith('alt="a &lt;drawing&gt;">')


def test_a_picture_that_is_none_is_left_out():
    assert shown({"image/png": '"><script>', "text/plain": "plot"}) == '<pre class="plain" tabindex="0">plot</pre>'
    assert shown({"image/png": 5, "image/jpeg": picture()}).startswith('<img src="data:image/jpeg')


@pytest.mark.parametrize("payload", PAYLOADS)
def test_texts_are_text(payload):
    told = shown(printed(payload), printed(payload, payload), raised(payload, payload), raised("", "", payload), {"text/plain": payload})
    assert told.count("<pre") == 5
    assert "<b " not in told
    assert "<script" not in told
    assert "<img" not in told
    told.encode()


def test_an_error_without_a_traceback_is_named():
    assert shown(raised("ValueError", "x < 1")) == '<pre class="error" tabindex="0">ValueError: x &lt; 1</pre>'


def test_a_text_beyond_the_bound_shows_its_beginning_and_its_end():
    told = shown(printed("begin" + "x" * 3_000_000 + "end"))
    assert len(told) < TEXT_CHARACTERS + 1000
    assert "begin" in told
    assert told.endswith("xend</pre>")
    assert "2.8 MB of text are left out here; the executed notebook has them." in told


def test_what_does_not_fit_is_left_out_with_a_note():
    big = base64.b64encode(bytes(9_000_000)).decode()
    assert shown({"image/png": big}) == '<p class="note">An output of 9.0 MB is left out; the executed notebook has it.</p>'
    told = shown({"text/html": f"<p>{'x' * 3_000_000}</p>", "text/plain": "a frame"})
    assert "An output of 3.0 MB is left out" in told
    assert "a frame" in told


def test_all_outputs_together_have_a_bound():
    room = Room()
    text = "x" * 150_000
    total = sum(len(shown(printed(text), room=room)) for _ in range(400))
    assert total < PAGE_CHARACTERS + 400 * 200
    assert "is left out" in shown(printed(text), room=room)


def test_when_there_is_no_patience_left_html_gives_way_to_plain_text_and_markdown_to_its_source():
    late = Room(patience=Patience(0))
    assert "a frame" in shown({"text/html": TABLE, "text/plain": "a frame"}, room=late)
    assert shown({"text/markdown": "**<b>**"}, room=late) == '<pre class="raw" tabindex="0">**&lt;b&gt;**</pre>'
