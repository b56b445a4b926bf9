/**
 * A data set: how its columns were understood, what is there, what is withheld, what was rejected, how to cite it.
 */

import { datasetPath, get, query } from "../api.js";
import { h, put, theirs } from "../dom.js";
import { many, share, whole, years } from "../format.js";
import { copy, empty, facts, labelled, synthetic, trouble } from "../parts.js";
import { changed, go, one } from "../state.js";

// What is laid out without a wait.
const LOCATIONS_AT_ONCE = 200;
const SIGNS = {
  published: ["●", "published"],
  mixed: ["◐", "partly withheld"],
  withheld: ["~", "withheld"],
  absent: ["", "no row"],
};

/** @type {import("../main.js").View} */
export async function data(state, signal) {
  const dataset = await get(datasetPath(one(state.dataset) ?? ""), { signal });
  const heading = h("h1", {}, theirs(dataset.title ?? dataset.name));
  if (dataset.status !== "ready") {
    const why = dataset.failure?.reason ?? "It is still being read.";
    return { title: dataset.name, element: h("div", { class: "column" }, heading, empty("Nothing to show yet", theirs(why))) };
  }
  const coverage = h("section", { "aria-labelledby": "coverage" }, h("h2", { id: "coverage" }, "What is there"));
  const rejected = h("section", { "aria-labelledby": "rejected" }, h("h2", { id: "rejected" }, "Rejected lines"));
  await Promise.all([fill(coverage, () => matrix(state, dataset, signal), signal), fill(rejected, () => lines(dataset, signal), signal)]);
  const element = h(
    "div",
    { class: "column data" },
    h("p", { class: "crumbs" }, h("a", { href: "/" }, "Data")),
    heading,
    dataset.synthetic && synthetic(),
    dataset.warnings.map((each) => h("p", { class: "warning" }, theirs(each))),
    about(dataset),
    coverage,
    withheld(dataset),
    rejected,
    roles(dataset),
    cite(dataset),
  );
  return { title: dataset.title, element };
}

async function fill(section, make, signal) {
  try {
    section.append(...[await make()].flat(Infinity).filter(Boolean));
  } catch (error) {
    if (signal.aborted) throw error;
    section.append(trouble(error));
  }
}

function about(dataset) {
  return facts([
    ["Rows", whole(dataset.rows)],
    ["Questions", whole(dataset.questions.length)],
    ["Locations", whole(dataset.locations.length)],
    ["Withheld", many(dataset.withheld, "row")],
    ["Rejected", many(dataset.rejected, "line")],
    ["Files", theirs(dataset.files.join(", "))],
    ["Encoding", dataset.encoding],
    ["Decimal mark", dataset.decimal_mark],
  ]);
}

// Coverage

async function matrix(state, dataset, signal) {
  const question = dataset.questions.find((each) => each.text === one(state.question)) ?? dataset.questions[0];
  if (!question) return h("p", {}, "There is no question.");
  const groups = dataset.categories.flatMap(({ name, strata }) => strata.map((stratum) => [name, stratum]));
  const group = groups.find((each) => JSON.stringify(each) === one(state.group)) ?? groups.find(([category]) => category === "Total") ?? groups[0];
  const asked = query({ question: question.text, category: group?.[0], stratum: group?.[1] });
  const found = await get(`${datasetPath(dataset.name)}/coverage?${asked}`, { signal });
  return [
    h(
      "div",
      { class: "controls" },
      labelled("Question", h("select", { id: "question", onchange: (event) => go(changed({ question: event.target.value })) }, dataset.questions.map((each) => h("option", { value: each.text, selected: each === question }, each.text)))),
      groups.length > 0 &&
        labelled("Who", h("select", { id: "group", onchange: (event) => go(changed({ group: event.target.value })) }, groups.map((each) => h("option", { value: JSON.stringify(each), selected: each === group }, each.join(": "))))),
    ),
    legend(found),
    coverageTable(found, question.text),
  ];
}

function legend(found) {
  return h(
    "ul",
    { class: "legend" },
    found.legend
      .filter((mark) => mark.entries > 0)
      .map((mark) => h("li", {}, h("span", { class: `sign ${mark.presence}`, "aria-hidden": "true" }, SIGNS[mark.presence][0]), ` ${SIGNS[mark.presence][1]}: ${whole(mark.entries)}`, mark.reasons.length > 0 && h("span", { class: "soft" }, " ", theirs(mark.reasons.join("; "))))),
  );
}

function coverageTable(found, caption) {
  if (!found.strata.length || !found.periods.length) return h("p", {}, "There is no row for these people.");
  const body = h("tbody");
  const row = (location, at) =>
    h("tr", {}, h("th", { scope: "row" }, theirs(location)), found.periods.map((_, period) => {
      const { presence } = found.legend[found.matrix[0][period][at]];
      return h("td", { class: `cover ${presence}` }, h("span", { "aria-hidden": "true" }, SIGNS[presence][0]), h("span", { class: "hidden" }, SIGNS[presence][1]));
    }));
  const more = h("button", { type: "button", class: "button", onclick: () => draw(found.locations.length) }, `Show all ${whole(found.locations.length)} locations`);
  const draw = (count) => {
    put(body, found.locations.slice(0, count).map(row));
    more.hidden = count >= found.locations.length;
  };
  draw(LOCATIONS_AT_ONCE);
  return [
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Coverage by location and year" },
      h("table", { class: "coverage" }, h("caption", { class: "hidden" }, caption), h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Location"), found.periods.map((each) => h("th", { scope: "col" }, each ? years(each) : "no year")))), body),
    ),
    more,
  ];
}

// Withheld, rejected

function withheld(dataset) {
  const some = dataset.questions.filter((each) => each.withheld > 0).toSorted((a, b) => b.withheld / b.rows - a.withheld / a.rows);
  return h(
    "section",
    { "aria-labelledby": "withheld" },
    h("h2", { id: "withheld" }, "Withheld values"),
    some.length === 0 && h("p", {}, "None: every row has a value."),
    Object.entries(dataset.withheld_by_reason).map(([reason, count]) => h("p", {}, theirs(reason), `: ${many(count, "row")}`)),
    some.length > 0 &&
      h(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": "Withheld by question" },
        h(
          "table",
          { class: "data" },
          h("thead", {}, h("tr", {}, ["Question", "Withheld", "of rows", "share"].map((each, at) => h("th", { scope: "col", class: at > 0 && "number" }, each)))),
          h("tbody", {}, some.map((each) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: changed({ question: each.text }) }, theirs(each.text))), h("td", { class: "number" }, whole(each.withheld)), h("td", { class: "number" }, whole(each.rows)), h("td", { class: "number" }, share(each.withheld / each.rows))))),
        ),
      ),
  );
}

async function lines(dataset, signal) {
  if (dataset.rejected === 0) return h("p", {}, "None: every line could be read as a row.");
  const body = h("tbody");
  const more = h("button", { type: "button", class: "button" }, "Show more");
  let following = `${datasetPath(dataset.name)}/rejected?limit=50`;
  const load = async () => {
    const page = await get(following, { signal });
    body.append(...page.rejected.map((each) => h("tr", {}, h("th", { scope: "row" }, theirs(each.file)), h("td", { class: "number" }, whole(each.line)), h("td", {}, theirs(each.reason)))));
    following = page.links.next;
    more.hidden = following === null;
    return page;
  };
  more.addEventListener("click", () => load().catch((error) => more.replaceWith(trouble(error))));
  const first = await load();
  return [
    h("p", {}, `${many(first.total, "line")} could not be read as rows${first.known < first.total ? `; the first ${whole(first.known)} are remembered` : ""}.`),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "List of rejected lines" }, h("table", { class: "data" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "File"), h("th", { scope: "col", class: "number" }, "Line"), h("th", { scope: "col" }, "Why"))), body)),
    more,
  ];
}

// How it was understood, and what to call it

function roles(dataset) {
  const used = new Set(Object.values(dataset.roles));
  const unused = dataset.columns.filter((column) => !used.has(column));
  return h(
    "section",
    { "aria-labelledby": "roles" },
    h("h2", { id: "roles" }, "How its columns were understood"),
    facts(Object.entries(dataset.roles).map(([role, column]) => [role.replaceAll("_", " "), theirs(column)])),
    unused.length > 0 && h("p", { class: "soft" }, "Not used: ", theirs(unused.join(", ")), "."),
  );
}

function cite(dataset) {
  return h(
    "section",
    { "aria-labelledby": "cite" },
    h("h2", { id: "cite" }, "How to cite it"),
    h("p", { class: "cite", dir: "auto" }, dataset.citation),
    copy(dataset.citation, "Copy the citation"),
    h("p", { class: "soft" }, "The fingerprint names the content: whoever has a file with the same one has the same numbers."),
    h("p", {}, h("a", { href: dataset.links.self }, "The same as JSON")),
  );
}

