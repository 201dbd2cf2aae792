"""The panel as its users walk through it: choose, fill in, run, watch, stop, open, compare; with and without a mouse."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

EXECUTED = "() => /artifacts.run/.test(window.jupyterapp.shell.currentWidget?.context?.path ?? '')"
MARKUP = "<img src=x onerror='window.pwned = 1'>"


def test_from_the_entry_point_to_two_runs_side_by_side(panel_in):  # noqa: PLR0915 - one walk
    panel = panel_in("lab", secret=True)
    opened, page = panel.opened, panel.opened.page
    page.get_by_role("tab", name="Projects").wait_for()
    assert opened.violations("#nbproj-projects") == []
    opened.screenshot("panel-light")

    # What is open and not saved is saved before it runs.
    page.evaluate(
        "() => { window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells[1].setSource("
        "window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells[1].source + '\\nprint(\"saved\", solver)\\n'); }"
    )
    panel.labelled("entry point").select_option("train")
    alpha = panel.labelled("alpha")
    alpha.fill("2")
    panel.node.get_by_role("alert").filter(has_text="2.0 is more than 1").wait_for()
    opened.screenshot("panel-wrong-light")
    alpha.fill("0.25")
    panel.node.get_by_role("alert").filter(has_text="more than").wait_for(state="hidden")
    panel.labelled("solver").select_option("saga")
    panel.labelled("token").fill("hunter2")
    panel.button("Run").click()
    panel.wait_for_state("FINISHED")
    expect(panel.card).to_contain_text("saga")
    assert panel.labelled("token").input_value() == ""
    assert "hunter2" not in page.content()
    assert 'print("saved", solver)' in opened.file.read_text().replace('\\"', '"')
    first = panel.card.locator("code").inner_text()

    panel.labelled("rounds").fill("400")
    panel.labelled("token").fill("hunter2")  # it was forgotten when it had been sent
    panel.button("Run").click()
    panel.wait_for_state("RUNNING")
    output = panel.card.get_by_label("Last lines of output")
    expect(output).to_contain_text("round 2")
    expect(output).to_be_in_viewport()
    expect(panel.button("Stop")).to_be_in_viewport()
    assert panel.card.locator("code").inner_text() != first
    expect(page.locator(".nbproj-running")).to_have_text("1 running")
    assert opened.violations("#nbproj-projects") == []
    opened.screenshot("panel-running-light")
    # Leaving `with mlflow.start_run()` ends a run in the store; its program goes on, and so does the run.
    second = panel.card.locator("code").get_attribute("title")
    panel.end_early(str(second))
    for _ in range(3):  # the first may have been under way, the second may not have been drawn
        with page.expect_response(lambda answer: f"/runs/{second}?" in answer.url):
            panel.wait_for_state("RUNNING")
    panel.button("Stop").click()
    panel.wait_for_state("KILLED")
    expect(page.locator(".nbproj-running")).to_have_text("0 running")

    expect(panel.rows).to_have_count(2)
    expect(panel.rows.nth(0)).to_contain_text("KILLED")  # its columns came with the first run
    panel.rows.nth(0).click()
    panel.rows.nth(1).click()
    panel.node.get_by_role("button", name=re.compile("^Compare")).click()
    expect(panel.node.get_by_role("tabpanel")).to_contain_text("rounds")
    assert panel.violations() == []
    opened.screenshot("panel-compare-dark")

    panel.rows.nth(0).click()
    panel.wait_for_state("FINISHED")
    panel.button("Open notebook").click()
    page.wait_for_function(EXECUTED)
    assert opened.errors == []
    assert opened.beyond == []


def test_the_same_walk_with_the_keyboard_alone(panel_in):  # noqa: PLR0915 - one walk
    panel = panel_in("lab", theme="dark", kernel=True)  # a notebook whose kernel comes takes the focus once
    opened, page = panel.opened, panel.opened.page
    press, write = page.keyboard.press, page.keyboard.type
    # Asking for the panel puts the focus into it.
    panel.choose_command("Show Projects and Their Runs")
    expect(panel.labelled("project")).to_be_focused()
    press("Tab")
    entry = panel.labelled("entry point")
    expect(entry).to_be_focused()
    write("e")  # a list forgets what was typed a second ago: with a pause in "evaluate" its t would mean train
    expect(entry).to_have_value("evaluate")
    press("Home")
    expect(entry).to_have_value("train")
    expect(entry).to_be_focused()
    panel.tab_to(panel.labelled("alpha"))
    press("Control+A")
    write("7")
    panel.node.get_by_role("alert").filter(has_text="7.0 is more than 1").wait_for()
    press("Enter")  # a form is sent with Enter, and says what is wrong
    expect(panel.labelled("alpha")).to_be_focused()
    press("Control+A")
    write("0.75")
    press("Tab")
    expect(panel.labelled("alpha, slider")).to_be_focused()
    press("ArrowRight")
    expect(panel.labelled("alpha")).to_have_value("0.76")
    press("Shift+Tab")
    press("Enter")
    panel.wait_for_state("FINISHED")

    panel.tab_to(panel.labelled("rounds"))
    press("Control+A")
    write("400")
    panel.tab_to(panel.button("Run"))
    press("Space")
    panel.wait_for_state("RUNNING")
    expect(panel.card.get_by_label("Last lines of output")).to_contain_text("round 1")
    panel.tab_to(panel.button("Stop"))
    press("Enter")
    panel.wait_for_state("KILLED")
    expect(panel.button("Open notebook")).to_be_focused()  # the button that was pressed is gone
    assert opened.violations("#nbproj-projects") == []
    opened.screenshot("panel-keyboard-dark")

    # The table is one stop of Tab; the arrows move in it, Enter opens a run.
    expect(panel.rows).to_have_count(2)
    expect(panel.rows.nth(0)).to_contain_text("KILLED")
    panel.tab_to(panel.node.get_by_role("grid"))
    press("ArrowDown")
    press("Enter")
    panel.wait_for_state("FINISHED")
    expect(panel.node.get_by_role("tabpanel")).to_contain_text("0.76")
    press("ArrowUp")
    press("Space")
    panel.tab_to(panel.node.get_by_role("button", name="Compare 2"), "Shift+Tab")
    press("Enter")
    expect(panel.node.get_by_role("tabpanel")).to_contain_text("KILLED")
    expect(panel.node.get_by_role("tabpanel")).to_contain_text("400")
    assert panel.violations() == []
    opened.theme("light")  # where the focus stands is kept, and the rest is walked in light
    opened.screenshot("panel-keyboard-light")
    panel.tab_to(panel.button("Open notebook"), "Shift+Tab")
    press("Enter")
    page.wait_for_function(EXECUTED)
    assert len(json.loads(opened.file.read_text())["cells"]) == 3, "no single key reached the notebook"
    assert opened.errors == []


def test_the_same_panel_is_in_notebook_7(panel_in):
    panel = panel_in("notebook7")
    opened, page = panel.opened, panel.opened.page
    expect(panel.labelled("project")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("e")
    expect(panel.labelled("entry point")).to_have_value("evaluate")
    panel.tab_to(panel.labelled("alpha"))
    page.keyboard.press("Enter")
    panel.wait_for_state("FINISHED")
    expect(panel.card).to_contain_text(MARKUP)
    panel.rows.first.wait_for()
    panel.tab_to(panel.node.get_by_role("grid"))
    page.keyboard.press("Enter")
    expect(panel.node.get_by_role("tabpanel")).to_contain_text("evaluate")
    assert panel.violations() == []
    opened.screenshot("panel-dark")
    assert page.evaluate("() => window.pwned") is None
    panel.tab_to(panel.button("Open notebook"), "Shift+Tab")
    with page.context.expect_page() as opening:
        page.keyboard.press("Enter")
    opening.value.wait_for_url(re.compile(r"/notebooks/.*/artifacts/run/analysis\.ipynb"), wait_until="commit")
    opening.value.close()
    assert panel.errors == []
