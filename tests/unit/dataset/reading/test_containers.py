"""Spreadsheets, zip archives and JSON: each has the table in it that the CSV file has. Every number is invented."""

from __future__ import annotations

import datetime as dt
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]  # it ships no types

from meantime.dataset.reading.source import parse_source
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.errors import RolesMissing, SourceEmpty, SourceUnreadable
from tests.support.table_files import means, read, read_folder, rows, write

HEADER = ["Question", "Location", "Year", "Value"]
ROWS: list[list[Any]] = [
    ["Tea", "Avalon", 2020, 41.5],
    ["Tea", "Borduria", 2020, 35.25],
    ["Tea", "Cockaigne", 2020, None],
]
EXPECTED = {("Tea", "Avalon"): 41.5, ("Tea", "Borduria"): 35.25}
CSV = "".join(",".join("" if each is None else str(each) for each in row) + "\n" for row in [HEADER, *ROWS])


def filled(sheet: Any, *table: list[Any]) -> Any:
    for row in table or (HEADER, *ROWS):
        sheet.append(row)
    return sheet


def workbook() -> tuple[Any, Any]:
    book = Workbook()
    return book, book.active


def saved(book: Any, folder: Path, name: str = "table.xlsx") -> Path:
    path = folder / name
    book.save(path)
    return path


def zipped(folder: Path, files: Mapping[str, str | bytes], name: str = "table.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in files.items():
            archive.writestr(each, content)
    return path


@pytest.fixture(scope="module")
def of_csv(tmp_path_factory: pytest.TempPathFactory) -> str:
    return read(write(tmp_path_factory.mktemp("plain"), CSV)).fingerprint


def test_a_sheet_has_the_fingerprint_of_the_text_file(tmp_path: Path, of_csv: str) -> None:
    book, sheet = workbook()
    filled(sheet)
    path = saved(book, tmp_path)
    folder = read_folder(path)
    assert open_snapshot(folder).fingerprint == of_csv
    assert [row.line for row in rows(folder)] == [2, 3, 4]


def test_lines_around_the_table_of_a_sheet_are_no_rows(tmp_path: Path, of_csv: str) -> None:
    book, sheet = workbook()
    filled(sheet, ["Tea in three countries"], [], HEADER, *ROWS, [], ["Source: ours"])
    sheet.merge_cells("A1:D1")
    path = saved(book, tmp_path)
    folder = read_folder(path, rejected_limit=0)
    snapshot = open_snapshot(folder)
    assert snapshot.fingerprint == of_csv
    assert [row.line for row in rows(folder)] == [4, 5, 6]
    assert any('line 8, "Source: ours"' in warning for warning in snapshot.about.warnings)


def test_merged_cells_dates_and_hidden_rows_are_read_and_said(tmp_path: Path) -> None:
    book, sheet = workbook()
    table: list[list[Any]] = [["Tea", "Avalon", 1.5], [None, "Borduria", 2.5], ["Naps", "Avalon", 3]]
    filled(sheet, ["Question", "Location", "Value"], *table)
    sheet.merge_cells("A2:A3")
    sheet.row_dimensions[4].hidden = True
    snapshot = read(saved(book, tmp_path))
    assert means(snapshot) == {("Tea", "Avalon"): 1.5, ("Tea", "Borduria"): 2.5, ("Naps", "Avalon"): 3}
    said = " ".join(snapshot.about.warnings)
    assert "1 hidden row" in said
    assert "1 group of merged cells" in said


def test_values_of_a_sheet_are_written_as_they_are_shown(tmp_path: Path) -> None:
    book, sheet = workbook()
    filled(sheet, [*HEADER, "Day", "Share"], ["Tea", "Avalon", 2020, 1234567.5, dt.date(2020, 7, 1), 0.345])
    sheet["F2"].number_format = "0.0%"
    (row,) = rows(read_folder(saved(book, tmp_path)))
    assert list(row.cells.values())[2:] == ["2020", "1234567.5", "2020-07-01", "34.5%"]


def test_a_formula_without_a_saved_result_is_empty_and_said(tmp_path: Path) -> None:
    book, sheet = workbook()
    filled(sheet, HEADER, ["Tea", "Avalon", 2020, "=1+1"], ["Tea", "Borduria", 2020, 3])
    snapshot = read(saved(book, tmp_path))
    assert means(snapshot) == {("Tea", "Borduria"): 3}
    assert any("1 formula in the sheet" in warning for warning in snapshot.about.warnings)


def test_of_several_sheets_the_one_with_names_that_are_known_is_read(tmp_path: Path, of_csv: str) -> None:
    book, sheet = workbook()
    filled(sheet, ["About this file"], ["made", "by hand"])
    filled(book.create_sheet("Table 1"))
    snapshot = read(saved(book, tmp_path), into=tmp_path / "again")
    assert snapshot.fingerprint == of_csv
    assert 'The sheet "Table 1" was read, and "Sheet" not.' in snapshot.about.warnings


def test_a_sheet_is_named_behind_the_file(tmp_path: Path) -> None:
    book, sheet = workbook()
    filled(sheet)
    filled(book.create_sheet("Other"), HEADER, ["Tea", "Avalon", 2020, 7])
    path = saved(book, tmp_path)
    with pytest.raises(SourceUnreadable, match=r'2 sheets with rows: "Sheet" and "Other".*table\.xlsx#Sheet'):
        read(path)
    source = parse_source(f"{path}#Other")
    assert (source.name, source.path, source.part) == ("table", str(path), "Other")
    assert means(read(path, part="Other", into=tmp_path / "again")) == {("Tea", "Avalon"): 7}
    with pytest.raises(SourceUnreadable, match='no sheet "Third"'):
        read(path, part="Third", into=tmp_path / "third")


def test_a_cell_at_the_far_end_of_a_sheet_takes_no_memory(tmp_path: Path) -> None:
    book, sheet = workbook()
    filled(sheet)
    sheet["XFD1048576"] = 1
    with pytest.raises(SourceUnreadable, match="1,048,576 rows and 16,384 columns with"):
        read(saved(book, tmp_path))


def test_a_workbook_without_rows_is_empty(tmp_path: Path) -> None:
    with pytest.raises(SourceEmpty, match="no sheet with rows"):
        read(saved(workbook()[0], tmp_path))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_a_damaged_spreadsheet_is_refused(tmp_path: Path, part: str) -> None:
    book, sheet = workbook()
    filled(sheet)
    with zipfile.ZipFile(saved(book, tmp_path)) as archive:
        files = {each: archive.read(each) for each in archive.namelist()}
    damaged = zipped(tmp_path, {**files, part: files[part][:-20]}, "damaged.xlsx")
    with pytest.raises(SourceUnreadable, match="cannot be read as a spreadsheet"):
        read(damaged)


def test_an_archive_with_one_table_is_that_table(tmp_path: Path, of_csv: str) -> None:
    files = {"13100096.csv": CSV, "13100096_MetaData.csv": "a,b\n", "README.txt": "read", "__MACOSX/x.csv": "x"}
    snapshot = read(zipped(tmp_path, files), into=tmp_path / "again")
    assert snapshot.fingerprint == of_csv
    assert 'Of table.zip, "13100096.csv" was read.' in snapshot.about.warnings


def test_a_spreadsheet_in_an_archive_is_read(tmp_path: Path, of_csv: str) -> None:
    book, sheet = workbook()
    filled(sheet)
    path = saved(book, tmp_path)
    assert read(zipped(tmp_path, {"in/table.xlsx": path.read_bytes()}), into=tmp_path / "z").fingerprint == of_csv


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.csv": CSV, "b.csv": CSV}, r'2 tables: "a.csv" and "b.csv". Say which: table\.zip#a\.csv'),
        ({"a.pdf": "x"}, "has no table"),
        ({"a.csv": b"PK\x03\x04"}, "an archive in it"),
        ({"a.csv": b"0" * 100 * 2**20}, "more than 200 times its size"),
    ],
)
def test_an_archive_without_one_table_is_refused(tmp_path: Path, files: dict[str, str | bytes], message: str) -> None:
    with pytest.raises(SourceUnreadable, match=message):
        read(zipped(tmp_path, files))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.json"])
def test_a_file_of_an_archive_has_its_own_name_in_errors(tmp_path: Path, name: str) -> None:
    damaged = {"a.csv": b"\n\n", "a.csv.gz": b"\x1f\x8b\x08", "a.parquet": b"PAR1", "a.json": b'[{"a": 1}'}
    with pytest.raises((SourceEmpty, SourceUnreadable), match=rf"^table\.zip#{re.escape(name)} "):
        read(zipped(tmp_path, {name: damaged[name]}))


def test_an_error_names_the_description_of_the_archive_or_the_folder(tmp_path: Path) -> None:
    wide = "Place,Smoking,Obesity\nAvalon,1,2\n"
    with pytest.raises(RolesMissing, match=r"write in table\.zip\.toml the lines \[wide\]"):
        read(zipped(tmp_path, {"a.csv": wide}))
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder", wide)
    with pytest.raises(RolesMissing, match=r"write in meantime\.toml the lines \[wide\]"):
        read(tmp_path / "folder", into=tmp_path / "into")


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.csv": CSV})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SourceUnreadable, match="cannot be unpacked"):
        read(path)


OBJECTS = [dict(zip(HEADER, row, strict=True)) for row in ROWS]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(OBJECTS),
        json.dumps({"@odata.context": "x", "value": OBJECTS}),
        json.dumps([HEADER, *ROWS]),
        "\n".join(json.dumps(each) for each in OBJECTS),
        json.dumps({"meta": {"view": {"columns": [{"name": each} for each in HEADER]}}, "data": ROWS}),
        "\ufeff" + json.dumps(OBJECTS, indent=1),
    ],
)
def test_rows_in_json_are_rows(tmp_path: Path, content: str, of_csv: str) -> None:
    assert read(write(tmp_path, content, "table.json"), into=tmp_path / "again").fingerprint == of_csv


def test_numbers_in_json_keep_their_digits(tmp_path: Path) -> None:
    path = write(tmp_path, '[{"Question": "Q", "Location": "A", "Value": 0.10000000000000000001, "Extra": [1, null]}]')
    (row,) = rows(read_folder(path))
    assert (row.line, row.cells["Value"], row.cells["Extra"]) == (2, "0.10000000000000000001", '["1", null]')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1, "b": "x"}', "JSON without rows"),
        ('[{"a": 1},', "begins like JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"class": "dataset", "id": ["a"], "size": [3], "dimension": {"a": {"category": {"index": ["x"]}}}}', "sizes"),
        ('{"class": "dataset", "id": ["a"], "size": [9e99], "dimension": {"a": {}}, "value": []}', "begins like JSON"),
    ],
)
def test_json_without_a_table_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SourceUnreadable, match=message):
        read(write(tmp_path, content, "table.json"))


def json_stat(**more: Any) -> dict[str, Any]:
    # The form of https://json-stat.org/full/, with a dimension for each role that it knows.
    return {
        "version": "2.0",
        "class": "dataset",
        "label": "Tea in Avalon",
        "id": ["area", "year", "sex"],
        "size": [2, 2, 2],
        "role": {"geo": ["area"], "time": ["year"]},
        "dimension": {
            "area": {
                "label": "Area",
                "category": {"index": {"B": 1, "A": 0}, "label": {"A": "Avalon", "B": "Borduria"}},
            },
            "year": {"label": "Year", "category": {"index": ["2019", "2020"]}},
            "sex": {"label": "Sex", "category": {"label": {"F": "Female", "M": "Male"}}},
        },
        "value": [1, 2, 3, 4, 5, 6, 7, None],
        "status": {"7": "c"},
        **more,
    }


@pytest.mark.parametrize("values", [[1, 2, 3, 4, 5, 6, 7, None], {str(at): at + 1 for at in range(7)}])
def test_json_stat_is_read_by_its_roles(tmp_path: Path, values: object) -> None:
    path = write(tmp_path, json.dumps(json_stat(value=values)), "table.json")
    snapshot = read(path)
    roles = snapshot.about.roles
    assert (roles["location"], roles["first_year"], roles["stratum"]) == ("Area", "Year", "Sex")
    assert snapshot.cube.labels.questions == ("Tea in Avalon",)
    assert snapshot.cube.labels.locations == ("Avalon", "Borduria")
    assert snapshot.cube.cell_count == 8
    assert [text for text in snapshot.cube.labels.reasons if text] == ["c"]


def test_a_file_that_only_begins_like_json_is_text(tmp_path: Path) -> None:
    assert means(read(write(tmp_path, CSV.replace("Question", "[Question]")))) == EXPECTED
