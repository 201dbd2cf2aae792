"""The page of a notebook's file: what no page can be made of is one line."""

from __future__ import annotations

import json
import os

import pytest
from executed_notebooks import failed

from nbproj.backends import page as module
from nbproj.backends.page import page_of
from nbproj.errors import RunError


def test_a_notebook_becomes_a_page_with_its_facts(tmp_path):
    path = tmp_path / "wine.ipynb"
    path.write_text(json.dumps(failed()))
    shown = page_of(path, {"run": "0123abcd"})
    assert "<title>wine.ipynb: failed</title>" in shown
    assert "<dt>run</dt><dd>0123abcd</dd>" in shown


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b"[]", "it is no notebook of format 4"),
        (b'{"worksheets": []}', "it is no notebook of format 4"),
        (b'{"cells": {}}', "it is no notebook of format 4"),
        (b"[" * 200_000, "recursion"),
        (b'{"\xff": 1}', "decode"),
        (b'{"cells": [{"cell_type": "code", "outputs": 5}]}', "'int' object is not iterable"),
    ],
)
def test_what_is_no_notebook_is_said_in_one_line(content, reason, tmp_path):
    path = tmp_path / "wine.ipynb"
    path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        page_of(path, {})
    assert str(caught.value).startswith("wine.ipynb cannot be shown as HTML: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_larger_than_any_notebook_is_not_read(tmp_path):
    with pytest.raises(RunError, match="No such file"):
        page_of(tmp_path / "wine.ipynb", {})
    with (tmp_path / "big.ipynb").open("wb") as stream:
        os.truncate(stream.fileno(), 3 * module._MOST_BYTES)
    with pytest.raises(RunError, match="it has 600 MB"):
        page_of(tmp_path / "big.ipynb", {})


def test_a_notebook_of_strange_cells_is_shown_as_far_as_it_is_one(tmp_path):
    path = tmp_path / "wine.ipynb"
    path.write_text(
        json.dumps({"cells": [1, None, {}, {"cell_type": "code", "source": {"a": 1}, "metadata": [], "outputs": ["x", None]}], "metadata": 3})
    )
    assert "2 cells" in page_of(path, {})
