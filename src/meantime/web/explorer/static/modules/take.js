/**
 * Take it away: files, link, a piece for another page, and the same question as a command, as Python, as an address.
 */

import { address } from "./ask.js";
import { h } from "./dom.js";
import { copy } from "./parts.js";
import { changed, read, write } from "./state.js";

const TABLES = [
  ["csv", "CSV", "for anything"], ["xlsx", "Excel", "with notes and columns explained"], ["parquet", "Parquet", "typed and small"],
  ["arrow", "Arrow", "for data frames"], ["tsv", "TSV", "tabs between"], ["jsonl", "JSON lines", "a line for each row"],
  ["json", "JSON", "everything about it"], ["md", "Markdown", "for a document"],
];
const PICTURES = [["png", "PNG", "for slides"], ["svg", "SVG", "sharp at any size"], ["vl.json", "Vega-Lite", "to change it"]];

const ancestors = document.querySelector('meta[name="meantime-frame-ancestors"]').content;

/**
 * @param {import("./ask.js").Asked} asked
 * @param {{chart: string|null, pictured: import("./ask.js").Asked, fingerprint: string, citation: string, title: string}} about
 */
export function take(asked, { chart, pictured, fingerprint, citation, title }) {
  return h(
    "section",
    { class: "take", "aria-labelledby": "take" },
    h("h2", { id: "take" }, "Take it away"),
    chart && files("The picture, with title, basis, source and citation in it", PICTURES, (suffix) => address(pictured, { suffix, chart })),
    files("The numbers", TABLES, (suffix) => address(pinned(asked, fingerprint), { suffix })),
    h("h3", {}, "Cite it"),
    h("p", { class: "cite", dir: "auto" }, citation),
    copy(citation, "Copy the citation"),
    here(asked, title),
  );
}

/** With its fingerprint named it is this very answer, whatever is loaded later. */
const pinned = (asked, fingerprint) => ({ ...asked, parameters: { fingerprint, ...asked.parameters } });

/** Links to files. */
export function files(title, forms, href) {
  return [
    h("h3", {}, title),
    h("ul", { class: "files" }, forms.map(([suffix, name, use]) => h("li", {}, h("a", { class: "file", href: href(suffix), download: true }, h("strong", {}, name), h("span", { class: "soft" }, use))))),
  ];
}

/** All forms of a table. */
export const tables = (title, href) => files(title, TABLES, href);

function here(asked, title) {
  const url = location.origin + write(read());
  return h(
    "details",
    { class: "same" },
    h("summary", {}, "This view as a link, for another page, as curl, Python or an address"),
    snippet("Link", url),
    snippet("For another page", embedded(title), ancestors.includes("'none'") && "This server lets no other page show it in a frame; its setting frame_ancestors says which may."),
    snippet("curl", `curl '${(location.origin + address(asked)).replaceAll("'", "%27")}'`),
    snippet("Python", python(asked)),
    snippet("Address of the answer", location.origin + address(asked)),
  );
}

function embedded(title) {
  const url = location.origin + changed({ embed: "1" });
  return `<iframe src="${quoted(url)}" title="${quoted(title)}" width="100%" height="900" loading="lazy"></iframe>`;
}

const quoted = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

function python({ statistic, dataset, parameters }) {
  const lines = Object.entries({ dataset, ...parameters }).map(([name, value]) => `        ${name}=${literal(value)},`);
  return [
    "from meantime import Client",
    "",
    `with Client("${location.origin}") as client:`,
    "    result = client.ask(",
    `        ${literal(statistic)},`,
    ...lines,
    "    )",
    "result.to_pandas()",
  ].join("\n");
}

/** As Python writes it; what JSON writes of texts is Python too. */
function literal(value) {
  return Array.isArray(value) ? `[${value.map(literal).join(", ")}]` : JSON.stringify(value);
}

/** A text to be copied. */
export function snippet(name, text, note) {
  return h(
    "div",
    { class: "snippet" },
    h("div", { class: "snippet-head" }, h("h3", {}, name), copy(text)),
    h("pre", { tabindex: 0, "aria-label": name }, text),
    note && h("p", { class: "soft" }, note),
  );
}
