/**
 * A chart of an answer with what belongs to it: a location to be lit, by pointer and by keyboard, and what its row says in words.
 */

import { get, Problem } from "./api.js";
import { address } from "./ask.js";
import { chart, MEDIA_TYPE } from "./chart.js";
import { h, put } from "./dom.js";
import { labelled, trouble } from "./parts.js";
import { adjust, changed, one } from "./state.js";

/**
 * ``name`` is that of one of the statistic's charts; ``told(index)`` says in words what is known of a location, ``prompt`` what
 * there is to be seen while none is chosen. Without ``names`` there is none to be chosen. ``of`` is what the chart is asked of,
 * where that is not the answer itself; ``without(problem)`` is shown where there is no chart of it.
 * @param {import("./tabs/index.js").About} about
 * @param {{name: string, told?: (index: number) => Node, prompt?: string, names?: string[], of?: import("./ask.js").Asked, without?: (problem: Problem) => Node}} options
 * @returns {Promise<HTMLElement>}
 */
export async function drawn({ state, signal, asked, result }, { name, told, prompt = POINT, names = locationsOf(result), of = asked, without = null }) {
  const tableHref = changed({ tab: "table", of: asked.statistic });
  let specification;
  try {
    specification = await get(address(of, { chart: name }), { signal, accept: MEDIA_TYPE });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (without && error.status === NOT_ACCEPTABLE) return without(error);
    // There is an answer, only no picture of it: too many locations, say.
    return h("div", {}, trouble(error), h("p", {}, h("a", { class: "button", href: tableHref }, "Look at the table")));
  }
  const words = h("div", { class: "told", role: "status" });
  const figure = chart(specification, {
    signal,
    names,
    highlight: one(state.highlight) ?? null,
    tableHref,
    onhighlight: (lit) => {
      choose.value = lit ?? "";
      look(lit);
    },
  });
  if (names.length === 0) return figure.element;
  const choose = h(
    "select",
    {
      id: "highlight",
      onchange: () => {
        figure.light(choose.value || null);
        look(choose.value || null);
      },
    },
    h("option", { value: "" }, "none"),
    names.toSorted((a, b) => a.localeCompare(b)).map((each) => h("option", { value: each, selected: each === one(state.highlight) }, each)),
  );

  function look(lit) {
    adjust({ highlight: lit });
    const index = names.indexOf(lit);
    put(words, index < 0 ? h("p", { class: "soft" }, prompt) : told(index));
  }

  // One that is not here may be in another tab: the address keeps it.
  const index = names.indexOf(one(state.highlight));
  put(words, index < 0 ? h("p", { class: "soft" }, prompt) : told(index));
  return h("div", {}, labelled("Highlight", choose), words, figure.element);
}

const POINT = "Point at a location in the chart, or choose one, to see what it can be told apart from.";
// What a server says that has the answer, and no chart of it.
const NOT_ACCEPTABLE = 406;

const locationsOf = (result) => [...new Set(result.rows.map((row) => row.location))];
