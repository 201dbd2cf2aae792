"""The table of runs: windows of it, in any order, for many tabs at once."""

from __future__ import annotations

import asyncio
import sqlite3

import many_runs
import psutil
import pytest

from nbproj.overview.conversation import Conversation

pytest_plugins = ("pytest_jupyter.jupyter_server",)


MADE: list[bytes] = []
"""A store of a thousand runs, made once."""


@pytest.fixture
def runs(root) -> int:
    """Put a store with a thousand runs into the server's folder, and return how many those are."""
    if not MADE:
        many_runs.many_runs(root / "mlflow.db", 1000)
        MADE.append((root / "mlflow.db").read_bytes())
    (root / "mlflow.db").write_bytes(MADE[0])
    return 1000


async def test_a_window_is_sorted_filtered_and_searched_by_the_store(ask, runs):
    newest = (await ask("runs?count=3")).json
    assert (newest["total"], newest["start"], [one["label"] for one in newest["rows"]]) == (runs, 0, ["run-999", "run-998", "run-997"])
    assert [one["label"] for one in (await ask("runs?count=2&start=998")).json["rows"]] == ["run-1", "batch-0"]
    best = (await ask("runs?sort=metrics.rmse&descending=0&column=metrics.rmse&column=params.lr&count=40")).json
    assert best["columns"] == ["metrics.rmse", "params.lr"]
    values = [one["cells"][0] for one in best["rows"]]
    assert values == sorted(values)
    failed = (await ask("runs?filter=attributes.status%20=%20'FAILED'&count=100&column=status")).json
    assert (failed["total"], {one["cells"][0] for one in failed["rows"]}) == (20, {"FAILED"})
    assert (await ask("runs?text=batch-200")).json["total"] == 1
    grouped = (await ask(f"runs?grouped=1&descending=0&opened={many_runs.run_id(0)}&count=3")).json
    assert [(one["label"], one["depth"], one["kids"]) for one in grouped["rows"]] == [("batch-0", 0, 199), ("run-1", 1, 0), ("run-2", 1, 0)]
    assert (await ask(f"runs?experiment={many_runs.EXPERIMENT}")).json["total"] == runs
    unknown = await ask("runs?experiment=vine")
    assert (unknown.code, "there is no experiment 'vine'" in unknown.json["message"]) == (409, True)
    wrong = await ask("runs?filter=metrics.rmse%20<")
    assert 400 <= wrong.code < 500
    assert "\n" not in wrong.json["message"]


async def test_what_the_table_asks_beyond_its_lines_is_answered(ask, runs):
    ids = [many_runs.run_id(998), many_runs.run_id(999)]
    compared = (await ask("answers", "POST", {"kind": "compare", "ids": ids})).json["of"]
    assert [one["label"] for one in compared] == ["run-998", "run-999"]
    curves = (await ask("answers", "POST", {"kind": "curves", "ids": ids, "key": "rmse"})).json["curves"]
    assert [one["steps"] for one in curves] == [[0, 1, 2, 3]] * 2
    columns = (await ask("answers", "POST", {"kind": "columns"})).json
    assert sorted(columns["metrics"]) == ["mae", "r2", "rmse"]
    file = (await ask("answers", "POST", {"kind": "csv", "columns": ["status"], "asked": {"filter": "attributes.status = 'FAILED'"}})).json["text"]
    assert file.splitlines()[0] == "run_id,status"
    assert len(file.splitlines()) == 21
    assert (await ask("answers", "POST", {"kind": "nothing"})).code == 400


async def test_ten_tabs_that_poll_a_thousand_runs_ask_the_store_once_and_take_no_memory(ask, runs, root, monkeypatch):
    asked = []
    monkeypatch.setattr("nbproj.server.listing._WATCH_SECONDS", 3600.0)  # however long a hundred questions take here, nobody writes
    lines = Conversation.lines
    monkeypatch.setattr(Conversation, "lines", lambda *given: asked.append(given[1:]) or lines(*given))
    first = await ask("runs?count=1000")
    assert (first.code, len(first.json["rows"])) == (200, runs)
    known = {"If-None-Match": first.headers["ETag"]}
    before = psutil.Process().memory_info().rss
    for _ in range(10):
        replies = await asyncio.gather(*(ask("runs?count=1000", headers=known) for _tab in range(10)))
        assert {(reply.code, reply.body) for reply in replies} == {(304, b"")}
    assert len(asked) == 1
    assert psutil.Process().memory_info().rss - before < 60 << 20
    with sqlite3.connect(root / "mlflow.db") as database:
        database.execute("UPDATE runs SET name = 'renamed' WHERE run_uuid = ?", (many_runs.run_id(999),))
        database.execute("UPDATE tags SET value = 'renamed' WHERE run_uuid = ? AND key = 'mlflow.runName'", (many_runs.run_id(999),))
    database.close()
    changed = await ask("runs?count=1000", headers=known)
    assert (changed.code, changed.json["rows"][0]["label"], len(asked)) == (200, "renamed", 2)


async def test_a_store_that_is_removed_or_made_anew_is_noticed(ask, runs, root):
    assert (await ask("runs")).json["total"] == runs
    (root / "mlflow.db").unlink()
    gone = await ask("runs")
    assert gone.code in {200, 409}
    assert (await ask("runs")).json["total"] == 0
    many_runs.many_runs(root / "mlflow.db", 7)
    assert (await ask("runs")).json["total"] == 7
