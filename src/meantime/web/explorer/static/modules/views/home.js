/**
 * The first page: which data sets there are, and what can be asked of them.
 */

import { datasetPath, get } from "../api.js";
import { prepare } from "../chart.js";
import { h, put, theirs } from "../dom.js";
import { many, whole, years } from "../format.js";
import { announce, empty, facts, progress, synthetic } from "../parts.js";
import { adjust, one, write } from "../state.js";

// While a file is read, its progress is looked at as often as an eye can follow.
const LOOK_MS = 500;
// By then the page itself has come.
const IDLE_MS = 1500;

/** @type {import("../main.js").View} */
export async function home(state, signal) {
  const { datasets } = await get("/v1/datasets", { signal });
  const described = await Promise.all(
    datasets.map((each) => (each.status === "ready" ? get(datasetPath(each.name), { signal }) : each)),
  );
  const sections = new Map(described.map((each) => [each.name, section(each)]));
  const found = h("p", { class: "soft", role: "status", id: "found" });
  const search = h("input", {
    type: "search", id: "find", class: "search", value: one(state.find) ?? "", autocomplete: "off",
    placeholder: "Find a question, such as obesity", "aria-label": "Find a question",
    oninput: () => {
      adjust({ find: search.value });
      narrow(search.value, found);
    },
  });
  const element = h(
    "div",
    { class: "column home" },
    h("h1", {}, "What do you want to know?"),
    h("p", { class: "lead" }, "Pick a question. Every answer says how sure it is, what it is an estimate of, and which rows it rests on."),
    described.some((each) => each.status === "ready") && [search, found],
    [...sections.values()],
  );
  element.addEventListener("meantime:shown", () => {
    narrow(search.value, found);
    // Most go on from here to a chart.
    setTimeout(prepare, IDLE_MS);
  });
  if (datasets.some((each) => each.reading !== null)) watch(sections, signal);
  return { title: "Meantime", element };
}

function section(dataset) {
  return put(h("section", { class: "dataset", "aria-label": dataset.name }), ...content(dataset));
}

function content(dataset) {
  const heading = h(
    "h2",
    {},
    dataset.status === "ready"
      ? h("a", { href: write({ view: "data", dataset: dataset.name }) }, theirs(dataset.title))
      : theirs(dataset.title ?? dataset.name),
  );
  if (dataset.status === "failed") {
    return [heading, failed(dataset)];
  }
  if (dataset.status === "loading") {
    return [heading, reading(dataset), h("p", { class: "soft" }, "The page comes alive when it is there. Jobs are accepted meanwhile, and wait.")];
  }
  return [
    heading,
    dataset.synthetic && synthetic(),
    dataset.failure && h("p", { class: "loud" }, "Its files have changed and cannot be served, so this is what was in them before: ", theirs(dataset.failure.reason)),
    dataset.reading && reading(dataset),
    facts([
      ["Rows", whole(dataset.rows)],
      ["Locations", whole(dataset.locations.length)],
      ["Years", years(span(dataset.periods))],
      ["Withheld", many(dataset.withheld, "row")],
      ["Rejected", many(dataset.rejected, "line")],
    ]),
    dataset.questions.length ? topics(dataset) : empty("No questions", "The file has no rows that could be read."),
  ];
}

function span(periods) {
  if (!periods.length) return null;
  return { first: Math.min(...periods.map((each) => each.first)), last: Math.max(...periods.map((each) => each.last)) };
}

function topics(dataset) {
  const byTopic = Map.groupBy ? Map.groupBy(dataset.questions, (each) => each.topic) : grouped(dataset.questions);
  return [...byTopic].map(([topic, questions]) =>
    h(
      "div",
      { class: "topic" },
      h("h3", {}, topic ? theirs(topic) : "Questions"),
      h("ul", { class: "questions" }, questions.map((each) => card(dataset, each))),
    ),
  );
}

function grouped(questions) {
  const groups = new Map();
  for (const each of questions) groups.set(each.topic, [...(groups.get(each.topic) ?? []), each]);
  return groups;
}

function card(dataset, question) {
  const good = { lower: "lower is better", higher: "higher is better" }[question.polarity];
  const about = [years(question.years), question.unit, good, question.withheld && `${whole(question.withheld)} withheld`];
  return h(
    "li",
    { "data-words": `${question.text} ${question.topic}`.toLowerCase() },
    h(
      "a",
      { class: "card", href: write({ view: "question", dataset: dataset.name, question: question.text }) },
      h("span", { class: "card-title", dir: "auto" }, question.text),
      h("span", { class: "soft" }, about.filter(Boolean).join(" · ")),
    ),
  );
}

/** Show the questions that have every word. */
function narrow(text, found) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const topic of document.querySelectorAll(".topic")) {
    let here = 0;
    for (const item of topic.querySelectorAll("li")) {
      item.hidden = !words.every((word) => item.dataset.words.includes(word));
      if (!item.hidden) here += 1;
    }
    topic.hidden = here === 0;
    shown += here;
  }
  found.textContent = words.length ? `${many(shown, "question")} found` : "";
}

function reading(dataset) {
  const rows = dataset.reading.rows === null ? "" : `, ${many(dataset.reading.rows, "row")}`;
  return progress(`${dataset.status === "ready" ? "Reading it again" : "Loading"}: ${dataset.reading.phase}${rows}`, dataset.reading.share);
}

function failed(dataset) {
  return h(
    "div",
    { class: "state state-trouble" },
    h("h3", {}, "Could not be loaded"),
    h("p", {}, theirs(dataset.failure.reason)),
    h("p", { class: "soft" }, "When the file is mended, restart the server, or have it read again: ", h("code", {}, `POST ${dataset.links.reload}`), "."),
  );
}

async function watch(sections, signal) {
  const before = new Map();
  while (!signal.aborted) {
    await new Promise((wake) => setTimeout(wake, LOOK_MS));
    if (signal.aborted) return;
    let datasets;
    try {
      ({ datasets } = await get("/v1/datasets", { signal }));
    } catch {
      continue; // shown as it was; the next look may find the server again
    }
    for (const each of datasets) {
      const says = JSON.stringify(each);
      if (before.get(each.name) === says) continue;
      before.set(each.name, says);
      const full = each.status === "ready" ? await get(datasetPath(each.name), { signal }).catch(() => null) : each;
      const place = sections.get(each.name);
      if (full === null || !place) continue;
      put(place, ...content(full));
      if (each.status !== "loading") announce(`${each.title ?? each.name}: ${each.status}`);
    }
    if (datasets.every((each) => each.reading === null)) {
      if (!document.getElementById("find")) dispatchEvent(new Event("meantime:navigate"));
      return;
    }
  }
}
