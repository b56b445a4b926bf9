/**
 * All jobs, while they come and go.
 */

import { follow, get, query } from "../api.js";
import { h, put, theirs } from "../dom.js";
import { moment, share, since, took } from "../format.js";
import { announce, empty, labelled } from "../parts.js";
import { all, changed, go, one, write } from "../state.js";

const PAGE = 50;
const STATES = ["queued", "running", "done", "failed", "cancelled"];
const KINDS = ["accepted", "started", "progress", "given-back", "ended"];

/** @type {import("../main.js").View} */
export async function jobs(state, signal) {
  const wanted = { state: all(state.state), statistic: one(state.statistic), dataset: one(state.dataset), label: one(state.label) };
  const cursor = one(state.cursor);
  const [page, { statistics }, { datasets }] = await Promise.all([
    get(`/v1/jobs?${query({ ...wanted, limit: PAGE, cursor })}`, { signal }),
    get("/v1/statistics", { signal }),
    get("/v1/datasets", { signal }),
  ]);
  const live = h("p", { class: "soft", role: "status" });
  const list = new List(page.jobs);
  const element = h(
    "div",
    { class: "column jobs" },
    h("h1", {}, "Jobs"),
    h("p", { class: "lead" }, "What was asked as a job, by this page or by any program. A job that was accepted is kept, whatever happens to the server."),
    filters(state, statistics, datasets),
    live,
    list.element,
    h(
      "nav",
      { class: "row", "aria-label": "Pages" },
      cursor && h("a", { class: "button", href: changed({ cursor: null }) }, "Newest"),
      page.next && h("a", { class: "button", href: changed({ cursor: page.next }) }, "Older"),
    ),
  );
  if (cursor) live.textContent = "An older page: it does not change by itself.";
  else watch(list, wanted, live, signal);
  return { title: "Jobs", element };
}

function filters(state, statistics, datasets) {
  const set = (name) => (event) => go(changed({ [name]: event.target.value, cursor: null }));
  const pick = (text, name, values) =>
    labelled(text, h("select", { id: `filter-${name}`, onchange: set(name) }, h("option", { value: "" }, "any"), values.map((each) => h("option", { value: each, selected: each === one(state[name]) }, each))));
  return h(
    "div",
    { class: "controls", role: "group", "aria-label": "Which jobs" },
    pick("State", "state", STATES),
    pick("Statistic", "statistic", statistics.map((each) => each.name)),
    pick("Data set", "dataset", datasets.map((each) => each.name)),
    labelled("Label", h("input", { id: "filter-label", type: "search", value: one(state.label) ?? "", placeholder: "its exact label", onchange: set("label") })),
  );
}

/** The rows on the page, by job. */
class List {
  constructor(jobs) {
    this.body = h("tbody");
    this.rows = new Map();
    this.element = h("div");
    for (const job of jobs) this.body.append(this.row(job));
    this.draw();
  }

  row(job) {
    const row = h("tr", { id: job.id }, cells(job));
    this.rows.set(job.id, row);
    return row;
  }

  draw() {
    if (this.rows.size === 0) {
      put(this.element, empty("No jobs", "None was asked, or none that fits what is chosen above. Long answers of this page become jobs by themselves."));
    } else if (!this.body.isConnected) {
      const heads = ["Job", "State", "What", "Accepted", "Took"].map((each) => h("th", { scope: "col" }, each));
      put(this.element, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Jobs" }, h("table", { class: "data" }, h("thead", {}, h("tr", {}, heads)), this.body)));
    }
  }

  see(job, wanted) {
    const row = this.rows.get(job.id);
    const isWanted = wanted.state.length === 0 || wanted.state.includes(job.state);
    if (row && !isWanted) this.forget(job);
    else if (row) put(row, cells(job));
    else if (isWanted) {
      this.body.prepend(this.row(job));
      if (this.rows.size > PAGE) this.forget({ id: this.body.lastElementChild.id });
    }
    this.draw();
  }

  forget(job) {
    this.rows.get(job.id)?.remove();
    this.rows.delete(job.id);
    this.draw();
  }
}

function cells(job) {
  const what = job.label ?? job.parameters.question ?? "";
  return [
    h("th", { scope: "row" }, h("a", { href: write({ view: "job", job: job.id }) }, job.id)),
    h("td", {}, stateOf(job)),
    h("td", {}, h("strong", {}, theirs(job.statistic)), " ", theirs(what), h("span", { class: "soft" }, " · ", theirs(job.dataset))),
    h("td", {}, h("time", { datetime: job.created_at, title: moment(job.created_at) }, since(job.created_at))),
    h("td", { class: "number" }, job.ended_at ? took(job.started_at ?? job.created_at, job.ended_at) : ""),
  ];
}

/** A job's state, as a word with a sign. */
export function stateOf(job) {
  const signs = { queued: "○", running: "◐", done: "●", failed: "✕", cancelled: "–" };
  const more = job.state === "running" ? ` ${share(job.progress)}` : job.state === "queued" && job.position !== null ? `, ${job.position} before it` : "";
  return h("span", { class: `badge ${job.state}` }, h("span", { "aria-hidden": "true" }, `${signs[job.state]} `), job.state, more);
}

function watch(list, wanted, live, signal) {
  const path = `/v1/jobs/events?${query({ ...wanted, state: [] })}`;
  const see = (job) => list.see(job, wanted);
  follow(
    path,
    {
      ...Object.fromEntries(KINDS.map((kind) => [kind, see])),
      removed: (job) => list.forget(job),
      reset: () => dispatchEvent(new Event("meantime:navigate")),
      open: () => (live.textContent = "Live: changes show as they happen."),
      error: () => {
        const text = "The connection is lost; it is tried again.";
        if (live.textContent !== text) announce(text);
        live.textContent = text;
      },
    },
    signal,
  );
}

