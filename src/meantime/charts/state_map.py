"""The map of states by their outlines, with the territories in boxes of their own."""

from __future__ import annotations

from collections.abc import Sequence

from meantime.charts import comparison, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.figure import MarkLabels
from meantime.charts.layout import Record, Spec, chart_spec, tooltip
from meantime.charts.tile_map import (
    HATCHED,
    IS_REFERENCE,
    LEAST_FONT,
    by_place,
    empty_place,
    has_empty,
    has_reference,
    mark_reference,
    naming_others,
    no_data,
    outlined,
    value_fill,
    verdict_fill,
)
from meantime.dataset.facts import shapes_of_places, tile_grids
from meantime.dataset.facts.shapes_of_places import Atlas
from meantime.errors import NotAcceptable
from meantime.table import Table

_HEIGHT = 560
_FOOT = 14
_HAS_VALUE = "isValid(datum.value)"


def value_map(table: Table, caption: Caption) -> Spec:
    """Draw values by the outlines of places, darker where they are higher.

    Raises:
        NotAcceptable: fewer than half of the locations have a known outline, or they have several values each.
    """
    records, fill, on_place, unit = value_fill(table)
    atlas, records, caption = _with_outlines(records, caption)
    description = f"Values by place. {marks.summary(records, unit)}"
    return _mapped(caption, atlas, records, fill, on_place, description)


def verdict_map(table: Table, caption: Caption) -> Spec:
    """Draw verdicts against the reference by the outlines of places; each has a sign as well as a color.

    Raises:
        NotAcceptable: as for values.
    """
    records, fill, on_place = verdict_fill(table)
    atlas, records, caption = _with_outlines(records, caption)
    mark_reference(records, table)
    description = f"Verdicts against {comparison.reference_name(table)} by place: {comparison.verdict_counts(records)}."
    # The signs say the same as the colors.
    return _mapped(caption, atlas, records, fill, on_place, description, has_text=True)


def _with_outlines(records: Sequence[Record], caption: Caption) -> tuple[Atlas, list[Record], Caption]:
    """Give records their outlines. Return those, and the caption with the locations that are not on the map."""
    by_name = by_place(records, "a place on the map has one color")
    names = tuple(by_name)
    atlas = shapes_of_places.for_locations(names)
    if atlas is None:
        raise NotAcceptable(
            "Fewer than half of these locations have an outline that Meantime knows, so there is no map. The other "
            "charts show them."
        )
    grid = tile_grids.for_locations(names)
    placed = []
    for name, outline in atlas.places.items():
        # A state without a value would be a hole in the map; a territory may be none of the table's places.
        if name not in by_name and outline.inset is not None:
            continue
        record = by_name.get(name) or empty_place(name)
        left, top = outline.label
        short = grid.tiles[name].label if grid and name in grid.tiles else ""
        own = {"shape": outline.shape, "label_x": left, "label_y": top, "short": short, "has_label": outline.has_label}
        placed.append({**record, **own, "inset": outline.inset})
    return atlas, placed, naming_others(caption, [name for name in names if name not in atlas.places])


def _mapped(
    caption: Caption,
    atlas: Atlas,
    records: list[Record],
    fill: Spec,
    on_place: Spec,
    description: str,
    *,
    has_text: bool = False,
) -> Spec:
    scale = f"min(width / {atlas.width}, height / {atlas.height})"
    left = f"(width - {atlas.width} * {scale}) / 2"
    projection = {"type": "identity", "scale": {"expr": scale}, "translate": {"expr": f"[{left}, 0]"}}

    def at(x: str, y: str) -> Spec:
        return {"x": {"expr": f"{left} + {x} * {scale}"}, "y": {"expr": f"{y} * {scale}"}}

    shared = {
        "shape": {"field": "shape", "type": "geojson"},
        "description": tooltip(),
        "tooltip": tooltip(),
    }
    outline = {"type": "geoshape", "stroke": theme.color("muted" if has_text else "paper"), "strokeWidth": 0.7}
    box = {
        "type": "rect",
        "fill": None,
        "stroke": theme.color("muted"),
        "strokeWidth": 0.6,
        "strokeOpacity": 0.6,
        "aria": False,
        **at("datum.inset[0]", "datum.inset[1]"),
        "x2": {"expr": f"{left} + datum.inset[2] * {scale}"},
        "y2": {"expr": f"datum.inset[3] * {scale}"},
    }
    text = {"type": "text", "align": "center", "aria": False}
    size = {"fontSize": {"expr": f"clamp(12 * {scale}, {LEAST_FONT}, 14)"}, "baseline": "middle"}
    label: list[Spec] = [
        {
            "transform": [{"filter": "isValid(datum.inset)"}],
            "mark": {**text, **size, "text": {"expr": "datum.short"}, **at("datum.label_x", "datum.label_y")},
            "encoding": {},
        }
    ]
    if has_text or caption.figure.labels is MarkLabels.VALUES:
        label.append(
            {
                "transform": [{"filter": f"datum.has_label && !isValid(datum.inset) && {_HAS_VALUE}"}],
                "mark": {**text, **size, "text": {"expr": "datum.shown"}, **at("datum.label_x", "datum.label_y")},
                "encoding": {"color": on_place},
            }
        )
    empty = {
        "transform": [{"filter": f"!{_HAS_VALUE} && !({IS_REFERENCE})"}],
        "projection": projection,
        "mark": {**outline, "fill": HATCHED, "stroke": theme.color("muted")},
        "encoding": shared,
    }
    reference = {
        "transform": [{"filter": IS_REFERENCE}],
        "projection": projection,
        "mark": {**outline, "fill": theme.color("ink")},
        "encoding": shared,
    }
    spec = chart_spec(
        caption,
        [
            *([empty] if has_empty(records) else []),
            *([reference] if has_reference(records) else []),
            {
                "transform": [{"filter": _HAS_VALUE}],
                "projection": projection,
                "mark": {**outline, "strokeOpacity": 1 if has_text else 0.6},
                # In the color of letters on it, an edge is seen against its own place and against the page.
                "encoding": {**shared, "fill": fill} | ({} if has_text else {"stroke": on_place}),
            },
            *outlined({"projection": projection, "mark": outline, "encoding": shared}),
            {"transform": [{"filter": "isValid(datum.inset)"}], "mark": box, "encoding": {}},
            *label,
            *no_data(records, "height - 14"),
        ],
        records=records,
        height=_HEIGHT,
        description=description,
        axis_pixels=_FOOT,
    )
    # With less width than this is made for, reduce the height too.
    spec["usermeta"]["fits_height"] = True
    spec["usermeta"]["height_to_width"] = round(atlas.height / atlas.width, 3)
    return spec


CHARTS = (
    Chart(
        name="state_map",
        draw=value_map,
        meaning="the states by their outlines, darker where the value is higher; territories in boxes",
    ),
    Chart(
        name="verdict_state_map",
        draw=verdict_map,
        meaning="the states by their outlines, colored by whether they are better or worse than the reference",
    ),
)
