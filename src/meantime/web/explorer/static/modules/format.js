/**
 * Numbers and times in the reader's own way of writing them.
 */

const cache = new Map();

function numberFormat(decimals, useGrouping) {
  const key = `${decimals}${useGrouping}`;
  if (!cache.has(key)) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    cache.set(key, new Intl.NumberFormat(undefined, { ...digits, useGrouping }));
  }
  return cache.get(key);
}

/** A whole number. */
export const whole = (value) => numberFormat(0, true).format(value);

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const shares = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });

/** A moment, from RFC 3339. */
export const moment = (text) => (text ? moments.format(new Date(text)) : "");

/** A share from 0 to 1 as percent. */
export const share = (value) => shares.format(value);

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

/** First and last year. */
export function years(period) {
  if (!period) return "";
  return period.first === period.last ? String(period.first) : `${period.first} to ${period.last}`;
}

/** "1 row", "2 rows". */
export const many = (count, word) => `${whole(count)} ${word}${count === 1 ? "" : "s"}`;

/**
 * How the cells of a column are written: all with as many decimals as its sizes need, so that they can be compared by eye.
 * @returns {(value: unknown) => string}
 */
export function writer(column, values) {
  if (column.kind === "text") return (value) => (value === null || value === undefined ? "" : String(value));
  if (column.kind === "integer") {
    const grouped = !/year|period/i.test(column.name);
    return (value) => (value === null ? "" : numberFormat(0, grouped).format(value));
  }
  const most = values.reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
  const decimals = most >= 10 ? 1 : most > 1 ? 2 : 3;
  const format = numberFormat(decimals, true);
  const least = 10 ** -decimals;
  return (value) => {
    if (value === null) return "";
    if (value > 0 && value < least / 2) return `<${format.format(least)}`;
    return format.format(value);
  };
}

const SIGNS = { percent: "\u00a0%", "percentage points": "\u00a0points" };

/**
 * How the numbers of an answer are written in a sentence: as in its table, with their unit if nothing else is said.
 * @returns {(row: any, name: string, hasUnit?: boolean) => string}
 */
export function writing({ columns, rows }) {
  const known = new Map();
  return (row, name, hasUnit = true) => {
    if (!known.has(name)) {
      const column = columns.find((each) => each.name === name);
      const unit = column.unit ? (SIGNS[column.unit] ?? ` ${column.unit}`) : "";
      known.set(name, { write: writer(column, rows.map((each) => each[name])), unit });
    }
    const { write, unit } = known.get(name);
    return row[name] === null ? "no value" : `${write(row[name])}${hasUnit ? unit : ""}`;
  };
}
