/**
 * The years of a question: which single years there are, and a slider through them.
 */

import { h } from "./dom.js";
import { addressWith, firstOf, navigate } from "./state.js";

/** The single years that a question may have, earliest first. */
export function singleYears(dataset, question) {
  const within = (year) => !question.years || (year >= question.years.first && year <= question.years.last);
  const years = dataset.periods.filter((each) => each.first === each.last && within(each.first)).map((each) => each.first);
  return [...new Set(years)].toSorted((a, b) => a - b);
}

/** A slider through the single years; nothing where there are not several, or where the result is about several. */
export function yearSlider({ state, dataset, question, result }) {
  const years = singleYears(dataset, question);
  const at = years.indexOf(Number(firstOf(state.years) ?? result.about?.years));
  if (years.length < 2 || at < 0) return null;
  const shown = h("output", { class: "year", for: "year" }, String(years[at]));
  const slider = h("input", {
    type: "range", id: "year", min: 0, max: years.length - 1, step: 1, value: at, "aria-label": "Year", "aria-valuetext": String(years[at]),
    oninput: () => {
      shown.textContent = String(years[slider.value]);
      slider.setAttribute("aria-valuetext", shown.textContent);
    },
    onchange: () => navigate(addressWith({ years: String(years[slider.value]) })),
  });
  return h("span", { class: "slider" }, shown, h("span", { class: "muted", "aria-hidden": "true" }, years[0]), slider, h("span", { class: "muted", "aria-hidden": "true" }, years.at(-1)));
}
