/**
 * The files of a chart, with a small editor of how it looks in them: words, size, colors, values. The place that is highlighted
 * on the page is highlighted in the file.
 */

import { h } from "./dom.js";
import { firstOf, readAddress } from "./state.js";

const TEXTS = [["title", "Title"], ["subtitle", "Subtitle"], ["source", "Source"]];
const CHOICES = [
  ["size", "Shape", [["", "As wide as a page"], ["article", "Article"], ["social", "Social (square)"], ["slide", "Slide (16:9)"]]],
  ["theme", "Colors", [["", "Light"], ["dark", "Dark"], ["transparent", "Transparent"]]],
  ["labels", "Values", [["", "Not written"], ["values", "At the marks"]]],
];
const LONGEST = 300;
const [NARROWEST, WIDEST] = [280, 2560];
// On a phone the editor is opened by those who want it.
const hasRoom = matchMedia("(min-width: 40rem)");

/**
 * ``links(href)`` returns the links to the files, ``href(suffix, look)`` the address of one.
 * @param {{links: (href: (suffix: string) => string) => Array<HTMLElement>, href: (suffix: string, look: Record<string, string>) => string}} options
 */
export function figureDownloads({ links, href }) {
  const fields = [
    ...TEXTS.map(([name, label]) => [name, label, h("input", { id: `figure-${name}`, type: "text", maxlength: LONGEST, placeholder: "As in the chart" })]),
    ["width", "Width in pixels", h("input", { id: "figure-width", type: "number", min: NARROWEST, max: WIDEST, placeholder: "By shape" })],
    ...CHOICES.map(([name, label, options]) => [name, label, h("select", { id: `figure-${name}` }, options.map(([value, text]) => h("option", { value }, text)))]),
  ];

  function look() {
    const own = fields.filter(([, , input]) => input.value !== "" && input.checkValidity()).map(([name, , input]) => [`chart.${name}`, input.value]);
    const highlight = firstOf(readAddress().highlight);
    return Object.fromEntries(highlight ? [...own, ["chart.highlight", highlight]] : own);
  }

  const addressOf = (suffix) => href(suffix, look());
  const made = h("div", {}, links(addressOf));
  // What is highlighted may have changed since, so an address is written when it is followed or copied.
  const refresh = () => {
    const fresh = h("div", {}, links(addressOf)).querySelectorAll("a");
    made.querySelectorAll("a").forEach((link, at) => link.setAttribute("href", fresh[at].getAttribute("href")));
  };
  for (const type of ["pointerdown", "focusin", "click"]) made.addEventListener(type, refresh);
  return [
    made,
    h(
      "details",
      { class: "figure-editor", open: hasRoom.matches, oninput: refresh },
      h("summary", {}, "Edit the picture: title, source, shape, colors"),
      h("div", { class: "fields" }, fields.map(([name, label, input]) => h("div", { class: "field" }, h("label", { for: `figure-${name}` }, label), input))),
    ),
  ];
}
