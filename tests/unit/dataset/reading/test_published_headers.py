"""Files of the family of the CDC's open data: other names of columns, several strata, responses, counties of one name.

The headers are those of the published files. Every row is made by hand, and its numbers are invented.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from meantime.dataset.rows import SourceRows
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RolesMissing, SourceUnreadable
from meantime.statistics.registry import STATISTICS
from tests.support.table_files import means, read, write
from tests.support.whole import whole

CHRONIC = (
    "YearStart,YearEnd,LocationAbbr,LocationDesc,DataSource,Topic,Question,Response,DataValueUnit,DataValueType,"
    "DataValue,DataValueAlt,DataValueFootnoteSymbol,DataValueFootnote,LowConfidenceLimit,HighConfidenceLimit,"
    "StratificationCategory1,Stratification1,StratificationCategory2,Stratification2,StratificationCategory3,"
    "Stratification3,Geolocation,LocationID,TopicID,QuestionID,ResponseID,DataValueTypeID,StratificationCategoryID1,"
    "StratificationID1,StratificationCategoryID2,StratificationID2,StratificationCategoryID3,StratificationID3"
)
CHRONIC_UNTIL_2023 = (
    "YearStart,YearEnd,LocationAbbr,LocationDesc,DataSource,Topic,Question,Response,DataValueUnit,DataValueType,"
    "DataValue,DataValueAlt,DataValueFootnoteSymbol,DatavalueFootnote,LowConfidenceLimit,HighConfidenceLimit,"
    "StratificationCategory1,Stratification1,StratificationCategory2,Stratification2,StratificationCategory3,"
    "Stratification3,GeoLocation,ResponseID,LocationID,TopicID,QuestionID,DataValueTypeID,StratificationCategoryID1,"
    "StratificationID1,StratificationCategoryID2,StratificationID2,StratificationCategoryID3,StratificationID3"
)
PLACES_COUNTIES = (
    "Year,StateAbbr,StateDesc,LocationName,DataSource,Category,Measure,Data_Value_Unit,Data_Value_Type,Data_Value,"
    "Data_Value_Footnote_Symbol,Data_Value_Footnote,Low_Confidence_Limit,High_Confidence_Limit,TotalPopulation,"
    "TotalPop18plus,LocationID,CategoryID,MeasureId,DataValueTypeID,Short_Question_Text,Geolocation"
)
PLACES_TRACTS = PLACES_COUNTIES.replace("StateDesc,", "StateDesc,CountyName,CountyFIPS,")
PLACES_ZIP_CODES = PLACES_COUNTIES.replace("StateAbbr,StateDesc,", "")
PLACES_WIDE = (
    "StateAbbr,StateDesc,CountyName,CountyFIPS,TotalPopulation,ACCESS2_CrudePrev,ACCESS2_Crude95CI,ACCESS2_AdjPrev,"
    "ACCESS2_Adj95CI,Geolocation"
)
CITIES = (
    "Year,StateAbbr,StateDesc,CityName,GeographicLevel,DataSource,Category,UniqueID,Measure,Data_Value_Unit,"
    "DataValueTypeID,Data_Value_Type,Data_Value,Low_Confidence_Limit,High_Confidence_Limit,Data_Value_Footnote_Symbol,"
    "Data_Value_Footnote,PopulationCount,GeoLocation,CategoryID,MeasureId,CityFIPS,TractFIPS,Short_Question_Text"
)
YOUTH = (
    "YearStart,YearEnd,LocationAbbr,LocationDesc,Datasource,Class,Topic,Question,Data_Value_Unit,Data_Value_Type,"
    "Data_Value,Data_Value_Alt,Data_Value_Footnote_Symbol,Data_Value_Footnote,Low_Confidence_Limit,"
    "High_Confidence_Limit ,Sample_Size,Total,Sex,Grade,Race/Ethnicity,GeoLocation,ClassID,TopicID,QuestionID,"
    "DataValueTypeID,LocationID,StratificationCategory1,Stratification1,StratificationCategoryId1,StratificationID1"
)

PREVALENCE = (
    "Year,Locationabbr,Locationdesc,Class,Topic,Question,Response,Break_Out,Break_Out_Category,Sample_Size,Data_value,"
    "Confidence_limit_Low,Confidence_limit_High,Display_order,Data_value_unit,Data_value_type,"
    "Data_Value_Footnote_Symbol,Data_Value_Footnote,DataSource,ClassId,TopicId,LocationID,BreakoutID,"
    "BreakOutCategoryID,QuestionID,ResponseID,GeoLocation"
)
AGING = (
    "RowId,YearStart,YearEnd,LocationAbbr,LocationDesc,Datasource,Class,Topic,Question,Response,Data_Value_Unit,"
    "DataValueTypeID,Data_Value_Type,Data_Value,Data_Value_Alt,Data_Value_Footnote_Symbol,Data_Value_Footnote,"
    "Low_Confidence_Limit,High_Confidence_Limit,Sample_Size,StratificationCategory1,Stratification1,"
    "StratificationCategory2,Stratification2,StratificationCategory3,Stratification3,Geolocation,ClassID,TopicID,"
    "QuestionID,ResponseID,LocationID,StratificationCategoryID1,StratificationID1,StratificationCategoryID2,"
    "StratificationID2,StratificationCategoryID3,StratificationID3,Report"
)
# Deaths from heart disease; no column is called a question.
DEATHS = (
    "Year,LocationAbbr,LocationDesc,GeographicLevel,DataSource,Class,Topic,Data_Value,Data_Value_Unit,Data_Value_Type,"
    "Data_Value_Footnote_Symbol,Data_Value_Footnote,StratificationCategory1,Stratification1,StratificationCategory2,"
    "Stratification2,TopicID,LocationID,Location 1"
)


def table(header: str, *records: dict[str, str]) -> str:
    """A file: each record says what is in the columns that it is about, without spaces at the end of their names."""
    names = [name.strip() for name in header.split(",")]
    for record in records:
        assert record.keys() <= set(names)
    lines = [",".join(f'"{record.get(name, "")}"' for name in names) for record in records]
    return "\n".join([header, *lines, ""])


def ask(name: str, of: Snapshot, **raw: Any) -> list[tuple[Any, ...]]:
    """The rows of a statistic's answer."""
    statistic = STATISTICS[name]
    return list(statistic.answer(of, msgspec.convert(raw, statistic.parameters)).rows())


def strata(snapshot: Snapshot) -> set[tuple[str, str]]:
    labels = snapshot.cube.labels
    return {
        (labels.categories[category] if category >= 0 else "", labels.strata[stratum] if stratum >= 0 else "")
        for category, stratum in whole(snapshot.cube).cells.keys[:, 2:4].tolist()
    }


# Chronic Disease Indicators.


def chronic(**more: str) -> dict[str, str]:
    return {
        "YearStart": "2020",
        "YearEnd": "2020",
        "LocationAbbr": "UT",
        "LocationDesc": "Utah",
        "DataSource": "BRFSS",
        "Topic": "Diabetes",
        "Question": "Diabetes among adults",
        "DataValueUnit": "%",
        "DataValueType": "Crude Prevalence",
        "StratificationCategory1": "Overall",
        "Stratification1": "Overall",
        "Geolocation": "POINT (-111.5 39.3)",
        "LocationID": "49",
    } | more


def test_chronic_disease_indicators_are_read_and_answer(tmp_path: Path) -> None:
    text = table(
        CHRONIC,
        chronic(DataValue="9.5", LowConfidenceLimit="8.5", HighConfidenceLimit="10.5"),
        chronic(DataValue="8.5", DataValueType="Age-adjusted Prevalence"),
        chronic(DataValue="2108", DataValueUnit="Number", DataValueType="Number", DataSource="NVSS"),
        chronic(DataValue="71.25", DataValueUnit="cases per 100,000", DataValueType="Crude Rate", DataSource="NVSS"),
        chronic(
            StratificationCategory1="Race/Ethnicity",
            Stratification1="Asian, non-Hispanic",
            DataValueFootnoteSymbol="****",
            DataValueFootnote="Data suppressed",
        ),
    )
    snapshot = read(write(tmp_path, text))
    cube = snapshot.cube
    assert [(each.name, each.unit) for each in cube.labels.value_types] == [
        ("Age-adjusted Prevalence", "percent"),
        ("Crude Prevalence", "percent"),
        ("Crude Rate", "cases per 100,000"),
        ("Number", "Number"),
    ]
    # Each kind of number is a separate cell: none is averaged with another unless a request is for all rows.
    assert whole(cube).cells.rows.tolist() == [1] * 5
    assert cube.withheld_by_reason() == {"**** (Data suppressed)": 1}
    assert strata(snapshot) == {("Overall", "Overall"), ("Race/Ethnicity", "Asian, non-Hispanic")}
    # The columns for responses, and for second and third strata, are empty: they add nothing to the names.
    assert cube.labels.questions == ("Diabetes among adults",)
    assert not snapshot.about.warnings
    [row] = ask("estimate", snapshot, question="Diabetes among adults", value_type="Crude Prevalence")
    assert row[:2] == ("Utah", 9.5)


def test_the_older_chronic_disease_indicators_have_words_where_a_number_belongs(tmp_path: Path) -> None:
    text = table(
        CHRONIC_UNTIL_2023,
        _older(DataValue="Yes"),
        _older(DataValue=" ", DataValueFootnoteSymbol="-", DatavalueFootnote="No data available"),
        _older(DataValue="3.5"),
        _older(DataValue="4.5", YearStart="2011", YearEnd="2015"),
    )
    snapshot = read(write(tmp_path, text))
    assert snapshot.cube.withheld_by_reason() == {"- (No data available)": 1, "Yes": 1}
    assert [(each.first, each.last) for each in snapshot.cube.labels.periods] == [(2011, 2015), (2020, 2020)]
    assert ask("states_mean", snapshot, question="Diabetes among adults")[0][:2] == ("Utah", 4.0)


def _older(**more: str) -> dict[str, str]:
    record = chronic(**more)
    return record | {"GeoLocation": record.pop("Geolocation")}


# PLACES.


def place_row(**more: str) -> dict[str, str]:
    return {
        "Year": "2022",
        "StateAbbr": "UT",
        "StateDesc": "Utah",
        "LocationName": "Washington",
        "DataSource": "BRFSS",
        "Category": "Health Outcomes",
        "Measure": "Obesity among adults",
        "Data_Value_Unit": "%",
        "Data_Value_Type": "Crude prevalence",
        "Data_Value": "30",
        "Low_Confidence_Limit": "10",
        "High_Confidence_Limit": "40",
        "TotalPopulation": "1000",
        "LocationID": "49053",
        "CategoryID": "HLTHOUT",
        "MeasureId": "OBESITY",
        "Short_Question_Text": "Obesity",
        "Geolocation": "POINT (-113.5 37.2)",
    } | more


def test_counties_with_the_same_name_in_two_states_are_two_places(tmp_path: Path) -> None:
    text = table(
        PLACES_COUNTIES,
        place_row(),
        place_row(StateAbbr="OR", StateDesc="Oregon", LocationID="41067", Data_Value="20"),
        place_row(StateAbbr="US", StateDesc="United States", LocationName="", LocationID="59", Data_Value="25"),
        place_row(StateDesc="District of Columbia", LocationName="District of Columbia", LocationID="11001"),
    )
    snapshot = read(write(tmp_path, text))
    assert means(snapshot) == {
        ("Obesity among adults", "Washington, Utah"): 30.0,
        ("Obesity among adults", "Washington, Oregon"): 20.0,
        ("Obesity among adults", "United States"): 25.0,
        ("Obesity among adults", "District of Columbia"): 30.0,
    }
    # Every name is of one place, so that nobody needs to learn ids.
    assert "location_id" not in snapshot.about.roles
    assert not snapshot.about.warnings


def test_places_with_the_same_name_in_one_state_get_their_ids(tmp_path: Path) -> None:
    text = table(
        PLACES_COUNTIES, place_row(), place_row(LocationID="4981960", Data_Value="20"), place_row(LocationName="Utah")
    )
    snapshot = read(write(tmp_path, text))
    assert snapshot.cube.labels.locations == (
        "Utah (49053)",
        "Washington, Utah (49053)",
        "Washington, Utah (4981960)",
    )
    assert snapshot.about.roles["location_id"] == "LocationID"
    assert snapshot.about.warnings == (
        'Several places are called "Washington, Utah", so the name of every location includes its "LocationID".',
    )


def test_an_id_by_hand_is_always_in_the_name(tmp_path: Path) -> None:
    path = write(tmp_path, table(PLACES_COUNTIES, place_row(), place_row(LocationName="Cache", LocationID="")))
    snapshot = read(path, columns={"location_id": "LocationID"})
    assert snapshot.cube.labels.locations == ("Cache, Utah", "Washington, Utah (49053)")


def test_an_id_with_and_without_zeros_is_one_place(tmp_path: Path) -> None:
    text = table(PLACES_COUNTIES, place_row(LocationID="01001"), place_row(LocationID="1001"), place_row(LocationID=""))
    assert read(write(tmp_path, text)).cube.labels.locations == ("Washington, Utah",)


def test_tracts_and_zip_codes_are_distinguished_by_name(tmp_path: Path) -> None:
    tract = place_row(LocationName="49053270100", LocationID="49053270100", CountyName="Washington", CountyFIPS="49053")
    tracts = read(write(tmp_path, table(PLACES_TRACTS, tract)), into=tmp_path / "tracts")
    assert tracts.cube.labels.locations == ("49053270100, Utah",)
    code = {name: text for name, text in place_row(LocationName="84770").items() if not name.startswith("State")}
    codes = read(write(tmp_path, table(PLACES_ZIP_CODES, code)), into=tmp_path / "codes")
    assert codes.cube.labels.locations == ("84770",)


def test_the_category_of_places_is_the_topic_and_its_populations_are_not_samples(tmp_path: Path) -> None:
    text = table(
        PLACES_COUNTIES,
        place_row(),
        place_row(Measure="Cholesterol screening among adults", Category="Prevention"),
        place_row(
            Measure="Loneliness among adults",
            Data_Value="",
            Data_Value_Footnote_Symbol="*",
            Data_Value_Footnote="Too few people",
        ),
    )
    snapshot = read(write(tmp_path, text))
    assert strata(snapshot) == {("", "")}
    assert {each.text: (each.topic, each.unit, each.polarity) for each in snapshot.about.questions} == {
        "Obesity among adults": ("Health Outcomes", "percent", "lower"),
        "Cholesterol screening among adults": ("Prevention", "percent", "higher"),
        "Loneliness among adults": ("Health Outcomes", "percent", "lower"),
    }
    assert "sample_size" not in snapshot.about.roles
    assert snapshot.cube.withheld_by_reason() == {"* (Too few people)": 1}
    assert ask("estimate", snapshot, question="Obesity among adults")[0][:2] == ("Washington, Utah", 30.0)
    assert ask("best5", snapshot, question="Obesity among adults")[0][:2] == ("Washington, Utah", 30.0)


def test_a_category_that_differs_within_a_question_is_one_of_strata(tmp_path: Path) -> None:
    """A table of one's own may call so what PLACES does not: nothing of it must be averaged unseen."""
    text = "Question,LocationDesc,Category,Data_Value\nQ,Utah,Men,1\nQ,Utah,Women,3\n"
    snapshot = read(write(tmp_path, text))
    assert strata(snapshot) == {("Men", ""), ("Women", "")}
    assert snapshot.about.roles["category"] == "Category"
    assert "topic" not in snapshot.about.roles


def test_the_wide_form_of_places_is_refused_with_the_form_to_use_instead(tmp_path: Path) -> None:
    with pytest.raises(RolesMissing, match=r'wide, "GIS friendly" form of PLACES.*the long form'):
        read(write(tmp_path, f'{PLACES_WIDE}\nUT,Utah,Cache,49005,1000,9.5,"(8.5, 10.5)",9,"(8, 10)",\n'))


def test_cities_and_their_tracts_and_the_state_are_different_places(tmp_path: Path) -> None:
    city = place_row(CityName="Provo", UniqueID="4962470", PopulationCount="1000", GeographicLevel="City")
    for name in ("LocationName", "TotalPopulation", "LocationID", "Geolocation"):
        city.pop(name)
    text = table(
        CITIES,
        city,
        city | {"UniqueID": "4962470-49049000101", "GeographicLevel": "Census Tract", "Data_Value": "20"},
        city | {"UniqueID": "4965330", "CityName": "St. George", "Data_Value": "21"},
        city | {"UniqueID": "59", "CityName": "", "StateDesc": "United States", "Data_Value": "25"},
    )
    snapshot = read(write(tmp_path, text))
    assert snapshot.cube.labels.locations == (
        "Provo, Utah (4962470)",
        "Provo, Utah (4962470-49049000101)",
        "St. George, Utah (4965330)",
        "United States (59)",
    )


# The youth survey.


def test_the_youth_survey_has_grades_for_strata_and_known_questions(tmp_path: Path) -> None:
    student = {
        "YearStart": "2019",
        "YearEnd": "2019",
        "LocationDesc": "Utah",
        "Class": "Obesity / Weight Status",
        "Topic": "Obesity / Weight Status",
        "Question": "Percent of students in grades 9-12 who have obesity",
        "Data_Value_Type": "Value",
        "LocationID": "49",
    }
    text = table(
        YOUTH,
        student | {"StratificationCategory1": "Total", "Stratification1": "Total", "Data_Value": "10"},
        student | {"StratificationCategory1": "Grade", "Stratification1": "9th", "Data_Value": "12"},
        student | {"StratificationCategory1": "Sex", "Stratification1": "Male", "Data_Value_Footnote_Symbol": "~"},
    )
    snapshot = read(write(tmp_path, text))
    [question] = snapshot.about.questions
    assert (question.unit, question.polarity) == ("percent", "lower")
    assert strata(snapshot) == {("Total", "Total"), ("Grade", "9th"), ("Sex", "Male")}
    assert ask("best5", snapshot, question=question.text)[0][:2] == ("Utah", 11.0)


# Prevalence and trends: answers to questions.


def answer(**more: str) -> dict[str, str]:
    return {
        "Year": "2018",
        "Locationabbr": "UT",
        "Locationdesc": "Utah",
        "Class": "Health Status",
        "Topic": "Overall Health",
        "Question": "How is your general health?",
        "Break_Out": "Overall",
        "Break_Out_Category": "Overall",
        "Sample_Size": "100",
        "Data_value_unit": "%",
        "Data_value_type": "Crude Prevalence",
        "LocationID": "49",
    } | more


def test_each_response_to_a_question_is_an_indicator(tmp_path: Path) -> None:
    text = table(
        PREVALENCE,
        answer(Response="Excellent", Data_value="20", Confidence_limit_Low="18", Confidence_limit_High="22"),
        answer(Response="Poor", Data_value="4", Confidence_limit_Low="3", Confidence_limit_High="5"),
        answer(Response="Poor", Data_value="6", Break_Out_Category="Sex", Break_Out="Female"),
        answer(Response="Poor", Locationabbr="UW", Locationdesc="All States and DC (median) **", Data_value="5"),
    )
    snapshot = read(write(tmp_path, text))
    assert snapshot.cube.labels.questions == (
        "How is your general health? - Excellent",
        "How is your general health? - Poor",
    )
    poor = ask("estimate", snapshot, question="How is your general health? - Poor")
    assert [row[:2] for row in poor] == [("All States and DC (median) **", 5.0), ("Utah", 4.0)]
    assert [
        row[:2] for row in ask("state_mean", snapshot, question="How is your general health? - Poor", state="Utah")
    ] == [("Utah", 5.0)]


def test_rows_are_selected_and_counted_by_whole_labels(tmp_path: Path) -> None:
    women = [answer(Response="Poor", Break_Out="Female", Data_value=value) for value in ("1", "2", "4", "9", "")]
    snapshot = read(write(tmp_path, table(PREVALENCE, answer(Response="Excellent", Data_value="20"), *women)))
    poor = {"question": "How is your general health? - Poor"}
    rows = SourceRows.of(snapshot).select(poor | {"location": "Utah", "stratum": "Female"})
    assert [(row.line, row.cells["Data_value"]) for row in rows] == list(enumerate(["1", "2", "4", "9", ""], start=3))
    assert not SourceRows.of(snapshot).select({"question": "How is your general health?"})
    # Five rows in a cell, of mean 4: their median is counted in the rows.
    [summary] = ask("summary", snapshot, **poor, by=("location",), quantiles=(0.5,))
    assert 3.0 in summary


def test_two_things_of_one_name_are_refused_and_not_added_up(tmp_path: Path) -> None:
    text = table(PREVALENCE, answer(Question="A", Response="B - C"), answer(Question="A - B", Response="C"))
    with pytest.raises(SourceUnreadable, match=r'"A - B - C".*question, response.*Change it'):
        read(write(tmp_path, text))


# Two strata at once.


def test_two_strata_of_a_row_are_one_category_of_both(tmp_path: Path) -> None:
    elder = {
        "YearStart": "2019",
        "YearEnd": "2020",
        "LocationDesc": "Utah",
        "Question": "Percentage of older adults who nap",
        "Data_Value_Unit": "%",
        "Data_Value_Type": "Percentage",
        "StratificationCategory1": "Age Group",
        "Stratification1": "Overall",
        "LocationID": "49",
    }
    by_sex = {"StratificationCategory2": "Sex", "Stratification2": "Female"}
    text = table(
        AGING,
        elder | {"Data_Value": "30"},
        elder | by_sex | {"Data_Value": "31"},
        elder | by_sex | {"Data_Value": "32", "Stratification1": "65 years or older"},
    )
    snapshot = read(write(tmp_path, text))
    assert strata(snapshot) == {
        ("Age Group", "Overall"),
        ("Age Group; Sex", "Overall; Female"),
        ("Age Group; Sex", "65 years or older; Female"),
    }
    assert whole(snapshot.cube).cells.rows.tolist() == [1, 1, 1]
    naps = {"question": "Percentage of older adults who nap", "category": "Age Group; Sex"}
    estimates = ask("estimate", snapshot, **naps, basis="stratum", stratum="65 years or older; Female")
    assert [row[:2] for row in estimates] == [("Utah", 32.0)]


def test_a_file_without_a_question_needs_one_word_of_help(tmp_path: Path) -> None:
    county = {"Year": "2020", "Topic": "Stroke Mortality", "LocationDesc": "Cache County", "LocationID": "49005"}
    both = {"StratificationCategory1": "Sex", "Stratification1": "Overall", "StratificationCategory2": "Race/Ethnicity"}
    path = write(tmp_path, table(DEATHS, county | both | {"Stratification2": "Overall", "Data_Value": "70"}))
    with pytest.raises(RolesMissing, match="--column question=NAME"):
        read(path)
    snapshot = read(path, columns={"question": "Topic"})
    assert strata(snapshot) == {("Sex; Race/Ethnicity", "Overall; Overall")}
    assert snapshot.about.roles["point"] == "Location 1"
    basis = {"basis": "stratum", "category": "Sex; Race/Ethnicity", "stratum": "Overall; Overall"}
    assert ask("estimate", snapshot, question="Stroke Mortality", **basis)[0][:2] == ("Cache County", 70.0)
