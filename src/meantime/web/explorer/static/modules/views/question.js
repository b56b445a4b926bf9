/**
 * One question: what the number is, what was found, and tabs that show it each in its way.
 */

import { datasetPath, get } from "../api.js";
import { answer } from "../ask.js";
import { prepare } from "../chart.js";
import { controls, firstGroup, parameters } from "../asking.js";
import { h, put, theirs } from "../dom.js";
import { whole, years } from "../format.js";
import { empty, synthetic, trouble } from "../parts.js";
import { adjust, changed, one, read, write } from "../state.js";
import { TABS } from "../tabs/index.js";
import { take } from "../take.js";
import { reopen, whyOf } from "../why.js";

/** @type {import("../main.js").View} */
export async function question(state, signal) {
  const name = one(state.dataset) ?? (await get("/v1/datasets", { signal })).datasets.find((each) => each.is_default).name;
  const dataset = await get(datasetPath(name), { signal });
  if (dataset.status !== "ready") return unready(dataset, signal);
  const about = dataset.questions.find((each) => each.text === one(state.question));
  if (!about) return unknown(dataset, one(state.question));
  if (!about.has_total && !one(state.stratum) && !one(state.basis) && firstGroup(dataset)) {
    // There is no figure for everybody. The first group is shown, and named, and the others stand beside it.
    adjust(firstGroup(dataset));
    state = read();
  }
  const tab = TABS.find((each) => each.id === one(state.tab)) ?? TABS[0];
  if (tab.chart(state, dataset)) prepare();
  const place = h("div", { class: "tab", id: "tab" });
  const element = h("div", { class: "column question" }, header(dataset, about), tabs(tab), place);
  // A job may take minutes: the frame is there meanwhile, with its progress in it. All else comes as a whole.
  await new Promise((ready) => {
    show({ state, signal, dataset, question: about, tab, place, ready }).then(ready);
  });
  return { title: about.text, element };
}

function header(dataset, about) {
  const good = { lower: "Lower is better", higher: "Higher is better" }[about.polarity] ?? "Nobody has said which values are good";
  return h(
    "header",
    {},
    h("p", { class: "crumbs" }, h("a", { href: write({ view: "data", dataset: dataset.name }) }, theirs(dataset.title)), about.topic && [" · ", theirs(about.topic)]),
    h("h1", { dir: "auto" }, about.text),
    dataset.synthetic && synthetic(),
    h(
      "p",
      { class: "soft" },
      [about.unit, good, years(about.years), about.withheld && h("a", { href: write({ view: "data", dataset: dataset.name, question: about.text }) }, `${whole(about.withheld)} values withheld`)]
        .filter(Boolean)
        .flatMap((each, index) => (index ? [" · ", each] : [each])),
    ),
  );
}

function tabs(shown) {
  return h(
    "nav",
    { class: "tabs", "aria-label": "Views of this question" },
    TABS.map((each) => h("a", { href: changed({ tab: each.id, sort: null, filter: null }), id: `tab-${each.id}`, "aria-current": each === shown && "page" }, each.title)),
  );
}

async function show(about) {
  const { state, signal, dataset, question: of, tab, place } = about;
  const statistic = tab.statistic(state, of, dataset);
  const chart = tab.chart(state, dataset);
  let row = null;
  let asking = null;
  try {
    row = await get(`/v1/statistics/${encodeURIComponent(statistic)}`, { signal });
    asking = controls({ state, dataset, schema: row.parameters, own: tab.controls?.(about), hides: tab.hides });
    const missing = tab.first?.(about) ?? (needsOrder(row, of, state) ? orders() : null);
    if (missing) {
      put(place, asking, missing);
      return;
    }
    const wanted = { question: of.text, ...parameters(state, row.parameters), ...tab.adds?.(about) };
    const asked = { statistic, dataset: dataset.name, parameters: Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)) };
    const onwait = (shown) => {
      put(place, asking, shown);
      about.ready();
    };
    const result = await answer(asked, { signal, onwait });
    const why = whyOf({ result, rows: `/v1/statistics/${encodeURIComponent(statistic)}/rows`, asked: { dataset: dataset.name, ...asked.parameters }, signal, isInAddress: true });
    const body = await tab.render({ ...about, row, asked, result, why });
    const shown = chart ?? row.charts[0]?.name ?? null;
    put(
      place,
      asking,
      h("div", { class: chart ? "answer beside" : "answer" }, findings(result), body),
      notes(result, row),
      take(asked, { chart: shown, pictured: tab.pictured?.(asked) ?? asked, fingerprint: result.fingerprint, citation: result.citation, title: of.text }),
    );
    reopen(state, result, why);
  } catch (error) {
    if (signal.aborted) return;
    put(place, asking, trouble(error, () => dispatchEvent(new Event("meantime:navigate"))));
  }
}

const needsOrder = (row, question, state) => "better" in row.parameters.properties && !question.polarity && !one(state.better);

/** Where nobody has said which values are good, the reader says which come first. */
function orders() {
  return h(
    "section",
    { class: "state", "aria-labelledby": "orders" },
    h("h2", { id: "orders" }, "Which values are better?"),
    h("p", {}, "Nobody has said for this question whether a low or a high value is good, so nothing is first by itself."),
    h("p", { class: "row" }, h("a", { class: "button", href: changed({ better: "lower" }) }, "Lower is better"), h("a", { class: "button", href: changed({ better: "higher" }) }, "Higher is better")),
  );
}

function findings(result) {
  const [first, ...rest] = result.findings;
  return h(
    "section",
    { class: "findings", "aria-label": "What was found" },
    first && h("p", { class: "first" }, theirs(first)),
    rest.map((each) => h("p", {}, theirs(each))),
    result.warnings.map((each) => h("p", { class: "warning" }, theirs(each))),
  );
}

function notes(result, row) {
  return h(
    "section",
    { class: "notes", "aria-labelledby": "notes" },
    h("h2", { id: "notes" }, "What these numbers are"),
    h("p", {}, `An estimate of: ${row.estimates}.`),
    result.notes.map((each) => h("p", {}, theirs(each))),
  );
}

function unready(dataset, signal) {
  const element = h("div", { class: "column" }, h("h1", {}, theirs(dataset.title ?? dataset.name)));
  if (dataset.status === "failed") {
    element.append(empty("This data set could not be loaded", theirs(dataset.failure.reason), h("p", {}, h("a", { href: "/" }, "All data sets"))));
  } else {
    element.append(empty("This data set is still being read", "The view comes by itself when it is there."));
    const again = setTimeout(() => dispatchEvent(new Event("meantime:navigate")), 1000);
    signal.addEventListener("abort", () => clearTimeout(again));
  }
  return { title: dataset.name, element };
}

function unknown(dataset, text) {
  const element = h(
    "div",
    { class: "column" },
    h("h1", {}, "There is no such question"),
    h("p", {}, "The data set ", theirs(dataset.title), " has no question ", h("q", {}, theirs(text ?? "")), "."),
    h("p", {}, h("a", { href: "/" }, "All questions")),
  );
  return { title: "No such question", element };
}
