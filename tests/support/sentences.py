"""Requests whose sentences are kept in tests/fixtures/sentences, to be read as a whole where one of them changes.

``python -m tests.support.sentences`` writes them again. The tables of their own are small: ties, values that nothing
tells apart, zeros, rates, few places of many. The CDC's files are asked where they are beside the project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from meantime.dataset.samples import survey_example
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.model import Unwatched
from meantime.statistics.check import check
from tests.support import factories
from tests.support.real_data import BY_SEX, SUBSET, real_file
from tests.support.table_files import read

FOLDER = Path(__file__).parents[1] / "fixtures" / "sentences"
OBESITY = "Percent of adults aged 18 years and older who have obesity"
OVERWEIGHT = "Percent of adults aged 18 years and older who have an overweight classification"
INACTIVITY = "Percent of adults who engage in no leisure-time physical activity"
SMOKING = "Current smoking among adults aged >=18 years"
STATES = ("National", "Colorado", "Hawaii", "Iowa", "Maine", "Ohio", "Texas", "Utah", "Vermont", "Virginia", "Wyoming")
WOMEN = {"category": "Sex", "stratum": "Female"}
SEXES = {"category": "Sex", "stratum": "Female", "reference_stratum": "Male"}

Request = tuple[str, str, Mapping[str, Any]]  # statistic, table, parameters


def _rows(values: Iterable[tuple[str, float]], half: float, year: int, **more: Any) -> list[dict[str, Any]]:
    return [
        factories.row(
            location=name,
            value=f"{value:.1f}",
            low=round(max(value - half, 0.0), 1),
            high=round(value + half, 1),
            period=(year, year),
            **more,
        )
        for name, value in values
    ]


@cache
def _ties() -> Snapshot:
    """States with ties at the lowest end, over ten years, and two sexes."""
    levels = (31.0, 25.0, 25.0, 31.5, 30.0, 37.0, 32.0, 34.0, 30.5, 36.0, 38.0)
    rows = []
    for step, year in enumerate(range(2014, 2024)):
        for stratum, shift in (("Female", 0.0), ("Male", 2.5)):
            rises = (0.2 + (place + 1) // 2 % 3 * 0.4 for place in range(len(STATES)))
            rise = [
                (name, level + step * slope + shift) for name, level, slope in zip(STATES, levels, rises, strict=True)
            ]
            rows += _rows(rise, 1.5, year, question=SMOKING, category="Sex", stratum=stratum, unit="percent")
    return factories.snapshot(rows, polarity={SMOKING: "lower"})


@cache
def _alike() -> Snapshot:
    """Thirty places between which no difference is shown, and one that stands out."""
    places = [(f"County {number}", 30.0 + number % 5 / 10) for number in range(30)]
    rows = _rows([*places, ("County 31", 34.6)], 2.4, 2022, question="Do you nap?", unit="percent")
    rows += _rows(places, 2.4, 2021, question="Do you nap?", unit="percent")
    return factories.snapshot(rows, polarity={"Do you nap?": "higher"})


@cache
def _rates() -> Snapshot:
    """Rates, which are no percents."""
    rates = [("Iowa", 140.2), ("Maine", 151.0), ("Ohio", 188.5), ("Utah", 120.4)]
    question = "Number of heart attacks"
    rows = _rows(rates, 9.0, 2022, question=question, unit="per 100,000 people")
    for year in range(2017, 2022):
        earlier = ((name, rate - 4 * (2022 - year)) for name, rate in rates)
        rows += _rows(earlier, 9.0, year, question=question, unit="per 100,000 people")
    return factories.snapshot(rows, polarity={question: "lower"}, unit="per 100,000 people")


@cache
def _few() -> Snapshot:
    """Three of ten places have a value in the year, one of them 0."""
    rows = _rows([("Iowa", 0.0), ("Maine", 12.0), ("Ohio", 15.5)], 3.0, 2020, question="Naps", unit="percent")
    rows += _rows(((name, 11.0) for name in STATES[3:]), 3.0, 2019, question="Naps", unit="percent")
    return factories.snapshot(rows)


TABLES: Mapping[str, Callable[[], Snapshot]] = {
    "survey": survey_example.snapshot,
    "ties": _ties,
    "alike": _alike,
    "rates": _rates,
    "few": _few,
}
REAL_TABLES: Mapping[str, str] = {"by-sex": BY_SEX, "subset": SUBSET}

_SOUP = {"question": survey_example.SOUP}
_TIES = {"question": SMOKING, **WOMEN}
_NAPS = {"question": "Do you nap?"}
_RATES = {"question": "Number of heart attacks"}
_FEW = {"question": "Naps"}
REQUESTS: Sequence[Request] = (
    ("estimate", "survey", {**_SOUP, "years": "2018..2019"}),
    ("estimate", "ties", {**_TIES, "locations": ["Utah"]}),
    ("estimate", "rates", {**_RATES, "locations": ["Ohio"], "years": "2021..2022"}),
    ("estimate", "few", {**_FEW, "years": "2020"}),
    ("comparison", "survey", {**_SOUP, "reference": "Borduria"}),
    ("comparison", "ties", {**_TIES, "margin": 4}),
    ("comparison", "ties", {**_TIES, "reference": "Ohio", "locations": ["Virginia"]}),
    ("comparison", "rates", {**_RATES, "reference": "Utah"}),
    ("comparison", "alike", {**_NAPS, "reference": "County 1", "years": "2021"}),
    ("ranking", "survey", {**_SOUP, "years": "2020"}),
    ("ranking", "ties", _TIES),
    ("ranking", "alike", {**_NAPS, "years": "2022"}),
    ("ranking", "alike", {**_NAPS, "years": "2021", "best": 1}),
    ("ranking", "few", {**_FEW, "years": "2020", "better": "lower"}),
    ("change", "survey", {**_SOUP, "since": "2016", "years": "2019"}),
    ("change", "ties", {**_TIES, "since": "2018", "years": "2023", "reference": "National"}),
    ("change", "ties", {**_TIES, "since": "2018", "years": "2023", "reference": "National", "locations": ["Ohio"]}),
    ("change", "rates", {**_RATES, "since": "2017", "years": "2022"}),
    ("target", "survey", {**_SOUP, "target": 25}),
    ("target", "ties", {**_TIES, "target": 33}),
    ("target", "few", {**_FEW, "target": 10, "years": "2019"}),
    ("target", "rates", {**_RATES, "target": 150, "locations": ["Utah"]}),
    ("trend", "survey", _SOUP),
    ("trend", "ties", _TIES),
    ("trend", "ties", {**_TIES, "breaks": [2019]}),
    ("trend", "rates", {**_RATES, "locations": ["Ohio"]}),
    ("disparity", "survey", {**_SOUP, "category": "Sex", "reference_stratum": "Male"}),
    ("disparity", "survey", _SOUP),
    ("disparity", "ties", {"question": SMOKING, "category": "Sex", "reference_stratum": "Male"}),
    ("disparity", "ties", {"question": SMOKING, "category": "Sex", "reference_stratum": "Male", "locations": ["Ohio"]}),
    ("gap_ranking", "survey", {**_SOUP, **SEXES}),
    ("gap_ranking", "ties", {"question": SMOKING}),
    ("gap_ranking", "ties", {"question": SMOKING, **SEXES}),
    ("gap_ranking", "ties", {"question": SMOKING, **SEXES, "since": "2018"}),
    ("distribution", "survey", _SOUP),
    ("distribution", "ties", _TIES),
    ("distribution", "alike", {**_NAPS, "years": "2022"}),
    ("distribution", "rates", _RATES),
    ("sensitivity", "survey", {**_SOUP, "years": "2018", "best": 3}),
    ("sensitivity", "ties", _TIES),
    ("sensitivity", "ties", {**_TIES, "best": 1}),
    ("sensitivity", "rates", _RATES),
    ("standardised", "survey", {**_SOUP, "category": "Sex", "standard": ["Female=3", "Male=1"]}),
    ("standardised", "ties", {"question": SMOKING, "category": "Sex", "standard": ["Female=51", "Male=49"]}),
    (
        "standardised",
        "ties",
        {"question": SMOKING, "category": "Sex", "standard": ["Female=1", "Male=1"], "locations": ["Utah"]},
    ),
    ("detectable", "survey", {**_SOUP, "reference": "Avalon"}),
    ("detectable", "ties", _TIES),
    ("detectable", "ties", {**_TIES, "locations": ["Utah"], "power": 0.9}),
    ("detectable", "rates", {**_RATES, "reference": "Utah"}),
)
_OB, _OV, _IN = ({"question": question} for question in (OBESITY, OVERWEIGHT, INACTIVITY))
REAL_REQUESTS: Sequence[Request] = (
    ("estimate", "by-sex", {**_OB, "years": "2021..2023"}),
    ("ranking", "by-sex", {**_OB, **WOMEN, "years": "2023"}),
    ("ranking", "subset", _OB),
    ("comparison", "by-sex", {**_OV, **WOMEN, "years": "2023", "margin": 3}),
    ("change", "by-sex", {**_OB, **WOMEN, "since": "2011..2012", "years": "2022..2023", "reference": "National"}),
    ("target", "by-sex", {**_OV, **WOMEN, "target": 30, "years": "2023"}),
    ("trend", "by-sex", {**_IN, **WOMEN}),
    ("disparity", "by-sex", {**_OB, "category": "Sex", "reference_stratum": "Male", "years": "2023"}),
    ("disparity", "subset", {**_OB, "category": "Education", "reference_stratum": "College graduate", "years": "2018"}),
    ("gap_ranking", "by-sex", {**_OB, **SEXES, "years": "2023", "since": "2011"}),
    ("association", "by-sex", {**_OB, "other": INACTIVITY, **WOMEN, "years": "2023"}),
    ("association", "by-sex", {**_OB, "other": OVERWEIGHT, **WOMEN, "years": "2023"}),
    ("association", "by-sex", {**_OB, "other": INACTIVITY, "category": "Sex", "stratum": "Male", "years": "2019"}),
    ("association", "by-sex", {**_OV, "other": INACTIVITY, **WOMEN, "years": "2021..2023"}),
    ("distribution", "by-sex", {**_IN, **WOMEN, "years": "2023"}),
    ("sensitivity", "by-sex", {**_OB, **WOMEN, "years": "2023"}),
    (
        "standardised",
        "subset",
        {**_OB, "category": "Age (years)", "standard": ["us_2000"], "years": "2018"},
    ),
    ("detectable", "by-sex", {**_OB, **WOMEN, "years": "2023"}),
)


def written(requests: Iterable[Request], table: Callable[[str], Snapshot]) -> str:
    """Return the sentences of answers, each request with what it says."""
    return "\n".join(_of_request(statistic, name, parameters, table(name)) for statistic, name, parameters in requests)


def _of_request(statistic: str, name: str, parameters: Mapping[str, Any], snapshot: Snapshot) -> str:
    told = ", ".join(f"{key}={value}" for key, value in parameters.items())
    try:
        table = check(statistic, dict(parameters), snapshot).compute(Unwatched())
    except RequestInvalid as invalid:
        return f"## {statistic} ({name}: {told})\n\nRefused: {invalid}\n"
    lines = [f"* {finding}" for finding in table.findings]
    lines += [f"* Note: {note}" for note in table.notes]
    lines += [f"* Warning: {warning}" for warning in table.warnings]
    return f"## {statistic} ({name}: {told})\n\n" + "\n".join(lines) + "\n"


def own_table(name: str) -> Snapshot:
    """Return a table of this module."""
    return TABLES[name]()


@cache
def real_table(name: str) -> Snapshot:
    """Return one of the CDC's files; skips the test where it is absent."""
    return read(real_file(REAL_TABLES[name]))


if __name__ == "__main__":
    (FOLDER / "own.md").write_text(written(REQUESTS, own_table), encoding="utf-8")
    (FOLDER / "cdc.md").write_text(written(REAL_REQUESTS, real_table), encoding="utf-8")
