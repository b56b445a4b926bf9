/**
 * Asks a statistic: at once where that is quick, and else as a job, whose progress is shown and which can be cancelled.
 */

import { cancel, follow, get, post, Problem, query } from "./api.js";
import { h } from "./dom.js";
import { progress } from "./parts.js";
import { write } from "./state.js";

/**
 * @typedef {{statistic: string, parameters: Record<string, unknown>, dataset: string}} Asked
 */

/**
 * The address of an answer; with a suffix, as a file, and of a picture the chart that it is to show.
 * @param {Asked} asked
 */
export function address(asked, { suffix = "", chart = null } = {}) {
  const form = suffix && `.${suffix}`;
  return `/v1/statistics/${encodeURIComponent(asked.statistic)}${form}?${query({ dataset: asked.dataset, ...asked.parameters, chart })}`;
}

/**
 * Return the answer. Where it has to be a job, ``onwait`` is handed what shows its progress, each time there is more of it.
 * @param {Asked} asked
 * @param {{signal: AbortSignal, onwait: (shown: HTMLElement) => void}} options
 */
export async function answer(asked, { signal, onwait }) {
  try {
    return await get(address(asked), { signal });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "ask-as-job") throw error;
  }
  const job = (await earlier(asked, signal)) ?? (await post("/v1/jobs", { ...asked, label: label(asked) }, { signal }));
  await end(job, { signal, onwait });
  return get(job.links.results, { signal });
}

/** By this the job is found again, from this page or another. */
export function label(asked) {
  return `Explorer: ${asked.statistic}, ${asked.parameters.question ?? ""}`.slice(0, 200);
}

/** The newest job that was asked the same of the same data, and came to something or still may. */
async function earlier(asked, signal) {
  const wanted = query({ statistic: asked.statistic, dataset: asked.dataset, label: label(asked), state: ["queued", "running", "done"], limit: 50 });
  const [{ jobs }, { fingerprint }] = await Promise.all([
    get(`/v1/jobs?${wanted}`, { signal }),
    get(`/v1/datasets/${encodeURIComponent(asked.dataset)}`, { signal }),
  ]);
  const isSame = (job) =>
    job.fingerprint === fingerprint &&
    Object.entries(asked.parameters).every(([name, value]) => JSON.stringify([job.parameters[name]].flat().map(String)) === JSON.stringify([value].flat().map(String)));
  return jobs.find(isSame) ?? null;
}

function end(job, { signal, onwait }) {
  if (job.state === "done") return Promise.resolve();
  return new Promise((resolve, reject) => {
    const watching = new AbortController();
    signal.addEventListener("abort", () => (watching.abort(), reject(signal.reason)), { once: true });
    const look = (now) => {
      onwait(waiting(now));
      if (!["done", "failed", "cancelled"].includes(now.state)) return;
      watching.abort();
      if (now.state === "done") resolve();
      else reject(new Problem({ title: now.state === "failed" ? "It failed" : "It was cancelled", detail: now.failure?.reason ?? "", code: now.state }));
    };
    look(job);
    const kinds = ["accepted", "started", "progress", "given-back", "ended"];
    follow(job.links.events, Object.fromEntries(kinds.map((kind) => [kind, look])), watching.signal);
  });
}

function waiting(job) {
  const before = job.position === null ? "" : job.position === 0 ? ", next in line" : `, behind ${job.position} others`;
  return h(
    "section",
    { class: "state", "aria-label": "A long answer" },
    h("h2", {}, "This one takes a while"),
    progress(job.state === "running" ? "Working" : `Waiting${before}`, job.state === "running" ? job.progress : null),
    h("p", { class: "soft" }, "It is a job now: this tab may be closed, and it is found again here or under Jobs."),
    h(
      "p",
      { class: "row" },
      h("a", { class: "button", href: write({ view: "job", job: job.id }) }, "Look at the job"),
      h("button", { type: "button", class: "button", id: "cancel", onclick: () => cancel(job) }, "Cancel"),
    ),
  );
}
