/**
 * The groups of a category side by side, for a few locations and the whole; how far each lies from a named one, and whether that is sure.
 */

import { aggregate, chooseOne, known } from "../choosing.js";
import { h, theirs } from "../dom.js";
import { drawn } from "../drawn.js";
import { writing } from "../format.js";
import { empty } from "../parts.js";
import { all, changed, one } from "../state.js";
import { verdict } from "../verdict.js";

// As many locations as the chart shows beside each other.
const MOST_LOCATIONS = 6;
const EVERY = "every";

/** @type {import("./index.js").Tab} */
export const groups = {
  id: "groups",
  title: "Groups",
  chart: (state, dataset) => (category(state, dataset) ? "disparity" : "groups"),
  statistic: (state, _question, dataset) => (category(state, dataset) ? "disparity" : "estimate"),
  hides: ["stratum", "category", "reference_stratum", "by", "basis"],

  controls: ({ state, dataset }) => [
    chooseOne({
      id: "groups", label: "Groups by", name: "groups", chosen: category(state, dataset)?.name ?? EVERY,
      options: [...divisions(dataset).map((each) => [each.name, each.name]), [EVERY, "Every category, one below the other"]],
      changes: (value) => ({ groups: value, reference_stratum: null }),
    }),
    category(state, dataset) &&
      chooseOne({ id: "reference-stratum", label: "Compared with", name: "reference_stratum", chosen: standard(state, dataset), options: category(state, dataset).strata }),
  ],

  first: ({ dataset }) =>
    divisions(dataset).length === 0 ? empty("There are no groups", "This table divides its people into no groups, so there is nothing to lay side by side.", h("p", {}, h("a", { class: "button", href: changed({ tab: "ranking" }) }, "Look at the ranking"))) : null,

  adds({ state, dataset }) {
    const chosen = category(state, dataset);
    const where = { locations: places(state, dataset), basis: undefined, stratum: undefined };
    return chosen ? { ...where, category: chosen.name, reference_stratum: standard(state, dataset) } : { ...where, category: undefined, by: ["stratum"] };
  },

  async render(about) {
    const { result, state, dataset } = about;
    const names = [...new Set(result.rows.map((row) => row.location))];
    const figure = await drawn(about, {
      name: groups.chart(state, dataset),
      names,
      told: (index) => list(about, result.rows.filter((row) => row.location === names[index])),
      prompt: all(state.locations).length ? "Choose a location to see its groups in words." : "Choose locations under Where to lay their groups beside these.",
    });
    const left = all(state.locations).length > MOST_LOCATIONS - 1 && h("p", { class: "warning" }, `At most ${MOST_LOCATIONS} locations are shown beside each other; these are the first.`);
    return h("div", {}, left, figure, category(state, dataset) && names.map((name) => gap(about, name)));
  },
};

/** The ways to divide people into at least two. */
const divisions = (dataset) => dataset.categories.filter((each) => each.strata.length > 1);

function category(state, dataset) {
  const there = divisions(dataset);
  if (one(state.groups) === EVERY) return null;
  const chosen = known(state.groups, there.map((each) => each.name), null) ?? known(state.category, there.map((each) => each.name), there[0]?.name);
  return there.find((each) => each.name === chosen) ?? null;
}

const standard = (state, dataset) => known(state.reference_stratum, category(state, dataset).strata, category(state, dataset).strata.at(-1));

function places(state, dataset) {
  const whole = aggregate(dataset);
  const chosen = all(state.locations).slice(0, MOST_LOCATIONS - 1);
  const shown = [...new Set([...chosen, ...(whole ? [whole] : [])])];
  return shown.length ? shown : [dataset.locations[0].name];
}

function list({ result, why }, rows) {
  const write = writing(result);
  const isTested = result.columns.some((each) => each.name === "verdict");
  return h(
    "ul",
    { class: "plain" },
    rows.map((row) =>
      h(
        "li",
        {},
        h("strong", {}, theirs([row.category, row.stratum].filter(Boolean).join(", "))),
        ": ",
        write.estimate(row, "estimate", "low", "high"),
        isTested && row.difference !== null && [`, ${write(row, "difference")} from `, theirs(row.reference_stratum), ` (${write.range(row, "difference_low", "difference_high")}), `, verdict(row.verdict)],
        why && [" ", h("button", { type: "button", class: "button small", onclick: () => why(row, result.rows.indexOf(row)) }, "Why?")],
      ),
    ),
  );
}

/** Of one location: the widest gap between two of its groups, and each beside the named one. */
function gap(about, name) {
  const { result } = about;
  const write = writing(result);
  const rows = result.rows.filter((row) => row.location === name);
  const [first] = rows;
  return h(
    "section",
    { class: "gap", "aria-label": `Groups of ${name}` },
    h("h2", {}, theirs(name)),
    first.gap !== null &&
      h(
        "p",
        {},
        `Between the highest and the lowest lie ${write.estimate(first, "gap", "gap_low", "gap_high")}`,
        first.gap_corrected !== null && `; less what chance makes it wider by, ${write(first, "gap_corrected")}`,
        ".",
      ),
    list(about, rows),
  );
}
