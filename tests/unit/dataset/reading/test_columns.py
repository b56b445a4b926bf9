from __future__ import annotations

from collections.abc import Sequence

import pytest

from meantime.dataset.reading import columns as columns_module
from meantime.dataset.reading.columns import ROLES, assign_roles, count_recognized, other_candidates
from meantime.did_you_mean import hint
from meantime.errors import DescriptionInvalid, HeaderRepeated, RolesMissing

NEEDED = ("Question", "LocationDesc", "Data_Value")
CDC = (
    *("YearStart", "YearEnd", "LocationAbbr", "LocationDesc", "Datasource", "Class", "Topic", "Question"),
    *("Data_Value_Unit", "Data_Value_Type", "Data_Value", "Data_Value_Alt", "Data_Value_Footnote_Symbol"),
    *("Data_Value_Footnote", "Low_Confidence_Limit", "High_Confidence_Limit ", "Sample_Size", "Total", "Age(years)"),
    *("Education", "Gender", "Income", "Race/Ethnicity", "GeoLocation", "ClassID", "TopicID", "QuestionID"),
    *("DataValueTypeID", "LocationID", "StratificationCategory1", "Stratification1", "StratificationCategoryId1"),
    "StratificationID1",
)


def test_every_role_is_recognized_in_the_cdcs_header() -> None:
    assert assign_roles(CDC, {}) == {
        "question": "Question",
        "value": "Data_Value",
        "value_type": "Data_Value_Type",
        "unit": "Data_Value_Unit",
        "location": "LocationDesc",
        "location_id": "LocationID",
        "location_abbreviation": "LocationAbbr",
        "category": "StratificationCategory1",
        "stratum": "Stratification1",
        "first_year": "YearStart",
        "last_year": "YearEnd",
        "low": "Low_Confidence_Limit",
        "high": "High_Confidence_Limit ",
        "sample_size": "Sample_Size",
        "footnote_symbol": "Data_Value_Footnote_Symbol",
        "footnote": "Data_Value_Footnote",
        "topic": "Topic",
        "source": "Datasource",
        "point": "GeoLocation",
    }
    others = {"response", "location_within", "category_2", "stratum_2", "category_3", "stratum_3"}
    others |= {"interval", "standard_error", "margin_of_error", "cv", "variance", "row_count", "distinct_rows"}
    assert tuple(assign_roles(CDC, {})) == tuple(role for role in ROLES if role not in others)
    assert other_candidates(CDC, assign_roles(CDC, {})) == {}


@pytest.mark.parametrize("value", ["Data_Value", "DataValue", "data value", " DATA-VALUE ", "(Data_Value)"])
def test_spelling_counts_only_letters_and_digits(value: str) -> None:
    assert assign_roles(("Question", "LocationDesc", value), {})["value"] == value


def test_the_alternative_value_never_wins() -> None:
    assert assign_roles(("Data_Value_Alt", *NEEDED), {})["value"] == "Data_Value"
    with pytest.raises(RolesMissing):
        assign_roles(("Data_Value_Alt", "Question", "LocationDesc"), {})


def test_a_single_year_serves_both() -> None:
    roles = assign_roles((*NEEDED, "Year"), {})
    assert (roles["first_year"], roles["last_year"]) == ("Year", "Year")


def test_by_hand_goes_before_spelling() -> None:
    assert assign_roles((*NEEDED, "Prevalence %"), {"value": "Prevalence %"})["value"] == "Prevalence %"


def test_of_two_columns_the_likelier_spelling_wins_and_the_other_is_reported() -> None:
    columns = ("State", "Question", "Value", "LocationDesc", "data value")
    roles = assign_roles(columns, {})
    assert (roles["location"], roles["value"]) == ("LocationDesc", "data value")
    assert other_candidates(columns, roles) == {"value": ("Value",), "location": ("State",)}


@pytest.mark.parametrize(
    ("columns", "by_hand", "category", "topic"),
    [
        (("Category",), {}, None, "Category"),
        (("Category", "Topic"), {}, None, "Topic"),
        (("Category", "Group"), {}, "Category", None),
        (("Category", "Who"), {"stratum": "Who"}, "Category", None),
        (("Category", "Break_Out_Category", "Break_Out"), {}, "Break_Out_Category", "Category"),
        (("Category", "Break_Out_Category", "Break_Out", "Topic"), {}, "Break_Out_Category", "Topic"),
        (("Category",), {"category": "Category"}, "Category", None),
    ],
)
def test_category_is_of_strata_where_there_are_some_and_else_the_topic(
    columns: tuple[str, ...], by_hand: dict[str, str], category: str | None, topic: str | None
) -> None:
    roles = assign_roles((*NEEDED, *columns), by_hand)
    assert (roles.get("category"), roles.get("topic")) == (category, topic)
    assert not other_candidates((*NEEDED, *columns), roles)


def test_location_within_has_no_column_if_that_is_the_location() -> None:
    roles = assign_roles(("Measure", "StateDesc", "LocationName", "Data_Value"), {})
    assert (roles["location"], roles["location_within"]) == ("LocationName", "StateDesc")
    assert not other_candidates(("Measure", "StateDesc", "LocationName", "Data_Value"), roles)
    assert "location_within" not in assign_roles(("Measure", "StateDesc", "Data_Value"), {})
    assert "location_within" not in assign_roles(
        ("Measure", "StateDesc", "Land", "Data_Value"), {"location": "StateDesc"}
    )


def test_everything_missing_is_one_error_that_says_what_to_do() -> None:
    with pytest.raises(RolesMissing) as caught:
        assign_roles(("Indicator", "Prevalance"), {"stratum": "Gruop", "low": "Low"})
    error = caught.value
    assert error.roles == ("stratum", "low", "value", "location")
    assert error.columns == ("Indicator", "Prevalance")
    assert 'There is no column "Gruop" for the role stratum.' in error.reason
    assert "No column was recognized for: value, location." in error.reason
    assert 'The columns are: "Indicator" and "Prevalance".' in error.reason
    assert "--column value=NAME --column location=NAME" in error.reason


def test_a_misspelled_column_is_reported_with_the_closest() -> None:
    with pytest.raises(
        RolesMissing, match=r'no column "Prevalance" for the role value \(did you mean "Prevalence"\?\)'
    ):
        assign_roles(("Question", "LocationDesc", "Prevalence"), {"value": "Prevalance"})


def test_an_unknown_role_is_reported_with_the_closest() -> None:
    with pytest.raises(DescriptionInvalid, match=r'Unknown role "vlaue" \(did you mean "value"'):
        assign_roles(NEEDED, {"vlaue": "Data_Value"})


def test_a_repeated_header_is_refused_with_its_positions() -> None:
    with pytest.raises(HeaderRepeated, match=r'"Value" \(columns 2, 4\); a column without a name \(columns 3, 5\)'):
        assign_roles(("Question", "Value", "", "Value", "", "LocationDesc"), {})


def test_headers_that_differ_in_case_are_not_repeated() -> None:
    assert assign_roles((*NEEDED, "data_value"), {})["value"] == "Data_Value"


def test_a_hostile_header_is_searched_once_and_gives_a_short_message(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [f"column {number} {'x' * 1000}" for number in range(10_000)]
    searches = []

    def counted(name: str, among: Sequence[str]) -> str:
        searches.append(len(among))
        return hint(name, among)

    monkeypatch.setattr(columns_module, "hint", counted)
    with pytest.raises(RolesMissing) as caught:
        assign_roles(columns, {"value": "y" * 1_000_000})
    assert searches == [10_000]
    assert len(caught.value.reason) < 10_000
    assert "and 9,960 more" in caught.value.reason


def test_likeness_counts_roles() -> None:
    assert count_recognized(NEEDED, {}) == 3
    assert count_recognized(("a", "b"), {"value": "b", "low": "c"}) == 1
