/**
 * Values over the years: the chosen places in color, all others in gray. Whether one changed, and faster than the whole, comes first.
 */

import { get, Problem } from "../api.js";
import { explainButton, scrollable } from "../components.js";
import { conclusion } from "../conclusion.js";
import { bdi, h } from "../dom.js";
import { many, writing, years as yearRange } from "../format.js";
import { linkedChart } from "../linked-chart.js";
import { pagedRows } from "../pages.js";
import { aggregateLocation, locationNames, optionPicker } from "../pickers.js";
import { resultUrl } from "../request.js";
import { addressWith, allOf, firstOf } from "../state.js";
import { singleYears } from "../years.js";

// Up to this many rows, the table is open; a longer one is opened by the reader.
const MOST_SHOWN = 8;
// Parameters of the test for a trend, which the values do not have.
const OF_SLOPES = new Set(["adjust", "breaks"]);
// As many colors as the chart has.
const MOST_COLORED = 6;
// Between two names at the ends of lines; the chart's own are as far apart.
const NAME_PIXELS = 14;

/** @type {import("./index.js").Tab} */
export const trend = {
  id: "trend",
  title: "Trend",
  chart: () => "trend",
  statistic: () => "trend",
  hides: ["years"],
  placesFirst: () => true,
  noPlaces: () => "Type a place",
  controls: ({ state, dataset, question }) => [yearPicker("from", "From", state, dataset, question), yearPicker("to", "To", state, dataset, question)],

  adds({ state, dataset, question }) {
    const selected = allOf(state.locations);
    const aggregate = aggregateLocation(dataset);
    const more = selected.length && aggregate ? { locations: [...new Set([...selected, aggregate])] } : {};
    const isWhole = !firstOf(state.from) && !firstOf(state.to);
    const [first, last] = ends(state, dataset, question);
    return { ...more, years: isWhole ? "all" : `${first}..${last}` };
  },

  chartRequest: (request) => ({
    ...request,
    statistic: "estimate",
    parameters: { ...Object.fromEntries(Object.entries(request.parameters).filter(([name]) => !OF_SLOPES.has(name))), by: ["period"] },
  }),

  /** The change of the chosen places beside that of the whole; without a choice, what the trends say. */
  async findings(context) {
    const { findings } = context.result;
    const found = allOf(context.state.locations).length ? (await changes(context))?.findings : null;
    if (!found?.length) return { lead: findings.slice(0, 1), also: findings.slice(1) };
    // Of one place, the last sentence has its change, that of the whole, and the difference between both.
    const at = allOf(context.state.locations).length === 1 ? found.length - 1 : 0;
    const lead = found[at];
    // Of few places, changes and trends may be the same sentence.
    return { lead: [lead], also: [...new Set([...found, ...findings])].filter((each) => each !== lead) };
  },

  async render(context) {
    const { request, state } = context;
    const names = locationNames(context.dataset);
    const chosen = allOf(state.locations).slice(0, MOST_COLORED);
    const of = trend.chartRequest(request);
    const figure = await linkedChart(context, {
      name: "trend",
      of: { ...of, parameters: { ...of.parameters, locations: ["all"] } },
      names,
      prepare: (specification) => choose(specification, chosen, aggregateLocation(context.dataset)),
      describe: (index) => description(context, names[index]),
      prompt: chosen.length ? "" : "Point at a line to see whose it is. Type a place under Places to color its line and compare its change.",
    });
    return h("div", {}, figure, breaksNotice(request), trendTable(context));
  },
};

/** Color the lines of the chosen places, and move the names at their ends apart. */
function choose(specification, chosen, aggregate) {
  const parameter = specification.params?.find((each) => each.name === "chosen");
  if (!parameter) return;
  parameter.value = chosen;
  const named = specification.data.values.filter((record) => record.is_last && (chosen.includes(record.location) || record.location === aggregate));
  const domains = specification.layer.map((layer) => layer.encoding?.y?.scale?.domain).filter(Boolean);
  const gap = (NAME_PIXELS * (domains[0][1] - domains[0][0])) / specification.height;
  named.sort((a, b) => a.value - b.value);
  for (const [at, record] of named.entries()) record.name_at = at ? Math.max(record.value, named[at - 1].name_at + gap) : record.value;
}

async function changes({ state, dataset, question, request, signal }) {
  const aggregate = aggregateLocation(dataset);
  const [first, last] = ends(state, dataset, question);
  const { by: _by, years: _years, adjust: _adjust, breaks: _breaks, ...same } = request.parameters;
  const locations = allOf(state.locations).filter((name) => name !== aggregate);
  const parameters = { ...same, locations: locations.length ? locations : [aggregate], since: String(first), years: firstOf(state.to) ? String(last) : "latest" };
  if (aggregate && locations.length) parameters.reference = aggregate;
  try {
    return await get(resultUrl({ statistic: "change", dataset: dataset.name, parameters }), { signal });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return null; // a place may lack one of the years: its trend is shown all the same
  }
}

/** The first and the last year that are shown. */
function ends(state, dataset, question) {
  const years = singleYears(dataset, question);
  return [firstOf(state.from) ?? years[0], firstOf(state.to) ?? years.at(-1)];
}

function yearPicker(name, label, state, dataset, question) {
  const years = singleYears(dataset, question).map(String);
  const ordered = name === "from" ? years : years.toReversed();
  return optionPicker({ id: name, label, name, isList: true, selected: firstOf(state[name]) ?? "", options: [["", `${ordered[0] ?? ""} (${name === "from" ? "first" : "last"})`], ...ordered.slice(1)] });
}

const rowYears = (row) => yearRange({ first: row.first_year, last: row.last_year });

function description(context, name) {
  const rows = context.result.rows.filter((row) => row.location === name);
  if (rows.length === 0) return h("p", {}, h("strong", {}, bdi(name)), ". ", h("a", { class: "button small", href: addressWith({ locations: [...allOf(context.state.locations), name], highlight: null }) }, "Add to the chosen places"));
  return h("div", {}, rows.map((row) => sentence(context, row)));
}

function sentence({ result, explain }, row) {
  const write = writing(result);
  const { unit } = result.columns.find((column) => column.name === "slope");
  return h(
    "p",
    {},
    h("strong", {}, bdi(row.location)),
    `, ${rowYears(row)}: `,
    conclusion(row.verdict),
    row.slope !== null && ` by ${write.estimate(row, "slope", "slope_low", "slope_high")}${unit ? "" : " a year"}`,
    ". ",
    row.fit && ["Test of fit: ", bdi(row.fit), ". "],
    explainButton(explain, row, result.rows.indexOf(row)),
  );
}

function breaksNotice(request) {
  const declared = allOf(request.parameters.breaks);
  if (!declared.length) return null;
  return h("p", { class: "warning" }, `Breaks in the method: ${declared.join(", ")}. Each side of a break has its own trend.`);
}

function trendTable({ result }) {
  const { rows } = result;
  const write = writing(result);
  const { unit } = result.columns.find((column) => column.name === "slope");
  const headings = ["Place", "Trend", ["Change per year", unit && h("span", { class: "unit" }, unit.replace(/ a year$/, ""))], "95% CI", "Test of fit", "Years"];
  const { body, tools, foot } = pagedRows({ items: rows, nameOf: (row) => row.location, rowOf: (row) => trendRow(row, write), what: "trends" });
  const table = scrollable(
    "Trend of each place",
    h(
      "table",
      { class: "data trends" },
      h("caption", { class: "hidden" }, "Trend of each place"),
      h("thead", {}, h("tr", {}, headings.map((each, at) => h("th", { scope: "col", class: [2, 3].includes(at) && "number" }, each)))),
      body,
    ),
  );
  if (rows.length <= MOST_SHOWN) return table;
  return h("details", { class: "meanings", id: "trends" }, h("summary", {}, `All ${many(rows.length, "trend")}`), tools, table, foot);
}

function trendRow(row, write) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("a", { href: addressWith({ highlight: row.location }) }, bdi(row.location))),
    h("td", {}, conclusion(row.verdict)),
    h("td", { class: "number" }, row.slope === null ? "" : write(row, "slope", false)),
    h("td", { class: "number" }, row.slope_low === null ? "" : write.range(row, "slope_low", "slope_high")),
    h("td", {}, row.fit ? bdi(row.fit) : "not tested"),
    h("td", {}, row.first_year === null ? "none" : `${rowYears(row)} (${many(row.years, "year")})`),
  );
}
