"""What is kept and what is asked: settings that apply at once, the layout after a reload, a tab that is hidden, the store and why it is that one."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

PLUGIN = "nbproj:plugin"


@pytest.fixture
def settled(kept_panel):
    """Return the panel and a function that changes a setting as the settings editor does; at the end all are as they were."""
    page = kept_panel.opened.page
    page.evaluate("() => { window.jupyterapp.commands.execute('settingeditor:open', {query: 'Projects'}); }")

    def change(name: str, value: str) -> None:
        field = page.locator(f"[id$='{PLUGIN}_{name}']")
        if field.evaluate("(node) => node.tagName") == "SELECT":
            field.select_option(label=value) if value else field.select_option(index=0)
        else:
            field.fill(value)

    yield kept_panel, change
    for name, value in {"environment": "", "trackingUri": "", "pollInterval": "2"}.items():
        change(name, value)
    expect(kept_panel.node.locator(".nbproj-store")).to_contain_text(str(kept_panel.opened.folder))
    expect(kept_panel.labelled("environment")).to_have_value("")
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.close(); }")
    kept_panel.ask("PUT", f"lab/api/settings/{PLUGIN}", {"raw": "{}"})


def test_the_panel_says_which_store_it_shows_and_why(kept_panel):
    store = kept_panel.node.locator(".nbproj-store")
    expect(store).to_contain_text(f"{kept_panel.opened.folder / 'mlflow.db'}")
    expect(store).to_contain_text("made by the first run in this folder")
    expect(kept_panel.node).to_contain_text("No runs yet.")
    assert kept_panel.violations() == []


def test_settings_apply_at_once(settled, tmp_path):
    panel, change = settled
    change("environment", "uv")
    panel.node.get_by_text("Settings", exact=True).click()
    expect(panel.labelled("environment")).to_have_value("uv")
    change("trackingUri", f"sqlite:///{tmp_path}/elsewhere.db")
    store = panel.node.locator(".nbproj-store")
    expect(store).to_contain_text(f"{tmp_path}/elsewhere.db")
    expect(store).to_contain_text("setting")
    # With five minutes between two looks nothing is seen of a run that somebody else starts; with a second it is.
    change("pollInterval", "300")
    run = panel.start(entry_point="evaluate")
    assert panel.wait_for_end(run) == "FINISHED"
    change("pollInterval", "1")
    expect(panel.rows).to_have_count(1)
    assert panel.errors == []


def test_nothing_is_asked_while_the_tab_is_hidden(kept_panel):
    panel = kept_panel
    panel.labelled("entry point").select_option("train")
    panel.labelled("rounds").fill("40")
    panel.button("Run").click()
    expect(panel.card.get_by_label("Last lines of output")).to_contain_text("round 1")
    panel.hide_tab(hidden=True)
    asked = panel.requests()
    ids = [panel.ask("GET", f"nbproj/api/runs?path={panel.opened.folder.name}")["rows"][0]["id"]]
    assert panel.wait_for_end(ids[0]) == "FINISHED"
    ids.append(panel.start(entry_point="evaluate"))
    assert panel.wait_for_end(ids[1]) == "FINISHED"
    assert asked == []
    panel.hide_tab(hidden=False)
    panel.wait_for_state("FINISHED")
    expect(panel.rows.first).to_contain_text("evaluate")
    assert asked != []


def test_the_layout_is_there_again_after_a_reload(kept_panel):
    panel, page = kept_panel, kept_panel.opened.page
    kept = f"/api/workspaces/{panel.opened.folder.name}"
    with page.expect_response(
        lambda answer: kept in answer.url and answer.request.method == "PUT" and "nbproj-runs" in json.dumps(answer.request.post_data_json or {})
    ):
        panel.command("nbproj:open-runs")
    page.reload()
    page.wait_for_function("() => window.jupyterapp?.restored")
    expect(panel.node).to_be_visible()
    table = page.locator(".jp-MainAreaWidget > .nbproj-Runs")
    expect(table).to_be_visible()
    table.locator(".nbp-body .nbp-row").first.wait_for()
    panel.opened.screenshot("layout-light")
    assert panel.violations(".jp-MainAreaWidget > .nbproj-Runs") == []
    assert panel.errors == []
