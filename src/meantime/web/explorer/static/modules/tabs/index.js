/**
 * The tabs of a question. A new one is a module here, and an entry in TABS.
 *
 * A tab has
 * - ``id``: its name in the address; ``title``: its name on the page;
 * - ``statistic(state, question, dataset)``: which statistic it requests;
 * - ``chart(state, dataset)``: which of that statistic's charts it shows, for downloads; null for none, undefined for its usual one;
 * - ``render(context)``: the element that shows the result. ``context`` has ``state``, ``signal``, ``dataset`` and ``question`` (as
 *   the API describes them), ``row`` (the API's description of the statistic), ``request``, ``result`` and ``explain`` (opens the
 *   explanation of a row) and ``onprogress`` (shows the progress of a job meanwhile).
 *
 * and, where it needs them,
 * - ``adds(context)``: parameters that it sets itself, whatever the address has; undefined removes one;
 * - ``controls(context)``: its own controls (or a promise of them), before the usual ones; ``hides``: parameters that then have no control;
 * - ``prerequisite(context)``: shown instead while something must be chosen first; null when nothing must;
 * - ``chartRequest(request)``: the request of its chart, where that is for another statistic than the numbers;
 * - ``heading(context)``: the title of the view, where it is not that of the result;
 * - ``findings(context)``: the sentences that come first (``lead``) and those below (``also``), where that is not the first finding and
 *   the others; may be a promise;
 * - ``placesFirst(state)``: whether the control of places has a row of its own, above the others;
 * - ``files(context)``: files that it makes itself, among the downloads; null for none;
 * - ``instead(context, problem)``: what could be chosen instead, where there is nothing to show for the choices; null for no idea;
 * - ``noPlaces(context)``: what is shown while no place is chosen, as the control of places says it.
 *
 * ``views/question.js`` shows header, controls, findings, warnings, downloads and problems around it.
 */

import { compare } from "./compare.js";
import { groups } from "./groups.js";
import { map } from "./map.js";
import { ranking } from "./ranking.js";
import { sensitivity } from "./sensitivity.js";
import { table } from "./table.js";
import { trend } from "./trend.js";

/**
 * @typedef {{state: any, signal: AbortSignal, dataset: any, question: any, row: any, request: import("../request.js").StatisticRequest,
 *   result: any, explain: ((row: any, index: number) => void) | null}} TabContext
 * @typedef {{id: string, title: string, statistic: (state: any, question: any, dataset: any) => string, chart: (state: any, dataset: any) => string|null|undefined,
 *   render: (context: TabContext) => Promise<HTMLElement>, adds?: (context: any) => Record<string, unknown>,
 *   controls?: (context: any) => Array<HTMLElement|null|false>, hides?: string[], prerequisite?: (context: any) => HTMLElement|null,
 *   chartRequest?: (request: import("../request.js").StatisticRequest) => import("../request.js").StatisticRequest}} Tab
 */

/** @type {Tab[]} */
export const TABS = [ranking, map, trend, groups, compare, sensitivity, table];
