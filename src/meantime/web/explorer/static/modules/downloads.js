/**
 * Downloads of a view, its citation, and ways to share it: link, HTML to embed, curl, Python, API address.
 */

import { copyButton } from "./components.js";
import { h } from "./dom.js";
import { figureDownloads } from "./figure.js";
import { resultUrl } from "./request.js";
import { addressWith, readAddress, writeAddress } from "./state.js";

const TABLES = [
  ["csv", "CSV", "for any program"], ["xlsx", "Excel", "with formats, filter and notes"], ["parquet", "Parquet", "typed and compact"],
  ["arrow", "Arrow", "for data frames"], ["tsv", "TSV", "separated by tabs"], ["jsonl", "JSON lines", "one row per line"],
  ["json", "JSON", "with all details"], ["md", "Markdown", "for documents"],
];
const PICTURES = [["png", "PNG", "for slides"], ["svg", "SVG", "sharp at any size"], ["pdf", "PDF", "for print"], ["vl.json", "Vega-Lite", "to edit"]];

const ancestors = document.querySelector('meta[name="meantime-frame-ancestors"]').content;

/**
 * @param {import("./request.js").StatisticRequest} request
 * ``own`` are files that a tab makes itself.
 * @param {{chart: string|null, chartRequest: import("./request.js").StatisticRequest, fingerprint: string, citation: string, title: string, own?: Node|null}} options
 */
export function downloads(request, { chart, chartRequest, fingerprint, citation, title, own = null }) {
  return h(
    "section",
    { class: "downloads", "aria-labelledby": "downloads" },
    h("h2", { id: "downloads" }, "Download"),
    chart && figureDownloads({
      links: (href) => fileLinks("Chart, with title and source", PICTURES, href),
      href: (suffix, look) => resultUrl(chartRequest, { suffix, chart, look }),
    }),
    own,
    chartRequest === request
      ? tableLinks(own ? "Data of this question" : "Data", (suffix) => resultUrl(pinned(request, fingerprint), { suffix }))
      : [
          tableLinks("Data shown in the chart", (suffix) => resultUrl(pinned(chartRequest, fingerprint), { suffix })),
          tableLinks("The test", (suffix) => resultUrl(pinned(request, fingerprint), { suffix })),
        ],
    h("h3", {}, "Citation"),
    h("p", { class: "cite", dir: "auto" }, citation),
    copyButton(citation, "Copy citation"),
    share(request, title),
  );
}

/** With its fingerprint, the request is for this very result, whatever data is loaded later. */
const pinned = (request, fingerprint) => ({ ...request, parameters: { fingerprint, ...request.parameters } });

/** Links to files. */
export function fileLinks(title, formats, href) {
  return [
    h("h3", {}, title),
    h("ul", { class: "files" }, formats.map(([suffix, name, use]) => h("li", {}, h("a", { class: "file", href: href(suffix), download: true }, h("strong", {}, name), h("span", { class: "muted" }, use))))),
  ];
}

/** Links to a table in every format. */
export const tableLinks = (title, href) => fileLinks(title, TABLES, href);

function share(request, title) {
  const url = location.origin + resultUrl(request);
  return h(
    "details",
    { class: "share" },
    h("summary", {}, "Share this view: link, embed, curl, Python, API"),
    snippet("Link", location.origin + writeAddress(readAddress())),
    snippet("Embed", embedCode(title), ancestors.includes("'none'") && "This server does not allow other pages to embed its views. The setting frame_ancestors allows it."),
    snippet("curl", `curl '${url.replaceAll("'", "%27")}'`),
    snippet("Python", pythonCode(request)),
    snippet("API address", url),
  );
}

function embedCode(title) {
  const url = location.origin + addressWith({ embed: "1" });
  return `<iframe src="${escapeAttribute(url)}" title="${escapeAttribute(title)}" width="100%" height="900" loading="lazy"></iframe>`;
}

const escapeAttribute = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

function pythonCode({ statistic, dataset, parameters }) {
  const lines = Object.entries({ dataset, ...parameters }).map(([name, value]) => `        ${name}=${pythonLiteral(value)},`);
  return [
    "from meantime import Client",
    "",
    `with Client("${location.origin}") as client:`,
    "    result = client.ask(",
    `        ${pythonLiteral(statistic)},`,
    ...lines,
    "    )",
    "result.to_pandas()",
  ].join("\n");
}

/** JSON's strings and numbers are Python's, too. */
function pythonLiteral(value) {
  return Array.isArray(value) ? `[${value.map(pythonLiteral).join(", ")}]` : JSON.stringify(value);
}

/** A text to copy. */
export function snippet(name, text, note) {
  return h(
    "div",
    { class: "snippet" },
    h("div", { class: "snippet-head" }, h("h3", {}, name), copyButton(text)),
    h("pre", { tabindex: 0, "aria-label": name }, text),
    note && h("p", { class: "muted" }, note),
  );
}
