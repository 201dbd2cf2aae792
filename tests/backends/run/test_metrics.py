"""Metrics as they come: a program logs with mlflow, its card shows growing curves, and the record holds the same course afterwards."""

from __future__ import annotations

import textwrap
import time

import pytest

import nbproj
from nbproj.backends.metrics import MetricWatch
from nbproj.display.card import bundle
from nbproj.display.live import CardState
from nbproj.tracking.course import course_of
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.store import Metric

# A few seconds, whatever the store: one metric at every step, another at every fifth, and one that is odd. Twice it waits to be seen: how quickly
# the store is asked is the machine's affair.
TRAINING = """
import math, os, time
import mlflow

def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.02)

with mlflow.start_run():
    for step in range({steps}):
        if step in (40, 120):
            wait_for("seen" if step == 40 else "seen again")
        mlflow.log_metric("loss", math.exp(-step / 100), step=step)
        if step % 5 == 0:
            mlflow.log_metric("accuracy", 1 - math.exp(-step / 100), step=step)
            time.sleep({pause})
    mlflow.log_metric("odd", float("nan"), step=0)
    mlflow.log_metric("odd", 2.0, step=1)
"""


class Watcher:
    """Folds the events of a run into a card's state and keeps how many values each state's curves held."""

    def __init__(self, folder):
        self.folder = folder
        self.card = CardState(time.time() * 1000)
        self.states, self.steps = [], []

    def __call__(self, event):
        self.card.fold(event, time.time() * 1000)
        if event.step == "metric":
            values = self.card.values(time.time() * 1000)
            self.steps.append((event.data["key"], event.data["step"]))
            self.states.append((values["status"], values["counts"].get("loss", 0), bundle(values)))
            (self.folder / "seen").touch()
            if self.states[-1][1] >= 100:
                (self.folder / "seen again").touch()


def follow(folder, store, steps):
    watcher = Watcher(folder)
    run = nbproj.run(folder, "train.py", progress=watcher)
    assert run.status == "FINISHED", run.logs()
    curves = course_of(store, run.run_id, run.metrics)
    assert {name: curve.count for name, curve in curves.items()} == {"loss": steps, "accuracy": steps // 5, "odd": 2}
    assert curves["accuracy"].points == pytest.approx([1 - 2.718281828 ** -(step / 100) for step in range(0, steps, 5)])
    assert curves["loss"].points[0] == 1
    assert curves["loss"].points[-1] == run.metrics["loss"]
    return watcher, run


def assert_the_curves_grew(watcher):
    sizes = sorted({count for status, count, _bundle in watcher.states if status == "RUNNING"})
    assert len(sizes) > 1
    assert sizes[0] < sizes[-1] - 50
    shown = [cards["text/html"] for _status, count, cards in watcher.states if count > 1]
    assert all("<svg" in page and "loss" in page for page in shown)
    assert len(set(shown)) > 1
    assert [step for key, step in watcher.steps if key == "loss"] == sorted(step for key, step in watcher.steps if key == "loss")


def test_the_card_of_a_run_on_a_database_shows_growing_curves(project, store):
    watcher, _run = follow(project(train__py=TRAINING.format(steps=500, pause=0.02)), store, 500)
    assert_the_curves_grew(watcher)
    values = watcher.card.values(0)
    assert values["counts"] == {"loss": 500, "accuracy": 100, "odd": 2}
    assert values["metrics"]["loss"] == pytest.approx(0.0068, abs=1e-4)


def test_the_card_of_a_run_on_a_folder_shows_growing_curves(project, tmp_path, monkeypatch):
    uri = f"file://{tmp_path}/mlruns"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    watcher, _run = follow(project(train__py=TRAINING.format(steps=500, pause=0.02)), open_store(uri), 500)
    assert_the_curves_grew(watcher)
    assert watcher.card.values(0)["counts"] == {"loss": 500, "accuracy": 100, "odd": 2}


def test_the_card_of_a_run_on_a_server_shows_growing_curves(project, mlflow_server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    watcher, _run = follow(project(train__py=TRAINING.format(steps=150, pause=0.1)), open_store(mlflow_server.uri), 150)
    assert_the_curves_grew(watcher)


def test_of_a_flood_of_metrics_two_hundred_are_followed_and_every_value_counts(project, store):
    flood = """
    import time
    import mlflow
    from mlflow.entities import Metric

    client = mlflow.MlflowClient()
    with mlflow.start_run() as run:
        for part in range(20):
            many = [Metric(f"m{number % 300:03d}", part * 1000 + number, 1, part * 1000 + number) for number in range(1000)]
            client.log_batch(run.info.run_id, many)
        time.sleep(1)
    """
    told = []
    run = nbproj.run(project(train__py=textwrap.dedent(flood)), "train.py", progress=told.append)
    metrics = [event for event in told if event.step == "metric"]
    assert run.status == "FINISHED"
    assert len({event.data["key"] for event in metrics}) == 200
    assert sum(event.data["count"] for event in metrics) == sum(1 for number in range(20_000) if number % 1000 % 300 < 200)
    assert course_of(store, run.run_id, ["m007"])["m007"].count == 80


def test_a_listener_that_was_busy_is_told_everything_at_the_end(store, monkeypatch):
    monkeypatch.setattr("nbproj.backends.metrics._SECONDS", 0.01)
    run_id = store.create_run(store.experiment(), name="busy", tags={}).run_id
    told = []
    watch = MetricWatch(store, run_id, told.append)
    logged = 0
    while watch._answers.qsize() < 8:  # as many as wait for a listener
        store.log_metrics(run_id, [Metric("loss", 1.0 / (logged + 1), 1_700_000_000_000 + logged, logged)])
        logged += 1
        time.sleep(0.02)
    store.log_metrics(run_id, [Metric("loss", 0.0, 1_800_000_000_000, logged)])
    watch.finish()
    assert sum(event.data["count"] for event in told) == logged + 1
    assert told[-1].data["value"] == 0


def test_a_store_that_is_taken_away_does_not_end_the_run(project, store, tmp_path):
    moved = """
    import os, time
    print("begun", flush=True)
    while not os.path.exists("seen"):
        time.sleep(0.02)
    path = os.environ["MLFLOW_TRACKING_URI"].removeprefix("sqlite:///")
    os.rename(path, path + ".away")
    time.sleep(2.5)
    os.rename(path + ".away", path)
    """
    folder = project(train__py=textwrap.dedent(moved))
    # Taken away while the program is followed: what is recorded of its start is recorded by then.
    run = nbproj.run(folder, "train.py", progress=lambda event: (folder / "seen").touch() if event.step == "output" else None)
    assert run.status == "FINISHED"
