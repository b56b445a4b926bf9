/**
 * Places, best first, with the range of each one's rank; highlighting one highlights those it cannot be distinguished from.
 */

import { Problem, get } from "../api.js";
import { explainButton, problemMessage } from "../components.js";
import { bdi, h, replaceChildren } from "../dom.js";
import { whole, writing } from "../format.js";
import { linkedChart } from "../linked-chart.js";
import { aggregateLocation } from "../pickers.js";
import { fetchResult, resultUrl } from "../request.js";
import { firstOf } from "../state.js";
import { yearSlider } from "../years.js";

// Of the highest and of the lowest.
const EACH_END = 3;

/** @type {import("./index.js").Tab} */
export const ranking = {
  id: "ranking",
  title: "Ranking",
  chart: () => "ranking",
  statistic: () => "ranking",
  hides: ["alike_of"],
  render: (context) => linkedChart(context, { name: "ranking", describe: (index) => sentence(context, index), prompt: ends(context), tools: [yearSlider(context)] }),
};

/** The highest and the lowest places, and which cannot be distinguished from them. */
function ends(context) {
  const rows = context.result.rows.filter((row) => row.estimate !== null).toSorted((a, b) => b.estimate - a.estimate);
  if (rows.length < 2 * EACH_END) return "";
  const upwards = rows.toSorted((a, b) => a.estimate - b.estimate);
  return h("dl", { class: "ends" }, end(context, "Highest", rows, true), end(context, "Lowest", upwards, !matchMedia("(max-width: 40rem)").matches));
}

function end({ result }, name, rows, isOpen) {
  const write = writing(result);
  const first = rows.filter((row) => row.estimate === rows[0].estimate);
  const shown = rows.slice(0, EACH_END).map((row, at) => [at ? ", " : "", h("strong", {}, bdi(row.location)), " ", write(row, "estimate")]);
  return h("div", { class: "end" }, h("dt", {}, name), h("dd", {}, shown, ". ", first.length === 1 && tooClose(first[0], isOpen)));
}

function tooClose(row, isOpen) {
  if (row.alike === 0) return ["Every other place differs from ", bdi(row.location), "."];
  if (row.cannot_be_told_apart_from === null) return [`${whole(row.alike)} cannot be distinguished from `, bdi(row.location), "."];
  return h("details", { class: "too-close", open: isOpen }, h("summary", {}, `${row.alike} cannot be distinguished from ${row.location}`), h("span", {}, ": ", bdi(namesOf(row)), "."));
}

function sentence(context, index) {
  const { result, explain } = context;
  const row = result.rows[index];
  const write = writing(result);
  const beside = h("span", { class: "beside", role: "status" });
  compareWithWhole(context, row).then((found) => replaceChildren(beside, found && [" ", bdi(found)]));
  return h(
    "p",
    {},
    h("strong", {}, bdi(row.location)),
    ": ",
    bdi(write.estimate(row, "estimate", "low", "high")),
    `, rank ${row.rank} of ${result.rows.length} (${row.rank_low} to ${row.rank_high} with 95% confidence).`,
    beside,
    " ",
    explainButton(explain, row, index),
    " ",
    alike(context, row),
    row.flags && [" Flagged: ", bdi(row.flags), "."],
  );
}

/** How a place differs from the nation, or whatever contains the others; "" where the table has no such figure. */
async function compareWithWhole({ state, dataset, request, result, signal }, row) {
  const reference = firstOf(state.reference) ?? aggregateLocation(dataset);
  if (!reference || reference === row.location) return "";
  const { question, category, stratum, basis, value_type, weights, interval_scale, design_effect, reliability } = request.parameters;
  const same = { question, category, stratum, basis, value_type, weights, interval_scale, design_effect, reliability };
  const parameters = Object.fromEntries(Object.entries({ ...same, years: firstOf(state.years) ?? result.about.years.replace("\u2013", "-"), locations: [row.location], reference }).filter(([, value]) => value !== undefined));
  try {
    const found = await get(resultUrl({ statistic: "comparison", dataset: dataset.name, parameters }), { signal });
    return found.findings[0] ?? "";
  } catch (error) {
    if (!signal.aborted && !(error instanceof Problem)) throw error;
    return ""; // what is not comparable is only not compared
  }
}

/** Which others it cannot be distinguished from; of many places how many, and the names when they are asked for. */
function alike({ request, signal }, row) {
  if (row.alike === 0) return "It differs from every other place.";
  if (row.cannot_be_told_apart_from !== null && row.alike <= MOST_NAMED) return alikeNames(row);
  // The chart marks them; their names would push it down.
  if (row.cannot_be_told_apart_from !== null) return h("details", { class: "too-close" }, h("summary", {}, `${row.alike} others cannot be distinguished from it`), h("span", {}, ": ", bdi(namesOf(row)), "."));
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

// More names than these are opened by those who want them.
const MOST_NAMED = 6;
const namesOf = (row) => row.cannot_be_told_apart_from.split("; ").join(", ");
const alikeNames = (row) => ["Cannot be distinguished from ", bdi(namesOf(row)), "."];
