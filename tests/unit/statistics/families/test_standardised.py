from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats

from meantime.dataset.facts.standard_populations import built_in_populations
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.standard_population import StandardPopulation
from meantime.statistics.families.standardised import STATISTIC, Standardised
from meantime.table import Table
from tests.support import factories
from tests.support.answers import problems

AGES = {"18 - 24": 26258, "25 - 34": 37233, "35 - 44": 44659, "45 - 54": 37030, "55 - 64": 23961, "65 or older": 34710}
OHIO = ("18.1", "24.9", "31.3", "36.2", "35.7", "27.4")
UTAH = ("15.0", "22.0", "28.0", "30.0", "31.0", "25.0")
STANDARD = tuple(f"{age}={weight}" for age, weight in AGES.items())


def rows(location: str, values: tuple[str | None, ...], year: int = 2020, half: float = 2.0) -> list[dict[str, Any]]:
    return [
        factories.row(
            location=location,
            value=value,
            low=float(value or 0) - half,
            high=float(value or 0) + half,
            sample_size=300.0,
            category="Age (years)",
            stratum=age,
            period=(year, year),
        )
        for age, value in zip(AGES, values, strict=True)
        if value != ""
    ]


def made(*more: dict[str, Any]) -> Snapshot:
    return factories.snapshot([*rows("Ohio", OHIO), *rows("Utah", UTAH), *more])


# What the finer groups of the declared population add up to.
HALVES = {"18 - 24": 14.0, "25 - 34": 20.0, "35 - 44": 16.0, "45 - 54": 25.0, "55 - 64": 15.0, "65 or older": 10.0}


def declaring(snapshot: Snapshot) -> Snapshot:
    fine = {"18 - 24": 14.0, "25 - 29": 10.0, "30 - 34": 10.0, "35 - 44": 16.0, "45 - 54": 25.0, "55 - 59": 7.0}
    fine |= {"60 - 64": 8.0, "65 - 74": 6.0, "75 or older": 4.0}
    halves = StandardPopulation(name="halves", title="Two halves", source="Census of Ruritania, 2021", weights=fine)
    return replace(snapshot, about=msgspec.structs.replace(snapshot.about, standards=(halves,)))


def asking(**asked: Any) -> Standardised:
    given = {"question": "Q", "category": "Age (years)", "standard": STANDARD, "interval_scale": "linear", **asked}
    return Standardised(**given)


def of(snapshot: Snapshot, **asked: Any) -> Table:
    given = asking(**asked)
    assert problems(STATISTIC, snapshot, given) == ()
    return STATISTIC.answer(snapshot, given)


def pointers(snapshot: Snapshot | None, **asked: Any) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in problems(STATISTIC, snapshot, asking(**asked))]


def test_it_is_the_weighted_mean_in_exact_fractions() -> None:
    table = of(made())
    total = sum(AGES.values())
    for values, found in zip((OHIO, UTAH), table.column("estimate"), strict=True):
        exact = sum(Fraction(value) * weight for value, weight in zip(values, AGES.values(), strict=True)) / total
        assert found == pytest.approx(float(exact))


def test_the_variance_is_the_sum_of_squared_weights_times_variances() -> None:
    table = of(made())
    shares = np.array(list(AGES.values())) / sum(AGES.values())
    variance = (2 / stats.norm.ppf(0.975)) ** 2 + 0.01 / 12
    se = np.sqrt((shares**2 * variance).sum())
    assert list(table.column("se")) == pytest.approx([se] * 2)
    half = (np.array(table.column("high"), float) - np.array(table.column("low"), float)) / 2
    np.testing.assert_allclose(half, stats.norm.ppf(0.975) * se)


def test_the_built_in_standard_is_asked_for_by_name_and_told_with_its_source() -> None:
    named = of(made(), standard=("us_2000",))
    assert named.data == of(made()).data
    assert any("Klein and Schoenborn" in note for note in named.notes)
    assert not any("Klein" in note for note in of(made()).notes)


def test_weights_need_not_add_up_to_anything() -> None:
    tenfold = tuple(f"{age}={10 * weight}" for age, weight in AGES.items())
    assert of(made(), standard=tenfold).column("estimate") == pytest.approx(of(made()).column("estimate"))


def test_a_stratum_of_weight_0_is_left_out_whether_it_is_there_or_not() -> None:
    snapshot = factories.snapshot([*rows("Ohio", (*OHIO[:5], None)), *rows("Utah", (*UTAH[:5], ""))])
    table = of(snapshot, standard=(*STANDARD[:5], "65 or older=0"))
    assert table.column("strata") == [5, 5]
    assert not any("Not shown" in warning for warning in table.warnings)


def test_a_location_that_lacks_a_stratum_is_left_out_with_the_reason() -> None:
    snapshot = made(
        *rows("Iowa", (*UTAH[:5], "")),
        *rows("Idaho", ("20.0", None, *UTAH[2:])),
        factories.row(location="Maine", category="Total", stratum="Total", period=(2020, 2020)),
    )
    table = of(snapshot)
    assert table.column("location") == ["Ohio", "Utah"]
    (said,) = [warning for warning in table.warnings if warning.startswith("Not shown")]
    assert 'Iowa has no value for "65 or older" in 2020' in said
    assert 'Idaho is suppressed or missing for "25 - 34" in 2020 ("empty")' in said
    assert "Maine has no 2020 value" in said


def test_each_location_is_left_out_with_the_reason_of_its_own_stratum_and_year() -> None:
    snapshot = factories.snapshot(
        [
            *(each for year in (2019, 2020) for each in rows("Ohio", OHIO, year)),
            *rows("Iowa", ("20.0", None, *UTAH[2:]), 2019),
            *rows("Iowa", UTAH, 2020),
            *rows("Utah", UTAH, 2019),
            *rows("Utah", (*UTAH[:3], "", *UTAH[4:]), 2020),
        ]
    )
    [left_out] = [each for each in of(snapshot, years="2019..2020").warnings if each.startswith("Not shown")]
    assert left_out == (
        'Not shown: Iowa is suppressed or missing for "25 - 34" in 2019 ("empty"); Utah has no value for "45 - 54" in '
        "2020."
    )


def test_several_years_are_pooled_before_strata_are_weighted() -> None:
    twenty = tuple("20.0" for _ in AGES)
    snapshot = factories.snapshot([*rows("Ohio", twenty, 2019), *rows("Ohio", tuple("30.0" for _ in AGES), 2020)])
    table = of(snapshot, years="2019..2020")
    assert list(table.column("estimate")) == pytest.approx([25])
    assert table.column("respondents") == [3600]
    [finding] = table.findings
    assert finding.startswith('"Q", standardized by Age (years)')
    assert " in Ohio is 25.0% (2019–2020; 95% CI 24." in finding


def test_what_are_no_groups_is_left_out_and_told() -> None:
    nobody = factories.row(
        location="Ohio", value="50", category="Age (years)", stratum="Data not reported", period=(2020, 2020)
    )
    table = of(made(nobody))
    assert table.column("estimate") == of(made()).column("estimate")
    assert 'Not shown, since they are not groups of people: "Data not reported".' in table.notes


def test_strata_with_a_flag_are_counted_and_the_whole_has_its_own() -> None:
    wide = factories.snapshot([*rows("Ohio", OHIO, half=11.0), *rows("Utah", UTAH)])
    table = of(wide)
    assert table.column("flagged_strata") == [6, 0]
    assert table.column("flags") == ["", ""]
    cups = factories.snapshot(rows("Ohio", OHIO, half=11.0), unit="cups")
    assert of(cups).column("flags") == [""]


def test_every_group_has_a_weight_and_every_weight_a_group() -> None:
    assert pointers(made(), standard=STANDARD[:5]) == [("/standard", "missing")]
    assert pointers(made(), standard=(*STANDARD, "65 or holder=1")) == [("/standard", "unknown")]
    (problem,) = problems(STATISTIC, made(), asking(standard=(*STANDARD, "65 or holder=1")))
    assert problem.closest[0] == "65 or older"


@pytest.mark.parametrize(
    ("standard", "found"),
    [
        (("Female", "Male=1"), [("/standard/0", "type")]),
        (("Female=much", "Male=-1", "X=inf"), [(f"/standard/{place}", "type") for place in range(3)]),
        (("Female=1", "Female=2"), [("/standard/1", "contradiction")]),
        (("Female=0", "Male=0"), [("/standard", "contradiction")]),
        # The table that is not read yet may declare it.
        (("us_200",), []),
    ],
)
def test_weights_that_are_none_are_refused_all_at_once_and_without_data(
    standard: tuple[str, ...], found: list[tuple[str, str]]
) -> None:
    assert pointers(None, standard=standard) == found


def test_a_standard_that_nobody_declares_is_refused_with_those_that_there_are() -> None:
    (problem,) = problems(STATISTIC, declaring(made()), asking(standard=("us_200",)))
    assert (problem.pointer, problem.code, problem.closest[0]) == ("/standard/0", "unknown", "us_2000")
    assert "There are: european_2013, us_2000, who_2000_2025, halves;" in problem.detail


def test_a_standard_that_the_table_declares_is_put_together_to_its_groups() -> None:
    table = of(declaring(made()), standard=("halves",))
    assert "Standard: Two halves (Census of Ruritania, 2021)." in table.notes
    assert "to Two halves" in table.findings[0]
    expected = of(made(), standard=tuple(f"{age}={weight}" for age, weight in HALVES.items()))
    assert table.column("estimate") == pytest.approx(expected.column("estimate"))


def test_a_stratum_may_have_an_equals_sign_in_its_name() -> None:
    given = [factories.row(value="20.0", category="Income", stratum="x<=15", low=19.0, high=21.0)]
    table = of(factories.snapshot(given), category="Income", standard=("x<=15=1",))
    assert list(table.column("estimate")) == pytest.approx([20])


def test_another_basis_is_a_contradiction() -> None:
    assert pointers(made(), basis="total", stratum="18 - 24") == [
        ("/basis", "contradiction"),
        ("/stratum", "contradiction"),
    ]


@pytest.mark.parametrize("standard", ["us_2000", "european_2013", "who_2000_2025"])
def test_a_built_in_standard_weights_the_age_groups_that_a_table_has(standard: str) -> None:
    groups = {"Age 18-44": "20.0", "Age 45-64": "30.0", "Age >=65": "40.0"}
    snapshot = factories.snapshot(
        factories.row(
            location="Ohio", value=value, category="Age", stratum=group, low=float(value) - 2, high=float(value) + 2
        )
        for group, value in groups.items()
    )
    table = STATISTIC.answer(snapshot, Standardised(question="Q", category="Age", standard=(standard,)))
    weights = built_in_populations()[standard].weights_of(list(groups))
    expected = sum(weights[group] * float(value) for group, value in groups.items()) / sum(weights.values())
    assert table.column("estimate") == pytest.approx([expected])
    assert 20 < expected < 40
