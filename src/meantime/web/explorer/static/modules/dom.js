/**
 * Elements from plain values. Strings become text nodes and nothing else: text from a file is never markup.
 */

/**
 * Create an element. Attributes that are null, undefined or false are left out; functions are listeners ("onclick").
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node|string|number|null|undefined|false|Array<unknown>)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/** Text from a file, isolated: whatever direction it is written in, the text around it keeps its order. */
export function bdi(text) {
  return h("bdi", {}, text);
}

/** A sentence of a result: a p-value stays on one line with its sign. */
export function sentence(text) {
  return bdi(text.replace(/\bp ([<>=]) (?=\d)/g, "p\u00a0$1\u00a0"));
}

/** Replace the content of an element. */
export function replaceChildren(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}
