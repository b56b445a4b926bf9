/**
 * Any number of places beside one of them, a place and the nation on every question, or two questions across all places.
 */

import { get, getText, Problem, save } from "../api.js";
import { explainButton, problemMessage, scrollable } from "../components.js";
import { conclusion } from "../conclusion.js";
import { bdi, h } from "../dom.js";
import { explainer } from "../explanation.js";
import { writing } from "../format.js";
import { asWord, groupAndYears } from "../heading.js";
import { linkedChart } from "../linked-chart.js";
import { aggregateLocation, choiceNeeded, oneOf, optionPicker, referencePicker } from "../pickers.js";
import { resultUrl, sourceOf } from "../request.js";
import { addressWith, allOf, firstOf } from "../state.js";
import { yearSlider } from "../years.js";

// Requests at a time, which leaves the server capacity for others.
const AT_A_TIME = 6;
// More questions are compared when the reader asks for them.
const FIRST_QUESTIONS = 30;

const isOfQuestions = (state) => oneOf(state.compare, ["locations", "questions"], "locations") === "questions";

/** The chosen places, and the one that the others are compared with: of several the first, of one alone the nation. */
function chosen(state, dataset) {
  const places = allOf(state.locations).filter((name) => name !== "all");
  const reference = firstOf(state.reference) ?? (places.length > 1 ? places[0] : aggregateLocation(dataset));
  return { places, reference, others: places.filter((name) => name !== reference) };
}

/** @type {import("./index.js").Tab} */
export const compare = {
  id: "compare",
  title: "Compare",
  chart: (state, dataset) => (isOfQuestions(state) ? "scatter" : chosen(state, dataset).others.length > 1 ? "comparison" : null),
  statistic: (state) => (isOfQuestions(state) ? "association" : "comparison"),
  hides: ["reference", "other", "show", "margin", "shares", "contains"],
  placesFirst: (state) => !isOfQuestions(state),
  noPlaces: ({ state }) => (isOfQuestions(state) ? "All places" : "Type a place"),

  controls: ({ state, dataset, question }) => [
    h(
      "div",
      { class: "control", role: "group", "aria-label": "Compare" },
      h("span", { class: "buttons" }, switches(state)),
    ),
    isOfQuestions(state) ? otherQuestionPicker(state, dataset, question) : allOf(state.locations).length > 0 && referencePicker(state, dataset, chosen({ ...state, reference: undefined }, dataset).reference),
  ],

  prerequisite({ state, dataset, question }) {
    if (isOfQuestions(state)) {
      if (dataset.questions.length < 2) return choiceNeeded("Only one question", "This data set has no second question to compare with.");
      if (!firstOf(state.other)) return choiceNeeded("Which other question?", "Each place becomes a dot, placed by its values for both questions.", questionLinks(dataset, question));
      return null;
    }
    const { places, reference, others } = chosen(state, dataset);
    if (!places.length) return choiceNeeded("Which places?", "Type the name of a place above and press Enter; then the next one. One place alone is compared with the whole on every question.");
    if (!reference || !others.length) return choiceNeeded("Which other place?", "Add a place above, or choose another one under “Compare with”.");
    return null;
  },

  adds({ state, dataset }) {
    if (isOfQuestions(state)) return { show: "locations", locations: allOf(state.locations).length ? allOf(state.locations) : ["all"] };
    const { others, reference } = chosen(state, dataset);
    return { locations: others, reference };
  },

  heading: ({ state, dataset, question, result }) => (isOfQuestions(state) ? titleOfBoth(question, dataset.questions.find((each) => each.text === firstOf(state.other)), result.about) : null),

  files: (context) => (isOfQuestions(context.state) || chosen(context.state, context.dataset).others.length > 1 ? null : everyQuestion(context)),

  render(context) {
    if (isOfQuestions(context.state)) return scatterPlot(context);
    return chosen(context.state, context.dataset).others.length > 1 ? placesBesideOne(context) : questionTable(context);
  },
};

/** "Obesity and leisure-time inactivity among women, 2023". */
function titleOfBoth(one, other, about) {
  return `${one.title} and ${asWord(other.title)}${about.people ? ` among ${about.people}` : ""}${about.years ? `, ${about.years}` : ""}`;
}

function switches(state) {
  const option = (value, text) => h("a", { class: "chip", id: `compare-${value}`, href: addressWith({ compare: value }), "aria-current": isOfQuestions(state) === (value === "questions") && "true" }, text);
  return [option("locations", "Places"), h("a", { class: "chip", id: "compare-groups", href: addressWith({ tab: "groups", compare: null }) }, "Groups"), option("questions", "Questions")];
}

/** Several places beside one: the differences as a chart, and all numbers as a table. */
async function placesBesideOne(context) {
  const { result, explain } = context;
  const write = writing(result);
  const figure = await linkedChart(context, {
    name: "comparison",
    describe: (index) => differenceSentence(context, result.rows[index]),
    tools: [yearSlider(context)],
  });
  const [{ reference }] = result.rows;
  const headings = ["Place", "Value", `Difference from ${reference} (95% CI)`, "Result", ""];
  const row = (each, index) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, bdi(each.location)),
      h("td", { class: "number" }, write(each, "estimate")),
      h("td", { class: "number" }, write(each, "difference", false), " (", write.range(each, "difference_low", "difference_high"), ")"),
      h("td", {}, conclusion(each.verdict)),
      h("td", {}, explainButton(explain, each, index, "Why?", `Why this number: ${each.location}`)),
    );
  return h(
    "div",
    {},
    figure,
    scrollable(
      "Places compared",
      h(
        "table",
        { class: "data" },
        h("caption", { class: "hidden" }, "Places compared"),
        h("thead", {}, h("tr", {}, headings.map((each, at) => (each ? h("th", { scope: "col", class: at > 0 && at < 3 && "number" }, bdi(each)) : h("th", { scope: "col" }, h("span", { class: "hidden" }, "Why this number")))))),
        h(
          "tbody",
          {},
          h("tr", {}, h("th", { scope: "row" }, bdi(reference)), h("td", { class: "number" }, write(result.rows[0], "reference_estimate")), h("td", { class: "number missing" }, "–"), h("td", {}, conclusion("reference")), h("td", {})),
          result.rows.map(row),
        ),
      ),
    ),
  );
}

function differenceSentence({ result, explain }, row) {
  const write = writing(result);
  return h(
    "p",
    {},
    h("strong", {}, bdi(row.location)),
    `: ${write(row, "estimate")}, ${row.reference} ${write(row, "reference_estimate")}; difference ${write.estimate(row, "difference", "difference_low", "difference_high")}. `,
    conclusion(row.verdict),
    " ",
    explainButton(explain, row, result.rows.indexOf(row)),
  );
}

const otherQuestions = (dataset, question) => dataset.questions.filter((each) => each.text !== question.text);

function otherQuestionPicker(state, dataset, question) {
  return optionPicker({ id: "other", label: "Compare with", name: "other", selected: firstOf(state.other) ?? "", options: [["", "Choose a question"], ...otherQuestions(dataset, question).map((each) => [each.text, each.title])] });
}

function questionLinks(dataset, question) {
  return h("ul", { class: "links" }, otherQuestions(dataset, question).map((each) => h("li", {}, h("a", { href: addressWith({ other: each.text }), title: each.text }, bdi(each.title)))));
}

function scatterPlot(context) {
  const { result, explain } = context;
  const write = writing(result);
  const name = (each) => result.columns.find((column) => column.name === each).meaning;
  return linkedChart(context, {
    name: "scatter",
    describe: (index) => {
      const row = result.rows[index];
      return h(
        "p",
        {},
        h("strong", {}, bdi(row.location)),
        ": ",
        [["estimate", "low", "high"], ["other_estimate", "other_low", "other_high"]].map(([value, low, high], at) => [at ? "; " : "", bdi(name(value)), `: ${write.estimate(row, value, low, high)}`]),
        ". ",
        explainButton(explain, row, index),
      );
    },
    prompt: "Point at a dot or pick a place to see both of its values.",
    tools: [yearSlider(context)],
  });
}

/** The question of this page first, then all others, each in the latest year that it has. */
async function questionTable(context) {
  const { dataset, question, request, result, signal } = context;
  const { locations: [location], reference } = request.parameters;
  const body = h("tbody", {}, tableRow(context, question.text, request, result));
  const count = h("p", { class: "muted", role: "status" });
  const remaining = otherQuestions(dataset, question).map((each) => each.text);
  const more = h("button", { type: "button", class: "button", onclick: () => load(remaining.length) }, "Compare on all questions");

  async function load(number) {
    more.hidden = true;
    const total = dataset.questions.length;
    for (let next = remaining.splice(0, AT_A_TIME), done = 0; next.length; next = done < number ? remaining.splice(0, AT_A_TIME) : []) {
      const rows = await Promise.all(next.map((text) => fetchedRow(context, text)));
      if (signal.aborted) return;
      body.append(...rows);
      done += next.length;
      count.textContent = `${total - remaining.length} of ${total} questions compared`;
    }
    more.hidden = remaining.length === 0;
  }
  load(FIRST_QUESTIONS);

  const headings = ["Question", "Result", location, reference, "Difference (95% CI)"];
  return h(
    "section",
    { "aria-labelledby": "by-question" },
    h("h2", { id: "by-question" }, bdi(location), " compared with ", bdi(reference), ", by question"),
    h("p", { class: "muted" }, "Each question is tested on its own at the 5% level: of 20 questions without any difference, about one appears different by chance. Each question uses its own latest year."),
    count,
    scrollable(
      "Results by question",
      h(
        "table",
        { class: "data by-question" },
        h("caption", { class: "hidden" }, "Results by question"),
        h("thead", {}, h("tr", {}, headings.map((each, at) => h("th", { scope: "col", class: at > 1 && "number" }, bdi(each))), h("th", { scope: "col" }, h("span", { class: "hidden" }, "Why this number")))),
        body,
      ),
    ),
    more,
  );
}

/** What the table of questions shows, as one file: each row of the files of its questions says what it is about. */
function everyQuestion({ dataset, question, request, signal }) {
  const { locations: [location], reference } = request.parameters;
  const button = h("button", { type: "button", class: "file", onclick: write }, h("strong", {}, "CSV"), h("span", { class: "muted" }, "a row for each question"));

  async function write() {
    button.disabled = true;
    const texts = [question, ...otherQuestions(dataset, question)].map((each) => each.text);
    const made = [];
    try {
      while (texts.length) made.push(...(await Promise.all(texts.splice(0, AT_A_TIME).map((text) => csvOf(request, text, signal)))));
      const lines = made.filter(Boolean).map((text, at) => (at ? text.slice(text.indexOf("\n") + 1) : text));
      save(new Blob(lines, { type: "text/csv" }), `${fileName(`${location} ${reference}`)}-all-questions.csv`);
    } catch (error) {
      if (!signal.aborted) button.after(problemMessage(error));
    }
    button.disabled = false;
  }
  return h("div", {}, h("h3", {}, "All questions"), h("div", { class: "files" }, button));
}

/** The comparison of one question as CSV; null where the places have no values of it. */
async function csvOf(request, text, signal) {
  try {
    return await getText(resultUrl({ ...request, parameters: { ...request.parameters, question: text } }, { suffix: "csv" }), { signal });
  } catch (error) {
    if (error.code === "request-invalid") return null;
    throw error;
  }
}

const fileName = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");

/** The row of another question: its result, or why there is none. */
async function fetchedRow(context, text) {
  const request = { ...context.request, parameters: { ...context.request.parameters, question: text } };
  try {
    return tableRow(context, text, request, await get(resultUrl(request), { signal: context.signal }));
  } catch (error) {
    if (!(error instanceof Problem)) return h("tr");
    return h("tr", {}, h("th", { scope: "row" }, bdi(titleIn(context.dataset, text))), h("td", { colspan: 5, class: "missing" }, bdi(error.detail)));
  }
}

const titleIn = (dataset, text) => dataset.questions.find((each) => each.text === text).title;

function tableRow({ dataset, signal }, text, request, result) {
  const [row] = result.rows;
  if (!row) return h("tr", {}, h("th", { scope: "row" }, bdi(titleIn(dataset, text))), h("td", { colspan: 5, class: "missing" }, bdi(result.warnings.join(" "))));
  const write = writing(result);
  const explain = explainer({ result, ...sourceOf(request), signal });
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("a", { href: addressWith({ question: text, tab: "map", colour: "verdict", highlight: row.location }), title: text }, bdi(titleIn(dataset, text))), h("span", { class: "muted block" }, bdi(groupAndYears(result.about)))),
    h("td", {}, conclusion(row.verdict)),
    h("td", { class: "number" }, write(row, "estimate")),
    h("td", { class: "number" }, write(row, "reference_estimate")),
    h("td", { class: "number" }, write(row, "difference"), h("span", { class: "muted block" }, write.range(row, "difference_low", "difference_high"))),
    h("td", {}, explainButton(explain, row, 0, "Why?", `Why this number: ${text}`)),
  );
}
