// From values to places in a drawing: numbers along a line, also by powers, words side by side.

import { number } from "./format.js";

/**
 * @typedef {object} Scale
 * @property {(value: string | number | null | undefined) => number | null} place 0 to 1, null for what has none
 * @property {{at: number, text: string}[]} ticks
 */

/** @param {string | number | null | undefined} value */
function numeric(value) {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || value.trim() === "") return null;
  const found = Number(value);
  return Number.isFinite(found) ? found : null;
}

/**
 * @param {(string | number | null)[]} values
 * @returns {Scale}
 */
export function scale(values) {
  const present = values.filter((value) => value !== null && value !== undefined);
  const numbers = present.map(numeric);
  if (present.length && numbers.every((one) => one !== null)) return ofNumbers(/** @type {number[]} */ (numbers));
  const words = [...new Set(present.map(String))].sort().slice(0, 40);
  const at = new Map(words.map((word, index) => [word, words.length > 1 ? index / (words.length - 1) : 0.5]));
  const step = Math.ceil(words.length / 10);
  return {
    place: (value) => (value === null || value === undefined ? null : at.get(String(value)) ?? null),
    ticks: words.filter((_word, index) => index % step === 0).map((word) => ({ at: /** @type {number} */ (at.get(word)), text: word.length > 14 ? `${word.slice(0, 13)}…` : word })),
  };
}

/**
 * @param {number[]} numbers
 * @returns {Scale}
 */
function ofNumbers(numbers) {
  const low = numbers.reduce((a, b) => Math.min(a, b));
  const high = numbers.reduce((a, b) => Math.max(a, b));
  const powers = low > 0 && high / low > 100;
  const bend = powers ? Math.log10 : (/** @type {number} */ one) => one;
  const begin = bend(low);
  const span = bend(high) - begin;
  const place = (/** @type {number} */ one) => (span > 0 ? (bend(one) - begin) / span : 0.5);
  const marks = powers ? decades(low, high) : even(low, high);
  return {
    place: (value) => {
      const found = numeric(value);
      return found === null ? null : place(found);
    },
    ticks: marks.map((one) => ({ at: place(one), text: number(one) })),
  };
}

/** @param {number} low @param {number} high */
function decades(low, high) {
  const found = [];
  for (let power = Math.ceil(Math.log10(low) - 1e-9); power <= Math.log10(high) + 1e-9; power += 1) found.push(10 ** power);
  const step = Math.ceil(found.length / 6);
  return found.filter((_one, index) => index % step === 0);
}

/** @param {number} low @param {number} high */
function even(low, high) {
  if (low === high) return [low];
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) || 10 * power;
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) found.push(Number((index * step).toPrecision(12)));
  return found;
}
