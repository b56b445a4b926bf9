/**
 * Controls to choose with: one option of a list, one of a few as links, or several locations by search.
 */

import { announce } from "./components.js";
import { bdi, h, replaceChildren } from "./dom.js";
import { many } from "./format.js";
import { namePicker } from "./names.js";
import { matching } from "./pages.js";
import { addressWith, allOf, firstOf, navigate } from "./state.js";

// With more locations, the chips would be longer than the page.
const MOST_CHIPS = 8;
// With more boxes, the list would be slow to open; the search finds the others.
const MOST_CHECKS = 200;

const set = (changes) => navigate(addressWith(changes));

/** The location that contains the others, such as a country of states. Null if the table has none, or several. */
export function aggregateLocation(dataset) {
  const aggregates = dataset.locations.filter((each) => each.is_aggregate);
  return aggregates.length === 1 ? aggregates[0].name : null;
}

/**
 * One of a list. ``options`` are values, or pairs of value and label; "" stands for the default.
 * @param {{id: string, label: string, name: string, options: Array<string|[string, string]>, selected: string, changes?: (value: string) => any}} picker
 */
export function optionPicker({ id, label, name, options, selected, changes = (value) => ({ [name]: value || null }) }) {
  const pairs = options.map((each) => (Array.isArray(each) ? each : [each, each]));
  return namePicker({ id, label, pairs, selected, onchange: (value) => set(changes(value)) }).element;
}

/** One of a few, as links that look like a switch. @param {{label: string, options: Array<[string, string]>, name: string, selected: string}} picker */
export function switchPicker({ label, options, name, selected }) {
  return h(
    "div",
    { class: "control", role: "group", "aria-label": label },
    h("span", { class: "label" }, label),
    h("span", { class: "buttons" }, options.map(([value, text]) => h("a", { class: "chip", id: `${name}-${value}`, href: addressWith({ [name]: value }), "aria-current": value === selected && "true" }, text))),
  );
}

/** The location to compare with; by default the aggregate of all others, if the table has one. */
export function referencePicker(state, dataset) {
  const aggregate = aggregateLocation(dataset);
  const others = locationNames(dataset).filter((name) => name !== aggregate);
  return optionPicker({ id: "reference", label: "Compare with", name: "reference", selected: firstOf(state.reference) ?? "", options: [["", aggregate ?? "Choose one"], ...others] });
}

/**
 * Several locations: a list with a search box, and the selected ones beside it, to be removed one by one.
 *
 * By keyboard: open it with Enter, type part of a name, move through the boxes with Tab and select with the space bar. Enter
 * in the search box selects the only match, or applies the selection; Escape closes the list.
 */
export function locationPicker(state, dataset) {
  const applied = allOf(state.locations);
  const selected = new Set(applied);
  const names = locationNames(dataset);
  const checks = h("div", { class: "checks", role: "group", "aria-label": "Locations" });
  let matches = names;
  const count = h("p", { class: "muted", role: "status" });
  const search = h("input", {
    type: "search", class: "search narrow", id: "where-search", placeholder: "Find a location", "aria-label": "Find a location", autocomplete: "off",
    oninput: filter, onkeydown: onEnter,
  });
  const apply = () => set({ locations: [...selected] });
  const panel = h(
    "details",
    { class: "dropdown", onkeydown: onEscape, ontoggle: () => panel.open && search.focus() },
    h("summary", { id: "where" }, summary(applied)),
    h(
      "div",
      { class: "panel" },
      search,
      h("div", { class: "row foot" }, h("button", { type: "button", class: "button small", id: "where-show", onclick: apply }, "Apply"), applied.length > 0 && h("a", { class: "button small", href: addressWith({ locations: null }) }, "All locations")),
      count,
      checks,
    ),
  );

  function toggle(box) {
    if (box.checked) selected.add(box.value);
    else selected.delete(box.value);
    count.textContent = `${many(selected.size, "location")} selected`;
  }

  function check(name) {
    const box = h("input", { type: "checkbox", value: name, checked: selected.has(name), onchange: () => toggle(box) });
    return h("label", { class: "check" }, box, bdi(name));
  }

  function list() {
    matches = matching(names, search.value);
    // The selected ones first: they may be far down the list.
    const ordered = names.length > MOST_CHECKS ? [...matches.filter((name) => selected.has(name)), ...matches.filter((name) => !selected.has(name))] : matches;
    replaceChildren(checks, ...ordered.slice(0, MOST_CHECKS).map(check));
  }

  function filter() {
    list();
    const few = matches.length > MOST_CHECKS ? `, the first ${MOST_CHECKS} are listed` : "";
    count.textContent = `${many(matches.length, "location")} found${few}`;
  }

  function onEnter(event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (search.value.trim() && matches.length === 1) {
      const [name] = matches;
      const box = checks.querySelector("input");
      box.checked = !box.checked;
      toggle(box);
      announce(`${name} ${box.checked ? "selected" : "removed"}`);
      search.value = "";
      filter();
    } else apply();
  }

  function onEscape(event) {
    if (event.key !== "Escape" || !panel.open) return;
    event.preventDefault();
    panel.open = false;
    panel.firstElementChild.focus();
  }

  list();
  return h("div", { class: "control" }, h("span", { class: "label" }, "Where"), h("div", { class: "row" }, panel, chips(applied)));
}

function summary(applied) {
  if (applied.length === 0) return "All locations";
  return applied.length === 1 ? bdi(applied[0]) : many(applied.length, "location");
}

function chips(applied) {
  if (applied.length > MOST_CHIPS) return null;
  const without = (name) => addressWith({ locations: applied.filter((each) => each !== name) });
  return applied.map((name) => h("a", { class: "chip small", href: without(name), "aria-label": `Remove ${name}` }, bdi(name), h("span", { "aria-hidden": "true" }, "×")));
}

/** A message that something must be chosen first, with the controls for it. */
export function choiceNeeded(title, text, ...content) {
  return h("section", { class: "message", "aria-labelledby": "choice-needed" }, h("h2", { id: "choice-needed" }, title), h("p", {}, text), h("div", { class: "row" }, content));
}

/** The value from the address, if it is one of the options. */
export const oneOf = (value, options, fallback) => (options.includes(firstOf(value)) ? firstOf(value) : fallback);

/** The names of all locations. */
export const locationNames = (dataset) => dataset.locations.map((each) => each.name);
