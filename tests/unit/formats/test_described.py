"""Files that say what they are: CSV and XLSX of a result that knows what it is about."""

from __future__ import annotations

import csv
import io
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pandas as pd  # type: ignore[import-untyped]  # it ships no types

from meantime.formats import csv_tsv, xlsx
from meantime.formats.described import described
from meantime.formats.document import Document
from meantime.table import Column, Heading, Kind, Table
from tests.support.result_documents import of, of_names

QUESTION = "Percent of adults aged 18 years and older who have obesity"
WOMEN = Heading(topic="obesity", title="obesity among women", people="women", years="2023")


def ranking(**more: Any) -> Document:
    columns = (
        Column(name="rank", kind=Kind.INTEGER, meaning="place in the order"),
        Column(name="location", kind=Kind.TEXT, meaning="where"),
        Column(name="estimate", kind=Kind.NUMBER, meaning="the value", unit="percent"),
        Column(name="p_adjusted", kind=Kind.NUMBER, meaning="p-value"),
        Column(name="first_year", kind=Kind.INTEGER, meaning="the year"),
        Column(name="respondents", kind=Kind.INTEGER, meaning="how many"),
    )
    data = ([1, 2], ["Colorado", "Ohio"], [25.2879, None], [0.00004, 0.031], [2023, 2023], [3846, 12345])
    return of(Table(columns=columns, data=data, about=WOMEN), parameters={"question": QUESTION}, **more)


def workbook() -> Any:
    return openpyxl.load_workbook(io.BytesIO(b"".join(xlsx.pieces(ranking()))))


def test_each_row_of_a_csv_says_question_group_years_and_unit_behind_its_own_columns() -> None:
    rows = list(csv.reader(io.StringIO(b"".join(csv_tsv.pieces(ranking())).decode())))
    assert rows[0][:3] == ["rank", "location", "estimate"]
    assert rows[0][-4:] == ["question", "group", "data_years", "unit"]
    assert [row[-4:] for row in rows[1:]] == [[QUESTION, "women", "2023", "percent"]] * 2


def test_what_does_not_say_what_it_is_about_stays_as_it_is() -> None:
    assert described(of_names("Ohio")) == of_names("Ohio")


def test_a_column_that_is_there_already_is_not_added_and_what_is_not_known_is_empty() -> None:
    columns = (Column(name="Unit", kind=Kind.TEXT, meaning=""), Column(name="n", kind=Kind.INTEGER, meaning=""))
    about = Heading(topic="obesity", title="obesity", people="", years="")
    table = described(of(Table(columns=columns, data=(["x"], [1]), about=about), parameters={})).table
    assert [column.name for column in table.columns] == ["Unit", "n", "question", "group", "data_years"]
    assert list(table.rows()) == [("x", 1, "obesity", None, None)]


def test_a_workbook_has_headings_for_people_formats_a_filter_and_places_that_stay() -> None:
    sheet = workbook()["Result"]
    header, first, second = sheet.iter_rows()
    assert [cell.value for cell in header] == [
        *("Rank", "Location", "Estimate (percent)", "p adjusted", "First year", "Respondents"),
        *("Question", "Group", "Data years", "Unit"),
    ]
    assert [cell.number_format for cell in first][:6] == [
        *("#,##0", "@", "#,##0.0", '[<0.001]"<0.001";[<0.01]0.000;0.00', "0", "#,##0"),
    ]
    assert (first[2].value, second[2].value) == (25.2879, None)
    assert sheet.auto_filter.ref == "A1:J3"
    assert sheet.freeze_panes == "C2"
    widths = {name: dimension.width for name, dimension in sheet.column_dimensions.items()}
    assert 9 < widths["A"] < 25
    assert widths["G"] > 55


def test_the_about_sheet_has_the_names_that_columns_have_in_other_formats() -> None:
    rows = [tuple(cell.value for cell in row) for row in workbook()["About"].iter_rows()]
    assert ("Estimate (percent)", "the value", "percent", "number", "estimate") in rows


def test_pandas_reads_the_numbers_in_full() -> None:
    frame = pd.read_excel(io.BytesIO(b"".join(xlsx.pieces(ranking()))), engine="openpyxl")
    assert frame["Estimate (percent)"].tolist()[0] == 25.2879
