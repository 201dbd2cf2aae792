"""The page of an executed notebook: a golden file, the index, the failing cell. `WRITE_GOLDEN=1` writes the file anew."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from executed_notebooks import MARKUP, code, failed, hostile, prose

from nbproj.display.page.notebook import has_failed, notebook_page

GOLDEN = Path(__file__).parent / "golden" / "failed.html"


class Reader(HTMLParser):
    """Reads a page: its elements, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements with a tag."""
        return [attributes for name, attributes in self.elements if name == tag]


def page(*cells: dict, **about: object) -> str:
    """Return the page of a notebook that nbproj has executed."""
    document = {"cells": list(cells), "metadata": {"nbproj": {"cells": len(cells), **about}, "papermill": {}}}
    return notebook_page(document, name="nb.ipynb")


def test_a_failed_notebook_is_shown_as_in_the_golden_file():
    shown = notebook_page(failed(), name="wine.ipynb", facts={"run": "0123456789abcdef", "commit": "4a74a11ce9"})
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(shown, encoding="utf-8")
    assert shown == GOLDEN.read_text(encoding="utf-8")


def test_the_failing_cell_is_named_at_the_top_in_the_index_and_where_it_stands():
    shown = notebook_page(failed(), name="wine.ipynb")
    assert "<title>wine.ipynb: failed</title>" in shown
    assert '<p class="verdict failed">Failed in <a href="#cell-7">cell 7</a>: KeyError: &#x27;wine&#x27;</p>' in shown
    assert '<li class="failed"><a href="#cell-7">' in shown
    assert '<section id="cell-7" class="cell code failed" aria-label="cell 7, failed">' in shown
    assert "9 cells, 1 failed, 1 not run" in shown


def test_what_did_not_run_and_what_was_no_part_of_the_run_is_told_apart():
    shown = notebook_page(failed(), name="wine.ipynb")
    assert 'aria-label="cell 8, not run"' in shown
    assert 'aria-label="cell 5, not part of this run"' in shown


def test_cells_are_numbered_as_the_author_sees_them_and_the_cell_of_values_has_no_number():
    read = Reader(notebook_page(failed(), name="wine.ipynb"))
    anchors = [one["id"] for one in read.of("section")]
    assert anchors == ["cell-1", "cell-2", "parameters-2", "cell-3", "cell-4", "cell-5", "cell-6", "cell-7", "cell-8", "cell-9"]
    inner = [one["href"][1:] for one in read.of("a") if one["href"].startswith("#")]
    assert set(anchors) <= set(inner)
    assert set(inner) <= set(anchors)


def test_a_cell_that_papermill_injected_in_the_authors_own_file_counts():
    authors = {"cell_type": "code", "metadata": {"tags": ["injected-parameters"]}, "source": "alpha = 1"}
    assert 'id="cell-1"' in page(authors, code("1"))


def test_a_notebook_that_finished_says_so_and_one_that_was_never_run_says_nothing():
    assert '<p class="verdict completed">Completed</p>' in page(code("1"), status="completed", exit_code=0)
    bare = notebook_page({"cells": [{"cell_type": "code", "source": "1", "outputs": []}], "metadata": {}}, name="nb.ipynb")
    assert "verdict" not in bare.partition("</style>")[2]
    assert "not run" not in bare.partition("</style>")[2]


def test_a_notebook_that_still_runs_says_where():
    shown = page(code("1"), code("2", status="running"), code("3", status="pending"))
    assert 'aria-label="cell 2, running"' in shown
    assert "verdict" not in shown.partition("</style>")[2]


def test_a_failure_in_no_cell_is_told_with_its_reason():
    shown = page(code("1", status="pending"), status="failed", exit_code=1, reason="the kernel died before the first cell: exit code 3")
    assert '<p class="verdict failed">Failed: the kernel died before the first cell: exit code 3</p>' in shown


def test_papermills_own_notebooks_are_understood():
    document = {"cells": [code("1 / 0", status="failed")], "metadata": {"papermill": {"exception": True}}}
    assert has_failed(document)
    assert "verdict failed" in notebook_page(document, name="nb.ipynb")
    assert not has_failed({"metadata": {"papermill": {"exception": None}}})


@pytest.mark.parametrize("payload", MARKUP)
def test_whatever_a_notebook_holds_nothing_runs_loads_or_breaks_out(payload):
    shown = notebook_page(hostile(payload), name=payload, facts={payload: payload})
    shown.encode()
    read = Reader(shown)
    tags = [tag for tag, _attributes in read.elements]
    assert not {"script", "iframe", "link", "base", "form", "input", "object", "embed", "video", "audio", "math"} & set(tags)
    assert (tags.count("style"), tags.count("section"), tags.count("main"), tags.count("nav")) == (1, 5, 1, 1)
    assert [one.get("http-equiv") for one in read.of("meta") if "http-equiv" in one] == ["Content-Security-Policy"]
    for tag, attributes in read.elements:
        assert not any(name.startswith("on") for name in attributes)
        assert str(attributes.get("src", "data:image/")).startswith("data:image/")
        assert re.match(r"#cell-|#parameters-|https?:", str(attributes.get("href", "#cell-")))
        assert tag == "meta" or "url(" not in str(attributes.get("style", ""))


def test_the_page_asks_a_browser_to_load_and_run_nothing():
    policy = next(one["content"] for one in Reader(page(code("1"))).of("meta") if one.get("http-equiv"))
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def test_cells_that_are_larger_than_a_page_are_cut_with_a_note():
    shown = page(code("x = 1\n" * 100_000), prose("word " * 100_000))
    assert shown.count("The rest of this cell is left out") == 2
    assert len(shown) < 1_000_000
