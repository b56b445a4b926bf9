"""What every chart has around it: title, source, text alternative, theme, the mark of synthetic data.

A chart is one view whose width is that of its container, so that it fits 360 pixels as well as 2,560; that is why none
is made of several views side by side. Whoever shows it on a page that says these things itself leaves out ``title`` and
the layer named ``source``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meantime.charts import theme, words
from meantime.charts.caption import Caption
from meantime.errors import NotAcceptable

Spec = dict[str, Any]
Record = dict[str, Any]  # what one mark is drawn from

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SOURCE = "source"  # name of the layer below the chart
HIGHLIGHT = "highlight"  # name of the parameter that lights a location; set from outside

# More marks lie on each other in a picture of 900 pixels, take seconds to draw and a browser's breath.
MOST_MARKS = 5_000
SYNTHETIC = "SYNTHETIC DATA, NOT REAL FIGURES"

_TITLE_CHARACTERS, _TITLE_LINES = 78, 4
_SUBTITLE_CHARACTERS, _SUBTITLE_LINES = 128, 6
_SOURCE_CHARACTERS, _SOURCE_LINES = 138, 9
# Texts are cut where there is no room: else the chart between them would be made smaller, down to nothing.
_FITS = {"expr": "width"}
# Of an axis with its title, below which the source begins.
_AXIS_PIXELS = 50


def framed(
    caption: Caption,
    layers: Sequence[Spec],
    *,
    records: Sequence[Record],
    height: int,
    description: str,
    is_layered_apart: bool = False,
    foot_pixels: int = _AXIS_PIXELS,
) -> Spec:
    """Put layers into a specification. ``is_layered_apart``: each of them has a horizontal axis of its own.

    Raises:
        NotAcceptable: there is nothing to draw, or too much.
    """
    if not records:
        raise nothing_to_draw()
    if len(records) > MOST_MARKS:
        raise NotAcceptable(
            f"The result has {len(records):,} rows, and a chart at most {MOST_MARKS:,}: more would lie on each other. "
            "Ask for fewer locations, groups or years, or take the table."
        )
    spec: Spec = {
        "$schema": SCHEMA,
        "description": words.short(_alternative(caption, description), 2_000),
        "title": _title(caption),
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "params": [{"name": HIGHLIGHT, "value": caption.highlight}],
        "data": {"values": list(records)},
        "layer": [*_watermark(caption), *layers, *_source(caption, height + foot_pixels)],
        "config": theme.light(),
        "usermeta": {"themes": {"light": theme.light(), "dark": theme.dark()}},
    }
    if is_layered_apart:
        spec["resolve"] = {"scale": {"x": "independent"}, "axis": {"x": "independent"}}
    return spec


def nothing_to_draw() -> NotAcceptable:
    """Return the error that says that a result has no rows."""
    return NotAcceptable("The result has no rows, so there is nothing to draw. Its notes say what was left out.")


def lit(test: str = "false", *, unlit: float = 0.18) -> Spec:
    """Return an opacity: that of a record is low while another location is lit, unless ``test`` holds.

    >>> lit()["condition"]["test"]
    'highlight === null || datum.location === highlight || (false)'
    """
    return {
        "condition": {"test": f"{HIGHLIGHT} === null || datum.location === {HIGHLIGHT} || ({test})", "value": 1},
        "value": unlit,
    }


def aloud(record_field: str = "aloud") -> Spec:
    """Return what a mark says to whoever cannot see it."""
    return {"field": record_field}


def _title(caption: Caption) -> Spec:
    title = words.lines([caption.title], width=_TITLE_CHARACTERS, most=_TITLE_LINES)
    loud = [SYNTHETIC] if caption.is_synthetic else []
    subtitle = words.lines(caption.subtitle, width=_SUBTITLE_CHARACTERS, most=_SUBTITLE_LINES)
    return {"text": [*loud, *title], "subtitle": subtitle, "limit": {"expr": "width + 40"}}


def _alternative(caption: Caption, description: str) -> str:
    loud = f"{SYNTHETIC}. " if caption.is_synthetic else ""
    return f"{loud}{caption.title}. {description}"


def _watermark(caption: Caption) -> list[Spec]:
    if not caption.is_synthetic:
        return []
    mark = {
        "type": "text",
        "text": "SYNTHETIC",
        "fontSize": {"expr": "width / 7"},
        "fontWeight": "bold",
        "color": theme.colour("muted"),
        "opacity": 0.13,
        "angle": 340,
        "aria": False,
    }
    middle = {"x": {"value": {"expr": "width / 2"}}, "y": {"value": {"expr": "height / 2"}}}
    return [{"data": {"values": [{}]}, "mark": mark, "encoding": middle}]


def _source(caption: Caption, top: int) -> list[Spec]:
    told = words.lines((*caption.beware, *caption.source), width=_SOURCE_CHARACTERS, most=_SOURCE_LINES)
    if not told:
        return []
    mark = {
        "type": "text",
        "text": told,
        "align": "left",
        "baseline": "top",
        "fontSize": 10,
        "lineHeight": 13,
        "color": theme.colour("muted"),
        "aria": False,
        "limit": _FITS,
    }
    at = {"x": {"value": 0}, "y": {"value": top}}
    return [{"name": SOURCE, "data": {"values": [{}]}, "mark": mark, "encoding": at}]
