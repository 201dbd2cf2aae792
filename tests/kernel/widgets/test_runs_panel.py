"""The panel in a real kernel: ten runs that go on reach it while a cell runs, and what it asks then is answered."""

from __future__ import annotations

import sqlite3
import time

import pytest
from jupyter_client.manager import start_new_kernel
from many_runs import many_runs, run_id

SECONDS = 90
SHOW = """
import nbproj
from IPython import get_ipython
panel = nbproj.panel("wine", tracking_uri={uri!r})
panel.shown()
from nbproj.widgets.buttons import Buttons
print(panel.widget.comm.comm_id, Buttons()._model.comm.comm_id)
"""
BUSY = """
import os
rounds = 0
while not os.path.exists("enough"):
    rounds += sum(range(1000)) > 0
print("rounds", rounds)
"""


class Front:
    """A front end of one kernel, as far as a panel needs one."""

    def __init__(self, client):
        self.client = client
        self.comm = ""
        self.subshell = None
        self.seen = []

    def next(self):
        message = self.client.get_iopub_msg(timeout=SECONDS)
        self.seen.append(message)
        return message

    def run(self, code):
        return self.client.execute(code)

    def until(self, found):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            message = self.next()
            if found(message):
                return message
        raise AssertionError([(one["msg_type"], one["content"]) for one in self.seen])

    def done(self, asked):
        return self.until(lambda one: one["parent_header"].get("msg_id") == asked and one["content"].get("execution_state") == "idle")

    def ask(self, number, kind, **content):
        self.send(self.comm, {"kind": kind, "ask": number, "view": "front", **content})

    def send(self, comm, content):
        """Send to a widget, and return the message's id."""
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": content}})
        message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def begin_subshell(self):
        """Have what is sent taken beside the cells, as JupyterLab has it."""
        self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
        self.subshell = self.client.get_control_msg(timeout=SECONDS)["content"]["subshell_id"]

    def custom(self, message):
        return message["content"]["data"].get("content", {}) if message["msg_type"] == "comm_msg" else {}


@pytest.fixture
def front(tmp_path):
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=SECONDS, cwd=str(tmp_path))
    yield Front(client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def shown(front, uri):
    asked = front.run(SHOW.format(uri=uri))
    front.comm = front.until(lambda one: one["msg_type"] == "stream")["content"]["text"].split()[0]
    front.done(asked)
    front.ask(1, "open", start=0, count=20)
    return front.custom(front.until(lambda one: front.custom(one).get("ask") == 1))


def test_ten_runs_that_go_on_reach_the_panel_while_a_cell_runs(front, tmp_path):
    uri = many_runs(tmp_path / "mlflow.db", 30)
    live = [run_id(number) for number in range(20, 30)]
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute(f"UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid IN ({', '.join('?' * 10)})", live)
    assert shown(front, uri)["total"] == 30
    displayed = [one["content"]["data"] for one in front.seen if one["msg_type"] == "display_data"]
    assert ["application/vnd.jupyter.widget-view+json" in data for data in displayed] == [False, True]
    asked = front.run(BUSY)
    front.until(lambda one: one["msg_type"] == "execute_input")
    latest = {}
    for step in range(3):
        for number, one in enumerate(live):
            database.execute("UPDATE latest_metrics SET value = ? WHERE key = 'rmse' AND run_uuid = ?", (100 * step + number + 0.5, one))
        database.commit()
        wanted = {one: 100 * step + number + 0.5 for number, one in enumerate(live)}
        while any(latest.get(one) != value for one, value in wanted.items()):
            news = front.custom(front.until(lambda one: front.custom(one).get("push") == "changes"))
            assert not [one for one in front.seen if one["parent_header"].get("msg_id") == asked and one["content"].get("execution_state") == "idle"]
            assert {line["id"] for _place, line in news["rows"]} <= set(live)
            latest |= {line["id"]: line["cells"][7] for _place, line in news["rows"]}
    database.close()
    (tmp_path / "enough").touch()
    printed = front.until(lambda one: one["msg_type"] == "stream")["content"]["text"]
    assert int(printed.split()[1]) > 0


def test_what_a_front_end_sends_while_a_cell_runs_does_not_wait_for_the_cell(front, tmp_path):
    front.done(front.run(SHOW.format(uri=many_runs(tmp_path / "mlflow.db", 300))))
    front.comm, buttons = next(one["content"]["text"].split() for one in front.seen if one["msg_type"] == "stream")
    busy = front.run(BUSY)
    front.until(lambda one: one["msg_type"] == "execute_input" and one["parent_header"]["msg_id"] == busy)
    front.begin_subshell()
    front.ask(1, "open", start=0, count=20)  # the panel was shown by a cell of the main shell
    assert front.custom(front.until(lambda one: front.custom(one).get("ask") == 1))["total"] == 300
    front.ask(2, "look", start=280, count=20)  # the answer before came from a thread
    assert front.custom(front.until(lambda one: front.custom(one).get("ask") == 2))["rows"][-1]["id"] == run_id(0)
    front.done(front.send(buttons, {"run": "", "does": "stop"}))
    assert not [one for one in front.seen if one["parent_header"].get("msg_id") == busy and one["content"].get("execution_state") == "idle"]
    (tmp_path / "enough").touch()
    front.done(busy)
