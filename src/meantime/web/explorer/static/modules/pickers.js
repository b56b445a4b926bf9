/**
 * Controls to choose with: one option of a list, one of a few as links, or several places by typing.
 */

import { bdi, h } from "./dom.js";
import { combobox, namePicker } from "./names.js";
import { addressWith, allOf, firstOf, navigate } from "./state.js";

// With more places, the chips would be longer than the page.
const MOST_CHIPS = 8;

const set = (changes) => navigate(addressWith(changes));

/** The location that contains the others, such as a country of states. Null if the table has none, or several. */
export function aggregateLocation(dataset) {
  const aggregates = dataset.locations.filter((each) => each.is_aggregate);
  return aggregates.length === 1 ? aggregates[0].name : null;
}

/**
 * One of a list. ``options`` are values, or pairs of value and label; "" stands for the default.
 * ``isList``: a list to open, however long, such as one of years.
 * @param {{id: string, label: string, name: string, isList?: boolean, options: Array<string|[string, string]>, selected: string, changes?: (value: string) => any}} picker
 */
export function optionPicker({ id, label, name, isList = false, options, selected, changes = (value) => ({ [name]: value || null }) }) {
  const pairs = options.map((each) => (Array.isArray(each) ? each : [each, each]));
  return namePicker({ id, label, pairs, selected, isList, onchange: (value) => set(changes(value)) }).element;
}

/**
 * One of a few, as links that look like a switch. ``changes`` are what else choosing one changes in the address.
 * @param {{label: string, options: Array<[string, string]>, name: string, selected: string, changes?: Record<string, null>}} picker
 */
export function switchPicker({ label, options, name, selected, changes = {} }) {
  return h(
    "div",
    { class: "control", role: "group", "aria-label": label },
    h("span", { class: "label" }, label),
    h("span", { class: "buttons" }, options.map(([value, text]) => h("a", { class: "chip", id: `${name}-${value}`, href: addressWith({ ...changes, [name]: value }), "aria-current": value === selected && "true" }, text))),
  );
}

/** The location to compare with; by default the aggregate of all others, if the table has one. */
export function referencePicker(state, dataset, usual = aggregateLocation(dataset)) {
  const others = locationNames(dataset).filter((name) => name !== usual);
  return optionPicker({ id: "reference", label: "Compare with", name: "reference", selected: firstOf(state.reference) ?? "", options: [["", usual ?? "Choose one"], ...others] });
}

/**
 * Several places: type part of a name and press Enter to add one; each chosen one can be removed. ``none`` says what is shown
 * while none is chosen.
 */
export function locationPicker(state, dataset, { none = "All places" } = {}) {
  const chosen = allOf(state.locations).filter((each) => each !== "all");
  const free = locationNames(dataset).filter((name) => !chosen.includes(name));
  const field = combobox({
    id: "where", clears: true, pairs: free.map((name) => [name, name]), placeholder: chosen.length ? "Add a place" : allOf(state.locations).includes("all") ? "All places" : none,
    onchange: (name) => set({ locations: [...chosen, name] }),
  });
  const without = (name) => addressWith({ locations: chosen.filter((each) => each !== name) });
  const chip = (name) => h("a", { class: "chip small", href: without(name), "aria-label": `Remove ${name}` }, bdi(name), h("span", { "aria-hidden": "true" }, "×"));
  return h(
    "div",
    { class: "control places" },
    h("label", { class: "label", for: "where" }, "Places"),
    field.element,
    chosen.length > MOST_CHIPS ? h("span", { class: "muted" }, `${chosen.length} places`) : chosen.map(chip),
    chosen.length > 1 && h("a", { class: "clear", href: addressWith({ locations: null }) }, "Clear"),
  );
}

/** A message that something must be chosen first, with the controls for it. */
export function choiceNeeded(title, text, ...content) {
  return h("section", { class: "message", "aria-labelledby": "choice-needed" }, h("h2", { id: "choice-needed" }, title), h("p", {}, text), h("div", { class: "row" }, content));
}

/** The value from the address, if it is one of the options. */
export const oneOf = (value, options, fallback) => (options.includes(firstOf(value)) ? firstOf(value) : fallback);

/** The names of all locations. */
export const locationNames = (dataset) => dataset.locations.map((each) => each.name);
