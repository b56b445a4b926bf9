"""The chart of ``ranking``: a dot with its interval for each location, and the ranks that it may have."""

from __future__ import annotations

from meantime.charts import labels, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import HIGHLIGHT, Record, Spec, chart_spec, highlight_opacity, tooltip
from meantime.charts.marks import MarkColumns
from meantime.table import Table
from meantime.text import count

_NAMES = MarkColumns(value="estimate", low="low", high="high")
_GAPS = MarkColumns(value="gap", low="gap_low", high="gap_high")
_LOCATION = "location"
_RANK, _RANK_LOW, _RANK_HIGH = "rank", "rank_low", "rank_high"
_COUNT, _ALIKE = "alike", "cannot_be_told_apart_from"
# Of a gap, for its dot to be filled.
SIGNIFICANCE = 0.05
_REFERENCE = ("reference", "reference_estimate", "reference_low", "reference_high")

# The share of the width for the estimates; the ranks have the rest, after a gap.
# A page that is too narrow for both leaves out the ranks, and sets the share to 1.
_SHARE, RANKS = "estimates_share", "ranks"
_UNTIL, _FROM = f"width * {_SHARE}", f"width * ({_SHARE} + 0.06)"
# Highlighted with another location: those that cannot be distinguished from it. Names are between semicolons.
_IS_ALIKE = f"isString({HIGHLIGHT}) && indexof(datum.alike, '; ' + {HIGHLIGHT} + ';') >= 0"


def ranking(table: Table, caption: Caption) -> Spec:
    """Draw a ranking of estimates or gaps; what cannot be distinguished from the highlighted location stays visible."""
    of_gaps = marks.has_columns(table, _GAPS.value)
    names = _GAPS if of_gaps else _NAMES
    records = marks.read_records(table, names)
    _add_ranks(records, table)
    if of_gaps:
        _mark_unsure(records, table)
    unit = marks.column_unit(table, names.value)
    title = f"Gap ({unit}), with 95% CI" if of_gaps else marks.axis_title("Estimate", unit)
    line = ("no gap", 0.0, None, None) if of_gaps else _reference(table)
    y = marks.row_encoding()
    side = marks.axis_side(len(records))
    has_ranks = caption.figure.ranks
    span = marks.axis_domain(records, *(line[1:] if line else ()))
    x = marks.value_encoding(title, span, until=_UNTIL if has_ranks else "width", side=side)
    estimates = [
        *marks.dots_with_intervals(x, y, also_lit=_IS_ALIKE),
        *marks.value_labels(x, caption),
    ]
    if line:  # its band is drawn below the dots
        estimates = [*marks.reference_line(x, *line, unit=unit), *estimates]
    first = f" First is {labels.truncate(records[0]['name'])}." if records else ""
    spec = chart_spec(
        caption,
        [{"layer": estimates}, {"name": RANKS, "layer": _ranks(records, side)}] if has_ranks else estimates,
        records=records,
        height=theme.ROW_PIXELS * len(records),
        description=f"Ranking of locations with 95% CIs.{first} {marks.summary(records, unit)}",
        has_separate_x_axes=has_ranks,
        nearest={"y": "name"},
    )
    if has_ranks:
        spec["params"].append({"name": _SHARE, "value": 0.62})
    return spec


def _add_ranks(records: list[Record], table: Table) -> None:
    ranks = zip(*(table.column(name) for name in (_RANK, _RANK_LOW, _RANK_HIGH, _COUNT)), strict=True)
    for record, alike, (rank, least, greatest, others) in zip(records, _alike(table), ranks, strict=True):
        record |= {
            "rank": rank,
            "rank_low": least,
            "rank_high": greatest,
            "alike": f"; {labels.printable(alike)};",
        }
        record["tooltip"] += f", rank {rank} (95% CI {least} to {greatest})"
        record["tooltip"] += (
            f", cannot be distinguished from {count(int(others or 0), 'other')}"
            if others
            else ", differs from every other"
        )


def _mark_unsure(records: list[Record], table: Table) -> None:
    """Leave the dots hollow of gaps that cannot be distinguished from 0."""
    for record, p in zip(records, table.column("p_adjusted"), strict=True):
        if not (isinstance(p, float) and p < SIGNIFICANCE):
            record["is_flagged"] = True
            record["tooltip"] += ", direction not certain (Holm-adjusted)"


def _alike(table: Table) -> list[str]:
    """Return for each location those that are highlighted with it.

    Of many locations only chosen ones have a list. Being alike is symmetrical, so the others are found by it too.
    """
    names, lists = table.column(_LOCATION), table.column(_ALIKE)
    if None not in lists:
        return [str(each) for each in lists]
    listed = {str(name): str(each).split("; ") for name, each in zip(names, lists, strict=True) if each is not None}
    alike_of: dict[str, list[str]] = {}
    for name, others in listed.items():
        for other in others:
            alike_of.setdefault(other, []).append(name)
    return ["; ".join(listed.get(str(name)) or alike_of.get(str(name), [])) for name in names]


def _ranks(records: list[Record], side: str) -> list[Spec]:
    worst = int(max((record["rank_high"] for record in records), default=1))
    x = {
        "field": "rank",
        "type": "quantitative",
        "title": "Rank, with 95% CI",
        "scale": {
            "domain": [0.5, worst + 0.5],
            "nice": False,
            "zero": False,
            "range": [{"expr": _FROM}, {"expr": "width"}],
        },
        "axis": {
            "grid": False,
            "values": rank_ticks(worst),
            "orient": side,
            "titleLimit": {"expr": "width * 0.36"},
        },
    }
    ends = {"x": {**x, "field": "rank_low"}, "x2": {"field": "rank_high"}, "y": marks.row_encoding()}
    shared = {"opacity": highlight_opacity(_IS_ALIKE), "tooltip": tooltip()}
    ink = theme.color("muted")
    return [
        {
            "mark": {"type": "rule", "strokeWidth": 5, "color": ink, "strokeOpacity": 0.35, "aria": False},
            "encoding": {**ends, **shared},
        },
        {
            "mark": {"type": "tick", "thickness": 2.5, "size": 11, "color": ink, "aria": False},
            "encoding": {"x": x, "y": marks.row_encoding(), **shared},
        },
    ]


def rank_ticks(worst: int) -> list[int]:
    """Return the ranks to write: the first, and every fifth or tenth.

    >>> rank_ticks(52), rank_ticks(4)
    ([1, 10, 20, 30, 40, 50], [1, 2, 3, 4])
    """
    step = next(step for step in (1, 5, 10, 50, 100, 500, 1000, worst) if worst <= 6 * step)
    return [1, *range(step if step > 1 else 2, worst + 1, step)]


def _reference(table: Table) -> tuple[str, float, float | None, float | None] | None:
    if not marks.has_columns(table, *_REFERENCE) or not len(table):
        return None
    name, value, low, high = (table.column(column)[0] for column in _REFERENCE)
    return (str(name), value, low, high) if isinstance(value, float) else None  # type: ignore[return-value]


CHARTS = (
    Chart(
        name="ranking",
        draw=ranking,
        ordered_by=("gap", "estimate"),
        first=None,
        meaning="a dot with its interval for each location, best first; with chart.ranks=true the range of its rank",
    ),
)
