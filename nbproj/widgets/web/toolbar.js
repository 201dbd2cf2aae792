// What stands above the table: words to find, a filter, how it is shown, what can be done with it.

import { fill, make, set, settled, unique } from "./dom.js";
import { counted, parts, title } from "./format.js";

/**
 * @typedef {object} Acts
 * @property {(changed: object) => void} ask
 * @property {(columns: string[]) => void} columns
 * @property {() => Promise<any>} known
 * @property {() => void} compare
 * @property {() => void} plot
 * @property {() => void} clear
 * @property {() => void} csv
 */

export class Toolbar {
  /** @param {Acts} acts */
  constructor(acts) {
    this.acts = acts;
    const typed = settled(180, () => acts.ask({ text: this.find.value }));
    this.find = make("input", { type: "search", class: "nbp-input", placeholder: "Find", "aria-label": "Find runs by words", spellcheck: "false", input: typed });
    this.trouble = make("div", { class: "nbp-trouble", id: unique("trouble"), role: "alert" });
    this.filter = make("input", {
      type: "text", class: "nbp-input nbp-filter", placeholder: "Filter: metrics.rmse < 1 and params.lr = '0.1'", "aria-label": "Filter in MLflow's language", spellcheck: "false",
      change: () => acts.ask({ filter: this.filter.value }),
    });
    this.group = make("input", { type: "checkbox", change: () => acts.ask({ grouped: this.group.checked, opened: [] }) });
    this.chooser = make("div", { class: "nbp-chooser", id: unique("columns"), hidden: true, keydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape") this.choose(false, true); } });
    this.choosing = make("button", { type: "button", class: "nbp-button", "aria-expanded": "false", "aria-controls": this.chooser.id, click: () => this.choose(this.chooser.hidden) }, "Columns");
    this.compare = make("button", { type: "button", class: "nbp-button", disabled: true, click: () => acts.compare() }, "Compare");
    this.clear = make("button", { type: "button", class: "nbp-button", hidden: true, click: () => acts.clear() }, "Clear selection");
    this.plot = make("button", { type: "button", class: "nbp-button", click: () => acts.plot() }, "Plot");
    this.csv = make("button", { type: "button", class: "nbp-button", click: () => acts.csv() }, "Export CSV");
    this.status = make("div", { class: "nbp-status", role: "status" });
    this.element = make("div", { class: "nbp-bars" },
      make("div", { class: "nbp-bar" }, this.find, this.filter, make("label", { class: "nbp-check" }, this.group, "By batch")),
      make("div", { class: "nbp-bar" }, this.compare, this.clear, this.plot, this.choosing, this.csv, this.status),
      this.trouble, this.chooser);
    /** @type {string[]} */
    this.shown = [];
    this.note = "";
    this.counts = "";
  }

  /**
   * Show what the runs were asked for with.
   * @param {any} asked
   */
  accept(asked) {
    this.find.value = asked.text;
    this.filter.value = asked.filter;
    this.group.checked = asked.grouped;
  }

  /** @param {Error | null} error */
  failed(error) {
    this.trouble.textContent = error ? error.message : "";
    const filters = Boolean(error && /filter/.test(error.message));
    set(this.filter, { "aria-invalid": filters ? "true" : null, "aria-describedby": filters ? this.trouble.id : null });
  }

  /**
   * @param {number} runs
   * @param {string} store
   * @param {number} selected
   */
  tell(runs, store, selected) {
    const count = `${counted(runs, "run")}${selected ? `, ${selected} selected` : ""}`;
    this.counts = store ? `${count} in ${store}` : count;
    this.say(this.note);
    this.compare.disabled = selected === 0;
    this.compare.textContent = selected === 1 ? "Details" : selected ? `Compare ${selected}` : "Compare";
    this.clear.hidden = selected === 0;
  }

  /** @param {string} note what is waited for, or nothing */
  say(note) {
    this.note = note;
    const wanted = note || this.counts;
    if (this.status.textContent !== wanted) this.status.textContent = wanted;
    set(this.status, { title: wanted });
  }

  /**
   * @param {boolean} open
   * @param {boolean} [back] the focus goes back to the button
   */
  async choose(open, back = false) {
    this.chooser.hidden = !open;
    set(this.choosing, { "aria-expanded": String(open) });
    if (back) this.choosing.focus();
    if (!open) return;
    fill(this.chooser, ["Reading..."]);
    try {
      this.offer(await this.acts.known());
    } catch (error) {
      fill(this.chooser, [/** @type {Error} */ (error).message]);
    }
  }

  /** @param {any} known */
  offer(known) {
    const groups = /** @type {[string, string[]][]} */ ([
      ["Run", known.attributes],
      ["Metrics", known.metrics.map((/** @type {string} */ key) => `metrics.${key}`)],
      ["Parameters", known.params.map((/** @type {string} */ key) => `params.${key}`)],
      ["Tags", known.tags.map((/** @type {string} */ key) => `tags.${key}`)],
    ]);
    const boxes = (/** @type {string[]} */ columns) => columns.slice(0, 300).map((column) => {
      const box = make("input", { type: "checkbox", checked: this.shown.includes(column), change: () => this.toggle(column, box.checked) });
      return make("label", { class: "nbp-check", title: parts(column).key }, box, make("span", { class: "nbp-text" }, title(column)));
    });
    fill(this.chooser, groups.filter(([, columns]) => columns.length).map(([name, columns]) =>
      make("fieldset", { class: "nbp-choices" }, make("legend", {}, columns.length > 300 ? `${name} (300 of ${columns.length})` : name), ...boxes(columns))));
    this.chooser.querySelector("input")?.focus();
  }

  /**
   * @param {string} column
   * @param {boolean} on
   */
  toggle(column, on) {
    const others = this.shown.filter((one) => one !== column);
    const { kind } = parts(column);
    const last = others.map((one) => parts(one).kind).lastIndexOf(kind);
    if (on) others.splice(last < 0 ? others.length : last + 1, 0, column); // beside its like
    if (others.length) this.acts.columns(others);
  }
}
