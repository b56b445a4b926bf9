"""Requests of every statistic, for tests of what each costs and of where each can be stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.many_places import NATION, QUESTIONS

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
    ("ranking", {**SMALL, "alike_of": ["County 00003", "County 00004"]}),
    ("change", {**SMALL, "since": YEARS[0]}),
    ("change", {**SMALL, "since": YEARS[0], "reference": NATION}),
    ("target", {**SMALL, "target": 30.0}),
    ("trend", SMALL),
    ("trend", {**SMALL, "breaks": [2016]}),
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
