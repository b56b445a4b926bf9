"""What every chart has around its marks: title, source, text alternative, theme, the watermark of synthetic data.

A chart is one view as wide as its container, so that it fits 360 pixels as well as 2,560; that is why none consists of
several views side by side. A page that shows title and source itself leaves out ``title`` and the layer ``source``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from meantime.charts import labels, theme
from meantime.charts.caption import Caption
from meantime.errors import NotAcceptable

Spec = dict[str, Any]
Record = dict[str, Any]  # what one mark is drawn from

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SOURCE = "source"  # name of the layer below the chart
HIGHLIGHT = "highlight"  # name of the parameter that highlights a location, or a list of them; set by the page
FADED = 0.18  # opacity of the locations that are not highlighted, while another one is
INDENT = "indent"  # name of the parameter that says how far left of the marks the title begins; 0 if not known

# More marks would overlap in an image of 900 pixels, and take a browser seconds to draw.
MAX_MARKS = 5_000
SYNTHETIC = "SYNTHETIC DATA, NOT REAL FIGURES"

# Lines of a text at most, and how many pixels one of its letters takes on average.
_TITLE, _SUBTITLE, _FOOTNOTE = (4, 9.2), (6, 6.3), (9, 5.3)
# The height of an axis with its title; the source begins below it.
_AXIS_PIXELS = 50


def chart_spec(
    caption: Caption,
    layers: Sequence[Spec],
    *,
    records: Sequence[Record],
    height: int,
    description: str,
    has_separate_x_axes: bool = False,
    axis_pixels: int = _AXIS_PIXELS,
    nearest: Mapping[str, str] | None = None,
) -> Spec:
    """Put layers into a Vega-Lite specification. With ``has_separate_x_axes`` each layer has its own horizontal axis.

    ``nearest`` names the fields of the records, by axis, by which a page finds the mark nearest to the pointer.

    Raises:
        NotAcceptable: there is nothing to draw, or too much.
    """
    if not records:
        raise no_rows_error()
    if len(records) > MAX_MARKS:
        raise too_many_rows_error(len(records))
    spec: Spec = {
        "$schema": SCHEMA,
        "description": labels.truncate(_alternative(caption, description), 2_000),
        "title": _title(caption),
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "params": [
            {"name": HIGHLIGHT, "value": _highlighted(caption)},
            {"name": INDENT, "value": 0},
        ],
        "data": {"values": list(records)},
        "layer": [*_watermark(caption), *layers, *_source(caption, axis_pixels)],
        "config": theme.light(),
        "usermeta": {
            "themes": {"light": theme.light(), "dark": theme.dark()},
            "shown": caption.shown,
            "nearest": nearest,
            "citation": caption.citation,
        },
    }
    if has_separate_x_axes:
        spec["resolve"] = {"scale": {"x": "independent"}, "axis": {"x": "independent"}}
    return spec


def too_many_rows_error(rows: int) -> NotAcceptable:
    """Return the error for a result with more rows than a chart has marks."""
    return NotAcceptable(
        f"The result has {rows:,} rows, and a chart shows at most {MAX_MARKS:,}. Ask for fewer locations, groups or "
        "years, or use the table."
    )


def no_rows_error() -> NotAcceptable:
    """Return the error for a result without rows."""
    return NotAcceptable("The result has no rows, so there is nothing to draw. Its warnings say what was left out.")


def is_highlighted(name: str = "datum.location") -> str:
    """Return the expression that says whether a location is highlighted, by the one with its name.

    >>> is_highlighted()
    '(isArray(highlight) ? indexof(highlight, datum.location) >= 0 : datum.location === highlight)'
    """
    return f"(isArray({HIGHLIGHT}) ? indexof({HIGHLIGHT}, {name}) >= 0 : {name} === {HIGHLIGHT})"


def highlight_opacity(test: str = "false", *, other_opacity: float = FADED) -> Spec:
    """Return an opacity that is low while another location is highlighted, unless ``test`` holds.

    >>> highlight_opacity()["value"]
    0.18
    """
    return {
        "condition": {"test": f"{HIGHLIGHT} === null || {is_highlighted()} || ({test})", "value": 1},
        "value": other_opacity,
    }


def tooltip(record_field: str = "tooltip") -> Spec:
    """Return the channel with a mark's text: its tooltip, and its description for screen readers."""
    return {"field": record_field}


def _highlighted(caption: Caption) -> str | list[str] | None:
    names = [labels.printable(name) for name in caption.highlight]
    return names if len(names) > 1 else names[0] if names else None


def _wrapped(texts: Iterable[str], caption: Caption, size: tuple[int, float]) -> list[str]:
    most, pixels = size
    return labels.wrap(texts, width=round(caption.figure.layout[0] / pixels), most=most)


def _title(caption: Caption) -> Spec:
    title = _wrapped([caption.title], caption, _TITLE)
    banner = [SYNTHETIC] if caption.is_synthetic else []
    subtitle = _wrapped(filter(None, (*caption.subtitle, caption.shown)), caption, _SUBTITLE)
    return {"text": [*banner, *title], "subtitle": subtitle, "limit": {"expr": "width + 40"}}


def _alternative(caption: Caption, description: str) -> str:
    banner = f"{SYNTHETIC}. " if caption.is_synthetic else ""
    shown = f"{caption.shown} " if caption.shown else ""
    return f"{banner}{caption.title}. {shown}{description}"


def _watermark(caption: Caption) -> list[Spec]:
    if not caption.is_synthetic:
        return []
    mark = {
        "type": "text",
        "text": "SYNTHETIC",
        "fontSize": {"expr": "min(width / 7, height / 3)"},
        "fontWeight": "bold",
        "color": theme.color("muted"),
        "opacity": 0.13,
        "angle": 340,
        # A low chart would get room for it above and below.
        "clip": True,
        "aria": False,
    }
    middle = {"x": {"value": {"expr": "width / 2"}}, "y": {"value": {"expr": "height / 2"}}}
    return [{"data": {"values": [{}]}, "mark": mark, "encoding": middle}]


def _source(caption: Caption, below: int) -> list[Spec]:
    source = (f"Source: {caption.source}",) if caption.source else ()
    lines = _wrapped((*caption.notes, *source), caption, _FOOTNOTE)
    if not lines:
        return []
    mark = {
        "type": "text",
        "text": lines,
        "align": "left",
        "baseline": "top",
        "fontSize": 10,
        "lineHeight": 13,
        "color": theme.color("muted"),
        "aria": False,
        "limit": {"expr": f"width + {INDENT}"},
    }
    at = {"x": {"value": {"expr": f"-{INDENT}"}}, "y": {"value": {"expr": f"height + {below}"}}}
    return [{"name": SOURCE, "data": {"values": [{}]}, "mark": mark, "encoding": at}]
