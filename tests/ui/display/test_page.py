"""The page of an executed notebook in a real browser: it reads well, leads to its cells, and does nothing that a notebook wants it to."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from executed_notebooks import MARKUP, failed, hostile

from nbproj.display.page.notebook import notebook_page

EVERYTHING = """() => {
    const odd = [];
    for (const one of document.querySelectorAll('*')) {
        for (const type of ['mouseover', 'focus', 'load', 'error', 'toggle', 'animationstart']) one.dispatchEvent(new Event(type));
        for (const {name, value} of one.attributes)
            if (name.startsWith('on') || /^\\s*javascript:/i.test(value) && name !== 'title' && name !== 'alt' && name !== 'aria-label')
                odd.push(one.tagName + ' ' + name + '=' + value);
        if (['fixed', 'absolute'].includes(getComputedStyle(one).position)) odd.push(one.tagName + ' leaves its place');
    }
    const count = (what) => document.querySelectorAll(what).length;
    return {odd, pwned: window.pwned ?? false, scripts: count('script, iframe, object, embed, link, base, form, input'), styles: count('style'),
            cells: count('main > section'), title: document.title};
}"""


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """Return the page of a notebook that failed."""
    path = tmp_path_factory.mktemp("page") / "wine.html"
    path.write_text(notebook_page(failed(), name="wine.ipynb", facts={"run": "0123456789abcdef", "commit": "4a74a11ce9"}), encoding="utf-8")
    return path


@pytest.mark.parametrize("trusting", [False, True], ids=["as it is", "without its policy"])
def test_no_notebook_makes_the_page_run_load_or_leave_anything(trusting, visit, tmp_path):
    visited = visit(bypass_csp=trusting, offline=True)
    for number, payload in enumerate(MARKUP):
        path = tmp_path / f"{number}.html"
        path.write_text(notebook_page(hostile(payload), name=payload, facts={payload: payload}), encoding="utf-8")
        visited.open(path)
        found = visited.page.evaluate(EVERYTHING)
        assert found["odd"] == [], payload
        assert {**found, "title": ""} == {"odd": [], "pwned": False, "scripts": 0, "styles": 1, "cells": 5, "title": ""}, payload
        assert (visited.requested, visited.complaints) == ([path.as_uri()], []), payload
        visited.requested.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_reads_well_in_light_and_dark_wide_and_narrow(scheme, width, visit, file):
    visited = visit(width, color_scheme=scheme, offline=True)
    visited.open(file)
    grounds = {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 28)"}
    assert visited.page.evaluate("getComputedStyle(document.body).backgroundColor") == grounds[scheme]
    assert visited.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it must not scroll sideways"
    assert visited.page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
    found = Axe().run(visited.page, options={"rules": {"empty-table-header": {"enabled": False}}})  # the corner of pandas's own tables
    assert found.violations_count == 0, found.generate_report()
    assert visited.requested == [file.as_uri()]
    assert visited.complaints == []


@pytest.mark.parametrize("width", [1280, 360])
def test_the_index_and_the_verdict_lead_to_the_cell(width, visit, file):
    visited = visit(width, height=400)
    visited.open(file)
    top = "(cell) => document.querySelector(cell).getBoundingClientRect().top"
    assert visited.page.evaluate(top, "#cell-8") > 400
    visited.page.get_by_role("link", name="not run").click()
    visited.page.wait_for_url("**#cell-8")  # the browser tells of it in a message of its own, which may come after the click's
    visited.page.wait_for_function("() => document.querySelector('#cell-8').getBoundingClientRect().bottom <= innerHeight")
    visited.page.evaluate("scrollTo(0, 0)")
    visited.page.locator(".verdict a").click()
    visited.page.wait_for_function("() => Math.abs(document.querySelector('#cell-7').getBoundingClientRect().top) < 40")


def test_the_failing_cell_is_the_first_thing_that_the_keyboard_reaches(visit, file):
    visited = visit(height=400)
    visited.open(file)
    visited.page.keyboard.press("Tab")
    assert visited.page.evaluate("document.activeElement.textContent") == "cell 7"
    visited.page.keyboard.press("Enter")
    visited.page.wait_for_url("**#cell-7")


def test_a_reader_without_scripts_sees_the_same(visit, file):
    visited = visit(java_script_enabled=False)
    visited.open(file)
    assert visited.page.get_by_text("Failed in cell 7: KeyError: 'wine'").is_visible()
    assert visited.page.locator("main > section").count() == 10
