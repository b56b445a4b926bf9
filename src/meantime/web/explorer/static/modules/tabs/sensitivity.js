/**
 * The ranking under every method that the table allows, a line per location; and why other methods are not available.
 */

import { get } from "../api.js";
import { scrollable } from "../components.js";
import { bdi, h } from "../dom.js";
import { capitalized, many, writing } from "../format.js";
import { linkedChart } from "../linked-chart.js";
import { resultUrl } from "../request.js";

// As the chart colors them.
const FAR = 10;

/** @type {import("./index.js").Tab} */
export const sensitivity = {
  id: "sensitivity",
  title: "Sensitivity",
  chart: () => "slopes",
  statistic: () => "sensitivity",
  hides: ["show"],
  adds: () => ({ show: "locations" }),

  async render(context) {
    const { request, result, signal } = context;
    const [figure, figures] = await Promise.all([
      linkedChart(context, {
        name: "slopes",
        describe: (index) => sentence(result.rows[index], result.columns),
        prompt: `Point at a line or pick a place to see its rank under each method. ${result.rows.some((row) => row.moves >= FAR) ? `Orange: places that move by ${FAR} ranks or more.` : ""}`,
      }),
      get(resultUrl({ ...request, parameters: { ...request.parameters, show: "figures" } }), { signal }),
    ]);
    return h("div", {}, figure, methodTable(figures));
  },
};

function sentence(row, columns) {
  const ranks = columns.filter((each) => each.name.startsWith("rank_") && row[each.name] !== null);
  return h(
    "p",
    {},
    h("strong", {}, bdi(row.location)),
    `: rank ${ranks.map((each) => `${row[each.name]} (${asText(each.name.slice("rank_".length))})`).join(", ")}. Largest shift: ${many(row.moves, "place")}.`,
  );
}

function methodTable(figures) {
  const write = writing(figures);
  const headings = ["Method", "Ranked by", "Agreement (Kendall’s tau)", "Top places shared", "Largest shift"];
  return h(
    "section",
    { "aria-labelledby": "methods" },
    h("h2", { id: "methods" }, "Methods"),
    scrollable(
      "Methods, as a table",
      h(
        "table",
        { class: "data" },
        h("thead", {}, h("tr", {}, headings.map((each, at) => h("th", { scope: "col", class: at > 1 && "number" }, each)))),
        h(
          "tbody",
          {},
          figures.rows.map((row) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, capitalized(asText(row.method))),
              row.not_available
                ? h("td", { colspan: 4, class: "missing" }, "Not available: ", bdi(row.not_available), ".")
                : [h("td", {}, bdi(row.what)), ...["kendall_tau", "best_shared", "moves_most"].map((name) => h("td", { class: "number" }, row[name] === null ? "" : write(row, name)))],
            ),
          ),
        ),
      ),
    ),
  );
}

const asText = (name) => name.replaceAll("_", " ");
