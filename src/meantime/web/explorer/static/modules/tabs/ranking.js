/**
 * Locations, best first, with the range of each one's rank; highlighting one highlights those it cannot be distinguished from.
 */

import { Problem } from "../api.js";
import { problemMessage } from "../components.js";
import { bdi, h, replaceChildren } from "../dom.js";
import { writing } from "../format.js";
import { linkedChart } from "../linked-chart.js";
import { fetchResult } from "../request.js";

/** @type {import("./index.js").Tab} */
export const ranking = {
  id: "ranking",
  title: "Ranking",
  chart: () => "ranking",
  statistic: () => "ranking",
  hides: ["alike_of"],
  render: (context) => {
    // Of very many locations the answer has no lists, so the chart cannot highlight who is alike.
    const isListed = context.result.rows.every((row) => row.alike === 0 || row.cannot_be_told_apart_from !== null);
    const prompt = isListed ? {} : { prompt: "Hover over or pick a location to see its rank, and how many others it cannot be distinguished from." };
    return linkedChart(context, { name: "ranking", describe: (index) => sentence(context, index), ...prompt });
  },
};

function sentence(context, index) {
  const { result, explain } = context;
  const row = result.rows[index];
  const write = writing(result);
  return h(
    "p",
    {},
    h("strong", {}, bdi(row.location)),
    ": ",
    bdi(write.estimate(row, "estimate", "low", "high")),
    `, rank ${row.rank} (${row.rank_low} to ${row.rank_high} with 95% confidence). `,
    alike(context, row),
    row.flags && [" Flagged: ", bdi(row.flags), "."],
    explain && [" ", h("button", { type: "button", class: "button small", onclick: () => explain(row, index) }, "Why this number?")],
  );
}

/** Which others it cannot be distinguished from; of many locations how many, and the names when they are asked for. */
function alike({ request, signal }, row) {
  if (row.alike === 0) return "Differs from every other location.";
  if (row.cannot_be_told_apart_from !== null) return alikeNames(row);
  const list = h("span", { role: "status" }, `Cannot be distinguished from ${row.alike.toLocaleString("en-US")} others. The chart does not mark them. `);
  const button = h("button", { type: "button", class: "button small", onclick: () => showNames() }, "Which ones?");

  async function showNames() {
    button.disabled = true;
    const of = { ...request, parameters: { ...request.parameters, alike_of: [row.location] } };
    try {
      const { rows } = await fetchResult(of, { signal, onprogress: (element) => replaceChildren(list, element) });
      replaceChildren(list, ...alikeNames(rows.find((each) => each.location === row.location)));
      button.remove();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      replaceChildren(list, problemMessage(error));
    }
  }

  return [list, button];
}

const alikeNames = (row) => ["Cannot be distinguished from ", bdi(row.cannot_be_told_apart_from.split("; ").join(", ")), "."];
