"""The map of states by their outlines, with the territories in boxes of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meantime.charts import comparison, labels, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.figure import MarkLabels
from meantime.charts.layout import Record, Spec, chart_spec, highlight_opacity, tooltip
from meantime.charts.tile_map import by_place, empty_place, value_fill, verdict_fill
from meantime.dataset.facts import geography, shapes_of_places, tile_grids
from meantime.dataset.facts.shapes_of_places import Atlas
from meantime.errors import NotAcceptable
from meantime.table import Table
from meantime.text import listed

_HEIGHT = 560
_FOOT = 14
# Stripes at any size and on any background: gray, and nothing.
_STRIPES = 9
_HATCHED = {
    "gradient": "linear",
    "x1": 0,
    "y1": 0,
    "x2": 1,
    "y2": 1,
    "stops": [
        {"offset": (at + end) / _STRIPES / 2, "color": f"rgba(128, 128, 128, {0.55 if at % 2 else 0.12})"}
        for at in range(2 * _STRIPES)
        for end in (0, 1)
    ],
}
_HAS_VALUE = "isValid(datum.value)"


def value_map(table: Table, caption: Caption) -> Spec:
    """Draw values by the outlines of places, darker where they are higher.

    Raises:
        NotAcceptable: fewer than half of the locations have a known outline, or they have several values each.
    """
    records, fill, on_place, unit = value_fill(table)
    atlas, records, missing = _with_outlines(records)
    description = f"Values by place. {marks.summary(records, unit)}"
    return _mapped(caption, atlas, records, missing, fill, on_place, description)


def verdict_map(table: Table, caption: Caption) -> Spec:
    """Draw verdicts against the reference by the outlines of places; each has a sign as well as a color.

    Raises:
        NotAcceptable: as for values.
    """
    records, fill, on_place = verdict_fill(table)
    atlas, records, missing = _with_outlines(records)
    for record in records:
        if record["location"] == comparison.reference_name(table) and record["value"] is None:
            record |= {"is_reference": True, "tooltip": f"{record['name']}: the reference"}
    description = f"Verdicts against {comparison.reference_name(table)} by place: {comparison.verdict_counts(records)}."
    # The signs say the same as the colors.
    return _mapped(caption, atlas, records, missing, fill, on_place, description, has_text=True)


def _with_outlines(records: Sequence[Record]) -> tuple[Atlas, list[Record], list[str]]:
    """Give records their outlines. Return those, and the names of locations that are not on the map."""
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
    is_country = geography.for_locations(tuple(sorted(names))).is_country
    return atlas, placed, [name for name in names if name not in atlas.places and not is_country(name)]


def _mapped(
    caption: Caption,
    atlas: Atlas,
    records: list[Record],
    missing: Sequence[str],
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
        "opacity": highlight_opacity(other_opacity=0.4),
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
    size = {"fontSize": {"expr": f"clamp(12 * {scale}, 8, 14)"}, "baseline": "middle"}
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
    has_missing = any(record["value"] is None and not record.get("is_reference") for record in records)
    spec = chart_spec(
        _with_unmapped(caption, missing),
        [
            {
                "transform": [{"filter": f"!{_HAS_VALUE} && datum.is_reference !== true"}],
                "projection": projection,
                "mark": {**outline, "fill": _HATCHED, "stroke": theme.color("muted")},
                "encoding": shared,
            },
            {
                "transform": [{"filter": "datum.is_reference === true"}],
                "projection": projection,
                "mark": {**outline, "fill": theme.color("ink")},
                "encoding": shared,
            },
            {
                "transform": [{"filter": _HAS_VALUE}],
                "projection": projection,
                "mark": outline,
                "encoding": {**shared, "fill": fill},
            },
            {"transform": [{"filter": "isValid(datum.inset)"}], "mark": box, "encoding": {}},
            *label,
            *(_no_data() if has_missing else ()),
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


def _with_unmapped(caption: Caption, missing: Sequence[str]) -> Caption:
    names = [labels.truncate(name, 60) for name in missing if name != caption.reference]
    if not names or caption.figure.note is not None:
        return caption
    return replace(caption, notes=(f"Not on the map: {listed(names)}.", *caption.notes))


def _no_data() -> list[Spec]:
    """Return the entry for "no data" of the legend, at the lower left."""
    one: Spec = {"data": {"values": [{}]}, "encoding": {}}
    square = {"type": "rect", "fill": _HATCHED, "stroke": theme.color("muted"), "strokeWidth": 0.6, "aria": False}
    corner = {"x": 0, "x2": 14, "y": {"expr": "height - 14"}, "y2": {"expr": "height"}}
    name = {"type": "text", "text": "No data", "align": "left", "baseline": "middle", "x": 20, "aria": False}
    return [{**one, "mark": {**square, **corner}}, {**one, "mark": {**name, "y": {"expr": "height - 7"}}}]


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
