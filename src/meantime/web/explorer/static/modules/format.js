/**
 * Numbers, intervals and times, by the rule of meantime/text.py, in the reader's own locale. One table of cases tests both.
 */

const DECIMALS = { percent: 1, "percentage points": 1, "percentage points a year": 2 };
// Beyond these, zeros would be all that one sees of a number.
const DECIMALS_AT_MOST = 7;
const DIGITS_AT_MOST = 15;

const cache = new Map();

function numberFormat(decimals, useGrouping) {
  const key = `${decimals}${useGrouping}`;
  if (!cache.has(key)) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals, signDisplay: "negative" };
    cache.set(key, new Intl.NumberFormat(undefined, { ...digits, useGrouping }));
  }
  return cache.get(key);
}

const withMinus = (text) => text.replaceAll("-", "\u2212");

/** How many decimals values have that are written together, such as a column or both ends of an interval. */
export function decimals(values, unit = null) {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
  const fixed = DECIMALS[unit];
  if (fixed !== undefined && (largest >= 0.5 * 10 ** -fixed || largest < 10 ** -DECIMALS_AT_MOST)) return fixed;
  if (largest === 0) return 1;
  const exponent = Number(largest.toExponential().split("e")[1]);
  if (exponent < 0) return 1 - exponent;
  return [2, 1, 1][exponent] ?? 0;
}

/** A number with so many decimals, or with those that it needs by itself. */
export function number(value, places = decimals([value])) {
  if (places > DECIMALS_AT_MOST || Math.abs(value) >= 10 ** DIGITS_AT_MOST) {
    return withMinus(value.toExponential(1).replace("+", ""));
  }
  return withMinus(numberFormat(places, true).format(value));
}

/** A value with its unit. */
export const amount = (value, unit = null, places = decimals([value], unit)) => withUnit(number(value, places), unit);

function withUnit(written, unit) {
  if (!unit) return written;
  return unit === "percent" ? `${written}%` : `${written} ${unit}`;
}

/** A confidence interval, both ends with as many decimals. */
export function interval(low, high, unit = null, places = decimals([low, high], unit)) {
  return `95% CI ${number(low, places)} to ${number(high, places)}`;
}

/** A p-value: two decimals, three where it is small; one below 0.05 never reads as 0.05. */
export function pValue(p) {
  if (p < 0.001) return `<${number(0.001, 3)}`;
  if (p >= 0.995) return `>${number(0.99, 2)}`;
  if (p >= 0.045 && p < 0.05) return number(Math.floor(p * 1000) / 1000, 3);
  return number(p, p < 0.01 ? 3 : 2);
}

/** A text with a capital letter. */
export const capitalized = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Which values of a question are better; undefined where nobody has said so. */
export const direction = (polarity) => ({ lower: "lower is better", higher: "higher is better" })[polarity];

/** A whole number. */
export const whole = (value) => number(value, 0);

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** A moment, from RFC 3339. */
export const moment = (text) => (text ? moments.format(new Date(text)) : "");

/** A share from 0 to 1 as whole percent; what is not all never reads as all, nor something as nothing. */
export function share(part) {
  if (part > 0 && part < 0.005) return "<1%";
  return part >= 0.995 && part < 1 ? ">99%" : `${number(100 * part, 0)}%`;
}

/** How long ago. */
export function since(text, now = Date.now()) {
  const seconds = Math.round((new Date(text).getTime() - now) / 1000);
  const [unit, size] = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]].find(
    ([, size]) => Math.abs(seconds) >= size || size === 1,
  );
  return ago.format(Math.trunc(seconds / size), unit);
}

/** How long it took, from RFC 3339 to RFC 3339. */
export function took(from, to) {
  const seconds = (new Date(to) - new Date(from)) / 1000;
  return seconds < 1 ? `${Math.max(1, Math.round(seconds * 1000))} ms` : `${numberFormat(seconds < 10 ? 1 : 0, true).format(seconds)} s`;
}

/** A range of years. */
export function years(period) {
  if (!period) return "";
  return period.first === period.last ? String(period.first) : `${period.first}\u2013${period.last}`;
}

/** "1 row", "2 rows". */
export const many = (count, word) => `${whole(count)} ${word}${count === 1 ? "" : "s"}`;

/**
 * How the cells of a column are written: all with as many decimals, so that they can be compared by eye.
 * @returns {(value: unknown) => string}
 */
export function writer(column, values) {
  if (column.kind === "text") return (value) => (value === null || value === undefined ? "" : String(value));
  const write = numberWriter(column, values);
  return (value) => (value === null ? "" : write(value));
}

function numberWriter(column, values) {
  if (/(^|_)p(_adjusted)?$/.test(column.name)) return pValue;
  if (/year|period/.test(column.name)) return String;
  if (column.kind === "integer") return (value) => withMinus(numberFormat(0, true).format(value));
  const places = decimals(values, column.unit);
  return (value) => number(value, places);
}

/**
 * How the numbers of an answer are written in a sentence: as in its table, with their unit if nothing else is said.
 * `write.estimate` writes a value with its interval, `write.range` both ends of one.
 */
export function writing({ columns, rows }) {
  const known = new Map();
  const unitOf = (name) => columns.find((each) => each.name === name).unit;
  const values = (name) => rows.map((row) => row[name]);

  function write(row, name, hasUnit = true) {
    if (row[name] === null) return "no value";
    if (!known.has(name)) known.set(name, writer(columns.find((each) => each.name === name), values(name)));
    const written = known.get(name)(row[name]);
    return hasUnit ? withUnit(written, unitOf(name)) : written;
  }

  function places(...names) {
    const key = names.join();
    if (!known.has(key)) known.set(key, decimals(names.flatMap(values), unitOf(names[0])));
    return known.get(key);
  }

  write.estimate = (row, name, low, high) => {
    if (row[name] === null) return "no value";
    const value = amount(row[name], unitOf(name), places(name, low, high));
    return row[low] === null ? value : `${value} (${interval(row[low], row[high], null, places(name, low, high))})`;
  };

  write.range = (row, low, high) => `${number(row[low], places(low, high))} to ${number(row[high], places(low, high))}`;

  return write;
}
