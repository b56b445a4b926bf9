/**
 * Every column of an answer, to be sorted, filtered and taken away.
 */

import { get } from "../api.js";
import { h } from "../dom.js";
import { labelled } from "../parts.js";
import { changed, go, one } from "../state.js";
import { table as shown } from "../table.js";

/** @type {import("./index.js").Tab} */
export const table = {
  id: "table",
  title: "Table",
  chart: () => null,
  // Where nobody has said which values are good, the estimates are what can be had without a choice.
  statistic: (state, question) => one(state.of) ?? (question.polarity || one(state.better) ? "ranking" : "estimate"),

  async render({ state, signal, row, result, why }) {
    const { statistics } = await get("/v1/statistics", { signal });
    const choose = h(
      "select",
      { id: "of", onchange: (event) => go(changed({ of: event.target.value, sort: null, filter: null })) },
      statistics.map((each) => h("option", { value: each.name, selected: each.name === row.name }, `${each.name.replaceAll("_", " ")}: ${each.help}`)),
    );
    return h(
      "div",
      {},
      labelled("Numbers of", choose),
      shown(result, { caption: `${row.name}: ${row.help}`, sort: one(state.sort), filter: one(state.filter), why }),
    );
  },
};
