"""What the panel of runs costs where there are 10,000: beside MLflow's own search, beside a plain table in the page, beside a tenth of the runs."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from harness import Sample, WarmProcess, side_by_side
from many_runs import EXPERIMENT, many_runs
from panel_page import Pipe
from playwright.sync_api import sync_playwright

from nbproj.widgets.runs import panel

pytestmark = pytest.mark.timeout(1500)

MANY = 10_000
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update")
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))"

OURS = """
from pathlib import Path
from nbproj.overview.answers import Answers
from nbproj.overview.conversation import Conversation
from nbproj.tracking.catalogue.opening import open_catalogue
from nbproj.tracking.catalogue.view import View
def first_window():
    catalogue = open_catalogue({uri!r}, {experiment!r}, None)
    conversation = Conversation(catalogue, Answers(catalogue, None), None)
    total, runs, lines = conversation.lines(View(), conversation.first_columns(), 0, 60)
    assert (total, len(lines)) == ({count}, 60)
    catalogue.close()
"""
THEIRS = """
import mlflow
mlflow.set_tracking_uri({uri!r})
def search():
    assert len(mlflow.search_runs(experiment_names=[{experiment!r}], max_results={count})) == {count}
"""
PLAIN = """async () => {
  const rows = [];
  for (let start = 0; start < %d; start += 1000) {
    const asked = new Promise((done) => window.carrier.on("msg:custom", (content) => { if (content.ask === start + 1) done(content); }));
    window.carrier.send({kind: "look", ask: start + 1, view: "plain", start, count: 1000});
    rows.push(...(await asked).rows);
  }
  window.rows = rows;
}"""
BUILD = """() => {
  const table = document.createElement("table");
  for (const row of window.rows) {
    const line = document.createElement("tr");
    for (const value of row.cells) {
      const cell = document.createElement("td");
      cell.textContent = value === null ? "" : String(value);
      line.append(cell);
    }
    table.append(line);
  }
  document.querySelector("main").append(table);
  table.getBoundingClientRect();
}"""
# From the click to the paint that shows the answer, by the page's clock.
SORT = """async (column) => {
  const first = () => document.querySelector(".nbp-body .nbp-row")?.innerText;
  const before = first();
  const start = performance.now();
  [...document.querySelectorAll(".nbp-head [role=columnheader]")].find((one) => one.dataset.column === column).click();
  while (first() === before) await new Promise((done) => requestAnimationFrame(done));
  return (performance.now() - start) / 1000;
}"""
FILTER = """async (text) => {
  const told = () => document.querySelector(".nbp-status").innerText;
  const before = told();
  const field = document.querySelector(".nbp-filter");
  const start = performance.now();
  field.value = text;
  field.dispatchEvent(new Event("change"));
  while (told() === before) await new Promise((done) => requestAnimationFrame(done));
  return (performance.now() - start) / 1000;
}"""


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Return the addresses of stores with 10,000 runs and with 1,000."""
    folder = tmp_path_factory.mktemp("stores")
    return {count: many_runs(folder / f"{count}.db", count) for count in (MANY, MANY // 10)}


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield started
        started.close()


@pytest.fixture
def loaded(browser, stores):
    """Return a function that opens a page with the panel's module in it, of a store with so many runs."""
    ends = []

    def load(count):
        context = browser.new_context(viewport={"width": 1200, "height": 800})
        made = panel(EXPERIMENT, tracking_uri=stores[count])
        pipe = Pipe(made, context.new_page())
        pipe.load()
        ends.extend((made.close, context.close))
        return pipe

    yield load
    for end in ends:
        end()


def test_the_first_window_costs_at_most_three_tenths_of_mlflows_search(compare, stores, tmp_path):
    place = {"cwd": tmp_path, "env": {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}}
    named = {"uri": stores[MANY], "experiment": EXPERIMENT, "count": MANY}
    python = Path(sys.executable)
    with (
        WarmProcess(python, OURS.format(**named), "first_window()", **place) as ours,
        WarmProcess(python, THEIRS.format(**named), "search()", **place) as theirs,
    ):
        result = side_by_side(compare("first window of 10,000 runs", "mlflow.search_runs"), ours.call, theirs.call, rounds=2)
    assert result.wall <= 0.3


def spent(session):
    """Return the seconds that the page's main thread has worked: script, styles, layout, by the browser's own timeline."""
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return sum(metrics[name] for name in ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration"))


def test_the_first_paint_costs_at_most_a_hundredth_of_a_plain_tables(compare, loaded):
    def measured(*, plain):
        pipe = loaded(MANY)
        session = pipe.page.context.new_cdp_session(pipe.page)
        session.send("Performance.enable")
        if plain:
            pipe.page.evaluate(PLAIN % MANY)
        before = spent(session)
        if plain:
            pipe.page.evaluate(BUILD)
        else:
            pipe.show()
        pipe.page.evaluate(PAINTED)
        after = spent(session)
        return Sample(after - before)

    result = side_by_side(
        compare("first paint of 10,000 runs, main thread", "a plain DOM table"),
        lambda: measured(plain=False),
        lambda: measured(plain=True),
        rounds=2,
    )
    assert result.wall <= 0.01


def test_ten_times_the_runs_are_sorted_and_filtered_in_at_most_three_times_the_time(compare, loaded):
    pages = {count: loaded(count) for count in (MANY, MANY // 10)}
    for pipe in pages.values():
        pipe.show()
    columns = ["metrics.rmse", "params.lr", "name", "metrics.r2", "duration", "metrics.mae", "run_id"]
    turns = dict.fromkeys(pages, 0)

    def sort(count):
        turns[count] += 1
        pages[count].page.wait_for_timeout(500)  # what was fetched beyond the window is there
        return Sample(pages[count].page.evaluate(SORT, columns[turns[count] % 5]))

    result = side_by_side(compare("sort 10,000 runs, click to paint", "1,000 runs"), lambda: sort(MANY), lambda: sort(MANY // 10), rounds=9)
    assert result.wall <= 3

    def find(count):
        turns[count] += 1
        pages[count].page.wait_for_timeout(500)
        return Sample(pages[count].page.evaluate(FILTER, f"metrics.rmse < {1.2 + turns[count] / 20} and params.optimizer = 'adam'"))

    result = side_by_side(compare("filter 10,000 runs, key to paint", "1,000 runs"), lambda: find(MANY), lambda: find(MANY // 10), rounds=9)
    assert result.wall <= 3
