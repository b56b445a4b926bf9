/**
 * One question: tabs that each answer it in their own way. What was found comes first, with the chart; how it was found comes last.
 */

import { datasetPath, get, statisticPath } from "../api.js";
import { prefetchLibrary } from "../chart.js";
import { copyButton, emptyState, problemMessage, syntheticNotice } from "../components.js";
import { controls, parameters } from "../controls.js";
import { bdi, h, replaceChildren, sentence } from "../dom.js";
import { downloads } from "../downloads.js";
import { explainer, openFromAddress } from "../explanation.js";
import { direction, whole } from "../format.js";
import { nameLatestYear, titleOf } from "../heading.js";
import { fetchResult, sourceOf } from "../request.js";
import { addressWith, firstOf, writeAddress } from "../state.js";
import { TABS } from "../tabs/index.js";

// How the warning about a year begins that the choice of places has moved.
const EARLIER_YEAR = "The latest year shown is";

/** @type {import("../main.js").View} */
export async function question(state, signal) {
  const tab = TABS.find((each) => each.id === firstOf(state.tab)) ?? TABS[0];
  if (tab.id !== "table") prefetchLibrary();
  const name = firstOf(state.dataset) ?? (await get("/v1/datasets", { signal })).datasets.find((each) => each.is_default).name;
  const dataset = await get(datasetPath(name), { signal });
  if (dataset.status !== "ready") return notReady(dataset, signal);
  const selected = dataset.questions.find((each) => each.text === firstOf(state.question));
  if (!selected) return notFound(dataset, firstOf(state.question));
  const container = h("div", { class: "tab", id: "tab" });
  const heading = h("h1", { dir: "auto" }, titleOf(selected, null));
  const tabs = tabLinks(tab);
  const element = h("div", { class: "column question" }, header(dataset, selected, heading), tabs, container);
  element.addEventListener("meantime:shown", () => keepInSight(tabs));
  // A job may take minutes: then the view is shown with its progress. Otherwise it is shown when it is complete.
  await new Promise((ready) => {
    showTab({ state, signal, dataset, question: selected, tab, container, heading, ready }).then(ready);
  });
  return { title: heading.textContent, element };
}

// A server describes a statistic in the same way as long as it runs.
const described = new Map();

async function describedStatistic(name, signal) {
  if (!described.has(name)) described.set(name, await get(statisticPath(name), { signal }));
  return described.get(name);
}

function header(dataset, { text }, heading) {
  return h(
    "header",
    { class: "question-head" },
    h(
      "div",
      { class: "above-title" },
      h("p", { class: "breadcrumbs", title: text }, h("a", { href: writeAddress({ view: "data", dataset: dataset.name }) }, bdi(dataset.title)), " · ", bdi(text)),
      copyButton(() => location.href, "Copy link", "Copy it from the address bar"),
    ),
    heading,
    dataset.synthetic && syntheticNotice(),
  );
}

function tabLinks(selected) {
  return h(
    "nav",
    { class: "tabs", "aria-label": "Views of this question" },
    TABS.map((each) => tabLink(each, each === selected)),
  );
}

/** A link to a tab. What is highlighted may have changed since the page was shown, so its address is that of the moment of its use. */
function tabLink(tab, isSelected) {
  const address = () => addressWith({ tab: tab.id, sort: null, filter: null });
  const link = h("a", { href: address(), id: `tab-${tab.id}`, "aria-current": isSelected && "page", onpointerdown: renew, onclick: renew }, tab.title);

  function renew() {
    link.href = address();
  }

  return link;
}

/** Scroll the strip of tabs, and nothing else, so that the chosen one is seen. */
function keepInSight(tabs) {
  const current = tabs.querySelector("[aria-current]");
  tabs.scrollLeft = current.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
}

async function showTab(context) {
  const { state, signal, dataset, question: selected, tab, container, heading } = context;
  const statistic = tab.statistic(state, selected, dataset);
  const chart = tab.chart(state, dataset);
  let controlPanel = null;
  try {
    const row = await describedStatistic(statistic, signal);
    const own = await tab.controls?.({ ...context, row });
    controlPanel = controls({ state, dataset, question: selected, schema: row.parameters, own, hides: tab.hides, none: tab.noPlaces?.(context), placesFirst: tab.placesFirst?.(state) });
    const missing = tab.prerequisite?.({ ...context, row }) ?? (needsDirection(row, selected, state) ? directionChoice() : null);
    if (missing) {
      replaceChildren(container, controlPanel, missing);
      return;
    }
    const all = { question: selected.text, ...shownGroup(state, selected, row), ...parameters(state, row.parameters), ...tab.adds?.(context) };
    const request = { statistic, dataset: dataset.name, parameters: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) };
    const onprogress = (element) => {
      replaceChildren(container, controlPanel, element);
      context.ready();
    };
    const result = await fetchResult(request, { signal, onprogress });
    if (result.rows.length === 0) {
      heading.textContent = titleOf(selected, result.about);
      replaceChildren(container, controlPanel, noAnswer({ problems: [], detail: result.warnings.join(" ") || "There are no values." }));
      return;
    }
    const explain = explainer({ result, ...sourceOf(request), signal, isInAddress: true });
    const shown = { ...context, row, request, result, explain, onprogress };
    const [body, { lead, also }] = await Promise.all([tab.render(shown), tab.findings?.(shown) ?? { lead: result.findings.slice(0, 1), also: result.findings.slice(1) }]);
    heading.textContent = tab.heading?.(shown) ?? titleOf(selected, result.about);
    nameLatestYear(controlPanel, result.about);
    replaceChildren(
      container,
      controlPanel,
      leading(result, lead),
      h("div", { class: "answer" }, body),
      findings(result, also),
      notes(result, row, selected, dataset),
      downloads(request, {
        chart: chart === undefined ? (row.charts[0]?.name ?? null) : chart,
        chartRequest: tab.chartRequest?.(request) ?? request,
        fingerprint: result.fingerprint,
        citation: result.citation,
        title: selected.text,
        own: tab.files?.(shown),
      }),
    );
    openFromAddress(state, result, explain);
  } catch (error) {
    if (signal.aborted) return;
    replaceChildren(container, controlPanel, error.code === "request-invalid" ? noAnswer(error, tab.instead?.(context, error)) : problemMessage(error, () => dispatchEvent(new Event("meantime:navigate"))));
  }
}

/** What the choices do not go together with, which is no failure: the controls above can change it. */
function noAnswer({ problems, detail }, instead) {
  const reasons = problems.length ? problems.map((each) => each.detail) : [detail];
  return h("section", { class: "message", role: "alert", "aria-labelledby": "no-answer" }, h("h2", { id: "no-answer" }, "There is nothing to show for these choices"), reasons.map((each) => h("p", {}, bdi(each))), instead ?? h("p", { class: "muted" }, "Change the settings above."));
}

/** The group that the control shows where the address names none: the one that the server would take. */
function shownGroup(state, selected, row) {
  const isNamed = ["category", "stratum", "basis", "standard"].some((name) => firstOf(state[name]));
  return isNamed || !("basis" in row.parameters.properties) ? {} : { ...selected.default_group };
}

const needsDirection = (row, selected, state) => "better" in row.parameters.properties && !selected.polarity && !firstOf(state.better);

/** If no direction is set for a question, the reader chooses one. */
function directionChoice() {
  return h(
    "section",
    { class: "message", "aria-labelledby": "orders" },
    h("h2", { id: "orders" }, "Which values are better?"),
    h("p", {}, "No direction is set for this question. Choose one to rank the places."),
    h("p", { class: "row" }, h("a", { class: "button", href: addressWith({ better: "lower" }) }, "Lower is better"), h("a", { class: "button", href: addressWith({ better: "higher" }) }, "Higher is better")),
  );
}

/** What was found, and whether the choice of places has moved the year, before anything else. */
function leading(result, lead) {
  const earlier = result.warnings.find((each) => each.startsWith(EARLIER_YEAR));
  const later = result.about?.later_years;
  return h(
    "section",
    { class: "lead-findings", "aria-label": "Main finding" },
    lead.map((each) => h("p", {}, sentence(each))),
    // Averages of rows have no group and no year: what that means is said before their numbers.
    !result.about && result.warnings.slice(0, 1).map((each) => h("p", { class: "moved" }, bdi(each))),
    earlier && h("p", { class: "moved" }, bdi(earlier), later && [" ", h("a", { href: addressWith({ years: later }) }, `Show ${later} without them`)]),
  );
}

/** All other findings, and who is left out and why. */
function findings(result, also) {
  const warnings = result.warnings.slice(result.about ? 0 : 1).filter((each) => !each.startsWith(EARLIER_YEAR));
  if (also.length + warnings.length === 0) return null;
  return h(
    "section",
    { class: "findings", "aria-labelledby": "findings" },
    h("h2", { id: "findings" }, also.length ? "Also found" : "Please note"),
    also.map((each) => h("p", {}, sentence(each))),
    warnings.map((each) => h("p", { class: "warning" }, bdi(each))),
  );
}

function notes(result, row, { text, polarity, withheld }, dataset) {
  return h(
    "section",
    { class: "notes", "aria-labelledby": "notes" },
    h("h2", { id: "notes" }, "About these numbers"),
    h("p", {}, "The question: ", h("q", {}, bdi(text)), `. Direction: ${direction(polarity) ?? "not set"}.`),
    h("p", {}, `What this shows: ${row.estimates}.`),
    result.notes.map((each) => h("p", {}, sentence(each))),
    withheld > 0 && h("p", {}, h("a", { href: writeAddress({ view: "data", dataset: dataset.name, question: text }) }, `${whole(withheld)} suppressed or missing values`), " of this question."),
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
