"""Whether a file holds what was run: by time where the file was saved since, by source where it was not."""

from __future__ import annotations

import pytest

from nbproj.current.executions import Executions


@pytest.mark.parametrize(
    ("executed", "cells", "older"),
    [
        ([("a", "x = 1")], ["x = 1"], None),
        ([("a", "x = 1")], ["x = 2"], "x = 1"),
        ([("a", "x = 1")], ["x = 1  \n\n"], None),
        ([("a", "x = 1"), ("a", "x = 2")], ["x = 2"], None),
        ([(None, "x = 1"), (None, "x = 2")], ["x = 2"], "x = 1"),
        ([("a", "%mlrun -e train")], [], None),
        ([("a", "x = 3\nrun = %mlrun . -P a={x}\nrun.metrics")], [], None),
        ([("a", "%load_ext nbproj\n")], [], None),
        ([("a", "%load_ext nbproj\nx = 1")], ["x = 1"], None),
        ([("a", "%load_ext nbproj\nx = 1")], [], "%load_ext nbproj\nx = 1"),
        ([("a", "  \n")], [], None),
    ],
)
def test_a_cell_that_was_executed_since_must_be_in_the_file(executed, cells, older):
    seen = Executions()
    for cell, source in executed:
        seen.note(source, when=20.0, cell=cell)
    assert seen.unsaved(cells, saved=10.0) == older
    assert seen.unsaved(cells, saved=30.0) is None


def test_the_cells_are_not_read_when_the_file_is_newer():
    def cells():
        pytest.fail("read")
        yield ""

    seen = Executions()
    seen.note_all(["x = 1", "y = 1"], when=20.0)
    assert seen.unsaved(cells(), saved=21.0) is None
