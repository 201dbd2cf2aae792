"""The panel of runs on an empty page, with the real answers behind it: a thin pipe stands where a kernel's comm would be."""

from __future__ import annotations

import base64
import queue
import time
from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Page

from nbproj.widgets.bundle import javascript, stylesheet
from nbproj.widgets.runs import Panel

CARRIER = """
(() => {
  const listeners = new Set();
  window.carrier = {
    send: (content) => window.toPython(content),
    on: (_event, listen) => listeners.add(listen),
    off: (_event, listen) => listeners.delete(listen),
  };
  const take = async () => {
    for (const [content, buffers] of await window.fromPython()) {
      const views = buffers.map((text) => new DataView(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer));
      listeners.forEach((listen) => listen(content, views));
    }
    setTimeout(take, 5);
  };
  take();
})();
"""
START = """async (source) => {
  const address = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  window.widget = (await import(address)).default;
}"""
RENDER = "() => { window.end = window.widget.render({model: window.carrier, el: document.querySelector('main')}); }"


class Pipe:
    """Carries questions from a page to a panel, and its answers to the page.

    Parameters
    ----------
    panel : Panel
        The panel.
    page : Page
        An empty page.
    """

    def __init__(self, panel: Panel, page: Page) -> None:
        self.panel = panel
        self.page = page
        self.sent: list[dict[str, Any]] = []
        self._waiting: queue.SimpleQueue[tuple[dict[str, Any], list[str]]] = queue.SimpleQueue()
        panel._conversation._send = self._send
        self._asked: set[object] = set()
        page.expose_function("toPython", self._receive)
        page.expose_function("fromPython", self._take)

    def _receive(self, content: dict[str, Any]) -> None:
        if content.get("ask"):
            self._asked.add(content["ask"])
        self.panel._conversation.receive(content)

    def rest(self) -> None:
        """Wait until the page has its answer to every question, and has no more."""
        deadline, quiet = time.monotonic() + 60, 0
        while quiet < 3:  # an answer may lead to another question
            assert time.monotonic() < deadline, "the page asks on"
            self.page.wait_for_timeout(50)
            quiet = quiet + 1 if not self._waiting.qsize() and self._asked <= {one.get("ask") for one in self.sent} else 0

    def _send(self, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        self.sent.append(content)
        self._waiting.put((content, [base64.b64encode(one).decode() for one in buffers]))

    def _take(self) -> list[tuple[dict[str, Any], list[str]]]:
        return [self._waiting.get() for _ in range(self._waiting.qsize())]

    def load(self, css: str = "") -> None:
        """Put sheet and module into the page, without showing anything yet."""
        self.page.set_content(f"<!DOCTYPE html><html lang='en'><title>Runs</title><style>{css}{stylesheet()}</style><main></main></html>")
        self.page.evaluate(CARRIER)
        self.page.evaluate(START, javascript())

    def show(self) -> None:
        """Show the panel, and wait for its first lines."""
        self.page.evaluate(RENDER)
        self.page.wait_for_selector(".nbp-body [role=gridcell]:not(:empty)")
