// A row of tabs, and below it what the chosen one shows.

import { fill, make, set, unique } from "./dom.js";

/** @typedef {{name: string, show: (room: HTMLElement) => void | Promise<void>}} Tab */

export class Tabs {
  /** @param {() => void} closed */
  constructor(closed) {
    this.list = make("div", { class: "nbp-tabs", role: "tablist", "aria-label": "Runs side by side", keydown: (/** @type {KeyboardEvent} */ event) => this.key(event) });
    this.room = make("div", { class: "nbp-room", role: "tabpanel", id: unique("room"), tabindex: 0 });
    this.close = make("button", { type: "button", class: "nbp-button", click: closed }, "Close");
    this.element = make("section", { class: "nbp-pane", "aria-label": "Comparison", hidden: true }, make("div", { class: "nbp-bar nbp-tabbar" }, this.list, this.close), this.room);
    /** @type {Tab[]} */
    this.tabs = [];
    this.chosen = "";
    this.turn = 0;
  }

  /**
   * @param {Tab[]} tabs
   * @param {string} first
   */
  offer(tabs, first) {
    this.tabs = tabs;
    this.element.hidden = false;
    fill(this.list, tabs.map((tab) => make("button", {
      type: "button", class: "nbp-tab", role: "tab", id: unique("tab"), "aria-controls": this.room.id, click: () => this.choose(tab.name),
    }, tab.name)));
    return this.choose(tabs.some((tab) => tab.name === first) ? first : tabs[0].name);
  }

  /** @param {string} name */
  async choose(name) {
    this.chosen = name;
    this.turn += 1;
    const { turn } = this;
    [...this.list.children].forEach((button, index) => {
      const on = this.tabs[index].name === name;
      set(button, { "aria-selected": String(on), tabindex: on ? 0 : -1 });
      if (on) set(this.room, { "aria-labelledby": button.id });
    });
    const room = make("div", {}, "Reading...");
    fill(this.room, [room]);
    try {
      await this.tabs.find((tab) => tab.name === name)?.show(room);
    } catch (error) {
      if (turn === this.turn) fill(room, [make("p", { class: "nbp-trouble" }, /** @type {Error} */ (error).message)]);
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const now = this.tabs.findIndex((tab) => tab.name === this.chosen);
    const next = (now + step + this.tabs.length) % this.tabs.length;
    this.choose(this.tabs[next].name);
    /** @type {HTMLElement} */ (this.list.children[next]).focus();
  }

  hide() {
    this.element.hidden = true;
    fill(this.room, []);
  }
}
