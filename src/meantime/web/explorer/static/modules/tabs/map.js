/**
 * Every location by its outline or as a tile of the same size, by its value or by its comparison with a reference.
 */

import { emptyState, explainButton } from "../components.js";
import { conclusion } from "../conclusion.js";
import { bdi, h } from "../dom.js";
import { writing } from "../format.js";
import { linkedChart } from "../linked-chart.js";
import { aggregateLocation, choiceNeeded, oneOf, referencePicker, switchPicker } from "../pickers.js";
import { addressWith, firstOf } from "../state.js";
import { yearSlider } from "../years.js";

// No country has a tile for each of so many places.
const MOST_TILES = 100;
const isOfPoints = (dataset) => dataset.locations.length > MOST_TILES && dataset.locations.some((each) => each.point);
const isByOutline = (state) => oneOf(state.shape, ["tiles", "outlines"], "tiles") === "outlines";
const isByDifference = (state) => oneOf(state.colour, ["value", "verdict"], "value") === "verdict";

/** @type {import("./index.js").Tab} */
export const map = {
  id: "map",
  title: "Map",
  chart: (state, dataset) => {
    if (isOfPoints(dataset) && !isByDifference(state)) return "point_map";
    const name = isByOutline(state) ? "state_map" : "map";
    return isByDifference(state) ? `verdict_${name}` : name;
  },
  statistic: (state) => (isByDifference(state) ? "comparison" : "estimate"),
  hides: ["locations", "reference", "by"],

  controls: ({ state, dataset }) => [
    switchPicker({ label: "Color by", name: "colour", selected: isByDifference(state) ? "verdict" : "value", options: [["value", "Value"], ["verdict", "Difference"]] }),
    !isOfPoints(dataset) && switchPicker({ label: "Places as", name: "shape", selected: isByOutline(state) ? "outlines" : "tiles", options: [["tiles", "Tiles"], ["outlines", "Outlines"]] }),
    isByDifference(state) && referencePicker(state, dataset),
  ],

  prerequisite: ({ state, dataset }) =>
    isByDifference(state) && !firstOf(state.reference) && !aggregateLocation(dataset)
      ? choiceNeeded("Choose a location to compare with", "This data set has no figure for the whole, such as a nation, to compare its locations with.", referencePicker(state, dataset))
      : null,

  // All of them, whatever is selected elsewhere: a map of three states would be no map.
  adds: () => ({ locations: ["all"] }),

  async render(context) {
    const { state, dataset, result } = context;
    const options = {
      describe: (index) => (isByDifference(state) ? comparisonSentence : estimateSentence)(context, result.rows[index]),
      prompt: "Point at or pick a place to see its value and confidence interval.",
      tools: [yearSlider(context)],
      without: (problem) => noMap(context, problem),
    };
    if (map.chart(state, dataset) === "point_map") return linkedChart(context, { ...options, name: "point_map" });
    // Locations that are on no grid of tiles may have coordinates.
    const hasPoints = !isByDifference(state) && dataset.locations.some((each) => each.point);
    const without = hasPoints ? () => linkedChart(context, { ...options, name: "point_map" }) : options.without;
    return linkedChart(context, { ...options, name: map.chart(state, dataset), without });
  },
};

function noMap({ request }, problem) {
  return emptyState(
    "No map of these locations",
    bdi(problem.detail),
    h("p", { class: "row" }, h("a", { class: "button", href: addressWith({ tab: "ranking" }) }, "Show the ranking"), h("a", { class: "button", href: addressWith({ tab: "table", of: request.statistic }) }, "Show the table")),
  );
}

function estimateSentence({ result, explain }, row) {
  const write = writing(result);
  return h(
    "p",
    {},
    h("strong", {}, bdi(row.location)),
    ": ",
    row.estimate === null ? ["no value", row.withheld && [" (", bdi(row.withheld), ")"]] : write.estimate(row, "estimate", "low", "high"),
    ". ",
    row.flags && ["Flagged: ", bdi(row.flags), ". "],
    explainButton(explain, row, result.rows.indexOf(row)),
  );
}

function comparisonSentence({ result, explain }, row) {
  const write = writing(result);
  return h(
    "p",
    {},
    h("strong", {}, bdi(row.location)),
    ": ",
    conclusion(row.verdict),
    `, ${write(row, "estimate")} compared with `,
    bdi(row.reference),
    ` ${write(row, "reference_estimate")}; difference ${write.estimate(row, "difference", "difference_low", "difference_high")}. `,
    explainButton(explain, row, result.rows.indexOf(row)),
  );
}
