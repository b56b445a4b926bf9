/**
 * A small picture of a series: its line with the confidence intervals, and a dot at the last value. What it shows is said in words
 * next to it.
 */

const NAMESPACE = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, MARGIN] = [120, 32, 4];

const svg = (tag, attributes, ...children) => {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
};

/**
 * The picture; null of fewer than two values. The line has a gap where a period has no value, and where values are not comparable:
 * at ``breaks``, years from which they were measured in another way.
 * @param {Array<{period: string, estimate: number|null, low: number|null, high: number|null}>} series in the order of time
 * @param {number[]} breaks
 */
export function sparkline(series, breaks = []) {
  const values = series.filter((each) => each.estimate !== null);
  if (values.length < 2) return null;
  const [first, last] = [yearOf(series[0]), yearOf(series.at(-1))];
  const ends = values.flatMap((each) => [each.estimate, each.low ?? each.estimate, each.high ?? each.estimate]);
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const x = (each) => round(MARGIN + ((WIDTH - 2 * MARGIN) * (yearOf(each) - first)) / Math.max(last - first, 1));
  const y = (value) => round(most === least ? HEIGHT / 2 : HEIGHT - MARGIN - ((HEIGHT - 2 * MARGIN) * (value - least)) / (most - least));
  const at = (each) => `${x(each)},${y(each.estimate)}`;
  const intervals = values.filter((each) => each.low !== null && each.high !== null);
  const end = values.at(-1);
  return svg(
    "svg",
    { class: "sparkline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true", focusable: "false" },
    ...intervals.map((each) => svg("line", { class: "whisker", x1: x(each), x2: x(each), y1: y(each.low), y2: y(each.high) })),
    ...runs(series, breaks).map((run) => svg("polyline", { points: run.map(at).join(" ") })),
    svg("circle", { cx: x(end), cy: y(end.estimate), r: 3 }),
  );
}

const round = (value) => Math.round(value * 10) / 10;

/** The first year of a period; 0 without any. */
export const yearOf = (each) => Number.parseInt(each.period, 10) || 0;

/** The parts between gaps. */
function runs(series, breaks) {
  const steps = series.slice(1).map((each, at) => yearOf(each) - yearOf(series[at]));
  const usual = Math.min(...steps.filter((step) => step > 0));
  const found = [[]];
  for (const [at, each] of series.entries()) {
    const isBroken = at > 0 && breaks.some((year) => yearOf(series[at - 1]) < year && year <= yearOf(each));
    if (each.estimate === null || isBroken || steps[at - 1] > usual) found.push([]);
    if (each.estimate !== null) found.at(-1).push(each);
  }
  return found.filter((run) => run.length > 1);
}
