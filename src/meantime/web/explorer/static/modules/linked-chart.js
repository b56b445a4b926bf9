/**
 * A chart of a result, linked with a list of its locations: highlighting one in either describes it in words.
 */

import { get, Problem } from "./api.js";
import { chart, MEDIA_TYPE } from "./chart.js";
import { labeled, problemMessage } from "./components.js";
import { h, replaceChildren } from "./dom.js";
import { resultUrl } from "./request.js";
import { addressWith, firstOf, replaceAddress } from "./state.js";

const PROMPT = "Hover over or pick a location to see which others it cannot be distinguished from.";
// The server has the result, and no chart of it.
const NOT_ACCEPTABLE = 406;

/**
 * ``name`` is one of the statistic's charts; ``describe(index)`` puts what is known of a location in words, ``prompt`` is shown
 * while none is highlighted. Without ``names`` there are none to highlight. ``of`` is the request of the chart, if it is
 * not that of the result; ``without(problem)`` is shown if the result has no such chart.
 * @param {import("./tabs/index.js").TabContext} context
 * @param {{name: string, describe?: (index: number) => Node, prompt?: string, names?: string[], of?: import("./request.js").StatisticRequest, without?: (problem: Problem) => Node}} options
 * @returns {Promise<HTMLElement>}
 */
export async function linkedChart({ state, signal, request, result }, { name, describe, prompt = PROMPT, names = locationNames(result), of = request, without = null }) {
  const tableHref = addressWith({ tab: "table", of: request.statistic });
  let specification;
  try {
    specification = await get(resultUrl(of, { chart: name }), { signal, accept: MEDIA_TYPE });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (without && error.status === NOT_ACCEPTABLE) return without(error);
    // There is a result, only no chart of it: it has too many locations, for example.
    return h("div", {}, problemMessage(error), h("p", {}, h("a", { class: "button", href: tableHref }, "Show the table")));
  }
  const description = h("div", { class: "description", role: "status" });
  const figure = chart(specification, {
    signal,
    names,
    highlighted: firstOf(state.highlight) ?? null,
    tableHref,
    onhighlight: (location) => {
      select.value = location ?? "";
      update(location);
    },
  });
  if (names.length === 0) return figure.element;
  const select = h(
    "select",
    {
      id: "highlight",
      onchange: () => {
        figure.highlight(select.value || null);
        update(select.value || null);
      },
    },
    h("option", { value: "" }, "None"),
    names.toSorted((a, b) => a.localeCompare(b)).map((each) => h("option", { value: each, selected: each === firstOf(state.highlight) }, each)),
  );

  function update(location) {
    replaceAddress({ highlight: location });
    show(location);
  }

  function show(location) {
    const index = names.indexOf(location);
    replaceChildren(description, index < 0 ? h("p", { class: "muted" }, prompt) : describe(index));
  }

  // A location that is not here may be in another tab: the address keeps it.
  show(firstOf(state.highlight));
  return h("div", {}, labeled("Highlight", select), description, figure.element);
}

const locationNames = (result) => [...new Set(result.rows.map((row) => row.location))];
