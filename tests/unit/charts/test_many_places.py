"""Charts of thousands of places: what they show of them, and how large they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meantime.charts.caption import Caption
from meantime.charts.extremes import MOST_LOCATIONS, arranged
from meantime.charts.layout import MAX_MARKS, Spec, is_highlighted
from meantime.charts.registry import CHARTS
from meantime.table import Cell, Column, Kind, Table

COUNTY = 3_144
# More than a picture has marks for, and fewer than there are: 72,000.
TRACT = 12_000
# Of a picture of dots in rows; a screen has about 1,000.
MOST_PIXELS = 1_200
ROWS = ("ranking", "estimates", "comparison", "means", "disparity", "trend")


def table_of(places: int, *, years: tuple[str, ...] = ("2023",)) -> Table:
    """A table that every chart can draw: values rise with the number of the place, and by year."""
    rows = [(place, year) for place in range(places) for year in years]
    values = [20.0 + 40.0 * place / places + 0.001 * years.index(year) for place, year in rows]
    around = [value - 2.0 for value in values], [value + 2.0 for value in values]
    ranks = [place + 1 for place, _ in rows]
    texts: dict[str, list[Cell]] = {
        "location": [f"Place {place}" for place, _ in rows],
        "period": [year for _, year in rows],
        "stratum": ["Women"] * len(rows),
        "reference_stratum": ["Men"] * len(rows),
        "reference": ["National"] * len(rows),
        "verdict": ["above"] * len(rows),
        "cannot_be_told_apart_from": [None] * len(rows),
    }
    numbers: dict[str, list[Any]] = {
        **dict.fromkeys(("estimate", "other_estimate", "difference", "mean"), values),
        **dict.fromkeys(("low", "other_low", "difference_low"), around[0]),
        **dict.fromkeys(("high", "other_high", "difference_high"), around[1]),
        **dict.fromkeys(("rank", "rank_low", "rank_high", "alike", "rank_as_asked"), ranks),
        # Place 0 moves furthest.
        "rank_pooled": [places - place for place, _ in rows],
    }
    columns = [Column(name=name, kind=Kind.TEXT, meaning="") for name in texts]
    columns += [Column(name=name, kind=Kind.NUMBER, unit="percent", meaning="") for name in numbers]
    return Table(columns=tuple(columns), data=(*texts.values(), *numbers.values()))


def drawn(name: str, table: Table, **caption: Any) -> Spec:
    """Draw as formats do, of the columns that lead to this chart."""
    unused = {"means": ("difference", "stratum"), "estimates": ("stratum", "period"), "trend": ("stratum",)}.get(
        name, ()
    )
    kept = [at for at, column in enumerate(table.columns) if column.name not in unused]
    own = Table(columns=tuple(table.columns[at] for at in kept), data=tuple(table.data[at] for at in kept))
    chart = CHARTS[name]
    return chart.draw(*arranged(own, Caption(title="Naps", **caption), chart))


def places_in(spec: Spec) -> set[str]:
    return {str(record["location"]) for record in spec["data"]["values"]}


@pytest.mark.parametrize("name", ROWS)
def test_charts_of_rows_show_the_ends_and_say_so(name: str) -> None:
    spec = drawn(name, table_of(COUNTY))
    lowest, highest = range(25), range(COUNTY - 25, COUNTY)
    assert places_in(spec) == {f"Place {number}" for number in (*lowest, *highest)}
    assert spec["usermeta"]["shown"] == "The 25 highest and 25 lowest of 3,144 places."
    assert spec["title"]["subtitle"][-1] == spec["usermeta"]["shown"]
    assert spec["usermeta"]["shown"] in spec["description"]
    assert spec["height"] <= MOST_PIXELS
    assert len(json.dumps(spec)) < 200_000


@pytest.mark.parametrize("name", ROWS)
def test_the_chosen_place_and_the_reference_are_always_there(name: str) -> None:
    spec = drawn(name, table_of(COUNTY), highlight=("Place 1000",), reference="Place 2000")
    assert {"Place 1000", "Place 2000"} <= places_in(spec)
    assert spec["usermeta"]["shown"] == ("The 25 highest and 25 lowest of 3,143 places, and Place 1000 and Place 2000.")


def test_a_chosen_place_at_an_end_is_there_once() -> None:
    spec = drawn("ranking", table_of(COUNTY), highlight=("Place 3",))
    assert len(spec["data"]["values"]) == 50
    assert spec["usermeta"]["shown"] == "The 25 highest and 25 lowest of 3,144 places."


@pytest.mark.parametrize("name", ROWS)
def test_up_to_a_hundred_places_are_all_shown(name: str) -> None:
    spec = drawn(name, table_of(MOST_LOCATIONS))
    assert len(places_in(spec)) == MOST_LOCATIONS
    assert spec["usermeta"]["shown"] == ""


def test_lines_over_years_are_chosen_by_the_latest_year() -> None:
    spec = drawn("trend", table_of(COUNTY, years=("2019", "2021", "2023")))
    assert len(places_in(spec)) == 50
    assert len(spec["data"]["values"]) == 150


def test_missing_values_are_no_extremes() -> None:
    table = table_of(MOST_LOCATIONS + 2)
    at = [column.name for column in table.columns].index("estimate")
    data = list(table.data)
    data[at] = [None, *data[at][1:]]
    spec = drawn("ranking", Table(columns=table.columns, data=tuple(data)))
    assert "Place 0" not in places_in(spec)
    assert spec["usermeta"]["shown"] == "The 25 highest and 25 lowest of 101 places."


def test_of_ranks_by_method_those_that_move_furthest_are_shown_at_most_a_screen_high() -> None:
    spec = drawn("slopes", table_of(COUNTY), highlight=("Place 1571",))
    ends = {0, 1, 2, COUNTY - 1}
    assert {f"Place {number}" for number in ends} <= places_in(spec)
    assert "Place 1571" in places_in(spec)
    assert len(places_in(spec)) == 26
    assert spec["usermeta"]["shown"] == "The 25 of 3,144 places that move furthest, and Place 1571."
    assert spec["height"] <= MOST_PIXELS
    named = [record["beside"] for record in spec["data"]["values"] if record.get("beside")]
    assert 0 < len(named) < 26


@pytest.mark.parametrize("places", [COUNTY, TRACT])
def test_the_spread_of_many_is_counted_in_bars(places: int) -> None:
    spec = drawn("spread", table_of(places), highlight=("Place 7",))
    assert sum(record["count"] for record in spec["data"]["values"]) == places
    assert len(json.dumps(spec)) < 100_000
    assert spec["usermeta"]["shown"] == f"{places:,} locations, counted in bars."
    assert "Place 7" in json.dumps(spec["layer"])


def test_a_dot_for_each_county_by_two_questions_has_no_interval() -> None:
    spec = drawn("scatter", table_of(COUNTY))
    assert len(spec["data"]["values"]) == COUNTY
    assert "rule" not in json.dumps(spec["layer"])


def test_more_dots_than_can_be_seen_are_counted_in_squares() -> None:
    spec = drawn("scatter", table_of(TRACT), highlight=("Place 7",))
    assert sum(record["count"] for record in spec["data"]["values"]) == TRACT
    assert len(spec["data"]["values"]) <= MAX_MARKS
    assert spec["usermeta"]["shown"] == "12,000 locations, counted in squares."
    assert "Place 7" in json.dumps(spec["layer"])


def grid(places: int) -> dict[str, tuple[float, float]]:
    """Points of a country, in rows of 300."""
    return {f"Place {number}": (30.0 + number // 300 * 0.05, -110.0 + number % 300 * 0.1) for number in range(places)}


def test_a_map_of_counties_has_a_dot_for_each_and_a_ring_for_the_chosen_one() -> None:
    spec = drawn("point_map", table_of(COUNTY), points=grid(COUNTY), highlight=("Place 7",))
    assert len(spec["data"]["values"]) == COUNTY
    assert len(json.dumps(spec)) < 1_000_000
    assert [layer["transform"] for layer in spec["layer"]][-1] == [{"filter": is_highlighted()}]


def test_a_map_of_tracts_has_squares_with_their_medians() -> None:
    spec = drawn("point_map", table_of(TRACT), points=grid(TRACT), highlight=("Place 7",))
    squares = spec["data"]["values"]
    assert 100 < len(squares) <= MAX_MARKS
    assert len(json.dumps(spec)) < 1_000_000
    assert spec["usermeta"]["shown"] == "12,000 locations, in squares with the median of those within."
    assert all("median" in square["tooltip"] for square in squares)
    assert "Place 7" in json.dumps(spec["layer"])


def test_a_square_has_the_median_of_its_places() -> None:
    points = {f"Place {number}": (40.0, -100.0) for number in range(MAX_MARKS)} | {f"Place {MAX_MARKS}": (45.0, -80.0)}
    spec = drawn("point_map", table_of(MAX_MARKS + 1), points=points)
    values = sorted(square["value"] for square in spec["data"]["values"])
    assert len(values) == 2
    assert values[0] == pytest.approx(20.0 + 40.0 * (MAX_MARKS - 1) / 2 / (MAX_MARKS + 1))
