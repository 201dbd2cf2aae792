"""Unchanged notebooks are not read again, and changed ones always are."""

import json
import os
import time

import pytest

from nbproj.errors import EntryPointError
from nbproj.project import content as remembered
from nbproj.project.content import content, is_executed, remembering
from nbproj.project.model import Place

PLACE = Place("a.ipynb")


def document(source, **metadata):
    cells = [{"cell_type": "code", "metadata": {}, "source": source, "outputs": []}]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Return a notebook that was written long enough ago, and a memory of its own."""
    monkeypatch.setattr(remembered, "_remembered", {})
    path = tmp_path / "a.ipynb"
    path.write_text(document("# parameters\na = 1"))
    time.sleep(0.15)
    return path


@pytest.fixture
def reads(monkeypatch):
    """Return the files that were really read."""
    seen = []
    really = remembered.read_document
    monkeypatch.setattr(remembered, "read_document", lambda path, place: seen.append(path.name) or really(path, place))
    return seen


def test_an_unchanged_notebook_is_read_once(notebook, reads):
    assert content(notebook, PLACE) is content(notebook, PLACE)
    assert is_executed(notebook) is False
    assert reads == ["a.ipynb"]


def test_a_notebook_without_declarations_is_remembered_without_its_cells(notebook):
    notebook.write_text(document("import math\nparameters = 1  # parameters"))
    assert content(notebook, PLACE).cells is None


def test_every_change_is_seen_also_of_the_same_length_and_with_its_time_set_back(notebook):
    before = notebook.stat()
    content(notebook, PLACE)
    notebook.write_text(document("# parameters\na = 2"))
    os.utime(notebook, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert content(notebook, PLACE).cells[0].source.endswith("a = 2")


def test_a_notebook_that_has_just_been_written_is_read_again(notebook, reads, monkeypatch):
    monkeypatch.setattr(remembered, "SETTLED", 60 * 10**9)  # a tenth of a second can go by between two lines
    notebook.write_text(document("# parameters\na = 2"))
    content(notebook, PLACE)
    content(notebook, PLACE)
    assert len(reads) == 2


def test_a_replaced_notebook_is_read_again(notebook, tmp_path):
    content(notebook, PLACE)
    other = tmp_path / "other"
    other.write_text(document("# parameters\na = 3"))
    other.replace(notebook)
    assert content(notebook, PLACE).cells[0].source.endswith("a = 3")


def test_a_refusal_is_remembered_with_its_place_by_the_readers_name(notebook, reads):
    notebook.write_text('{\n  "nbformat": 4,\n')
    time.sleep(0.15)
    for name in ("a.ipynb", "sub/a.ipynb"):
        with pytest.raises(EntryPointError, match=f"^{name}:3:1: is not a notebook: not JSON"):
            content(notebook, Place(name))
    assert len(reads) == 1


def test_a_notebook_that_is_gone_is_not_remembered(notebook):
    content(notebook, PLACE)
    notebook.unlink()
    with pytest.raises(EntryPointError, match="there is no such notebook"):
        content(notebook, PLACE)


def test_a_later_process_knows_what_an_earlier_one_read(notebook, reads, tmp_path):
    broken = tmp_path / "b.ipynb"
    broken.write_text("{")
    time.sleep(0.15)
    with remembering(tmp_path / "cache"):
        first = content(notebook, PLACE)
        with pytest.raises(EntryPointError) as refused:
            content(broken, Place("b.ipynb"))
    remembered._remembered.clear()
    with remembering(tmp_path / "cache"):
        assert content(notebook, PLACE) == first
        with pytest.raises(EntryPointError) as again:
            content(broken, Place("b.ipynb"))
    assert str(again.value) == str(refused.value)
    assert len(reads) == 2
    assert (tmp_path / "cache/notebooks.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "1", '{"version": 1}', '{"version": 1, "files": {"x": 3}}', '{"version": 1, "files": {"x": [[1], [2]]}}', "\xff"]
)
def test_a_damaged_memory_is_none(notebook, tmp_path, text):
    (tmp_path / "notebooks.json").write_bytes(text.encode("latin-1"))
    with remembering(tmp_path):
        assert content(notebook, PLACE).cells is not None
    assert str(notebook) in (tmp_path / "notebooks.json").read_text()


def test_a_folder_that_cannot_be_written_is_done_without(notebook, tmp_path):
    (tmp_path / "file").write_text("")
    with remembering(tmp_path / "file"):
        assert content(notebook, PLACE).cells is not None


def test_what_papermill_wrote_is_executed(notebook):
    notebook.write_text(document("x", papermill={}))
    assert is_executed(notebook)
