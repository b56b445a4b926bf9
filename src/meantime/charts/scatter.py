"""The chart of two questions: a dot for each location, with the intervals of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from operator import mul
from statistics import fmean, pvariance

from meantime.charts import labels, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import MAX_MARKS, Record, Spec, chart_spec, highlight_opacity, is_highlighted, tooltip
from meantime.charts.marks import MarkColumns
from meantime.dataset.facts.titles import title_of
from meantime.table import Table
from meantime.text import count

_FIRST = MarkColumns(value="estimate", low="low", high="high")
_SECOND = MarkColumns(value="other_estimate", low="other_low", high="other_high")
_HEIGHT = 460
# Names next to dots: with more of them they would overlap. Of more dots, those far from the others are named.
_MAX_NAMED = 20
_FAR_NAMED = 8
# Pixels of the plot, of a page and of a phone, for which names are chosen; of a letter and of a dot with air around it.
_PAGE, _PHONE = 640, 280
_LETTER_WIDE, _LETTER_HIGH, _DOT = 7, 12, 5
_BESIDE = 7
# With more dots, intervals would cover all of them.
_MOST_INTERVALS = 200
# Of more locations than a chart has marks, squares count them: so many across.
_SQUARES = 60
_ECOLOGICAL = (
    "Of locations, not of people: it does not say that the same people have both, nor that one leads to the other."
)


def scatter(table: Table, caption: Caption) -> Spec:
    """Draw the first question across and the second up; a location that lacks one of them is left out.

    Very many locations are counted in squares.
    """
    records = _records(table)
    first, second = (_meaning(table, names) for names in (_FIRST, _SECOND))
    x = _axis(first, marks.axis_domain(records))
    y = _axis(
        second,
        marks.axis_domain([{"value": each["up"], "low": each["up_low"], "high": each["up_high"]} for each in records]),
    )
    y["field"] = "up"
    title = replace(caption, subtitle=(*caption.subtitle, _ECOLOGICAL))
    description = f"{len(records):,} locations by two questions, with 95% CIs. Across: {first}. Up: {second}."
    if len(records) > MAX_MARKS:
        return _squares(records, x, y, title, description)
    interval = {"type": "rule", "strokeWidth": 1, "color": theme.color("muted"), "opacity": 0.35, "aria": False}
    is_many = len(records) > _MOST_INTERVALS
    dot = {"type": "point", "filled": True, "size": 16 if is_many else 52, "color": theme.color("accent")}
    shared = {"opacity": highlight_opacity(), "tooltip": tooltip(), "description": tooltip()}
    intervals: list[Spec] = [
        {"mark": interval, "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y}},
        {"mark": interval, "encoding": {"x": x, "y": {**y, "field": "up_low"}, "y2": {"field": "up_high"}}},
    ]
    layers = [
        *([] if is_many else intervals),
        {"mark": dot, "encoding": {"x": x, "y": y, **shared}},
    ]
    if records and not is_many:
        _name_outliers(records, x["scale"]["domain"], y["scale"]["domain"])
        chosen = f"(width < {_PAGE} ? datum.on_phone : datum.on_page)"
        end = f"scale('x', datum.value) + {_BESIDE} + {_LETTER_WIDE} * length(datum.name)"
        align = f"{chosen} || ({end} > width ? 'right' : 'left')"
        name = {
            "type": "text",
            "align": {"expr": align},
            "dx": {"expr": f"({align}) === 'right' ? -{_BESIDE} : {_BESIDE}"},
            "dy": -_LETTER_HIGH // 2,
            "aria": False,
        }
        layers.append(
            {
                "transform": [{"filter": f"isValid({chosen}) || {is_highlighted()}"}],
                "mark": name,
                "encoding": {
                    "x": x,
                    "y": y,
                    "text": {"field": "name"},
                    "tooltip": tooltip(),
                    "opacity": highlight_opacity(),
                },
            }
        )
    return chart_spec(
        title,
        layers,
        records=records,
        height=_HEIGHT,
        description=description,
        nearest={"x": "value", "y": "up"},
    )


def _name_outliers(records: Sequence[Record], across_span: Sequence[float], up_span: Sequence[float]) -> None:
    """Say of each dot how its name is aligned on a page and on a phone, or that it has none there.

    Names go to all of few dots, otherwise to those that lie farthest from the others (Mahalanobis). They cover neither
    dots nor each other.
    """
    across, up = ([float(record[name]) for record in records] for name in ("value", "up"))
    middle = fmean(across), fmean(up)
    spread_x, spread_y = pvariance(across), pvariance(up)
    together = fmean(map(mul, across, up)) - middle[0] * middle[1]

    def distance(index: int) -> float:
        x, y = across[index] - middle[0], up[index] - middle[1]
        return spread_y * x * x - 2 * together * x * y + spread_x * y * y  # times the determinant, the same for all

    def with_room(indexes: Iterable[int], width: int) -> dict[int, str]:
        dots = list(zip(_pixels(across, across_span, width), _pixels(up, up_span, -_HEIGHT), strict=True))
        taken = [(x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y in dots]
        chosen: dict[int, str] = {}
        for index in indexes:
            x, y = dots[index]
            wide = _LETTER_WIDE * len(records[index]["name"])
            for align, left in (("left", x + _BESIDE), ("right", x - _BESIDE - wide)):
                name = (left, y - _LETTER_HIGH, left + wide, y)
                if left < 0 or left + wide > width or any(_overlap(name, each) for each in taken):
                    continue
                taken.append(name)
                chosen[index] = align
                break
        return chosen

    is_few = len(records) <= _MAX_NAMED
    farthest = sorted(range(len(records)), key=distance, reverse=True)
    on_page = dict(islice(with_room(farthest, _PAGE).items(), None if is_few else _FAR_NAMED))
    on_phone = with_room(farthest if is_few else on_page, _PHONE)
    for index, record in enumerate(records):
        # All of few are named where there is space, whatever that covers.
        record["on_page"] = on_page.get(index, "" if is_few else None)
        record["on_phone"] = on_phone.get(index)


def _pixels(values: Sequence[float], span: Sequence[float], pixels: int) -> list[float]:
    return [(value - span[0]) / (span[1] - span[0]) * pixels for value in values]


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _squares(records: list[Record], x: Spec, y: Spec, caption: Caption, description: str) -> Spec:
    spans = [x["scale"]["domain"], y["scale"]["domain"]]
    wide, high = ((most - least) / _SQUARES for least, most in spans)
    counts: dict[tuple[int, int], int] = {}
    for record in records:
        at = (int((record["value"] - spans[0][0]) / wide), int((record["up"] - spans[1][0]) / high))
        counts[at] = counts.get(at, 0) + 1
    squares = []
    for (across, up), number in counts.items():
        left, bottom = spans[0][0] + across * wide, spans[1][0] + up * high
        square = {"left": left, "right": left + wide, "bottom": bottom, "top": bottom + high, "count": number}
        squares.append({**square, "tooltip": count(number, "location")})
    color = {
        "field": "count",
        "type": "quantitative",
        "title": "Locations",
        "scale": {"range": [theme.color("ramp_least"), theme.color("ramp_most")], "interpolate": "lab"},
    }
    ends = {
        "x": {**x, "field": "left"},
        "x2": {"field": "right"},
        "y": {**y, "field": "bottom"},
        "y2": {"field": "top"},
    }
    lit = [record for record in records if record["location"] in caption.highlight]
    dot = {"type": "point", "filled": True, "size": 60, "color": theme.color("worse")}
    return chart_spec(
        replace(caption, shown=f"{len(records):,} locations, counted in squares."),
        [
            {"mark": "rect", "encoding": {**ends, "color": color, "tooltip": tooltip(), "description": tooltip()}},
            {"data": {"values": lit}, "mark": dot, "encoding": {"x": x, "y": y, "tooltip": tooltip()}},
        ],
        records=squares,
        height=_HEIGHT,
        description=description,
    )


def _records(table: Table) -> list[Record]:
    first, second = marks.read_records(table, _FIRST), marks.read_records(table, _SECOND)
    records = []
    for record, other in zip(first, second, strict=True):
        if record["value"] is None or other["value"] is None:
            continue
        up = {"up": other["value"], "up_low": other["low"], "up_high": other["high"]}
        records.append({**record, **up, "tooltip": f"{record['tooltip']}; {other['tooltip'].partition(': ')[2]}"})
    return records


def _axis(title: str, span: list[float]) -> Spec:
    scale = {"domain": span, "nice": False, "zero": False}
    # Cut with a sign that it was, also where a page is narrower than a picture.
    fits = {"tickCount": 7, "titleLimit": {"expr": "width"}}
    lines = labels.wrap([title], width=70, most=2)
    return {"field": "value", "type": "quantitative", "title": lines, "scale": scale, "axis": fits}


def _meaning(table: Table, names: MarkColumns) -> str:
    """Return the short title of a question, with its unit; the question itself where it has no title."""
    column = next((each for each in table.columns if each.name == names.value), None)
    if column is None:
        return names.value
    topic = title_of(column.meaning).topic
    if column.meaning in topic:
        return column.meaning
    return f"{topic[:1].upper()}{topic[1:]}{f' ({column.unit})' if column.unit else ''}"


CHARTS = (Chart(name="scatter", draw=scatter, meaning="a dot for each location by two questions, with both intervals"),)
