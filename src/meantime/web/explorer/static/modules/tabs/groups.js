/**
 * Groups: the gap between two of them in every place, or all groups of a few places side by side.
 */

import { emptyState, explainButton } from "../components.js";
import { conclusion } from "../conclusion.js";
import { bdi, h } from "../dom.js";
import { writing } from "../format.js";
import { linkedChart } from "../linked-chart.js";
import { aggregateLocation, oneOf, optionPicker, switchPicker } from "../pickers.js";
import { addressWith, allOf, firstOf } from "../state.js";
import { yearSlider } from "../years.js";

// As many locations as the chart of all categories shows side by side.
const MOST_LOCATIONS = 6;
const EVERY = "every";
// Of the widest gaps.
const LISTED = 3;
const SIGNIFICANCE = 0.05;

/** @type {import("./index.js").Tab} */
export const groups = {
  id: "groups",
  title: "Groups",
  chart: (state, dataset) => (isOfGaps(state, dataset) ? "ranking" : selectedCategory(state, dataset) ? "disparity" : "groups"),
  statistic: (state, _question, dataset) => (isOfGaps(state, dataset) ? "gap_ranking" : selectedCategory(state, dataset) ? "disparity" : "estimate"),
  hides: ["stratum", "category", "reference_stratum", "by", "basis", "since", "alike_of"],
  noPlaces: ({ state, dataset }) => (isOfGaps(state, dataset) ? "All places" : (aggregateLocation(dataset) ?? dataset.locations[0]?.name)),

  controls({ state, dataset }) {
    const category = selectedCategory(state, dataset);
    const ofGaps = isOfGaps(state, dataset);
    return [
      canRankGaps(dataset) && switchPicker({ label: "Show", name: "grouping", selected: ofGaps ? "gaps" : "groups", options: [["gaps", "Gaps"], ["groups", "Side by side"]], changes: { locations: null } }),
      optionPicker({
        id: "groups", label: "Group by", name: "groups", selected: category?.name ?? EVERY,
        options: [...categories(dataset).map((each) => each.name), ...(ofGaps ? [] : [[EVERY, "All categories"]])],
        changes: (value) => ({ groups: value, reference_stratum: null, category: null, stratum: null }),
      }),
      ofGaps && category && category.strata.length > 2 && optionPicker({ id: "stratum", label: "Group", name: "stratum", selected: ownStratum(state, category) ?? "", options: groupOptions(state, dataset, category), changes: (value) => ({ category: category.name, stratum: value || null }) }),
      category && optionPicker({ id: "reference-stratum", label: "Compare with", name: "reference_stratum", selected: referenceGroup(state, category) ?? "", options: referenceOptions(state, dataset, category) }),
      !ofGaps && category && allPlaces(state),
    ];
  },

  prerequisite: ({ dataset }) =>
    categories(dataset).length === 0 ? emptyState("No groups", "This data set does not divide people into groups.", h("p", {}, h("a", { class: "button", href: addressWith({ tab: "ranking" }) }, "Show the ranking"))) : null,

  // The group that others are usually compared with may have no value in these places: others have.
  instead({ state, dataset }, { problems, detail }) {
    const category = selectedCategory(state, dataset);
    if (!category || !problems.some((each) => each.pointer === "/reference_stratum")) return null;
    const there = category.strata.filter((each) => each !== referenceOf(state, dataset, category) && detail.includes(`"${each}"`));
    return h("p", { class: "row" }, h("span", {}, "Compare with"), there.map((each) => h("a", { class: "chip", href: addressWith({ reference_stratum: each }) }, bdi(each))));
  },

  adds({ state, dataset }) {
    const category = selectedCategory(state, dataset);
    if (isOfGaps(state, dataset)) {
      const reference = referenceOf(state, dataset, category);
      return { basis: undefined, category: category.name, stratum: ownStratum(state, category) ?? firstBeside(reference, category), reference_stratum: reference };
    }
    const locations = { locations: shownLocations(state, dataset), basis: undefined, stratum: undefined };
    if (!category) return { ...locations, category: undefined, by: ["stratum"] };
    return { ...locations, category: category.name, reference_stratum: referenceOf(state, dataset, category) };
  },

  render: (context) => (isOfGaps(context.state, context.dataset) ? gapRanking(context) : sideBySide(context)),
};

/** All places, or, where they are shown, no more all of them. */
function allPlaces(state) {
  const isChosen = allOf(state.locations).includes("all");
  return h("a", { class: "chip", href: addressWith({ locations: isChosen ? null : ["all"], grouping: "groups" }), "aria-current": isChosen && "true" }, "All places");
}

/** The categories with at least two groups. */
const categories = (dataset) => dataset.categories.filter((each) => each.strata.length > 1);
const canRankGaps = (dataset) => dataset.locations.filter((each) => !each.is_aggregate).length > 1;

function isOfGaps(state, dataset) {
  if (!canRankGaps(dataset) || !selectedCategory(state, dataset)) return false;
  return oneOf(state.grouping, ["gaps", "groups"], allOf(state.locations).length ? "groups" : "gaps") === "gaps";
}

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

/** The group that the reader has chosen, if it is one of the category and not the reference. */
function ownStratum(state, category) {
  const stratum = oneOf(state.stratum, category.strata, undefined);
  return stratum === referenceGroup(state, category) ? undefined : stratum;
}

/** The group that the others are compared with: the chosen one, the server's usual one, or the first that is not compared. */
function referenceOf(state, dataset, category) {
  const usual = defaultReference(state, dataset);
  const own = isOfGaps(state, dataset) ? ownStratum(state, category) : undefined;
  const free = category.strata.filter((each) => each !== own);
  return referenceGroup(state, category) ?? (usual?.category === category.name && free.includes(usual.stratum) ? usual.stratum : free[0]);
}

const firstBeside = (reference, category) => category.strata.find((each) => each !== reference);

/** The groups that can be compared: all but the reference. */
function groupOptions(state, dataset, category) {
  const reference = referenceOf(state, dataset, category);
  const first = firstBeside(reference, category);
  return [["", first], ...category.strata.filter((each) => each !== reference && each !== first)];
}

function referenceOptions(state, dataset, category) {
  const first = referenceOf({ ...state, reference_stratum: undefined }, dataset, category);
  const own = isOfGaps(state, dataset) ? ownStratum(state, category) : undefined;
  return [["", first], ...category.strata.filter((each) => each !== first && each !== own)];
}

function shownLocations(state, dataset) {
  const aggregate = aggregateLocation(dataset);
  const chosen = allOf(state.locations);
  if (chosen.includes("all") && selectedCategory(state, dataset)) return ["all"];
  const selected = chosen.filter((name) => name !== "all").slice(0, MOST_LOCATIONS - 1);
  const shown = [...new Set([...selected, ...(aggregate ? [aggregate] : [])])];
  return shown.length ? shown : [dataset.locations[0].name];
}

/** Every place by the gap between two groups. */
function gapRanking(context) {
  return linkedChart(context, {
    name: "ranking",
    describe: (index) => gapSentence(context, context.result.rows[index]),
    prompt: widestGaps(context),
    tools: [yearSlider(context)],
  });
}

/** The widest gaps, and where their direction is certain: a hollow dot in the chart says that it is not. */
function widestGaps({ result }) {
  const write = writing(result);
  const rows = result.rows.filter((row) => row.gap !== null);
  if (rows.length === 0) return "";
  const widest = rows.toSorted((a, b) => Math.abs(b.gap) - Math.abs(a.gap)).slice(0, LISTED);
  const { unit } = result.columns.find((each) => each.name === "gap");
  return h(
    "dl",
    { class: "ends" },
    h("div", { class: "end" }, h("dt", {}, "Widest"), h("dd", {}, widest.map((row, at) => [at ? ", " : "", h("strong", {}, bdi(row.location)), " ", write(row, "gap", false)]), unit ? ` ${unit}.` : ".")),
    h("div", { class: "end" }, h("dt", {}, "Direction"), h("dd", {}, bdi(directionSentence(rows)))),
  );
}

/** Where the gap has a certain direction, by whichever list is shorter. */
function directionSentence(rows) {
  const [sure, unsure] = [true, false].map((isSure) => rows.filter((row) => row.p_adjusted < SIGNIFICANCE === isSure).map((row) => row.location).toSorted());
  if (unsure.length === 0) return "Certain in every place (Holm-adjusted).";
  if (sure.length === 0) return "Certain in no place: no gap can be distinguished from 0 (Holm-adjusted).";
  if (sure.length <= unsure.length) return `Certain in ${sure.length} of ${rows.length} places: ${sure.join(", ")}. In the other ${unsure.length}, drawn hollow, the gap cannot be distinguished from 0 (Holm-adjusted).`;
  return `Not certain in ${unsure.length} of ${rows.length} places, drawn hollow: ${unsure.join(", ")}. Their gaps cannot be distinguished from 0 (Holm-adjusted).`;
}

function gapSentence({ result, explain }, row) {
  const write = writing(result);
  const isSure = row.p_adjusted < SIGNIFICANCE;
  return h(
    "p",
    {},
    h("strong", {}, bdi(row.location)),
    `: gap of ${write.estimate(row, "gap", "gap_low", "gap_high")}; ${write(row, "estimate")} and ${write(row, "reference_estimate")}. `,
    isSure ? "The two groups differ. " : "The direction is not certain. ",
    explainButton(explain, row, result.rows.indexOf(row)),
  );
}

/** The groups of one or several places. */
async function sideBySide(context) {
  const { result, state, dataset } = context;
  const names = [...new Set(result.rows.map((row) => row.location))];
  const figure = await linkedChart(context, {
    name: groups.chart(state, dataset),
    names,
    describe: (index) => groupList(context, result.rows.filter((row) => row.location === names[index])),
    prompt: names.length > 1 ? "Pick a place to see its values in words." : "",
  });
  const chosen = allOf(state.locations).filter((name) => name !== "all");
  const limit = chosen.length > MOST_LOCATIONS - 1 && h("p", { class: "warning" }, `At most ${MOST_LOCATIONS} places are shown side by side. These are the first.`);
  const isListed = selectedCategory(state, dataset) && names.length <= MOST_LOCATIONS;
  return h("div", {}, limit, figure, isListed && names.map((name) => gapSection(context, name)));
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
        explain && [" ", explainButton(explain, row, result.rows.indexOf(row), "Why?")],
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
