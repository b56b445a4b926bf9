/**
 * A result as a table: every column, to sort and filter.
 */

import { announce, explainButton, scrollable } from "./components.js";
import { h, replaceChildren } from "./dom.js";
import { matching } from "./finding.js";
import { capitalized, many, writer } from "./format.js";
import { pager } from "./pages.js";
import { placeAddress } from "./places.js";
import { replaceAddress } from "./state.js";

const PLACE = "location";
// Names in one cell, between semicolons; of more, the cell has their number and lists them on demand.
const LISTED = 3;
// A column with longer texts is made wide, otherwise its rows would be high.
const LONG_CHARACTERS = 60;

/**
 * @param {{columns: any[], rows: any[]}} result
 * @param {{caption: string, sort?: string, filter?: string, explain?: ((row: any, index: number) => void) | null,
 *   isInAddress?: boolean, dataset?: string|null}} options ``isInAddress``: whether the address holds how it is sorted and filtered;
 *   ``dataset``: whose places have links to their pages
 */
export function table(result, { caption, sort = "", filter = "", explain = null, isInAddress = true, dataset = null }) {
  const { rows } = result;
  // The place comes first, and stays in sight.
  const columns = result.columns.toSorted((a, b) => (b.name === PLACE) - (a.name === PLACE));
  const write = columns.map((column) => writer(column, rows.map((row) => row[column.name])));
  // Written when they are shown or searched: of ten thousands of rows most never are.
  const textsOf = (row) => columns.map((column, at) => write[at](row[column.name]));
  const lines = rows.map((row, index) => ({ row, index }));
  const hasPlaces = columns[0].name === PLACE;
  const searchText = (line) => (line.searchText ??= hasPlaces ? String(line.row[PLACE]) : textsOf(line.row).join(" \u0000 "));
  const isLong = columns.map(({ kind, name }) => kind === "text" && rows.some((row) => row[name]?.length > LONG_CHARACTERS && !isList(row[name])));
  const view = { sort, filter };
  const pages = pager({ what: caption, ondraw: draw });
  const keep = isInAddress ? replaceAddress : () => {};
  const body = h("tbody");
  const count = h("p", { class: "muted", role: "status" });
  const headings = columns.map((column) => heading(column, view, () => (pages.first(), draw()), keep));
  const search = h("input", {
    type: "search", id: isInAddress && "filter", class: "search narrow", value: filter, placeholder: hasPlaces ? "Filter by place" : "Filter rows", "aria-label": hasPlaces ? "Filter by place" : "Filter rows",
    oninput: () => {
      view.filter = search.value;
      pages.first();
      keep({ filter: search.value });
      draw();
    },
  });

  function draw() {
    const matches = sorted(matching(lines, view.filter, searchText), columns, view.sort);
    replaceChildren(body, ...pages.pageOf(matches).map((line) => tableRow({ ...line, texts: textsOf(line.row) }, columns, isLong, explain, dataset)));
    count.textContent = matches.length === rows.length ? many(rows.length, "row") : `${many(matches.length, "row")} of ${many(rows.length, "row")}`;
    for (const [at, cell] of headings.entries()) markSorted(cell, columns[at].name, view.sort);
  }
  draw();
  return h(
    "div",
    { class: "result" },
    h("div", { class: "result-tools" }, search, count),
    scrollable(
      caption,
      h(
        "table",
        { class: "data" },
        h("caption", { class: "hidden" }, caption),
        h("thead", {}, h("tr", {}, headings, explain && h("th", { scope: "col" }, h("span", { class: "hidden" }, "Why this number")))),
        body,
      ),
    ),
    pages.element,
    meanings(columns),
  );
}

function heading(column, view, draw, keep) {
  const button = h(
    "button",
    {
      type: "button", title: column.meaning,
      onclick: () => {
        view.sort = view.sort === column.name ? `-${column.name}` : column.name;
        keep({ sort: view.sort });
        draw();
        announce(`Sorted by ${asText(column.name)}, ${view.sort.startsWith("-") ? "descending" : "ascending"}`);
      },
    },
    titled(column.name),
    column.unit && h("span", { class: "unit" }, shortened(column.unit)),
    h("span", { class: "arrow", "aria-hidden": "true" }),
  );
  return h("th", { scope: "col", class: column.kind === "text" ? null : "number" }, button);
}

function markSorted(cell, name, sort) {
  const direction = sort === name ? "ascending" : sort === `-${name}` ? "descending" : null;
  if (direction) cell.setAttribute("aria-sort", direction);
  else cell.removeAttribute("aria-sort");
}

function tableRow({ row, index, texts }, columns, isLong, explain, dataset) {
  const first = columns.findIndex((column) => column.kind === "text");
  const cells = columns.map((column, at) => {
    const isMissing = row[column.name] === null;
    const attributes = { class: [column.kind !== "text" && "number", isMissing && "missing", isLong[at] && "long", column.name === "flags" && texts[at] && "flagged"].filter(Boolean).join(" ") || null };
    const content = isMissing ? [h("span", { "aria-hidden": "true" }, "–"), h("span", { class: "hidden" }, "no value")] : texts[at];
    if (column.kind === "text" && isList(row[column.name])) return h("td", attributes, nameList(row[column.name]));
    const hasPage = dataset !== null && column.name === PLACE && !isMissing;
    if (at === first) return h("th", { scope: "row", ...attributes }, hasPage ? h("a", { href: placeAddress(dataset, row[PLACE]) }, h("bdi", {}, content)) : h("bdi", {}, content));
    return h("td", attributes, column.kind === "text" ? h("bdi", {}, content) : content);
  });
  const label = `Why this number: ${texts[first] ?? `row ${index + 1}`}`;
  const button = explain && h("td", {}, explainButton(explain, row, index, "Why?", label));
  return h("tr", {}, cells, button);
}

const isList = (text) => text !== null && text.split("; ").length > LISTED;

function nameList(text) {
  const names = text.split("; ");
  return h("details", {}, h("summary", {}, `${names.length} places`), h("bdi", {}, names.join(", ")));
}

function sorted(lines, columns, sort) {
  const name = sort.replace(/^-/, "");
  const column = columns.find((each) => each.name === name);
  if (!column) return lines;
  const sign = sort.startsWith("-") ? -1 : 1;
  const collator = new Intl.Collator(undefined, { numeric: true });
  return lines.toSorted((a, b) => {
    const [x, y] = [a.row[name], b.row[name]];
    // Missing values are last in both directions.
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (column.kind === "text" ? collator.compare(x, y) : x - y);
  });
}

function meanings(columns) {
  return h(
    "details",
    { class: "meanings" },
    h("summary", {}, "What the columns mean"),
    h("dl", {}, columns.map((column) => h("div", {}, h("dt", {}, titled(column.name), column.unit && ` (${shortened(column.unit)})`), h("dd", {}, column.meaning)))),
  );
}

// As the other texts call it; the name is that of the API.
const asText = (name) => name.replaceAll("_", " ").replace("told apart", "distinguished");
// A p-value is no P-value.
const titled = (name) => (/^p(_|$)/.test(name) ? asText(name) : capitalized(asText(name)));
const shortened = (unit) => (unit.length > 24 ? `${unit.slice(0, 23)}…` : unit);
