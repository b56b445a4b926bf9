/**
 * A chart of a result, linked with a list of its locations: highlighting one in either describes it in words.
 */

import { Problem } from "./api.js";
import { chart, MEDIA_TYPE } from "./chart.js";
import { problemMessage } from "./components.js";
import { h, replaceChildren } from "./dom.js";
import { chartHead } from "./heading.js";
import { namePicker } from "./names.js";
import { placeLink } from "./places.js";
import { fetchResult } from "./request.js";
import { addressWith, firstOf, readAddress, replaceAddress } from "./state.js";

// The server has the result, and no chart of it.
const NOT_ACCEPTABLE = 406;
// Of more locations a chart shows some, and the highlighted one has to be asked for.
const MOST_DRAWN = 100;

/**
 * ``name`` is one of the statistic's charts; ``describe(index)`` puts what is known of a location in words, ``prompt`` (a text or
 * elements) is shown while none is highlighted. Without ``names`` there are none to highlight. ``of`` is the request of the
 * chart, if it is not that of the result; ``prepare(specification)`` changes it before it is drawn; ``tools`` are further
 * controls of the chart; ``without(problem)`` is shown if the result has no such chart.
 * @param {import("./tabs/index.js").TabContext} context
 * @param {{name: string, describe?: (index: number) => Node, prompt?: string|Node, names?: string[], of?: import("./request.js").StatisticRequest, prepare?: (specification: any) => void, tools?: Array<Node|null>, without?: (problem: Problem) => Node}} options
 * @returns {Promise<HTMLElement>}
 */
export async function linkedChart(context, { name, describe, prompt = "", names = locationNames(context.result), of = context.request, prepare = null, tools = [], without = null }) {
  const { state, signal, dataset, request, result, onprogress } = context;
  const tableHref = addressWith({ tab: "table", of: request.statistic });
  async function specificationWith(highlight) {
    const made = await fetchResult(of, { signal, onprogress, accept: MEDIA_TYPE, chart: name, highlight });
    prepare?.(made);
    return made;
  }

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
  if (names.length === 0) return h("div", { class: "linked" }, chartHead(result.about, tools), shown, figure.element);
  const picker = namePicker({
    id: "highlight",
    label: "Highlight",
    pairs: [["", "Find a place"], ...names.toSorted(new Intl.Collator().compare).map((each) => [each, each])],
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
    replaceChildren(description, index >= 0 ? withLink(describe(index), location) : typeof prompt === "string" ? prompt && h("p", { class: "muted prompt" }, prompt) : prompt);
  }

  /** What is said of a place ends with a link to its page. */
  function withLink(described, location) {
    const link = placeLink(dataset.name, location);
    if (described.matches("ul")) described.append(h("li", {}, link));
    else [...(described.matches("p") ? [described] : described.querySelectorAll("p"))].at(-1).append(" ", link);
    return described;
  }

  // A location that is not here may be in another tab: the address keeps it.
  show(initial);
  return h("div", { class: "linked" }, chartHead(result.about, picker.element, tools), description, shown, figure.element);
}

const locationNames = (result) => [...new Set(result.rows.map((row) => row.location))];
