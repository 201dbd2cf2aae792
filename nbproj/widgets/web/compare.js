// Runs side by side: what they were given and what came out, and where they differ.

import { fill, make } from "./dom.js";
import { moment, number, text } from "./format.js";

/** @typedef {{id: string, label: string, params: Record<string, string>, metrics: Record<string, number | string>, tags: Record<string, string>} & Record<string, any>} Whole */

const ATTRIBUTES = ["status", "entry_point", "start_time", "duration", "user", "experiment"];
const NAMES = { status: "State", entry_point: "Entry point", start_time: "Started", duration: "Took", user: "User", experiment: "Experiment", reason: "Reason" };

/** @param {Whole} run */
export function named(run) {
  return run.label === run.id.slice(0, 8) ? run.label : `${run.label} (${run.id.slice(0, 8)})`;
}

/**
 * @param {HTMLElement} room
 * @param {Whole[]} runs
 */
export function showValues(room, runs) {
  const several = runs.length > 1;
  const only = make("input", { type: "checkbox", checked: several, change: () => list() });
  const held = make("div", { class: "nbp-scroll", tabindex: 0, role: "group", "aria-label": "Values" });
  const list = () => fill(held, [table(runs, only.checked)]);
  list();
  fill(room, [several ? make("label", { class: "nbp-check" }, only, "Only what differs") : null, held]);
}

/**
 * @param {Whole[]} runs
 * @param {boolean} differing
 */
function table(runs, differing) {
  /** @type {HTMLElement[]} */
  const bodies = [];
  /**
   * @param {string} heading
   * @param {string[]} keys
   * @param {(run: Whole, key: string) => string} value
   */
  const part = (heading, keys, value) => {
    const lines = keys.map((key) => ({ key, texts: runs.map((run) => value(run, key)) })).filter((line) => line.texts.some(Boolean));
    const shown = lines.filter((line) => !differing || new Set(line.texts).size > 1);
    if (!lines.length) return;
    const same = lines.length - shown.length;
    bodies.push(make("tbody", {},
      make("tr", {}, make("th", { scope: "rowgroup", colspan: runs.length + 1, class: "nbp-part" }, heading, same ? make("span", { class: "nbp-count" }, ` (${same} the same)`) : null)),
      ...shown.map((line) => make("tr", {}, make("th", { scope: "row" }, (/** @type {Record<string, string>} */ (heading === "Run" ? NAMES : {}))[line.key] || line.key),
        ...line.texts.map((one) => make("td", {}, one))))));
  };
  const all = (/** @type {"params" | "metrics" | "tags"} */ kind) => [...new Set(runs.flatMap((run) => Object.keys(run[kind])))].sort();
  part("Run", [...ATTRIBUTES, "reason"], (run, key) => (key === "start_time" && run[key] !== null ? moment(run[key]) : text(key, run[key] === "" ? null : run[key])));
  part("Parameters", all("params"), (run, key) => run.params[key] ?? "");
  part("Metrics", all("metrics"), (run, key) => {
    const value = run.metrics[key];
    return typeof value === "number" ? number(value) : value ?? "";
  });
  part("Tags", all("tags"), (run, key) => run.tags[key] ?? "");
  return make("table", { class: "nbp-values" },
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, make("span", { class: "nbp-hidden" }, "Value")), ...runs.map((run) => make("th", { scope: "col", title: run.id }, named(run))))), ...bodies);
}
