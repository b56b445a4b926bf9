from __future__ import annotations

import pytest
from scipy import stats

from meantime.dataset.samples import example, survey_example
from meantime.statistics.families.detectable import STATISTIC, Detectable
from tests.support import factories
from tests.support.answers import pointers, problems

SURVEY = survey_example.snapshot()


def test_it_is_the_formula_over_the_standard_errors_of_the_answer() -> None:
    asked = Detectable(question=survey_example.SOUP, reference="Avalon", years="2020", power=0.9)
    table = STATISTIC.answer(SURVEY, asked)
    assert set(table.column("reference")) == {"Avalon"}
    factor = stats.norm.ppf(0.975) + stats.norm.ppf(0.9)
    for se, reference_se, found in zip(
        *(table.column(name) for name in ("se", "reference_se", "detectable")), strict=True
    ):
        assert isinstance(se, float)
        assert isinstance(reference_se, float)
        assert found == pytest.approx(factor * (se**2 + reference_se**2) ** 0.5)
    assert any("does not explain a result" in note for note in table.warnings)
    [finding] = table.findings
    assert finding.startswith("One comparison with Avalon detects a true difference in the percent of adults who eat")
    assert finding.endswith(" with 90% power (2020; approximately).")


def test_of_one_location_the_difference_is_said_of_it_and_of_what_has_no_error_nothing() -> None:
    asked = Detectable(question=survey_example.SOUP, reference="Avalon", years="2020", locations=("Dorado",))
    assert "percentage points in Dorado with 80% power" in STATISTIC.answer(SURVEY, asked).findings[0]
    bare = factories.snapshot(factories.row(location=name, value="30") for name in ("Ohio", "Utah"))
    assert STATISTIC.answer(bare, Detectable(question="Q", reference="Ohio")).findings == ()


def test_among_all_the_level_is_shared_by_as_many_as_can_be_compared() -> None:
    asked = Detectable(question=survey_example.SOUP, reference="Avalon", years="2020")
    table = STATISTIC.answer(SURVEY, asked)
    assert len(table) == 3
    wider = (stats.norm.ppf(1 - 0.025 / 3) + stats.norm.ppf(0.8)) / (stats.norm.ppf(0.975) + stats.norm.ppf(0.8))
    for alone, among_all in zip(table.column("detectable"), table.column("detectable_among_all"), strict=True):
        assert among_all == pytest.approx(wider * float(alone or 0))


def test_without_a_standard_error_there_is_none() -> None:
    asked = Detectable(question=example.BREAKFAST, reference="Avalon")
    assert set(STATISTIC.answer(example.snapshot(), asked).column("detectable")) == {None}


def test_a_reference_must_be_there() -> None:
    assert pointers(STATISTIC, SURVEY, Detectable(question=survey_example.SOUP)) == ["/reference"]
    assert problems(STATISTIC, SURVEY, Detectable(question=survey_example.SOUP, reference="Avalon")) == ()
    assert problems(STATISTIC, None, Detectable(question="Q")) == ()
