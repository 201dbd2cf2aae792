"""Files of parameters: every kind gives the same rows, and what is wrong is told with the row and the line."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pytest

from nbproj.batches.space import Space
from nbproj.batches.table import read_table, table_of
from nbproj.errors import ParameterError
from nbproj.project.model import EntryPoint, Parameter

TRAIN = EntryPoint("train", [Parameter("alpha", "float"), Parameter("seed", "int", default=0), Parameter("note", optional=True)])
ROWS = [{"alpha": 0.1, "seed": 1}, {"alpha": 0.2, "seed": 2}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "alpha,seed\n0.1,1\n0.2,2\n"),
        ("rows.csv", "\ufeffalpha;seed\r\n0.1;1\r\n\r\n0.2;2\r\n"),
        ("rows.tsv", "alpha\tseed\n0.1\t1\n0.2\t2\n"),
        ("rows.json", json.dumps(ROWS)),
        ("rows.yaml", "- {alpha: 0.1, seed: 1}\n- alpha: 0.2\n  seed: 2\n"),
        ("ROWS.YML", "- {alpha: 0.1, seed: 1}\n- {alpha: 0.2, seed: 2}\n"),
    ],
)
def test_every_kind_of_file_gives_the_same_values(name, text, tmp_path):
    (tmp_path / name).write_text(text, newline="")
    table = read_table(tmp_path / name)
    assert table.columns == ("alpha", "seed")
    assert [(float(row["alpha"]), int(row["seed"])) for row in table.rows] == [(0.1, 1), (0.2, 2)]
    assert Space.of([], rows=tmp_path / name).size == 2


def test_a_data_frame_and_mappings_are_rows():
    for given in (pd.DataFrame(ROWS), ROWS, tuple(ROWS)):
        assert [dict(point.parameters) for point in Space.of([], rows=given).points(TRAIN)] == ROWS


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.csv", "", "r.csv is empty: its first line names the parameters"),
        ("r.csv", "alpha,seed\n", "r.csv has no rows: there is nothing to run"),
        ("r.csv", "alpha,alpha\n1,2\n", "r.csv:1: column 'alpha' stands twice"),
        ("r.csv", "alpha,seed\n0.1,1\n0.2\n", "r.csv, row 2 (line 3): 1 values for 2 columns (alpha, seed)"),
        (
            "r.csv",
            "alpha,seed\n0.1,1\nx,2.5\n",
            "r.csv, row 2 (line 3): column 'alpha': 'x' is not a float; r.csv, row 2 (line 3): column 'seed': '2.5'",
        ),
        ("r.csv", 'note,alpha\n"two\nlines",0.1\nb,x\n', "r.csv, row 2 (line 4): column 'alpha': 'x' is not a float"),
        ("r.csv", "seed\n1\n2\n", "1 parameter of 'train' is missing: alpha (float): add -P alpha=..., or a column to r.csv"),
        ("r.csv", "alpha,sed\n1,2\n", "r.csv, row 1 (line 2): column 'sed' is not declared by 'train'. Did you mean 'seed'?"),
        ("r.csv", "alpha,a b\n1,2\n", "r.csv, row 1 (line 2): column 'a b': a name may hold"),
        ("r.csv", "alpha\n1\n1.0\n", "r.csv, row 2 (line 3): is the same as r.csv, row 1 (line 2)"),
        ("r.csv", 'alpha\n"1\n', "r.csv, line 2: unexpected end of data"),
        ("r.json", "[1,", "r.json:1:4: Expecting value"),
        ("r.json", '{"alpha": 1}', "r.json: a list of rows is expected"),
        ("r.json", '[{"alpha": 1}, 3]', "r.json, row 2: 3 is no mapping of names to values"),
        ("r.json", '[{"alpha": 1, "seed": 1}, {"alpha": 2}]', "r.json, row 2: has no 'seed', which other rows have"),
        ("r.json", '[{"alpha": 1, "seed": 1}, {"seed": 2}]', "r.json, row 2: 1 parameter of 'train' is missing: alpha"),
        ("r.json", "[" * 100_000, "nested too deeply"),
        ("r.yaml", "- alpha: 0.1\n- alpha: [\n", "r.yaml:3"),
        ("r.yaml", "- alpha: 0.1\n- alpha: high\n", "r.yaml, row 2 (line 2): column 'alpha': 'high' is not a float"),
        ("r.txt", "alpha\n1\n", "is no file of parameters"),
        ("r.parquet", "alpha", "pyarrow"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(name, text, message, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # it may be installed
    (tmp_path / name).write_text(text)
    with pytest.raises(ParameterError) as caught:
        list(Space.of([], rows=tmp_path / name).points(TRAIN))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path):
    (tmp_path / "r.csv").write_bytes(b"alpha\n\xff\n")
    for name, message in (("gone.csv", "No such file"), ("r.csv", "not UTF-8")):
        with pytest.raises(ParameterError, match=message):
            read_table(tmp_path / name)


def test_a_column_given_besides_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("alpha\n1\n")
    with pytest.raises(ParameterError, match=r"parameter 'alpha' is a column of r.csv and given besides"):
        Space.of([("alpha", "2")], rows=tmp_path / "r.csv")


def test_what_is_no_table_is_refused():
    for given in ({"alpha": 1}, 3):
        with pytest.raises(ParameterError, match="rows are the name of a file, a data frame or a list of mappings"):
            table_of(given, None)


def test_a_secret_column_is_refused():
    entry_point = EntryPoint("main", [Parameter("token", secret=True)])
    with pytest.raises(ParameterError, match="is a secret, and the same for all runs"):
        Space.of([], rows=[{"token": "a"}]).points(entry_point)
