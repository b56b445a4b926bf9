"""The chart of ``ranking``: a dot with its interval for each location, and beside it the ranks that it may have."""

from __future__ import annotations

from meantime.charts import dots, theme, words
from meantime.charts.caption import Caption
from meantime.charts.dots import Names
from meantime.charts.frame import HIGHLIGHT, Record, Spec, aloud, framed, lit
from meantime.table import Table
from meantime.text import count

_NAMES = Names(value="estimate", low="low", high="high")
_GAPS = Names(value="gap", low="gap_low", high="gap_high")
_RANK, _RANK_LOW, _RANK_HIGH = "rank", "rank_low", "rank_high"
_ALIKE = "cannot_be_told_apart_from"
_REFERENCE = ("reference", "reference_estimate", "reference_low", "reference_high")

# What share of the width the estimates have; the ranks have the rest behind a gap.
_UNTIL, _FROM = "width * 0.62", "width * 0.68"
# Lit with another location: those that it cannot be told apart from. Names are between semicolons.
_IS_ALIKE = f"indexof(datum.alike, '; ' + {HIGHLIGHT} + ';') >= 0"


def ranking(table: Table, caption: Caption) -> Spec:
    """Draw a ranking, of estimates or of gaps. A location that another cannot be told apart from stays lit with it."""
    of_gaps = dots.has(table, _GAPS.value)
    names = _GAPS if of_gaps else _NAMES
    records = dots.records_of(table, names)
    _add_ranks(records, table)
    unit = dots.unit_of(table, names.value)
    title = f"Gap ({unit}), with 95% CI" if of_gaps else dots.axis_title("Estimate", unit)
    line = ("no gap", 0.0, None, None) if of_gaps else _reference(table)
    y = dots.down()
    x = dots.across(title, dots.domain(records, *(line[1:] if line else ())), until=_UNTIL)
    estimates = [*dots.intervals(x, y, alike=_IS_ALIKE), *(dots.reference(x, *line, unit=unit) if line else ())]
    if line:  # its band lies below the dots
        estimates = [*estimates[2:], *estimates[:2]]
    first = f" First is {words.short(records[0]['name'])}." if records else ""
    return framed(
        caption,
        [{"layer": estimates}, {"layer": _ranks(records)}],
        records=records,
        height=theme.ROW_PIXELS * len(records),
        description=f"Ranking of locations with 95% CIs.{first} {dots.told(records, unit)}",
        is_layered_apart=True,
    )


def _add_ranks(records: list[Record], table: Table) -> None:
    ranks = zip(*(table.column(name) for name in (_RANK, _RANK_LOW, _RANK_HIGH, _ALIKE)), strict=True)
    for record, (rank, least, greatest, alike) in zip(records, ranks, strict=True):
        record |= {"rank": rank, "rank_low": least, "rank_high": greatest, "alike": f"; {words.plain(str(alike))};"}
        others = str(alike).count("; ") + 1 if alike else 0
        record["aloud"] += f", rank {rank} (95% CI {least} to {greatest})"
        record["aloud"] += (
            f", cannot be told apart from {count(others, 'other')}" if others else ", differs from every other"
        )


def _ranks(records: list[Record]) -> list[Spec]:
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
            "orient": "bottom",
            "titleLimit": {"expr": "width * 0.36"},
        },
    }
    ends = {"x": {**x, "field": "rank_low"}, "x2": {"field": "rank_high"}, "y": dots.down()}
    shared = {"opacity": lit(_IS_ALIKE), "tooltip": aloud()}
    ink = theme.colour("muted")
    return [
        {
            "mark": {"type": "rule", "strokeWidth": 5, "color": ink, "strokeOpacity": 0.35, "aria": False},
            "encoding": {**ends, **shared},
        },
        {
            "mark": {"type": "tick", "thickness": 2.5, "size": 11, "color": ink, "aria": False},
            "encoding": {"x": x, "y": dots.down(), **shared},
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
    if not dots.has(table, *_REFERENCE) or not len(table):
        return None
    name, value, low, high = (table.column(column)[0] for column in _REFERENCE)
    return (str(name), value, low, high) if isinstance(value, float) else None  # type: ignore[return-value]
