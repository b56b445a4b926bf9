/**
 * One place: every question with its latest value, beside the whole and among the other places, its years, and the widest gaps.
 */

import { datasetPath, get, Problem, query } from "../api.js";
import { copyButton, emptyState, problemMessage, syntheticNotice } from "../components.js";
import { conclusion } from "../conclusion.js";
import { bdi, h, replaceChildren } from "../dom.js";
import { amount, capitalized, decimals, interval, many, number, whole } from "../format.js";
import { placePicker } from "../places.js";
import { sparkline, yearOf } from "../sparkline.js";
import { firstOf, writeAddress } from "../state.js";

// Of the gaps of all questions.
const LARGEST = 10;

/** @type {import("../main.js").View} */
export async function place(state, signal) {
  const name = firstOf(state.dataset) ?? (await get("/v1/datasets", { signal })).datasets.find((each) => each.is_default).name;
  const dataset = await get(datasetPath(name), { signal });
  const location = firstOf(state.location);
  if (dataset.status !== "ready") return { title: name, element: h("div", { class: "column" }, h("h1", {}, bdi(dataset.title ?? name)), emptyState("No places yet", "This data set is not loaded.", h("p", {}, h("a", { href: "/" }, "All data sets")))) };
  if (!location) return withoutPlace(dataset, "Choose a place", null);
  try {
    return shown(dataset, await get(`${datasetPath(name)}/profile?${query({ location })}`, { signal }), signal);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "request-invalid") throw error;
    return withoutPlace(dataset, "Place not found", error.detail);
  }
}

function withoutPlace(dataset, title, reason) {
  const element = h("div", { class: "column" }, breadcrumbs(dataset), h("h1", {}, title), reason && h("p", {}, bdi(reason)), placePicker({ label: "Place", datasets: [dataset] }));
  return { title, element };
}

function breadcrumbs(dataset) {
  return h("p", { class: "breadcrumbs" }, h("a", { href: "/" }, "Data"), " · ", h("a", { href: writeAddress({ view: "data", dataset: dataset.name }) }, bdi(dataset.title)));
}

function shown(dataset, first, signal) {
  const { location } = first;
  const questions = [];
  const [lead, rows, gaps, missing] = [h("p", { class: "lead" }), h("div"), h("section", { "aria-labelledby": "gaps" }), h("section", { "aria-labelledby": "missing" })];
  const more = h("button", { type: "button", class: "button", id: "more" });
  let next = null;

  function add(part) {
    questions.push(...part.questions);
    next = part.links.next;
    more.hidden = next === null;
    more.textContent = `Show more of the ${whole(part.total)} questions`;
    lead.textContent = inOneLine(questions);
    replaceChildren(rows, profileTable(dataset, location, questions));
    replaceChildren(gaps, ...largestGaps(dataset, location, questions));
    replaceChildren(missing, ...missingValues(dataset, location, questions));
  }

  more.addEventListener("click", async () => {
    more.disabled = true;
    try {
      add(await get(next, { signal }));
    } catch (error) {
      if (!signal.aborted) more.after(problemMessage(error));
    }
    more.disabled = false;
  });
  add(first);
  const element = h(
    "div",
    { class: "column place" },
    h("div", { class: "above-title" }, breadcrumbs(dataset), h("span", { class: "row" }, copyButton(() => window.location.href, "Copy link", "Copy it from the address bar"), h("button", { type: "button", class: "button small", onclick: () => print() }, "Print"))),
    h("h1", {}, bdi(location)),
    lead,
    h("div", { class: "controls" }, placePicker({ label: "Another place", datasets: [dataset], selected: location })),
    dataset.synthetic && syntheticNotice(),
    rows,
    more,
    gaps,
    missing,
    notes(dataset, first),
  );
  return { title: location, element };
}

/** "Women, 2023: each question in its latest year, compared with the nation." */
function inOneLine(questions) {
  const known = questions.filter((each) => each.value);
  if (!known.length) return "No question has a value for everyone here.";
  const people = [...new Set(known.map((each) => each.people))];
  const periods = [...new Set(known.map((each) => each.value.period).filter(Boolean))].toSorted();
  const years = periods.length > 1 ? `${periods[0]} to ${periods.at(-1)}` : periods[0];
  const wholes = [...new Set(known.map((each) => each.reference?.words).filter(Boolean))];
  const beside = wholes.length === 1 ? `, compared with ${wholes[0]}` : wholes.length ? ", compared with the other places" : "";
  return `${[capitalized(people.length === 1 ? people[0] : "all groups asked"), years].filter(Boolean).join(", ")}: ${many(known.length, "question")}, each in its latest year${beside}.`;
}

// The table. It has its roles by name, since a phone shows its rows as blocks.

const COLUMNS = [
  { name: "Question" },
  { name: "Latest value" },
  { name: "Comparison", isShown: (questions) => questions.some((each) => each.reference), content: comparison },
  { name: "Rank", isShown: (questions) => questions.some((each) => each.rank), content: rank },
  { name: "Over the years", content: overTheYears },
];

function profileTable(dataset, location, questions) {
  const columns = COLUMNS.filter((each) => each.isShown?.(questions) ?? true);
  const samePeople = new Set(questions.filter((each) => each.value).map((each) => each.people)).size < 2;
  const topics = [...new Set(questions.map((each) => each.topic))];
  const row = (each) => profileRow(dataset, location, each, samePeople, columns);
  const bodies = topics.map((topic) => h("tbody", { role: "rowgroup" }, topics.length > 1 && topicRow(topic, columns), questions.filter((each) => each.topic === topic).map(row)));
  return h(
    "table",
    { class: "profile", role: "table" },
    h("caption", { class: "hidden" }, `Every question in ${location}`),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map((each) => h("th", { scope: "col", role: "columnheader" }, each.name)))),
    bodies,
  );
}

const topicRow = (topic, columns) => h("tr", { role: "row", class: "topic-row" }, h("th", { scope: "rowgroup", role: "rowheader", colspan: columns.length }, topic ? bdi(topic) : "Other questions"));
const cell = (attributes, ...content) => h("td", { role: "cell", ...attributes }, ...content);

function profileRow(dataset, location, each, samePeople, columns) {
  const heading = h("th", { scope: "row", role: "rowheader" }, h("a", { href: chartAddress(dataset, location, each), title: each.question }, bdi(each.title)));
  if (!each.value) return h("tr", { role: "row" }, heading, cell({ class: "value missing" }, "No value"), cell({ class: "wide", colspan: columns.length - 2 }, bdi(each.no_value)));
  const { value, last_period: last } = each;
  return h(
    "tr",
    { role: "row" },
    heading,
    cell(
      { class: "value" },
      h("strong", {}, amount(value.estimate, each.unit)),
      h("span", { class: "muted" }, [" ", [!samePeople && each.people, value.period].filter(Boolean).join(", ")]),
      value.low !== null && h("span", { class: "muted detail" }, interval(value.low, value.high, null, decimals([value.estimate, value.low, value.high], each.unit))),
      each.value_type && h("span", { class: "muted detail" }, bdi(each.value_type)),
      value.period !== last && h("span", { class: "muted detail" }, `no ${last} value`),
    ),
    columns.filter((column) => column.content).map(({ content }) => cell({ class: content === overTheYears ? "years" : "wide" }, content(each))),
  );
}

/** Where the question's chart shows the place: the ranking, or the lines where it is not ranked. */
function chartAddress(dataset, location, each) {
  const group = { category: each.category, stratum: each.stratum };
  const address = { view: "question", dataset: dataset.name, question: each.question, ...group, value_type: each.value_type };
  if (!each.value) return writeAddress(address);
  if (!each.rank) return writeAddress({ ...address, tab: "trend", locations: [location], highlight: location });
  return writeAddress({ ...address, years: each.value.period || null, highlight: location });
}

const unitOfDifference = (unit) => (unit === "percent" ? "percentage points" : unit);

function comparison({ unit, reference }) {
  if (!reference) return h("span", { class: "muted" }, "nothing to compare with");
  const { difference, difference_low: low, difference_high: high, words, verdict } = reference;
  const [points, places] = [unitOfDifference(unit), decimals([difference, low, high], unitOfDifference(unit))];
  const size = amount(Math.abs(difference), points, places);
  const rounded = number(Math.abs(difference), places);
  const isSame = rounded === number(0, places);
  const other = [bdi(words), ` (${amount(reference.estimate, unit)})`];
  const beside = isSame ? "the same as " : `${size} ${difference > 0 ? "above" : "below"} `;
  if (low === null) return h("span", {}, capitalized(beside), other, reference.kind === "median" ? ", not tested" : "");
  return h("span", {}, verdict && [conclusion(verdict), ": "], beside, other, h("span", { class: "muted detail" }, `difference ${number(difference, places)}, ${interval(low, high, null, places)}`));
}

function rank({ rank: found, no_rank: reason }) {
  if (!found) return h("span", { class: "muted" }, bdi((reason ?? "").replace(/^Not ranked: /, "not ranked: ")));
  return h("span", {}, h("span", { class: "narrow-only" }, "rank "), `${whole(found.rank)} of ${whole(found.places)}`, h("span", { class: "muted detail" }, `95% CI ${whole(found.rank_low)} to ${whole(found.rank_high)}; 1 is the ${found.better === "lower" ? "lowest" : "highest"}`));
}

function overTheYears({ series, unit, breaks }) {
  const values = series.filter((each) => each.estimate !== null);
  if (values.length < 2) return h("span", { class: "muted" }, "one year only");
  const [first, last] = [values[0], values.at(-1)];
  const places = decimals([first.estimate, last.estimate], unit);
  const write = (each) => `${each.period}: ${amount(each.estimate, unit, places)}`;
  // What was measured in another way is not comparable, so no change is suggested.
  const changed = breaks.filter((year) => year > yearOf(first) && year <= yearOf(last)).at(-1);
  const words = changed ? `measured in another way from ${changed} on` : `${write(first)}; ${write(last)}`;
  return [sparkline(series, breaks), h("span", { class: "muted detail" }, words)];
}

// Gaps between groups

function largestGaps(dataset, location, questions) {
  const every = questions.flatMap((question) => question.gaps.map((gap) => ({ question, gap })));
  // Sizes are compared within a unit only; most tables have one.
  const units = [...new Set(every.map(({ question }) => question.unit))];
  const sorted = every.toSorted((a, b) => units.indexOf(a.question.unit) - units.indexOf(b.question.unit) || b.gap.gap - a.gap.gap);
  return [
    h("h2", { id: "gaps" }, "Largest gaps between groups"),
    every.length === 0 && h("p", {}, "No question has two groups with a value here."),
    every.length > 0 && h("ul", { class: "plain" }, sorted.slice(0, LARGEST).map((each) => h("li", {}, gapSentence(dataset, location, each)))),
    every.length > LARGEST && h("p", { class: "muted" }, `The largest ${LARGEST} of ${whole(every.length)}. The largest of many gaps are partly due to chance, which their intervals do not allow for.`),
  ];
}

function gapSentence(dataset, location, { question, gap }) {
  const { unit, value } = question;
  const address = writeAddress({ view: "question", dataset: dataset.name, question: question.question, tab: "groups", groups: gap.category, locations: [location], years: value.period || null, value_type: question.value_type });
  const places = decimals([gap.gap, gap.gap_low, gap.gap_high], unitOfDifference(unit));
  const group = ({ people, estimate }) => [bdi(people), ` ${amount(estimate, unit)}`];
  return [
    h("a", { href: address, title: question.question }, bdi(question.title)),
    value.period ? `, ${value.period}: ` : ": ",
    group(gap.highest),
    ", ",
    group(gap.lowest),
    `. ${capitalized(amount(gap.gap, unitOfDifference(unit), places))} apart (${interval(gap.gap_low, gap.gap_high, null, places)})`,
    gap.gap_low <= 0 ? "; these data do not show that they differ." : ".",
  ];
}

// What is missing

function missingValues(dataset, location, questions) {
  const some = questions.filter((each) => each.withheld > 0);
  const address = (each) => writeAddress({ view: "data", dataset: dataset.name, question: each.question });
  const reasons = (each) => Object.entries(each.withheld_by_reason).map(([reason, rows], at) => [at ? "; " : "", bdi(reason), ` (${many(rows, "row")})`]);
  return [
    h("h2", { id: "missing" }, "Suppressed or missing"),
    some.length === 0 && h("p", {}, "None of the rows about ", bdi(location), " is suppressed or missing."),
    some.length > 0 && h("ul", { class: "plain" }, some.map((each) => h("li", {}, h("a", { href: address(each), title: each.question }, bdi(each.title)), `: ${whole(each.withheld)} of ${many(each.rows, "row")}, `, reasons(each)))),
  ];
}

function notes(dataset, profile) {
  return h(
    "section",
    { class: "notes", "aria-labelledby": "notes" },
    h("h2", { id: "notes" }, "About these numbers"),
    profile.questions.every((each) => !each.rank) && [...new Set(profile.questions.map((each) => each.no_rank).filter(Boolean))].map((each) => h("p", {}, bdi(each))),
    h("p", {}, "Each interval and each comparison holds for its own question; nothing is adjusted for how many questions are on this page. A rank is given with its 95% confidence interval, or not at all."),
    h("p", { class: "cite", dir: "auto" }, dataset.citation),
    h("p", { class: "on-screen" }, h("a", { href: `${datasetPath(dataset.name)}/profile?${query({ location: profile.location })}` }, "View as JSON")),
  );
}
