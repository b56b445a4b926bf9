/**
 * Calls to the v1 API. Errors are Problems, with texts for people.
 */

import { currentKey, keyHeader } from "./key.js";

// What a reader of the page can do about an error; the API's own advice is for programs.
const ADVICE = {
  "request-invalid": "Change the settings above.",
  "job-unknown": "The Jobs page lists the jobs that are kept.",
  "result-gone": "Run the job again to get a result.",
  "queue-full": "Try again in a moment.",
  "rate-limited": "Try again in a moment.",
  "key-not-allowed": "Ask the operator of this server for a key that allows it.",
  "key-required": "Enter your key. It is kept in this tab until you close it. If you have none, ask the operator of this server.",
  "shutting-down": "Try again when the server has restarted.",
};

// What is wrong in a reader's words, where the API's name addresses and forms of answers.
const IN_WORDS = {
  "dataset-unknown": { title: "Data set not found", detail: "This server has no data set of that name. It may have been renamed or removed." },
  "statistic-unknown": { title: "Statistic not found", detail: "There is no statistic of that name. Choose one under “Statistic”." },
  "not-acceptable": { title: "There is no such chart of these numbers" },
  "internal": { title: "The server made a mistake", advice: "Try again. If it happens again, tell whoever runs this server." },
  "time-limit": { title: "This took too long", advice: "Choose fewer places or years." },
};
// Sentences for programs: they name addresses of the API, and words that its parameters take.
const FOR_PROGRAMS = /\s*(?:\bGET \/v1\S* lists (?:those that are|all of them|the \w+)\.|Send it as `file`\.|One of these words can be used instead of names: .*$)/g;
const inWords = (text) => (text ?? "").replace(FOR_PROGRAMS, "").trim();

// As the server asks of browsers.
const RECONNECT_MS = 2000;

/** Why there is no answer: the API's problem document (RFC 9457), or a connection that failed. */
export class Problem extends Error {
  constructor({ status = 0, title = "", detail = "", code = "", problems = [], failure = null, advice = ADVICE[code] ?? "" }, retryAfter_s) {
    super(detail || title);
    Object.assign(this, { status, title, detail, code, problems, failure, advice, retryAfter_s });
  }

  /** Whether the server is running but has no capacity now. */
  get isOverload() {
    return this.status === 503 || this.status === 429;
  }
}

/** Read JSON. */
export async function get(path, { signal, accept = "application/json" } = {}) {
  const response = await send(path, { signal, headers: { accept } });
  return response.json();
}

/** Read a text, such as a table as CSV. */
export async function getText(path, { signal } = {}) {
  return (await send(path, { signal, headers: {} })).text();
}

/** Read a page of a list, and the address of the next one: null on the last. */
export async function getPage(path, { signal }) {
  const response = await send(path, { signal, headers: { accept: "application/json" } });
  const next = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "");
  return { body: await response.json(), next: next && next[1] };
}

/** Send JSON, or a request to delete. */
export async function post(path, body, { signal, method = "POST", headers = {} } = {}) {
  const init = { method, signal, headers: { accept: "application/json", ...headers } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["content-type"] = "application/json";
  }
  return (await send(path, init)).json();
}

/** Send a file, and return the data set that it becomes. */
export async function upload(file) {
  const init = { method: "POST", body: file, headers: { accept: "application/json", "content-type": "application/octet-stream" } };
  return (await send(`/v1/datasets?${query({ file: file.name })}`, init)).json();
}

async function send(path, init) {
  let response;
  try {
    response = await fetch(path, { ...init, headers: { ...init.headers, ...keyHeader() }, referrerPolicy: "no-referrer" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({
      code: "unreachable",
      title: "The server is not responding",
      detail: "It may have been stopped, or the network may be down. Jobs that were accepted are kept.",
      advice: "Check the connection, then try again.",
    });
  }
  if (response.ok) return response;
  throw await problemOf(response);
}

async function problemOf(response) {
  const retryAfter_s = Number(response.headers.get("retry-after")) || null;
  let document = {};
  try {
    document = await response.json();
  } catch {
    document = { title: `The server returned an error (${response.status})`, detail: "It gave no reason." };
  }
  const problems = (document.problems ?? []).map((each) => ({ ...each, detail: inWords(each.detail) }));
  return new Problem({ ...document, detail: inWords(document.detail), ...IN_WORDS[document.code], problems, status: response.status }, retryAfter_s);
}

/**
 * Follow server-sent events until the signal aborts, or the server ends the stream.
 * @param {Record<string, (data: any) => void>} listeners by name of event; "open" and "error" too
 */
export function follow(path, listeners, signal) {
  if (currentKey()) return followWithKey(path, listeners, signal);
  const source = new EventSource(path);
  for (const [name, listener] of Object.entries(listeners)) {
    if (name === "open" || name === "error") source.addEventListener(name, () => listener(source));
    else source.addEventListener(name, (event) => listener(JSON.parse(event.data), source));
  }
  signal.addEventListener("abort", () => source.close(), { once: true });
  return source;
}

/** As an EventSource, which cannot send a key: it reconnects after the last event that it has read. */
async function followWithKey(path, listeners, signal) {
  let lastId = null;
  while (!signal.aborted) {
    try {
      const response = await send(path, { signal, headers: { accept: "text/event-stream", ...(lastId === null ? {} : { "last-event-id": lastId }) } });
      if (response.status === 204) return;
      listeners.open?.();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
        const events = text.split("\n\n");
        text = events.pop();
        for (const event of events) {
          const fields = Object.fromEntries(event.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
          lastId = fields.id ?? lastId;
          if (fields.data) listeners[fields.event]?.(JSON.parse(fields.data));
        }
      }
    } catch (error) {
      if (signal.aborted || error.status === 401 || error.status === 403) return;
    }
    listeners.error?.();
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

/** Save what is at an address, which a link cannot where a key is needed. */
export async function download(path, name) {
  const response = await send(path, { headers: {} });
  const given = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "");
  save(await response.blob(), given ? given[1] : name);
}

/** Save what the page itself has put together. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), RECONNECT_MS);
}

/** Write parameters as a query; lists by repetition. */
export function query(parameters) {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of [value].flat()) {
      if (each !== null && each !== undefined && each !== "") pairs.append(name, each);
    }
  }
  return pairs.toString();
}

/** The path of a data set. */
export const datasetPath = (name) => `/v1/datasets/${encodeURIComponent(name)}`;

/** The path of a statistic. */
export const statisticPath = (name) => `/v1/statistics/${encodeURIComponent(name)}`;

/** Cancel a job unless it has ended: a plain DELETE would then remove it with its result. */
export const cancel = (job) => post(`${job.links.self}?if=unfinished`, undefined, { method: "DELETE" });
