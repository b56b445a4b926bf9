/**
 * Controls by which one chooses: one of a list, or several of it by search.
 */

import { h, theirs } from "./dom.js";
import { many } from "./format.js";
import { announce, labelled } from "./parts.js";
import { all, changed, go, one } from "./state.js";

// Whoever ticks more than this meant all of them: the chips would be longer than the page.
const MOST_CHIPS = 8;

/** Change what is asked, and look anew. */
const ask = (changes) => go(changed(changes));

/** The location that others are read against: a country, of its states. Null where the table has none, or several. */
export function aggregate(dataset) {
  const found = dataset.locations.filter((each) => each.is_aggregate);
  return found.length === 1 ? found[0].name : null;
}

/**
 * One of a list. ``options`` are values, or pairs of value and words; "" is what is taken where nothing is chosen.
 * @param {{id: string, label: string, name: string, options: Array<string|[string, string]>, chosen: string, changes?: (value: string) => any}} about
 */
export function chooseOne({ id, label, name, options, chosen, changes = (value) => ({ [name]: value || null }) }) {
  const pairs = options.map((each) => (Array.isArray(each) ? each : [each, each]));
  return labelled(
    label,
    h(
      "select",
      { id, onchange: (event) => ask(changes(event.target.value)) },
      pairs.map(([value, words]) => h("option", { value, selected: value === chosen }, words)),
    ),
  );
}

/** One of a few, as links that look like a switch. @param {{label: string, options: Array<[string, string]>, name: string, chosen: string}} about */
export function chooseView({ label, options, name, chosen }) {
  return h(
    "div",
    { class: "control", role: "group", "aria-label": label },
    h("span", { class: "label" }, label),
    h("span", { class: "buttons" }, options.map(([value, words]) => h("a", { class: "chip", id: `${name}-${value}`, href: changed({ [name]: value }), "aria-current": value === chosen && "true" }, words))),
  );
}

/**
 * Several locations: a list with a search in it, and what is chosen beside it, to be taken off one by one.
 *
 * By keyboard: open it with Enter, type a part of a name, go through the boxes with Tab and tick with the space bar; Enter
 * in the search ticks the only one that is left, or shows what is ticked; Escape closes it.
 */
export function chooseLocations(state, dataset) {
  const chosen = all(state.locations);
  const ticked = new Set(chosen);
  const boxes = dataset.locations.map(({ name }) => {
    const box = h("input", { type: "checkbox", value: name, checked: ticked.has(name), onchange: () => tick(box) });
    return { name, box, row: h("label", { class: "check" }, box, theirs(name)) };
  });
  const count = h("p", { class: "soft", role: "status" });
  const search = h("input", {
    type: "search", class: "search narrow", id: "where-search", placeholder: "Find a location", "aria-label": "Find a location", autocomplete: "off",
    oninput: narrow, onkeydown: entered,
  });
  const apply = () => ask({ locations: [...ticked] });
  const panel = h(
    "details",
    { class: "dropdown", onkeydown: escaped, ontoggle: () => panel.open && search.focus() },
    h("summary", { id: "where" }, summary(chosen)),
    h(
      "div",
      { class: "panel" },
      search,
      h("div", { class: "row foot" }, h("button", { type: "button", class: "button small", id: "where-show", onclick: apply }, "Show these"), chosen.length > 0 && h("a", { class: "button small", href: changed({ locations: null }) }, "All locations")),
      count,
      h("div", { class: "checks", role: "group", "aria-label": "Locations" }, boxes.map((each) => each.row)),
    ),
  );

  function tick(box) {
    if (box.checked) ticked.add(box.value);
    else ticked.delete(box.value);
    count.textContent = `${many(ticked.size, "location")} ticked`;
  }

  function narrow() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { name, row } of boxes) row.hidden = !words.every((word) => name.toLowerCase().includes(word));
    count.textContent = `${many(boxes.filter(({ row }) => !row.hidden).length, "location")} found`;
  }

  function entered(event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const left = boxes.filter(({ row }) => !row.hidden);
    if (search.value.trim() && left.length === 1) {
      left[0].box.checked = !left[0].box.checked;
      tick(left[0].box);
      announce(`${left[0].name} ${left[0].box.checked ? "ticked" : "taken off"}`);
      search.value = "";
      narrow();
    } else apply();
  }

  function escaped(event) {
    if (event.key !== "Escape" || !panel.open) return;
    event.preventDefault();
    panel.open = false;
    panel.firstElementChild.focus();
  }

  return h("div", { class: "control" }, h("span", { class: "label" }, "Where"), h("div", { class: "row" }, panel, chips(chosen)));
}

function summary(chosen) {
  if (chosen.length === 0) return "All locations";
  return chosen.length === 1 ? theirs(chosen[0]) : `${chosen.length} locations`;
}

function chips(chosen) {
  if (chosen.length > MOST_CHIPS) return null;
  const without = (name) => changed({ locations: chosen.filter((each) => each !== name) });
  return chosen.map((name) => h("a", { class: "chip small", href: without(name), "aria-label": `Take off ${name}` }, theirs(name), h("span", { "aria-hidden": "true" }, "×")));
}

/** Where something must be chosen first, say so, and let it be chosen. */
export function choiceFirst(title, text, ...controls) {
  return h("section", { class: "state", "aria-labelledby": "choose-first" }, h("h2", { id: "choose-first" }, title), h("p", {}, text), h("div", { class: "row" }, controls));
}

/** What the address says, if that is one of the options. */
export const known = (value, options, otherwise) => (options.includes(one(value)) ? one(value) : otherwise);

/** The names of all locations. */
export const locationNames = (dataset) => dataset.locations.map((each) => each.name);
