/**
 * Shows the view that the address names, again whenever it changes.
 */

import { download } from "./api.js";
import { announce, problemMessage } from "./components.js";
import { h, replaceChildren } from "./dom.js";
import { currentKey } from "./key.js";
import { firstOf, readAddress } from "./state.js";
import { data } from "./views/data.js";
import { home } from "./views/home.js";
import { job } from "./views/job.js";
import { jobs } from "./views/jobs.js";
import { place } from "./views/place.js";
import { question } from "./views/question.js";

/**
 * A view gets the state from the address and a signal that aborts when it is left; it resolves to a title and an element.
 * @typedef {(state: import("./state.js").State, signal: AbortSignal) => Promise<{title: string, element: HTMLElement}>} View
 * @type {Record<string, View>}
 */
const VIEWS = { home, question, place, data, jobs, job };

// Before this, a placeholder would only flicker.
const PLACEHOLDER_DELAY_MS = 150;

const main = document.getElementById("main");
let current = new AbortController();
let shownKey = null;
let isStarted = false;

async function show() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const state = readAddress();
  const name = firstOf(state.view) ?? "home";
  document.body.classList.toggle("embedded", state.embed === "1");
  main.setAttribute("aria-busy", "true");
  const waiting = setTimeout(() => {
    if (shownKey === null || shownKey !== viewKey(state)) replaceChildren(main, placeholder());
  }, PLACEHOLDER_DELAY_MS);
  let view;
  try {
    view = await (VIEWS[name] ?? VIEWS.home)(state, signal);
  } catch (error) {
    if (signal.aborted) return;
    view = { title: error.title || "Error", element: h("div", { class: "column" }, h("h1", { class: "hidden" }, error.title || "Error"), problemMessage(error, show), h("p", {}, h("a", { href: "/" }, "All data sets"))) };
  } finally {
    clearTimeout(waiting);
  }
  if (signal.aborted) return;
  display(view, state, name);
}

/** With the same key, a change is one within a view, which stays on the page until its new content is ready. */
function viewKey(state) {
  return JSON.stringify([state.view, state.dataset, state.question, state.location, state.job]);
}

function display(view, state, name) {
  const focusedId = document.activeElement?.id;
  const isSameView = shownKey === viewKey(state);
  shownKey = viewKey(state);
  replaceChildren(main, view.element);
  main.removeAttribute("aria-busy");
  document.title = view.title === "Meantime" ? view.title : `${view.title} - Meantime`;
  for (const link of document.querySelectorAll("#top [data-view]")) {
    const isCurrent = link.dataset.view === (name === "job" ? "jobs" : name);
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (isSameView) {
    // The focused control has a counterpart in the new content.
    if (focusedId) document.getElementById(focusedId)?.focus({ preventScroll: true });
  } else {
    scrollTo(0, 0);
    if (focusedId !== undefined && isStarted) main.focus({ preventScroll: true });
    announce(view.title);
  }
  isStarted = true;
  view.element.dispatchEvent(new Event("meantime:shown"));
}

function placeholder() {
  return h("div", { class: "column", role: "status" }, h("span", { class: "hidden" }, "Loading"), [
    h("div", { class: "placeholder wide" }),
    h("div", { class: "placeholder" }),
    h("div", { class: "placeholder tall" }),
  ]);
}

/** Follow links within the explorer without loading the page again. */
function followLink(event) {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.href);
  if (currentKey() && url.origin === location.origin && /^\/v1\/(datasets|jobs|statistics)\b/.test(url.pathname)) {
    event.preventDefault();
    download(url.pathname + url.search, url.pathname.split("/").pop()).catch((error) => announce(error.message));
    return;
  }
  const isExplorer = url.origin === location.origin && url.pathname === "/" && !url.hash;
  if (!isExplorer || link.target || link.hasAttribute("download")) return;
  event.preventDefault();
  if (url.search !== location.search) history.pushState(null, "", url.pathname + url.search);
  show();
}

addEventListener("click", followLink);
addEventListener("popstate", show);
addEventListener("meantime:navigate", show);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
show();
