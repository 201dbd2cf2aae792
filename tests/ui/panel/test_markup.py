"""Whatever stands in a store is text: markup in every place of it runs nothing and makes no element."""

import json
import sqlite3

import nbformat.v4
import pytest
from PIL import Image

from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.store import Metric

HOSTILE = "<img src=x onerror='window.hit=1'><script>window.hit=1</script>\"'${1}`</div><svg onload=window.hit=1>"


@pytest.fixture
def hostile(tmp_path) -> str:
    """Return a store in which everything that somebody may name holds markup."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    store = open_store(uri)
    experiment = store.experiment(name=f"experiment {HOSTILE}")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"x = '''{HOSTILE}'''", outputs=[])])
    for number in range(2):
        tags = {"mlflow.project.entryPoint": HOSTILE, "mlflow.user": HOSTILE, "mlflow.note.content": HOSTILE, "team": HOSTILE + str(number)}
        run = store.create_run(experiment, name=f"{number} {HOSTILE}", tags={**tags, "nbproj.reason": HOSTILE})
        store.log_params(run.run_id, {"alpha": f"{HOSTILE}{number}", "plain": str(number)})
        store.log_metrics(run.run_id, [Metric("rmse", number + step, 1000 + step, step) for step in range(3)])
        picture, executed = tmp_path / "picture.png", tmp_path / "executed.ipynb"
        Image.new("RGB", (40, 30), (200, 90 * number, 40)).save(picture)
        notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text=f"{number} {HOSTILE}")]
        executed.write_text(nbformat.writes(notebook))
        store.log_artifacts(run.run_id, {"<b onclick=alert(1)>.png": picture, "run/executed.ipynb": executed})
        store.set_status(run.run_id, "FAILED")
    # Names that MLflow itself would refuse, as another program may have written them.
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        for table in ("params", "metrics", "latest_metrics"):
            database.execute(f"UPDATE {table} SET key = key || ? WHERE key != 'plain'", (HOSTILE,))
        database.execute("UPDATE tags SET key = ? WHERE key = 'team'", (f"team {HOSTILE}",))
    database.close()
    return uri


def test_markup_in_a_store_is_shown_as_text_everywhere(show, hostile):
    pipe = show(hostile, width=1600, color_scheme="dark")
    page = pipe.page
    page.get_by_label("By batch").check()
    page.get_by_label("By batch").uncheck()
    page.get_by_role("button", name="Columns").click()
    page.locator(".nbp-choices").last.wait_for()
    for label in ("User", "Experiment", f"team {HOSTILE}"):
        page.get_by_label(label, exact=True).check()
    page.wait_for_function("() => document.querySelectorAll('.nbp-head [role=columnheader]').length >= 10")
    page.keyboard.press("Escape")
    shown = page.locator(".nbp-grid").text_content()
    assert shown.count("<script>") >= 10
    for index in (0, 1):
        page.locator(".nbp-body .nbp-row").nth(index).click()
    page.get_by_role("button", name="Compare 2").click()
    page.locator(".nbp-values").wait_for()
    assert "<script>" in page.locator(".nbp-values").inner_text()
    page.get_by_role("tab", name="Curves").click()
    page.locator(".nbp-chart canvas").wait_for()
    page.get_by_role("tab", name="Pictures").click()
    page.wait_for_function(
        "() => document.querySelectorAll('img.nbp-image').length === 2 && [...document.images].every((one) => one.naturalWidth === 40)"
    )
    page.get_by_role("tab", name="Notebooks").click()
    page.locator(".nbp-diff").wait_for()
    assert "<script>" in page.locator(".nbp-diff").inner_text()
    assert page.locator(".nbp-gone").count() == page.locator(".nbp-come").count() == 1
    page.get_by_role("tab", name="Scatter").click()
    page.locator(".nbp-svg circle").first.wait_for()
    page.get_by_role("tab", name="Parallel").click()
    page.locator(".nbp-svg path").first.wait_for(state="attached")
    page.get_by_label("Filter in MLflow's language").fill(f"params.x = {HOSTILE}")
    page.get_by_label("Filter in MLflow's language").press("Enter")
    page.get_by_role("alert").filter(has_text="<script>").wait_for()
    assert page.evaluate("window.hit") is None
    assert page.locator("main script, main b, main svg:not(.nbp-svg), main img:not(.nbp-image)").count() == 0
    assert page.locator("main [onclick], main [onerror], main [onload]").count() == 0
    assert [one for one in pipe.requested if not one.startswith(("blob:", "data:", "about:"))] == []
    assert pipe.complaints == []


def test_the_static_table_of_such_a_store_holds_no_markup_either(hostile, visit, tmp_path):
    from nbproj.widgets.runs import panel

    made = panel(tracking_uri=hostile)
    static = made.static()
    made.close()
    page = visit().page
    page.set_content(f"<!DOCTYPE html><main>{static['text/html']}</main>")
    assert page.locator("main script, main img, main svg").count() == 0
    assert page.evaluate("window.hit") is None
    assert "\x1b" not in static["text/plain"]
    assert len(json.dumps(static)) < 15_000
