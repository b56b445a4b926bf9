/**
 * The controls above a view: group, years, locations, and every other parameter of the statistic, from its JSON Schema.
 */

import { labeled } from "./components.js";
import { bdi, h } from "./dom.js";
import { years } from "./format.js";
import { nameField } from "./names.js";
import { locationPicker } from "./pickers.js";
import { addressWith, allOf, EXPLORER_NAMES, firstOf, navigate } from "./state.js";

// Up to this many choices are buttons, which are quicker than a list that has to be opened.
const MOST_BUTTONS = 6;
// Parameters that have a control of their own, or none.
const OWN_CONTROL = new Set(["question", "category", "stratum", "basis", "years", "locations"]);

/** Return the parameters of a statistic that the address sets. */
export function parameters(state, schema) {
  const names = Object.keys(schema.properties).filter((name) => !EXPLORER_NAMES.has(name) || name === "question");
  const set = names.filter((name) => allOf(state[name]).length > 0);
  return Object.fromEntries(set.map((name) => [name, typed(state[name], schema.properties[name])]));
}

function typed(value, property) {
  const types = typesOf(property);
  if (types.includes("array")) return allOf(value);
  const text = firstOf(value);
  if (types.includes("string")) return text;
  if (types.includes("boolean")) return text === "true";
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

function typesOf(property) {
  const each = (one) => one.type ?? (one.enum ? "string" : one.anyOf?.flatMap(each));
  return [each(property)].flat().filter(Boolean);
}

const choices = (property) => property.enum ?? property.anyOf?.find((each) => each.enum)?.enum ?? null;

/**
 * ``own`` are the controls of a tab, which come first; ``hides`` names parameters that the tab sets itself.
 * @param {{state: any, dataset: any, question: any, schema: any, own?: Array<HTMLElement|null|false>, hides?: string[]}} options
 */
export function controls({ state, dataset, question, schema, own = [], hides = [] }) {
  const has = (name) => name in schema.properties && !hides.includes(name);
  const more = Object.keys(schema.properties).filter((name) => !OWN_CONTROL.has(name) && has(name));
  return h(
    "div",
    { class: "controls", role: "group", "aria-label": "Settings" },
    own,
    has("stratum") && groupControl(state, dataset, question),
    has("years") && yearsControl(state, dataset),
    has("locations") && locationPicker(state, dataset),
    more.length > 0 &&
      h(
        "details",
        { class: "more", id: "more", open: more.some((name) => name in state || schema.required?.includes(name)) },
        h("summary", {}, "More settings"),
        h("div", { class: "fields" }, more.map((name) => field(name, schema, state, dataset))),
      ),
  );
}

const set = (changes) => navigate(addressWith(changes));

function groupControl(state, dataset, question) {
  const groups = dataset.categories.flatMap(({ name, strata }) => strata.map((stratum) => [name, stratum]));
  // Where the address names no group, the server takes this one, and the first finding says so.
  const selected = firstOf(state.stratum) || firstOf(state.basis) ? { category: firstOf(state.category), stratum: firstOf(state.stratum) } : question.default_group;
  const current = [selected?.category ?? "", selected?.stratum ?? ""];
  const isCurrent = ([category, stratum]) => category === current[0] && stratum === current[1];
  const changes = ([category, stratum]) => ({ category, stratum, basis: null });
  if (groups.length <= MOST_BUTTONS) {
    return h(
      "div",
      { class: "control", role: "group", "aria-label": "Who" },
      h("span", { class: "label" }, "Who"),
      h("span", { class: "buttons" }, groups.map((group) => h("a", { class: "chip", href: addressWith(changes(group)), "aria-current": isCurrent(group) && "true" }, bdi(group[1])))),
    );
  }
  return labeled(
    "Who",
    h(
      "select",
      { id: "who", onchange: (event) => set(changes(event.target.value ? JSON.parse(event.target.value) : ["", ""])) },
      question.has_total && h("option", { value: "" }, "Everyone (total)"),
      dataset.categories.map(({ name, strata }) =>
        h("optgroup", { label: name }, strata.map((stratum) => h("option", { value: JSON.stringify([name, stratum]), selected: isCurrent([name, stratum]) }, stratum))),
      ),
    ),
  );
}

function yearsControl(state, dataset) {
  const current = firstOf(state.years) ?? "latest";
  const single = dataset.periods.filter((each) => each.first === each.last).map((each) => String(each.first)).reverse();
  const [first, last] = [single.at(-1), single[0]];
  const pooled = single.length > 1 ? [`${first}..${last}`] : [];
  const usual = ["latest", ...single, ...pooled];
  const other = usual.includes(current) ? [] : [current];
  const labels = { latest: "Latest year", [pooled[0]]: `${years({ first, last })}, pooled` };
  return labeled(
    "When",
    h(
      "select",
      { id: "years", onchange: (event) => set({ years: event.target.value === "latest" ? null : event.target.value }) },
      [...usual, ...other].map((each) => h("option", { value: each, selected: each === current }, labels[each] ?? each)),
    ),
  );
}

function field(name, schema, state, dataset) {
  const property = schema.properties[name];
  const isList = typesOf(property).includes("array");
  const isLocation = name === "state" || /location|reference/.test(name);
  const options = choices(property) ?? (isLocation ? dataset.locations.map((each) => each.name) : null) ?? (typesOf(property).includes("boolean") ? [true, false] : null);
  const input = options && !isList ? selectField(name, schema, state, options) : inputField(name, property, state, isList);
  return h(
    "div",
    { class: "field" },
    h("label", { for: `field-${name}` }, name.replaceAll("_", " ")),
    input,
    h("p", { class: "muted hint", id: `field-${name}-hint` }, property.description ?? ""),
  );
}

function selectField(name, schema, state, options) {
  const standard = schema.properties[name].default ?? null;
  const unset = schema.required?.includes(name) ? "Choose one" : standard === null ? "Default" : `${standard} (default)`;
  const others = options.filter((each) => each !== null && each !== standard);
  const pairs = [["", unset], ...others.map((each) => [String(each), String(each)])];
  const selected = firstOf(state[name]) ?? "";
  const { field, list } = nameField({ id: `field-${name}`, pairs, selected, onchange: (value) => set({ [name]: value }), "aria-describedby": `field-${name}-hint` });
  return [field, list];
}

function inputField(name, property, state, isList) {
  const standard = property.default ?? null;
  const isNumber = typesOf(property).every((type) => ["integer", "number", "null"].includes(type));
  const items = (text) => text.split(",").map((each) => each.trim()).filter(Boolean);
  return h("input", {
    id: `field-${name}`,
    type: isNumber ? "number" : "text",
    step: isNumber && "any",
    value: allOf(state[name]).join(", "),
    placeholder: standard === null || standard === "" ? "" : String(standard),
    onchange: (event) => set({ [name]: isList ? items(event.target.value) : event.target.value }),
    "aria-describedby": `field-${name}-hint`,
  });
}
