/**
 * Locations, best first, with the range of each one's rank; highlighting one highlights those it cannot be distinguished from.
 */

import { bdi, h } from "../dom.js";
import { writing } from "../format.js";
import { linkedChart } from "../linked-chart.js";

/** @type {import("./index.js").Tab} */
export const ranking = {
  id: "ranking",
  title: "Ranking",
  chart: () => "ranking",
  statistic: () => "ranking",
  render: (context) => linkedChart(context, { name: "ranking", describe: (index) => sentence(context, index) }),
};

function sentence({ result, explain }, index) {
  const row = result.rows[index];
  const write = writing(result);
  const others = row.cannot_be_told_apart_from ? row.cannot_be_told_apart_from.split("; ") : [];
  return h(
    "p",
    {},
    h("strong", {}, bdi(row.location)),
    ": ",
    bdi(write.estimate(row, "estimate", "low", "high")),
    `, rank ${row.rank} (${row.rank_low} to ${row.rank_high} with 95% confidence). `,
    others.length ? ["Cannot be distinguished from ", bdi(others.join(", ")), "."] : "Differs from every other location.",
    row.flags && [" Flagged: ", bdi(row.flags), "."],
    explain && [" ", h("button", { type: "button", class: "button small", onclick: () => explain(row, index) }, "Why this number?")],
  );
}
