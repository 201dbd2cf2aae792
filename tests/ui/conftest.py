"""A real browser: Chromium from the machine's own packages, with nothing but what the test gives it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update")


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    """Start the browser once; a page of it has a profile of its own."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "a browser is needed: apt install chromium"
    home = tmp_path_factory.mktemp("browser")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=[*QUIET, "--disable-sync"], env={"HOME": str(home), "TZ": "UTC"})
        yield started
        started.close()


@dataclass
class Visit:
    """A page in the browser, and what it did by itself.

    Parameters
    ----------
    page : Page
        As playwright has it.
    requested : list of str
        Addresses that it asked for.
    complaints : list of str
        Errors and warnings on its console.
    """

    page: Page
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, file: Path, anchor: str = "") -> None:
        """Open a file and wait until all of it is there."""
        self.page.goto(f"{file.as_uri()}{anchor}")


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Visit]]:
    """Return a function that makes an empty page; it takes what a browser context takes, such as `color_scheme`."""
    contexts = []

    def make(width: int = 1280, height: int = 800, **context: object) -> Visit:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **context))
        visited = Visit(contexts[-1].new_page())
        visited.page.set_default_timeout(30_000)
        visited.page.on("request", lambda request: visited.requested.append(request.url))
        visited.page.on("console", lambda said: visited.complaints.append(said.text) if said.type in {"error", "warning"} else None)
        visited.page.on("pageerror", lambda error: visited.complaints.append(str(error)))
        return visited

    yield make
    for context in contexts:
        context.close()
