// @ts-check
/** What a saved notebook shows where no kernel runs: it stands before the widget, in an output of its own, and is not shown while the widget lives. */

/**
 * Cover the fallback of a widget, and return what uncovers it.
 * @param {HTMLElement} element The widget, or a part of it.
 * @returns {() => void}
 */
export function coverFallback(element) {
  /** @type {HTMLElement | null} */
  let covered = null;
  const look = () => {
    const before = element.closest(".jp-OutputArea-child")?.previousElementSibling;
    if (before instanceof HTMLElement && before.querySelector(".nbproj-fallback")) {
      covered = before;
      before.style.display = "none";
    }
    if (covered || (tries -= 1) === 0) clearInterval(clock);
  };
  // The widget may be made before it is in the page, and the fallback may be drawn after it; elsewhere than in JupyterLab there is nothing to cover.
  let tries = 100;
  const clock = setInterval(look, 50);
  look();
  return () => {
    clearInterval(clock);
    if (covered) covered.style.display = "";
  };
}
