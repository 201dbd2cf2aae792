// Colours of lines that can be told apart on light and on dark, also by eyes that see fewer of them; dashes tell the rest.

const LIGHT = ["#0b62a4", "#b3541e", "#2e7d32", "#8e24aa", "#c2185b", "#00767a", "#6d4c41", "#5b5b9f"];
const DARK = ["#64b5f6", "#ffb074", "#81c784", "#d9a0e8", "#f48fb1", "#4dd0e1", "#c8ab9f", "#b3b3ef"];
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3]];

/** @param {Element} element */
export function isDark(element) {
  const numbers = getComputedStyle(element).backgroundColor.match(/[\d.]+/g)?.map(Number) || [255, 255, 255];
  return numbers[0] * 0.3 + numbers[1] * 0.59 + numbers[2] * 0.11 < 128;
}

/**
 * @param {number} index
 * @param {boolean} dark
 */
export function colour(index, dark) {
  return (dark ? DARK : LIGHT)[index % LIGHT.length];
}

/** @param {number} index */
export function dash(index) {
  return DASHES[Math.floor(index / LIGHT.length) % DASHES.length];
}

/**
 * A colour between low (blue) and high (orange).
 * @param {number} share 0 to 1
 * @param {boolean} dark
 */
export function between(share, dark) {
  const [low, high] = dark ? [[100, 181, 246], [255, 176, 116]] : [[11, 98, 164], [179, 84, 30]];
  return `rgb(${low.map((one, index) => Math.round(one + (high[index] - one) * share)).join(",")})`;
}
