/**
 * A verdict as the server words it, with a sign and a colour that say the same.
 */

import { h, theirs } from "./dom.js";

const LOOKS = {
  better: ["●", "better"], worse: ["■", "worse"], above: ["▲", "worse"], below: ["▼", "better"], similar: ["=", "unclear"],
  "no clear difference": ["○", "unclear"], "not tested": ["?", "unclear"], reference: ["–", "unclear"],
  rising: ["↗", "moves"], falling: ["↘", "moves"], "no clear trend": ["→", "unclear"], "too few years": ["?", "unclear"],
};

/** @param {string} word */
export function verdict(word) {
  const [sign, look] = LOOKS[word] ?? ["", "unclear"];
  return h("span", { class: `verdict ${look}` }, h("span", { "aria-hidden": "true" }, `${sign} `), theirs(word));
}
