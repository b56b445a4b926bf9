"""The chart of what is tested against nothing: differences, changes, slopes, with what the test says of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from meantime.charts import dots, theme, words
from meantime.charts.caption import Caption
from meantime.charts.dots import Names
from meantime.charts.frame import Record, Spec, aloud, framed, lit
from meantime.table import Table
from meantime.text import amount, years

_REFERENCE, _TARGET, VERDICT = "reference", "target", "verdict"
# Rows may be of questions instead of locations.
_QUESTION = "question"
# Of a trend.
_STRETCH = ("first_year", "last_year")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tested:
    """What is tested, by the columns that it has."""

    names: Names
    title: str  # of the axis
    zero: str  # what the line at 0 is


_KINDS = (
    _Tested(
        names=Names(value="difference", low="difference_low", high="difference_high"),
        title="Difference from {against}",
        zero="{against}",
    ),
    _Tested(
        names=Names(value="change", low="change_low", high="change_high"),
        title="Change between the years",
        zero="no change",
    ),
    _Tested(names=Names(value="slope", low="slope_low", high="slope_high"), title="Change a year", zero="no change"),
)

# What each verdict looks like: a colour, and a shape that says the same.
LOOKS = {
    "better": ("better", "circle"),
    "worse": ("worse", "square"),
    "above": ("above", "triangle-up"),
    "below": ("below", "triangle-down"),
    "risen": ("above", "triangle-up"),
    "fallen": ("below", "triangle-down"),
    "rising": ("above", "triangle-up"),
    "falling": ("below", "triangle-down"),
    "similar": ("muted", "diamond"),
    "no clear difference": ("unclear", "circle"),
    "no clear change": ("unclear", "circle"),
    "no clear trend": ("unclear", "circle"),
    "too few years": ("unclear", "cross"),
    "not tested": ("unclear", "cross"),
}
_HOW = (
    "Each interval is for one comparison; the verdicts allow for their number, so one may be unclear beside the line."
)


def comparison(table: Table, caption: Caption) -> Spec:
    """Draw what is tested, largest first; at 0 is the line that it is tested against.

    Raises:
        KeyError: nothing in the table is tested.
    """
    tested = next((kind for kind in _KINDS if dots.has(table, kind.names.value)), _KINDS[0])
    records = dots.records_of(table, tested.names)
    add_verdicts(records, table)
    if dots.has(table, _QUESTION):
        for record, question in zip(records, table.column(_QUESTION), strict=True):
            record["name"] = words.short(str(question), 90)
    _name_stretches(records, table)
    records.sort(key=_largest_first)
    unit = dots.unit_of(table, tested.names.value)
    line, title = (text.format(against=against(table)) for text in (tested.zero, tested.title))
    x = dots.across(f"{title}{f' ({unit})' if unit else ''}, with 95% CI", dots.domain(records, 0.0))
    return framed(
        replace(caption, subtitle=(*caption.subtitle, _HOW)),
        [*dots.reference(x, line, 0.0), *_verdicts(x, records)],
        records=records,
        height=theme.ROW_PIXELS * max(len(records), 2),
        description=f"{title}, with 95% CIs: {counted(records)}. {dots.told(records, unit)}",
    )


def add_verdicts(records: list[Record], table: Table) -> None:
    """Give each record its verdict."""
    for record, verdict in zip(records, table.column(VERDICT), strict=True):
        # A verdict of another version of ours has the look of none.
        record["verdict"] = str(verdict) if verdict in LOOKS else "not tested"
        record["aloud"] += f", {verdict}"


def _name_stretches(records: list[Record], table: Table) -> None:
    """Give the stretches of a location, from one break to the next, rows of their own."""
    names = [record["name"] for record in records]
    if len(set(names)) == len(names) or not dots.has(table, *_STRETCH):
        return
    ends = zip(*(table.column(name) for name in _STRETCH), strict=True)
    for record, (first, last) in zip(records, ends, strict=True):
        stretch = "no year" if first is None else years(first, last)
        record["name"] += f", {stretch}"
        record["aloud"] = f"{stretch}, {record['aloud']}"


def against(table: Table) -> str:
    """Name what the rows are compared with."""
    if not len(table):
        return ""
    if dots.has(table, _TARGET):
        target = table.column(_TARGET)[0]
        return f"the target of {amount(target, dots.unit_of(table, _TARGET))}" if isinstance(target, float) else ""
    return words.short(str(table.column(_REFERENCE)[0]), 60) if dots.has(table, _REFERENCE) else ""


def present(records: list[Record]) -> list[str]:
    """Return the verdicts that there are."""
    there = {record.get("verdict") for record in records}
    return [name for name in LOOKS if name in there]


def counted(records: list[Record]) -> str:
    """Say how many verdicts of each kind there are."""
    return ", ".join(f"{sum(each.get('verdict') == name for each in records)} {name}" for name in present(records))


def _look(records: list[Record]) -> tuple[Spec, Spec, Spec]:
    """Return the encodings of line, filling and shape by verdict, for the verdicts that there are."""
    there = present(records)
    lines = [theme.colour(LOOKS[name][0]) for name in there]
    # Nothing was found, so nothing is filled.
    fillings = [theme.colour("paper" if LOOKS[name][0] == "unclear" else LOOKS[name][0]) for name in there]
    shapes = [LOOKS[name][1] for name in there]
    shared = {"field": "verdict", "type": "nominal", "sort": there, "legend": {"title": None}}
    line, filling, shape = ({**shared, "scale": {"domain": there, "range": each}} for each in (lines, fillings, shapes))
    return line, filling, shape


def _verdicts(x: Spec, records: list[Record]) -> list[Spec]:
    line, filling, shape = _look(records)
    y = dots.down()
    ends = {"x": {**x, "field": "low"}, "x2": {"field": "high"}}
    shared = {"stroke": line, "opacity": lit(), "tooltip": aloud(), "y": y}
    rule = {"type": "rule", "strokeWidth": 2.5, "aria": False}
    point = {"type": "point", "size": 60, "strokeWidth": 1.8}
    return [
        {"mark": rule, "encoding": {**ends, **shared}},
        {"mark": point, "encoding": {"x": x, "shape": shape, "fill": filling, "description": aloud(), **shared}},
    ]


def _largest_first(record: Record) -> tuple[bool, float, str]:
    value = record["value"]
    return value is None, 0.0 if value is None else -value, record["name"]
