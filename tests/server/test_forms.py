"""What a form in the browser asks: whether its values are right, and a batch of runs."""

from __future__ import annotations

import asyncio
import time

import pytest

pytest_plugins = ("pytest_jupyter.jupyter_server",)

PROJECT = """name: wine
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5, max: 1.0}
      seed: int
    command: "true"
"""


@pytest.fixture
def wine(root):
    (root / "wine").mkdir()
    (root / "wine" / "MLproject").write_text(PROJECT)
    return root / "wine"


async def test_values_are_checked_by_the_rules_of_a_run(ask, wine):
    async def problems(**values):
        got = await ask("checks", "POST", {"path": "wine", "entry_point": "main", **values})
        assert got.code == 200, got.body
        return got.json["problems"]

    assert await problems() == {"seed": "a value is needed"}
    assert await problems(parameters={"alpha": "2", "seed": "1"}) == {"alpha": "2.0 is more than 1"}
    assert await problems(parameters={"alpha": "<b>", "seed": "1"}) == {"alpha": "'<b>' is not a float"}
    assert await problems(parameters={"alpha": "0.5"}, several={"seed": "1, two"}) == {"seed": "'two' is not an int"}
    assert await problems(several={"seed": "range(3)"}) == {}
    assert not (wine.parent / "mlflow.db").exists(), "nothing has run"


@pytest.mark.parametrize(
    ("route", "body", "code"),
    [
        ("checks", {"path": "wine", "entry_point": "none"}, 422),
        ("checks", {"path": "../wine"}, 404),
        ("checks", {"path": ["wine"]}, 400),
        ("checks", {"path": "wine", "parameters": []}, 400),
        ("checks", {"path": "wine", "several": {"seed": 1}}, 400),
        ("checks", {"path": "wine", "command": "true"}, 400),
        ("batches", {"path": "wine", "several": {"seed": "range(0)"}}, 422),
        ("batches", {"path": "wine", "several": {"seed": "1, 2"}, "workers": "2"}, 400),
        ("batches", {"path": "wine", "several": {"seed": "1, 2"}, "name": 1}, 400),
        ("batches", {"path": "/etc", "several": {"seed": "1, 2"}}, 404),
    ],
)
async def test_what_is_no_form_is_refused_in_one_line(ask, wine, route, body, code):
    got = await ask(route, "POST", body)
    assert got.code == code, got.body
    assert got.json["message"]
    assert "\n" not in got.json["message"]


async def test_a_batch_runs_every_combination_and_is_one_run_in_the_table(ask, wine):
    got = await ask("batches", "POST", {"path": "wine", "entry_point": "main", "parameters": {"alpha": "0.1"}, "several": {"seed": "1, 2"}})
    assert got.code == 201, got.body
    batch_id = got.json["run"]["run_id"]
    deadline = time.monotonic() + 120
    while (rows := (await ask("runs?path=wine&grouped=1")).json["rows"])[0]["status"] == "RUNNING":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    assert [(one["id"], one["kids"], one["status"]) for one in rows] == [(batch_id, 2, "FINISHED")]
