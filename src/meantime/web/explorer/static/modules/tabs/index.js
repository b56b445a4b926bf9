/**
 * The tabs of a question. Another one is a module here, and a row.
 *
 * A tab has
 * - ``id``: its name in the address; ``title``: its name on the page;
 * - ``statistic(state, question)``: which statistic it asks;
 * - ``chart``: which of that statistic's charts it shows, for the pictures to be taken away; null for none;
 * - ``render(about)``: what it shows of the answer. ``about`` has ``state``, ``signal``, ``dataset`` (as the API describes it), ``question``
 *   (likewise), ``row`` (what the API says of the statistic), ``asked`` (what was asked), ``result`` (the answer) and ``why``
 *   (opens the explanation of a row).
 *
 * Header, controls, findings, warnings, downloads and problems are shown around it by ``views/question.js``.
 */

import { ranking } from "./ranking.js";
import { table } from "./table.js";

/**
 * @typedef {{state: any, signal: AbortSignal, dataset: any, question: any, row: any, asked: import("../ask.js").Asked, result: any,
 *   why: ((row: any, index: number) => void) | null}} About
 * @typedef {{id: string, title: string, statistic: (state: any, question: any) => string, chart: string|null, render: (about: About) => Promise<HTMLElement>}} Tab
 */

/** @type {Tab[]} */
export const TABS = [ranking, table];
