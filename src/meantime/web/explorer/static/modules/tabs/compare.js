/**
 * Two locations over all questions, verdict by verdict; or two questions across all locations.
 */

import { get, Problem } from "../api.js";
import { address } from "../ask.js";
import { aggregate, choiceFirst, chooseOne, chooseView, known, locationNames } from "../choosing.js";
import { h, theirs } from "../dom.js";
import { drawn } from "../drawn.js";
import { writing } from "../format.js";
import { all, changed, one } from "../state.js";
import { verdict } from "../verdict.js";
import { whyOf } from "../why.js";

// Questions asked at a time: a page leaves a server room for others.
const AT_A_TIME = 6;
// More would be a wall. They are asked when somebody wants them.
const FIRST_QUESTIONS = 30;

const isOfQuestions = (state) => known(state.compare, ["locations", "questions"], "locations") === "questions";

/** @type {import("./index.js").Tab} */
export const compare = {
  id: "compare",
  title: "Compare",
  chart: (state) => (isOfQuestions(state) ? "scatter" : null),
  statistic: (state) => (isOfQuestions(state) ? "association" : "comparison"),
  hides: ["locations", "reference", "other", "show", "margin", "shares", "contains"],

  controls: ({ state, dataset, question }) => [
    chooseView({ label: "Compare", name: "compare", chosen: isOfQuestions(state) ? "questions" : "locations", options: [["locations", "Two locations"], ["questions", "Two questions"]] }),
    ...(isOfQuestions(state) ? [other(state, dataset, question)] : [place(state, dataset), against(state, dataset)]),
  ],

  first({ state, dataset, question }) {
    if (isOfQuestions(state)) {
      if (dataset.questions.length < 2) return choiceFirst("There is one question only", "To compare two, the table must have two.");
      if (!one(state.other)) return choiceFirst("With which question?", "Choose another question: each location is then a dot by both.", questions(dataset, question));
      return null;
    }
    if (!all(state.locations).length) return choiceFirst("Which location?", "Choose a location to see it beside another over every question of this table.");
    const reference = one(state.reference) ?? aggregate(dataset);
    if (!reference || reference === all(state.locations)[0]) return choiceFirst("Beside which other location?", "Choose a second location under Beside: one is not compared with itself.");
    return null;
  },

  adds({ state, dataset }) {
    if (isOfQuestions(state)) return { show: "locations", locations: ["all"] };
    return { locations: [all(state.locations)[0]], reference: one(state.reference) ?? aggregate(dataset) };
  },

  render: (about) => (isOfQuestions(about.state) ? scattered(about) : profiled(about)),
};

function place(state, dataset) {
  return chooseOne({ id: "location", label: "Location", name: "locations", chosen: all(state.locations)[0] ?? "", options: [["", "choose"], ...locationNames(dataset).map((name) => [name, name])] });
}

function against(state, dataset) {
  const whole = aggregate(dataset);
  return chooseOne({
    id: "reference", label: "Beside", name: "reference", chosen: one(state.reference) ?? "",
    options: [["", whole ?? "choose"], ...locationNames(dataset).filter((name) => name !== whole).map((name) => [name, name])],
  });
}

const others = (dataset, question) => dataset.questions.map((each) => each.text).filter((text) => text !== question.text);

function other(state, dataset, question) {
  return chooseOne({ id: "other", label: "With", name: "other", chosen: one(state.other) ?? "", options: [["", "choose a question"], ...others(dataset, question).map((text) => [text, text])] });
}

function questions(dataset, question) {
  return h("ul", { class: "links" }, others(dataset, question).map((text) => h("li", {}, h("a", { href: changed({ other: text }) }, theirs(text)))));
}

function scattered(about) {
  const { result, why } = about;
  const write = writing(result);
  const name = (each) => result.columns.find((column) => column.name === each).meaning;
  return drawn(about, {
    name: "scatter",
    told: (index) => {
      const row = result.rows[index];
      return h(
        "p",
        {},
        h("strong", {}, theirs(row.location)),
        ": ",
        [["estimate", "low", "high"], ["other_estimate", "other_low", "other_high"]].map(([value, low, high], at) => [at ? "; " : "", theirs(name(value)), `: ${write.estimate(row, value, low, high)}`]),
        ". ",
        why && h("button", { type: "button", class: "button small", onclick: () => why(row, index) }, "Why this number?"),
      );
    },
    prompt: "Point at a dot, or choose a location, to see both of its values.",
  });
}

/** This question first, as it is the one that one looks at, then all others, each with the years that it has. */
async function profiled(about) {
  const { dataset, question, asked, result, signal } = about;
  const [location] = asked.parameters.locations;
  const body = h("tbody", {}, line(about, question.text, asked, result));
  const count = h("p", { class: "soft", role: "status" });
  const left = others(dataset, question);
  const more = h("button", { type: "button", class: "button", onclick: () => load(left.length) }, "Compare them on all questions");

  async function load(number) {
    more.hidden = true;
    const total = dataset.questions.length;
    for (let next = left.splice(0, AT_A_TIME), done = 0; next.length; next = done < number ? left.splice(0, AT_A_TIME) : []) {
      const lines = await Promise.all(next.map((text) => answered(about, text)));
      if (signal.aborted) return;
      body.append(...lines);
      done += next.length;
      count.textContent = `${total - left.length} of ${total} questions compared`;
    }
    more.hidden = left.length === 0;
  }
  load(FIRST_QUESTIONS);

  return h(
    "section",
    { "aria-labelledby": "by-question" },
    h("h2", { id: "by-question" }, theirs(location), " beside ", theirs(asked.parameters.reference), ", question by question"),
    h("p", { class: "soft" }, "Each verdict is of its question alone, at 5%: of twenty questions in which nothing differs, one is told as different by chance. Each question has its own latest year."),
    count,
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Verdict by question" },
      h(
        "table",
        { class: "data by-question" },
        h("caption", { class: "hidden" }, "Verdict by question"),
        h("thead", {}, h("tr", {}, ["Question", "Verdict", location, asked.parameters.reference, "Difference (95% CI)"].map((each, at) => h("th", { scope: "col", class: at > 1 && "number" }, theirs(each))), h("th", { scope: "col" }, h("span", { class: "hidden" }, "Why this number")))),
        body,
      ),
    ),
    more,
  );
}

/** The line of another question: its answer, or why there is none. */
async function answered(about, text) {
  const { asked, signal } = about;
  const ofText = { ...asked, parameters: { ...asked.parameters, question: text } };
  try {
    return line(about, text, ofText, await get(address(ofText), { signal }));
  } catch (error) {
    if (!(error instanceof Problem)) return h("tr");
    return h("tr", {}, h("th", { scope: "row" }, theirs(text)), h("td", { colspan: 5, class: "missing" }, theirs(error.detail)));
  }
}

function line({ signal }, text, asked, result) {
  const [row] = result.rows;
  if (!row) return h("tr", {}, h("th", { scope: "row" }, theirs(text)), h("td", { colspan: 5, class: "missing" }, theirs(result.warnings.join(" "))));
  const write = writing(result);
  const why = whyOf({ result, rows: `/v1/statistics/${asked.statistic}/rows`, asked: { dataset: asked.dataset, ...asked.parameters }, signal });
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("a", { href: changed({ question: text, tab: "map", colour: "verdict", highlight: row.location }) }, theirs(text)), h("span", { class: "soft block" }, theirs(result.notes.find((each) => each.startsWith("Year")) ?? ""))),
    h("td", {}, verdict(row.verdict)),
    h("td", { class: "number" }, write(row, "estimate")),
    h("td", { class: "number" }, write(row, "reference_estimate")),
    h("td", { class: "number" }, write(row, "difference"), h("span", { class: "soft block" }, write.range(row, "difference_low", "difference_high"))),
    h("td", {}, h("button", { type: "button", class: "button small", "aria-label": `Why this number: ${text}`, onclick: () => why(row, 0) }, "Why?")),
  );
}
