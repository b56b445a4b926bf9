/**
 * Every place as a tile of one size, by its value or by the verdict against the reference.
 */

import { aggregate, choiceFirst, chooseOne, chooseView, known, locationNames } from "../choosing.js";
import { h, theirs } from "../dom.js";
import { drawn } from "../drawn.js";
import { writing } from "../format.js";
import { empty } from "../parts.js";
import { changed, one } from "../state.js";
import { verdict } from "../verdict.js";

const isByVerdict = (state) => known(state.colour, ["value", "verdict"], "value") === "verdict";

/** @type {import("./index.js").Tab} */
export const map = {
  id: "map",
  title: "Map",
  chart: (state) => (isByVerdict(state) ? "verdict_map" : "map"),
  statistic: (state) => (isByVerdict(state) ? "comparison" : "estimate"),
  hides: ["locations", "reference", "by"],

  controls: ({ state, dataset }) => [
    chooseView({ label: "Colour by", name: "colour", chosen: isByVerdict(state) ? "verdict" : "value", options: [["value", "Value"], ["verdict", "Verdict"]] }),
    isByVerdict(state) && against(state, dataset),
  ],

  first: ({ state, dataset }) =>
    isByVerdict(state) && !one(state.reference) && !aggregate(dataset)
      ? choiceFirst("Compared with which location?", "This table has no country or other whole that its locations are parts of, so the one to compare with must be named.", against(state, dataset))
      : null,

  // All of them, whatever is chosen elsewhere: a map of three states is none.
  adds: () => ({ locations: ["all"] }),

  async render(about) {
    const shown = {
      told: (index) => (isByVerdict(about.state) ? compared(about, about.result.rows[index]) : estimated(about, about.result.rows[index])),
      prompt: "Point at a place, or choose a location, to see its value and how sure it is.",
      without: (problem) => none(about, problem),
    };
    // Places that are on no grid may have points of their own.
    const hasPoints = !isByVerdict(about.state) && about.dataset.locations.some((each) => each.point);
    const without = hasPoints ? () => drawn(about, { ...shown, name: "point_map" }) : shown.without;
    return drawn(about, { ...shown, name: map.chart(about.state), without });
  },
};

function none({ asked }, problem) {
  return empty(
    "There is no map of these places",
    theirs(problem.detail),
    h("p", { class: "row" }, h("a", { class: "button", href: changed({ tab: "ranking" }) }, "Look at the ranking"), h("a", { class: "button", href: changed({ tab: "table", of: asked.statistic }) }, "Look at the table")),
  );
}

function against(state, dataset) {
  const whole = aggregate(dataset);
  return chooseOne({
    id: "reference", label: "Against", name: "reference", chosen: one(state.reference) ?? "",
    options: [["", whole ?? "choose"], ...locationNames(dataset).filter((name) => name !== whole).map((name) => [name, name])],
  });
}

function estimated({ result, why }, row) {
  const write = writing(result);
  return h(
    "p",
    {},
    h("strong", {}, theirs(row.location)),
    ": ",
    row.estimate === null ? ["no value", row.withheld && [" (", theirs(row.withheld), ")"]] : write.estimate(row, "estimate", "low", "high"),
    ". ",
    row.flags && ["Flagged: ", theirs(row.flags), ". "],
    asks(why, row, result),
  );
}

function compared({ result, why }, row) {
  const write = writing(result);
  return h(
    "p",
    {},
    h("strong", {}, theirs(row.location)),
    ": ",
    verdict(row.verdict),
    `, ${write(row, "estimate")} beside `,
    theirs(row.reference),
    ` ${write(row, "reference_estimate")}; difference ${write.estimate(row, "difference", "difference_low", "difference_high")}. `,
    asks(why, row, result),
  );
}

const asks = (why, row, result) => why && h("button", { type: "button", class: "button small", onclick: () => why(row, result.rows.indexOf(row)) }, "Why this number?");
