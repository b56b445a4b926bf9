/**
 * A data set: its coverage, suppressed and missing values, rejected lines, columns and citation.
 */

import { datasetPath, get, query, statisticPath } from "../api.js";
import { copyButton, emptyState, facts, labeled, problemMessage, scrollable, syntheticNotice } from "../components.js";
import { bdi, h, replaceChildren } from "../dom.js";
import { many, share, whole, years } from "../format.js";
import { shortTitle } from "../heading.js";
import { datasetButtons, describing } from "../operating.js";
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
  if (dataset.status !== "ready") return { title: dataset.name, element: h("div", { class: "column" }, breadcrumbs, heading, notReady(dataset, list, signal)) };
  const coverage = h("section", { "aria-labelledby": "coverage" }, h("h2", { id: "coverage" }, "Coverage"));
  const rejected = h("section", { "aria-labelledby": "rejected" }, h("h2", { id: "rejected" }, "Rejected lines"));
  const missing = h("section", { "aria-labelledby": "withheld" }, h("h2", { id: "withheld" }, "Suppressed or missing values"));
  await Promise.all([fill(missing, () => missingValues(state, dataset, signal), signal), fill(coverage, () => coverageSection(state, dataset, signal), signal), fill(rejected, () => rejectedLines(dataset, signal), signal)]);
  const element = h(
    "div",
    { class: "column data" },
    breadcrumbs,
    heading,
    dataset.reading !== null && loading(dataset),
    origin(dataset),
    dataset.failure && h("p", { class: "notice" }, "The files have changed and could not be read, so this is their previous content. ", bdi(dataset.failure.reason)),
    datasetButtons(dataset, list),
    describing(dataset, list, signal),
    questions(dataset),
    places(dataset),
    dataset.synthetic && syntheticNotice(),
    dataset.warnings.map((each) => h("p", { class: "warning" }, bdi(each))),
    summary(dataset),
    coverage,
    missing,
    rejected,
    columnRoles(dataset),
    citation(dataset),
  );
  return { title: dataset.title, element };
}

function notReady(dataset, list, signal) {
  if (dataset.status === "loading") return h("div", {}, loading(dataset), h("p", { class: "muted" }, "This page updates when the file has been read."), datasetButtons(dataset, list));
  return h(
    "div",
    {},
    emptyState("This table could not be read", bdi(dataset.failure.reason)),
    h("p", {}, dataset.uploaded ? "Say below what is missing; or fix the file, and drop it on the first page again." : "Fix the file, or put what is missing into a TOML file next to it, then read it again."),
    datasetButtons(dataset, list),
    describing(dataset, list, signal),
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
    h("ul", { class: "questions" }, dataset.questions.map((each) => h("li", {}, h("a", { href: address(each), title: each.text }, bdi(shortTitle(each))), h("span", { class: "muted" }, ` ${[years(each.years), each.unit].filter(Boolean).join(", ")}`)))),
  );
}

function places(dataset) {
  return h("section", { "aria-labelledby": "places" }, h("h2", { id: "places" }, "Places"), placePicker({ label: `All about one of ${many(dataset.locations.length, "place")}`, datasets: [dataset] }));
}

/** Who published the table, and under which license, as far as its description says. */
function origin({ origin: { source, publisher, url, license, updated } }) {
  const isAddress = /^https?:\/\//.test(url ?? "");
  const known = facts([
    ["Source", source && bdi(source)],
    ["Publisher", publisher && bdi(publisher)],
    ["License", license && bdi(license)],
    ["Updated", updated && bdi(updated)],
    ["Address", url && (isAddress ? h("a", { href: url, rel: "noreferrer" }, bdi(url)) : bdi(url))],
  ]);
  const absent = [["source", source ?? publisher], ["license", license]].filter(([, value]) => !value).map(([name]) => name);
  return h("div", { class: "origin" }, absent.length < 2 && known, absent.length > 0 && h("p", { class: "muted" }, `No ${absent.join(" and no ")} is stated. A TOML file beside the table can say ${absent.length > 1 ? "them; pictures and files then carry the source" : "it"}.`));
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
      labeled("Question", h("select", { id: "question", onchange: (event) => navigate(addressWith({ question: event.target.value })) }, dataset.questions.map((each) => h("option", { value: each.text, selected: each === question }, shortTitle(each))))),
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

/** By question, most first, and for the chosen question (or the first) by place. */
async function missingValues(state, dataset, signal) {
  const questions = dataset.questions.filter((each) => each.withheld > 0).toSorted((a, b) => b.withheld - a.withheld);
  if (questions.length === 0) return h("p", {}, "None: every row has a value.");
  const shown = questions.find((each) => each.text === firstOf(state.question)) ?? questions[0];
  const { rows } = await get(`${statisticPath("summary")}?${query({ dataset: dataset.name, question: shown.text, by: "location", order: "-withheld" })}`, { signal });
  const places = rows.filter((each) => each.withheld > 0);
  const { body, tools, foot } = pagedRows({ items: places, nameOf: (each) => each.location, rowOf: (each) => missingRow(bdi(each.location), each.withheld, each.count + each.withheld), what: "places" });
  return [
    Object.entries(dataset.withheld_by_reason).map(([reason, count]) => h("p", {}, bdi(reason), `: ${many(count, "row")}`)),
    missingTable("Question", "Suppressed or missing values by question", h("tbody", {}, questions.map((each) => missingRow(h("a", { href: addressWith({ question: each.text }), title: each.text, "aria-current": each === shown && "true" }, bdi(shortTitle(each))), each.withheld, each.rows)))),
    h("h3", { id: "by-place" }, bdi(shortTitle(shown)), ": where"),
    tools,
    missingTable("Place", `Suppressed or missing values by place`, body),
    foot,
  ];
}

function missingTable(first, caption, body) {
  const headings = [first, "Suppressed or missing", "Rows", "Share"];
  return scrollable(caption, h("table", { class: "data" }, h("thead", {}, h("tr", {}, headings.map((each, at) => h("th", { scope: "col", class: at > 0 && "number" }, each)))), body));
}

const missingRow = (name, missing, rows) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "number" }, whole(missing)), h("td", { class: "number" }, whole(rows)), h("td", { class: "number" }, share(missing / rows)));

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
    h("p", { class: "muted" }, `Read as ${[dataset.encoding, dataset.decimal_mark && `decimal mark “${dataset.decimal_mark}”`].filter(Boolean).join(", ")}.`),
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
