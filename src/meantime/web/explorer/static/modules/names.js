/**
 * Choosing one name: from a list, or by search where the list would have hundreds of entries.
 */

import { h, replaceChildren } from "./dom.js";
import { matching } from "./pages.js";

// A list of more is slow to open, and nobody scrolls through it.
const MOST_OPTIONS = 300;
// Suggested at a time while typing.
const SUGGESTED = 50;

/**
 * ``pairs`` are value and label; that of "" stands for the default.
 * @param {{id: string, label: string, pairs: Array<[string, string]>, selected: string, onchange: (value: string) => void}} options
 * @returns {{element: HTMLElement, set: (value: string) => void}}
 */
export function namePicker({ id, label, pairs, selected, onchange, ...attributes }) {
  const { field, list } = nameField({ id, pairs, selected, onchange, ...attributes });
  return {
    element: h("div", { class: "control" }, h("label", { class: "label", for: id }, label), field, list),
    set: (value) => (field.value = value),
  };
}

/** The field alone, and its list of suggestions, which has to be on the page too: null where there is none. */
export function nameField({ id, pairs, selected, onchange, ...attributes }) {
  if (pairs.length <= MOST_OPTIONS) {
    const select = h("select", { id, onchange: () => onchange(select.value), ...attributes }, pairs.map(([value, text]) => h("option", { value, selected: value === selected }, text)));
    return { field: select, list: null };
  }
  const names = pairs.map(([value]) => value).filter(Boolean);
  const known = new Set(names);
  const list = h("datalist", { id: `${id}-names` });
  const field = h("input", {
    id, type: "search", class: "search narrow", list: `${id}-names`, autocomplete: "off", value: selected,
    placeholder: pairs.find(([value]) => value === "")?.[1] ?? "Find a location",
    oninput: () => {
      suggest();
      // Chosen from the list, or cleared: there is nothing to wait for.
      if (field.value === "" || known.has(field.value)) onchange(field.value);
    },
    onchange: () => {
      const found = matching(names, field.value);
      if (known.has(field.value) || found.length !== 1) return;
      field.value = found[0];
      onchange(field.value);
    },
    ...attributes,
  });
  const suggest = () => replaceChildren(list, ...matching(names, field.value).slice(0, SUGGESTED).map((name) => h("option", { value: name })));
  suggest();
  return { field, list };
}
