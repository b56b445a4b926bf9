/**
 * What the numbers of a result are about, in a heading: no view shows a number without its group and year.
 */

import { h } from "./dom.js";
import { capitalized } from "./format.js";

const GROUPS = "groups of ";

/** "Obesity among women, 2023"; the title of the question while there is no result. */
export function titleOf(question, about) {
  if (!about) return question.title;
  return [capitalized(about.people.startsWith(GROUPS) ? `${about.topic} by ${asWords(about.people.slice(GROUPS.length))}` : about.title), about.years].filter(Boolean).join(", ");
}

/** A question by its short title, or in its own words where these are part of that. */
export const shortTitle = ({ text, title }) => (title.includes(text) ? text : title);

/** "Women, 2023": what stands over a chart. */
export function groupAndYears(about) {
  const people = about.people.startsWith(GROUPS) ? `by ${asWords(about.people.slice(GROUPS.length))}` : about.people;
  return capitalized([people, about.years].filter(Boolean).join(", "));
}

/** A name within a phrase: in lower case, unless it is an abbreviation. */
export const asWord = (name) => (/^.[A-Z]/.test(name) ? name : name.slice(0, 1).toLowerCase() + name.slice(1));

/** Names of categories within a phrase: "age, education, and race/ethnicity". */
const asWords = (names) => names.split(/(, and |, | and )/).map((each) => each.replace(/ \(years\)$/, "").replace(/\b[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase())).join("");

/** The option of the latest year says which year that is: "Latest year (2023)". */
export function nameLatestYear(container, about) {
  const option = container.querySelector('#years option[value="latest"]');
  if (option && option.selected && about?.years) option.textContent = `Latest year (${about.years})`;
}

/** The heading of a chart: "Women, 2023", and beside it what a reader can change about the chart. */
export function chartHead(about, ...tools) {
  return h("div", { class: "chart-head" }, about && h("h2", { class: "chart-title" }, groupAndYears(about)), h("div", { class: "chart-tools" }, tools));
}
