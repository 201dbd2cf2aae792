"""A space: its size, its points in order, what it says of itself, what it refuses, and its form in the record."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.batches.space import Space
from nbproj.errors import ParameterError
from nbproj.project.model import EntryPoint, Parameter

TRAIN = EntryPoint(
    "train",
    [
        Parameter("alpha", "float", min=0),
        Parameter("seed", "int", default=0),
        Parameter("model", default="ridge"),
        Parameter("layers", "list", default=[]),
        Parameter("token", secret=True, optional=True),
        Parameter("data", "path", default=None, optional=True),
    ],
)
NAMES = ("alpha", "seed", "model")
VALUES = st.lists(st.integers(0, 1000), min_size=1, max_size=6, unique=True)


def points(space, entry_point=TRAIN):
    return [dict(point.parameters) for point in space.points(entry_point)]


def refused(*assignments, **options):
    with pytest.raises(ParameterError) as caught:
        points(Space.of(assignments, **options))
    message = str(caught.value)
    assert "\n" not in message
    return message


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1).filter(lambda given: "alpha" in given))
def test_the_points_are_every_combination_once_the_last_axis_fastest(given_values):
    space = Space.of(list(given_values.items()))
    found = points(space)
    assert space.size == len(found) == math.prod(map(len, given_values.values()))
    assert len({tuple(one.items()) for one in found}) == len(found)
    assert [one["alpha"] for one in found] == sorted((one["alpha"] for one in found), key=given_values["alpha"].index) or len(given_values) > 1
    last = list(given_values)[-1]
    assert [one[last] for one in found[: len(given_values[last])]] == given_values[last]
    assert [point.index for point in space.points(TRAIN)] == list(range(space.size))


@given(VALUES, VALUES, st.integers(0, 9))
def test_a_space_survives_its_record(alphas, seeds, seed):
    space = Space.of([("alpha", alphas), ("seed", "range(4)"), ("seed", [one + 10 for one in seeds]), ("model", "uniform(0, 1, 3)")], seed=seed)
    again = Space.from_document(json.loads(json.dumps(space.to_document(()))))
    assert points(again) == points(space)
    assert again.describe() == space.describe()


def test_no_secret_is_in_the_record_or_the_description():
    space = Space.of([("alpha", "1"), ("token", "s3cret"), ("seed", "range(2)")])
    assert "s3cret" not in json.dumps(space.to_document({"token"})) + space.describe()
    assert points(space)[0]["token"] == "s3cret"


def test_a_form_is_kept_as_it_was_written():
    document = Space.of([("seed", "range(1000000)")]).to_document(())
    assert len(json.dumps(document)) < 300


def test_a_record_that_is_none_is_refused():
    for document in ({}, {"axes": 3, "rows": None, "seed": 0, "base": "."}, {"axes": [{"name": "a", "segments": [{"form": "x"}]}], "seed": 0}):
        with pytest.raises(ParameterError, match="no space"):
            Space.from_document(document)


def test_the_size_is_said():
    assert Space.of([("alpha", "logspace(-4, 0, 10)"), ("seed", "range(20)")]).describe() == "alpha: 10 values x seed: 20 values = 200 runs"
    assert Space.of([("alpha", "1")]).describe() == "1 run"
    assert Space.of([("alpha", "range(100000)"), ("seed", "range(100000)")]).size == 10**10


def test_a_text_stays_as_it_was_typed_and_an_object_as_it_is():
    assert points(Space.of([("alpha", "1e-3"), ("alpha", 0.5), ("seed", "1_000")])) == [
        {"alpha": "1e-3", "seed": "1_000"},
        {"alpha": 0.5, "seed": "1_000"},
    ]


def test_lists_ranges_arrays_columns_and_generators_are_values_of_an_axis():
    for given_values in ([0, 1, 2], (0, 1, 2), range(3), np.arange(3), pd.Series([0, 1, 2]), (one for one in range(3)), pd.Index([0, 1, 2])):
        assert [one["seed"] for one in points(Space.of([("alpha", 1), ("seed", given_values)]))] == [0, 1, 2]
    for single in (np.float64(2), np.array(2.0), 2):
        assert points(Space.of([("alpha", single)])) == [{"alpha": 2}]


def test_the_element_of_a_list_is_a_value_even_if_it_looks_like_a_form():
    assert points(Space.of([("alpha", 1), ("model", ["range(3)"])]))[0]["model"] == "range(3)"
    assert points(Space.of([("alpha", 1), ("layers", [[1, 2], [3]])]))[1]["layers"] == [3]


def test_a_text_that_only_begins_like_a_form_is_a_text_where_texts_are_declared():
    assert points(Space.of([("alpha", 1), ("model", "normal(ly it is fine)")]))[0]["model"] == "normal(ly it is fine)"


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        ([("alpha", "high")], "parameter 'alpha': 'high' is not a float"),
        ([("alpha", ["1", "-1", "x"])], "-1.0 is less than 0; parameter 'alpha': 'x' is not a float"),
        ([("alpha", "1"), ("seed", "linspace(0, 1, 3)")], "parameter 'seed': 0.5 is not an int"),
        ([("seed", "range(3)")], "1 parameter of 'train' is missing: alpha"),
        ([("aplha", "range(3)")], "'aplha' is not declared by 'train'. Did you mean 'alpha'? 1 parameter"),
        ([("alpha", "lispace(0, 1, 3)")], "is not a float. Did you mean 'linspace'?"),
        ([("alpha", "linspace(0, 1)")], "parameter 'alpha': linspace takes three numbers"),
        ([("alpha", "[0.1, 0.2]")], "Several values are written choice(0.1, 0.2)"),
        ([("alpha", 1), ("layers", [1, 2])], "one list as a value is written [[1, 2]]"),
        ([("alpha", "range(5, 5)")], "parameter 'alpha' takes no value (range(5, 5)): there is nothing to run"),
        ([("alpha", "range(10000)"), ("seed", "range(10000)")], "= 100000000 runs: more than 1,000,000 are no batch"),
        ([("alpha", [])], "parameter 'alpha' takes no value: there is nothing to run"),
        ([("alpha", "0.1"), ("alpha", "0.10")], "parameter 'alpha' takes 0.1 twice"),
        ([("alpha", "linspace(1, 1, 2)")], "parameter 'alpha' takes 1.0 twice"),
        ([("alpha", 1), ("token", ["a", "b"])], "parameter 'token' is a secret, and the same for all runs of a batch: set TOKEN"),
        ([("al pha", "1")], "parameter 'al pha': a name may hold"),
        ([("alpha", {1, 2})], "a set has no order: write a list"),
        ([("alpha", np.zeros((2, 2)))], "of 2 dimensions is no list of values"),
        ([("alpha", "choice(a, b, c, d, e, f, g)")], "and 2 more"),
        ([("alpha", 1), ("data", "gone.csv")], "parameter 'data': 'gone.csv' does not exist"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_the_parameter(assignments, message):
    assert message in refused(*assignments)


def test_a_wrong_secret_is_not_told():
    entry_point = EntryPoint("main", [Parameter("pin", "int", secret=True)])
    with pytest.raises(ParameterError) as caught:
        points(Space.of([("pin", "s3cret")]), entry_point)
    assert "s3cret" not in str(caught.value)


def test_a_value_is_looked_at_once_however_many_points_it_is_part_of():
    space = Space.of([("alpha", "linspace(0, 1, 300)"), ("seed", "range(300)"), ("model", "choice(a, b, c)")])
    assert next(space.points(TRAIN)).index == 0
    assert space.size == 270_000


def test_rows_times_axes_and_each_path_starts_from_where_it_is_written(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("sub/a.csv", "sub/b.csv"):
        (tmp_path / name).write_text(name)
    (tmp_path / "sub/rows.csv").write_text("alpha,data\n0.1,a.csv\n0.2,b.csv\n")
    space = Space.of([("seed", "range(3)")], rows=Path("sub/rows.csv"), base=tmp_path)
    assert space.describe() == "rows.csv: 2 rows x seed: 3 values = 6 runs"
    assert space.bases == {"alpha": tmp_path / "sub", "data": tmp_path / "sub"}
    assert points(space)[3] == {"alpha": "0.2", "data": "b.csv", "seed": 0}
    again = Space.from_document(json.loads(json.dumps(space.to_document(()))))
    assert (points(again), again.bases) == (points(space), space.bases)


def test_a_batch_of_nothing_but_defaults_is_one_run():
    assert points(Space.of([]), EntryPoint("main")) == [{}]
