"""What `meantime inspect` shows of a table, and what it writes."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from meantime.cli import inspect
from meantime.cli.table_description import describe
from meantime.dataset.first_rows import first_rows
from meantime.dataset.snapshot import Snapshot
from tests.support.factories import row, snapshot
from tests.support.table_files import read, write

TABLE = """Percent,Upper,Lower,Place,Year,Sex,Flag,Region,Rate
40.5,42.5,38.5,Borduria,2019/20,Female,e,N,1
30.5,32.5,28.5,Avalon,2020/21,Female,,N,2
*,,,Avalon,2019/20,Male,,N,3
36.5,38.5,34.5,Avalon,2019/20,Female,,N,4
36.5,38.5,34.5,Avalon,2019/20,Female,,N,4
31.5,33.5,29.5,Cockaigne,2019/20,Male,,N,5
32.5,33.5,29.5,Cockaigne,2019/20,Male,,N,6
"""


def shown(of: Snapshot) -> str:
    out = io.StringIO()
    inspect._print_snapshot(of, Console(file=out, width=240))
    return out.getvalue()


def cells(lines: str, containing: str) -> list[str]:
    [line] = [line for line in lines.splitlines() if "│" in line and containing in line]
    return [each.strip() for each in line.strip("│").split("│")]


@pytest.fixture
def of(tmp_path: Path) -> Snapshot:
    return read(write(tmp_path, TABLE), columns={"location": "Place"}, settings={"question": "Tea"})


def test_the_first_rows_are_shown_in_the_order_of_the_file_as_they_were_understood(of: Snapshot) -> None:
    text = shown(of)
    rows = [line for line in text.splitlines() if line.startswith("│") and "Tea" in line and "–" in line]
    assert [line.split("│")[1].strip() for line in rows] == ["2", "3", "4", "5", "6"]
    assert cells(text, "Borduria") == [
        *("2", "Tea", "Borduria", "Female", "2019–2020", "40.5", "38.5", "42.5", "", "e"),
    ]
    assert cells(text, " Male ") == ["4", "Tea", "Avalon", "Male", "2019–2020", *[""] * 5]
    assert text.index("Warning:") < text.index("Columns: what each was taken for") < text.index("First rows")
    assert "2019 to 2021" in text


def test_the_first_rows_have_the_lines_of_the_file_where_one_counts_for_nothing(tmp_path: Path) -> None:
    lines = ["Indicator,Place,Year,Percent,Times", "Tea,Avalon,2020,40.5,0", "Tea,Borduria,2020,30.5,2"]
    snapshot = read(write(tmp_path, "\n".join(lines) + "\n"), columns={"location": "Place", "row_count": "Times"})
    assert [row.line for row in first_rows(snapshot, 5)] == [3]


def test_each_column_is_shown_with_the_reason(of: Snapshot) -> None:
    text = shown(of)
    found = {
        words[0]: " ".join(words[1:]) for line in text.splitlines() if line.startswith("  ") and (words := line.split())
    }
    assert found["location"] == "Place named by --column"
    assert found["question"] == '"Tea" the same for all rows; no column says it'
    assert found["value"] == 'Percent known by its name; "Rate" would fit too'
    assert found["low"] == "Lower known by its name"
    assert found["stratum"] == "Sex divides people, known by its name"
    assert "not used" in text


def test_reasons_name_the_publisher_and_its_address(tmp_path: Path) -> None:
    header = "Entity,Code,Year,Obesity\n"
    of = read(write(tmp_path, header + "Avalon,AVA,2020,16.2\nBorduria,BOR,2020,20\n"))
    assert of.about.why["location"] == "called so in tables of Our World in Data"
    assert of.about.constants == {"question": "Obesity"}
    assert "Our World in Data, https://ourworldindata.org/" in shown(of)


def test_warnings_come_worst_first(of: Snapshot) -> None:
    kinds = ("differ in", "that fit the role", "copy")
    assert [next(kind for kind in kinds if kind in each) for each in of.about.warnings] == list(kinds)


def test_a_row_of_several_different_ones_shows_no_number_of_its_own(tmp_path: Path) -> None:
    lines = "Tea,Avalon,1,x\nTea,Avalon,2,y\n"
    text = shown(read(write(tmp_path, "Indicator,Place,Value,Note\n" + lines)))
    rows = [line for line in text.splitlines() if line.startswith("│") and "Avalon" in line]
    assert [line.split("│")[6].strip() for line in rows] == ["one of 2 rows of its cell"] * 2


def test_missing_values_are_counted_by_question_and_place(tmp_path: Path) -> None:
    lines = "Tea,Avalon,*\nTea,Borduria,*\nNaps,Avalon,~\nNaps,Borduria,2\n"
    text = shown(read(write(tmp_path, "Indicator,Place,Value\n" + lines)))
    questions = text[text.index("\nQuestions") :].splitlines()
    assert [line.split()[1:-1] for line in questions if line.startswith("│ Naps")] == [
        ["Naps", "│", "2", "│", "1", "│", *("not", "set"), "│", *("not", "set")]
    ]
    places = text[text.index("Where they are") :].splitlines()
    assert [line.split(maxsplit=1) for line in places[1:8] if line.strip()] == [
        ["2", "Avalon"],
        ["1", "Borduria"],
        ["1", "Avalon: Naps"],
        ["1", "Avalon: Tea"],
        ["1", "Borduria: Tea"],
    ]


def test_the_description_says_everything_with_its_reason() -> None:
    about = msgspec.structs.replace(
        snapshot([row()]).about,
        title='The "best"',
        delimiter=";",
        encoding="utf-8",
        why={"value": "known by its name\nvalue = 1"},
        constants={"location": "Avalon"},
    )
    said = {"missing": "-99, N", "thousands": ",", "level": "90"}
    written = describe(about, said)
    content = tomllib.loads(written)
    assert content["missing"] == [-99, "N"]
    assert (content["title"], content["delimiter"], content["thousands"], content["level"]) == (
        *('The "best"', ";", ",", 90),
    )
    assert content["location"] == "Avalon"
    assert content["columns"] == {role: column for role, column in about.roles.items() if role != "location"}
    assert "# known by its name\\nvalue = 1" in written
