/**
 * Every column of any statistic, to sort, filter and download. What a statistic needs to know is asked for.
 */

import { get } from "../api.js";
import { labeled } from "../components.js";
import { namesFor } from "../controls.js";
import { h } from "../dom.js";
import { capitalized } from "../format.js";
import { nameField } from "../names.js";
import { choiceNeeded } from "../pickers.js";
import { addressWith, firstOf, navigate } from "../state.js";
import { table as resultTable } from "../table.js";
import { singleYears } from "../years.js";

// What is asked for each parameter that a statistic cannot do without.
const QUESTIONS = {
  since: ["Since which year?", "The change is measured from there to the year shown."],
  target: ["Which target?", "Each place is compared with this value, in the unit of the question."],
  other: ["Which other question?", "Both are compared across all places."],
  state: ["Which place?", "This statistic is about one place."],
};
// These average rows of all groups and years, whatever group is chosen.
const OF_ROWS = new Set(["states_mean", "state_mean", "best5", "worst5", "global_mean", "diff_from_mean", "state_diff_from_mean", "mean_by_category", "state_mean_by_category", "summary"]);
// A standardized value is made of all groups of a category.
const OF_ALL_GROUPS = new Set(["standardised"]);

// If no direction is set, estimates are what can be shown without a choice.
const chosenStatistic = (state, question) => firstOf(state.of) ?? (question.polarity || firstOf(state.better) ? "ranking" : "estimate");

/** @type {import("./index.js").Tab} */
export const table = {
  id: "table",
  title: "Table",
  chart: () => undefined,
  statistic: chosenStatistic,

  async controls({ state, question, signal }) {
    const { statistics } = await get("/v1/statistics", { signal });
    const chosen = chosenStatistic(state, question);
    const option = (each) => h("option", { value: each.name, selected: each.name === chosen }, `${capitalized(each.name.replaceAll("_", " "))}: ${each.help}`);
    const select = h(
      "select",
      { id: "of", onchange: (event) => navigate(addressWith({ of: event.target.value, sort: null, filter: null })) },
      h("optgroup", { label: "Estimates and tests" }, statistics.filter((each) => !OF_ROWS.has(each.name)).map(option)),
      h("optgroup", { label: "Averages of rows, over all groups and years" }, statistics.filter((each) => OF_ROWS.has(each.name)).map(option)),
    );
    return [labeled("Statistic", select)];
  },

  prerequisite({ state, dataset, question, row }) {
    const missing = (row.parameters.required ?? []).find((name) => name !== "question" && !firstOf(state[name]));
    return missing ? ask(missing, dataset, question) : null;
  },

  adds: ({ state, question }) => (OF_ALL_GROUPS.has(chosenStatistic(state, question)) ? { category: undefined, stratum: undefined } : {}),

  heading: ({ result, question }) => (result.about ? null : `${question.title}: averages of rows`),

  render: async ({ state, dataset, row, result, explain }) => resultTable(result, { dataset: dataset.name, caption: `${row.name}: ${row.help}`, sort: firstOf(state.sort), filter: firstOf(state.filter), explain }),
};

/** Ask for a parameter, in the words of a reader. */
function ask(name, dataset, question) {
  const [title, text] = QUESTIONS[name] ?? [`Which ${name.replaceAll("_", " ")}?`, "This statistic needs it."];
  const id = `ask-${name}`;
  const set = (value) => navigate(addressWith({ [name]: value || null }));
  const names = name === "since" ? singleYears(dataset, question).map(String).slice(0, -1) : namesFor(name, dataset)?.filter((each) => each !== question.text);
  if (names) return choiceNeeded(title, text, nameField({ id, pairs: [["", "Choose one"], ...names.map((each) => [each, each])], selected: "", isList: name === "since", onchange: set, "aria-label": title }).element);
  return choiceNeeded(title, text, h("input", { id, type: "number", step: "any", "aria-label": title, onchange: (event) => set(event.target.value) }));
}
