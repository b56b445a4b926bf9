/**
 * A chart of a result, linked with a list of its locations: highlighting one in either describes it in words.
 */

import { Problem } from "./api.js";
import { chart, MEDIA_TYPE } from "./chart.js";
import { problemMessage } from "./components.js";
import { h, replaceChildren } from "./dom.js";
import { namePicker } from "./names.js";
import { fetchResult } from "./request.js";
import { addressWith, firstOf, readAddress, replaceAddress } from "./state.js";

const PROMPT = "Hover over or pick a location to see which others it cannot be distinguished from.";
// The server has the result, and no chart of it.
const NOT_ACCEPTABLE = 406;
// Of more locations a chart shows some, and the highlighted one has to be asked for.
const MOST_DRAWN = 100;

/**
 * ``name`` is one of the statistic's charts; ``describe(index)`` puts what is known of a location in words, ``prompt`` is shown
 * while none is highlighted. Without ``names`` there are none to highlight. ``of`` is the request of the chart, if it is
 * not that of the result; ``without(problem)`` is shown if the result has no such chart.
 * @param {import("./tabs/index.js").TabContext} context
 * @param {{name: string, describe?: (index: number) => Node, prompt?: string, names?: string[], of?: import("./request.js").StatisticRequest, without?: (problem: Problem) => Node}} options
 * @returns {Promise<HTMLElement>}
 */
export async function linkedChart(context, { name, describe, prompt = PROMPT, names = locationNames(context.result), of = context.request, without = null }) {
  const { state, signal, request, onprogress } = context;
  const tableHref = addressWith({ tab: "table", of: request.statistic });
  const specificationWith = (highlight) => fetchResult(of, { signal, onprogress, accept: MEDIA_TYPE, chart: name, highlight });
  const known = new Set(names);
  const initial = known.has(firstOf(state.highlight)) ? firstOf(state.highlight) : null;
  let specification;
  try {
    specification = await specificationWith(names.length > MOST_DRAWN ? initial : null);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (without && error.status === NOT_ACCEPTABLE) return without(error);
    // There is a result, only no chart of it: it has too many locations, for example.
    return h("div", {}, problemMessage(error), h("p", {}, h("a", { class: "button", href: tableHref }, "Show the table")));
  }
  const description = h("div", { class: "description", role: "status" });
  let { figure, drawn } = figureOf(specification, initial);
  const shown = h("p", { class: "muted shown", hidden: !specification.usermeta?.shown }, specification.usermeta?.shown);
  if (names.length === 0) return h("div", {}, shown, figure.element);
  const picker = namePicker({
    id: "highlight",
    label: "Highlight",
    pairs: [["", "None"], ...names.toSorted(new Intl.Collator().compare).map((each) => [each, each])],
    selected: initial ?? "",
    onchange: (location) => {
      figure.highlight(location || null);
      update(location || null);
    },
  });

  function figureOf(of, highlighted) {
    const records = of.data?.values ?? [];
    // Of very many locations some are drawn: only these are highlighted by hovering and by keys.
    const all = new Set(of.usermeta?.shown ? records.map((each) => each.location) : names);
    return {
      drawn: all,
      figure: chart(of, {
        signal,
        names: names.filter((each) => all.has(each)),
        highlighted,
        tableHref,
        onhighlight: (location) => {
          picker.set(location ?? "");
          update(location);
        },
      }),
    };
  }

  function update(location) {
    replaceAddress({ highlight: location });
    show(location);
    if (location !== null && !drawn.has(location)) redraw(location).catch((error) => replaceChildren(description, problemMessage(error)));
  }

  /** Draw the chart again, with a location that it did not show. */
  async function redraw(location) {
    const next = await specificationWith(location);
    if (signal.aborted || firstOf(readAddress().highlight) !== location) return;
    const old = figure.element;
    ({ figure, drawn } = figureOf(next, location));
    drawn.add(location); // where it is not, no other chart has it
    old.replaceWith(figure.element);
    shown.textContent = next.usermeta?.shown ?? "";
  }

  function show(location) {
    const index = names.indexOf(location);
    replaceChildren(description, index < 0 ? h("p", { class: "muted" }, prompt) : describe(index));
  }

  // A location that is not here may be in another tab: the address keeps it.
  show(initial);
  return h("div", {}, picker.element, description, shown, figure.element);
}

const locationNames = (result) => [...new Set(result.rows.map((row) => row.location))];
