/**
 * Shows the view that the address names, again whenever it changes.
 */

import { h, put } from "./dom.js";
import { announce, trouble } from "./parts.js";
import { one, read } from "./state.js";
import { home } from "./views/home.js";
import { question } from "./views/question.js";
import { data } from "./views/data.js";
import { jobs } from "./views/jobs.js";
import { job } from "./views/job.js";

/**
 * A view: given what the address says, and a signal that it is over, it comes with a title and an element.
 * @typedef {(state: import("./state.js").State, signal: AbortSignal) => Promise<{title: string, element: HTMLElement}>} View
 * @type {Record<string, View>}
 */
const VIEWS = { home, question, data, jobs, job };

// Below this a sign of waiting would only flicker.
const PATIENCE_MS = 150;

const main = document.getElementById("main");
let over = new AbortController();
let shown = null;

async function show() {
  over.abort();
  over = new AbortController();
  const { signal } = over;
  const state = read();
  const name = one(state.view) ?? "home";
  document.body.classList.toggle("embedded", state.embed === "1");
  main.setAttribute("aria-busy", "true");
  const waiting = setTimeout(() => {
    if (shown === null || shown !== key(state)) put(main, skeleton());
  }, PATIENCE_MS);
  let view;
  try {
    view = await (VIEWS[name] ?? VIEWS.home)(state, signal);
  } catch (error) {
    if (signal.aborted) return;
    view = { title: "Trouble", element: h("div", { class: "column" }, h("h1", { class: "hidden" }, "Trouble"), trouble(error, show)) };
  } finally {
    clearTimeout(waiting);
  }
  if (signal.aborted) return;
  display(view, state, name);
}

/** What must be equal for a change to be a change within a view, where the old one stays until the new one is there. */
function key(state) {
  return JSON.stringify([state.view, state.dataset, state.question, state.job]);
}

function display(view, state, name) {
  const focused = document.activeElement?.id;
  const isWithin = shown === key(state);
  shown = key(state);
  put(main, view.element);
  main.removeAttribute("aria-busy");
  document.title = view.title === "Meantime" ? view.title : `${view.title} - Meantime`;
  for (const link of document.querySelectorAll("#top [data-view]")) {
    const isHere = link.dataset.view === (name === "job" ? "jobs" : name);
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (isWithin) {
    // What had the focus has a twin in what is new.
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  } else {
    scrollTo(0, 0);
    if (focused !== undefined && isStarted) main.focus({ preventScroll: true });
    announce(view.title);
  }
  isStarted = true;
  view.element.dispatchEvent(new Event("meantime:shown"));
  document.documentElement.dataset.shown = name;
}

let isStarted = false;

function skeleton() {
  return h("div", { class: "column skeleton", role: "status" }, h("span", { class: "hidden" }, "Loading"), [
    h("div", { class: "bone wide" }),
    h("div", { class: "bone" }),
    h("div", { class: "bone tall" }),
  ]);
}

/** Links within this page are followed without loading it again. */
function follow(event) {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.href);
  const isOurs = url.origin === location.origin && url.pathname === "/" && !url.hash;
  if (!isOurs || link.target || link.hasAttribute("download")) return;
  event.preventDefault();
  if (url.search !== location.search) history.pushState(null, "", url.pathname + url.search);
  show();
}

addEventListener("click", follow);
addEventListener("popstate", show);
addEventListener("meantime:navigate", show);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
show();
