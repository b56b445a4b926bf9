/**
 * One job: what was asked, how it stands, what it has come to.
 */

import { cancel as dismiss, follow, get, post } from "../api.js";
import { h, put, theirs } from "../dom.js";
import { moment, took } from "../format.js";
import { announce, copy, empty, facts, progress, trouble } from "../parts.js";
import { go, one, write } from "../state.js";
import { table } from "../table.js";
import { tables } from "../take.js";
import { reopen, whyOf } from "../why.js";
import { stateOf } from "./jobs.js";

const KINDS = ["accepted", "started", "progress", "given-back", "ended"];
const ENDS = new Set(["done", "failed", "cancelled"]);

/** @type {import("../main.js").View} */
export async function job(state, signal) {
  const id = one(state.job) ?? "";
  const first = await get(`/v1/jobs/${encodeURIComponent(id)}`, { signal });
  const top = h("div", {});
  const outcome = h("div", {});
  const element = h("div", { class: "column job" }, h("p", { class: "crumbs" }, h("a", { href: write({ view: "jobs" }) }, "Jobs")), h("h1", {}, theirs(first.label ?? first.id)), top, request(first), outcome);
  const see = async (now) => {
    put(top, standing(now));
    if (ENDS.has(now.state)) put(outcome, await cameTo(now, state, signal));
  };
  await see(first);
  if (!ENDS.has(first.state)) {
    const watching = new AbortController();
    signal.addEventListener("abort", () => watching.abort());
    const look = (now) => {
      see(now);
      if (!ENDS.has(now.state)) return;
      watching.abort();
      announce(`The job is ${now.state}`);
    };
    follow(first.links.events, Object.fromEntries(KINDS.map((kind) => [kind, look])), watching.signal);
  }
  return { title: first.id, element };
}

function standing(now) {
  const place = h("div", { class: "row" });
  const act = (make) => async (event) => {
    event.target.disabled = true;
    try {
      await make();
    } catch (error) {
      put(place, trouble(error));
    }
  };
  const again = act(async () => {
    const { statistic, parameters, dataset, label } = now;
    const made = await post("/v1/jobs", { statistic, parameters, dataset, label });
    go(write({ view: "job", job: made.id }));
  });
  const cancel = act(() => dismiss(now));
  const remove = act(async () => {
    await post(now.links.self, undefined, { method: "DELETE" });
    announce("The job and its result are removed");
    go(write({ view: "jobs" }));
  });
  put(
    place,
    ENDS.has(now.state)
      ? [h("button", { type: "button", class: "button", id: "again", onclick: again }, "Run again"), h("button", { type: "button", class: "button quiet", id: "remove", onclick: remove }, "Remove it with its result")]
      : h("button", { type: "button", class: "button", id: "cancel", onclick: cancel }, "Cancel"),
  );
  return [
    h("p", {}, stateOf(now)),
    now.state === "running" && progress("Working", now.progress),
    facts([
      ["Id", now.id],
      ["Accepted", moment(now.created_at)],
      ["Started", moment(now.started_at)],
      ["Ended", now.ended_at && `${moment(now.ended_at)}, after ${took(now.started_at ?? now.created_at, now.ended_at)}`],
      ["Kept until", moment(now.expires_at)],
      ["Attempts", now.attempts > 1 && String(now.attempts)],
      ["Asked by", now.api === "classic" ? "the classic API" : "the v1 API"],
    ]),
    place,
  ];
}

function request(first) {
  const text = JSON.stringify({ statistic: first.statistic, parameters: first.parameters, dataset: first.dataset, label: first.label }, null, 2);
  return h(
    "section",
    { "aria-labelledby": "request" },
    h("h2", { id: "request" }, "What was asked"),
    facts([["Statistic", first.statistic], ["Data set", theirs(first.dataset)], ...Object.entries(first.parameters).filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0)).map(([name, value]) => [name.replaceAll("_", " "), theirs([value].flat().join(", "))])]),
    h("details", {}, h("summary", {}, "As the API takes it"), h("pre", { tabindex: 0, "aria-label": "Request" }, text), copy(text)),
  );
}

async function cameTo(now, state, signal) {
  if (now.state === "cancelled") return empty("It was cancelled", "There is no result. Run it again to have one.");
  if (now.state === "failed") return empty("It failed", theirs(now.failure.reason), h("p", { class: "soft" }, `Whose doing: ${now.failure.fault}.`));
  let result;
  try {
    result = await get(now.links.results, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    return trouble(error, () => dispatchEvent(new Event("meantime:navigate")));
  }
  const why = whyOf({ result, rows: `${now.links.self}/rows`, asked: {}, signal, isInAddress: true });
  reopen(state, result, why);
  return [
    h("h2", {}, "Its result"),
    result.findings.map((each) => h("p", {}, theirs(each))),
    result.warnings.map((each) => h("p", { class: "warning" }, theirs(each))),
    table(result, { caption: `Result of ${now.id}`, sort: one(state.sort), filter: one(state.filter), why }),
    result.notes.map((each) => h("p", { class: "soft" }, theirs(each))),
    h("section", { class: "take" }, tables("Take it away", (suffix) => `${now.links.results}.${suffix}`)),
    h("p", { class: "cite", dir: "auto" }, result.citation),
  ];
}
