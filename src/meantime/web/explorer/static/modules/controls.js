/**
 * The controls above a view, in one row: group, years, places, and every other parameter of the statistic, from its JSON Schema.
 */

import { labeled } from "./components.js";
import { bdi, h } from "./dom.js";
import { years } from "./format.js";
import { nameField } from "./names.js";
import { locationPicker } from "./pickers.js";
import { addressWith, allOf, EXPLORER_NAMES, firstOf, navigate } from "./state.js";
import { singleYears } from "./years.js";

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
 * ``placesFirst``: the places have a row of their own, above the others; ``none`` says what is shown while none is chosen.
 * ``own`` are the controls of a tab, which come first; ``hides`` names parameters that the tab sets itself.
 * @param {{state: any, dataset: any, question: any, schema: any, own?: Array<HTMLElement|null|false>, hides?: string[], none?: string, placesFirst?: boolean}} options
 */
export function controls({ state, dataset, question, schema, own = [], hides = [], none, placesFirst = false }) {
  const has = (name) => name in schema.properties && !hides.includes(name);
  const more = Object.keys(schema.properties).filter((name) => !OWN_CONTROL.has(name) && has(name));
  const places = () => locationPicker(state, dataset, { none });
  return h(
    "div",
    { class: "controls", role: "group", "aria-label": "Settings" },
    placesFirst && h("div", { class: "places-row" }, places()),
    own,
    has("stratum") && groupControl(state, dataset, question),
    has("years") && yearsControl(state, dataset, question),
    has("locations") && !placesFirst && places(),
    more.length > 0 &&
      h(
        "details",
        { class: "more dropdown", onkeydown: closeOnEscape },
        h("summary", { id: "more" }, more.some((name) => name in state) ? "Settings •" : "Settings"),
        h("div", { class: "panel fields" }, more.map((name) => field(name, schema, state, dataset))),
      ),
  );
}

const set = (changes) => navigate(addressWith(changes));

function closeOnEscape(event) {
  if (event.key !== "Escape" || !event.currentTarget.open) return;
  event.preventDefault();
  event.currentTarget.open = false;
  event.currentTarget.firstElementChild.focus();
}

function groupControl(state, dataset, question) {
  const groups = dataset.categories.flatMap(({ name, strata }) => strata.map((stratum) => [name, stratum]));
  // Where the address names no group, the server takes this one, and the first finding says so.
  const selected = firstOf(state.stratum) || firstOf(state.basis) ? { category: firstOf(state.category), stratum: firstOf(state.stratum) } : question.default_group;
  const current = [selected?.category ?? "", selected?.stratum ?? ""];
  const isCurrent = ([category, stratum]) => category === current[0] && stratum === current[1];
  if (groups.length === 0) return null;
  return labeled(
    "Group",
    h(
      "select",
      { id: "who", onchange: (event) => set(event.target.value ? { ...JSON.parse(event.target.value), basis: null } : { category: null, stratum: null, basis: null }) },
      question.has_total && h("option", { value: "" }, "Everyone (total)"),
      dataset.categories.map(({ name, strata }) =>
        h("optgroup", { label: name }, strata.map((stratum) => h("option", { value: JSON.stringify({ category: name, stratum }), selected: isCurrent([name, stratum]) }, stratum))),
      ),
    ),
  );
}

function yearsControl(state, dataset, question) {
  const current = firstOf(state.years) ?? "latest";
  const single = singleYears(dataset, question).map(String).reverse();
  const [first, last] = [single.at(-1), single[0]];
  const pooled = single.length > 1 ? [`${first}..${last}`] : [];
  const usual = ["latest", ...single, ...pooled];
  const other = usual.includes(current) ? [] : [current];
  const labels = { latest: "Latest year", [pooled[0]]: `${years({ first, last })}, pooled` };
  return labeled(
    "Years",
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
  const options = choices(property) ?? namesFor(name, dataset, firstOf(state.category)) ?? (typesOf(property).includes("boolean") ? [true, false] : null);
  const input = options && !isList ? selectField(name, schema, state, options) : inputField(name, property, state, isList);
  const label = name.replaceAll("_", " ");
  return h(
    "div",
    { class: "field" },
    h("label", { for: `field-${name}` }, label),
    input,
    h("p", { class: "muted hint", id: `field-${name}-hint` }, property.description ?? ""),
  );
}

/** The names of the data set that a parameter takes: places, groups, categories, questions. Null for any other parameter. */
export function namesFor(name, dataset, category = null) {
  if (name.endsWith("stratum")) return [...new Set(dataset.categories.filter((each) => category === null || each.name === category).flatMap((each) => each.strata))];
  if (name === "category") return dataset.categories.map((each) => each.name);
  if (name === "other") return dataset.questions.map((each) => each.text);
  if (name === "state" || /location|reference/.test(name)) return dataset.locations.map((each) => each.name);
  return null;
}

function selectField(name, schema, state, options) {
  const standard = schema.properties[name].default ?? null;
  const unset = schema.required?.includes(name) ? "Choose one" : standard === null ? "Default" : `${standard} (default)`;
  const others = options.filter((each) => each !== null && each !== standard);
  const pairs = [["", unset], ...others.map((each) => [String(each), String(each)])];
  const selected = firstOf(state[name]) ?? "";
  return nameField({ id: `field-${name}`, pairs, selected, onchange: (value) => set({ [name]: value }), "aria-describedby": `field-${name}-hint` }).element;
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
