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

// The maps of a country's places, by their name in the address; the first that a data set has is the one to begin with.
const SHAPES = { outlines: "state_map", tiles: "map" };
const shapesOf = ({ maps }) => Object.keys(SHAPES).filter((shape) => maps.includes(SHAPES[shape]));
const isOfPoints = (dataset) => shapesOf(dataset).length === 0 && dataset.locations.some((each) => each.point);
const shapeOf = (state, dataset) => oneOf(state.shape, shapesOf(dataset), shapesOf(dataset)[0] ?? "tiles");
const isByDifference = (state) => oneOf(state.colour, ["value", "verdict"], "value") === "verdict";

/** @type {import("./index.js").Tab} */
export const map = {
  id: "map",
  title: "Map",
  chart: (state, dataset) => {
    if (isOfPoints(dataset) && !isByDifference(state)) return "point_map";
    const name = SHAPES[shapeOf(state, dataset)];
    return isByDifference(state) ? `verdict_${name}` : name;
  },
  statistic: (state) => (isByDifference(state) ? "comparison" : "estimate"),
  hides: ["locations", "reference", "by"],

  controls: ({ state, dataset }) => [
    switchPicker({ label: "Color by", name: "colour", selected: isByDifference(state) ? "verdict" : "value", options: [["value", "Value"], ["verdict", "Difference"]] }),
    shapesOf(dataset).length > 1 && switchPicker({ label: "Places as", name: "shape", selected: shapeOf(state, dataset), options: [["outlines", "Outlines"], ["tiles", "Tiles"]] }),
    isByDifference(state) && referencePicker(state, dataset),
  ],

  prerequisite({ state, dataset }) {
    if (!shapesOf(dataset).length && (isByDifference(state) || !isOfPoints(dataset))) return noMap(map.statistic(state), "Most of these places are on no map that Meantime has.");
    return isByDifference(state) && !firstOf(state.reference) && !aggregateLocation(dataset)
      ? choiceNeeded("Choose a location to compare with", "This data set has no figure for the whole, such as a nation, to compare its locations with.", referencePicker(state, dataset))
      : null;
  },

  // All of them, whatever is selected elsewhere: a map of three states would be no map.
  adds: () => ({ locations: ["all"] }),

  async render(context) {
    const { state, dataset, result } = context;
    const options = {
      describe: (index) => (isByDifference(state) ? comparisonSentence : estimateSentence)(context, result.rows[index]),
      prompt: `Point at or pick a place to see its ${isByDifference(state) ? "difference" : "value"} and confidence interval.`,
      tools: [yearSlider(context)],
      without: (problem) => noMap(context.request.statistic, bdi(problem.detail)),
    };
    return linkedChart(context, { ...options, name: map.chart(state, dataset) });
  },
};

function noMap(statistic, reason) {
  return emptyState(
    "No map of these places",
    reason,
    h("p", { class: "row" }, h("a", { class: "button", href: addressWith({ tab: "ranking" }) }, "Show the ranking"), h("a", { class: "button", href: addressWith({ tab: "table", of: statistic }) }, "Show the table")),
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
