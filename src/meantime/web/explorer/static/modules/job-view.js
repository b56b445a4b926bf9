/**
 * What a job is about, for readers: its question, and the view of this page that shows its answer.
 */

import { capitalized } from "./format.js";
import { writeAddress } from "./state.js";

// Jobs of this page are found again by such a label; it is no text for readers.
export const OWN_LABEL = "Explorer: ";
// The tab that shows a statistic; all others are tables.
const TABS = { ranking: "ranking", trend: "trend", sensitivity: "sensitivity", gap_ranking: "groups" };

/** The label that somebody gave it; "" without one. */
export const givenLabel = (job) => (job.label && !job.label.startsWith(OWN_LABEL) ? job.label : "");

/** "Gap ranking: Percent of adults who nap". */
export function jobTitle(job) {
  return [capitalized(job.statistic.replaceAll("_", " ")), job.parameters.question].filter(Boolean).join(": ");
}

/** The address of the view with its request; null where it is about no question. */
export function viewOf(job) {
  if (typeof job.parameters.question !== "string") return null;
  const { locations, years, ...rest } = job.parameters;
  const places = JSON.stringify(locations) === '["all"]' ? {} : { locations };
  const when = years === "latest" || job.statistic === "trend" ? {} : { years };
  const tab = TABS[job.statistic] ? { tab: TABS[job.statistic] } : { tab: "table", of: job.statistic };
  return writeAddress({ ...rest, ...places, ...when, view: "question", dataset: job.dataset, ...tab });
}
