/**
 * The pages of places: their addresses, links to them, and a field that leads to one by typing its name and Enter.
 */

import { bdi, h } from "./dom.js";
import { combobox } from "./names.js";
import { navigate, writeAddress } from "./state.js";

/** The address of a place's page. */
export const placeAddress = (dataset, location) => writeAddress({ view: "place", dataset, location });

/** "All about Ohio". */
export const placeLink = (dataset, location) => h("a", { class: "about-place", href: placeAddress(dataset, location) }, "All about ", bdi(location));

/**
 * A field for the places of one or several data sets.
 * @param {{label: string, datasets: any[], selected?: string}} options ``selected``: the place that it shows
 */
export function placePicker({ label, datasets, selected = "" }) {
  const isOne = datasets.length === 1;
  // The addresses are written when one is chosen: there may be ten thousands of places.
  const valueOf = (at, name) => `${at} ${name}`;
  const pairs = datasets.flatMap((each, at) => each.locations.map(({ name }) => [valueOf(at, name), isOne ? name : `${name} · ${each.title}`]));
  const onchange = (value) => {
    const [, at, name] = /^(\d+) (.*)$/s.exec(value) ?? [];
    if (name !== undefined) navigate(placeAddress(datasets[Number(at)].name, name));
  };
  const field = combobox({ id: "place", pairs, selected: selected && valueOf(0, selected), placeholder: "Type a place, such as: Ohio", onchange });
  return h("div", { class: "control place-picker" }, h("label", { class: "label", for: "place" }, label), field.element);
}
