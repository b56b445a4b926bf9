/**
 * The address holds the whole state of a view: so a link is a view, and back and forward work.
 *
 * Its names are the API's parameters, and a few of the explorer's own.
 */

/** @typedef {Record<string, string|string[]>} State */

/** The explorer's own names; all others are parameters of a statistic. */
export const EXPLORER_NAMES = new Set([
  "view", "dataset", "question", "tab", "of", "sort", "filter", "embed", "highlight", "find", "job", "state",
  "statistic", "label", "cursor", "group", "why", "groups", "colour", "compare", "from", "to", "grouping",
]);

/** Read an address. A name that is repeated is a list. @returns {State} */
export function readAddress(search = location.search) {
  const state = {};
  for (const [name, value] of new URLSearchParams(search)) {
    if (name in state) state[name] = [state[name], value].flat();
    else state[name] = value;
  }
  return state;
}

/** Write an address, without empty values. @param {State} state */
export function writeAddress(state) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    for (const each of [value].flat()) {
      if (each !== "" && each !== null && each !== undefined) query.append(name, each);
    }
  }
  const text = query.toString();
  return text ? `/?${text}` : "/";
}

/** The address of this view with changes; null removes a name. The explained row belongs to the present result, so it goes. */
export function addressWith(changes, from = readAddress()) {
  return writeAddress({ ...from, why: null, ...changes });
}

/** The value, or the first of a list. */
export function firstOf(value) {
  return Array.isArray(value) ? value[0] : value;
}

/** All values as a list, which may be empty. */
export function allOf(value) {
  return value === undefined || value === null || value === "" ? [] : [value].flat();
}

/** Go to an address of this page, as a link does. */
export function navigate(address) {
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  dispatchEvent(new Event("meantime:navigate"));
}

/** Change the address without a step in the history: for sorting, filtering, typing. */
export function replaceAddress(changes) {
  history.replaceState(history.state, "", writeAddress({ ...readAddress(), ...changes }));
}
