// Values as people read them: the same words as in Python's `nbproj.display.quantity`.

/** @typedef {string | number | null} Value */
/**
 * @typedef {object} Line
 * @property {string} id
 * @property {string} [label]
 * @property {string} status
 * @property {number} depth
 * @property {number} kids
 * @property {number | null} start
 * @property {number | null} end
 * @property {string} [reason]
 * @property {Value[]} cells
 */

const LABELS = { status: "State", name: "Name", entry_point: "Entry point", start_time: "Started", duration: "Took", user: "User", experiment: "Experiment", run_id: "Run" };

/** @param {number} value */
export function number(value) {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent < -5 || exponent >= 15) return value.toExponential(3).replace(/\.?0+e/, "e");
  return String(Number(value.toPrecision(4)));
}

/** @param {number} count */
export function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  for (const [unit, length, smaller, part] of /** @type {[string, number, string, number][]} */ ([["d", 86400, "h", 3600], ["h", 3600, "min", 60], ["min", 60, "s", 1]])) {
    if (whole >= length) {
      const rest = Math.floor((whole % length) / part);
      return `${Math.floor(whole / length)} ${unit}${rest ? ` ${rest} ${smaller}` : ""}`;
    }
  }
  return `${whole} s`;
}

/**
 * @param {number} milliseconds
 * @param {boolean} [short] to the minute
 */
export function moment(milliseconds, short = false) {
  const when = new Date(milliseconds);
  if (Number.isNaN(when.getTime())) return "";
  const two = (/** @type {number} */ one) => String(one).padStart(2, "0");
  const minute = `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())} ${two(when.getHours())}:${two(when.getMinutes())}`;
  return short ? minute : `${minute}:${two(when.getSeconds())}`;
}

/**
 * Kind and key of a column of values.
 * @param {string} column
 * @returns {{kind: string, key: string}}
 */
export function parts(column) {
  const found = /^(metrics|params|tags)\.(.+)$/s.exec(column);
  return found ? { kind: found[1], key: found[2] } : { kind: "", key: column };
}

/** @param {string} column */
export function title(column) {
  const { kind, key } = parts(column);
  return kind ? key : LABELS[/** @type {keyof typeof LABELS} */ (column)] || column;
}

/** @param {string} column */
export function isNumber(column) {
  return column === "duration" || column.startsWith("metrics.");
}

/**
 * What stands in a cell.
 * @param {string} column
 * @param {Value} value
 * @param {Line} [line] of which a run that goes on has no end yet
 * @param {number} [now]
 */
export function text(column, value, line, now) {
  if (column === "duration" && value === null && line && line.status === "RUNNING" && line.start !== null && now !== undefined) {
    const seconds = Math.max((now - line.start) / 1000, 0);
    return seconds < 60 ? `${Math.floor(seconds)} s` : duration(Math.floor(seconds));
  }
  if (value === null || value === undefined) return "";
  if (column === "start_time") return moment(Number(value), true);
  if (column === "run_id") return String(value).slice(0, 8);
  if (typeof value === "number") return column === "duration" ? duration(value) : number(value);
  return String(value);
}

/** @param {number} count @param {string} word */
export function counted(count, word) {
  return `${grouped(count)} ${word}${count === 1 ? "" : "s"}`;
}
