from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from meantime.dataset.samples import survey_example
from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.cells.provenance import Part, Provenance, merged
from meantime.statistics.check import check
from meantime.statistics.explain.explanation import Explanation
from meantime.statistics.explain.source_rows import row_of
from tests.support.factories import row, snapshot
from tests.support.table_files import read, write

SURVEY = survey_example.snapshot()
SEXES = {"category": "Sex", "reference_stratum": "Male"}


def explained(statistic: str, of: Snapshot = SURVEY, *, place: int = 0, **asked: Any) -> Explanation:
    prepared = check(statistic, {"question": survey_example.SOUP, **asked}, of)
    answer = prepared.compute(Unwatched())
    return prepared.explain(answer, row_of(answer, place))


def texts(explanation: Explanation) -> str:
    return "\n".join(step.text for step in explanation.steps)


def test_what_is_withheld_has_no_number_and_says_so() -> None:
    told = explained("estimate", years="2018", by=["period"], locations=["Cockaigne"])
    assert texts(told) == "There is no number: the value is withheld."
    assert told.leaves_out == ("There is no number: the value is withheld.",)
    assert not told.computes
    nothing = explained("summary", by=["location", "period"], location=["Cockaigne"], period=["2018"])
    assert texts(nothing).endswith("There is no number: every row is withheld.")


def test_the_programs_of_a_table_that_is_not_written_plainly_say_so(tmp_path: Path) -> None:
    table = 'Question,LocationDesc,Data_Value\nQ,Ohio,"2,288"\nQ,Utah,194\n'
    told = explained("states_mean", read(write(tmp_path, table)), question="Q")
    assert told.leaves_out[0].startswith("How the file is written: the programs expect plain numbers")
    assert 'in "Data_Value"' in told.leaves_out[0]


def test_the_years_of_a_line_through_values_other_than_percents_count_by_their_standard_errors_alone() -> None:
    years = range(2015, 2020)
    of = snapshot([row("Q", "Ohio", "20", period=(year, year), low="19", high="21") for year in years], unit="cups")
    explanation = explained("trend", of, question="Q", years="all")
    assert "each weighted by 1 / SE^2." in texts(explanation)
    assert "w = 1 / SE^2," in explanation.leaves_out[-1]


def test_two_years_are_no_line() -> None:
    years = (("Utah", 2019), ("Utah", 2020), ("Ohio", 2018), ("Ohio", 2019), ("Ohio", 2020))
    of = snapshot([row("Q", place, "20", period=(year, year), low="19", high="21") for place, year in years])
    told = explained("trend", of, place=1, question="Q", years="all")
    assert "There is no number: a line needs three years" in texts(told)


@pytest.mark.parametrize(
    ("statistic", "asked", "computes"),
    [
        ("estimate", {}, ("estimate",)),
        ("comparison", {"reference": "Borduria"}, ("difference",)),
        ("change", {"since": "2016", "years": "2019", "reference": "Borduria"}, ("change", "relative_change")),
        ("change", {"since": "2016", "years": "2019"}, ("change", "relative_change")),
        ("target", {"target": 20.0}, ("estimate",)),
        ("detectable", {"reference": "Borduria"}, ("estimate",)),
        ("disparity", {**SEXES, "years": "2019"}, ("difference",)),
        ("gap_ranking", {**SEXES, "years": "2019", "stratum": "Female"}, ("gap", "relative_gap")),
        ("standardised", {"category": "Sex", "standard": ["Female=1", "Male=1"], "years": "2019"}, ("estimate",)),
        ("trend", {"years": "all"}, ("slope",)),
    ],
)
def test_without_columns_of_limits_the_program_computes_the_value_alone(
    statistic: str, asked: dict[str, Any], computes: tuple[str, ...]
) -> None:
    told = explained(statistic, SURVEY, **asked)
    assert told.computes == computes
    assert any("limits" in each or "Student" in each for each in told.leaves_out)


def test_a_relative_change_of_pooled_values_can_be_divided_by_hand() -> None:
    values = {2016: "20.1", 2017: "20.4", 2018: "19.9", 2021: "23.3", 2022: "23.0", 2023: "23.3"}
    of = snapshot(row("Q", "Utah", each, period=(year, year), low="18", high="25") for year, each in values.items())
    told = explained("change", of, question="Q", since="2016..2018", years="2021..2023")
    assert "(23.2 / 20.1333 - 1) * 100 = 15.2" in [step.formula for step in told.steps]


def test_a_relative_change_from_nothing_is_none() -> None:
    of = snapshot(row("Q", "Utah", each, period=(year, year)) for year, each in ((2016, "0"), (2020, "3")))
    told = explained("change", of, question="Q", since="2016", years="2020")
    assert told.computes == ("change",)


def test_the_reference_of_a_disparity_is_its_own_estimate() -> None:
    assert explained("disparity", SURVEY, place=1, years="2019", **SEXES).computes == ("estimate",)


def _places(count: int) -> list[dict[str, Any]]:
    return [
        row(question, f"Place {place:03}", str(20 + 7 * place % 11 + shift), period=(2020, 2020), low="1", high="60")
        for place in range(count)
        for question, shift in (("Q", 0), ("R", place % 3))
    ]


def test_without_a_standard_error_nothing_is_tested() -> None:
    of = snapshot([row("Q", "Utah", "20"), row("Q", "Ohio", "30")])
    told = explained("comparison", of, question="Q", reference="Ohio")
    assert "It has no standard error" in texts(told)
    assert "touches 0" not in texts(told)
    assert explained("detectable", of, question="Q", reference="Ohio").computes == ("estimate",)


def test_a_correlation_of_many_locations_is_not_listed() -> None:
    told = explained("association", snapshot(_places(201)), question="Q", other="R")
    assert not told.computes
    assert "hundreds of rows" in told.leaves_out[0]


def test_ranks_of_pooled_values_are_left_out() -> None:
    rows = [{**each, "period": (year, year)} for each in _places(12) for year in (2019, 2020)]
    told = explained("association", snapshot(rows), place=1, question="Q", other="R", years="2019..2020")
    assert told.leaves_out == ("The ranks of pooled values: equal ones may differ in the last digit.",)


def test_a_correlation_of_what_does_not_vary_is_none() -> None:
    rows = [{**each, "value": "20"} if each["question"] == "R" else each for each in _places(12)]
    told = explained("association", snapshot(rows), question="Q", other="R")
    assert not told.computes
    assert len(told.steps) == 1


def test_a_location_of_an_association_is_explained_by_its_own_estimate() -> None:
    told = explained("association", snapshot(_places(12)), place=3, question="Q", other="R", show="locations")
    assert "estimate" in told.computes
    assert told.leaves_out[-1] == "The estimate of the other question, which comes about in the same way."


def test_figures_of_no_location_have_no_mean() -> None:
    of = snapshot([row("Q", "National", "20"), row("Q", "Ohio", None, reason="~")])
    told = explained("distribution", of, question="Q", show="figures")
    assert texts(told) == "There is no number: no location has a value."


def test_all_rows_of_an_estimate_are_those_of_every_location() -> None:
    prepared = check("estimate", {"question": survey_example.SOUP, "basis": "all_rows", "years": "2019"}, SURVEY)
    whole = merged(prepared.rests_on(None))
    assert len(whole.cells) == 9


def test_groups_without_a_label_are_told_from_those_with_one() -> None:
    of = snapshot([row("Q", "Utah", "20"), row("Q", "Utah", "30", category="Sex", stratum="Men")])
    prepared = check("summary", {"question": "Q", "by": ["stratum"]}, of)
    by_stratum = [len(merged(prepared.rests_on({"stratum": stratum})).cells) for stratum in (None, "Men")]
    assert by_stratum == [1, 1]


def test_rows_without_a_year_are_picked_by_having_none() -> None:
    of = snapshot([row("Q", "Utah", "20"), row("Q", "Utah", "30", period=(2020, 2020))])
    of.about.roles["first_year"] = "Year"
    program = explained("summary", of, place=1, question="Q", by=["period"]).python
    assert 'table[(number(table["Year"]).isin([]) | number(table["Year"]).isna())]' in program


def test_a_table_of_one_mean_is_the_whole_table() -> None:
    assert "table.index >= 0" in explained("global_mean", snapshot([row("Q", "Utah", "20")]), question="Q").python


def test_a_cell_that_is_used_twice_for_one_thing_is_told_once() -> None:
    part = Part("value", np.array([3]), np.array([0.5]))
    found = merged(Provenance(number="mean", parts=(part, part)))
    assert (found.cells.tolist(), found.weights.tolist(), found.used_as) == ([3], [1.0], ("value",))


def test_a_group_without_a_stratum_and_a_table_without_such_a_column() -> None:
    rows = [row("Q", "Utah", "20", category="Sex"), row("Q", "Utah", "30", category="Sex", stratum="Men")]
    told = explained("mean_by_category", snapshot(rows), question="Q")
    assert told.steps[-1].formula == "20 / 1 = 20.0"


def test_a_correlation_of_questions_that_exclude_each_other_is_not_computed_again() -> None:
    obesity = "Percent of adults aged 18 years and older who have obesity"
    overweight = "Percent of adults aged 18 years and older who have an overweight classification"
    rows = [
        {**each, "question": obesity if each["question"] == "Q" else overweight, "unit": "percent", "sample_size": 800}
        for each in _places(12)
    ]
    explanation = explained("association", snapshot(rows), question=obesity, other=overweight)
    assert "exclude each other" in texts(explanation)
    assert explanation.leaves_out == ("The correlation: it takes the covariance of the sampling errors into account.",)


def test_a_line_with_errors_for_autocorrelation_does_not_assume_that_years_are_independent() -> None:
    independent = "The noise of one year does not carry over into the next."
    assert independent in explained("trend").assumptions
    assert independent not in explained("trend", errors="autocorrelated").assumptions


def test_a_difference_of_few_cases_names_the_limits_that_it_uses(tmp_path: Path) -> None:
    table = (
        "Year,LocationDesc,Question,Data_Value,Data_Value_Unit,Low_Confidence_Limit,High_Confidence_Limit,Sample_Size\n"
        "2020,Ohio,Naps,3.0,%,1.2,7.3,200\n2020,Utah,Naps,4.0,%,1.8,8.6,200\n"
    )
    of = read(write(tmp_path, table))
    explanation = explained("comparison", of, question="Naps", reference="Utah", locations=["Ohio"])
    assert "Korn and Graubard" in explanation.python
