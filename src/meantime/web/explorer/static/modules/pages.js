/**
 * Long lists in pages, with a search by name: a browser lays out some hundred rows at once, not thousands.
 */

import { announce } from "./components.js";
import { h, replaceChildren } from "./dom.js";
import { matching } from "./finding.js";
import { many, whole } from "./format.js";

// What is laid out within a tenth of a second, and read as one list.
const SIZES = [50, 100, 300, 1000];
const USUAL_SIZE = 100;

/**
 * Buttons to turn pages, and the number of rows of each. They are hidden where everything is on one page.
 * @param {{what: string, ondraw: () => void}} options ``what`` is listed, for screen readers; ``ondraw`` draws the page
 * @returns {{element: HTMLElement, first: () => void, pageOf: (items: any[]) => any[]}}
 */
export function pager({ what, ondraw }) {
  const view = { size: USUAL_SIZE, page: 0 };
  const turn = (by) => () => {
    view.page += by;
    ondraw();
    announce(place.textContent);
  };
  const before = h("button", { type: "button", class: "button small", onclick: turn(-1) }, "Previous");
  const after = h("button", { type: "button", class: "button small", onclick: turn(1) }, "Next");
  const place = h("span", { class: "muted" });
  const size = h(
    "select",
    {
      "aria-label": "Rows per page",
      onchange: () => {
        Object.assign(view, { size: Number(size.value), page: 0 });
        ondraw();
      },
    },
    SIZES.map((each) => h("option", { value: each, selected: each === USUAL_SIZE }, `${whole(each)} per page`)),
  );
  const element = h("div", { class: "row pages", role: "group", "aria-label": `Pages of ${what}` }, before, place, after, size);
  return {
    element,
    first: () => (view.page = 0),
    /** The items of the present page. */
    pageOf(items) {
      view.page = Math.max(0, Math.min(view.page, Math.ceil(items.length / view.size) - 1));
      const from = view.page * view.size;
      const shown = items.slice(from, from + view.size);
      element.hidden = items.length <= SIZES[0] || (items.length <= view.size && view.size === USUAL_SIZE);
      before.disabled = view.page === 0;
      after.disabled = from + view.size >= items.length;
      place.textContent = shown.length ? `${whole(from + 1)}–${whole(from + shown.length)} of ${whole(items.length)}` : "0";
      return shown;
    },
  };
}

/**
 * The body of a table in pages, with a search by name where there is more than one page.
 * @param {{items: any[], nameOf: (item: any) => string, rowOf: (item: any) => HTMLElement, what: string}} options
 * @returns {{body: HTMLElement, tools: HTMLElement|null, foot: HTMLElement}}
 */
export function pagedRows({ items, nameOf, rowOf, what }) {
  const body = h("tbody");
  const pages = pager({ what, ondraw: draw });
  const count = h("span", { class: "muted", role: "status" });
  const search = h("input", {
    type: "search", class: "search narrow", placeholder: "Find by name", "aria-label": `Find in ${what}`,
    oninput: () => {
      pages.first();
      draw();
    },
  });

  function draw() {
    const found = matching(items, search.value, nameOf);
    count.textContent = search.value ? `${whole(found.length)} found` : many(items.length, "row");
    replaceChildren(body, ...pages.pageOf(found).map(rowOf));
  }
  draw();
  return { body, tools: items.length > USUAL_SIZE ? h("div", { class: "result-tools" }, search, count) : null, foot: pages.element };
}
