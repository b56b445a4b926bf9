/**
 * The list of jobs, updated as they change.
 */

import { follow, get, query } from "../api.js";
import { announce, emptyState, labeled, scrollable } from "../components.js";
import { bdi, h, replaceChildren } from "../dom.js";
import { moment, share, since, took } from "../format.js";
import { givenLabel, jobTitle, viewOf } from "../job-view.js";
import { addressWith, allOf, firstOf, navigate, writeAddress } from "../state.js";

const PAGE_SIZE = 50;
const STATES = ["queued", "running", "done", "failed", "cancelled"];
const EVENTS = ["accepted", "started", "progress", "given-back", "ended"];
const SYMBOLS = { queued: "○", running: "◐", done: "●", failed: "✕", cancelled: "–" };

// The API spells it in British English.
const stateText = (state) => (state === "cancelled" ? "canceled" : state);

/** @type {import("../main.js").View} */
export async function jobs(state, signal) {
  const filter = { state: allOf(state.state), statistic: firstOf(state.statistic), dataset: firstOf(state.dataset), label: firstOf(state.label) };
  const cursor = firstOf(state.cursor);
  const [page, { statistics }, { datasets }] = await Promise.all([
    get(`/v1/jobs?${query({ ...filter, limit: PAGE_SIZE, cursor })}`, { signal }),
    get("/v1/statistics", { signal }),
    get("/v1/datasets", { signal }),
  ]);
  const liveStatus = h("p", { class: "muted", role: "status" });
  const list = new JobList(page.jobs);
  const element = h(
    "div",
    { class: "column jobs" },
    h("h1", {}, "Jobs"),
    h("p", { class: "lead" }, "Requests that run in the background, from this page or any program. Accepted jobs survive a restart of the server."),
    filters(state, statistics, datasets),
    liveStatus,
    list.element,
    h(
      "nav",
      { class: "row", "aria-label": "Pages" },
      cursor && h("a", { class: "button", href: addressWith({ cursor: null }) }, "Newest"),
      page.next && h("a", { class: "button", href: addressWith({ cursor: page.next }) }, "Older"),
    ),
  );
  if (cursor) liveStatus.textContent = "This is an older page, which does not update by itself.";
  else watch(list, filter, liveStatus, signal);
  return { title: "Jobs", element };
}

function filters(state, statistics, datasets) {
  const set = (name) => (event) => navigate(addressWith({ [name]: event.target.value, cursor: null }));
  const select = (label, name, values, asText = (value) => value) =>
    labeled(label, h("select", { id: `filter-${name}`, onchange: set(name) }, h("option", { value: "" }, "Any"), values.map((each) => h("option", { value: each, selected: each === firstOf(state[name]) }, asText(each)))));
  return h(
    "div",
    { class: "controls", role: "group", "aria-label": "Filters" },
    select("State", "state", STATES, stateText),
    select("Statistic", "statistic", statistics.map((each) => each.name)),
    select("Data set", "dataset", datasets.map((each) => each.name)),
    labeled("Label", h("input", { id: "filter-label", type: "search", value: firstOf(state.label) ?? "", placeholder: "Exact label", onchange: set("label") })),
  );
}

/** The rows on the page, by job. */
class JobList {
  constructor(jobs) {
    this.body = h("tbody");
    this.rows = new Map();
    this.element = h("div");
    for (const job of jobs) this.body.append(this.add(job));
    this.draw();
  }

  add(job) {
    const row = h("tr", { id: job.id }, cells(job));
    this.rows.set(job.id, row);
    return row;
  }

  draw() {
    if (this.rows.size === 0) {
      replaceChildren(this.element, emptyState("No jobs", "No job matches the filters above. Requests of this page that take long become jobs."));
    } else if (!this.body.isConnected) {
      const headings = ["Job", "State", "Request", "Submitted", "Duration"].map((each) => h("th", { scope: "col", class: each === "Duration" && "number" }, each));
      replaceChildren(this.element, scrollable("Jobs", h("table", { class: "data job-list" }, h("thead", {}, h("tr", {}, headings)), this.body)));
    }
  }

  update(job, filter) {
    const row = this.rows.get(job.id);
    const isMatch = filter.state.length === 0 || filter.state.includes(job.state);
    if (row && !isMatch) this.remove(job);
    else if (row) replaceChildren(row, cells(job));
    else if (isMatch) {
      this.body.prepend(this.add(job));
      if (this.rows.size > PAGE_SIZE) this.remove({ id: this.body.lastElementChild.id });
    }
    this.draw();
  }

  remove(job) {
    this.rows.get(job.id)?.remove();
    this.rows.delete(job.id);
    this.draw();
  }
}

function cells(job) {
  const label = givenLabel(job);
  const view = viewOf(job);
  return [
    h("th", { scope: "row" }, h("a", { href: writeAddress({ view: "job", job: job.id }) }, job.id)),
    h("td", {}, stateBadge(job)),
    h("td", {}, view && job.state === "done" ? h("a", { href: view }, bdi(jobTitle(job))) : bdi(jobTitle(job)), h("span", { class: "muted block" }, bdi([label, job.dataset].filter(Boolean).join(" · ")))),
    h("td", {}, h("time", { datetime: job.created_at, title: moment(job.created_at) }, since(job.created_at))),
    h("td", { class: "number" }, job.ended_at ? took(job.started_at ?? job.created_at, job.ended_at) : ""),
  ];
}

/** A job's state, as a word with a symbol. */
export function stateBadge(job) {
  const more = job.state === "running" ? ` ${share(job.progress)}` : job.state === "queued" && job.position !== null ? `, ${job.position} ahead` : "";
  return h("span", { class: `badge ${job.state}` }, h("span", { "aria-hidden": "true" }, `${SYMBOLS[job.state]} `), stateText(job.state), more);
}

function watch(list, filter, liveStatus, signal) {
  const path = `/v1/jobs/events?${query({ ...filter, state: [] })}`;
  const update = (job) => list.update(job, filter);
  follow(
    path,
    {
      ...Object.fromEntries(EVENTS.map((event) => [event, update])),
      removed: (job) => list.remove(job),
      reset: () => dispatchEvent(new Event("meantime:navigate")),
      open: () => (liveStatus.textContent = "Live: this list updates by itself."),
      error: () => {
        const text = "Connection lost. Reconnecting…";
        if (liveStatus.textContent !== text) announce(text);
        liveStatus.textContent = text;
      },
    },
    signal,
  );
}
