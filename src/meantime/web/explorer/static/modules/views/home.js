/**
 * The first page: the data sets and their questions.
 */

import { datasetPath, get, query } from "../api.js";
import { prefetchLibrary } from "../chart.js";
import { announce, emptyState, facts, syntheticNotice } from "../components.js";
import { bdi, h, replaceChildren } from "../dom.js";
import { fit, understood } from "../finding.js";
import { amount, direction, many, whole, years } from "../format.js";
import { shortTitle } from "../heading.js";
import { uploadArea } from "../operating.js";
import { aggregateLocation } from "../pickers.js";
import { placeLink, placePicker } from "../places.js";
import { loading, poll } from "../reading.js";
import { sparkline } from "../sparkline.js";
import { firstOf, navigate, replaceAddress, writeAddress } from "../state.js";

// By then the page itself has loaded.
const IDLE_MS = 1500;

/** @type {import("../main.js").View} */
export async function home(state, signal) {
  const list = await get("/v1/datasets", { signal });
  const { datasets } = list;
  const described = await Promise.all(
    datasets.map((each) => (each.status === "ready" ? get(datasetPath(each.name), { signal }) : each)),
  );
  const sections = new Map(described.map((each) => [each.name, section(each)]));
  const count = h("p", { class: "muted", role: "status", id: "found" });
  const about = h("p", { id: "about", hidden: true });
  let best = null;
  const search = h("input", {
    type: "search", id: "find", class: "search", value: firstOf(state.find) ?? "", autocomplete: "off",
    placeholder: "Such as: obesity women Ohio", onkeydown: (event) => event.key === "Enter" && best && navigate(best.getAttribute("href")),
    oninput: () => {
      replaceAddress({ find: search.value });
      best = filter(search.value, count, about);
    },
  });
  const ready = described.filter((each) => each.status === "ready");
  const element = h(
    "div",
    { class: "column home" },
    h("h1", {}, "What do you want to know?"),
    h("p", { class: "lead" }, "Pick a question. Every answer shows how certain it is, what it is an estimate of, and which rows it is based on."),
    ready.length > 0 && [doors(search, ready), count, about],
    [...sections.values()],
    uploadArea(list),
  );
  element.addEventListener("meantime:shown", () => {
    best = filter(search.value, count, about);
    showFigures(ready, signal);
    // Most readers open a chart next.
    setTimeout(prefetchLibrary, IDLE_MS);
  });
  if (datasets.some((each) => each.reading !== null)) watch(sections, signal);
  return { title: "Meantime", element };
}

/** The two ways in: by topic and by place. */
function doors(search, datasets) {
  return h("div", { class: "doors" }, h("div", { class: "control" }, h("label", { class: "label", for: "find" }, "By topic: find a question"), search), placePicker({ label: "By place", datasets }));
}

function section(dataset) {
  return replaceChildren(h("section", { class: "dataset", "aria-label": dataset.name }), ...content(dataset));
}

function content(dataset) {
  const heading = h(
    "h2",
    {},
    dataset.status === "ready"
      ? h("a", { href: writeAddress({ view: "data", dataset: dataset.name }) }, bdi(dataset.title))
      : bdi(dataset.title ?? dataset.name),
  );
  if (dataset.status === "failed") {
    return [heading, failure(dataset)];
  }
  if (dataset.status === "loading") {
    return [heading, loading(dataset), h("p", { class: "muted" }, "This page updates when loading finishes.")];
  }
  return [
    heading,
    dataset.synthetic && syntheticNotice(),
    dataset.failure && h("p", { class: "notice" }, "The files have changed and could not be loaded, so this is their previous content: ", bdi(dataset.failure.reason), " ", h("a", { href: writeAddress({ view: "data", dataset: dataset.name }) }, "What to do")),
    dataset.reading && loading(dataset),
    facts([
      ["Rows", whole(dataset.rows)],
      ["Locations", whole(dataset.locations.length)],
      ["Years", years(span(dataset.periods))],
      ["Suppressed or missing", many(dataset.withheld, "row")],
      ["Rejected", many(dataset.rejected, "line")],
    ]),
    dataset.questions.length ? topics(dataset) : emptyState("No questions", "The file has no rows that could be read."),
  ];
}

function span(periods) {
  if (!periods.length) return null;
  return { first: Math.min(...periods.map((each) => each.first)), last: Math.max(...periods.map((each) => each.last)) };
}

function topics(dataset) {
  const byTopic = Map.groupBy ? Map.groupBy(dataset.questions, (each) => each.topic) : groupByTopic(dataset.questions);
  return [...byTopic].map(([topic, questions]) =>
    h(
      "div",
      { class: "topic" },
      h("h3", {}, topic ? bdi(topic) : "Questions"),
      h("ul", { class: "questions" }, questions.map((each) => card(dataset, each))),
    ),
  );
}

function groupByTopic(questions) {
  const groups = new Map();
  for (const each of questions) groups.set(each.topic, [...(groups.get(each.topic) ?? []), each]);
  return groups;
}

function card(dataset, question) {
  const details = [years(question.years), question.unit, direction(question.polarity), question.withheld && `${whole(question.withheld)} suppressed or missing`];
  const figure = h("span", { class: "card-figure", hidden: aggregateLocation(dataset) === null });
  const title = shortTitle(question);
  const link = h(
    "a",
    { class: "card", href: addressOf(dataset, question) },
    h("span", { class: "card-title", dir: "auto" }, title),
    figure,
    title !== question.text && h("span", { class: "card-text", dir: "auto" }, question.text),
    h("span", { class: "muted" }, details.filter(Boolean).join(" · ")),
  );
  return Object.assign(h("li", {}, link), { about: { dataset, question, link, figure } });
}

/** Put the latest figure of the whole, such as the nation, on the cards; they are complete without it. */
function showFigures(datasets, signal) {
  return Promise.all(datasets.map(async (dataset) => {
    const location = aggregateLocation(dataset);
    if (location === null) return;
    const profile = await get(`${datasetPath(dataset.name)}/profile?${query({ location, detail: "values" })}`, { signal }).catch(() => null);
    const known = new Map(profile?.questions.map((each) => [each.question, each]));
    for (const { about } of document.querySelectorAll(".topic li")) {
      if (about.dataset !== dataset) continue;
      replaceChildren(about.figure, ...latest(known.get(about.question.text), location));
      about.figure.hidden = !about.figure.hasChildNodes();
    }
  }));
}

/** "33.5%, women, 2023, National", and the years as a picture. */
function latest(found, location) {
  if (!found?.value) return [];
  const { value, unit, people, series, breaks } = found;
  return [
    h("span", {}, h("strong", {}, amount(value.estimate, unit)), h("span", { class: "muted" }, ` ${[people, value.period].filter(Boolean).join(", ")}, `, bdi(location))),
    sparkline(series, breaks),
  ];
}

function addressOf(dataset, question, { group = null, place = null } = {}) {
  return writeAddress({ view: "question", dataset: dataset.name, question: question.text, ...group, highlight: place });
}

/** Show the questions that a text is about; their links lead to the group and the place that it names. Returns the best of them. */
function filter(text, count, about) {
  let found = 0;
  let best = { fit: 0, link: null };
  const named = new Set();
  const meant = new Map();
  for (const item of document.querySelectorAll(".topic li")) {
    const { dataset, question, link } = item.about;
    if (!meant.has(dataset)) meant.set(dataset, understood(text, dataset));
    const { words, group, place } = meant.get(dataset);
    const fits = fit(question, words);
    item.hidden = fits === 0;
    link.href = addressOf(dataset, question, { group, place });
    if (item.hidden) continue;
    found += 1;
    if (fits > best.fit) best = { fit: fits, link };
    for (const name of [group?.stratum, place]) if (name) named.add(name);
  }
  const places = [...meant].filter(([, { place }]) => place);
  replaceChildren(about, ...places.map(([dataset, { place }], at) => [at ? " · " : "", placeLink(dataset.name, place), places.length > 1 && [" in ", bdi(dataset.title)]]));
  about.hidden = places.length === 0;
  for (const topic of document.querySelectorAll(".topic")) topic.hidden = !topic.querySelector("li:not([hidden])");
  count.textContent = text.trim() ? `${many(found, "question")} found${named.size ? `, for ${[...named].join(", ")}` : ""}` : "";
  // Nothing but a place: then its page is what is looked for.
  if (places.length && places[0][1].words.length === 0 && !places[0][1].group) return about.querySelector("a");
  return text.trim() ? best.link : null;
}

function failure(dataset) {
  return h(
    "div",
    { class: "message message-error" },
    h("h3", {}, "Could not be loaded"),
    h("p", {}, bdi(dataset.failure.reason)),
    h("p", {}, h("a", { href: writeAddress({ view: "data", dataset: dataset.name }) }, "What to do")),
  );
}

/** Show each data set anew when something about it has changed, until none is read any more. */
function watch(sections, signal) {
  const previous = new Map();
  return poll(async () => {
    let datasets;
    try {
      ({ datasets } = await get("/v1/datasets", { signal }));
    } catch {
      return false; // the page stays as it is, and the next try may reach the server
    }
    for (const each of datasets) {
      const text = JSON.stringify(each);
      if (previous.get(each.name) === text) continue;
      previous.set(each.name, text);
      const full = each.status === "ready" ? await get(datasetPath(each.name), { signal }).catch(() => null) : each;
      const container = sections.get(each.name);
      if (full === null || !container) continue;
      replaceChildren(container, ...content(full));
      if (each.status !== "loading") announce(`${each.title ?? each.name}: ${each.status}`);
    }
    const isOver = datasets.every((each) => each.reading === null);
    if (isOver && !document.getElementById("find")) dispatchEvent(new Event("meantime:navigate"));
    return isOver;
  }, signal);
}
