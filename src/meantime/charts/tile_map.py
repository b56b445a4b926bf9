"""The map: a tile for each place of a grid, all of one size, since people are counted and not acres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meantime.charts import comparison, labels, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import Record, Spec, chart_spec, is_highlighted, no_rows_error, tooltip
from meantime.charts.marks import MarkColumns
from meantime.dataset.facts import geography, tile_grids
from meantime.dataset.facts.tile_grids import TileGrid
from meantime.errors import NotAcceptable
from meantime.table import Table
from meantime.text import decimals, listed, number

_VALUES = MarkColumns(value="estimate", low="low", high="high")
_MEANS = MarkColumns(value="mean")
_VERDICTS = MarkColumns(value="difference", low="difference_low", high="difference_high")

# A tile is as large as the width allows, and not larger than what is read at a glance.
_TILE_PIXELS = 58
# The parameter that says so; a page sets a smaller one where its screen is low.
_TILE = "tile_pixels"
# The entry for "no data" stands below the tiles.
_LEGEND_PIXELS = 30
# Smaller letters cannot be read on a phone.
LEAST_FONT = 12
# Stripes at any size and on any background: gray, and nothing.
_STRIPES = 9
HATCHED = {
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


IS_REFERENCE = "datum.is_reference === true"


def value_map(table: Table, caption: Caption) -> Spec:
    """Draw values, darker where they are higher.

    Raises:
        NotAcceptable: the locations are on no grid, or have several values each.
    """
    records, fill, on_tile, unit = value_fill(table)
    description = f"Values by place. {marks.summary(records, unit)}"
    grid, records, caption = _with_positions(records, caption)
    return _mapped(caption, grid, records, fill, on_tile, description)


def value_fill(table: Table) -> tuple[list[Record], Spec, Spec, str | None]:
    """Return the records of a map of values, the encodings of its fill and of the letters on it, and the unit."""
    names = _VALUES if marks.has_columns(table, _VALUES.value) else _MEANS
    records = marks.read_records(table, names)
    unit = marks.column_unit(table, names.value)
    known = [record["value"] for record in records if record["value"] is not None]
    least, most = min(known, default=0.0), max(known, default=1.0)
    places = decimals(known, unit)
    for record in records:
        record["share"] = None if record["value"] is None else (record["value"] - least) / ((most - least) or 1.0)
        record["shown"] = "" if record["value"] is None else number(record["value"], places)
    color = {
        "field": "value",
        "type": "quantitative",
        "title": marks.unit_title(unit),
        "scale": {
            "domain": [least, most],
            "range": [theme.color("ramp_least"), theme.color("ramp_most")],
            "interpolate": "lab",
            "nice": False,
        },
        "legend": {"gradientLength": 200, "direction": "horizontal", **marks.ramp_labels(least, most, places)},
    }
    on_tile = {
        "condition": [{"test": "datum.share > on_most_from", "value": theme.color("on_most")}],
        "value": theme.color("on_least"),
    }
    return records, color, on_tile, unit


def verdict_map(table: Table, caption: Caption) -> Spec:
    """Draw verdicts against the reference; each has a sign as well as a color.

    Raises:
        NotAcceptable: the locations are on no grid, or have several verdicts each.
    """
    records, fill, on_tile = verdict_fill(table)
    grid, records, caption = _with_positions(records, caption)
    mark_reference(records, table)
    description = f"Verdicts against {comparison.reference_name(table)} by place: {comparison.verdict_counts(records)}."
    return _mapped(caption, grid, records, fill, on_tile, description)


def verdict_fill(table: Table) -> tuple[list[Record], Spec, Spec]:
    """Return the records of a map of verdicts, and the encodings of its fill and of the letters on it."""
    records = marks.read_records(table, _VERDICTS)
    comparison.add_verdicts(records, table)
    for record in records:
        record["shown"] = _SIGNS.get(record["verdict"], "")
    present = comparison.present_verdicts(records)
    color = {
        "field": "verdict",
        "type": "nominal",
        "sort": present,
        "title": None,
        "scale": {"domain": present, "range": [theme.color(_FILLS[name]) for name in present]},
        "legend": {"symbolType": "square", "symbolSize": 130, "labelExpr": _LEGEND},
    }
    sure = f"indexof({labels.vega_string('|'.join(_SURE))}, datum.verdict) >= 0 && isValid(datum.verdict)"
    is_worse = {"test": "datum.verdict === 'worse'", "value": theme.color("on_worse")}
    on_tile = {"condition": [is_worse, {"test": sure, "value": theme.color("paper")}], "value": theme.color("ink")}
    return records, color, on_tile


_SIGNS = {"better": "●", "worse": "■", "above": "▲", "below": "▼", "similar": "=", "not tested": "?"}
_SURE = ("better", "worse", "above", "below")
_FILLS = {
    "better": "better",
    "worse": "worse",
    "above": "above",
    "below": "below",
    "similar": "grid",
    "no clear difference": "band",
    "not tested": "paper",
}
_LEGEND = "datum.label" + "".join(f" + (datum.label === '{name}' ? ' {sign}' : '')" for name, sign in _SIGNS.items())


def _with_positions(records: Sequence[Record], caption: Caption) -> tuple[TileGrid, list[Record], Caption]:
    """Put records on their tiles. A state without a record is there too, and says so; a territory may be unknown."""
    by_name = by_place(records, "a tile has room for one")
    grid = tile_grids.for_locations(tuple(by_name))
    if grid is None:
        raise NotAcceptable(
            "Fewer than half of these locations are places of a tile grid that Meantime knows, so there is no map. "
            "The other charts show them."
        )
    territories = geography.for_locations(tuple(sorted(by_name))).sets.get("territories", ())
    placed = []
    for name, tile in grid.tiles.items():
        if name not in by_name and name in territories:
            continue
        record = by_name.get(name) or empty_place(name)
        placed.append({**record, "label": tile.label, "column": tile.column, "line": tile.row})
    return grid, placed, naming_others(caption, [name for name in by_name if name not in grid.tiles])


def by_place(records: Sequence[Record], one_each: str) -> dict[str, Record]:
    """Return the records of a map by their locations; ``one_each`` says why none may have several.

    Raises:
        NotAcceptable: there are none, or several of a location.
    """
    if not records:
        raise no_rows_error()
    by_name = {record["location"]: record for record in records}
    if len(by_name) < len(records):
        raise NotAcceptable(
            f"The result has several values for a location, and {one_each}. Ask for one stratum and one period."
        )
    return by_name


def empty_place(name: str) -> Record:
    """Return the record of a place of a map for which the result has none."""
    return {"location": name, "name": name, "value": None, "tooltip": f"{name}: no value"}


def mark_reference(records: Sequence[Record], table: Table) -> None:
    """Say of the reference of a comparison that it is one: it has no difference, and still is no missing value."""
    for record in records:
        if record["location"] == comparison.reference_name(table) and record["value"] is None:
            record |= {"is_reference": True, "tooltip": f"{record['name']}: the reference"}


def has_empty(records: Sequence[Record]) -> bool:
    """Whether a place has no value."""
    return any(record["value"] is None and not record.get("is_reference") for record in records)


def has_reference(records: Sequence[Record]) -> bool:
    """Whether the reference is on the map. A layer of nothing would be a picture without a name to screen readers."""
    return any(record.get("is_reference") for record in records)


def naming_others(caption: Caption, names: Sequence[str]) -> Caption:
    """Return a caption that says which locations are not on the map; the country and the reference need not be."""
    is_country = geography.for_locations(tuple(sorted(names))).is_country
    others = [labels.truncate(name, 60) for name in names if name != caption.reference and not is_country(name)]
    return replace(caption, shown=f"Not on the map: {listed(others)}.") if others else caption


def outlined(layer: Spec) -> list[Spec]:
    """Return the layers that outline the highlighted places. The others keep their colors, which are to be compared."""
    filters = [*layer.get("transform", ()), {"filter": is_highlighted()}]
    strokes = (("paper", 5), ("ink", 2.5))
    own = {"fill": None, "strokeDash": [1, 0], "aria": False}
    return [
        {
            **layer,
            "transform": filters,
            "mark": {**layer["mark"], **own, "stroke": theme.color(name), "strokeWidth": width},
        }
        for name, width in strokes
    ]


def no_data(records: Sequence[Record], top: str) -> list[Spec]:
    """Return the entry for "no data" of the legend, at the left, if a record has none."""
    if not has_empty(records):
        return []
    one: Spec = {"data": {"values": [{}]}, "encoding": {}}
    square = {"type": "rect", "fill": HATCHED, "stroke": theme.color("muted"), "strokeWidth": 0.6, "aria": False}
    corner = {"x": 0, "x2": 14, "y": {"expr": top}, "y2": {"expr": f"{top} + 14"}}
    name = {"type": "text", "text": "No data", "align": "left", "baseline": "middle", "x": 20, "aria": False}
    return [{**one, "mark": {**square, **corner}}, {**one, "mark": {**name, "y": {"expr": f"{top} + 7"}}}]


def _mapped(
    caption: Caption, grid: TileGrid, records: list[Record], fill: Spec, on_tile: Spec, description: str
) -> Spec:
    tile = f"min(width / {grid.columns}, {_TILE})"
    left = f"(width - {grid.columns} * {tile}) / 2"
    middle = {"expr": f"{left} + (datum.column + 0.5) * {tile}"}
    shared = {"tooltip": tooltip()}
    rect = {
        "type": "rect",
        # Of a rectangle that has a width and a height, x and y are the middle.
        "x": middle,
        "y": {"expr": f"(datum.line + 0.5) * {tile}"},
        "width": {"expr": f"{tile} - 3"},
        "height": {"expr": f"{tile} - 3"},
        "cornerRadius": 3,
        "stroke": theme.color("grid"),
        "strokeWidth": 1,
    }
    reference = {
        "transform": [{"filter": IS_REFERENCE}],
        "mark": {**rect, "fill": theme.color("ink")},
        "encoding": {"description": tooltip(), **shared},
    }
    has_value = "isValid(datum.value)"
    # A place without a value is shown too. It has its own layer, since a scale has no color for a missing value.
    empty = {
        "transform": [{"filter": f"!{has_value} && !({IS_REFERENCE})"}],
        "mark": {**rect, "fill": HATCHED, "stroke": theme.color("muted"), "strokeWidth": 0.6},
        "encoding": {"description": tooltip(), **shared},
    }
    on_tile = {**on_tile, "condition": [{"test": IS_REFERENCE, "value": theme.color("paper")}, *on_tile["condition"]]}
    text = {"type": "text", "align": "center", "baseline": "middle", "x": middle, "aria": False}
    label = {
        **text,
        "text": {"expr": "datum.label"},
        "fontWeight": "bold",
        "fontSize": {"expr": f"max({LEAST_FONT}, {tile} * 0.25)"},
        "y": {"expr": f"(datum.line + 0.31) * {tile}"},
    }
    value = {
        **text,
        "text": {"expr": "datum.shown"},
        "fontSize": {"expr": f"max({LEAST_FONT}, {tile} * 0.22)"},
        "y": {"expr": f"(datum.line + 0.7) * {tile}"},
    }
    spec = chart_spec(
        caption,
        [
            *([empty] if has_empty(records) else []),
            *([reference] if has_reference(records) else []),
            {
                "transform": [{"filter": has_value}],
                "mark": rect,
                "encoding": {"fill": fill, "description": tooltip(), **shared},
            },
            *outlined({"mark": rect, "encoding": shared}),
            {"mark": label, "encoding": {"color": on_tile, **shared}},
            {"mark": value, "encoding": {"color": on_tile, **shared}},
            *no_data(records, "height + 8"),
        ],
        records=records,
        height=grid.rows * _TILE_PIXELS,
        description=description,
        axis_pixels=_LEGEND_PIXELS,
    )
    # With less width than this is made for, reduce the height too.
    spec["usermeta"]["height_to_width"] = round(grid.rows / grid.columns, 3)
    spec["usermeta"]["tile_rows"] = grid.rows
    spec["params"].append({"name": _TILE, "value": _TILE_PIXELS})
    return spec


CHARTS = (
    Chart(name="map", draw=value_map, meaning="a tile for each state and territory, darker where the value is higher"),
    Chart(
        name="verdict_map",
        draw=verdict_map,
        meaning="a tile for each state and territory, colored by whether it is better or worse than the reference",
    ),
)
