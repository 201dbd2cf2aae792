// @ts-check
/**
 * A part of a form that shows nothing. The sliders of ipywidgets have no names that a screen reader could tell: it gives them some. And it covers the
 * static table, which is what a saved form shows.
 */

import { coverFallback } from "./web/fallback.js";

/**
 * What anywidget calls for each view of the widget.
 * @param {{el: HTMLElement}} context
 */
export function render({ el }) {
  el.style.display = "none";
  const uncover = coverFallback(el);
  let waiting = 0;
  const name = () => {
    waiting = 0;
    const form = el.closest(".nbproj-form");
    for (const row of form?.querySelectorAll(".nbproj-row") ?? []) {
      const label = row.querySelector("label")?.textContent ?? "";
      for (const handle of row.querySelectorAll(".noUi-handle")) {
        if (handle.getAttribute("aria-label") !== `${label}, slider`) handle.setAttribute("aria-label", `${label}, slider`);
      }
    }
  };
  const soon = () => {
    waiting ||= window.setTimeout(name, 0);
  };
  const observer = new MutationObserver(soon);
  // The form is put together around this widget: it is found once that has happened.
  const begin = window.setTimeout(() => {
    observer.observe(el.closest(".nbproj-form") ?? document.body, { childList: true, subtree: true });
    soon();
  }, 0);
  return () => {
    uncover();
    observer.disconnect();
    clearTimeout(begin);
    clearTimeout(waiting);
  };
}

export default { render };
