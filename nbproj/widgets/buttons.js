// @ts-check
/**
 * The buttons of live cards. A card is static HTML that is saved as it is; its buttons are put into the page, not into the notebook, and are gone with
 * the kernel. One model per kernel knows the runs; it has no view.
 */

/**
 * @typedef {object} Entry What a card can offer.
 * @property {boolean} running Whether the run goes on.
 * @property {string} notebook Path of the executed notebook on the server, or "".
 * @property {string} asks A question that waits for an answer, or "".
 * @property {string} said What is going on, or "".
 */

/**
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(event: string, callback: () => void) => void} on
 * @property {(event: string, callback: () => void) => void} off
 * @property {(content: object) => void} send
 */

const MARK = "data-nbproj-buttons";
const CARD = "tex2jax_ignore";
const PAUSE = 50; // milliseconds: what a front end draws in one go is looked at once

/**
 * @param {string} text
 * @param {() => void} pressed
 * @param {string} name
 * @returns {HTMLButtonElement}
 */
function button(text, pressed, name) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text;
  element.setAttribute("aria-label", name);
  element.className = "jupyter-button";
  element.style.cssText = "margin:0 8px 0 0;padding:0 10px;height:28px;line-height:28px;cursor:pointer;font:inherit;" +
    "color:var(--jp-ui-font-color1, inherit);background:var(--jp-layout-color2, transparent);border:1px solid var(--jp-border-color1, #757575)";
  element.addEventListener("click", pressed);
  // The card of a run that goes on is drawn anew every second: where that happens between pressing and letting go, no click comes of it.
  element.addEventListener("pointerdown", (down) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const over = new AbortController();
    const ended = (/** @type {PointerEvent} */ up) => {
      if (up.pointerId !== down.pointerId) return;
      over.abort();
      const meant = up.type === "pointerup" && up.clientX >= left && up.clientX <= right && up.clientY >= top && up.clientY <= bottom;
      if (meant && down.button === 0 && !element.isConnected) pressed();
    };
    window.addEventListener("pointerup", ended, { capture: true, signal: over.signal });
    window.addEventListener("pointercancel", ended, { capture: true, signal: over.signal });
  });
  return element;
}

/** @returns {string} Where the server's addresses begin. */
function base() {
  const config = document.getElementById("jupyter-config-data");
  try {
    return JSON.parse(config?.textContent ?? "{}").baseUrl || "/";
  } catch {
    return "/";
  }
}

/** @param {string} path */
function open(path) {
  const inLab = location.pathname.includes("/lab");
  const address = path.split("/").map(encodeURIComponent).join("/");
  window.open(`${base()}${inLab ? "lab/tree" : "notebooks"}/${address}`, "_blank", "noopener");
}

/**
 * @param {Element} card
 * @param {string} id
 * @param {Entry} entry
 * @param {Model} model
 */
function dress(card, id, entry, model) {
  const state = JSON.stringify(entry);
  const there = card.querySelector(`:scope > [${MARK}]`);
  if (there?.getAttribute(MARK) === state) return;
  const bar = document.createElement("div");
  bar.setAttribute(MARK, state);
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", `run ${id.slice(0, 8)}`);
  bar.style.cssText = "margin:6px 0 2px 0";
  const say = (/** @type {string} */ text) => {
    const line = document.createElement("div");
    line.textContent = text;
    line.setAttribute("role", "status");
    line.style.cssText = "margin:2px 0 6px 0;overflow-wrap:anywhere";
    bar.append(line);
  };
  const short = `run ${id.slice(0, 8)}`;
  if (entry.asks) {
    say(entry.asks);
    bar.append(button("Yes, run it", () => model.send({ run: id, does: "agree" }), `Yes, run it: ${short}`));
    bar.append(button("No", () => model.send({ run: id, does: "refuse" }), `No: ${short}`));
  } else {
    if (entry.said) say(entry.said);
    if (entry.running) bar.append(button("Stop", () => model.send({ run: id, does: "stop" }), `Stop ${short}`));
    else bar.append(button("Re-run", () => model.send({ run: id, does: "rerun" }), `Re-run ${short}`));
    if (entry.notebook) bar.append(button("Open notebook", () => open(entry.notebook), `Open notebook of ${short}`));
  }
  const focused = there?.contains(document.activeElement) ? document.activeElement?.textContent : null;
  if (there) there.replaceWith(bar);
  else card.append(bar);
  if (focused) [...bar.querySelectorAll("button")].find((one) => one.textContent === focused)?.focus();
}

export default {
  /** @param {{model: Model}} context */
  initialize({ model }) {
    let waiting = 0;
    const look = () => {
      waiting = 0;
      /** @type {Record<string, Entry>} */
      const runs = model.get("runs");
      for (const code of document.querySelectorAll(`.${CARD} > div > code[title]`)) {
        const id = code.getAttribute("title") ?? "";
        const card = code.parentElement?.parentElement;
        if (card && Object.hasOwn(runs, id)) dress(card, id, runs[id], model);
      }
    };
    const soon = () => {
      waiting ||= window.setTimeout(look, PAUSE);
    };
    const observer = new MutationObserver(soon);
    observer.observe(document.body, { childList: true, subtree: true });
    model.on("change:runs", soon);
    soon();
    return () => {
      observer.disconnect();
      model.off("change:runs", soon);
      clearTimeout(waiting);
      for (const bar of document.querySelectorAll(`[${MARK}]`)) bar.remove();
    };
  },
};
