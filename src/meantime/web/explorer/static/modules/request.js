/**
 * Requests a statistic: directly if that is quick, otherwise as a job whose progress is shown and which can be canceled.
 */

import { cancel, datasetPath, follow, get, post, Problem, query, statisticPath } from "./api.js";
import { progressBar } from "./components.js";
import { bdi, h } from "./dom.js";
import { jobTitle, OWN_LABEL } from "./job-view.js";
import { writeAddress } from "./state.js";

/**
 * @typedef {{statistic: string, parameters: Record<string, unknown>, dataset: string}} StatisticRequest
 */

/**
 * The URL of a result; with a suffix, of a file, and for a picture with the name of the chart and how it is to look.
 * @param {StatisticRequest} request
 */
export function resultUrl(request, { suffix = "", chart = null, look = {} } = {}) {
  const ending = suffix && `.${suffix}`;
  const job = jobOf(request);
  if (job) return [`${job.links.results}${ending}`, query({ chart, ...look })].filter(Boolean).join("?");
  return `${statisticPath(request.statistic)}${ending}?${query({ dataset: request.dataset, ...request.parameters, chart, ...look })}`;
}

// The jobs that computed what is too much for an immediate answer, since this page was loaded.
const jobs = new Map();
const keyOf = ({ statistic, dataset, parameters: { fingerprint: _fingerprint, ...rest } }) => JSON.stringify([statistic, dataset, rest]);

/** The job that has computed a request; undefined where it is answered at once. */
const jobOf = (request) => jobs.get(keyOf(request));

/** Where the rows behind a result are: those of its job, if it was too much for an immediate answer. */
export function sourceOf(request) {
  const job = jobOf(request);
  if (job) return { rows: `${job.links.self}/rows`, parameters: {} };
  return { rows: `${statisticPath(request.statistic)}/rows`, parameters: { dataset: request.dataset, ...request.parameters } };
}

/**
 * Return the result, or a chart of it. If it has to be computed as a job, ``onprogress`` is given an element with the progress
 * after each change.
 * @param {StatisticRequest} request
 * @param {{signal: AbortSignal, onprogress: (element: HTMLElement) => void, accept?: string, chart?: string|null, highlight?: string|null}} options
 */
export async function fetchResult(request, { signal, onprogress, accept, chart = null, highlight = null }) {
  // The data may have been reloaded since, so each result is asked for anew; its charts are of that result.
  if (chart === null) jobs.delete(keyOf(request));
  // A page that has room shows the ranks beside a ranking.
  const look = chart === null ? {} : { "chart.highlight": highlight, "chart.ranks": true };
  try {
    return await get(resultUrl(request, { chart, look }), { signal, accept });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "ask-as-job") throw error;
  }
  const job = (await earlierJob(request, signal)) ?? (await post("/v1/jobs", { ...request, label: jobLabel(request) }, { signal }));
  await jobEnd(job, { signal, onprogress });
  jobs.set(keyOf(request), job);
  return get(resultUrl(request, { chart, look }), { signal, accept });
}

/** Finds the job again, from this page or another. */
function jobLabel(request) {
  return `${OWN_LABEL}${request.statistic}, ${request.parameters.question ?? ""}`.slice(0, 200);
}

/** The newest job with the same request for the same data that has a result or may still get one. */
async function earlierJob(request, signal) {
  const filters = query({ statistic: request.statistic, dataset: request.dataset, label: jobLabel(request), state: ["queued", "running", "done"], limit: 50 });
  const [{ jobs }, { fingerprint }] = await Promise.all([
    get(`/v1/jobs?${filters}`, { signal }),
    get(datasetPath(request.dataset), { signal }),
  ]);
  const asText = (value) => JSON.stringify([value].flat().map(String));
  const isSame = (job) =>
    job.fingerprint === fingerprint && Object.entries(request.parameters).every(([name, value]) => asText(job.parameters[name]) === asText(value));
  return jobs.find(isSame) ?? null;
}

function jobEnd(job, { signal, onprogress }) {
  if (job.state === "done") return Promise.resolve();
  return new Promise((resolve, reject) => {
    const watching = new AbortController();
    signal.addEventListener("abort", () => (watching.abort(), reject(signal.reason)), { once: true });
    const update = (now) => {
      onprogress(jobProgress(now));
      if (!["done", "failed", "cancelled"].includes(now.state)) return;
      watching.abort();
      if (now.state === "done") resolve();
      else reject(new Problem({ title: now.state === "failed" ? "The job failed" : "The job was canceled", detail: now.failure?.reason ?? "", code: now.state }));
    };
    update(job);
    const events = ["accepted", "started", "progress", "given-back", "ended"];
    follow(job.links.events, Object.fromEntries(events.map((event) => [event, update])), watching.signal);
  });
}

function jobProgress(job) {
  const ahead = job.position === null ? "" : job.position === 0 ? ", next in the queue" : `, ${job.position} ahead in the queue`;
  return h(
    "section",
    { class: "message", "aria-label": "Progress of the job" },
    h("h2", {}, "This takes a while"),
    h("p", {}, bdi(jobTitle(job))),
    progressBar(job.state === "running" ? "Computing" : `Waiting${ahead}`, job.state === "running" ? job.progress : null),
    h("p", { class: "muted" }, "It runs as a job. You can close this tab: the result will be here and under Jobs."),
    h(
      "p",
      { class: "row" },
      h("a", { class: "button", href: writeAddress({ view: "job", job: job.id }) }, "View job"),
      h("button", { type: "button", class: "button", id: "cancel", onclick: () => cancel(job) }, "Cancel"),
    ),
  );
}
