// The lines that have come so far, by their place; what is missing is asked for, with much around it.

import { Channel } from "./channel.js";

/** @typedef {import("./format.js").Line} Line */

const AHEAD = 150; // lines that are fetched on either side: a kernel that is busy then need not be asked while one scrolls
const AT_ONCE = 60;
const KEPT = 3000;

export class Rows {
  /**
   * @param {Channel} channel
   * @param {() => void} changed
   * @param {(error: Error | null) => void} failed
   */
  constructor(channel, changed, failed) {
    this.channel = channel;
    this.changed = changed;
    this.failed = failed;
    /** @type {Map<number, Line>} */
    this.lines = new Map();
    this.total = 0;
    this.runs = 0;
    /** @type {string[]} */
    this.columns = [];
    this.ahead = 0; // of the kernel's clock before ours, in milliseconds
    this.asking = false;
    /** @type {[number, number] | null} */
    this.missed = null; // what has come into sight while lines elsewhere were asked for
    this.version = 0;
    this.wanted = { start: 0, count: 60 };
  }

  /** The time by the kernel's clock. */
  get now() {
    return Date.now() + this.ahead;
  }

  /** @param {any} answer */
  accept(answer) {
    this.total = answer.total;
    this.runs = answer.runs;
    this.columns = answer.columns;
    this.ahead = answer.now - Date.now();
    if (this.lines.size > KEPT) this.lines.clear();
    answer.rows.forEach((/** @type {Line} */ line, /** @type {number} */ index) => this.lines.set(answer.start + index, line));
    this.changed();
  }

  /** @param {any} news */
  update(news) {
    this.total = news.total;
    this.runs = news.runs;
    if (news.moved) {
      const around = new Map([...this.lines].filter(([place]) => place >= this.wanted.start && place < this.wanted.start + this.wanted.count));
      this.lines = around;
    }
    for (const [place, line] of news.rows) this.lines.set(place, line);
    this.changed();
  }

  /**
   * Ask for another view of the runs; the lines that are there stay until its come.
   * @param {object | null} asked
   * @param {string[] | null} columns
   * @param {number} [start]
   * @returns {Promise<boolean>}
   */
  async look(asked, columns, start = 0) {
    this.version += 1;
    const version = this.version;
    this.wanted = { start: Math.max(start - AT_ONCE / 3, 0), count: AT_ONCE }; // what is in sight; the lines around it are fetched once it is
    try {
      const answer = await this.channel.ask("look", { asked, columns, ...this.wanted });
      if (version !== this.version) return false;
      this.lines.clear();
      this.failed(null);
      this.accept(answer);
      return true;
    } catch (error) {
      if (version === this.version) this.failed(/** @type {Error} */ (error));
      return false;
    }
  }

  /**
   * See to it that the lines of a window, and some around it, are there.
   * @param {number} first
   * @param {number} end
   */
  async need(first, end) {
    const begin = Math.max(first - AHEAD / 3, 0);
    const until = Math.min(end + AHEAD / 3, this.total);
    let complete = true;
    for (let place = Math.floor(begin); place < until; place += 1) complete = complete && this.lines.has(place);
    if (complete) return;
    if (this.asking) {
      if (begin < this.wanted.start || until > this.wanted.start + this.wanted.count) this.missed = [first, end];
      return;
    }
    this.asking = true;
    const version = this.version;
    this.wanted = { start: Math.max(first - AHEAD, 0), count: end - first + 2 * AHEAD };
    try {
      const answer = await this.channel.ask("look", { asked: null, columns: null, ...this.wanted });
      if (version === this.version) this.accept(answer);
    } catch (error) {
      this.failed(/** @type {Error} */ (error));
    } finally {
      this.asking = false;
      const missed = this.missed;
      this.missed = null;
      if (missed) this.need(...missed);
    }
  }
}
