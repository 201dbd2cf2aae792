"""The panel on an empty page: the table, its keyboard, what stands above and below it."""

import contextlib
import re
import sqlite3
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from many_runs import START, run_id

ROW = ".nbp-body .nbp-row"


def violations(page):
    return [f"{one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}" for one in Axe().run(page, context=".nbp").response["violations"]]


def texts(page, column):
    """Return what stands in a column, from top to bottom."""
    titles = [one.strip() for one in page.locator(".nbp-head [role=columnheader]").all_inner_texts()]
    cells = page.locator(f"{ROW} > :nth-child({titles.index(column) + 1})")
    return [text.strip() for text in cells.all_inner_texts()]


def wait_for(page, column, first):
    page.wait_for_function(
        """([column, first]) => { const titles = [...document.querySelectorAll('.nbp-head [role=columnheader]')].map((one) => one.innerText.trim());
           const cell = document.querySelector(`.nbp-body .nbp-row > :nth-child(${titles.indexOf(column) + 1})`);
           return cell && cell.innerText.trim().startsWith(first); }""",
        arg=[column, first],
    )


def until(page, holds):
    """Wait until something holds that is known here, not in the page; events of the page are taken meanwhile."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def test_only_the_lines_in_sight_are_in_the_page_and_scrolling_brings_the_others(show, ten_thousand):
    page = show(ten_thousand).page
    assert page.locator(ROW).count() < 40
    assert page.locator(".nbp-grid").get_attribute("aria-rowcount") == "10001"
    page.locator(".nbp-grid").evaluate("(grid) => { grid.scrollTop = grid.scrollHeight; }")
    wait_for_last = "() => [...document.querySelectorAll('.nbp-body .nbp-row')].some((row) => row.innerText.includes('batch-0'))"
    page.wait_for_function(wait_for_last)
    assert page.locator(ROW).count() < 40
    assert page.locator(f"{ROW}[aria-rowindex='10001']").count() == 1


def test_what_does_not_arrive_is_asked_again(show, few):
    pipe = show(few)
    page = pipe.page
    page.evaluate("""() => { window.asked = []; const { send } = window.carrier;
        window.carrier.send = (content) => { window.asked.push(content.ask); if (window.asked.length > 1) send(content); }; }""")
    page.locator(".nbp-grid").evaluate("(grid) => { grid.scrollTop = grid.scrollHeight; }")
    page.wait_for_function("() => [...document.querySelectorAll('.nbp-body .nbp-row')].some((row) => row.innerText.includes('batch-0'))")
    page.wait_for_function("() => window.asked.slice(1).includes(window.asked[0])")  # a second turn of the wheel may have asked in between


def test_sorting_finding_and_filtering_ask_the_store(show, few):
    pipe = show(few)
    page = pipe.page
    page.get_by_role("columnheader", name="rmse").click()
    page.wait_for_selector("[aria-sort=descending] >> text=rmse")
    page.wait_for_function("() => document.querySelectorAll('.nbp-body .nbp-row').length > 5")
    page.get_by_role("columnheader", name="rmse").click()
    page.wait_for_selector("[aria-sort=ascending] >> text=rmse")
    # The mark in the head is there at once, the lines when the answer has come.
    until(page, lambda: (values := [float(text) for text in texts(page, "rmse") if text]) and values == sorted(values))
    page.get_by_label("Find runs by words").fill("adam seed=4")
    page.wait_for_function("() => document.querySelector('.nbp-status').innerText.startsWith('30 runs')")
    assert set(texts(page, "optimizer")) == {"adam"}
    page.get_by_label("Find runs by words").fill("")
    page.wait_for_function("() => document.querySelector('.nbp-status').innerText.startsWith('600 runs')")
    page.get_by_label("Filter in MLflow's language").fill("metrics.rmse < 1.2 and params.optimizer = 'sgd'")
    page.get_by_label("Filter in MLflow's language").press("Enter")
    page.wait_for_function("() => /^(?!600 )[1-9]/.test(document.querySelector('.nbp-status').innerText)")
    page.wait_for_function("() => !document.querySelector('.nbp-body').innerText.includes('adam')")
    assert set(texts(page, "optimizer")) == {"sgd"}
    assert all(float(text) < 1.2 for text in texts(page, "rmse"))
    page.get_by_label("Filter in MLflow's language").fill("metrics.rmse <")
    page.get_by_label("Filter in MLflow's language").press("Enter")
    page.get_by_role("alert").filter(has_text="is not understood").wait_for()
    assert page.get_by_label("Filter in MLflow's language").get_attribute("aria-invalid") == "true"
    assert pipe.complaints == []


def test_everything_is_done_with_the_keyboard(show, few):
    pipe = show(few)
    page = pipe.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Find runs by words"
    for _ in range(6):
        page.keyboard.press("Tab")  # filter, by batch, plot, columns, export, table: compare has nothing to do yet
    at = "document.activeElement.parentElement.getAttribute('aria-rowindex') + '/' + document.activeElement.getAttribute('aria-colindex')"
    assert page.evaluate(at) == "2/1"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(at) == "3/2"
    page.keyboard.press(" ")
    page.keyboard.press("Shift+ArrowDown")
    page.wait_for_function("() => document.querySelectorAll('.nbp-row[aria-selected=true]').length === 2")
    until(page, lambda: [run.run_id for run in pipe.panel.selected] == [run_id(598), run_id(597)])
    page.keyboard.press("Control+End")
    page.wait_for_function(f"() => {at} === '601/13'")
    page.wait_for_function("() => document.activeElement.parentElement.innerText.includes('batch-0')")
    page.keyboard.press("Control+Home")
    page.wait_for_function(f"() => {at} === '2/1'")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(at) == "1/3"
    page.keyboard.press("Enter")
    wait_for(page, "Name", "batch-0")
    assert page.evaluate(at) == "1/3"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Values").wait_for()
    assert [run.run_id for run in pipe.panel.selected] == [run_id(0)]


def test_runs_stand_below_their_batch(show, few):
    page = show(few).page
    page.get_by_label("By batch").check()
    page.wait_for_selector("[role=treegrid] .nbp-fold")
    assert page.locator(ROW).count() == 3
    page.locator(".nbp-fold").first.click(delay=100)  # as long as a hand takes: the lines are drawn anew meanwhile
    page.wait_for_selector("[aria-level='2']")
    assert page.locator(f"{ROW}[aria-expanded=true]").count() == 1
    assert page.locator(".nbp-grid").get_attribute("aria-rowcount") == "203"
    assert violations(page) == []
    page.locator(".nbp-fold").first.click()
    page.wait_for_function("() => document.querySelectorAll('.nbp-body .nbp-row').length === 3")


def test_columns_are_chosen(show, few):
    page = show(few).page
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("User").check()
    page.get_by_role("columnheader", name="User").wait_for()
    page.get_by_label("r2").uncheck()
    page.get_by_role("columnheader", name="r2").wait_for(state="detached")
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.innerText") == "Columns"


def test_an_answer_for_a_tab_that_was_left_is_dropped(show, few):
    pipe = show(few)
    page, conversation, held = pipe.page, pipe.panel._conversation, []
    page.locator(ROW).nth(1).click()
    page.locator(ROW).nth(4).click()
    page.get_by_role("button", name="Compare 2").click()
    page.get_by_role("tab", name="Curves").click()
    page.locator(".nbp-chart canvas").wait_for()
    pipe.rest()
    conversation._send = lambda *answer: held.append(answer)
    page.get_by_label("Metric").select_option("rmse")
    page.get_by_role("tab", name="Scatter").click()
    page.get_by_role("tab", name="Values").click()
    page.locator(".nbp-values").wait_for()
    while len(held) < 2:
        page.wait_for_timeout(50)
    conversation._send = pipe._send
    for answer in held:
        pipe._send(*answer)
    pipe.rest()
    assert page.locator(".nbp-values").is_visible()
    assert pipe.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_runs_are_compared_and_drawn(show, few, scheme):
    pipe = show(few, color_scheme=scheme)
    page = pipe.page
    assert violations(page) == []
    page.locator(ROW).nth(1).click()
    page.locator(ROW).nth(4).click()
    page.get_by_role("button", name="Compare 2").click()
    shown = page.locator(".nbp-values")
    shown.wait_for()
    assert "lr" in shown.inner_text()
    assert "red.csv" not in shown.inner_text()  # the same in both
    page.get_by_label("Only what differs").uncheck()
    assert "red.csv" in shown.inner_text()
    assert violations(page) == []
    page.get_by_role("tab", name="Curves").click()
    page.locator(".nbp-chart canvas").wait_for()
    assert "run-598" in page.locator(".nbp-legend").inner_text()
    assert violations(page) == []
    page.get_by_label("Metric").select_option("rmse")
    page.get_by_role("tab", name="Scatter").click()
    page.wait_for_selector(".nbp-svg circle")
    assert page.locator(".nbp-svg circle").count() == 2
    page.get_by_role("button", name="Clear selection").click()
    page.get_by_role("button", name="Plot").click()
    page.wait_for_function("() => document.querySelectorAll('.nbp-svg circle').length > 500")
    assert violations(page) == []
    page.get_by_role("tab", name="Parallel").click()
    page.wait_for_selector(".nbp-svg path")
    assert page.locator(".nbp-svg path").count() == 597  # the batches have no values
    assert violations(page) == []
    page.get_by_role("button", name="Close").click()
    assert page.locator(".nbp-pane").is_hidden()
    assert pipe.complaints == []


def test_what_changes_in_the_store_is_sent_by_itself_and_nothing_else(show, own):
    pipe = show(own)
    page = pipe.page
    pipe.rest()  # what is asked after the change would have it in its answer
    pipe.sent.clear()
    with contextlib.closing(sqlite3.connect(own.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE latest_metrics SET value = 0.125 WHERE key = 'mae' AND run_uuid = ?", (run_id(597),))
    page.wait_for_function("() => [...document.querySelectorAll('.nbp-body .nbp-row')].some((row) => row.innerText.includes('0.125'))")
    changes = [sent for sent in pipe.sent if sent.get("push") == "changes"]
    assert [[line["id"] for _place, line in sent["rows"]] for sent in changes] == [[run_id(597)]]
    assert not changes[0]["moved"]
    with contextlib.closing(sqlite3.connect(own.removeprefix("sqlite:///"))) as database, database:
        database.execute(
            "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, experiment_id)"
            " VALUES ('new', 'the new one', 'RUNNING', ?, 'active', 1)",
            (START * 2,),
        )
    wait_for(page, "Name", "the new one")
    assert page.locator(".nbp-status").inner_text().startswith("601 runs")


def test_a_file_of_all_runs_is_handed_out(show, few):
    page = show(few).page
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 601
    assert lines[0].startswith("run_id,status,name,")
    assert lines[1].startswith(run_id(599))


def test_what_is_selected_in_python_is_selected_in_the_table(show, few):
    pipe = show(few)
    pipe.panel.select([run_id(599), pipe.panel._run(run_id(597))])
    pipe.page.wait_for_function("() => document.querySelectorAll('.nbp-row[aria-selected=true]').length === 2")
    assert pipe.page.get_by_role("button", name="Compare 2").is_enabled()


def test_a_view_that_ends_leaves_nothing_behind(show, few):
    pipe = show(few)
    pipe.page.evaluate("() => window.end()")
    assert pipe.page.locator("main").inner_html() == ""
    until(pipe.page, lambda: not pipe.panel._conversation._sights)
    assert not re.search("error", " ".join(pipe.complaints), re.IGNORECASE)
