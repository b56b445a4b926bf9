/**
 * What is shown is what the address says, all of it: so a link is a view, and back and forward work.
 *
 * The names are those of the API's parameters, beside a few of the page's own.
 */

/** @typedef {Record<string, string|string[]>} State */

/** Names that are the page's own; all others are parameters of a statistic. */
export const OWN = new Set([
  "view", "dataset", "question", "tab", "of", "sort", "filter", "embed", "highlight", "find", "job", "state",
  "statistic", "label", "cursor", "group", "why", "groups", "colour", "compare", "from", "to",
]);

/** Read an address. A name that comes several times is a list. @returns {State} */
export function read(search = location.search) {
  const state = {};
  for (const [name, value] of new URLSearchParams(search)) {
    if (name in state) state[name] = [state[name], value].flat();
    else state[name] = value;
  }
  return state;
}

/** Write an address; empty values are left out, as they say nothing. @param {State} state */
export function write(state) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    for (const each of [value].flat()) {
      if (each !== "" && each !== null && each !== undefined) query.append(name, each);
    }
  }
  const text = query.toString();
  return text ? `/?${text}` : "/";
}

/** The address of this view with changes; null takes a name away. A row that is explained is of what is asked now, and goes. */
export function changed(changes, from = read()) {
  return write({ ...from, why: null, ...changes });
}

/** The first of what may be a list. */
export function one(value) {
  return Array.isArray(value) ? value[0] : value;
}

/** All of what may be one, or none. */
export function all(value) {
  return value === undefined || value === null || value === "" ? [] : [value].flat();
}

/** Go to an address of this page, as a link does. */
export function go(address) {
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  dispatchEvent(new Event("meantime:navigate"));
}

/** Change the address in place, where a step back would be one too many: sorting, filtering, typing. */
export function adjust(changes, { render = false } = {}) {
  history.replaceState(history.state, "", write({ ...read(), ...changes }));
  if (render) dispatchEvent(new Event("meantime:navigate"));
}
