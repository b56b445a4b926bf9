/**
 * One job: its state, its request, and its result or why there is none.
 */

import { cancel as cancelJob, follow, get, post } from "../api.js";
import { announce, copyButton, emptyState, facts, problemMessage, progressBar } from "../components.js";
import { bdi, h, replaceChildren, sentence } from "../dom.js";
import { tableLinks } from "../downloads.js";
import { explainer, openFromAddress } from "../explanation.js";
import { moment, took } from "../format.js";
import { givenLabel, jobTitle, viewOf } from "../job-view.js";
import { firstOf, navigate, writeAddress } from "../state.js";
import { table } from "../table.js";
import { stateBadge } from "./jobs.js";

const EVENTS = ["accepted", "started", "progress", "given-back", "ended"];
const ENDED = new Set(["done", "failed", "cancelled"]);
// Where the fault of a failure is, by the API's word for it.
const CAUSES = { caller: "the request", data: "the data", operator: "a limit or stop of this server", server: "an error in the server" };

/** @type {import("../main.js").View} */
export async function job(state, signal) {
  const id = firstOf(state.job) ?? "";
  const initial = await get(`/v1/jobs/${encodeURIComponent(id)}`, { signal });
  const top = h("div", {});
  const outcome = h("div", {});
  const element = h("div", { class: "column job" }, h("p", { class: "breadcrumbs" }, h("a", { href: writeAddress({ view: "jobs" }) }, "Jobs")), h("h1", {}, bdi(givenLabel(initial) || jobTitle(initial))), top, requestSection(initial), outcome);
  const update = async (now) => {
    replaceChildren(top, statusSection(now));
    if (ENDED.has(now.state)) replaceChildren(outcome, await outcomeSection(now, state, signal));
  };
  await update(initial);
  if (!ENDED.has(initial.state)) {
    const watching = new AbortController();
    signal.addEventListener("abort", () => watching.abort());
    const onchange = (now) => {
      update(now);
      if (!ENDED.has(now.state)) return;
      watching.abort();
      announce(`The job is ${now.state}`);
    };
    follow(initial.links.events, Object.fromEntries(EVENTS.map((event) => [event, onchange])), watching.signal);
  }
  return { title: initial.id, element };
}

function statusSection(now) {
  const actions = h("div", { class: "row" });
  const action = (run) => async (event) => {
    event.target.disabled = true;
    try {
      await run();
    } catch (error) {
      replaceChildren(actions, problemMessage(error));
    }
  };
  const runAgain = action(async () => {
    const { statistic, parameters, dataset, label } = now;
    const submitted = await post("/v1/jobs", { statistic, parameters, dataset, label });
    navigate(writeAddress({ view: "job", job: submitted.id }));
  });
  const cancel = action(() => cancelJob(now));
  const remove = action(async () => {
    await post(now.links.self, undefined, { method: "DELETE" });
    announce("The job and its result are deleted");
    navigate(writeAddress({ view: "jobs" }));
  });
  replaceChildren(
    actions,
    ENDED.has(now.state)
      ? [now.state === "done" && viewOf(now) && h("a", { class: "button", href: viewOf(now) }, "Show as a view"), h("button", { type: "button", class: "button", id: "again", onclick: runAgain }, "Run again"), h("button", { type: "button", class: "button quiet", id: "remove", onclick: remove }, "Delete job and result")]
      : h("button", { type: "button", class: "button", id: "cancel", onclick: cancel }, "Cancel"),
  );
  return [
    h("p", {}, stateBadge(now)),
    now.state === "running" && progressBar("Computing", now.progress),
    facts([
      ["Id", now.id],
      ["Submitted", moment(now.created_at)],
      ["Started", moment(now.started_at)],
      ["Ended", now.ended_at && `${moment(now.ended_at)}, after ${took(now.started_at ?? now.created_at, now.ended_at)}`],
      ["Kept until", moment(now.expires_at)],
      ["Attempts", now.attempts > 1 && String(now.attempts)],
      ["Submitted to", now.api === "classic" ? "the classic API" : "the v1 API"],
    ]),
    actions,
  ];
}

function requestSection({ statistic, parameters, dataset, label }) {
  const text = JSON.stringify({ statistic, parameters, dataset, label }, null, 2);
  const set = Object.entries(parameters).filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0));
  return h(
    "section",
    { "aria-labelledby": "request" },
    h("h2", { id: "request" }, "Request"),
    facts([["Statistic", statistic], ["Data set", bdi(dataset)], ...set.map(([name, value]) => [name.replaceAll("_", " "), bdi([value].flat().join(", "))])]),
    h("details", {}, h("summary", {}, "As JSON"), h("pre", { tabindex: 0, "aria-label": "Request" }, text), copyButton(text)),
  );
}

async function outcomeSection(now, state, signal) {
  if (now.state === "cancelled") return emptyState("The job was canceled", "There is no result. Run it again to get one.");
  if (now.state === "failed") return emptyState("The job failed", bdi(now.failure.reason), h("p", { class: "muted" }, `Cause: ${CAUSES[now.failure.fault] ?? now.failure.fault}.`));
  let result;
  try {
    result = await get(now.links.results, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    return problemMessage(error, () => dispatchEvent(new Event("meantime:navigate")));
  }
  const explain = explainer({ result, rows: `${now.links.self}/rows`, parameters: {}, signal, isInAddress: true });
  openFromAddress(state, result, explain);
  return [
    h("h2", {}, "Result"),
    result.findings.map((each) => h("p", {}, sentence(each))),
    result.warnings.map((each) => h("p", { class: "warning" }, bdi(each))),
    table(result, { caption: `Result of ${now.id}`, sort: firstOf(state.sort), filter: firstOf(state.filter), explain }),
    result.notes.map((each) => h("p", { class: "muted" }, sentence(each))),
    h("section", { class: "downloads" }, tableLinks("Download", (suffix) => `${now.links.results}.${suffix}`)),
    h("p", { class: "cite", dir: "auto" }, result.citation),
  ];
}
