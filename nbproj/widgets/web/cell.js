// What stands in a cell of the table: a text, or a text in a tree with the mark that folds the runs of a batch.

import { fill, make } from "./dom.js";
import { counted } from "./format.js";

/**
 * @param {HTMLElement} cell
 * @param {string} wanted
 * @param {{depth: number, kids: number, opened: boolean} | null} tree
 */
export function fillCell(cell, wanted, tree) {
  if (!tree) {
    if (cell.dataset.drawn !== undefined) delete cell.dataset.drawn;
    if (cell.style.paddingLeft) cell.style.paddingLeft = "";
    if (cell.childElementCount || cell.textContent !== wanted) cell.textContent = wanted;
    return;
  }
  cell.style.paddingLeft = `${6 + tree.depth * 18}px`;
  const mark = tree.kids ? (tree.opened ? "▾" : "▸") : "";
  const drawn = JSON.stringify([mark, wanted, tree.kids]);
  // What is pressed must still be there when it is let go: pressing moves the focus, and with that the lines are drawn anew.
  if (cell.dataset.drawn === drawn) return;
  cell.dataset.drawn = drawn;
  fill(cell, [
    mark && make("span", { class: "nbp-fold", "aria-hidden": "true" }, mark), wanted,
    tree.kids ? make("span", { class: "nbp-count" }, ` ${counted(tree.kids, "run")}`) : null,
  ]);
}
