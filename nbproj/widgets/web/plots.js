// Many runs in one picture: two values against each other, or all of them as lines across parallel axes.

import { between, isDark } from "./colours.js";
import { draw, fill, make } from "./dom.js";
import { counted, grouped, isNumber, text, title } from "./format.js";
import { scale } from "./scales.js";

/** @typedef {{total: number, ids: string[], labels: string[], values: Record<string, (string | number | null)[]>}} Drawn */
/** @typedef {(columns: string[]) => Promise<Drawn>} Ask */

const WIDTH = 760;
const HEIGHT = 320;
const EDGE = { left: 70, right: 20, top: 14, bottom: 46 };
const AXES = 8;

/** @param {Drawn} drawn */
function about(drawn) {
  const { length } = drawn.ids;
  return length < drawn.total ? `the first ${counted(length, "run")} of ${grouped(drawn.total)}` : counted(length, "run");
}

/**
 * @param {string} label
 * @param {string[]} columns
 * @param {string} chosen
 * @param {() => void} changed
 * @param {boolean} [none]
 */
function choice(label, columns, chosen, changed, none = false) {
  const options = columns.map((column) => make("option", { value: column, selected: column === chosen }, title(column)));
  const select = make("select", { class: "nbp-input", change: changed }, ...(none ? [make("option", { value: "" }, "none")] : []), ...options);
  if (none) select.value = chosen;
  return { select, element: make("label", { class: "nbp-check" }, label, select) };
}

/** @param {(string | number | null)[]} values */
function varies(values) {
  return new Set(values.filter((value) => value !== null)).size > 1;
}

/**
 * @param {HTMLElement} room
 * @param {string[]} columns that can be drawn
 * @param {Ask} ask
 */
export async function showScatter(room, columns, ask) {
  const metrics = columns.filter(isNumber);
  const params = columns.filter((column) => column.startsWith("params."));
  const show = async () => {
    const wanted = [x.select.value, y.select.value, ...(tint.select.value ? [tint.select.value] : [])];
    const drawn = await ask(wanted);
    const panel = picture.closest(".nbp");
    if (!panel) return; // another tab is wanted by now
    fill(picture, [scatter(drawn, wanted, isDark(panel))]);
    told.textContent = `${about(drawn)}${wanted[2] ? `; colour: ${title(wanted[2])}, blue is low, orange is high` : ""}`;
  };
  const x = choice("Across", columns, params[0] || columns[0], show);
  const y = choice("Up", columns, metrics.find((one) => one !== "duration") || columns[0], show);
  const tint = choice("Colour", columns, "", show, true);
  const picture = make("div", { class: "nbp-picture" });
  const told = make("div", { class: "nbp-count" });
  fill(room, [make("div", { class: "nbp-bar" }, x.element, y.element, tint.element), picture, told]);
  await show();
}

/**
 * @param {Drawn} drawn
 * @param {string[]} columns
 * @param {boolean} dark
 */
function scatter(drawn, columns, dark) {
  const [x, y, tint] = columns.map((column) => scale(drawn.values[column]));
  const across = (/** @type {number} */ share) => EDGE.left + share * (WIDTH - EDGE.left - EDGE.right);
  const up = (/** @type {number} */ share) => HEIGHT - EDGE.bottom - share * (HEIGHT - EDGE.top - EDGE.bottom);
  const svg = draw("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "nbp-svg", role: "img", "aria-label": `${title(columns[1])} against ${title(columns[0])} of ${about(drawn)}`,
  });
  for (const tick of x.ticks) {
    svg.append(draw("line", { x1: across(tick.at), x2: across(tick.at), y1: up(0), y2: up(1), class: "nbp-rule" }), draw("text", { x: across(tick.at), y: up(0) + 16, "text-anchor": "middle" }, tick.text));
  }
  for (const tick of y.ticks) {
    svg.append(draw("line", { x1: across(0), x2: across(1), y1: up(tick.at), y2: up(tick.at), class: "nbp-rule" }), draw("text", { x: EDGE.left - 8, y: up(tick.at) + 4, "text-anchor": "end" }, tick.text));
  }
  svg.append(draw("text", { x: across(0.5), y: HEIGHT - 8, "text-anchor": "middle", class: "nbp-axis" }, title(columns[0])));
  svg.append(draw("text", { transform: `translate(14 ${up(0.5)}) rotate(-90)`, "text-anchor": "middle", class: "nbp-axis" }, title(columns[1])));
  drawn.ids.forEach((_id, index) => {
    const at = [x.place(drawn.values[columns[0]][index]), y.place(drawn.values[columns[1]][index])];
    if (at[0] === null || at[1] === null) return;
    const share = tint ? tint.place(drawn.values[columns[2]][index]) : 0;
    const said = columns.map((column) => `${title(column)} ${text(column, drawn.values[column][index])}`).join(", ");
    svg.append(draw("circle", { cx: across(at[0]).toFixed(1), cy: up(at[1]).toFixed(1), r: 3.5, fill: between(share ?? 0.5, dark), "fill-opacity": 0.75 }, draw("title", {}, `${drawn.labels[index]}: ${said}`)));
  });
  return svg;
}

/**
 * @param {HTMLElement} room
 * @param {string[]} columns
 * @param {Ask} ask
 */
export async function showParallel(room, columns, ask) {
  const drawn = await ask(columns.slice(0, 40));
  const usable = columns.slice(0, 40).filter((column) => varies(drawn.values[column]));
  const metrics = usable.filter((column) => column.startsWith("metrics."));
  const params = usable.filter((column) => column.startsWith("params."));
  const chosen = new Set([...params.slice(0, AXES - Math.min(metrics.length, 2)), ...metrics.slice(0, 2)]);
  if (usable.length < 2) {
    fill(room, ["These runs differ in fewer than two values: there is nothing to draw."]);
    return;
  }
  const picture = make("div", { class: "nbp-picture" });
  const told = make("div", { class: "nbp-count" });
  const show = () => {
    const axes = usable.filter((column) => chosen.has(column));
    axes.sort((a, b) => Number(a.startsWith("metrics.")) - Number(b.startsWith("metrics.")));
    fill(picture, axes.length > 1 ? [parallel(drawn, axes, isDark(/** @type {Element} */ (picture.closest(".nbp"))))] : ["Choose two axes or more."]);
    told.textContent = axes.length > 1 ? `${about(drawn)}; colour: ${title(axes[axes.length - 1])}, blue is low, orange is high` : "";
  };
  const boxes = usable.map((column) => {
    const box = make("input", { type: "checkbox", checked: chosen.has(column), change: () => { if (box.checked) chosen.add(column); else chosen.delete(column); show(); } });
    return make("label", { class: "nbp-check" }, box, title(column));
  });
  fill(room, [make("div", { class: "nbp-bar", role: "group", "aria-label": "Axes" }, ...boxes), picture, told]);
  show();
}

/**
 * @param {Drawn} drawn
 * @param {string[]} axes
 * @param {boolean} dark
 */
function parallel(drawn, axes, dark) {
  const scales = axes.map((column) => scale(drawn.values[column]));
  const across = (/** @type {number} */ index) => 60 + (index * (WIDTH - 130)) / (axes.length - 1);
  const up = (/** @type {number} */ share) => HEIGHT - 20 - share * (HEIGHT - 60);
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "nbp-svg", role: "img", "aria-label": `Parallel coordinates of ${about(drawn)}: ${axes.map(title).join(", ")}` });
  const last = axes.length - 1;
  drawn.ids.forEach((_id, run) => {
    const places = axes.map((column, index) => scales[index].place(drawn.values[column][run]));
    let path = "";
    let pen = "M";
    places.forEach((at, index) => {
      if (at === null) pen = "M";
      else {
        path += `${pen}${across(index).toFixed(1)} ${up(at).toFixed(1)}`;
        pen = "L";
      }
    });
    if (!path) return;
    const said = axes.map((column) => `${title(column)} ${text(column, drawn.values[column][run])}`).join(", ");
    svg.append(draw("path", { d: path, fill: "none", stroke: between(places[last] ?? 0.5, dark), "stroke-opacity": Math.min(0.7, 0.12 + 100 / drawn.ids.length), "stroke-width": 1.2, class: "nbp-line" }, draw("title", {}, `${drawn.labels[run]}: ${said}`)));
  });
  axes.forEach((column, index) => {
    svg.append(draw("line", { x1: across(index), x2: across(index), y1: up(0), y2: up(1), class: "nbp-stem" }));
    const name = title(column);
    svg.append(draw("text", { x: across(index), y: 20, "text-anchor": "middle", class: "nbp-axis" }, name.length > 16 ? `${name.slice(0, 15)}…` : name));
    for (const tick of scales[index].ticks) svg.append(draw("text", { x: across(index) + 6, y: up(tick.at) + 4, class: "nbp-tick" }, tick.text));
  });
  return svg;
}
