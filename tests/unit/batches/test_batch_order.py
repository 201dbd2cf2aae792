"""The order of a batch: what is refused, and its way to another process."""

from __future__ import annotations

import dataclasses
import json

import pytest

from nbproj.batches.order import BatchOrder
from nbproj.batches.space import Space
from nbproj.errors import UsageError
from nbproj.options import batch_from_options
from nbproj.order import Order

SPACE = Space.of([("alpha", "linspace(0, 1, 3)"), ("seed", range(2)), ("token", "hunter22")])


def test_an_order_reaches_another_process_as_it_was_given(tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("size\n1\n2\n")
    space = Space.of([("alpha", [0.5, "1"])], rows=rows, seed=7, base=tmp_path)
    asked = BatchOrder(Order("project", "train", timeout=5.0), space, workers=3, retries=1, name="x", metric="rmse", direction="maximize", keep=True)
    again = BatchOrder.from_document(json.loads(json.dumps(asked.to_document())))
    assert [again.space.point(index) for index in range(again.space.size)] == [space.point(index) for index in range(space.size)]
    assert dataclasses.replace(again, space=space, order=asked.order) == asked
    assert (again.order.uri, again.order.timeout) == ("project", 5.0)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"workers": 0}, "workers must be a whole number, at least 1, not 0"),
        ({"workers": True}, "workers must be a whole number"),
        ({"workers": 1.5}, "workers must be a whole number"),
        ({"retries": -1}, "retries must be a whole number, at least 0"),
        ({"max_failures": 0}, "max_failures must be a whole number, at least 1"),
        ({"on_error": "halt"}, "on_error must be continue or stop, not 'halt'"),
        ({"direction": "minimise"}, "Did you mean 'minimize'?"),
        ({"kernel_start": "thread"}, "kernel_start must be auto or fork or spawn"),
        ({"on_error": "stop", "max_failures": 2}, "contradict each other"),
        ({"fresh": True, "keep": True}, "choose one of them"),
        ({"name": ""}, "name must be a text"),
        ({"name": "a\nb"}, "name must be a text"),
        ({"name": "x" * 101}, "1 to 100 printable"),
    ],
)
def test_what_is_wrong_is_one_line(wrong, told):
    with pytest.raises(UsageError) as refused:
        BatchOrder(Order("project"), SPACE, **wrong).check()
    assert told in str(refused.value)


def test_no_document_is_no_order():
    for document in ({}, {"batch": {}}, {"order": {}, "space": {}, "batch": {}}, {"order": {"uri": "p"}, "space": {"axes": 1}, "batch": {}}):
        with pytest.raises(ValueError, match="no order"):
            BatchOrder.from_document(document)


@pytest.mark.parametrize("option", ["trials", "sampler", "pruner"])
def test_searching_for_points_is_not_there_yet_and_said_so(option):
    options = {"trials": None, "sampler": None, "pruner": None} | {option: "5"}
    with pytest.raises(UsageError, match=f"--{option} is not there yet"):
        batch_from_options(options, [])
