/**
 * Locations best first, with the ranks that each may have; what cannot be told apart from one stays lit with it.
 */

import { h, theirs } from "../dom.js";
import { drawn } from "../drawn.js";
import { writing } from "../format.js";

/** @type {import("./index.js").Tab} */
export const ranking = {
  id: "ranking",
  title: "Ranking",
  chart: () => "ranking",
  statistic: () => "ranking",
  render: (about) => drawn(about, { name: "ranking", told: (index) => sentence(about, index) }),
};

/** What the row of a location says, in words. */
function sentence({ result, why }, index) {
  const row = result.rows[index];
  const write = writing(result);
  const others = row.cannot_be_told_apart_from ? row.cannot_be_told_apart_from.split("; ") : [];
  return h(
    "p",
    {},
    h("strong", {}, theirs(row.location)),
    ": ",
    theirs(write.estimate(row, "estimate", "low", "high")),
    `, rank ${row.rank}; its rank may be ${row.rank_low} to ${row.rank_high}. `,
    others.length ? ["Cannot be told apart from ", theirs(others.join(", ")), "."] : "Differs from every other location.",
    row.flags && [" Flagged: ", theirs(row.flags), "."],
    why && [" ", h("button", { type: "button", class: "button small", onclick: () => why(row, index) }, "Why this number?")],
  );
}
