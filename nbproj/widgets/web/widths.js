// How wide the columns of the table are: as wide as their title and their texts, within bounds.

import { isNumber, title } from "./format.js";

const FIXED = { status: 94, entry_point: 104, start_time: 140, duration: 82, user: 90, experiment: 120, run_id: 86 };
const WIDEST = 230;
const TREE = 260; // names, with what they are indented by
const CHARACTER = 7.5;

export class Widths {
  constructor() {
    /** @type {Map<string, number>} */
    this.longest = new Map(); // characters, by column: columns grow, and never shrink while somebody looks at them
  }

  /**
   * Take notice of a text that stands in a column.
   * @param {string} column
   * @param {string} text
   */
  see(column, text) {
    if (text.length > (this.longest.get(column) || 0)) this.longest.set(column, text.length);
  }

  /**
   * The columns of a grid, as a style sheet has them.
   * @param {string[]} columns
   * @param {boolean} tree
   * @returns {string}
   */
  tracks(columns, tree) {
    return `30px ${columns.map((column) => `${this.of(column, tree)}px`).join(" ")}`;
  }

  /**
   * @param {string} column
   * @param {boolean} tree
   * @returns {number}
   */
  of(column, tree) {
    if (column === "name" && tree) return TREE;
    const least = column === "name" ? 150 : FIXED[/** @type {keyof typeof FIXED} */ (column)] || Math.min(Math.max(title(column).length * 8 + 34, 84), WIDEST);
    return isNumber(column) ? least : Math.max(least, Math.min(Math.ceil((this.longest.get(column) || 0) * CHARACTER) + 18, WIDEST));
  }
}
