/**
 * The tabs of a question. Another one is a module here, and a row.
 *
 * A tab has
 * - ``id``: its name in the address; ``title``: its name on the page;
 * - ``statistic(state, question, dataset)``: which statistic it asks;
 * - ``chart(state, dataset)``: which of that statistic's charts it shows, for the pictures to be taken away; null for none;
 * - ``render(about)``: what it shows of the answer. ``about`` has ``state``, ``signal``, ``dataset`` (as the API describes it), ``question``
 *   (likewise), ``row`` (what the API says of the statistic), ``asked`` (what was asked), ``result`` (the answer) and ``why``
 *   (opens the explanation of a row).
 *
 * and, where it needs them,
 * - ``adds(about)``: parameters that it settles by itself, whatever the address says; undefined takes one away;
 * - ``controls(about)``: controls of its own, before the usual ones; ``hides``: parameters that are then not asked for;
 * - ``first(about)``: what is shown instead while something must be chosen first; null when nothing must;
 * - ``pictured(asked)``: what the picture is asked of, where that is another statistic than the numbers are.
 *
 * Header, controls, findings, warnings, downloads and problems are shown around it by ``views/question.js``.
 */

import { compare } from "./compare.js";
import { groups } from "./groups.js";
import { map } from "./map.js";
import { ranking } from "./ranking.js";
import { sensitivity } from "./sensitivity.js";
import { table } from "./table.js";
import { trend } from "./trend.js";

/**
 * @typedef {{state: any, signal: AbortSignal, dataset: any, question: any, row: any, asked: import("../ask.js").Asked, result: any,
 *   why: ((row: any, index: number) => void) | null}} About
 * @typedef {{id: string, title: string, statistic: (state: any, question: any, dataset: any) => string, chart: (state: any, dataset: any) => string|null,
 *   render: (about: About) => Promise<HTMLElement>, adds?: (about: any) => Record<string, unknown>,
 *   controls?: (about: any) => Array<HTMLElement|null|false>, hides?: string[], first?: (about: any) => HTMLElement|null,
 *   pictured?: (asked: import("../ask.js").Asked) => import("../ask.js").Asked}} Tab
 */

/** @type {Tab[]} */
export const TABS = [ranking, map, trend, groups, compare, sensitivity, table];
