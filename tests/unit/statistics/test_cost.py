"""What a request is stated to cost, and what is counted when it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from meantime.compute.local import document_of
from meantime.dataset.snapshot import Snapshot
from meantime.formats import document
from meantime.model import Unwatched
from meantime.statistics.check import check, check_names
from meantime.statistics.registry import STATISTICS
from tests.support.many_places import NATION, QUESTIONS, places

YEARS = tuple(range(2014, 2020))
SMALL = {"question": QUESTIONS[0]}
BY_SEX = {**SMALL, "category": "Sex", "reference_stratum": "Male"}
# A request for each statistic, and others where parameters change what it costs.
REQUESTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    *(
        (name, SMALL)
        for name in ("states_mean", "best5", "worst5", "global_mean", "diff_from_mean", "mean_by_category")
    ),
    *((name, {**SMALL, "state": NATION}) for name in ("state_mean", "state_diff_from_mean", "state_mean_by_category")),
    ("summary", {**SMALL, "by": ["location"]}),
    ("summary", {**SMALL, "by": ["period", "stratum"], "quantiles": []}),
    ("summary", SMALL),
    ("summary", {**SMALL, "by": ["location", "period"], "limit": 10}),
    ("estimate", SMALL),
    ("estimate", {**SMALL, "years": "all", "by": ["period"]}),
    ("estimate", {**SMALL, "years": "all", "by": ["stratum"]}),
    ("estimate", {**SMALL, "basis": "all_rows"}),
    ("comparison", {**SMALL, "reference": NATION}),
    ("ranking", SMALL),
    ("ranking", {**SMALL, "alike_of": ["County 00003", "County 00007"]}),
    ("change", {**SMALL, "since": YEARS[0]}),
    ("change", {**SMALL, "since": YEARS[0], "reference": NATION}),
    ("target", {**SMALL, "target": 30.0}),
    ("trend", SMALL),
    ("trend", {**SMALL, "breaks": [2017]}),
    ("disparity", BY_SEX),
    ("gap_ranking", {**BY_SEX, "stratum": "Female"}),
    ("gap_ranking", {**BY_SEX, "stratum": "Female", "since": YEARS[0]}),
    ("association", {**SMALL, "other": QUESTIONS[1]}),
    ("association", {**SMALL, "other": QUESTIONS[1], "show": "locations"}),
    ("detectable", {**SMALL, "reference": NATION}),
    ("distribution", SMALL),
    ("distribution", {**SMALL, "show": "figures"}),
    ("sensitivity", SMALL),
    ("sensitivity", {**SMALL, "show": "figures"}),
    ("standardised", {**SMALL, "category": "Sex", "standard": ["Female=51", "Male=49"]}),
)


def test_every_statistic_is_asked_here() -> None:
    assert {name for name, _ in REQUESTS} == set(STATISTICS)


@pytest.fixture(scope="module", params=[11, 55, 500, 2_000])
def table(request: pytest.FixtureRequest) -> Snapshot:
    """A table of so many places."""
    return places(request.param, years=YEARS)


@pytest.mark.parametrize(("name", "raw"), REQUESTS)
def test_the_bytes_that_are_stated_are_half_to_twice_those_sent(
    name: str, raw: Mapping[str, Any], table: Snapshot
) -> None:
    prepared = check(name, raw, table)
    stated = prepared.cost.answer_bytes
    sent = len(document.encode(document_of(prepared, "many", Unwatched())))
    assert sent / 2 <= stated <= 2 * sent


@pytest.mark.parametrize(("name", "raw"), REQUESTS)
def test_what_is_searched_is_known_before_the_cells_are_selected(name: str, raw: Mapping[str, Any]) -> None:
    of = places(11, years=YEARS)
    named = check_names(name, raw, of)
    # Means read sums, and look at no cell.
    questions = 0 if named.statistic.order < STATISTICS["summary"].order else 2 if name == "association" else 1
    assert named.least_cost.searched == questions * 12 * 3 * len(YEARS)
    assert named.prepared().cost.searched == named.least_cost.searched
    assert named.least_cost.seconds <= named.prepared().cost.seconds
