/**
 * The explanation of a number: how it was computed, step by step, beside the rows of the file that it is based on.
 */

import { get, getPage, query } from "./api.js";
import { facts, problemMessage } from "./components.js";
import { bdi, h, replaceChildren } from "./dom.js";
import { fileLinks, snippet } from "./downloads.js";
import { many, writer } from "./format.js";
import { firstOf, replaceAddress } from "./state.js";
import { table } from "./table.js";

const FORMATS = [["csv", "CSV", "for any program"], ["xlsx", "Excel", "with column descriptions"], ["parquet", "Parquet", "typed and compact"]];

// How the API describes columns of the file, and which role each one has.
const FROM_FILE = /^as in the file/;
const HAS_VALUE_ROLE = /taken for (value|low|high|sample_size|footnote|footnote_symbol)$/;

/**
 * Return a function that opens the explanation of a row. ``rows`` is the path of its source rows, ``parameters`` their query;
 * ``isInAddress``: whether the address names the row, which it can in the result of a view.
 * @param {{result: any, rows: string, parameters: Record<string, unknown>, signal: AbortSignal, isInAddress?: boolean}} options
 * @returns {(row: any, index: number) => void}
 */
export function explainer({ result, rows, parameters, signal, isInAddress = false }) {
  const explanation = rows.replace(/rows$/, "explanation");
  return (row, index) => {
    const path = (suffix, more = {}) => `${rows}${suffix && `.${suffix}`}?${query({ ...parameters, row: index, ...more })}`;
    const method = h("div", { class: "explanation-method" });
    const source = h("div", { class: "explanation-rows" });
    const programs = h("div", { class: "explanation-programs" });
    const closed = openDialog(rowTitle(result, row), [rowFacts(result, row), h("div", { class: "explanation-columns" }, method, source), programs], signal);
    if (isInAddress) replaceAddress({ why: index });
    closed.then(() => isInAddress && !signal.aborted && replaceAddress({ why: null }));
    load(method, signal, async () => {
      const explained = await get(`${explanation}?${query({ ...parameters, row: index })}`, { signal });
      replaceChildren(programs, programSection(explained));
      return methodSection(explained);
    });
    load(source, signal, async () => {
      const { body, next } = await getPage(path(""), { signal });
      return [sourceRows(body, next !== null), fileLinks("Download these rows", FORMATS, (suffix) => path(suffix, { page_rows: 10000 }))];
    });
  };
}

/** Open the explanation of the row that the address names, if the result has it. */
export function openFromAddress(state, result, explain) {
  const index = Number(firstOf(state.why) ?? NaN);
  if (result.rows[index]) explain(result.rows[index], index);
}

/** Show a dialog over the page. When it closes, the focus returns to where it was. @returns {Promise<void>} resolved then */
function openDialog(heading, content, signal) {
  const focused = document.activeElement;
  const dialog = h(
    "dialog",
    // A click outside of the content is one on the backdrop.
    { class: "explanation", "aria-labelledby": "explanation-title", onclick: (event) => event.target === dialog && dialog.close() },
    h(
      "div",
      { class: "explanation-content" },
      h(
        "div",
        { class: "explanation-head" },
        h("h2", { id: "explanation-title", tabindex: -1, autofocus: true }, "Why this number? ", bdi(heading)),
        h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Close"),
      ),
      content,
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  signal.addEventListener("abort", () => dialog.close(), { once: true });
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      const isPresent = focused?.isConnected && focused !== document.body;
      (isPresent ? focused : document.getElementById("main")).focus({ preventScroll: true });
      resolve();
    });
  });
}

async function load(container, signal, make) {
  replaceChildren(container, h("p", { role: "status" }, "Loading…"));
  try {
    replaceChildren(container, await make());
  } catch (error) {
    if (!signal.aborted) replaceChildren(container, problemMessage(error, () => load(container, signal, make)));
  }
}

function rowTitle(result, row) {
  const columns = result.columns.filter((each) => each.kind === "text" && /location|category|stratum|period/.test(each.name));
  return columns.map((each) => row[each.name]).filter(Boolean).join(", ");
}

/** The row as it is in the result; texts as long as a list of names are in the table. */
function rowFacts(result, row) {
  const columns = result.columns.filter(({ name }) => row[name] !== null && row[name] !== "" && String(row[name]).length < 60);
  return facts(columns.map((column) => [column.name.replaceAll("_", " "), bdi(writer(column, [row[column.name]])(row[column.name]))]));
}

function methodSection(explained) {
  return [
    h("h3", {}, "How it was computed"),
    h("ol", { class: "steps" }, explained.steps.map(step)),
    explained.warnings.map((each) => h("p", { class: "warning" }, bdi(each))),
    list("Assumptions", explained.assumptions),
    list("References", explained.sources),
  ];
}

function step({ text, formula, numbers }) {
  // Numbers that were rounded above, for whoever checks the computation.
  const rounded = Object.entries(numbers).filter(([, value]) => !`${text} ${formula ?? ""}`.includes(String(value)));
  const unrounded = rounded.map(([name, value]) => `${name} = ${value}`).join(", ");
  return h("li", {}, h("p", {}, bdi(text)), formula && h("code", { class: "formula" }, bdi(formula)), unrounded && h("p", { class: "muted unrounded" }, "Unrounded: ", h("code", {}, unrounded)));
}

function list(heading, texts) {
  return texts.length > 0 && [h("h3", {}, heading), h("ul", { class: "points" }, texts.map((each) => h("li", {}, bdi(each))))];
}

function sourceRows(page, hasMore) {
  // Columns that are empty in all of these rows are only in the downloads.
  const filled = page.columns.filter(({ name }) => page.rows.some((row) => row[name] !== null && row[name] !== ""));
  // What the number is computed from comes before what it is about, which is the same in most rows.
  const [computed, fromFile] = [filled.filter((each) => !FROM_FILE.test(each.meaning)), filled.filter((each) => FROM_FILE.test(each.meaning))];
  const columns = [...computed, ...fromFile.filter((each) => HAS_VALUE_ROLE.test(each.meaning)), ...fromFile.filter((each) => !HAS_VALUE_ROLE.test(each.meaning))];
  return [
    h("h3", {}, "Source rows"),
    page.notes.map((each) => h("p", { class: "muted" }, bdi(each))),
    table({ columns, rows: page.rows }, { caption: "Source rows", isInAddress: false }),
    hasMore && h("p", { class: "muted" }, `These are the first ${many(page.rows.length, "row")}. The downloads have more.`),
  ];
}

function programSection({ programs, citation }) {
  return [
    h("h3", {}, "Reproduce it"),
    h("p", { class: "muted" }, `These programs compute it from the file, without Meantime. They return: ${programs.computes.join(", ")}.`),
    programs.leaves_out.map((each) => h("p", { class: "muted" }, "Not computed by them: ", bdi(each[0].toLowerCase() + each.slice(1)))),
    [["Python", "numpy and pandas", programs.python], ["R", "base R", programs.r]].map(([name, packages, text]) =>
      h("details", {}, h("summary", {}, `${name} (${packages})`), snippet(`Program in ${name}`, text)),
    ),
    h("p", { class: "cite", dir: "auto" }, citation),
  ];
}
