/**
 * Choosing one name: from a short list, or by typing part of it and pressing Enter.
 */

import { h, replaceChildren } from "./dom.js";
import { matching } from "./finding.js";

// What is seen at a glance; of more, typing is quicker.
const MOST_OPTIONS = 12;
// Suggested at a time.
const SUGGESTED = 50;

/**
 * A labeled choice. ``pairs`` are value and label; that of "" stands for the default.
 * @param {{id: string, label: string, pairs: Array<[string, string]>, selected: string, onchange: (value: string) => void}} options
 * @returns {{element: HTMLElement, set: (value: string) => void}}
 */
export function namePicker({ id, label, pairs, selected, onchange, ...options }) {
  const { element, set } = nameField({ id, pairs, selected, onchange, ...options });
  return { element: h("div", { class: "control" }, h("label", { class: "label", for: id }, label), element), set };
}

/** The choice alone; ``isList``: a list to open, however long. */
export function nameField({ id, pairs, selected, onchange, isList = false, ...attributes }) {
  if (pairs.length > MOST_OPTIONS && !isList) return combobox({ id, pairs, selected, onchange, ...attributes });
  const select = h("select", { id, onchange: () => onchange(select.value), ...attributes }, pairs.map(([value, text]) => h("option", { value, selected: value === selected }, text)));
  return { element: select, set: (value) => (select.value = value) };
}

/**
 * A field with suggestions (the combobox of the ARIA Authoring Practices). Enter takes the best match of what was typed; with
 * ``clears`` the field is then empty, for the next one. An empty field chooses "", which its placeholder describes.
 */
export function combobox({ id, pairs, selected = "", onchange, clears = false, placeholder = null, ...attributes }) {
  const textOf = new Map(pairs);
  const entries = pairs.filter(([value]) => value !== "");
  const list = h("ul", { class: "options", id: `${id}-options`, role: "listbox", "aria-label": "Suggestions", hidden: true, onmousedown: (event) => event.preventDefault() });
  let current = selected;
  let found = [];
  let active = -1;
  const shownText = () => (current === "" ? "" : (textOf.get(current) ?? current));
  const field = h("input", {
    id, type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", enterkeyhint: "done", class: "combobox-field",
    "aria-expanded": "false", "aria-controls": `${id}-options`, "aria-autocomplete": "list",
    value: shownText(), placeholder: placeholder ?? textOf.get("") ?? "Type a name",
    onfocus: () => field.select(), onclick: () => list.hidden && open(""), oninput: () => open(field.value), onblur: restore, onkeydown,
    ...attributes,
  });

  function open(typed) {
    found = bestFirst(entries, typed);
    replaceChildren(list, found.slice(0, SUGGESTED).map(([value, text], at) => option(value, text, at)), found.length > SUGGESTED && more(), found.length === 0 && h("li", { role: "option", "aria-disabled": "true", class: "muted" }, "Nothing found"));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    activate(typed.trim() && found.length ? 0 : -1);
  }

  const more = () => h("li", { role: "option", "aria-disabled": "true", class: "muted" }, `${found.length - SUGGESTED} more: type part of the name`);
  const option = (value, text, at) => h("li", { id: `${id}-option-${at}`, role: "option", "aria-selected": "false", dir: "auto", onclick: () => choose(value) }, text);

  function activate(at) {
    active = at;
    for (const [index, each] of [...list.children].entries()) each.setAttribute("aria-selected", String(index === at));
    if (at < 0) field.removeAttribute("aria-activedescendant");
    else {
      field.setAttribute("aria-activedescendant", `${id}-option-${at}`);
      list.children[at].scrollIntoView({ block: "nearest" });
    }
  }

  function close() {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function restore() {
    close();
    field.value = clears ? "" : shownText();
  }

  function choose(value) {
    current = value;
    restore();
    onchange(value);
  }

  function onkeydown(event) {
    const last = Math.min(found.length, SUGGESTED) - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const by = event.key === "ArrowDown" ? 1 : -1;
      if (list.hidden) open("");
      else activate(active + by < 0 ? last : active + by > last ? 0 : active + by);
    } else if (event.key === "Enter") {
      if (!list.hidden && active >= 0) choose(found[active][0]);
      else if (field.value.trim() === "" && !clears) choose("");
    } else if (event.key === "Escape" && !list.hidden) restore();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return {
    element: h("span", { class: "combobox" }, field, list),
    set: (value) => {
      current = value;
      restore();
    },
  };
}

/** The matches: the name itself, then names that begin so, then all others in their order. */
function bestFirst(entries, typed) {
  const text = typed.trim().toLowerCase();
  const rank = ([, name]) => (name.toLowerCase() === text ? 0 : name.toLowerCase().startsWith(text) ? 1 : 2);
  return matching(entries, typed, ([, name]) => name).toSorted((a, b) => rank(a) - rank(b));
}
