// Two executed notebooks, side by side, where they differ.

import { named } from "./compare.js";
import { fill, make } from "./dom.js";
import { counted } from "./format.js";

/** @typedef {import("./compare.js").Whole} Whole */
/** @typedef {{kind: string, left: string[], right: string[], from: number, to: number, skipped: number}} Block */

/**
 * @param {HTMLElement} room
 * @param {Whole[]} runs two of them
 * @param {(kind: string, content: object) => Promise<any>} ask
 */
export async function showNotebooks(room, runs, ask) {
  /** @type {{blocks: Block[], lines: number[]}} */
  const found = await ask("notebooks", { ids: runs.map((run) => run.id) });
  if (!found.blocks.length) {
    fill(room, ["The two executed notebooks are the same: sources and printed outputs."]);
    return;
  }
  const rows = [];
  for (const block of found.blocks) {
    if (block.skipped > 0) rows.push(make("tr", {}, make("td", { colspan: 4, class: "nbp-count" }, `${counted(block.skipped, "line")} the same`)));
    const length = Math.max(block.left.length, block.right.length);
    for (let index = 0; index < length; index += 1) rows.push(line(block, index));
  }
  fill(room, [make("div", { class: "nbp-scroll", tabindex: 0, role: "group", "aria-label": "Differences" }, make("table", { class: "nbp-diff" },
    make("thead", {}, make("tr", {}, ...runs.map((run) => make("th", { scope: "col", colspan: 2 }, named(run))))), make("tbody", {}, ...rows)))]);
}

/**
 * @param {Block} block
 * @param {number} index
 */
function line(block, index) {
  const changed = block.kind !== "same";
  const side = (/** @type {string[]} */ lines, /** @type {number} */ first, /** @type {string} */ mark) => {
    const there = index < lines.length;
    const kind = changed && there ? `nbp-${mark === "-" ? "gone" : "come"}` : null;
    return [
      make("td", { class: "nbp-lineno" }, there ? `${changed ? mark : " "} ${first + index}` : ""),
      make("td", { class: kind }, make("code", {}, there ? lines[index] : "")),
    ];
  };
  return make("tr", {}, ...side(block.left, block.from, "-"), ...side(block.right, block.to, "+"));
}
