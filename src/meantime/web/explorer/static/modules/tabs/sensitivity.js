/**
 * The ranking under every method that the table allows, a line for each location; and why it does not allow the others.
 */

import { get } from "../api.js";
import { address } from "../ask.js";
import { h, theirs } from "../dom.js";
import { drawn } from "../drawn.js";
import { many, writing } from "../format.js";

/** @type {import("./index.js").Tab} */
export const sensitivity = {
  id: "sensitivity",
  title: "Sensitivity",
  chart: () => "slopes",
  statistic: () => "sensitivity",
  hides: ["show"],
  adds: () => ({ show: "locations" }),

  async render(about) {
    const { asked, result, signal } = about;
    const [figure, figures] = await Promise.all([
      drawn(about, {
        name: "slopes",
        told: (index) => told(result.rows[index], result.columns),
        prompt: "Point at a line, or choose a location, to see where each method puts it.",
      }),
      get(address({ ...asked, parameters: { ...asked.parameters, show: "figures" } }), { signal }),
    ]);
    return h("div", {}, figure, methods(figures));
  },
};

function told(row, columns) {
  const ranks = columns.filter((each) => each.name.startsWith("rank_") && row[each.name] !== null);
  return h(
    "p",
    {},
    h("strong", {}, theirs(row.location)),
    `: ${ranks.map((each) => `${row[each.name]} ${said(each.name.slice("rank_".length))}`).join(", ")}. It moves ${many(row.moves, "place")}.`,
  );
}

function methods(figures) {
  const write = writing(figures);
  return h(
    "section",
    { "aria-labelledby": "methods" },
    h("h2", { id: "methods" }, "The methods"),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "The methods, as a table" },
      h(
        "table",
        { class: "data" },
        h("thead", {}, h("tr", {}, ["Method", "What it ranks by", "Like the ranking as asked (Kendall's tau)", "Best in common", "Most places moved"].map((each) => h("th", { scope: "col" }, each)))),
        h(
          "tbody",
          {},
          figures.rows.map((row) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, said(row.method)),
              row.not_available
                ? h("td", { colspan: 4, class: "missing" }, "Not available: ", theirs(row.not_available), ".")
                : [h("td", {}, theirs(row.what)), ...["kendall_tau", "best_shared", "moves_most"].map((name) => h("td", { class: "number" }, row[name] === null ? "" : write(row, name)))],
            ),
          ),
        ),
      ),
    ),
  );
}

const said = (name) => name.replaceAll("_", " ");
