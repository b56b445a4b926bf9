/**
 * Draws a chart from the server's specification: in the reader's theme and width, by an interpreter, without evaluating code.
 */

import { Problem } from "./api.js";
import { announce } from "./components.js";
import { h, replaceChildren } from "./dom.js";

export const MEDIA_TYPE = "application/vnd.vegalite.v6+json";
// Narrower than this, a page leaves out the ranks beside the estimates.
const NARROW_PIXELS = 620;
// Of the tiles of a map, and of its legend.
const LEAST_TILE_PIXELS = 40;
const LEGEND_PIXELS = 96;
// Of a map of outlines, in which small states can still be seen.
const LEAST_MAP_PIXELS = 260;
// Of labels of rows, of the letters of a title, and of a symbol in a legend with the space around it; on average.
const [ROW_LABEL_PIXELS, LETTER_PIXELS, SYMBOL_PIXELS] = [130, 6.4, 34];
// A mark counts as the nearest one up to so far from the pointer.
const NEAR_PIXELS = 60;
// Larger charts are drawn on a canvas: as an SVG element for each mark they would be slow.
const LARGE_CHARACTERS = 200_000;

const base = document.querySelector('meta[name="meantime-base"]').content;
const dark = matchMedia("(prefers-color-scheme: dark)");
let library = null;

let isPrefetched = false;

/** Have the browser fetch the chart library while it is idle; it caches it. */
export function prefetchLibrary() {
  if (isPrefetched) return;
  isPrefetched = true;
  // Not a preload: the browser warns about one that is not used soon. If it fails, loading it later reports the error.
  fetch(`${base}/vega.js`, { priority: "low" }).catch(() => (isPrefetched = false));
}

/** Load the chart library, once, for the first chart. */
function loadLibrary() {
  library ??= new Promise((resolve, reject) => {
    const onerror = () => {
      library = null;
      reject(new Problem({ title: "The chart cannot be drawn", detail: "The chart cannot be drawn: the chart library did not load. Try again, or open the Table tab, which has all the numbers." }));
    };
    document.head.append(h("script", { src: `${base}/vega.js`, onload: () => resolve(window.vegaEmbed), onerror }));
  });
  return library;
}

/**
 * A figure that draws itself once it is on the page. ``highlight`` highlights a location, or none.
 * @param {any} specification as the server sends it
 * @param {{signal: AbortSignal, highlighted: string|null, names: string[], onhighlight: (name: string|null) => void, tableHref: string}} options
 * @returns {{element: HTMLElement, highlight: (name: string|null) => void}}
 */
export function chart(specification, { signal, highlighted, names, onhighlight, tableHref }) {
  const canvas = h("div", { class: "chart", role: "img", "aria-label": specification.description });
  const tooltip = h("div", { class: "tooltip", hidden: true });
  const element = h(
    "figure",
    { class: "figure", tabindex: 0, "aria-label": "Chart" },
    canvas,
    tooltip,
    h("figcaption", { class: "muted keys" }, "Keyboard: ", names.length > 0 && [h("kbd", {}, "↑"), " ", h("kbd", {}, "↓"), " highlight the next place, "], h("kbd", {}, "t"), " opens ", h("a", { href: tableHref }, "the table"), "."),
  );
  let view = null;

  async function draw() {
    const embed = await loadLibrary();
    if (signal.aborted) return;
    view?.finalize();
    const isLarge = JSON.stringify(specification.data ?? {}).length > LARGE_CHARACTERS;
    const result = await embed(canvas, adapted(specification, dark.matches ? "dark" : "light", canvas.clientWidth, canvas.getBoundingClientRect().top + scrollY), {
      ast: true,
      actions: false,
      defaultStyle: false,
      renderer: isLarge ? "canvas" : "svg",
      tooltip: () => {},
    });
    view = result.view;
    listen(view);
    highlight(highlighted);
    element.dataset.drawn = "true";
  }

  function highlight(name) {
    highlighted = name;
    show(name);
  }

  function show(name) {
    try {
      view?.signal("highlight", name).runAsync();
    } catch {
      // A chart without locations has no such signal.
    }
  }

  /** Hovering highlights the nearest mark for as long as it lasts; a click keeps the highlight, or removes it. */
  function listen(to) {
    const locationOf = (datum) => (names.includes(datum?.location) ? datum.location : null);
    const find = finder(to, specification);
    const datumAt = (event, item) => (locationOf(item?.datum) ? item.datum : find(event));
    let shown = null;
    to.addEventListener("pointermove", (event, item) => {
      const datum = datumAt(event, item);
      if (locationOf(datum) !== shown) show((shown = locationOf(datum)) ?? highlighted);
      showTooltip(tooltip, element, event, item?.datum?.tooltip ?? datum?.tooltip ?? null);
    });
    to.addEventListener("pointerout", () => {
      if (shown !== null) show(highlighted);
      shown = null;
      tooltip.hidden = true;
    });
    to.addEventListener("click", (event, item) => {
      const clicked = locationOf(datumAt(event, item));
      const name = clicked === highlighted ? null : clicked;
      highlight(name);
      onhighlight(name);
    });
  }

  function step(by) {
    if (!names.length) return;
    const at = names.indexOf(highlighted);
    const next = at < 0 ? (by > 0 ? 0 : names.length - 1) : (at + by + names.length) % names.length;
    highlight(names[next]);
    announce(spokenText(specification, names[next]));
    onhighlight(names[next]);
  }

  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "t") element.querySelector("figcaption a").click();
    else if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "Escape") {
      highlight(null);
      onhighlight(null);
    } else return;
    event.preventDefault();
  });
  const redraw = () => draw().catch((error) => replaceChildren(canvas, h("p", {}, error.detail ?? String(error))));
  dark.addEventListener("change", redraw);
  signal.addEventListener("abort", () => {
    dark.removeEventListener("change", redraw);
    view?.finalize();
  });
  // Its width is known only once it is on the page. Then it is drawn for the frame that shows the page, not for a later one.
  const placed = new MutationObserver(() => {
    if (!element.isConnected && !signal.aborted) return;
    placed.disconnect();
    if (!signal.aborted) redraw();
  });
  placed.observe(document.body, { childList: true, subtree: true });
  return { element, highlight };
}

/** Leave out title and source, which the page shows itself; use the colors of the theme, and no more height than needed. */
function adapted(specification, theme, width, top) {
  const { title: _title, layer, ...rest } = specification;
  const ratio = specification.usermeta?.height_to_width;
  if (ratio) rest.height = Math.min(rest.height, Math.round(width * ratio));
  if (specification.usermeta?.fits_height) rest.height = Math.min(rest.height, Math.max(LEAST_MAP_PIXELS, innerHeight - top - LEGEND_PIXELS));
  const rows = specification.usermeta?.tile_rows;
  if (rows) {
    // The whole map on the first screen, where its letters can still be read.
    const tile = Math.max(LEAST_TILE_PIXELS, Math.floor((innerHeight - top - LEGEND_PIXELS) / rows));
    rest.height = Math.min(rest.height, rows * tile);
    rest.params = rest.params.map((each) => (each.name === "tile_pixels" ? { ...each, value: Math.min(each.value, tile) } : each));
  }
  const isNarrow = width < NARROW_PIXELS && specification.params?.some((each) => each.name === "estimates_share");
  const leftOut = isNarrow ? ["source", "ranks"] : ["source"];
  const kept = layer ? { layer: layer.filter((each) => !leftOut.includes(each.name)) } : {};
  if (width < NARROW_PIXELS && specification.usermeta?.can_turn_labels) kept.layer = kept.layer.map(withTurnedLabels);
  if (width < NARROW_PIXELS && kept.layer) kept.layer = kept.layer.map((each) => withBrokenTitles(each, width));
  if (isNarrow) kept.params = specification.params.map((each) => (each.name === "estimates_share" ? { ...each, value: 1 } : each));
  const config = { ...(specification.usermeta?.themes?.[theme] ?? specification.config), padding: { left: 2, right: 6, top: 4, bottom: 8 } };
  // Names of counties are long, and a wide page has room for them.
  const axis = { ...config.axis, labelLimit: Math.max(config.axis.labelLimit, Math.min(260, width * 0.28)) };
  const legend = { ...config.legend, ...(width < NARROW_PIXELS && columnsOf(specification.layer, width)) };
  return { ...rest, ...kept, config: { ...config, axis, legend } };
}

/** A layer, or one of layers, whose axes have titles that fit: in lines, where one would be cut. */
function withBrokenTitles(each, width) {
  if (each.layer) return { ...each, layer: each.layer.map((one) => withBrokenTitles(one, width)) };
  const { x } = each.encoding ?? {};
  if (!x?.title || !x.axis) return each;
  // Labels of rows, and the other half of a chart of two.
  const room = (width - ROW_LABEL_PIXELS) * (each.encoding.yOffset && x.scale?.range ? 0.5 : 1);
  return { ...each, encoding: { ...each.encoding, x: { ...x, title: [x.title].flat().flatMap((line) => broken(line, Math.floor(room / LETTER_PIXELS))) } } };
}

function broken(text, letters) {
  const lines = [""];
  for (const word of text.replace(/with 95% CI/, "with\u00a095%\u00a0CI").split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length <= letters || lines.at(-1) === "") lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** How many columns a legend of symbols has, where its entries do not fit side by side. */
function columnsOf(layers, width) {
  const entries = (layers ?? []).flatMap((each) => (each.layer ? each.layer : [each])).map((each) => each.encoding?.shape ?? each.encoding?.fill).find((each) => each?.legend && each.scale?.domain)?.scale.domain;
  if (!entries?.every((each) => typeof each === "string")) return {};
  const pixels = entries.map((each) => each.length * LETTER_PIXELS + SYMBOL_PIXELS);
  return pixels.reduce((sum, each) => sum + each, 0) <= width ? {} : { columns: Math.max(1, Math.floor(width / Math.max(...pixels))) };
}

/** A layer whose labels above the chart are written upwards. */
function withTurnedLabels(each) {
  const axis = each.encoding?.x?.axis;
  if (!axis) return each;
  const { labelExpr: _oneWordALine, ...others } = axis;
  const turned = { ...others, labelAngle: -90, labelAlign: "left", labelBaseline: "middle", labelPadding: 6 };
  return { ...each, encoding: { ...each.encoding, x: { ...each.encoding.x, axis: turned } } };
}

/** Return a function that finds the record nearest to a pointer: by the fields that the specification names for each axis. */
function finder(view, specification) {
  const fields = Object.entries(specification.usermeta?.nearest ?? {});
  const records = (specification.data?.values ?? []).filter((record) => fields.every(([, field]) => record[field] !== null));
  if (fields.length === 0) return () => null;
  return (event) => {
    const box = event.view?.document === undefined ? null : view.container().querySelector("svg, canvas").getBoundingClientRect();
    if (box === null) return null;
    const [left, top] = view.origin();
    const at = { x: event.clientX - box.left - left, y: event.clientY - box.top - top };
    let [nearest, least] = [null, NEAR_PIXELS];
    for (const record of records) {
      const distance = Math.hypot(...fields.map(([axis, field]) => {
        const scale = view.scale(axis);
        return scale(record[field]) + (scale.bandwidth?.() ?? 0) / 2 - at[axis];
      }));
      if (distance < least) [nearest, least] = [record, distance];
    }
    return nearest;
  };
}

function spokenText(specification, name) {
  return specification.data?.values?.find((record) => record.location === name)?.tooltip ?? name;
}

/** A tooltip is text, whatever is in it. */
function showTooltip(tooltip, element, event, value) {
  if (value === null || value === undefined || value === "") {
    tooltip.hidden = true;
    return;
  }
  const text = typeof value === "object" ? Object.entries(value).map(([name, each]) => `${name}: ${each}`).join("\n") : String(value);
  tooltip.textContent = text;
  tooltip.hidden = false;
  const box = element.getBoundingClientRect();
  const most = box.width - tooltip.offsetWidth - 4;
  tooltip.style.left = `${Math.max(0, Math.min(event.clientX - box.left + 14, most))}px`;
  tooltip.style.top = `${event.clientY - box.top + 16}px`;
}
