// The courses of one metric in several runs, in one picture.

import { colour, dash, isDark } from "./colours.js";
import { named } from "./compare.js";
import { fill, make } from "./dom.js";
import { number } from "./format.js";
import { uPlot } from "./uplot.js";

/** @typedef {import("./compare.js").Whole} Whole */
const WHOLE = Array.from({ length: 30 }, (_one, index) => [1, 2, 5][index % 3] * 10 ** Math.floor(index / 3)); // between marks of steps

/** @typedef {{root: HTMLElement, setSize: (size: object) => void, destroy: () => void}} Plot */

const Plot = /** @type {new (options: object, data: object, into: HTMLElement) => Plot} */ (/** @type {unknown} */ (uPlot));

/** @typedef {{id: string, steps: number[], times: number[], values: (number | null)[]}} Curve */

/**
 * @param {HTMLElement} room
 * @param {Whole[]} runs
 * @param {(key: string) => Promise<{curves: Curve[]}>} ask
 * @param {Set<{remove: () => void}>} kept what is to be ended with the room
 */
export async function showCurves(room, runs, ask, kept) {
  const keys = [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].sort();
  if (!keys.length) {
    fill(room, ["These runs have no metrics."]);
    return;
  }
  const metric = make("select", { class: "nbp-input", "aria-label": "Metric", change: () => load() }, ...keys.map((key) => make("option", { value: key }, key)));
  const along = make("select", { class: "nbp-input", "aria-label": "Along", change: () => show() }, make("option", { value: "steps" }, "by step"), make("option", { value: "times" }, "by seconds"));
  const log = make("input", { type: "checkbox", change: () => show() });
  const picture = make("div", { class: "nbp-chart" });
  const legend = make("ul", { class: "nbp-legend" });
  /** @type {Curve[]} */
  let curves = [];
  const show = () => {
    kept.forEach((one) => one.remove());
    kept.clear();
    fill(picture, []);
    chart(picture, legend, runs, curves, { key: metric.value, along: along.value, log: log.checked }, kept);
  };
  const load = async () => {
    const wanted = metric.value;
    const answer = await ask(wanted);
    if (wanted !== metric.value || !picture.closest(".nbp")) return; // another metric is wanted by now, or another tab
    curves = answer.curves;
    show();
  };
  fill(room, [make("div", { class: "nbp-bar" }, metric, along, make("label", { class: "nbp-check" }, log, "Logarithmic")), picture, legend]);
  await load();
}

/**
 * @param {HTMLElement} picture
 * @param {HTMLElement} legend
 * @param {Whole[]} runs
 * @param {Curve[]} curves
 * @param {{key: string, along: string, log: boolean}} wanted
 * @param {Set<{remove: () => void}>} kept
 */
function chart(picture, legend, runs, curves, wanted, kept) {
  const dark = isDark(/** @type {Element} */ (picture.closest(".nbp")));
  const usable = curves.filter((curve) => curve.values.some((value) => value !== null && (!wanted.log || value > 0)));
  const labels = new Map(runs.map((run, index) => [run.id, { label: named(run), index }]));
  const look = (/** @type {Curve} */ curve) => labels.get(curve.id) || { label: curve.id.slice(0, 8), index: 0 };
  const texts = usable.map(() => make("span", { class: "nbp-count" }));
  fill(legend, usable.map((curve, index) => {
    const { label, index: place } = look(curve);
    const mark = make("span", { class: "nbp-mark" });
    mark.style.borderTopColor = colour(place, dark);
    mark.style.borderTopStyle = dash(place).length ? "dashed" : "solid";
    return make("li", {}, mark, label, texts[index]);
  }));
  if (!usable.length) {
    fill(picture, [`No run has values of ${wanted.key} that can be drawn.`]);
    return;
  }
  const tables = usable.map((curve) => {
    const start = curve.times[0];
    const along = wanted.along === "steps" ? curve.steps : curve.times.map((time) => (time - start) / 1000);
    /** @type {Map<number, number | null>} */
    const points = new Map(along.map((x, index) => [x, curve.values[index] !== null && wanted.log && /** @type {number} */ (curve.values[index]) <= 0 ? null : curve.values[index]]));
    const sorted = [...points].sort((a, b) => a[0] - b[0]);
    return [sorted.map(([x]) => x), sorted.map(([, y]) => y)];
  });
  const data = uPlot.join(tables);
  const line = dark ? "rgba(255,255,255,0.14)" : "rgba(0,0,0,0.12)";
  const ink = getComputedStyle(picture).color;
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const width = () => Math.max(picture.clientWidth, 240);
  const tell = (/** @type {any} */ plot) => usable.forEach((_curve, index) => {
    const at = plot.cursor.idx;
    const value = at === null || at === undefined ? lastOf(tables[index][1]) : plot.data[index + 1][at];
    texts[index].textContent = value === null || value === undefined ? "" : ` ${number(value)}`;
  });
  const plot = new Plot({
    width: width(), height: 260, legend: { show: false }, cursor: { drag: { x: true, y: false } },
    scales: { x: { time: false }, y: wanted.log ? { distr: 3 } : {} },
    axes: [{ ...axis, ...(wanted.along === "steps" ? { incrs: WHOLE } : {}), label: wanted.along === "steps" ? "step" : "seconds", labelSize: 22 }, { ...axis, size: 64, values: (/** @type {any} */ _plot, /** @type {(number | null)[]} */ splits) => splits.map((one) => (one === null ? "" : number(one))) }],
    series: [{}, ...usable.map((curve) => {
      const { label, index } = look(curve);
      return { label, stroke: colour(index, dark), width: 1.5, dash: dash(index), spanGaps: false, points: { show: curve.values.length < 40, size: 5 } };
    })],
    hooks: { setCursor: [tell] },
  }, data, picture);
  tell(plot);
  const said = usable.map((curve, index) => `${look(curve).label}: ${curve.values.length} values, last ${number(Number(lastOf(tables[index][1])))}`);
  plot.root.setAttribute("role", "img");
  plot.root.setAttribute("aria-label", `${wanted.key} ${wanted.along === "steps" ? "by step" : "by seconds"}. ${said.join("; ")}`);
  const watch = new ResizeObserver(() => plot.setSize({ width: width(), height: 260 }));
  watch.observe(picture);
  kept.add({ remove: () => { watch.disconnect(); plot.destroy(); } });
}

/** @param {(number | null)[]} values */
function lastOf(values) {
  return values.filter((value) => value !== null).at(-1) ?? null;
}
