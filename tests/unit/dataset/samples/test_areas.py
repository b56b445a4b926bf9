"""Samples of counties and tracts."""

from __future__ import annotations

import csv
import io
import statistics
from collections import Counter, defaultdict
from functools import cache
from operator import itemgetter

import pytest

from meantime.dataset.facts.questions import built_in_questions
from meantime.dataset.points import parse_point
from meantime.dataset.samples.areas import AreaLevel, load_areas, most_places
from meantime.dataset.samples.synthetic import Level, default_rows, is_synthetic, write_sample
from meantime.errors import SettingInvalid

Row = dict[str, str]

OBESITY = "Percent of adults aged 18 years and older who have obesity"
# Columns by which rows are told apart: the cell.
KEY = ("Question", "LocationDesc", "StratificationCategory1", "Stratification1", "YearStart")
# To read all columns of a long sample takes seconds.
LOOKED_AT = {
    *(*KEY, "LocationID", "Datasource", "GeoLocation", "Data_Value", "Data_Value_Footnote_Symbol"),
    *("Low_Confidence_Limit", "High_Confidence_Limit ", "True_Percent", "Withheld"),
}
AREAS: tuple[AreaLevel, ...] = ("county", "tract")


@cache
def _text(rows: int, level: Level | None) -> bytes:
    out = io.BytesIO()
    write_sample(out, rows=rows, seed=1, level=level)
    return out.getvalue()


@cache
def _rows(rows: int, level: Level | None) -> tuple[Row, ...]:
    return _read(_text(rows, level))


@cache
def _truth(rows: int, level: Level | None) -> tuple[Row, ...]:
    truth = io.BytesIO()
    write_sample(io.BytesIO(), rows=rows, seed=1, level=level, truth=truth)
    return _read(truth.getvalue())


def _read(text: bytes) -> tuple[Row, ...]:
    lines = csv.reader(io.StringIO(text.decode(), newline=""))
    header = next(lines)
    names = [name for name in header if name in LOOKED_AT]
    pick = itemgetter(*map(header.index, names))
    return tuple(dict(zip(names, pick(line), strict=True)) for line in lines)


def _key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in KEY)


@pytest.mark.parametrize("level", AREAS)
def test_as_many_places_are_written_as_have_what_every_statistic_needs(level: AreaLevel) -> None:
    rows = _rows(20_000, level)
    counts = Counter(map(_key, rows))
    assert set(counts.values()) == {1}
    places = {row["LocationDesc"] for row in rows}
    # 22 cells of each: 13 years, 2 sexes and 6 ages of one question, and one cell of another.
    assert len(places) == 20_000 // 22
    of_place = defaultdict(set)
    for question, place, *group in counts:
        of_place[place].add((question, *group))
    assert len(set.intersection(*of_place.values())) == 22
    assert len({row["LocationID"][:2] for row in rows} - {"59"}) == 51


def test_without_a_level_more_rows_have_more_places_and_still_one_row_of_a_cell() -> None:
    rows = _rows(200_000, None)
    assert set(Counter(map(_key, rows)).values()) == {1}
    places = {row["LocationDesc"] for row in rows}
    assert len(places) == most_places("county") + 1
    assert len({row["Question"] for row in rows}) == 39


def test_the_sizes_are_those_of_counties_and_tracts() -> None:
    assert (most_places("county"), most_places("tract")) == (3_144, 72_000)
    assert default_rows("county") == 22 * 3_145
    assert default_rows("tract") == 22 * 72_001
    assert default_rows("state") == default_rows(None) == 20_000


def test_places_have_names_and_codes_of_their_own_that_begin_with_what_they_lie_in() -> None:
    counties = load_areas("county", 3_144).scheme.surveyed
    tracts = load_areas("tract", 72_000).scheme.surveyed
    for places in (counties, tracts):
        assert len({place.name for place in places}) == len({place.id for place in places}) == len(places)
        assert len({place.point for place in places}) > 0.99 * len(places)
    name_of = {place.id: place.name for place in counties}
    for place in counties:
        name, state = place.name.split(", ")
        assert name.endswith(" County")
        assert len(str(place.id)) == 5
        assert state
    for place in tracts:
        assert len(str(place.id)) == 11
        assert place.name.partition(", ")[2] == name_of[str(place.id)[:5]]


def test_a_sample_of_all_places_begins_with_a_shorter_one_of_them() -> None:
    longer = _text(default_rows("county") + 10_001, "county")
    assert longer.startswith(_text(default_rows("county"), "county"))


def test_a_level_with_too_few_cells_names_those_that_have_enough() -> None:
    with pytest.raises(SettingInvalid, match=r"180,180 cells.*--level county, or --rows-per-cell 2 "):
        write_sample(io.BytesIO(), rows=180_181, seed=1, level="state")
    with pytest.raises(SettingInvalid, match="--level tract, or --rows-per-cell 2 "):
        write_sample(io.BytesIO(), rows=50_000_000, seed=1, level="county")


def test_every_row_is_synthetic_and_has_a_question_of_known_polarity_and_a_point() -> None:
    rows = _rows(200_000, None)
    assert all(is_synthetic(source) for source in {row["Datasource"] for row in rows})
    assert {row["Question"] for row in rows} <= set(built_in_questions())
    for place, point in {(row["LocationDesc"], row["GeoLocation"]) for row in rows}:
        assert (parse_point(point) is None) == (place == "National")


# That of states is tested in test_synthetic, and draws its limits in the same way.
@pytest.mark.thorough
def test_limits_cover_the_true_value_in_95_percent_of_the_cells() -> None:
    covered: dict[str, list[bool]] = defaultdict(list)
    for row, truth in zip(_rows(200_000, None), _truth(200_000, None), strict=True):
        assert _key(row) == _key(truth)
        if row["Data_Value"]:
            low, high = float(row["Low_Confidence_Limit"]), float(row["High_Confidence_Limit "])
            hit = low - 0.05 <= float(truth["True_Percent"]) <= high + 0.05
            covered["National" if row["LocationDesc"] == "National" else "county"].append(hit)
    assert 0.94 < statistics.fmean(covered["county"]) < 0.96
    assert statistics.fmean(covered["National"]) > 0.85


def test_places_with_few_respondents_are_suppressed_and_the_country_never() -> None:
    rows = _rows(default_rows("county"), "county")
    withheld = [row for row in rows if not row["Data_Value"]]
    assert 0.01 < len(withheld) / len(rows) < 0.1
    assert {row["Data_Value_Footnote_Symbol"] for row in withheld} == {"~"}
    assert "National" not in {row["LocationDesc"] for row in withheld}
    overall = {row["LocationDesc"] for row in withheld if row["Stratification1"] == "Total"}
    assert 10 < len(overall) < 100
    assert {_key(row) for row in withheld} == {
        _key(row) for row in _truth(default_rows("county"), "county") if row["Withheld"] == "yes"
    }


def test_the_limits_of_the_country_have_a_width_with_one_decimal() -> None:
    national = [row for row in _rows(default_rows("county"), "county") if row["LocationDesc"] == "National"]
    assert len(national) == 22
    assert all(float(row["Low_Confidence_Limit"]) < float(row["High_Confidence_Limit "]) for row in national)


@pytest.mark.parametrize(("level", "points"), [("county", 4.5), ("tract", 6.0)])
def test_places_differ_as_much_as_the_level_says_and_those_of_one_state_less(level: AreaLevel, points: float) -> None:
    of_state: dict[str, list[float]] = defaultdict(list)
    for row in _truth(20_000, level):
        if (row["Question"], row["YearStart"], row["Stratification1"]) == (OBESITY, "2023", "Total"):
            of_state[row["LocationDesc"].rpartition(", ")[2]].append(float(row["True_Percent"]))
    of_state.pop("National")
    every = statistics.stdev(value for values in of_state.values() for value in values)
    within = statistics.fmean(statistics.variance(values) for values in of_state.values() if len(values) > 5) ** 0.5
    assert every == pytest.approx(points, rel=0.2)
    assert within < 0.95 * every
