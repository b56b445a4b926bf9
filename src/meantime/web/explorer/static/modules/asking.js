/**
 * The controls above a view: who, when, where, and whatever else a statistic takes, made of its own description.
 */

import { chooseLocations } from "./choosing.js";
import { h, theirs } from "./dom.js";
import { years } from "./format.js";
import { labelled } from "./parts.js";
import { all, changed, go, one, OWN } from "./state.js";

// As many choices are buttons, which are quicker than a list that has to be opened.
const MOST_BUTTONS = 6;
// What has a control of its own, or none.
const PLACED = new Set(["question", "category", "stratum", "basis", "years", "locations"]);

/** Return those of what the address says that a statistic takes. */
export function parameters(state, schema) {
  const known = Object.keys(schema.properties).filter((name) => !OWN.has(name) || name === "question");
  const given = known.filter((name) => all(state[name]).length > 0);
  return Object.fromEntries(given.map((name) => [name, typed(state[name], schema.properties[name])]));
}

function typed(value, property) {
  const types = kinds(property);
  if (types.includes("array")) return all(value);
  const text = one(value);
  if (types.includes("string")) return text;
  if (types.includes("boolean")) return text === "true";
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

function kinds(property) {
  const each = (one) => one.type ?? (one.enum ? "string" : one.anyOf?.flatMap(each));
  return [each(property)].flat().filter(Boolean);
}

const choices = (property) => property.enum ?? property.anyOf?.find((each) => each.enum)?.enum ?? null;

/**
 * ``own`` are those of a tab, which come first; ``hides`` names what it settles by itself.
 * @param {{state: any, dataset: any, schema: any, own?: Array<HTMLElement|null|false>, hides?: string[]}} about
 */
export function controls({ state, dataset, schema, own = [], hides = [] }) {
  const takes = (name) => name in schema.properties && !hides.includes(name);
  const more = Object.keys(schema.properties).filter((name) => !PLACED.has(name) && takes(name));
  return h(
    "div",
    { class: "controls", role: "group", "aria-label": "What is asked" },
    own,
    takes("stratum") && who(state, dataset),
    takes("years") && when(state, dataset),
    takes("locations") && chooseLocations(state, dataset),
    more.length > 0 &&
      h(
        "details",
        { class: "more", id: "more", open: more.some((name) => name in state || schema.required?.includes(name)) },
        h("summary", {}, "More settings"),
        h("div", { class: "fields" }, more.map((name) => field(name, schema, state, dataset))),
      ),
  );
}

/** Change what is asked, and look anew. */
const ask = (changes) => go(changed(changes));

function who(state, dataset) {
  const groups = dataset.categories.flatMap(({ name, strata }) => strata.map((stratum) => [name, stratum]));
  const chosen = [one(state.category) ?? "", one(state.stratum) ?? ""];
  const isChosen = ([category, stratum]) => category === chosen[0] && stratum === chosen[1];
  const changes = ([category, stratum]) => ({ category, stratum, basis: null });
  if (groups.length <= MOST_BUTTONS) {
    return h(
      "div",
      { class: "control", role: "group", "aria-label": "Who" },
      h("span", { class: "label" }, "Who"),
      h("span", { class: "buttons" }, groups.map((group) => h("a", { class: "chip", href: changed(changes(group)), "aria-current": isChosen(group) && "true" }, theirs(group[1])))),
    );
  }
  return labelled(
    "Who",
    h(
      "select",
      { id: "who", onchange: (event) => ask(changes(event.target.value ? JSON.parse(event.target.value) : ["", ""])) },
      h("option", { value: "" }, "Everybody (total)"),
      dataset.categories.map(({ name, strata }) =>
        h("optgroup", { label: name }, strata.map((stratum) => h("option", { value: JSON.stringify([name, stratum]), selected: isChosen([name, stratum]) }, stratum))),
      ),
    ),
  );
}

function when(state, dataset) {
  const chosen = one(state.years) ?? "latest";
  const single = dataset.periods.filter((each) => each.first === each.last).map((each) => String(each.first)).reverse();
  const known = ["latest", ...single];
  const [first, last] = [single.at(-1), single[0]];
  const pooled = single.length > 1 ? [`${first}..${last}`] : [];
  const own = [...known, ...pooled].includes(chosen) ? [] : [chosen];
  const words = { latest: "Latest year", [pooled[0]]: `${years({ first, last })}, pooled` };
  return labelled(
    "When",
    h(
      "select",
      { id: "years", onchange: (event) => ask({ years: event.target.value === "latest" ? null : event.target.value }) },
      [...known, ...pooled, ...own].map((each) => h("option", { value: each, selected: each === chosen }, words[each] ?? each)),
    ),
  );
}

function field(name, schema, state, dataset) {
  const property = schema.properties[name];
  const value = one(state[name]) ?? "";
  const standard = property.default ?? null;
  const set = (event) => ask({ [name]: event.target.value });
  const hint = property.description ?? "";
  const id = `field-${name}`;
  const options = choices(property) ?? (name === "state" || /location|reference/.test(name) ? dataset.locations.map((each) => each.name) : null) ?? (kinds(property).includes("boolean") ? [true, false] : null);
  let input;
  if (options && !kinds(property).includes("array")) {
    const first = standard === null ? "as usual" : `${standard} (as usual)`;
    input = h("select", { id, onchange: set, "aria-describedby": `${id}-hint` }, h("option", { value: "" }, schema.required?.includes(name) ? "choose" : first), options.filter((each) => each !== null && each !== standard).map((each) => h("option", { value: each, selected: String(each) === value }, String(each))));
  } else {
    const isNumber = kinds(property).every((kind) => ["integer", "number", "null"].includes(kind));
    const text = all(state[name]).join(", ");
    const change = kinds(property).includes("array") ? (event) => ask({ [name]: event.target.value.split(",").map((each) => each.trim()).filter(Boolean) }) : set;
    input = h("input", { id, type: isNumber ? "number" : "text", step: isNumber && "any", value: text, placeholder: standard === null || standard === "" ? "" : String(standard), onchange: change, "aria-describedby": `${id}-hint` });
  }
  return h("div", { class: "field" }, h("label", { for: id }, name.replaceAll("_", " ")), input, h("p", { class: "soft hint", id: `${id}-hint` }, hint));
}

/** The group to begin with where a table has no figure for everybody. */
export function firstGroup(dataset) {
  const category = dataset.categories.find((each) => each.strata.length > 0);
  return category ? { category: category.name, stratum: category.strata[0] } : null;
}
