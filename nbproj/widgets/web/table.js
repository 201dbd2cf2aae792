// The table: only the lines in sight are in the page, whatever their number. A grid for the keyboard and for screen readers.

import { fillCell } from "./cell.js";
import { fill, make, set } from "./dom.js";
import { isNumber, moment, parts, text, title } from "./format.js";
import { Rows } from "./rows.js";
import { Widths } from "./widths.js";

/** @typedef {import("./format.js").Line} Line */

const HEIGHT = 28; // of a line, in pixels: as the style sheet has it
const AROUND = 4; // lines beyond the edges

export class Table {
  /**
   * @param {Rows} rows
   * @param {{sort: (column: string) => void, select: () => void, open: (line: Line) => void, expand: (line: Line) => void}} acts
   */
  constructor(rows, acts) {
    this.rows = rows;
    this.acts = acts;
    /** @type {Map<string, Line>} */
    this.selected = new Map();
    /** @type {Set<string>} */
    this.opened = new Set();
    this.sort = { sort: "start_time", descending: true };
    this.grouped = false;
    this.at = { row: 0, column: 0 }; // the cell that has, or had, the focus; row -1 is the head
    this.from = -1; // where a range of selected lines begins
    /** @type {Map<number, HTMLElement>} */
    this.shown = new Map();
    /** @type {HTMLElement[]} */
    this.spare = [];
    this.columnsShown = "";
    this.widths = new Widths();
    this.head = make("div", { class: "nbp-row nbp-head", role: "row", "aria-rowindex": 1 });
    this.body = make("div", { class: "nbp-body", role: "rowgroup" });
    this.empty = make("div", { class: "nbp-empty" });
    this.element = make("div", {
      class: "nbp-grid", role: "grid", "aria-label": "Runs", "aria-multiselectable": "true",
      scroll: () => this.scrolled(), keydown: (/** @type {KeyboardEvent} */ event) => this.key(event), click: (/** @type {MouseEvent} */ event) => this.click(event),
      focusin: (/** @type {FocusEvent} */ event) => this.focused(event),
    }, this.head, this.body);
    this.frame = 0;
  }

  /** Bring the page up to date, once before it is next drawn. */
  refresh() {
    if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); });
  }

  scrolled() {
    this.refresh();
  }

  get window() {
    const height = this.element.clientHeight || 400;
    const first = Math.max(Math.floor(this.element.scrollTop / HEIGHT) - AROUND, 0);
    return { first, end: Math.min(first + Math.ceil(height / HEIGHT) + 2 * AROUND, this.rows.total) };
  }

  draw() {
    const { rows } = this;
    this.drawHead();
    set(this.element, { role: this.grouped ? "treegrid" : "grid", "aria-rowcount": rows.total + 1, "aria-colcount": rows.columns.length + 1 });
    set(this.body, { hidden: rows.total === 0 });
    this.body.style.height = `${rows.total * HEIGHT}px`;
    this.fit();
    if (rows.total) this.at.row = Math.min(this.at.row, rows.total - 1);
    const { first, end } = this.window;
    const wanted = new Set();
    for (let place = first; place < end; place += 1) wanted.add(place);
    if (this.at.row >= 0) wanted.add(this.at.row); // the focus is not lost when its line is out of sight
    for (const [place, element] of this.shown) {
      if (!wanted.has(place)) {
        this.shown.delete(place);
        this.spare.push(element);
        element.remove();
      }
    }
    for (const place of [...wanted].sort((a, b) => a - b)) this.drawLine(place);
    const tracks = this.widths.tracks(rows.columns, this.grouped);
    if (this.element.style.getPropertyValue("--nbp-columns") !== tracks) {
      this.element.style.setProperty("--nbp-columns", tracks);
      this.fit();
    }
    if (rows.total) rows.need(first, end);
  }

  drawHead() {
    const wanted = JSON.stringify([this.rows.columns, this.grouped]);
    if (wanted !== this.columnsShown) {
      this.columnsShown = wanted;
      const held = this.head.contains(document.activeElement);
      fill(this.head, [
        make("div", { class: "nbp-cell", role: "columnheader", "aria-colindex": 1 }, make("span", { class: "nbp-hidden" }, "Selection")),
        ...this.rows.columns.map((column, index) => {
          const { kind, key } = parts(column);
          const hint = kind ? `${{ metrics: "metric", params: "parameter", tags: "tag" }[kind]} ${key}` : title(column);
          return make("div", {
            class: `nbp-cell nbp-title${isNumber(column) ? " nbp-number" : ""}`, role: "columnheader", "aria-colindex": index + 2, "data-column": column, title: hint,
          }, make("span", { class: "nbp-text" }, title(column)));
        }),
      ]);
      if (held && this.at.row === -1) /** @type {HTMLElement | undefined} */ (this.head.children[this.at.column])?.focus();
    }
    [...this.head.children].forEach((cell, index) => {
      const way = this.sort.sort === this.rows.columns[index - 1] ? (this.sort.descending ? "descending" : "ascending") : "none";
      set(cell, { tabindex: this.at.row === -1 && this.at.column === index ? 0 : -1, "aria-sort": index ? way : null });
    });
  }

  fit() {
    const bar = this.element.offsetHeight - this.element.clientHeight; // of a scroll bar
    this.element.style.height = `${(Math.min(Math.max(this.rows.total, 3), 14) + 1) * HEIGHT + 1 + bar}px`;
  }

  /** @param {number} place */
  drawLine(place) {
    const line = this.rows.lines.get(place);
    const { columns } = this.rows;
    let element = this.shown.get(place);
    if (!element) {
      element = /** @type {HTMLElement} */ (this.spare.pop() || make("div", { class: "nbp-row", role: "row" }));
      this.shown.set(place, element);
      element.style.transform = `translateY(${place * HEIGHT}px)`;
      set(element, { "aria-rowindex": place + 2, "data-place": place });
      const after = [...this.shown.keys()].filter((one) => one > place).sort((a, b) => a - b)[0];
      this.body.insertBefore(element, after === undefined ? null : this.shown.get(after) || null); // in order, for who reads the page without seeing it
    }
    while (element.children.length < columns.length + 1) element.append(make("div", { class: "nbp-cell", role: "gridcell", "aria-colindex": element.children.length + 1 }));
    while (element.children.length > columns.length + 1) element.lastElementChild?.remove();
    const selected = line !== undefined && this.selected.has(line.id);
    set(element, {
      "aria-selected": selected ? "true" : "false",
      "aria-busy": line ? null : "true",
      "aria-level": this.grouped && line ? line.depth + 1 : null,
      "aria-expanded": this.grouped && line && line.kids ? String(this.opened.has(line.id)) : null,
      "data-state": line ? line.status : null,
      title: line && line.reason ? line.reason : null,
    });
    for (let index = 0; index < element.children.length; index += 1) {
      const cell = /** @type {HTMLElement} */ (element.children[index]);
      const tab = this.at.row === place && this.at.column === index ? "0" : "-1";
      if (cell.getAttribute("tabindex") !== tab) cell.setAttribute("tabindex", tab);
      if (index) this.drawCell(cell, columns[index - 1], index, line);
    }
  }

  /**
   * @param {HTMLElement} cell
   * @param {string} column
   * @param {number} index
   * @param {Line | undefined} line
   */
  drawCell(cell, column, index, line) {
    const wanted = line ? text(column, line.cells[index - 1], line, this.rows.now) : "";
    this.widths.see(column, wanted);
    const kind = `nbp-cell${isNumber(column) ? " nbp-number" : ""}${column === "status" ? " nbp-state" : ""}`;
    if (cell.className !== kind) cell.className = kind;
    const tree = this.grouped && line && index === Math.max(this.rows.columns.indexOf("name") + 1, 1);
    fillCell(cell, wanted, tree ? { depth: line.depth, kids: line.kids, opened: this.opened.has(line.id) } : null);
    const value = line ? line.cells[index - 1] : null;
    const whole = column === "start_time" && value !== null ? moment(Number(value)) : column === "run_id" && line ? line.id : wanted.length > 12 ? wanted : null;
    if (cell.getAttribute("title") !== whole) set(cell, { title: whole });
  }

  /** Let the time of runs that go on go on. */
  tick() {
    for (const [place, element] of this.shown) {
      const line = this.rows.lines.get(place);
      const index = this.rows.columns.indexOf("duration");
      if (line && index >= 0 && line.end === null && line.status === "RUNNING") this.drawCell(/** @type {HTMLElement} */ (element.children[index + 1]), "duration", index + 1, line);
    }
  }

  /** @param {FocusEvent} event */
  focused(event) {
    const cell = /** @type {HTMLElement} */ (event.target).closest(".nbp-cell");
    if (!cell || !cell.parentElement) return;
    const place = cell.parentElement === this.head ? -1 : Number(cell.parentElement.dataset.place);
    this.at = { row: place, column: [...cell.parentElement.children].indexOf(cell) };
    this.refresh();
  }

  /**
   * Move the focus.
   * @param {number} row
   * @param {number} column
   */
  go(row, column) {
    const at = { row: Math.min(Math.max(row, -1), this.rows.total - 1), column: Math.min(Math.max(column, 0), this.rows.columns.length) };
    this.at = at;
    if (at.row >= 0) {
      const top = at.row * HEIGHT;
      const room = this.element.clientHeight - 2 * HEIGHT;
      if (top < this.element.scrollTop) this.element.scrollTop = top;
      else if (top > this.element.scrollTop + room - 4) this.element.scrollTop = top - room + 4;
    }
    this.draw();
    const line = at.row === -1 ? this.head : this.shown.get(at.row);
    const cell = /** @type {HTMLElement | undefined} */ (line?.children[at.column]);
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.altKey || event.isComposing) return;
    const { row, column } = this.at;
    const page = Math.max(Math.floor(this.element.clientHeight / HEIGHT) - 2, 1);
    const far = event.ctrlKey || event.metaKey;
    const line = this.rows.lines.get(row);
    /** @type {Record<string, () => void>} */
    const ways = {
      ArrowDown: () => this.go(row + 1, column), ArrowUp: () => this.go(row - 1, column),
      ArrowRight: () => this.go(row, column + 1), ArrowLeft: () => this.go(row, column - 1),
      PageDown: () => this.go(row + page, column), PageUp: () => this.go(Math.max(row - page, 0), column),
      Home: () => this.go(far ? 0 : row, 0), End: () => this.go(far ? this.rows.total - 1 : row, this.rows.columns.length),
      Enter: () => this.enter(row, column, line),
      " ": () => (row === -1 ? this.enter(row, column, line) : this.toggle(row, event.shiftKey)),
    };
    const act = ways[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
    if (event.shiftKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) this.select(this.at.row, true);
  }

  /**
   * @param {number} row
   * @param {number} column
   * @param {Line | undefined} line
   */
  enter(row, column, line) {
    if (row === -1) {
      if (column) this.acts.sort(this.rows.columns[column - 1]);
      else this.clear();
    } else if (line && line.kids && this.grouped) this.acts.expand(line);
    else if (line) this.acts.open(line);
  }

  /** @param {MouseEvent} event */
  click(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const cell = /** @type {HTMLElement | null} */ (target.closest(".nbp-cell"));
    const row = /** @type {HTMLElement | null} */ (target.closest(".nbp-row"));
    if (!cell || !row) return;
    if (row === this.head) {
      this.enter(-1, [...row.children].indexOf(cell), undefined);
      return;
    }
    const place = Number(row.dataset.place);
    const line = this.rows.lines.get(place);
    if (line && target.closest(".nbp-fold")) this.acts.expand(line);
    else if (!String(getSelection() || "")) this.toggle(place, event.shiftKey);
  }

  /**
   * @param {number} place
   * @param {boolean} range
   */
  toggle(place, range) {
    const line = this.rows.lines.get(place);
    if (!line) return;
    this.select(place, range && this.from >= 0 ? true : !this.selected.has(line.id), range && this.from >= 0 ? this.from : place);
  }

  /**
   * @param {number} place
   * @param {boolean} on
   * @param {number} [from]
   */
  select(place, on, from = place) {
    for (let one = Math.min(place, Math.max(from, 0)); one <= Math.max(place, from); one += 1) {
      const line = this.rows.lines.get(one);
      if (line && on) this.selected.set(line.id, line);
      else if (line) this.selected.delete(line.id);
    }
    this.from = place;
    this.acts.select();
    this.refresh();
  }

  clear() {
    this.selected.clear();
    this.from = -1;
    this.acts.select();
    this.refresh();
  }
}
