/**
 * The groups of a category side by side, for a few locations, each compared with a reference group.
 */

import { emptyState } from "../components.js";
import { conclusion } from "../conclusion.js";
import { bdi, h } from "../dom.js";
import { writing } from "../format.js";
import { linkedChart } from "../linked-chart.js";
import { aggregateLocation, oneOf, optionPicker } from "../pickers.js";
import { addressWith, allOf, firstOf } from "../state.js";

// As many locations as the chart shows side by side.
const MOST_LOCATIONS = 6;
const EVERY = "every";

/** @type {import("./index.js").Tab} */
export const groups = {
  id: "groups",
  title: "Groups",
  chart: (state, dataset) => (selectedCategory(state, dataset) ? "disparity" : "groups"),
  statistic: (state, _question, dataset) => (selectedCategory(state, dataset) ? "disparity" : "estimate"),
  hides: ["stratum", "category", "reference_stratum", "by", "basis"],

  controls({ state, dataset }) {
    const category = selectedCategory(state, dataset);
    return [
      optionPicker({
        id: "groups", label: "Group by", name: "groups", selected: category?.name ?? EVERY,
        options: [...categories(dataset).map((each) => each.name), [EVERY, "All categories"]],
        changes: (value) => ({ groups: value, reference_stratum: null }),
      }),
      category && optionPicker({ id: "reference-stratum", label: "Compare with", name: "reference_stratum", selected: referenceGroup(state, category) ?? "", options: referenceOptions(state, dataset, category) }),
    ];
  },

  prerequisite: ({ dataset }) =>
    categories(dataset).length === 0 ? emptyState("No groups", "This data set does not divide people into groups.", h("p", {}, h("a", { class: "button", href: addressWith({ tab: "ranking" }) }, "Show the ranking"))) : null,

  adds({ state, dataset }) {
    const category = selectedCategory(state, dataset);
    const locations = { locations: shownLocations(state, dataset), basis: undefined, stratum: undefined };
    if (!category) return { ...locations, category: undefined, by: ["stratum"] };
    // What the reader has not chosen is left to the server, which says what it took.
    return { ...locations, category: chosenCategory(state, dataset), reference_stratum: referenceGroup(state, category) };
  },

  async render(context) {
    const { result, state, dataset } = context;
    const names = [...new Set(result.rows.map((row) => row.location))];
    const figure = await linkedChart(context, {
      name: groups.chart(state, dataset),
      names,
      describe: (index) => groupList(context, result.rows.filter((row) => row.location === names[index])),
      prompt: allOf(state.locations).length ? "Pick a location to see its values in words." : "Choose locations under Where to compare their groups with these.",
    });
    const limit = allOf(state.locations).length > MOST_LOCATIONS - 1 && h("p", { class: "warning" }, `At most ${MOST_LOCATIONS} locations are shown side by side. These are the first.`);
    return h("div", {}, limit, figure, selectedCategory(state, dataset) && names.map((name) => gapSection(context, name)));
  },
};

/** The categories with at least two groups. */
const categories = (dataset) => dataset.categories.filter((each) => each.strata.length > 1);

function selectedCategory(state, dataset) {
  if (firstOf(state.groups) === EVERY) return null;
  const options = categories(dataset);
  const name = chosenCategory(state, dataset) ?? defaultReference(state, dataset)?.category;
  return options.find((each) => each.name === name) ?? null;
}

function chosenCategory(state, dataset) {
  const names = categories(dataset).map((each) => each.name);
  return oneOf(state.groups, names, null) ?? oneOf(state.category, names, undefined);
}

/** The group that the server compares others with if none is requested. */
const defaultReference = (state, dataset) => dataset.questions.find((each) => each.text === firstOf(state.question))?.default_reference ?? null;

const referenceGroup = (state, category) => oneOf(state.reference_stratum, category.strata, undefined);

function referenceOptions(state, dataset, category) {
  const usual = defaultReference(state, dataset);
  const name = usual?.category === category.name ? usual.stratum : null;
  return [["", name ?? "The first group"], ...category.strata.filter((each) => each !== name)];
}

function shownLocations(state, dataset) {
  const aggregate = aggregateLocation(dataset);
  const selected = allOf(state.locations).slice(0, MOST_LOCATIONS - 1);
  const shown = [...new Set([...selected, ...(aggregate ? [aggregate] : [])])];
  return shown.length ? shown : [dataset.locations[0].name];
}

function groupList({ result, explain }, rows) {
  const write = writing(result);
  const isTested = result.columns.some((each) => each.name === "verdict");
  return h(
    "ul",
    { class: "plain" },
    rows.map((row) =>
      h(
        "li",
        {},
        h("strong", {}, bdi([row.category, row.stratum].filter(Boolean).join(", "))),
        ": ",
        write.estimate(row, "estimate", "low", "high"),
        isTested && row.difference !== null && [`, ${write(row, "difference")} from `, bdi(row.reference_stratum), ` (${write.range(row, "difference_low", "difference_high")}), `, conclusion(row.verdict)],
        explain && [" ", h("button", { type: "button", class: "button small", onclick: () => explain(row, result.rows.indexOf(row)) }, "Why?")],
      ),
    ),
  );
}

/** For one location: the gap between its highest and lowest group, and each group compared with the reference. */
function gapSection(context, name) {
  const { result } = context;
  const write = writing(result);
  const rows = result.rows.filter((row) => row.location === name);
  const [first] = rows;
  return h(
    "section",
    { class: "gap", "aria-label": `Groups of ${name}` },
    h("h2", {}, bdi(name)),
    first.gap !== null &&
      h(
        "p",
        {},
        `The highest and lowest group differ by ${write.estimate(first, "gap", "gap_low", "gap_high")}`,
        first.gap_corrected !== null && `; ${write(first, "gap_corrected")} after correcting for picking the extremes`,
        ".",
      ),
    groupList(context, rows),
  );
}
