"""Lines above the header and below the last row, comments, and rows without their last empty fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from meantime.dataset.reading.sniff import TextForm, sniff_text
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.errors import TooManyRejected
from tests.support.table_files import means, read, read_folder, rejected, rows, write

TABLE = "Indicator,Country,Year,Value\nTea,Avalon,2020,41.5\nTea,Borduria,2020,35.2\n"
EXPECTED = {("Tea", "Avalon"): 41.5, ("Tea", "Borduria"): 35.2}


def seen(folder: Path, content: str, name: str = "table.csv") -> TextForm:
    return sniff_text(write(folder, content, name), name=name)


def said(snapshot: Snapshot, words: str) -> str:
    return next((warning for warning in snapshot.about.warnings if words in warning), "")


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ('"Data Source","World Development Indicators",\n\n"Last Updated Date","2024-05-30",\n\n', 4),
        ("Tea in two countries\n", 1),
        ("Tea in two countries,,,\n,,,\n", 2),
        ("# made by hand\n# twice\n", 2),
        ("Drinking tea, every day, of adults, by country\n\n", 2),
        ("sep=,\n", 1),
    ],
)
def test_lines_above_the_header_are_found_and_reported(tmp_path: Path, above: str, lines: int) -> None:
    path = write(tmp_path, above + TABLE)
    folder = read_folder(path)
    assert [row.line for row in rows(folder)] == [lines + 2, lines + 3]
    snapshot = open_snapshot(folder)
    assert means(snapshot) == EXPECTED
    assert bool(said(snapshot, "above the header")) == (not above.startswith("sep="))


def test_a_row_that_has_names_of_columns_in_it_is_no_header(tmp_path: Path) -> None:
    form = seen(tmp_path, "Land,Habit,Share\nState,Value,1\nRegion,Year,2\n")
    assert (form.header, form.above) == (("Land", "Habit", "Share"), ())


def test_a_separator_that_the_first_line_names_is_used(tmp_path: Path) -> None:
    form = seen(tmp_path, "sep=;\na,b;c,d\n1,5;2,5\n")
    assert (form.delimiter, form.header, form.header_lines) == (";", ("a,b", "c,d"), 2)


def test_a_title_above_names_that_nobody_knows_is_found(tmp_path: Path) -> None:
    form = seen(tmp_path, "Tee in Deutschland\nLand;Jahr;Anteil\nBayern;2020;3,5\nHessen;2020;4,5\n")
    assert (form.header, form.above) == (("Land", "Jahr", "Anteil"), ("Tee in Deutschland",))


def test_commas_are_text_in_a_file_that_is_called_tsv(tmp_path: Path) -> None:
    content = "unit,sex,geo,year\tValue\nPC,F,AT,1\t2\n"
    assert seen(tmp_path, content, "table.tsv").delimiter == "\t"


@pytest.mark.parametrize(
    "notes",
    [
        "__________\nAdults only.\n(C)opyright Office of Ruritania\nAs of: 02.05.2024\n",
        "\nSource: a survey, of ours\n",
        '"---"\n"Dataset: Underlying causes, 1999-2020"\n"Query: by state"\n',
        "\n\n\nData from database: World Development Indicators\nLast Updated: 05/30/2024",
        "Source: a survey,,,\n",
        ",,,\n,,,\nNotes,,,\nAdults only,,,\n",
        "Note\n",
    ],
)
def test_notes_below_the_table_are_told_as_what_they_are(tmp_path: Path, notes: str) -> None:
    # Fewer than the limit allows are rejected; notes do not count.
    snapshot = read(write(tmp_path, TABLE + notes), rejected_limit=0)
    assert means(snapshot) == EXPECTED
    assert rejected(snapshot) == []
    first = next(at for at, line in enumerate(notes.splitlines()) if line.strip(",")) + 4
    assert f"line {first}," in said(snapshot, "of the table in table.csv")


def test_empty_rows_below_the_table_are_nothing(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, TABLE + ",,,\n" * 300), rejected_limit=0)
    assert (means(snapshot), snapshot.about.warnings) == (EXPECTED, ())


@pytest.mark.parametrize(
    ("end", "line"),
    [
        ("Tea,Cockaigne,2020\n", 4),  # damaged, and no note
        ("Tea", 4),  # cut off
        ("Tea,Cockaigne,20", 4),
        ("Adults only\nTea,Cockaigne,2020,3\n", 4),  # rows follow
    ],
)
def test_what_may_be_a_damaged_row_is_rejected(tmp_path: Path, end: str, line: int) -> None:
    snapshot = read(write(tmp_path, TABLE + end))
    assert [number for number, _ in rejected(snapshot)] == [line]


def test_a_file_that_is_damaged_from_some_line_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooManyRejected, match="line 4: 1 field where the header has 4"):
        read(write(tmp_path, TABLE + "damaged\n" * 201), rejected_limit=0.5)


def test_comments_between_rows_are_no_rejected_lines(tmp_path: Path) -> None:
    content = TABLE.replace("Tea,Borduria", "# preliminary, so far\nTea,Borduria")
    snapshot = read(write(tmp_path, content), rejected_limit=0)
    assert means(snapshot) == EXPECTED
    assert 'line 3, "# preliminary so far"' in said(snapshot, "no row of the table")


def test_rows_may_leave_out_their_last_empty_fields(tmp_path: Path) -> None:
    header = "Indicator,Country,Value,Low,High,Footnote"
    lines = [header, "Tea,Avalon,41.5", 'Tea,"Borduria",35.2,30,40', "Tea,Cockaigne,36,30,40,few people asked"]
    snapshot = read(write(tmp_path, "\n".join(lines) + "\n"), rejected_limit=0)
    assert means(snapshot) == {**EXPECTED, ("Tea", "Cockaigne"): 36}
    assert said(snapshot, "leave out empty fields")


def test_a_short_row_among_rows_that_end_with_empty_fields_is_damaged(tmp_path: Path) -> None:
    lines = ["Indicator,Country,Value,Low,High", "Tea,Avalon,41.5,,", "Tea,Borduria,35.2", "Tea,Cockaigne,36"]
    snapshot = read(write(tmp_path, "\n".join(lines) + "\n"), rejected_limit=0.9)
    assert [number for number, _ in rejected(snapshot)] == [3, 4]


def test_a_delimiter_at_the_end_of_each_row_adds_a_column_without_a_name(tmp_path: Path) -> None:
    content = "Indicator,Country,Value\nTea,Avalon,41.5,\nTea,Borduria,35.2,\n"
    assert means(read(write(tmp_path, content), rejected_limit=0)) == EXPECTED


def test_rows_of_a_turned_table_keep_their_lines(tmp_path: Path) -> None:
    content = "Tea drinkers\n\nCountry,2019,2020\nAvalon,41.5,42\nBorduria,,35.2\n\nSource: ours\n"
    path = write(tmp_path, content)
    folder = read_folder(path)
    assert [(row.line, row.cells["Year"], row.cells["Value"]) for row in rows(folder)] == [
        (4, "2019", "41.5"),
        (4, "2020", "42"),
        (5, "2020", "35.2"),
    ]
    snapshot = open_snapshot(folder)
    assert snapshot.cube.labels.questions == ("Tea drinkers",)


def test_files_of_different_years_are_one_table(tmp_path: Path) -> None:
    write(tmp_path, "Country,2018,2019\nAvalon,1,2\n", "a.csv")
    write(tmp_path, "Country,2020,2021\nAvalon,3,4\n", "b.csv")
    assert len(read(tmp_path).cube.labels.periods) == 4


_LINES = {
    "years as columns": "Question,Location,Sex,2019,2020|Tea,Avalon,F,41.5,42|Tea,Avalon,M,*,35.2|Tea,Borduria,F,1,2",
    "years of R": "Question,Location,Sex,X2019,X2020|Tea,Avalon,F,41.5,42|Tea,Avalon,M,*,35.2|Tea,Borduria,F,1,2",
    "groups as columns": "Question,Location,Year,F,M|Tea,Avalon,2019,41.5,*|Tea,Avalon,2020,42,35.2|"
    "Tea,Borduria,2019,1,|Tea,Borduria,2020,2,",
    "questions as columns": "Location,Sex,Year,Tea|Avalon,F,2019,41.5|Avalon,F,2020,42|Avalon,M,2019,*|"
    "Avalon,M,2020,35.2|Borduria,F,2019,1|Borduria,F,2020,2",
    "lines around": "Tea drinkers;;;;|;;;;|Question;Location;Sex;2019;2020|Tea;Avalon;F;41.5;42|Tea;Avalon;M;*;35.2|"
    "Tea;Borduria;F;1;2||Source: ours",
}
FORMS = {name: lines.replace("|", "\n") + "\n" for name, lines in _LINES.items()}
WIDE = {"groups as columns": 'stratum = ["F", "M"]', "questions as columns": 'question = ["Tea"]'}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The fingerprint of the plain table, by the name of its column of groups."""
    table = (
        "Question,Location,{},Year,Value\nTea,Avalon,F,2019,41.5\nTea,Avalon,F,2020,42\nTea,Avalon,M,2019,*\n"
        "Tea,Avalon,M,2020,35.2\nTea,Borduria,F,2019,1\nTea,Borduria,F,2020,2\n"
    )
    return {
        name: read(write(tmp_path_factory.mktemp(name), table.format(name))).fingerprint for name in ("Sex", "Group")
    }


@pytest.mark.parametrize("form", FORMS)
def test_a_table_in_any_form_has_the_fingerprint_of_the_plain_one(
    tmp_path: Path, form: str, plain: dict[str, str]
) -> None:
    expected = plain["Group" if form == "groups as columns" else "Sex"]
    path = write(tmp_path, FORMS[form])
    if form in WIDE:
        path.with_name("table.csv.toml").write_text(f"[wide]\n{WIDE[form]}\n", encoding="utf-8")
    assert read(path, into=tmp_path / "form", rejected_limit=0).fingerprint == expected
