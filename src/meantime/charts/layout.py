"""What every chart has around its marks: title, source, text alternative, theme, the watermark of synthetic data.

A chart is one view as wide as its container, so that it fits 360 pixels as well as 2,560; that is why none consists of
several views side by side. A page that shows title and source itself leaves out ``title`` and the layer ``source``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meantime.charts import labels, theme
from meantime.charts.caption import Caption
from meantime.errors import NotAcceptable

Spec = dict[str, Any]
Record = dict[str, Any]  # what one mark is drawn from

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SOURCE = "source"  # name of the layer below the chart
HIGHLIGHT = "highlight"  # name of the parameter that highlights a location; set by the page

# More marks would overlap in an image of 900 pixels, and take a browser seconds to draw.
MAX_MARKS = 5_000
SYNTHETIC = "SYNTHETIC DATA, NOT REAL FIGURES"

_TITLE_CHARACTERS, _TITLE_LINES = 78, 4
_SUBTITLE_CHARACTERS, _SUBTITLE_LINES = 128, 6
_SOURCE_CHARACTERS, _SOURCE_LINES = 138, 9
# Texts that do not fit are cut; otherwise the library would shrink the chart between them, down to nothing.
_FITS = {"expr": "width"}
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
        "params": [{"name": HIGHLIGHT, "value": caption.highlight}],
        "data": {"values": list(records)},
        "layer": [*_watermark(caption), *layers, *_source(caption, height + axis_pixels)],
        "config": theme.light(),
        "usermeta": {
            "themes": {"light": theme.light(), "dark": theme.dark()},
            "shown": caption.shown,
            "nearest": nearest,
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


def highlight_opacity(test: str = "false", *, other_opacity: float = 0.18) -> Spec:
    """Return an opacity that is low while another location is highlighted, unless ``test`` holds.

    >>> highlight_opacity()["condition"]["test"]
    'highlight === null || datum.location === highlight || (false)'
    """
    return {
        "condition": {"test": f"{HIGHLIGHT} === null || datum.location === {HIGHLIGHT} || ({test})", "value": 1},
        "value": other_opacity,
    }


def tooltip(record_field: str = "tooltip") -> Spec:
    """Return the channel with a mark's text: its tooltip, and its description for screen readers."""
    return {"field": record_field}


def _title(caption: Caption) -> Spec:
    title = labels.wrap([caption.title], width=_TITLE_CHARACTERS, most=_TITLE_LINES)
    banner = [SYNTHETIC] if caption.is_synthetic else []
    subtitle = labels.wrap(
        filter(None, (caption.shown, *caption.subtitle)), width=_SUBTITLE_CHARACTERS, most=_SUBTITLE_LINES
    )
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


def _source(caption: Caption, top: int) -> list[Spec]:
    lines = labels.wrap((*caption.warnings, *caption.source), width=_SOURCE_CHARACTERS, most=_SOURCE_LINES)
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
        "limit": _FITS,
    }
    at = {"x": {"value": 0}, "y": {"value": top}}
    return [{"name": SOURCE, "data": {"values": [{}]}, "mark": mark, "encoding": at}]
