/**
 * Draws a chart that the server has described: in the reader's colours and width, by an interpreter instead of made-up code.
 */

import { Problem } from "./api.js";
import { h, put } from "./dom.js";
import { announce } from "./parts.js";

export const MEDIA_TYPE = "application/vnd.vegalite.v6+json";
// More marks are drawn as pixels: each as an element of its own would be slow.
const MARKS_AS_ELEMENTS = 2000;

const base = document.querySelector('meta[name="meantime-base"]').content;
const dark = matchMedia("(prefers-color-scheme: dark)");
let library = null;

let isPrepared = false;

/** Have the browser fetch what draws while it has nothing else to do; it keeps it, and takes its time only once. */
export function prepare() {
  if (isPrepared) return;
  isPrepared = true;
  // Not by a preload: the browser complains of one that is not used soon. Whether it came shows when it is needed.
  fetch(`${base}/vega.js`, { priority: "low" }).catch(() => (isPrepared = false));
}

/** Load what draws, once, when the first chart is wanted. */
function loaded() {
  library ??= new Promise((resolve, reject) => {
    const failed = () => {
      library = null;
      reject(new Problem({ title: "The chart cannot be drawn", detail: "What draws charts did not load.", next: "Try again; the Table tab has every number meanwhile." }));
    };
    document.head.append(h("script", { src: `${base}/vega.js`, onload: () => resolve(window.vegaEmbed), onerror: failed }));
  });
  return library;
}

/**
 * A figure that draws itself when it is on the page. ``light`` lights a location, or none.
 * @param {any} specification as the server sends it
 * @param {{signal: AbortSignal, highlight: string|null, names: string[], onhighlight: (name: string|null) => void, tableHref: string}} options
 * @returns {{element: HTMLElement, light: (name: string|null) => void}}
 */
export function chart(specification, { signal, highlight, names, onhighlight, tableHref }) {
  const canvas = h("div", { class: "chart", role: "img", "aria-label": specification.description });
  const tooltip = h("div", { class: "tooltip", hidden: true });
  const element = h(
    "figure",
    { class: "figure", tabindex: 0, "aria-label": "Chart" },
    canvas,
    tooltip,
    h("figcaption", { class: "soft" }, names.length ? "In the chart, up and down light one location after the other; " : "", h("kbd", {}, "t"), " opens ", h("a", { href: tableHref }, "the same as a table"), "."),
  );
  let lit = highlight;
  let view = null;

  async function draw() {
    const embed = await loaded();
    if (signal.aborted) return;
    view?.finalize();
    const isLarge = JSON.stringify(specification.data ?? {}).length > MARKS_AS_ELEMENTS * 100;
    const result = await embed(canvas, worded(specification, dark.matches ? "dark" : "light", canvas.clientWidth), {
      ast: true,
      actions: false,
      defaultStyle: false,
      renderer: isLarge ? "canvas" : "svg",
      tooltip: (_handler, event, _item, value) => tell(tooltip, element, event, value),
    });
    view = result.view;
    listen(view);
    light(lit);
    element.dataset.drawn = "true";
  }

  function light(name) {
    lit = name;
    show(name);
  }

  function show(name) {
    try {
      view?.signal("highlight", name).runAsync();
    } catch {
      // A chart without locations has nothing to light.
    }
  }

  /** Pointing lights for as long as it points; a click lets the light stay, or puts it out. */
  function listen(to) {
    const pointed = (item) => (names.includes(item?.datum?.location) ? item.datum.location : null);
    to.addEventListener("pointerover", (_event, item) => pointed(item) && show(pointed(item)));
    to.addEventListener("pointerout", () => show(lit));
    to.addEventListener("click", (_event, item) => {
      const name = pointed(item) === lit ? null : pointed(item);
      light(name);
      onhighlight(name);
    });
  }

  function step(by) {
    if (!names.length) return;
    const at = names.indexOf(lit);
    const next = at < 0 ? (by > 0 ? 0 : names.length - 1) : (at + by + names.length) % names.length;
    light(names[next]);
    announce(spoken(specification, names[next]));
    onhighlight(names[next]);
  }

  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "t") element.querySelector("figcaption a").click();
    else if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "Escape") {
      light(null);
      onhighlight(null);
    } else return;
    event.preventDefault();
  });
  const again = () => draw().catch(shown);
  const shown = (error) => put(canvas, h("p", {}, error.detail ?? String(error)));
  dark.addEventListener("change", again);
  signal.addEventListener("abort", () => {
    dark.removeEventListener("change", again);
    view?.finalize();
  });
  // Its width is that of its place, which it has only when it is on the page.
  requestAnimationFrame(function whenThere() {
    if (signal.aborted) return;
    if (element.isConnected) again();
    else requestAnimationFrame(whenThere);
  });
  return { element, light };
}

/** Leave out what the page says itself, the title and the source below; take the colours of the theme, and no more height than needed. */
function worded(specification, theme, width) {
  const { title: _title, layer, ...rest } = specification;
  const ratio = specification.usermeta?.height_to_width;
  if (ratio) rest.height = Math.min(rest.height, Math.round(width * ratio));
  const kept = layer ? { layer: layer.filter((each) => each.name !== "source") } : {};
  return { ...rest, ...kept, config: specification.usermeta?.themes?.[theme] ?? specification.config };
}

function spoken(specification, name) {
  return specification.data?.values?.find((record) => record.location === name)?.tooltip ?? name;
}

/** A tooltip is text, whatever is in it. */
function tell(tooltip, element, event, value) {
  if (value === null || value === undefined || value === "") {
    tooltip.hidden = true;
    return;
  }
  const text = typeof value === "object" ? Object.entries(value).map(([name, each]) => `${name}: ${each}`).join("\n") : String(value);
  tooltip.textContent = text;
  tooltip.hidden = false;
  const box = element.getBoundingClientRect();
  const room = box.width - tooltip.offsetWidth - 4;
  tooltip.style.left = `${Math.max(0, Math.min(event.clientX - box.left + 14, room))}px`;
  tooltip.style.top = `${event.clientY - box.top + 16}px`;
}
