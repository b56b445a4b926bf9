/**
 * The tabs of a question. Another one is a module here, and a row.
 *
 * A tab has
 * - ``id``: its name in the address; ``title``: its name on the page;
 * - ``statistic(state)``: which statistic it asks;
 * - ``chart``: whether that statistic has one;
 * - ``render(about)``: what it shows of the answer. ``about`` has ``state``, ``signal``, ``dataset`` (as the API describes it), ``question``
 *   (likewise), ``row`` (what the API says of the statistic), ``asked`` (what was asked), ``result`` (the answer) and ``why``
 *   (opens the explanation of a row).
 *
 * Header, controls, findings, warnings, downloads and problems are shown around it by ``views/question.js``.
 */

import { table } from "./table.js";

/**
 * @typedef {{state: any, signal: AbortSignal, dataset: any, question: any, row: any, asked: import("../ask.js").Asked, result: any,
 *   why: ((row: any, index: number) => void) | null}} About
 * @typedef {{id: string, title: string, statistic: (state: any) => string, chart: boolean, render: (about: About) => Promise<HTMLElement>}} Tab
 */

/** @type {Tab[]} */
export const TABS = [table];
