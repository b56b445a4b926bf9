/**
 * Values over the years, each with its band; beside each line what the test says of it, and whether a line fits at all.
 */

import { aggregate, chooseOne } from "../choosing.js";
import { h, theirs } from "../dom.js";
import { drawn } from "../drawn.js";
import { many, writing, years as range } from "../format.js";
import { all, changed, one } from "../state.js";
import { verdict } from "../verdict.js";

// So many verdicts are read at once; of more, the list is opened by who wants it.
const MOST_SHOWN = 8;
// What only the test of a slope is asked with, and not the values.
const OF_SLOPES = new Set(["adjust", "breaks"]);

/** @type {import("./index.js").Tab} */
export const trend = {
  id: "trend",
  title: "Trend",
  chart: () => "trend",
  statistic: () => "trend",
  hides: ["years"],
  controls: ({ state, dataset }) => [span("from", "From", state, dataset), span("to", "To", state, dataset)],

  adds({ state, dataset }) {
    const chosen = all(state.locations);
    const whole = aggregate(dataset);
    const more = chosen.length && whole ? { locations: [...new Set([...chosen, whole])] } : {};
    const years = years_of(dataset);
    const isWhole = !one(state.from) && !one(state.to);
    return { ...more, years: isWhole ? "all" : `${one(state.from) ?? years[0]}..${one(state.to) ?? years.at(-1)}` };
  },

  pictured: (asked) => ({
    ...asked,
    statistic: "estimate",
    parameters: { ...Object.fromEntries(Object.entries(asked.parameters).filter(([name]) => !OF_SLOPES.has(name))), by: ["period"] },
  }),

  async render(about) {
    const { asked, result, state } = about;
    const names = [...new Set(result.rows.map((row) => row.location))];
    const figure = await drawn(about, {
      name: "trend",
      of: trend.pictured(asked),
      names,
      told: (index) => h("div", {}, result.rows.filter((row) => row.location === names[index]).map((row) => told(about, row))),
      prompt: all(state.locations).length ? "Point at a line, or choose a location, to see what the test says of it." : "Choose up to five locations under Where to see them with their bands; or light one here.",
    });
    return h("div", {}, figure, breaks(asked), list(about));
  },
};

const years_of = (dataset) => dataset.periods.map((each) => each.first).toSorted((a, b) => a - b);

function span(name, label, state, dataset) {
  const years = [...new Set(years_of(dataset))].map(String);
  const all = name === "from" ? years : years.toReversed();
  return chooseOne({ id: name, label, name, chosen: one(state[name]) ?? "", options: [["", name === "from" ? "First year" : "Last year"], ...all.map((year) => [year, year])] });
}

function told({ result, why }, row) {
  const write = writing(result);
  const { unit } = result.columns.find((column) => column.name === "slope");
  return h(
    "p",
    {},
    h("strong", {}, theirs(row.location)),
    `, ${range({ first: row.first_year, last: row.last_year })}: `,
    verdict(row.verdict),
    row.slope !== null && ` by ${write.estimate(row, "slope", "slope_low", "slope_high")}${unit ? "" : " a year"}`,
    ". ",
    row.fit && ["Test of fit: ", theirs(row.fit), ". "],
    why && h("button", { type: "button", class: "button small", onclick: () => why(row, result.rows.indexOf(row)) }, "Why this number?"),
  );
}

function breaks(asked) {
  const declared = all(asked.parameters.breaks);
  if (!declared.length) return null;
  return h("p", { class: "warning" }, `Declared breaks: ${declared.join(", ")}. No slope crosses one; each stretch has a verdict of its own.`);
}

function list(about) {
  const rows = about.result.rows;
  const write = writing(about.result);
  const table = h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Verdict of each line" },
    h(
      "table",
      { class: "data verdicts" },
      h("caption", { class: "hidden" }, "Verdict of each line"),
      h("thead", {}, h("tr", {}, ["Location", "Verdict", "Change a year", "95% CI", "Straight line?", "Years"].map((each) => h("th", { scope: "col", class: /year$|CI$/.test(each) && "number" }, each)))),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, h("a", { href: changed({ highlight: row.location }) }, theirs(row.location))),
            h("td", {}, verdict(row.verdict)),
            h("td", { class: "number" }, row.slope === null ? "" : write(row, "slope")),
            h("td", { class: "number" }, row.slope_low === null ? "" : write.range(row, "slope_low", "slope_high")),
            h("td", {}, row.fit ? theirs(row.fit) : "cannot be said"),
            h("td", {}, row.first_year === null ? "none" : `${range({ first: row.first_year, last: row.last_year })} (${many(row.years, "year")})`),
          ),
        ),
      ),
    ),
  );
  if (rows.length <= MOST_SHOWN) return table;
  return h("details", { class: "meanings", id: "verdicts" }, h("summary", {}, `The verdict of each of ${rows.length} lines`), table);
}
