/**
 * Every column of a statistic, to sort, filter and download.
 */

import { get } from "../api.js";
import { labeled } from "../components.js";
import { h } from "../dom.js";
import { addressWith, firstOf, navigate } from "../state.js";
import { table as resultTable } from "../table.js";

/** @type {import("./index.js").Tab} */
export const table = {
  id: "table",
  title: "Table",
  chart: () => null,
  // If no direction is set, estimates are what can be shown without a choice.
  statistic: (state, question) => firstOf(state.of) ?? (question.polarity || firstOf(state.better) ? "ranking" : "estimate"),

  async render({ state, signal, row, result, explain }) {
    const { statistics } = await get("/v1/statistics", { signal });
    const select = h(
      "select",
      { id: "of", onchange: (event) => navigate(addressWith({ of: event.target.value, sort: null, filter: null })) },
      statistics.map((each) => h("option", { value: each.name, selected: each.name === row.name }, `${each.name.replaceAll("_", " ")}: ${each.help}`)),
    );
    return h(
      "div",
      {},
      labeled("Statistic", select),
      resultTable(result, { caption: `${row.name}: ${row.help}`, sort: firstOf(state.sort), filter: firstOf(state.filter), explain }),
    );
  },
};
