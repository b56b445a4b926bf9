/**
 * Why this number: the row of the answer, and the very rows of the file that it rests on, with their lines and weights.
 */

import { getPage, query } from "./api.js";
import { h, put, theirs } from "./dom.js";
import { many, writer } from "./format.js";
import { facts, trouble } from "./parts.js";
import { table } from "./table.js";
import { files } from "./take.js";

const FORMS = [["csv", "CSV", "for anything"], ["xlsx", "Excel", "with columns explained"], ["parquet", "Parquet", "typed and small"]];

/**
 * Return what opens the explanation of a row of an answer. ``rows`` is the path of the rows behind it, ``asked`` its query.
 * @param {{result: any, rows: string, asked: Record<string, unknown>, signal: AbortSignal}} about
 * @returns {(row: any, index: number) => void}
 */
export function whyOf({ result, rows, asked, signal }) {
  return (row, index) => {
    const path = (suffix, more = {}) => `${rows}${suffix && `.${suffix}`}?${query({ ...asked, row: index, ...more })}`;
    const body = h("div", {}, h("p", { role: "status" }, "Looking it up ..."));
    const title = result.columns.filter((each) => each.kind === "text" && /location|category|stratum|period/.test(each.name)).map((each) => row[each.name]).filter(Boolean).join(", ");
    const dialog = h(
      "dialog",
      { class: "why", "aria-labelledby": "why" },
      h("div", { class: "why-head" }, h("h2", { id: "why" }, "Why this number? ", theirs(title)), h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Close")),
      h("p", { class: "soft" }, "In the answer it stands so:"),
      facts(result.columns.filter((column) => row[column.name] !== null && row[column.name] !== "").map((column) => [column.name.replaceAll("_", " "), theirs(writer(column, [row[column.name]])(row[column.name]))])),
      body,
    );
    dialog.addEventListener("close", () => dialog.remove());
    signal.addEventListener("abort", () => dialog.close(), { once: true });
    document.body.append(dialog);
    dialog.showModal();
    look(body, path, signal);
  };
}

async function look(body, path, signal) {
  try {
    const { body: found, next } = await getPage(path(""), { signal });
    put(body, behind(found, next !== null), files("These rows", FORMS, (suffix) => path(suffix, { page_rows: 10000 })));
  } catch (error) {
    if (!signal.aborted) put(body, trouble(error, () => look(body, path, signal)));
  }
}

function behind(found, hasMore) {
  // What is empty in all of them says nothing here; the files below have it.
  const columns = found.columns.filter(({ name }) => found.rows.some((row) => row[name] !== null && row[name] !== ""));
  return [
    h("h3", {}, "The rows of the file that it rests on"),
    found.notes.map((each) => h("p", {}, theirs(each))),
    table({ columns, rows: found.rows }, { caption: "Rows of the file", isInAddress: false }),
    hasMore && h("p", { class: "soft" }, `These are the first ${many(found.rows.length, "row")}; the files below have more.`),
  ];
}
