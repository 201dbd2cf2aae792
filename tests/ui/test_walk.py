"""Ana's walk in both front ends, light and dark: declare, form, run, live card, batch, panel, compare, save, reopen without a kernel, export."""

from __future__ import annotations

import re

import nbformat
import pytest
from front_end import SCREENSHOTS
from nbconvert import HTMLExporter

NOTHING_RAN = "() => window.pwned === undefined"
PARAMETERS = """%%parameters
alpha: float = 0.5  #@param {type: "slider", min: 0, max: 1}
solver: Literal["lbfgs", "saga"] = "lbfgs"  # how it is solved
rounds: int = 3  # how often
verbose: bool = False
day: date = "2026-01-31"  # of the data
data: Path = "wine.csv"  # what is read
note: str | None = None  # anything
token: Secret = None  # for the service
"""
TRAIN = """%%entrypoint train --help "Train the model and keep it"
import os, pathlib, time
import nbproj
for round in range(rounds):
    nbproj.log_metric("loss", 1 / (1 + round + alpha), step=round)
    print("round", round, flush=True)
    time.sleep(0.2)
while not pathlib.Path("looked-at").exists():
    time.sleep(0.1)
pathlib.Path(os.environ["NBPROJ_OUTPUT_DIR"], "scores.csv").write_text("wine,score\\nred,1\\nwhite,2\\n")
pathlib.Path(os.environ["NBPROJ_OUTPUT_DIR"], "plot.svg").write_text(
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="40"><script>window.pwned = 1</script><path d="M0 40L120 0" stroke="teal"/></svg>')
"""
CELLS = (
    "%load_ext nbproj",
    PARAMETERS,
    TRAIN,
    "%mlform -e train",
    "1 + 1",
    "panel = %mlruns",
    "print(*[run.params['alpha'] for run in panel.selected])",
)
FORM, FREE, PANEL, SELECTED = 3, 4, 5, 6
LINE = ".nbp-body .nbp-row:has([role=gridcell]:not(:empty))"
# What nbconvert's own page asks the network for.
WITHOUT_NETWORK = {"mathjax_url": "", "require_js_url": "", "mermaid_js_url": ""}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["lab", "notebook7"])
def test_from_the_declaration_to_the_saved_card(kind, theme, request, visit):
    front_end = request.getfixturevalue(kind)
    opened = front_end(*CELLS, theme=theme, height=1500)
    (opened.folder / "wine.csv").write_text("a,b\n1,2\n")
    opened.run(0)
    form = opened.run(FORM)
    form.get_by_role("button", name="Run", exact=True).wait_for()
    form.locator(".nbproj-fallback").wait_for(state="hidden")
    opened.screenshot(f"1-form-{theme}")
    fill_in(opened, form, theme)
    run_it(opened, form, theme)
    look_at_the_card(opened, form, theme)
    run_a_batch(opened, form, theme)
    compare(opened, form, theme)
    assert opened.violations() == []
    # What stands for the table in the file is brought up to date a while after the table.
    opened.page.wait_for_function("() => ![...document.querySelectorAll('.nbproj-fallback')].some((one) => one.textContent.includes('RUNNING'))")
    look_at_the_file(opened.save())
    export(opened, visit(color_scheme=theme, offline=True, height=1600), theme)
    assert opened.page.evaluate(NOTHING_RAN)
    assert opened.beyond == []
    assert [error for error in opened.errors if "nbp" in error] == []
    opened.shut_down()
    opened.page.close()
    open_again(front_end, opened.file, theme)


def fill_in(opened, form, theme):
    alpha = form.get_by_label("alpha", exact=True)
    alpha.fill("2")
    form.get_by_role("alert").filter(has_text="2.0 is more than 1").wait_for()
    opened.screenshot(f"2-wrong-{theme}")
    alpha.fill("0.25")
    form.get_by_role("alert").wait_for(state="detached")
    form.get_by_label("solver").select_option("saga")
    form.get_by_label("token").fill("hunter2")
    form.get_by_label("data").fill("win")
    form.locator("datalist option[value='wine.csv']").wait_for(state="attached")
    form.get_by_label("data").fill("wine.csv")
    form.get_by_label("copy as").select_option("command line")
    copied = form.get_by_label("text")
    copied.wait_for()
    opened.page.wait_for_function("(field) => field.value.includes('solver=saga')", arg=copied.element_handle())
    assert "-e train -P alpha=0.25 -P solver=saga" in copied.input_value()
    assert "hunter2" not in opened.page.content()


def run_it(opened, form, theme):
    form.get_by_role("button", name="Run", exact=True).click()
    form.locator("b", has_text="RUNNING").wait_for()
    opened.screenshot(f"3-live-{theme}")
    assert opened.run(FREE).inner_text().split() == ["[3]:", "2"], "the kernel is free while the run goes on"
    form.locator("b", has_text="RUNNING").wait_for()
    (opened.folder / "looked-at").touch()  # it would go on for ever
    form.get_by_text("FINISHED").wait_for()
    for name in ("Re-run", "Open notebook"):
        form.get_by_role("button", name=name).wait_for()
    form.get_by_text("scores.csv").first.wait_for()
    form.get_by_alt_text("plot.svg").wait_for()
    opened.page.wait_for_function("() => document.querySelector('img[alt=\"plot.svg\"]')?.naturalWidth === 120")


def look_at_the_card(opened, form, theme):
    with opened.page.context.expect_page() as opening:
        form.get_by_role("button", name="Open notebook").click()
    opening.value.wait_for_url(re.compile(r"/(lab/tree|notebooks)/.*/artifacts/run/analysis\.ipynb"), wait_until="commit")
    opening.value.close()
    form.get_by_role("button", name="Re-run").click()
    form.get_by_role("status").filter(has_text="'train'").wait_for()
    form.get_by_role("button", name=re.compile("Yes, run it: run")).scroll_into_view_if_needed()
    opened.page.keyboard.press("Tab")
    opened.screenshot(f"4-card-{theme}")
    form.get_by_role("button", name=re.compile("No: run")).click()
    form.get_by_role("button", name="Re-run").wait_for()


def run_a_batch(opened, form, theme):
    form.get_by_role("button", name="list").first.click()
    form.get_by_placeholder("values of a batch").fill("0.1, 0.9")
    form.get_by_role("button", name="Run as batch").click()
    form.get_by_text(re.compile("batch [0-9a-f]{8}")).first.wait_for()


def compare(opened, form, theme):
    panel = opened.run(PANEL)
    panel.locator(LINE).nth(3).wait_for()
    panel.locator(".nbproj-fallback").wait_for(state="hidden")
    form.get_by_text("2 of 2 finished").first.wait_for()
    panel.locator(LINE).filter(has_text="FINISHED").nth(3).wait_for()
    opened.screenshot(f"5-batch-{theme}")
    panel.locator(".nbp-body .nbp-row").nth(0).locator(".nbp-cell").nth(2).click()
    for key in ("ArrowDown", "Space"):
        opened.page.keyboard.press(key)
    opened.screenshot(f"6-panel-{theme}")
    panel.get_by_role("button", name="Compare 2").click()
    panel.locator(".nbp-values").wait_for()
    opened.screenshot(f"7-values-{theme}")
    panel.get_by_role("tab", name="Curves").click()
    panel.locator(".nbp-chart canvas").wait_for()
    panel.scroll_into_view_if_needed()
    opened.screenshot(f"8-curves-{theme}")
    assert sorted(opened.run(SELECTED).inner_text().split()) == ["0.1", "0.9"]


def look_at_the_file(saved):
    text = nbformat.writes(saved)
    assert "hunter2" not in text
    assert "Re-run" not in text
    assert "widgets" not in saved.metadata
    assert "FINISHED" in saved.cells[FORM].outputs[-1].data["text/html"]
    assert "RUNNING" not in text, "what is saved is as it was shown last"


def export(opened, visited, theme):
    page = opened.folder / "analysis.html"
    made, _resources = HTMLExporter(theme=theme, **WITHOUT_NETWORK).from_filename(str(opened.file))
    page.write_text(made)
    visited.open(page)
    assert visited.page.get_by_text("FINISHED").first.is_visible()
    assert visited.page.get_by_text("how it is solved").first.is_visible(), "the form is a table of its parameters"
    assert visited.page.evaluate(NOTHING_RAN)
    visited.page.screenshot(path=SCREENSHOTS / f"9-export-{opened.kind}-{theme}.png", full_page=True)
    assert [address for address in visited.requested if not address.startswith(("file:", "data:"))] == []
    assert visited.complaints == []


def open_again(front_end, file, theme):
    again = front_end(file=file, kernel=False, theme=theme, height=1500)
    again.output(FORM).get_by_text("FINISHED").first.wait_for()
    again.output(FORM).get_by_text("how it is solved").first.wait_for()
    again.output(PANEL).get_by_text("FINISHED").first.wait_for()
    assert again.output(FORM).get_by_role("button", name="Re-run").count() == 0
    again.screenshot(f"reopened-{theme}")
