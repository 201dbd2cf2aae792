"""Forms, editors and cards of a project that wants to be more than text: in a real browser nothing of it runs."""

from __future__ import annotations

import json

MARKUP = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"
LOOK = """() => ({pwned: window.pwned ?? false,
    scripts: document.querySelectorAll('.jp-OutputArea-output script, .jp-OutputArea-output img[src=x]').length})"""
PROJECT = {
    "name": MARKUP,
    "entry_points": {
        MARKUP: {
            "parameters": {
                "note": {"default": MARKUP, "help": MARKUP},
                "kind": {"type": "choice", "choices": [MARKUP, "x"], "default": MARKUP},
                "many": {"type": "list[string]", "choices": [MARKUP, "x"], "default": [MARKUP]},
                "number": {"type": "int", "default": 1, "help": MARKUP},
            },
            "command": "echo {note}; touch \"$NBPROJ_OUTPUT_DIR\"/'<img src=x onerror=window.pwned=1>.png'; exit 3",
        },
    },
}
CODE = """import nbproj
from nbproj.widgets.edit import Editor
form = nbproj.form("wine")
editor = Editor(__import__("pathlib").Path("wine"))
editor.show()
form"""


def test_no_name_value_help_or_error_of_a_project_runs(lab):
    opened = lab(CODE)
    folder = opened.folder / "wine"
    folder.mkdir()
    (folder / "MLproject").write_text(json.dumps(PROJECT))
    shown = opened.run(0)
    run = shown.get_by_role("button", name="Run", exact=True)
    run.wait_for()
    shown.locator(".nbproj-editor").wait_for()  # the two are put into the page one by one
    shown.get_by_label("number", exact=True).fill(MARKUP)
    shown.get_by_role("alert").filter(has_text="is not an int").wait_for()
    assert opened.violations(".nbproj-form") == []
    assert opened.violations(".nbproj-editor") == []
    opened.screenshot("hostile", shown)
    shown.get_by_label("number", exact=True).fill("2")
    shown.get_by_role("alert").wait_for(state="detached")
    opened.page.locator(".nbproj-editor").get_by_label("help").last.fill(f"{MARKUP} more")
    shown.get_by_role("button", name="Show changes").click()
    shown.get_by_text("what would change in MLproject").wait_for()
    opened.screenshot("editor", shown)
    shown.get_by_role("button", name="Write", exact=True).click()
    shown.get_by_text("MLproject is written").wait_for()
    run.click()
    shown.get_by_text("FAILED").first.wait_for()
    shown.get_by_role("button", name="Re-run").click()
    shown.get_by_role("button", name="Yes, run it").wait_for()
    opened.screenshot("hostile-card", shown)
    assert opened.violations() == []
    assert opened.page.evaluate(LOOK) == {"pwned": False, "scripts": 0}
    assert f"{MARKUP} more" in (folder / "MLproject").read_text()


def test_the_buttons_of_a_card_stop_a_run_and_start_it_again_once_that_was_agreed_to(lab):
    opened = lab("%load_ext nbproj\n%mlrun sleeping --detach")
    folder = opened.folder / "sleeping"
    folder.mkdir()
    (folder / "MLproject").write_text("entry_points: {main: {command: 'sleep 300'}}")
    shown = opened.run(0)
    shown.get_by_role("button", name="Stop").click(delay=2500)  # the card is drawn anew meanwhile, and the button with it
    shown.get_by_text("KILLED").wait_for()
    shown.get_by_role("button", name="Re-run").click()
    shown.get_by_role("status").filter(has_text="sleeping").wait_for()
    shown.get_by_role("button", name="Yes, run it").click()
    again = shown.get_by_role("button", name="Stop")
    again.wait_for()
    shown.locator("b", has_text="RUNNING").wait_for()
    assert shown.locator("details").filter(has_text="KILLED").count() == 1
    again.click()
    shown.locator("b", has_text="RUNNING").wait_for(state="detached")
