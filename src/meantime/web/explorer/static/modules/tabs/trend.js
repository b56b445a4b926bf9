/**
 * Values over the years with their confidence bands; below, the trend of each location and whether a line fits it.
 */

import { conclusion } from "../conclusion.js";
import { bdi, h } from "../dom.js";
import { many, writing, years as yearRange } from "../format.js";
import { linkedChart } from "../linked-chart.js";
import { pagedRows } from "../pages.js";
import { aggregateLocation, optionPicker } from "../pickers.js";
import { addressWith, allOf, firstOf } from "../state.js";

// Up to this many rows, the table is open; a longer one is opened by the reader.
const MOST_SHOWN = 8;
// Parameters of the test for a trend, which the values do not have.
const OF_SLOPES = new Set(["adjust", "breaks"]);

/** @type {import("./index.js").Tab} */
export const trend = {
  id: "trend",
  title: "Trend",
  chart: () => "trend",
  statistic: () => "trend",
  hides: ["years"],
  controls: ({ state, dataset }) => [yearPicker("from", "From", state, dataset), yearPicker("to", "To", state, dataset)],

  adds({ state, dataset }) {
    const selected = allOf(state.locations);
    const aggregate = aggregateLocation(dataset);
    const more = selected.length && aggregate ? { locations: [...new Set([...selected, aggregate])] } : {};
    const years = sortedYears(dataset);
    const isWhole = !firstOf(state.from) && !firstOf(state.to);
    return { ...more, years: isWhole ? "all" : `${firstOf(state.from) ?? years[0]}..${firstOf(state.to) ?? years.at(-1)}` };
  },

  chartRequest: (request) => ({
    ...request,
    statistic: "estimate",
    parameters: { ...Object.fromEntries(Object.entries(request.parameters).filter(([name]) => !OF_SLOPES.has(name))), by: ["period"] },
  }),

  async render(context) {
    const { request, result, state } = context;
    const names = [...new Set(result.rows.map((row) => row.location))];
    const figure = await linkedChart(context, {
      name: "trend",
      of: trend.chartRequest(request),
      names,
      describe: (index) => h("div", {}, result.rows.filter((row) => row.location === names[index]).map((row) => sentence(context, row))),
      prompt: allOf(state.locations).length ? "Hover over a line or pick a location to see its trend." : "Choose up to five locations under Where to see their confidence bands, or highlight one here.",
    });
    return h("div", {}, figure, breaksNotice(request), trendTable(context));
  },
};

const sortedYears = (dataset) => dataset.periods.map((each) => each.first).toSorted((a, b) => a - b);

function yearPicker(name, label, state, dataset) {
  const years = [...new Set(sortedYears(dataset))].map(String);
  const ordered = name === "from" ? years : years.toReversed();
  return optionPicker({ id: name, label, name, selected: firstOf(state[name]) ?? "", options: [["", name === "from" ? "First year" : "Last year"], ...ordered] });
}

const rowYears = (row) => yearRange({ first: row.first_year, last: row.last_year });

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
    explain && h("button", { type: "button", class: "button small", onclick: () => explain(row, result.rows.indexOf(row)) }, "Why this number?"),
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
  const headings = ["Location", "Trend", "Change per year", "95% CI", "Test of fit", "Years"];
  const { body, tools, foot } = pagedRows({ items: rows, nameOf: (row) => row.location, rowOf: (row) => trendRow(row, write), what: "trends" });
  const table = h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Trend of each location" },
    h(
      "table",
      { class: "data trends" },
      h("caption", { class: "hidden" }, "Trend of each location"),
      h("thead", {}, h("tr", {}, headings.map((each) => h("th", { scope: "col", class: /year$|CI$/.test(each) && "number" }, each)))),
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
    h("td", { class: "number" }, row.slope === null ? "" : write(row, "slope")),
    h("td", { class: "number" }, row.slope_low === null ? "" : write.range(row, "slope_low", "slope_high")),
    h("td", {}, row.fit ? bdi(row.fit) : "not tested"),
    h("td", {}, row.first_year === null ? "none" : `${rowYears(row)} (${many(row.years, "year")})`),
  );
}
