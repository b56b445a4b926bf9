/**
 * How far a server has read a file, and waiting until it has.
 */

import { progressBar } from "./components.js";
import { many } from "./format.js";

// How often it is asked.
const POLL_MS = 500;

// For the phases whose name in the API's documents would need an explanation.
const SHOWN_PHASES = { looking: "examining", "rolling up": "aggregating" };

/** How far the reading of a data set has come. */
export function loading(dataset) {
  const { phase } = dataset.reading;
  const rows = dataset.reading.rows === null ? "" : `, ${many(dataset.reading.rows, "row")}`;
  return progressBar(`${dataset.status === "ready" ? "Reloading" : "Loading"}: ${SHOWN_PHASES[phase] ?? phase}${rows}`, dataset.reading.share);
}

/** Ask again and again until the answer is that it is over, or the page is left. @param {() => Promise<boolean>} isOver */
export async function poll(isOver, signal) {
  do {
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  } while (!signal.aborted && !(await isOver()));
}
