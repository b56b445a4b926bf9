/**
 * A data set: its coverage, suppressed and missing values, rejected lines, columns and citation.
 */

import { datasetPath, get, query } from "../api.js";
import { copyButton, emptyState, facts, labeled, problemMessage, scrollable, syntheticNotice } from "../components.js";
import { bdi, h, replaceChildren } from "../dom.js";
import { many, share, whole, years } from "../format.js";
import { datasetButtons } from "../operating.js";
import { pagedRows } from "../pages.js";
import { placeAddress, placePicker } from "../places.js";
import { loading, poll } from "../reading.js";
import { addressWith, firstOf, navigate, writeAddress } from "../state.js";

const SYMBOLS = {
  published: ["●", "published"],
  mixed: ["◐", "partly suppressed or missing"],
  withheld: ["~", "suppressed or missing"],
  absent: ["", "no row"],
};

/** @type {import("../main.js").View} */
export async function data(state, signal) {
  const [dataset, list] = await Promise.all([get(datasetPath(firstOf(state.dataset) ?? ""), { signal }), get("/v1/datasets", { signal })]);
  const heading = h("h1", {}, bdi(dataset.title ?? dataset.name));
  const breadcrumbs = h("p", { class: "breadcrumbs" }, h("a", { href: "/" }, "Data"));
  if (dataset.reading !== null) showWhenRead(dataset.name, signal);
  if (dataset.status !== "ready") return { title: dataset.name, element: h("div", { class: "column" }, breadcrumbs, heading, notReady(dataset, list)) };
  const coverage = h("section", { "aria-labelledby": "coverage" }, h("h2", { id: "coverage" }, "Coverage"));
  const rejected = h("section", { "aria-labelledby": "rejected" }, h("h2", { id: "rejected" }, "Rejected lines"));
  await Promise.all([fill(coverage, () => coverageSection(state, dataset, signal), signal), fill(rejected, () => rejectedLines(dataset, signal), signal)]);
  const element = h(
    "div",
    { class: "column data" },
    breadcrumbs,
    heading,
    dataset.reading !== null && loading(dataset),
    dataset.failure && h("p", { class: "notice" }, "The files have changed and could not be read, so this is their previous content. ", bdi(dataset.failure.reason)),
    datasetButtons(dataset, list),
    questions(dataset),
    places(dataset),
    dataset.synthetic && syntheticNotice(),
    dataset.warnings.map((each) => h("p", { class: "warning" }, bdi(each))),
    summary(dataset),
    coverage,
    missingValues(dataset),
    rejected,
    columnRoles(dataset),
    citation(dataset),
  );
  return { title: dataset.title, element };
}

function notReady(dataset, list) {
  if (dataset.status === "loading") return h("div", {}, loading(dataset), h("p", { class: "muted" }, "This page updates when the file has been read."), datasetButtons(dataset, list));
  return h(
    "div",
    {},
    emptyState("This table could not be read", bdi(dataset.failure.reason)),
    h("p", {}, "Fix the file, or put what is missing into a TOML file next to it, then read it again."),
    datasetButtons(dataset, list),
  );
}

/** Show the page anew when the file has been read. */
function showWhenRead(name, signal) {
  return poll(async () => {
    const dataset = await get(datasetPath(name), { signal }).catch(() => null);
    const isRead = dataset !== null && dataset.reading === null;
    if (isRead && !signal.aborted) dispatchEvent(new Event("meantime:navigate"));
    return isRead;
  }, signal);
}

function questions(dataset) {
  const address = (each) => writeAddress({ view: "question", dataset: dataset.name, question: each.text });
  return h(
    "section",
    { "aria-labelledby": "questions" },
    h("h2", { id: "questions" }, "Questions"),
    h("ul", { class: "questions" }, dataset.questions.map((each) => h("li", {}, h("a", { href: address(each) }, bdi(each.text)), h("span", { class: "muted" }, ` ${[years(each.years), each.unit].filter(Boolean).join(", ")}`)))),
  );
}

function places(dataset) {
  return h("section", { "aria-labelledby": "places" }, h("h2", { id: "places" }, "Places"), placePicker({ label: `All about one of ${many(dataset.locations.length, "place")}`, datasets: [dataset] }));
}

async function fill(section, make, signal) {
  try {
    section.append(...[await make()].flat(Infinity).filter(Boolean));
  } catch (error) {
    if (signal.aborted) throw error;
    section.append(problemMessage(error));
  }
}

function summary(dataset) {
  return facts([
    ["Rows", whole(dataset.rows)],
    ["Questions", whole(dataset.questions.length)],
    ["Locations", whole(dataset.locations.length)],
    ["Suppressed or missing", many(dataset.withheld, "row")],
    ["Rejected", many(dataset.rejected, "line")],
    ["Files", bdi(dataset.files.join(", "))],
    ["Encoding", dataset.encoding],
    ["Decimal mark", dataset.decimal_mark],
  ]);
}

// Coverage

async function coverageSection(state, dataset, signal) {
  const question = dataset.questions.find((each) => each.text === firstOf(state.question)) ?? dataset.questions[0];
  if (!question) return h("p", {}, "This data set has no questions.");
  const groups = dataset.categories.flatMap(({ name, strata }) => strata.map((stratum) => [name, stratum]));
  const group = groups.find((each) => JSON.stringify(each) === firstOf(state.group)) ?? groups.find(([category]) => category === "Total") ?? groups[0];
  const parameters = query({ question: question.text, category: group?.[0], stratum: group?.[1] });
  const coverage = await get(`${datasetPath(dataset.name)}/coverage?${parameters}`, { signal });
  return [
    h(
      "div",
      { class: "controls" },
      labeled("Question", h("select", { id: "question", onchange: (event) => navigate(addressWith({ question: event.target.value })) }, dataset.questions.map((each) => h("option", { value: each.text, selected: each === question }, each.text)))),
      groups.length > 0 &&
        labeled("Who", h("select", { id: "group", onchange: (event) => navigate(addressWith({ group: event.target.value })) }, groups.map((each) => h("option", { value: JSON.stringify(each), selected: each === group }, each.join(": "))))),
    ),
    legend(coverage),
    coverageTable(coverage, question.text, dataset.name),
  ];
}

function legend(coverage) {
  return h(
    "ul",
    { class: "legend" },
    coverage.legend
      .filter((entry) => entry.entries > 0)
      .map((entry) => h("li", {}, h("span", { class: `symbol ${entry.presence}`, "aria-hidden": "true" }, SYMBOLS[entry.presence][0]), ` ${SYMBOLS[entry.presence][1]}: ${whole(entry.entries)}`, entry.reasons.length > 0 && h("span", { class: "muted" }, " ", bdi(entry.reasons.join("; "))))),
  );
}

function coverageTable(coverage, caption, dataset) {
  if (!coverage.strata.length || !coverage.periods.length) return h("p", {}, "There are no rows for this group.");
  const rowOf = ([location, at]) =>
    h("tr", {}, h("th", { scope: "row" }, h("a", { href: placeAddress(dataset, location) }, bdi(location))), coverage.periods.map((_, period) => {
      const { presence } = coverage.legend[coverage.matrix[0][period][at]];
      return h("td", { class: `cover ${presence}` }, h("span", { "aria-hidden": "true" }, SYMBOLS[presence][0]), h("span", { class: "hidden" }, SYMBOLS[presence][1]));
    }));
  const items = coverage.locations.map((location, at) => [location, at]);
  const { body, tools, foot } = pagedRows({ items, nameOf: ([location]) => location, rowOf, what: "coverage" });
  return [
    tools,
    scrollable(
      "Coverage by location and year",
      h("table", { class: "coverage" }, h("caption", { class: "hidden" }, caption), h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Location"), coverage.periods.map((each) => h("th", { scope: "col" }, each ? years(each) : "no year")))), body),
    ),
    foot,
  ];
}

// Missing values and rejected lines

function missingValues(dataset) {
  const questions = dataset.questions.filter((each) => each.withheld > 0).toSorted((a, b) => b.withheld / b.rows - a.withheld / a.rows);
  const headings = ["Question", "Suppressed or missing", "Rows", "Share"];
  return h(
    "section",
    { "aria-labelledby": "withheld" },
    h("h2", { id: "withheld" }, "Suppressed or missing values"),
    questions.length === 0 && h("p", {}, "None: every row has a value."),
    Object.entries(dataset.withheld_by_reason).map(([reason, count]) => h("p", {}, bdi(reason), `: ${many(count, "row")}`)),
    questions.length > 0 &&
      scrollable(
        "Suppressed or missing values by question",
        h(
          "table",
          { class: "data" },
          h("thead", {}, h("tr", {}, headings.map((each, at) => h("th", { scope: "col", class: at > 0 && "number" }, each)))),
          h("tbody", {}, questions.map((each) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: addressWith({ question: each.text }) }, bdi(each.text))), h("td", { class: "number" }, whole(each.withheld)), h("td", { class: "number" }, whole(each.rows)), h("td", { class: "number" }, share(each.withheld / each.rows))))),
        ),
      ),
  );
}

async function rejectedLines(dataset, signal) {
  if (dataset.rejected === 0) return h("p", {}, "None: every line could be read as a row.");
  const body = h("tbody");
  const more = h("button", { type: "button", class: "button" }, "Show more");
  let nextPage = `${datasetPath(dataset.name)}/rejected?limit=50`;
  const load = async () => {
    const page = await get(nextPage, { signal });
    body.append(...page.rejected.map((each) => h("tr", {}, h("th", { scope: "row" }, bdi(each.file)), h("td", { class: "number" }, whole(each.line)), h("td", {}, bdi(each.reason)))));
    nextPage = page.links.next;
    more.hidden = nextPage === null;
    return page;
  };
  more.addEventListener("click", () => load().catch((error) => more.replaceWith(problemMessage(error))));
  const first = await load();
  return [
    h("p", {}, `${many(first.total, "line")} could not be read as rows${first.known < first.total ? `. The first ${whole(first.known)} are kept` : ""}.`),
    scrollable("List of rejected lines", h("table", { class: "data" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "File"), h("th", { scope: "col", class: "number" }, "Line"), h("th", { scope: "col" }, "Reason"))), body)),
    more,
  ];
}

// Columns and citation

function columnRoles(dataset) {
  const used = new Set(Object.values(dataset.roles));
  const unused = dataset.columns.filter((column) => !used.has(column));
  return h(
    "section",
    { "aria-labelledby": "roles" },
    h("h2", { id: "roles" }, "Columns used"),
    facts(Object.entries(dataset.roles).map(([role, column]) => [role.replaceAll("_", " "), bdi(column)])),
    unused.length > 0 && h("p", { class: "muted" }, "Not used: ", bdi(unused.join(", ")), "."),
  );
}

function citation(dataset) {
  return h(
    "section",
    { "aria-labelledby": "cite" },
    h("h2", { id: "cite" }, "Citation"),
    h("p", { class: "cite", dir: "auto" }, dataset.citation),
    copyButton(dataset.citation, "Copy citation"),
    h("p", { class: "muted" }, "The fingerprint identifies the content: files with the same fingerprint have the same numbers."),
    h("p", {}, h("a", { href: dataset.links.self }, "View as JSON")),
  );
}
