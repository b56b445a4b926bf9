/**
 * One question: what it measures, what was found, and tabs that each show it in their own way.
 */

import { datasetPath, get, statisticPath } from "../api.js";
import { prefetchLibrary } from "../chart.js";
import { emptyState, problemMessage, syntheticNotice } from "../components.js";
import { controls, parameters } from "../controls.js";
import { bdi, h, replaceChildren } from "../dom.js";
import { downloads } from "../downloads.js";
import { explainer, openFromAddress } from "../explanation.js";
import { whole, years } from "../format.js";
import { fetchResult, sourceOf } from "../request.js";
import { addressWith, firstOf, writeAddress } from "../state.js";
import { TABS } from "../tabs/index.js";

/** @type {import("../main.js").View} */
export async function question(state, signal) {
  const name = firstOf(state.dataset) ?? (await get("/v1/datasets", { signal })).datasets.find((each) => each.is_default).name;
  const dataset = await get(datasetPath(name), { signal });
  if (dataset.status !== "ready") return notReady(dataset, signal);
  const selected = dataset.questions.find((each) => each.text === firstOf(state.question));
  if (!selected) return notFound(dataset, firstOf(state.question));
  const tab = TABS.find((each) => each.id === firstOf(state.tab)) ?? TABS[0];
  if (tab.chart(state, dataset)) prefetchLibrary();
  const container = h("div", { class: "tab", id: "tab" });
  const element = h("div", { class: "column question" }, header(dataset, selected), tabLinks(tab), container);
  // A job may take minutes: then the view is shown with its progress. Otherwise it is shown when it is complete.
  await new Promise((ready) => {
    showTab({ state, signal, dataset, question: selected, tab, container, ready }).then(ready);
  });
  return { title: selected.text, element };
}

function header(dataset, { text, topic, unit, polarity, years: period, withheld }) {
  const direction = { lower: "Lower is better", higher: "Higher is better" }[polarity] ?? "Direction not set";
  const missing = withheld && h("a", { href: writeAddress({ view: "data", dataset: dataset.name, question: text }) }, `${whole(withheld)} suppressed or missing`);
  return h(
    "header",
    {},
    h("p", { class: "breadcrumbs" }, h("a", { href: writeAddress({ view: "data", dataset: dataset.name }) }, bdi(dataset.title)), topic && [" · ", bdi(topic)]),
    h("h1", { dir: "auto" }, text),
    dataset.synthetic && syntheticNotice(),
    h("p", { class: "muted" }, [unit, direction, years(period), missing].filter(Boolean).flatMap((each, index) => (index ? [" · ", each] : [each]))),
  );
}

function tabLinks(selected) {
  return h(
    "nav",
    { class: "tabs", "aria-label": "Views of this question" },
    TABS.map((each) => h("a", { href: addressWith({ tab: each.id, sort: null, filter: null }), id: `tab-${each.id}`, "aria-current": each === selected && "page" }, each.title)),
  );
}

async function showTab(context) {
  const { state, signal, dataset, question: selected, tab, container } = context;
  const statistic = tab.statistic(state, selected, dataset);
  const chart = tab.chart(state, dataset);
  let row = null;
  let controlPanel = null;
  try {
    row = await get(statisticPath(statistic), { signal });
    controlPanel = controls({ state, dataset, question: selected, schema: row.parameters, own: tab.controls?.(context), hides: tab.hides });
    const missing = tab.prerequisite?.(context) ?? (needsDirection(row, selected, state) ? directionChoice() : null);
    if (missing) {
      replaceChildren(container, controlPanel, missing);
      return;
    }
    const all = { question: selected.text, ...parameters(state, row.parameters), ...tab.adds?.(context) };
    const request = { statistic, dataset: dataset.name, parameters: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) };
    const onprogress = (element) => {
      replaceChildren(container, controlPanel, element);
      context.ready();
    };
    const result = await fetchResult(request, { signal, onprogress });
    const explain = explainer({ result, ...sourceOf(request), signal, isInAddress: true });
    const body = await tab.render({ ...context, row, request, result, explain, onprogress });
    replaceChildren(
      container,
      controlPanel,
      h("div", { class: chart ? "answer beside" : "answer" }, findings(result), body),
      notes(result, row),
      downloads(request, {
        chart: chart ?? row.charts[0]?.name ?? null,
        chartRequest: tab.chartRequest?.(request) ?? request,
        fingerprint: result.fingerprint,
        citation: result.citation,
        title: selected.text,
      }),
    );
    openFromAddress(state, result, explain);
  } catch (error) {
    if (signal.aborted) return;
    replaceChildren(container, controlPanel, problemMessage(error, () => dispatchEvent(new Event("meantime:navigate"))));
  }
}

const needsDirection = (row, selected, state) => "better" in row.parameters.properties && !selected.polarity && !firstOf(state.better);

/** If no direction is set for a question, the reader chooses one. */
function directionChoice() {
  return h(
    "section",
    { class: "message", "aria-labelledby": "orders" },
    h("h2", { id: "orders" }, "Which values are better?"),
    h("p", {}, "No direction is set for this question. Choose one to rank the locations."),
    h("p", { class: "row" }, h("a", { class: "button", href: addressWith({ better: "lower" }) }, "Lower is better"), h("a", { class: "button", href: addressWith({ better: "higher" }) }, "Higher is better")),
  );
}

function findings(result) {
  const [first, ...rest] = result.findings;
  return h(
    "section",
    { class: "findings", "aria-label": "Findings" },
    first && h("p", { class: "first" }, bdi(first)),
    rest.map((each) => h("p", {}, bdi(each))),
    result.warnings.map((each) => h("p", { class: "warning" }, bdi(each))),
  );
}

function notes(result, row) {
  return h(
    "section",
    { class: "notes", "aria-labelledby": "notes" },
    h("h2", { id: "notes" }, "About these numbers"),
    h("p", {}, `Estimated: ${row.estimates}.`),
    result.notes.map((each) => h("p", {}, bdi(each))),
  );
}

function notReady(dataset, signal) {
  const element = h("div", { class: "column" }, h("h1", {}, bdi(dataset.title ?? dataset.name)));
  if (dataset.status === "failed") {
    element.append(emptyState("This data set could not be loaded", bdi(dataset.failure.reason), h("p", {}, h("a", { href: "/" }, "All data sets"))));
  } else {
    element.append(emptyState("This data set is still loading", "This page updates when loading finishes."));
    const retry = setTimeout(() => dispatchEvent(new Event("meantime:navigate")), 1000);
    signal.addEventListener("abort", () => clearTimeout(retry));
  }
  return { title: dataset.name, element };
}

function notFound(dataset, text) {
  const element = h(
    "div",
    { class: "column" },
    h("h1", {}, "Question not found"),
    h("p", {}, "The data set ", bdi(dataset.title), " has no question ", h("q", {}, bdi(text ?? "")), "."),
    h("p", {}, h("a", { href: "/" }, "All questions")),
  );
  return { title: "Question not found", element };
}
