/**
 * Why this number: how it came about, step by step, beside the very rows of the file that it rests on.
 */

import { get, getPage, query } from "./api.js";
import { h, put, theirs } from "./dom.js";
import { many, writer } from "./format.js";
import { facts, trouble } from "./parts.js";
import { adjust, one } from "./state.js";
import { table } from "./table.js";
import { files, snippet } from "./take.js";

const FORMS = [["csv", "CSV", "for anything"], ["xlsx", "Excel", "with columns explained"], ["parquet", "Parquet", "typed and small"]];

// As the API says what a column of the file was taken for.
const FROM_FILE = /^as in the file/;
const MADE_OF = /taken for (value|low|high|sample_size|footnote|footnote_symbol)$/;

/**
 * Return what opens the explanation of a row of an answer. ``rows`` is the path of the rows behind it, ``asked`` its query;
 * ``isInAddress``: whether the address says which row is explained, which it can of the answer of a view.
 * @param {{result: any, rows: string, asked: Record<string, unknown>, signal: AbortSignal, isInAddress?: boolean}} about
 * @returns {(row: any, index: number) => void}
 */
export function whyOf({ result, rows, asked, signal, isInAddress = false }) {
  const explanation = rows.replace(/rows$/, "explanation");
  return (row, index) => {
    const path = (suffix, more = {}) => `${rows}${suffix && `.${suffix}`}?${query({ ...asked, row: index, ...more })}`;
    const how = h("div", { class: "why-how" });
    const behind = h("div", { class: "why-rows" });
    const programs = h("div", { class: "why-programs" });
    const closed = open(title(result, row), [stands(result, row), h("div", { class: "why-beside" }, how, behind), programs], signal);
    if (isInAddress) adjust({ why: index });
    closed.then(() => isInAddress && !signal.aborted && adjust({ why: null }));
    load(how, signal, async () => {
      const made = await get(`${explanation}?${query({ ...asked, row: index })}`, { signal });
      put(programs, recomputed(made));
      return told(made);
    });
    load(behind, signal, async () => {
      const { body, next } = await getPage(path(""), { signal });
      return [shown(body, next !== null), files("Take these rows away", FORMS, (suffix) => path(suffix, { page_rows: 10000 }))];
    });
  };
}

/** Open the row that the address names, where the answer has it. */
export function reopen(state, result, why) {
  const index = Number(one(state.why) ?? NaN);
  if (result.rows[index]) why(result.rows[index], index);
}

/** Show a dialog over the page, and give the focus back to where it was. @returns {Promise<void>} when it is closed */
function open(heading, content, signal) {
  const before = document.activeElement;
  const dialog = h(
    "dialog",
    // Outside of its content is only what lies behind it.
    { class: "why", "aria-labelledby": "why-title", onclick: (event) => event.target === dialog && dialog.close() },
    h(
      "div",
      { class: "why-content" },
      h(
        "div",
        { class: "why-head" },
        h("h2", { id: "why-title", tabindex: -1, autofocus: true }, "Why this number? ", theirs(heading)),
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
      const isThere = before?.isConnected && before !== document.body;
      (isThere ? before : document.getElementById("main")).focus({ preventScroll: true });
      resolve();
    });
  });
}

async function load(place, signal, make) {
  put(place, h("p", { role: "status" }, "Looking it up ..."));
  try {
    put(place, await make());
  } catch (error) {
    if (!signal.aborted) put(place, trouble(error, () => load(place, signal, make)));
  }
}

function title(result, row) {
  const named = result.columns.filter((each) => each.kind === "text" && /location|category|stratum|period/.test(each.name));
  return named.map((each) => row[each.name]).filter(Boolean).join(", ");
}

/** The row as it stands in the answer; texts as long as a list of names are in the table. */
function stands(result, row) {
  const said = result.columns.filter(({ name }) => row[name] !== null && row[name] !== "" && String(row[name]).length < 60);
  return facts(said.map((column) => [column.name.replaceAll("_", " "), theirs(writer(column, [row[column.name]])(row[column.name]))]));
}

function told(made) {
  return [
    h("h3", {}, "How it came about"),
    h("ol", { class: "steps" }, made.steps.map(step)),
    made.warnings.map((each) => h("p", { class: "warning" }, theirs(each))),
    list("What is assumed", made.assumptions),
    list("Where the method is published", made.sources),
  ];
}

function step({ text, formula, numbers }) {
  // Those that were rounded, for whoever computes again: a rounded number is no proof.
  const rounded = Object.entries(numbers).filter(([, value]) => !`${text} ${formula ?? ""}`.includes(String(value)));
  const full = rounded.map(([name, value]) => `${name} = ${value}`).join(", ");
  return h("li", {}, h("p", {}, theirs(text)), formula && h("code", { class: "formula" }, theirs(formula)), full && h("p", { class: "soft full" }, "In full: ", h("code", {}, full)));
}

function list(heading, texts) {
  return texts.length > 0 && [h("h3", {}, heading), h("ul", { class: "points" }, texts.map((each) => h("li", {}, theirs(each))))];
}

function shown(found, hasMore) {
  // What is empty in all of them says nothing here; the files below have it.
  const said = found.columns.filter(({ name }) => found.rows.some((row) => row[name] !== null && row[name] !== ""));
  // What the number is made of stands before what it is about, which is the same in most of them.
  const [own, rest] = [said.filter((each) => !FROM_FILE.test(each.meaning)), said.filter((each) => FROM_FILE.test(each.meaning))];
  const columns = [...own, ...rest.filter((each) => MADE_OF.test(each.meaning)), ...rest.filter((each) => !MADE_OF.test(each.meaning))];
  return [
    h("h3", {}, "The rows of the file that it rests on"),
    found.notes.map((each) => h("p", { class: "soft" }, theirs(each))),
    table({ columns, rows: found.rows }, { caption: "Rows of the file", isInAddress: false }),
    hasMore && h("p", { class: "soft" }, `These are the first ${many(found.rows.length, "row")}; the files below have more.`),
  ];
}

function recomputed({ programs, citation }) {
  return [
    h("h3", {}, "Compute it again"),
    h("p", { class: "soft" }, `From the file, with nothing of Meantime. They give: ${programs.computes.join(", ")}.`),
    programs.leaves_out.map((each) => h("p", { class: "soft" }, theirs(each))),
    [["Python", "with numpy and pandas", programs.python], ["R", "base R", programs.r]].map(([name, needs, text]) =>
      h("details", {}, h("summary", {}, `${name}, ${needs}`), snippet(`Program in ${name}`, text)),
    ),
    h("p", { class: "cite", dir: "auto" }, citation),
  ];
}
