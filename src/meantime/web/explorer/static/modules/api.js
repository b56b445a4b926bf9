/**
 * Asks the v1 API. What goes wrong comes as a Problem, with words for people in it.
 */

/** Why there is no answer, as the API says it (RFC 9457), or that there is no server. */
export class Problem extends Error {
  constructor({ status = 0, title = "", detail = "", code = "", next = "", problems = [], failure = null }, retryAfter_s) {
    super(detail || title);
    Object.assign(this, { status, title, detail, code, next, problems, failure, retryAfter_s });
  }

  /** Whether the server is there, and asks for patience. */
  get isOverload() {
    return this.status === 503 || this.status === 429;
  }
}

/** Read JSON. */
export async function get(path, { signal, accept = "application/json" } = {}) {
  const response = await send(path, { signal, headers: { accept } });
  return response.json();
}

/** Read a page of a list, and where the list goes on: null on the last. */
export async function getPage(path, { signal }) {
  const response = await send(path, { signal, headers: { accept: "application/json" } });
  const next = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "");
  return { body: await response.json(), next: next && next[1] };
}

/** Send JSON, or ask for a removal. */
export async function post(path, body, { signal, method = "POST", headers = {} } = {}) {
  const init = { method, signal, headers: { accept: "application/json", ...headers } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["content-type"] = "application/json";
  }
  return (await send(path, init)).json();
}

async function send(path, init) {
  let response;
  try {
    response = await fetch(path, { ...init, referrerPolicy: "no-referrer" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({
      code: "unreachable",
      title: "The server does not answer",
      detail: "It may have been stopped, or the network is away. What was accepted as a job is kept.",
      next: "Start it again, or look at the connection, then try again.",
    });
  }
  if (response.ok) return response;
  throw await problem(response);
}

async function problem(response) {
  const retry = Number(response.headers.get("retry-after")) || null;
  let said = {};
  try {
    said = await response.json();
  } catch {
    said = { title: `The server answered ${response.status}`, detail: "without saying why." };
  }
  return new Problem({ ...said, status: response.status }, retry);
}

/**
 * Follow server-sent events until the signal says to stop, or the server that there are no more.
 * @param {Record<string, (data: any) => void>} listeners by name of event; "open" and "error" too
 */
export function follow(path, listeners, signal) {
  const source = new EventSource(path);
  for (const [name, listener] of Object.entries(listeners)) {
    if (name === "open" || name === "error") source.addEventListener(name, () => listener(source));
    else source.addEventListener(name, (event) => listener(JSON.parse(event.data), source));
  }
  signal.addEventListener("abort", () => source.close(), { once: true });
  return source;
}

/** Write parameters as a query has them: lists by repetition. */
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

/** Cancel a job that goes on. One that has just ended stays as it is: its result is not thrown away unseen. */
export const cancel = (job) => post(`${job.links.self}?if=unfinished`, undefined, { method: "DELETE" });
