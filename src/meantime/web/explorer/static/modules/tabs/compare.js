/**
 * Two locations on all questions, or two questions across all locations.
 */

import { get, Problem } from "../api.js";
import { conclusion } from "../conclusion.js";
import { bdi, h } from "../dom.js";
import { explainer } from "../explanation.js";
import { writing } from "../format.js";
import { linkedChart } from "../linked-chart.js";
import { aggregateLocation, choiceNeeded, locationNames, oneOf, optionPicker, referencePicker, switchPicker } from "../pickers.js";
import { resultUrl, sourceOf } from "../request.js";
import { addressWith, allOf, firstOf } from "../state.js";

// Requests at a time, which leaves the server capacity for others.
const AT_A_TIME = 6;
// More questions are compared when the reader asks for them.
const FIRST_QUESTIONS = 30;

const isOfQuestions = (state) => oneOf(state.compare, ["locations", "questions"], "locations") === "questions";

/** @type {import("./index.js").Tab} */
export const compare = {
  id: "compare",
  title: "Compare",
  chart: (state) => (isOfQuestions(state) ? "scatter" : null),
  statistic: (state) => (isOfQuestions(state) ? "association" : "comparison"),
  hides: ["locations", "reference", "other", "show", "margin", "shares", "contains"],

  controls: ({ state, dataset, question }) => [
    switchPicker({ label: "Compare", name: "compare", selected: isOfQuestions(state) ? "questions" : "locations", options: [["locations", "Two locations"], ["questions", "Two questions"]] }),
    ...(isOfQuestions(state) ? [otherQuestionPicker(state, dataset, question)] : [singleLocationPicker(state, dataset), referencePicker(state, dataset)]),
  ],

  prerequisite({ state, dataset, question }) {
    if (isOfQuestions(state)) {
      if (dataset.questions.length < 2) return choiceNeeded("Only one question", "This data set has no second question to compare with.");
      if (!firstOf(state.other)) return choiceNeeded("Choose a question to compare with", "Each location becomes a dot, placed by its values for both questions.", questionLinks(dataset, question));
      return null;
    }
    if (!allOf(state.locations).length) return choiceNeeded("Choose a location", "It is compared with another one on every question of this data set.");
    const reference = firstOf(state.reference) ?? aggregateLocation(dataset);
    if (!reference || reference === allOf(state.locations)[0]) return choiceNeeded("Choose a second location", "Choose a different location under “Compare with”.");
    return null;
  },

  adds({ state, dataset }) {
    if (isOfQuestions(state)) return { show: "locations", locations: ["all"] };
    return { locations: [allOf(state.locations)[0]], reference: firstOf(state.reference) ?? aggregateLocation(dataset) };
  },

  render: (context) => (isOfQuestions(context.state) ? scatterPlot(context) : questionTable(context)),
};

function singleLocationPicker(state, dataset) {
  return optionPicker({ id: "location", label: "Location", name: "locations", selected: allOf(state.locations)[0] ?? "", options: [["", "Choose one"], ...locationNames(dataset)] });
}

const otherQuestions = (dataset, question) => dataset.questions.map((each) => each.text).filter((text) => text !== question.text);

function otherQuestionPicker(state, dataset, question) {
  return optionPicker({ id: "other", label: "Compare with", name: "other", selected: firstOf(state.other) ?? "", options: [["", "Choose a question"], ...otherQuestions(dataset, question)] });
}

function questionLinks(dataset, question) {
  return h("ul", { class: "links" }, otherQuestions(dataset, question).map((text) => h("li", {}, h("a", { href: addressWith({ other: text }) }, bdi(text)))));
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
        explain && h("button", { type: "button", class: "button small", onclick: () => explain(row, index) }, "Why this number?"),
      );
    },
    prompt: "Hover over a dot or pick a location to see both of its values.",
  });
}

/** The question of this page first, then all others, each in the latest year that it has. */
async function questionTable(context) {
  const { dataset, question, request, result, signal } = context;
  const { locations: [location], reference } = request.parameters;
  const body = h("tbody", {}, tableRow(context, question.text, request, result));
  const count = h("p", { class: "muted", role: "status" });
  const remaining = otherQuestions(dataset, question);
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
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Results by question" },
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

/** The row of another question: its result, or why there is none. */
async function fetchedRow(context, text) {
  const request = { ...context.request, parameters: { ...context.request.parameters, question: text } };
  try {
    return tableRow(context, text, request, await get(resultUrl(request), { signal: context.signal }));
  } catch (error) {
    if (!(error instanceof Problem)) return h("tr");
    return h("tr", {}, h("th", { scope: "row" }, bdi(text)), h("td", { colspan: 5, class: "missing" }, bdi(error.detail)));
  }
}

function tableRow({ signal }, text, request, result) {
  const [row] = result.rows;
  if (!row) return h("tr", {}, h("th", { scope: "row" }, bdi(text)), h("td", { colspan: 5, class: "missing" }, bdi(result.warnings.join(" "))));
  const write = writing(result);
  const explain = explainer({ result, ...sourceOf(request), signal });
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("a", { href: addressWith({ question: text, tab: "map", colour: "verdict", highlight: row.location }) }, bdi(text)), h("span", { class: "muted block" }, bdi(result.notes.find((each) => each.startsWith("Year")) ?? ""))),
    h("td", {}, conclusion(row.verdict)),
    h("td", { class: "number" }, write(row, "estimate")),
    h("td", { class: "number" }, write(row, "reference_estimate")),
    h("td", { class: "number" }, write(row, "difference"), h("span", { class: "muted block" }, write.range(row, "difference_low", "difference_high"))),
    h("td", {}, h("button", { type: "button", class: "button small", "aria-label": `Why this number: ${text}`, onclick: () => explain(row, 0) }, "Why?")),
  );
}
