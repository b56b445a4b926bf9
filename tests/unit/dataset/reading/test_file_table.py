"""Tables in other forms than a row for each number, and what a file does not say. Every number is invented."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import pytest

from meantime.dataset.reading.description import Description
from meantime.dataset.reading.file_table import FileTable, find_file_table
from meantime.errors import DescriptionInvalid, RolesMissing


def form_of(
    table: str,
    *,
    by_hand: Mapping[str, str] | None = None,
    description: Description | None = None,
    delimiter: str = ",",
    labels: str = "",
) -> FileTable:
    header, *rows = csv.reader(io.StringIO(table), delimiter=delimiter)
    return find_file_table(
        header,
        labels=labels.split(",") if labels else (),
        records=rows,
        description=description or Description(),
        by_hand=by_hand or {},
        title="the title",
        described_in="table.csv.toml",
    )


def rows_of(form: FileTable) -> list[dict[str, str]]:
    return [dict(zip(form.columns, row, strict=True)) for row in form.evidence.rows]


@pytest.mark.parametrize(
    "header",
    [
        "County,Year,Percent,Lower,Upper,N",
        "Region,Year,Prevalence,LCL,UCL,Sample",
        "District,Year,Rate,Low CI,High CI,n",
        "Country,Year,Mean,Lower 95% CI,Upper 95% CI,Sample size",
        "ZIP,Year,Coverage,ci_low,ci_high,Respondents",
        "FIPS,Year,Proportion,95% LCL,95% UCL,N",
        "State,Year,Pct,Lower_95,Upper_95,N",
        "Area Name,Time period,Value,Lower CI 95.0 limit,Upper CI 95.0 limit,Unweighted N",
    ],
)
def test_plain_names_are_known(header: str) -> None:
    form = form_of(f"{header}\n12345,2020,34.5,30.1,38.9,400\n12346,2020,30.5,28.1,33.9,390\n")
    location, year, value, low, high, respondents = header.split(",")
    expected = {"location": location, "first_year": year, "value": value, "low": low, "high": high}
    assert {role: form.roles.get(role) for role in expected} == expected
    assert form.roles["sample_size"] == respondents


@pytest.mark.parametrize("name", ["Place", "Place Name", "Borough", "Local Authority"])
def test_plain_names_of_places_are_known(name: str) -> None:
    roles = form_of(f"Indicator,{name},Value\nTea,Avalon,1\n").roles
    assert (roles["question"], roles["location"], roles["value"]) == ("Indicator", name, "Value")


@pytest.mark.parametrize("name", ["Denominator", "Base", "Population", "Count"])
def test_people_of_whom_a_rate_speaks_are_no_respondents(name: str) -> None:
    assert "sample_size" not in form_of(f"County,Percent,{name}\nA,3.5,1000\n").roles


def test_numbers_come_before_texts_for_a_value_and_names_before_codes_for_a_place() -> None:
    form = form_of("State,State Name,Indicator,Value,Obs_Value\nUT,Utah,Tea,31 (29-33),31\nOH,Ohio,Tea,28 (26-30),28\n")
    assert (form.roles["value"], form.roles["location"]) == ("Obs_Value", "State Name")


def test_codes_are_taken_where_they_tell_more_places_apart() -> None:
    form = form_of("LocationName,CountyName,Measure,Value\n4901,Cache,Tea,3\n4902,Cache,Tea,4\n")
    assert form.roles["location"] == "LocationName"


@pytest.mark.parametrize(
    ("table", "location"),
    [
        ("Region,Country,Value\nNorth,Avalon,1\nNorth,Borduria,2\nSouth,Cockaigne,3\n", "Country"),
        ("Region,Country,Value\nNorth,Avalon,1\nSouth,Avalon,2\nEast,Borduria,3\n", "Region"),
    ],
)
def test_of_a_place_and_what_it_lies_in_the_smaller_is_the_location(table: str, location: str) -> None:
    assert form_of(table).roles["location"] == location


def test_a_county_lies_in_its_state() -> None:
    roles = form_of("State,County,Value\nUtah,Cache,1\nOhio,Boise,2\n").roles
    assert (roles["location"], roles["location_within"]) == ("County", "State")


def test_a_period_that_shows_no_years_is_none() -> None:
    table = "County,Period,Value\nA,{0},1\nB,{1},2\n"
    assert form_of(table.format("2019", "2020")).roles["first_year"] == "Period"
    assert "first_year" not in form_of(table.format("first wave", "second wave")).roles


def test_sex_and_age_are_strata_where_no_column_is_one() -> None:
    roles = form_of("County,Sex,Age group,Percent\nA,Female,18-44,1\nA,Male,18-44,2\n").roles
    assert (roles["stratum"], roles["stratum_2"]) == ("Sex", "Age group")
    roles = form_of("County,Sex,Break_Out,Percent\nA,,Female,1\nA,,Male,2\n").roles
    assert (roles["stratum"], roles.get("stratum_2")) == ("Break_Out", None)


@pytest.mark.parametrize(
    ("value", "question"), [("Adults who nap (%)", "Adults who nap (%)"), ("Percent", "the title")]
)
def test_a_table_of_one_question_has_that_of_its_values_or_its_title(value: str, question: str) -> None:
    form = form_of(f"County,Year,{value}\nA,2020,1\nB,2020,2\n", by_hand={"value": value})
    assert {row["Question"] for row in rows_of(form)} == {question}
    assert f'"{question}"' in form.arrangement.said[-1]
    assert "--set question=" in form.arrangement.said[-1]


def test_a_text_in_which_rows_differ_may_be_the_question() -> None:
    with pytest.raises(RolesMissing, match=r'whole table is about one question.*without a role are "Habit"') as caught:
        form_of("County,Year,Habit,Percent\nA,2020,Tea,1\nA,2020,Nap,2\n")
    assert caught.value.roles == ("question",)


def test_what_people_say_of_all_rows_comes_before_any_column() -> None:
    said = Description(question="Naps", location="Avalon")
    form = form_of("Year,Percent\n2020,1\n2021,2\n", description=said)
    assert [(row["Question"], row["Location"]) for row in rows_of(form)] == [("Naps", "Avalon")] * 2
    form = form_of("Question,Location,Value\nQ,Utah,1\n", description=said)
    assert rows_of(form)[0][form.roles["question"]] == "Naps"
    assert rows_of(form)[0][form.roles["location"]] == "Avalon"


def test_a_table_without_places_is_refused_with_the_option_that_names_one() -> None:
    with pytest.raises(RolesMissing, match='--set location="United States"') as caught:
        form_of("Year,Percent\n2020,1\n2021,2\n")
    assert caught.value.roles == ("location",)


def test_a_value_that_only_its_numbers_show_is_offered_and_not_taken() -> None:
    with pytest.raises(RolesMissing, match='--column value="Vaccinated"') as caught:
        form_of("County,Year,CountyFIPS,Vaccinated\nA,2020,1,34.5\nB,2020,3,30.5\n")
    assert caught.value.roles == ("value",)


def test_several_columns_of_numbers_are_offered_as_questions() -> None:
    table = "County,Year,Smoking,Obesity\nA,2020,34.5,12\nB,2020,30.5,13\n"
    with pytest.raises(RolesMissing, match=r'in table\.csv\.toml.* \[wide\] and question = \["Smoking", "Obesity"\]'):
        form_of(table)
    form = form_of(table, description=Description(wide={"question": ("Smoking", "Obesity")}))
    assert [(row["County"], row["Question"], row["Value"]) for row in rows_of(form)] == [
        ("A", "Smoking", "34.5"),
        ("A", "Obesity", "12"),
        ("B", "Smoking", "30.5"),
        ("B", "Obesity", "13"),
    ]


@pytest.mark.parametrize(
    "years", [("2020", "2021"), ("X2020", "X2021"), ("2020 [YR2020]", "2021 [YR2021]"), ("2020 ", "2021 ")]
)
def test_a_column_for_each_year_is_turned(years: tuple[str, str]) -> None:
    form = form_of(f"County,{','.join(years)},\nAda,34.5,35,\nBoise,,31,\n")
    assert [(row["County"], row["Year"], row["Value"]) for row in rows_of(form)] == [
        ("Ada", "2020", "34.5"),
        ("Ada", "2021", "35"),
        ("Boise", "2021", "31"),
    ]
    assert form.roles["first_year"] == form.roles["last_year"] == "Year"
    assert "a column for each of 2 periods" in form.arrangement.said[0]


def test_years_beside_a_value_are_not_turned() -> None:
    form = form_of("County,2019,2020,Value\nAda,1,2,3\n")
    assert form.roles["value"] == "Value"
    assert form.columns[:4] == ("County", "2019", "2020", "Value")


def test_a_column_for_each_group_is_turned() -> None:
    form = form_of("County,Year,Men,Women,Total\nAda,2020,34.5,12,20\n")
    assert [(row["Sex"], row["Value"]) for row in rows_of(form)] == [("Men", "34.5"), ("Women", "12"), ("Total", "20")]
    assert form.roles["stratum"] == "Sex"


def test_the_packed_column_of_eurostats_files_is_taken_apart() -> None:
    table = "unit,sex,geo\\TIME_PERIOD\t2019 \t2014 \nPC,F,AT\t38.1 e\t45.6 \nPC,M,BE\t: \t45.7 \n"
    form = form_of(table, delimiter="\t")
    assert [[row[name] for name in ("unit", "sex", "geo", "TIME_PERIOD", "OBS_VALUE")] for row in rows_of(form)] == [
        ["PC", "F", "AT", "2019", "38.1 e"],
        ["PC", "F", "AT", "2014", "45.6 "],
        ["PC", "M", "BE", "2019", ": "],
        ["PC", "M", "BE", "2014", "45.7 "],
    ]
    assert (form.roles["location"], form.roles["unit"], form.roles["stratum"]) == ("geo", "unit", "sex")


def test_codes_with_their_names_in_one_field_are_read_by_name() -> None:
    header = "DATAFLOW,REF_AREA: Reference area,MEASURE: Measure,TIME_PERIOD: Time period,OBS_VALUE"
    form = form_of(
        f"{header}\nX:Y(1.0),AVA: Avalon,W: Walking: daily,2019,3\nX:Y(1.0),BOR: Borduria,W: Walking: daily,2019,4\n"
    )
    row = rows_of(form)[0]
    assert (row[form.roles["location"]], row[form.roles["question"]]) == ("Avalon", "Walking: daily")
    assert (row[form.roles["first_year"]], row[form.roles["value"]]) == ("2019", "3")


@pytest.mark.parametrize("codes", ["S1901_C01_001E,S1901_C01_001M,S1901_C01_002E", "DP03_0001E,DP03_0001M,DP03_0002PE"])
def test_tables_of_the_census_bureau_are_turned_with_their_margins(codes: str) -> None:
    # As published: https://data.census.gov/table/ACSST5Y2021.S1901
    form = form_of(
        f"GEO_ID,NAME,{codes}\n04US01,Alabama,100,9,8.1\n",
        labels="Geography,Geographic Area Name,Estimate!!Households!!Total:,Margin!!x,Estimate!!Households!!Poor",
    )
    assert [(row["Question"], row["Value"], row["Margin of error"]) for row in rows_of(form)] == [
        ("Households: Total", "100", "9"),
        ("Households: Poor", "8.1", ""),
    ]
    assert form.arrangement.level == 90
    assert form.roles["location"] == "NAME"


def test_several_measures_of_our_world_in_data_are_questions() -> None:
    header = "Entity,Code,Year,Smoking (%),Obesity (%),Continent"
    form = form_of(f"{header}\nAvalon,AVA,2016,16.2,,Europe\nBorduria,,2016,3,4,Europe\n")
    assert [(row["Entity"], row["Question"], row["Value"]) for row in rows_of(form)] == [
        ("Avalon", "Smoking (%)", "16.2"),
        ("Borduria", "Smoking (%)", "3"),
        ("Borduria", "Obesity (%)", "4"),
    ]


def test_a_column_to_turn_that_is_absent_is_reported_with_the_closest() -> None:
    with pytest.raises(DescriptionInvalid, match=r'"Smokin" .did you mean "Smoking"'):
        form_of("County,Smoking\nA,1\n", description=Description(wide={"question": ("Smokin",)}))


def test_new_columns_take_no_name_that_is_there() -> None:
    form = form_of(
        "County,Question ID,Value,Question,2019,2020\nA,1,,,3,4\n",
        description=Description(wide={"question": ("2019", "2020")}),
    )
    assert form.columns == ("County", "Question ID", "Value", "Question", "Question (turned)", "Value (turned)")
    assert form.roles["question"] == "Question (turned)"
    assert form.roles["value"] == "Value (turned)"


def test_columns_of_a_question_and_a_year_are_turned() -> None:
    form = form_of("Area,Smoking 2019,Smoking 2020,Naps_2019\nA,1,2,3\nB,4,,6\n")
    assert [tuple(row.values()) for row in rows_of(form)] == [
        ("A", "Smoking", "2019", "1"),
        ("A", "Smoking", "2020", "2"),
        ("A", "Naps", "2019", "3"),
        ("B", "Smoking", "2019", "4"),
        ("B", "Naps", "2019", "6"),
    ]


def test_rows_that_add_up_others_are_no_rows_of_wonders_tables() -> None:
    header = "Notes\tState\tYear Code\tDeaths\tPopulation\tCrude Rate"
    rows = ["\tAlabama\t2019\t130\t4900000\t2.7", "Total\tAlabama\t\t130\t4900000\t2.7", "Total\t\t\t130\t4900000\t2.7"]
    form = form_of("\n".join([header, *rows]), delimiter="\t")
    assert [row["Year Code"] for row in rows_of(form)] == ["2019"]
    assert 'Rows that add up others ("Total" in "Notes") were not read.' in form.arrangement.said
    assert "WHERE trim(c0) <> 'Total'" in form.arrangement.sql("staged", "line")


def test_counties_of_one_name_are_told_apart_by_their_codes() -> None:
    roles = form_of("County,FIPS,Percent\nWashington,49053,1\nWashington,39167,2\n").roles
    assert (roles["location"], roles["location_id"]) == ("County", "FIPS")
    assert "location_id" not in form_of("FIPS,Percent\n49053,1\n39167,2\n").roles


def test_years_and_ids_are_not_offered_as_values() -> None:
    with pytest.raises(RolesMissing, match='The only column of numbers without a role is "Anteil"'):
        form_of("County,Jahr,Row number,Anteil\nA,2019,1,3\nB,2020,2,4\n")
