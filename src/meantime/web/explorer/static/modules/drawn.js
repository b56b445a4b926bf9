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
 * ``name`` is that of one of the statistic's charts; ``told(index)`` says the row of a location in words.
 * @param {import("./tabs/index.js").About} about
 * @param {{name: string, told: (index: number) => Node}} options
 * @returns {Promise<HTMLElement>}
 */
export async function drawn({ state, signal, asked, result }, { name, told }) {
  const tableHref = changed({ tab: "table", of: asked.statistic });
  let specification;
  try {
    specification = await get(address(asked, { chart: name }), { signal, accept: MEDIA_TYPE });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // There is an answer, only no picture of it: too many locations, say.
    return h("div", {}, trouble(error), h("p", {}, h("a", { class: "button", href: tableHref }, "Look at the table")));
  }
  const names = [...new Set(result.rows.map((row) => row.location))];
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
    put(words, index < 0 ? h("p", { class: "soft" }, "Point at a location in the chart, or choose one, to see what it can be told apart from.") : told(index));
  }
  look(one(state.highlight) ?? null);
  return h("div", {}, labelled("Highlight", choose), words, figure.element);
}
