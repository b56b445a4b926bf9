"""Values that are standardized where cells are selected, and what statistics make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats

from meantime.dataset.snapshot import Snapshot
from meantime.dataset.standard_population import StandardPopulation
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.explain.explanation import Explanation
from meantime.statistics.explain.source_rows import row_of
from meantime.statistics.methods.standard_errors import Z95
from meantime.table import Table
from tests.support import factories
from tests.support.answers import refused

AGES = ("18-44", "45-64", "65 or older")
# Klein and Schoenborn: adults of 2000, in thousands.
SHARES = np.array([108150, 60991, 34710]) / (108150 + 60991 + 34710)
PLACES = {
    "National": (20.0, 30.0, 40.0),
    "Idaho": (18.5, 33.0, 41.5),
    "Ohio": (24.0, 31.5, 43.0),
    "Utah": (15.0, 26.5, 35.5),
}
YEARS = range(2015, 2021)
HALF = 2.5


def age_row(place: str, age: str, value: float | None, year: int = 2020, **more: Any) -> dict[str, Any]:
    return factories.row(
        location=place,
        value=None if value is None else repr(value),
        category="Age",
        stratum=age,
        period=(year, year),
        **{
            "low": None if value is None else value - HALF,
            "high": None if value is None else value + HALF,
            "sample_size": 300.0,
            **more,
        },
    )


def value_of(place: str, age: int, year: int) -> float:
    return round(PLACES[place][age] + (year - 2020) * (0.75 if place == "Ohio" else 0.25) + 0.5 * (year % 3), 2)


def rows(*leaving_out: tuple[str, int, int]) -> list[dict[str, Any]]:
    return [
        age_row(place, age, value_of(place, index, year), year)
        for place in PLACES
        for index, age in enumerate(AGES)
        for year in YEARS
        if (place, index, year) not in leaving_out
    ]


def published() -> Snapshot:
    """A table that publishes the standardized values, computed by hand, with the limits of their standard errors."""
    made = []
    for place in PLACES:
        for year in YEARS:
            value = sum(share * value_of(place, index, year) for index, share in enumerate(SHARES.tolist()))
            se = np.sqrt((SHARES**2).sum() * ((HALF / stats.norm.ppf(0.975)) ** 2 + 0.01**2 / 12))
            made.append(
                factories.row(
                    location=place,
                    value=f"{value:.12f}",
                    period=(year, year),
                    low=value - Z95 * se,
                    high=value + Z95 * se,
                    sample_size=900.0,
                )
            )
    return factories.snapshot(made)


def answer(statistic: str, of: Snapshot, **raw: Any) -> Table:
    return check(statistic, {"question": "Q", "interval_scale": "linear", **raw}, of).compute(Unwatched())


def explained(statistic: str, of: Snapshot, *, at: int = 0, **raw: Any) -> Explanation:
    prepared = check(statistic, {"question": "Q", "interval_scale": "linear", **raw}, of)
    table = prepared.compute(Unwatched())
    return prepared.explain(table, row_of(table, at))


def told(statistic: str, of: Snapshot | None, **raw: Any) -> list[tuple[str, str]]:
    problems = refused(statistic, {"question": "Q", **raw}, of)
    return [(problem.pointer, problem.detail) for problem in problems]


@pytest.mark.parametrize(
    ("statistic", "raw", "exact"),
    [
        ("estimate", {}, ("location", "respondents", "flags")),
        ("estimate", {"years": "2018..2020"}, ("location", "respondents", "flags")),
        ("estimate", {"years": "all", "by": ["period"]}, ("location", "period", "respondents", "withheld")),
        ("comparison", {"reference": "National"}, ("location", "verdict", "respondents")),
        ("comparison", {"reference": "Utah", "years": "2017..2019"}, ("location", "verdict", "respondents")),
        ("ranking", {"better": "lower"}, ("rank", "location", "rank_low", "rank_high_all", "reference", "alike")),
        ("trend", {"breaks": [2018]}, ("location", "verdict", "first_year", "years")),
        ("trend", {}, ("location", "verdict", "first_year", "years")),
    ],
)
def test_a_statistic_of_standardized_values_is_that_of_a_table_that_publishes_them(
    statistic: str, raw: dict[str, Any], exact: tuple[str, ...]
) -> None:
    own = answer(statistic, factories.snapshot(rows()), standard=["us_2000"], **raw)
    other = answer(statistic, published(), **raw)
    for column in exact:
        assert own.column(column) == other.column(column), column
    names = {column.name for column in own.columns}
    compared = {
        "estimate",
        "se",
        "low",
        "high",
        "difference",
        "difference_low",
        "difference_high",
        "p",
        "slope",
    } & names
    compared |= {"p_adjusted", "ratio_low", "reference_estimate", "reference_low", "slope_low", "slope_high"} & names
    assert len(compared) >= 4
    for column in compared:
        left, right = (np.array(table.column(column), dtype=float) for table in (own, other))
        # The step of rounding of the other table is not that of the groups.
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-9, err_msg=column)


def test_notes_say_the_standard_its_groups_and_their_weights_and_findings_say_that_values_are_standardized() -> None:
    table = answer("comparison", factories.snapshot(rows()), standard=["us_2000"], reference="National")
    assert 'Weights of the strata of "Age": 18-44 0.531, 45-64 0.299, 65 or older 0.170.' in table.notes
    assert any("Klein and Schoenborn" in note for note in table.notes)
    assert any("other mixes of people" in note for note in table.notes)
    assert table.findings
    assert all('age-standardized "Q"' in each.replace("Age-", "age-") for each in table.findings)


def test_shares_may_be_named_and_a_group_of_weight_0_is_left_out() -> None:
    of = factories.snapshot(rows(("Utah", 2, 2020)))
    standard = ["18-44=3", "45-64=1", "65 or older=0"]
    table = answer("estimate", of, standard=standard, locations=["Utah"], years="2020")
    expected = 0.75 * value_of("Utah", 0, 2020) + 0.25 * value_of("Utah", 1, 2020)
    assert table.column("estimate") == pytest.approx([expected])
    assert table.column("cells") == [2]
    assert table.column("respondents") == [600]
    assert not any("Standard:" in note for note in table.notes)


def test_a_place_without_all_groups_is_left_out_by_name_with_the_reason() -> None:
    of = factories.snapshot(
        [
            *rows(("Utah", 2, 2020)),
            *(age_row("Iowa", age, None if age == "45-64" else 20.0, reason="~") for age in AGES),
            age_row("Maine", "Data not reported", 20.0),
        ]
    )
    raw: dict[str, Any] = {"standard": ["us_2000"], "years": "2020"}
    table = answer("ranking", of, better="lower", **raw)
    assert sorted(map(str, table.column("location"))) == ["Idaho", "Ohio"]
    assert any(
        'Iowa is suppressed or missing for "45-64" in 2020 ("~")' in each
        and 'Utah has no value for "65 or older" in 2020' in each
        and 'Maine has no value for "18-44" in 2020' in each
        for each in table.warnings
    )
    by_year = answer("estimate", of, by=["period"], **raw)
    reasons = dict(zip(by_year.column("location"), by_year.column("withheld"), strict=True))
    assert reasons == {
        **dict.fromkeys(("Idaho", "National", "Ohio")),
        "Iowa": '"45-64": "~"',
        "Utah": '"65 or older": no row',
    }
    assert dict(zip(by_year.column("location"), by_year.column("cells"), strict=True))["Iowa"] == 0
    lines = answer("trend", of, standard=["us_2000"])
    assert dict(zip(lines.column("location"), lines.column("years"), strict=True))["Utah"] == 5
    assert any('Iowa and Maine have no value for "18-44" in 2015' in each for each in lines.warnings)


def test_values_without_years_are_standardized_too() -> None:
    of = factories.snapshot(
        {name: value for name, value in each.items() if name != "period"}
        for each in rows(("Utah", 1, 2020))
        if each["period"] == (2020, 2020)
    )
    table = answer("estimate", of, standard=["us_2000"])
    assert table.column("location") == ["Idaho", "National", "Ohio"]
    assert any('Utah has no value for "45-64"' in each for each in table.warnings)


def test_flags_of_groups_are_counted_and_what_cannot_be_right_is_not_tested() -> None:
    odd = [{**each, "low": 90.0, "high": 95.0} if each["location"] == "Utah" else each for each in rows()]
    table = answer("estimate", factories.snapshot(odd), standard=["us_2000"], locations=["Utah", "Ohio"], years="2020")
    assert table.column("flagged_cells") == [0, 3]
    assert table.column("se")[1] is None
    assert "impossible" in str(table.column("flags")[1])


@pytest.mark.parametrize("statistic", ["estimate", "comparison", "ranking", "trend"])
def test_weights_of_the_provenance_add_up_to_the_number(statistic: str) -> None:
    of = factories.snapshot(rows())
    raw = {"comparison": {"reference": "National"}, "ranking": {"better": "lower"}}.get(statistic, {})
    years = "all" if statistic == "trend" else "2019..2020"
    prepared = check(
        statistic,
        {"question": "Q", "interval_scale": "linear", "standard": ["us_2000"], "years": years, **raw},
        of,
    )
    table = prepared.compute(Unwatched())
    every = prepared.rests_on(None)
    assert len(np.concatenate([part.cells for part in every.parts])) == 4 * 3 * (6 if statistic == "trend" else 2)
    for place in range(len(table.column("location"))):
        labels = row_of(table, place)
        rests = prepared.rests_on(labels)
        assert rests.number is not None
        total = sum(float((part.weights * of.cube.pick(part.cells).means).sum()) for part in rests.parts)
        assert total == pytest.approx(labels[rests.number])


def test_the_provenance_of_one_year_has_the_shares_as_weights() -> None:
    raw = {"question": "Q", "standard": ["us_2000"], "by": ["period"], "years": "2019..2020"}
    prepared = check("estimate", raw, factories.snapshot(rows()))
    [part] = prepared.rests_on(row_of(prepared.compute(Unwatched()), 1)).parts
    assert part.weights.tolist() == pytest.approx(SHARES.tolist())


def test_the_explanation_is_the_weighted_sum() -> None:
    of = factories.snapshot(rows())
    one = explained("estimate", of, standard=["us_2000"], years="2020", locations=["Utah"])
    written = "\n".join(f"{step.text} {step.formula}" for step in one.steps)
    assert "Utah over 2020: 3 published values, each group of Age with its share of the standard population." in written
    assert "v = 0.5305 x 15.5 + 0.2992 x 27.0 + 0.1703 x 36.0 =" in written
    assert "Groups are separate samples." in one.assumptions
    assert "estimate" in one.computes
    two = explained("ranking", of, standard=["us_2000"], years="2019..2020", better="lower")
    assert any("of the years each counting the same" in step.text for step in two.steps)
    line = explained("trend", of, standard=["us_2000"])
    assert any("through 6 years" in step.text for step in line.steps)
    assert any("a weighted sum of 3 groups" in step.text for step in line.steps)


def test_a_standard_excludes_a_stratum_another_basis_a_row_for_each_stratum_and_population_shares() -> None:
    standard = ["us_2000"]
    of = factories.snapshot(rows())
    for snapshot in (None, of):
        assert told("trend", snapshot, standard=standard, category="Age", stratum="18-44") == [
            ("/stratum", "A standard weights all strata of a category, so it excludes a stratum. Remove one of them.")
        ]
        assert [at for at, _ in told("ranking", snapshot, standard=standard, basis="total")] == ["/basis"]
        assert [at for at, _ in told("estimate", snapshot, standard=standard, basis="all_rows")] == ["/basis"]
        assert told("estimate", snapshot, standard=standard, by=["stratum"]) == [
            ("/by", "A standardized value is made of all strata, so there is no row for each. Remove one of them.")
        ]
        assert [at for at, _ in told("comparison", snapshot, standard=["us_2000", "45-64=1"])] == ["/standard/0"]
        assert [at for at, _ in told("comparison", snapshot, standard=standard, shares="geography")] == ["/shares"]


def test_the_category_must_have_the_groups_of_the_standard() -> None:
    sexes = [{**each, "category": "Sex"} for each in rows() if each["stratum"] == AGES[0]]
    of = factories.snapshot([*rows(), *({**each, "stratum": "Female"} for each in sexes)])
    assert told("trend", of, standard=["Male=1", "Female=1"]) == [
        (
            "/category",
            "No category of the question has the groups of the standard. There are, by category: "
            '"Age": "18-44", "45-64", and "65 or older"; "Sex": "Female".',
        )
    ]
    assert told("trend", of, standard=["us_2000"], category="Sex")[0] == (
        "/standard",
        'The standard has no weight for "Female" of "Sex". A weight of 0 leaves a stratum out.',
    )
    twice = factories.snapshot([*rows(), *({**each, "category": "Ages"} for each in rows())])
    assert told("trend", twice, standard=["us_2000"]) == [
        ("/category", 'Several categories have the groups of the standard: "Age" and "Ages". Choose one as category.')
    ]
    assert told("trend", twice, standard=["us_2000"], category="Ages") == []


@pytest.mark.parametrize("statistic", ["estimate", "comparison", "ranking", "trend", "standardised"])
def test_a_population_that_the_table_declares_weights_as_its_weights_listed_do(statistic: str) -> None:
    weights = {"18-44": 50.0, "45-64": 30.0, "65 or older": 20.0}
    ours = StandardPopulation(name="ours", title="Adults of Ruritania", source="Census 2021", weights=weights)
    plain = factories.snapshot(rows())
    declaring = replace(plain, about=msgspec.structs.replace(plain.about, standards=(ours,)))
    more = {"category": "Age"} | ({"better": "lower"} if statistic == "ranking" else {})
    by_name = answer(statistic, declaring, standard=["ours"], **more)
    listed = answer(statistic, plain, standard=[f"{age}={weight}" for age, weight in weights.items()], **more)
    # What a model draws has its seed from the request, which names the weights in one way or the other.
    drawn = ("expected_rank", "p_best", "likely_low", "likely_high")
    for column, *both in zip(by_name.columns, by_name.data, listed.data, strict=True):
        assert column.name in drawn or both[0] == both[1]
    assert "Standard: Adults of Ruritania (Census 2021)." in by_name.notes
    assert [each.code for each in refused(statistic, {"question": "Q", "standard": ["ours"], **more}, plain)] == [
        "unknown"
    ]
    # As long as the table is not read, it may declare it.
    assert refused(statistic, {"question": "Q", "standard": ["ours"], **more}, None) == ()
