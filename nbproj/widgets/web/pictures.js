// The pictures that runs have kept, those of the same name side by side.

import { named } from "./compare.js";
import { fill, make } from "./dom.js";

/** @typedef {import("./compare.js").Whole} Whole */

/**
 * @param {HTMLElement} room
 * @param {Whole[]} runs
 * @param {(kind: string, content: object) => Promise<any>} ask
 * @param {Set<{remove: () => void}>} kept
 */
export async function showPictures(room, runs, ask, kept) {
  /** @type {{of: {id: string, paths: string[]}[]}} */
  const found = await ask("pictures", { ids: runs.map((run) => run.id) });
  const paths = [...new Set(found.of.flatMap((one) => one.paths))].sort();
  if (!paths.length) {
    fill(room, ["These runs have kept no pictures."]);
    return;
  }
  const has = new Map(found.of.map((one) => [one.id, new Set(one.paths)]));
  fill(room, paths.map((path) => make("div", {},
    make("h4", { class: "nbp-heading" }, path),
    make("div", { class: "nbp-pictures" }, ...runs.map((run) => {
      const held = make("figure", { class: "nbp-figure" }, make("figcaption", {}, named(run)));
      if (has.get(run.id)?.has(path)) show(held, run, path, ask, kept);
      else held.append(make("p", { class: "nbp-count" }, "none"));
      return held;
    })))));
}

/**
 * @param {HTMLElement} held
 * @param {Whole} run
 * @param {string} path
 * @param {(kind: string, content: object) => Promise<any>} ask
 * @param {Set<{remove: () => void}>} kept
 */
async function show(held, run, path, ask, kept) {
  try {
    const answer = await ask("picture", { ids: [run.id], path });
    // An image element runs nothing, whatever stands in the file, and the address is the page's own.
    const address = URL.createObjectURL(new Blob([answer.buffers[0]], { type: answer.type }));
    kept.add({ remove: () => URL.revokeObjectURL(address) });
    held.append(make("img", { src: address, alt: `${path} of ${named(run)}`, class: "nbp-image" }));
  } catch (error) {
    held.append(make("p", { class: "nbp-trouble" }, /** @type {Error} */ (error).message));
  }
}
