"""What a request is stated to cost, and what is counted when it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from meantime.compute.local import document_of
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.formats import document
from meantime.model import Unwatched
from meantime.statistics.check import check, check_names
from meantime.statistics.cost import COST_LIMITS, in_words
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyPrepared
from tests.support.cost_requests import REQUESTS, SMALL, YEARS
from tests.support.counting import Counted, count_work, watch
from tests.support.many_places import SEXES, TOTAL, places


def test_every_statistic_is_asked_here() -> None:
    assert {name for name, _ in REQUESTS} == set(STATISTICS)


AGES = tuple(("Age (years)", f"{age} - {age + 1}") for age in range(18, 60, 2))
TABLES = {
    "5 places": lambda: places(5, years=YEARS),
    "55 places": lambda: places(55, years=YEARS),
    "500 places": lambda: places(500, years=YEARS),
    "2,000 places": lambda: places(2_000, years=YEARS),
    "many groups": lambda: places(55, years=YEARS, groups=(TOTAL, *SEXES, *AGES)),
    "many years": lambda: places(55, years=range(1990, 2020)),
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(table, marks=pytest.mark.thorough if table in ("55 places", "2,000 places") else ())
        for table in TABLES
    ],
)
def table(request: pytest.FixtureRequest) -> Snapshot:
    """A table of some size."""
    return TABLES[request.param]()


def answerable(name: str, raw: Mapping[str, Any], table: Snapshot) -> AnyPrepared:
    """Return a request prepared; a correlation needs ten locations."""
    try:
        return check(name, raw, table)
    except RequestInvalid:
        assert name == "association"
        assert len(table.cube.labels.locations) < 10
        pytest.skip("a correlation needs ten locations")


@pytest.mark.parametrize(("name", "raw"), REQUESTS)
def test_what_is_stated_is_what_is_counted(
    name: str, raw: Mapping[str, Any], table: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = answerable(name, raw, table)
    cost, counted = prepared.cost, Counted()
    count_work(monkeypatch, counted)
    answer = document_of(prepared, "many", Unwatched())
    sent = len(document.encode(answer))
    assert cost.answer_rows == len(answer.table)
    assert (cost.pairs, cost.draws) == (counted.differences + counted.compared, counted.draws)
    # The constant of a pair allows for so many rounds.
    assert counted.times <= 10
    assert sent / 2 <= cost.answer_bytes <= 2 * sent


@pytest.mark.parametrize(("name", "raw"), REQUESTS)
def test_the_cells_that_are_stated_are_those_read(name: str, raw: Mapping[str, Any]) -> None:
    of, counted = places(55, years=YEARS), Counted()
    watch(of.cube, counted)
    prepared = check(name, raw, of)
    cost = prepared.cost
    prepared.compute(Unwatched())
    rests_on = {cell for part in prepared.rests_on(None).parts for cell in part.cells.tolist()}
    if prepared.statistic.reads_cells:
        assert len(counted.entries["cells"]) == cost.searched
        # The nation's two values are read, and no pair of a place.
        left_out = 2 if name == "association" else 0
        assert len(rests_on) == cost.cells + cost.sums - left_out
    else:
        # Sums over cells: an entry for each row.
        assert not counted.entries["cells"]
        assert max(map(len, counted.entries.values())) == cost.sums


@pytest.mark.parametrize(("name", "raw"), REQUESTS)
def test_what_is_searched_is_known_before_the_cells_are_selected(name: str, raw: Mapping[str, Any]) -> None:
    of = places(11, years=YEARS)
    named = check_names(name, raw, of)
    # Means read sums, and look at no cell.
    questions = 0 if named.statistic.order < STATISTICS["summary"].order else 2 if name == "association" else 1
    assert named.least_cost.searched == questions * 12 * 3 * len(YEARS)
    assert named.prepared().cost.searched == named.least_cost.searched
    assert named.least_cost.seconds <= named.prepared().cost.seconds


@pytest.mark.parametrize(("name", "raw"), REQUESTS)
def test_what_is_expected_before_the_cells_are_selected_is_no_more_than_what_is_stated_then(
    name: str, raw: Mapping[str, Any]
) -> None:
    named = check_names(name, raw, places(12, years=YEARS))
    expected, stated = named.expected_cost, named.prepared().cost
    assert expected.seconds <= stated.seconds
    assert expected.answer_bytes <= stated.answer_bytes
    # Nothing else is known of sums, of summary, and of answers that do not list locations.
    assert bool(expected.answer_rows) == (stated.cells > 0 and stated.answer_rows > 2 and raw.get("show") != "figures")


def test_of_72_000_places_it_is_seen_at_once_that_the_answer_is_too_long() -> None:
    tracts = places(72_000, groups=(TOTAL,))
    for name in ("estimate", "ranking", "distribution"):
        named = check_names(name, SMALL, tracts)
        assert not COST_LIMITS.at_once.allows(named.expected_cost)
        assert COST_LIMITS.job.allows(named.expected_cost)
        one = check_names(name, {**SMALL, "locations": ["County 00001"]}, tracts)
        assert COST_LIMITS.at_once.allows(one.expected_cost)


def test_a_ranking_of_the_counties_is_answered_at_once_and_one_of_10_000_places_is_not() -> None:
    counties, many = (check("ranking", SMALL, places(number, groups=(TOTAL,))).cost for number in (3_144, 10_000))
    assert COST_LIMITS.at_once.allows(counties)
    assert not COST_LIMITS.at_once.allows(many)
    assert in_words("ranking", many) == (
        "This ranking reads 10,001 values and compares 49,995,000 pairs, about 2.4 s of computing; its answer has "
        "about 4.9 MB."
    )


def test_a_ranking_of_all_tracts_may_be_a_job_and_one_of_a_million_places_may_not() -> None:
    tracts = check("ranking", SMALL, places(72_000, groups=(TOTAL,))).cost
    assert COST_LIMITS.job.allows(tracts)
    places_squared = 10**6 * (10**6 - 1) // 2
    assert not COST_LIMITS.job.allows(replace(tracts, pairs=places_squared))


def test_an_answer_that_is_said_to_be_small_does_not_grow_with_the_places() -> None:
    few, many = places(55), places(2_000)
    grow = {name for name, raw in REQUESTS if _bytes(name, raw, many) > 2 * _bytes(name, raw, few)}
    small = {name for name, row in STATISTICS.items() if row.is_small}
    assert small
    assert not small & grow


def _bytes(name: str, raw: Mapping[str, Any], of: Snapshot) -> int:
    # A table of one year has neither trends nor changes.
    return check(name, raw, of).cost.answer_bytes if STATISTICS[name].order < STATISTICS["estimate"].order else 0
