"""The form of the panel: several values, a project that is broken, and what a project may write into every field."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

MARKUP = "<img src=x onerror='window.pwned = 1'>"
SCRIPT = f"""raise SystemExit('''{MARKUP}''')
"""
PROJECT = f"""name: "{MARKUP}"
entry_points:
  main:
    help: "{MARKUP}"
    parameters:
      alpha: {{type: string, default: "{MARKUP}", help: "{MARKUP}"}}
      shape: {{type: string, default: "<i>round</i>", choices: ["<i>round</i>", "{MARKUP}"]}}
    command: "python main.py {{alpha}} {{shape}}"
"""


def test_a_batch_is_one_run_with_others_below_it(panel_in):
    panel = panel_in("lab")
    panel.labelled("entry point").select_option("evaluate")
    panel.labelled("alpha: list").click()
    panel.labelled("alpha, several values").fill("0.1, high")
    panel.node.get_by_role("alert").filter(has_text="'high' is not a float").wait_for()
    panel.labelled("alpha, several values").fill("0.1, 0.2")
    expect(panel.button("Run")).to_be_disabled()
    panel.button("Run as batch").click()
    panel.wait_for_state("FINISHED")
    expect(panel.rows).to_have_count(3)
    panel.labelled("By batch").check()
    expect(panel.rows).to_have_count(1)
    expect(panel.rows).to_contain_text("2 runs")
    assert panel.violations() == []
    panel.opened.screenshot("panel-batch-dark")


@pytest.mark.parametrize(("broken", "place"), [("name: wine\nentry_points: [\n", "MLproject:"), ("name: wine\nentry_pints: {}\n", "MLproject:2")])
def test_a_project_that_is_broken_is_shown_with_its_line(kept_panel, broken, place):
    panel = kept_panel
    file = panel.opened.folder / "MLproject"
    file.write_text(broken)
    panel.labelled("project").select_option(index=0)
    told = panel.node.locator(".nbproj-told").first
    expect(told).to_contain_text(place)
    expect(panel.labelled("entry point")).to_be_hidden()
    assert panel.violations() == []
    file.unlink()
    panel.labelled("project").select_option(index=1)
    panel.labelled("entry point").wait_for()
    expect(told).to_be_hidden()


def test_what_a_project_writes_into_any_field_is_text(kept_panel):
    panel = kept_panel
    folder = panel.opened.folder
    (folder / "MLproject").write_text(PROJECT)
    (folder / "main.py").write_text(SCRIPT)
    panel.labelled("project").select_option(index=0)
    expect(panel.node.get_by_role("heading").first).to_have_text(MARKUP)
    expect(panel.labelled("alpha")).to_have_value(MARKUP)
    expect(panel.node.locator(".nbproj-help").filter(has_text=MARKUP).first).to_be_visible()
    panel.labelled("shape").select_option(MARKUP)
    panel.node.get_by_text("Settings", exact=True).click()
    panel.labelled("experiment").fill(MARKUP)
    panel.labelled("name of the run").fill(MARKUP)
    panel.button("Run").click()
    panel.wait_for_state("FAILED")
    expect(panel.card.locator("pre:visible").filter(has_text=MARKUP)).to_be_visible()  # what it printed
    panel.rows.first.click()
    panel.button("Details").click()
    expect(panel.node.get_by_role("tabpanel")).to_contain_text(MARKUP)
    assert panel.violations() == []
    panel.opened.screenshot("panel-markup-dark")
    assert panel.opened.page.evaluate("() => window.pwned") is None
    assert panel.node.locator("img, i").count() == 0
    assert panel.errors == []
