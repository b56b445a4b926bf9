/**
 * The conclusion of a test in the server's words, with a symbol and a color that repeat it.
 */

import { bdi, h } from "./dom.js";

const STYLES = {
  better: ["●", "better"], worse: ["■", "worse"], above: ["▲", "worse"], below: ["▼", "better"], similar: ["=", "unclear"],
  "no clear difference": ["○", "unclear"], "not tested": ["?", "unclear"], reference: ["–", "unclear"],
  rising: ["↗", "changing"], falling: ["↘", "changing"], "no clear trend": ["→", "unclear"], "too few years": ["?", "unclear"],
};

/** @param {string} text */
export function conclusion(text) {
  const [symbol, style] = STYLES[text] ?? ["", "unclear"];
  return h("span", { class: `conclusion ${style}` }, h("span", { "aria-hidden": "true" }, `${symbol} `), bdi(text));
}
