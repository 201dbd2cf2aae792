"""What a front end asks of a table of runs, and what it is answered: windows, views, changes, nothing that it has already."""

from __future__ import annotations

import json
import sqlite3
import threading
import time

import pytest
from many_runs import many_runs, run_id

from nbproj.overview.answers import Answers
from nbproj.overview.conversation import Conversation
from nbproj.overview.notebooks import difference, lines_of
from nbproj.overview.worker import Worker
from nbproj.tracking.catalogue.database import DatabaseCatalogue
from nbproj.tracking.mlflow_store import open_store

SECONDS = 30


class Talk:
    """A conversation, and what it has sent."""

    def __init__(self, path):
        self.renewed = threading.Event()
        self.path = path
        catalogue = DatabaseCatalogue(path)
        self.sent = []
        self._arrived = threading.Condition()
        self.with_it = Conversation(
            catalogue, Answers(catalogue, lambda: open_store(f"sqlite:///{path}")), self._send, label="here", renew=self.renewed.set
        )
        self._asked = 0

    def _send(self, content, buffers):
        json.dumps(content, allow_nan=False)  # what a kernel sends
        with self._arrived:
            self.sent.append({**content, "buffers": buffers})
            self._arrived.notify_all()

    def wait(self, found):
        with self._arrived:
            assert self._arrived.wait_for(lambda: any(found(one) for one in self.sent), SECONDS), self.sent
            return next(one for one in self.sent if found(one))

    def ask(self, kind, **content):
        self._asked += 1
        asked = self._asked
        self.with_it.receive({"kind": kind, "ask": asked, "view": "one", **content})
        return self.wait(lambda one: one.get("ask") == asked)

    def pushed(self):
        return [one for one in self.sent if "push" in one]

    def write(self, sql, *values):
        with sqlite3.connect(self.path) as database:
            database.execute(sql, values)
        database.close()


@pytest.fixture
def talk(tmp_path):
    many_runs(tmp_path / "mlflow.db", 60, batch=30)
    before = set(threading.enumerate())
    made = Talk(tmp_path / "mlflow.db")
    yield made
    made.with_it.end()
    for one in set(threading.enumerate()) - before:  # others may have panels of their own
        one.join(SECONDS)
        assert not one.name.startswith("nbproj-panel") or not one.is_alive()


def test_what_stands_for_the_table_is_renewed_when_its_lines_have_changed_and_only_then(talk):
    talk.ask("open", start=0, count=10)
    assert not talk.renewed.wait(3)
    talk.write("UPDATE runs SET status = 'FAILED' WHERE run_uuid = ?", run_id(59))
    assert talk.renewed.wait(SECONDS)


def test_the_first_window_tells_all_that_is_needed_to_show_it(talk):
    answer = talk.ask("open", start=0, count=10)
    assert (answer["total"], answer["runs"], answer["start"], answer["store"], len(answer["rows"])) == (60, 60, 0, "here", 10)
    first = answer["rows"][0]
    assert (first["id"], first["status"], first["depth"], first["kids"]) == (run_id(59), "FINISHED", 0, 0)
    assert dict(zip(answer["columns"], first["cells"], strict=True))["name"] == "run-59"
    assert answer["asked"]["sort"] == "start_time"


def test_a_question_that_is_sent_again_is_answered_once(talk):
    again = {"kind": "open", "ask": 1, "view": "one", "start": 0, "count": 5}
    talk.ask("open", start=0, count=5)
    talk.ask("look", start=40, count=5)
    talk.with_it.receive(again)  # such as from a shell that was not free before
    talk.with_it.receive({**again, "view": "two"})  # whose questions have numbers of their own
    talk.wait(lambda one: one.get("view") == "two")
    assert [(one["ask"], one["view"]) for one in talk.sent] == [(1, "one"), (2, "one"), (1, "two")]


def test_a_view_is_asked_for_and_stays(talk):
    talk.ask("open", start=0, count=5)
    answer = talk.ask("look", start=0, count=5, asked={"sort": "metrics.rmse", "descending": False, "text": "adam"}, columns=["name", "metrics.rmse"])
    values = [row["cells"][1] for row in answer["rows"]]
    assert values == sorted(values)
    assert answer["columns"] == ["name", "metrics.rmse"]
    assert talk.ask("look", start=5, count=5)["rows"][0]["cells"][1] >= values[-1]
    grouped = talk.ask("look", start=0, count=50, asked={"grouped": True, "text": "", "opened": [run_id(30)]})
    assert [(row["depth"], row["kids"]) for row in grouped["rows"] if row["kids"]] == [(0, 29), (0, 29)]
    assert (grouped["total"], grouped["runs"]) == (31, 60)


def test_what_nobody_should_ask_is_answered_in_one_line_or_not_at_all(talk):
    for nonsense in (None, "open", {}, {"kind": "open"}, {"kind": 1, "ask": 1, "view": "one"}, {"kind": "open", "ask": "1", "view": "one"}):
        talk.with_it.receive(nonsense)
    assert talk.ask("no-such")["error"] == "there is no answer to 'no-such'"
    answer = talk.ask("look", start=-5, count=10**9, asked={"sort": "nothing", "opened": [1, None], "text": 5}, columns=["nothing", 3])
    assert (answer["start"], len(answer["rows"])) == (0, 60)
    assert "is not understood" in talk.ask("look", start=0, count=5, asked={"filter": "metrics.rmse <"})["error"]
    assert "no picture" in talk.ask("picture", ids=[run_id(59)], path="../../etc/passwd.png")["error"]
    assert talk.ask("notebooks", ids=[run_id(59)])["error"] == "two runs are needed to compare their notebooks"


def test_only_lines_that_have_changed_are_sent(talk):
    talk.ask("open", start=0, count=20)
    talk.write("UPDATE latest_metrics SET value = 0.25 WHERE key = 'rmse' AND run_uuid = ?", run_id(55))
    news = talk.wait(lambda one: one.get("push") == "changes")
    assert [(place, line["id"]) for place, line in news["rows"]] == [(4, run_id(55))]
    assert (news["moved"], news["total"], news["view"]) == (False, 60, "one")
    # Nothing that is in sight: nothing is sent.
    talk.write("UPDATE latest_metrics SET value = 0.25 WHERE key = 'rmse' AND run_uuid = ?", run_id(3))
    talk.write("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", run_id(59))
    moved = talk.wait(lambda one: one.get("push") == "changes" and one["total"] == 59)
    assert moved["moved"]
    assert len(talk.pushed()) == 2


def test_a_view_that_is_closed_is_told_nothing_more(talk):
    talk.ask("open", start=0, count=20)
    talk.with_it.receive({"kind": "close", "ask": 0, "view": "one"})
    talk.ask("columns")
    talk.write("UPDATE latest_metrics SET value = 0.25 WHERE run_uuid = ?", run_id(55))
    time.sleep(3 * DatabaseCatalogue.pause)
    assert talk.pushed() == []


def test_values_that_json_has_no_word_for_arrive(talk):
    talk.write("UPDATE latest_metrics SET is_nan = 1, value = 0 WHERE key = 'rmse' AND run_uuid = ?", run_id(59))
    answer = talk.ask("open", start=0, count=1)
    assert dict(zip(answer["columns"], answer["rows"][0]["cells"], strict=True))["metrics.rmse"] == "NaN"
    assert talk.ask("compare", ids=[run_id(59)])["of"][0]["metrics"]["rmse"] == "NaN"


def test_runs_are_handed_out_to_be_compared_and_drawn(talk):
    talk.ask("open", start=0, count=1)
    found = talk.ask("compare", ids=[run_id(59), run_id(58), "absent"])["of"]
    assert [one["id"] for one in found] == [run_id(59), run_id(58)]
    assert found[0]["params"]["seed"] == "19"
    assert "mlflow.user" not in found[0]["tags"]
    curve = talk.ask("curves", ids=[run_id(59)], key="rmse")["curves"][0]
    assert (curve["steps"], len(curve["values"])) == ([0, 1, 2, 3], 4)
    drawn = talk.ask("values", columns=["params.lr", "metrics.rmse"], ids=[])
    assert (drawn["total"], len(drawn["values"]["params.lr"])) == (60, 60)
    assert talk.ask("values", columns=["params.lr"], ids=[], batch=run_id(30))["total"] == 29
    assert len(talk.ask("csv")["text"].splitlines()) == 61


def test_the_selection_is_kept_as_it_came(talk):
    talk.with_it.receive({"kind": "select", "ask": 0, "view": "one", "ids": ["b", "a", "b", 3]})
    assert talk.with_it.selected == ["b", "a"]


def test_a_worker_ends_after_what_it_was_given():
    done = []
    worker = Worker("of-a-test")
    for number in range(3):
        worker.do(lambda number=number: done.append(number))
    worker.end()
    assert done == [0, 1, 2]


def notebook(*cells):
    return json.dumps(
        {"cells": [{"cell_type": "code", "source": source, "outputs": [{"output_type": "stream", "text": [text]}]} for source, text in cells]}
    )


def test_two_notebooks_are_told_apart_line_by_line():
    left = lines_of(notebook(("x = 1\ny = 2", "one\n"), ("z", "\x1b[31mred\x1b[0m")))
    right = lines_of(notebook(("x = 1\ny = 3", "one\n"), ("z", "red")))
    assert left == ["# cell 1 (code)", "x = 1", "y = 2", "# Out", "one", "# cell 2 (code)", "z", "# Out", "red"]
    changed = [block for block in difference(left, right) if block["kind"] == "changed"]
    assert [(block["left"], block["right"], block["from"]) for block in changed] == [(["y = 2"], ["y = 3"], 3)]
    assert difference(left, left) == []
    with pytest.raises(ValueError, match="no notebook"):
        lines_of("[]")
