// The panel of runs: a table, what stands above it, and runs side by side below it. JupyterLab's panel imports the same modules.

import { Channel } from "./web/channel.js";
import { showCurves } from "./web/curves.js";
import { showValues } from "./web/compare.js";
import { download, fill, make, set } from "./web/dom.js";
import { coverFallback } from "./web/fallback.js";
import { isNumber } from "./web/format.js";
import { showNotebooks } from "./web/notebooks.js";
import { showPictures } from "./web/pictures.js";
import { showParallel, showScatter } from "./web/plots.js";
import { Rows } from "./web/rows.js";
import { Table } from "./web/table.js";
import { Tabs } from "./web/tabs.js";
import { Toolbar } from "./web/toolbar.js";

/** @typedef {import("./web/channel.js").Carrier} Carrier */
/** @typedef {import("./web/format.js").Line} Line */

const SIDE_BY_SIDE = 20;

export class Panel {
  /**
   * @param {Carrier} carrier
   * @param {HTMLElement} element
   */
  constructor(carrier, element) {
    this.channel = new Channel(carrier);
    this.rows = new Rows(this.channel, () => this.changed(), (error) => this.toolbar.failed(error));
    this.toolbar = new Toolbar({
      ask: (asked) => this.ask(asked),
      columns: (columns) => this.rows.look(null, columns, this.table.window.first),
      known: () => this.channel.ask("columns"),
      compare: () => this.compare("Values"),
      plot: () => this.compare("Scatter"),
      clear: () => this.table.clear(),
      csv: () => this.csv(),
    });
    this.table = new Table(this.rows, {
      sort: (column) => this.sort(column),
      select: () => this.select(),
      open: (line) => this.open(line),
      expand: (line) => this.expand(line),
    });
    /** @type {Set<{remove: () => void}>} */
    this.kept = new Set();
    this.tabs = new Tabs(() => this.close());
    this.store = "";
    this.root = make("div", { class: "nbp" }, this.toolbar.element, this.table.element, this.tabs.element);
    // Jupyter's single keys - d d deletes a cell - are not for who works in here; those with Ctrl are, such as saving. It looks at the element that
    // has the focus for this mark, before anybody else is told of the key.
    this.guard = (/** @type {KeyboardEvent} */ event) => {
      if (event.target instanceof Element && this.root.contains(event.target)) set(event.target, { "data-lm-suppress-shortcuts": event.ctrlKey || event.metaKey ? null : "true" });
    };
    window.addEventListener("keydown", this.guard, true);
    element.append(this.root);
    this.channel.pushed = (news) => this.pushed(news);
    this.channel.waiting = (waits) => this.toolbar.say(waits ? "Waiting for the kernel, which is busy..." : "");
    this.clock = setInterval(() => this.table.tick(), 1000);
    this.watch = new ResizeObserver(() => this.table.refresh());
    this.watch.observe(this.root);
    this.begin();
  }

  async begin() {
    try {
      const answer = await this.channel.ask("open", { start: 0, count: 60 });
      this.store = answer.store;
      this.toolbar.accept(answer.asked);
      this.table.sort = { sort: answer.asked.sort, descending: answer.asked.descending };
      this.table.grouped = answer.asked.grouped;
      this.table.opened = new Set(answer.asked.opened);
      this.rows.accept(answer);
      this.chosen(answer.selected);
    } catch (error) {
      this.toolbar.failed(/** @type {Error} */ (error));
    }
  }

  changed() {
    this.toolbar.shown = this.rows.columns;
    this.toolbar.tell(this.rows.runs, this.store, this.table.selected.size);
    this.table.refresh();
  }

  /** @param {any} news */
  pushed(news) {
    if (news.push === "changes") this.rows.update(news);
    else if (news.push === "selected") this.chosen(news.selected);
    else if (news.push === "trouble") this.toolbar.failed(new Error(news.error));
  }

  /** @param {string[]} ids chosen from Python, or earlier */
  chosen(ids) {
    const known = new Map([...this.rows.lines.values()].map((line) => [line.id, line]));
    this.table.selected = new Map(ids.map((id) => [id, known.get(id) || { id, status: "", depth: 0, kids: 0, start: null, end: null, cells: [] }]));
    this.changed();
  }

  /** @param {any} asked */
  async ask(asked) {
    const { table } = this;
    if ("grouped" in asked) table.opened.clear();
    if (await this.rows.look(asked, null)) {
      if ("grouped" in asked) table.grouped = asked.grouped;
      table.element.scrollTop = 0;
      table.from = -1;
      table.at = { row: table.at.row === -1 ? -1 : 0, column: table.at.column };
      table.refresh();
    }
  }

  /** @param {string} column */
  sort(column) {
    const { sort } = this.table;
    const descending = sort.sort === column ? !sort.descending : isNumber(column) || column === "start_time";
    this.table.sort = { sort: column, descending };
    this.ask({ sort: column, descending });
  }

  /** @param {Line} line */
  expand(line) {
    const { opened } = this.table;
    if (!opened.delete(line.id)) opened.add(line.id);
    this.rows.look({ opened: [...opened] }, null, this.table.window.first);
  }

  select() {
    this.channel.tell("select", { ids: [...this.table.selected.keys()] });
    this.changed();
  }

  /** @param {Line} line */
  open(line) {
    this.table.selected = new Map([[line.id, line]]);
    this.select();
    this.compare("Values");
  }

  /** @param {string} first */
  async compare(first) {
    this.forget();
    const ids = [...this.table.selected.keys()].slice(0, SIDE_BY_SIDE);
    const ask = (/** @type {string} */ kind, /** @type {object} */ content) => this.channel.ask(kind, content);
    try {
      const runs = ids.length ? (await this.channel.ask("compare", { ids })).of : [];
      const known = await this.channel.ask("columns");
      const drawable = ["duration", ...known.metrics.slice(0, 60).map((/** @type {string} */ key) => `metrics.${key}`), ...known.params.slice(0, 60).map((/** @type {string} */ key) => `params.${key}`)];
      const [one] = [...this.table.selected.values()];
      const batch = this.table.selected.size === 1 && one.kids ? one.id : null;
      const drawn = (/** @type {string[]} */ columns) => this.channel.ask("values", { columns, batch, ids: !batch && this.table.selected.size > 1 ? [...this.table.selected.keys()] : [] });
      const looks = runs.length ? [
        { name: "Values", show: (/** @type {HTMLElement} */ room) => showValues(room, runs) },
        { name: "Curves", show: (/** @type {HTMLElement} */ room) => showCurves(room, runs, (key) => ask("curves", { ids, key }), this.kept) },
        { name: "Pictures", show: (/** @type {HTMLElement} */ room) => showPictures(room, runs, ask, this.kept) },
        ...(runs.length === 2 ? [{ name: "Notebooks", show: (/** @type {HTMLElement} */ room) => showNotebooks(room, runs, ask) }] : []),
      ] : [];
      await this.tabs.offer([
        ...looks,
        { name: "Scatter", show: (/** @type {HTMLElement} */ room) => showScatter(room, drawable, drawn) },
        { name: "Parallel", show: (/** @type {HTMLElement} */ room) => showParallel(room, drawable, drawn) },
      ], first);
      this.tabs.element.scrollIntoView({ block: "nearest" });
    } catch (error) {
      this.toolbar.failed(/** @type {Error} */ (error));
    }
  }

  async csv() {
    try {
      const answer = await this.channel.ask("csv");
      download("runs.csv", new Blob([answer.text], { type: "text/csv;charset=utf-8" }));
    } catch (error) {
      this.toolbar.failed(/** @type {Error} */ (error));
    }
  }

  forget() {
    this.kept.forEach((one) => one.remove());
    this.kept.clear();
  }

  close() {
    this.forget();
    this.tabs.hide();
    this.toolbar.compare.focus();
  }

  end() {
    this.forget();
    clearInterval(this.clock);
    window.removeEventListener("keydown", this.guard, true);
    this.watch.disconnect();
    this.channel.end();
    fill(this.root, []);
    this.root.remove();
  }
}

/**
 * What anywidget calls for each view of the widget.
 * @param {{model: Carrier, el: HTMLElement}} context
 */
export function render({ model, el }) {
  const restore = coverFallback(el);
  const panel = new Panel(model, el);
  return () => {
    panel.end();
    restore();
  };
}

export default { render };
