/**
 * Pieces that several views show: problems, progress, notes.
 */

import { Problem } from "./api.js";
import { h, theirs } from "./dom.js";
import { share } from "./format.js";

/** A problem, with what to do, and a way to try again. */
export function trouble(error, again) {
  if (!(error instanceof Problem)) {
    console.error(error);
    error = new Problem({
      title: "This page has a fault",
      detail: "Something went wrong in the page itself, not in the data.",
      next: "Load it again; if it stays, it is a bug that we want to hear of.",
    });
  }
  const wait = error.isOverload && error.retryAfter_s ? Math.max(1, error.retryAfter_s) : null;
  const rest = error.problems.length > 1 ? error.problems : [];
  return h(
    "section",
    { class: "state state-trouble", role: "alert" },
    h("h2", {}, error.isOverload ? "The server is busy" : error.title || "That did not work"),
    h("p", {}, theirs(error.detail)),
    rest.length > 0 && h("ul", {}, rest.map((each) => h("li", {}, theirs(each.detail)))),
    error.next && h("p", { class: "soft" }, error.next),
    again && h("button", { type: "button", class: "button", id: "again", onclick: again }, "Try again"),
    wait && again && countdown(wait, again),
  );
}

/** Say how long it takes until it is tried again, and then try. */
function countdown(seconds, again) {
  const text = h("p", { class: "soft" });
  const tick = () => {
    if (!text.isConnected && seconds < started) return;
    if (seconds <= 0) again();
    else {
      text.textContent = `It is tried again by itself in ${seconds} s.`;
      seconds -= 1;
      setTimeout(tick, 1000);
    }
  };
  const started = seconds;
  tick();
  return text;
}

/** Something that goes on, and how far it is. */
export function progress(label, value, more) {
  return h(
    "div",
    { class: "progress" },
    h("div", { class: "progress-text" }, h("span", {}, label), h("span", {}, value === null ? "" : share(value))),
    h("progress", { max: 1, value, "aria-label": label }),
    more,
  );
}

/** Where there is nothing, say why, and what to do. */
export function empty(title, text, ...more) {
  return h("section", { class: "state" }, h("h2", {}, title), h("p", {}, text), ...more);
}

/** Said loudly wherever numbers of it are. */
export function synthetic() {
  return h(
    "p",
    { class: "loud" },
    h("strong", {}, "Synthetic data. "),
    "Made up by a program: no number here is about the real world.",
  );
}

/** Facts in two columns. @param {Array<[string, unknown]>} pairs those without a value are left out */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  return h("dl", { class: "facts" }, known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A button that copies a text, and says that it did. */
export function copy(text, label = "Copy") {
  const button = h("button", { type: "button", class: "button small" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it, and copy by hand";
    }
    announce(button.textContent);
    setTimeout(() => (button.textContent = label), 2000);
  });
  return button;
}

/** Say something to whoever does not see it. */
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  // A live region speaks of changes: the same text twice would be none.
  requestAnimationFrame(() => (live.textContent = text));
}

/** A control with its name above it. */
export function labelled(text, control) {
  return h("div", { class: "control" }, h("label", { class: "label", for: control.id }, text), control);
}
