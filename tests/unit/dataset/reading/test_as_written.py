"""Tables as people and publishers write them: they become what the plain table is, or a question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meantime.dataset.cube import AXES, Period
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.source_rows import find_rows
from meantime.errors import SourceUnreadable, TooManyRejected
from tests.support.examples import one_in
from tests.support.table_files import means, read, rejected, write
from tests.support.whole import whole

HEADER = "Question;Location;Year;Value;Low_Confidence_Limit;High_Confidence_Limit;Sample_Size"


def table(folder: Path, *records: str, header: str = HEADER, toml: str = "") -> Snapshot:
    if toml:
        write(folder, toml, "table.csv.toml")
    return read(write(folder, "\n".join([header, *records, ""])))


def footnotes(snapshot: Snapshot) -> dict[str, str]:
    cells, labels = whole(snapshot.cube).cells, snapshot.cube.labels
    location = list(AXES).index("location")
    return {
        labels.locations[key[location]]: labels.footnotes[footnote]
        for key, footnote in zip(cells.keys.tolist(), cells.footnote.tolist(), strict=True)
        if footnote >= 0
    }


def limits(snapshot: Snapshot) -> list[tuple[float, float, float]]:
    cells = whole(snapshot.cube).cells
    return list(zip(cells.low.tolist(), cells.high.tolist(), cells.sample_size.tolist(), strict=True))


def test_thousands_are_separated_by_what_the_whole_column_shows(tmp_path: Path) -> None:
    snapshot = table(tmp_path, "Deaths;Avalon;2020;3,417;3,301.5;3,533;12,904", "Deaths;Borduria;2020;86;70;102;1,050")
    assert means(snapshot) == {("Deaths", "Avalon"): 3417, ("Deaths", "Borduria"): 86}
    assert limits(snapshot) == [(3301.5, 3533, 12904), (70, 102, 1050)]
    assert snapshot.about.warnings == ()


def test_thousands_of_people_asked_are_read_beside_decimal_commas(tmp_path: Path) -> None:
    snapshot = table(tmp_path, "Tea;Avalon;2020;41,5;39,0;44,0;1.500", "Tea;Borduria;2020;35,2;32,8;37,6;1.204")
    assert limits(snapshot) == [(39, 44, 1500), (32.8, 37.6, 1204)]
    assert snapshot.about.decimal_mark == ","


@pytest.mark.parametrize(("toml", "mean"), [('thousands = ","', 1250), ('decimal_mark = ","', 1.25)])
def test_what_nothing_shows_is_asked_and_declared(tmp_path: Path, toml: str, mean: float) -> None:
    record = "Births;Avalon;2020;1,250;;;"
    with pytest.raises(SourceUnreadable, match=r'1,250 is 1250 if .* and 1\.250 if .*thousands = "," or decimal_mark'):
        table(tmp_path, record)
    assert means(table(tmp_path, record, toml=toml)) == {("Births", "Avalon"): mean}


def test_what_is_said_of_columns_has_one_order(tmp_path: Path) -> None:
    header = "Question,Location,Year,Value,Low,High,Sample size,Sex,Unit\n"
    tea = "Tea ,Avalon ,2020,(1.5),(1.0),(2.0),(20),Women ,cups \nTea,Avalon,2021,1.5,1,2,20,Women,cups\n"
    for name in ("one.csv", "other.csv"):
        write(tmp_path, header + tea, name)
    about = read(tmp_path).about
    said = [each.split('"')[1] for each in about.warnings if "are in parentheses" in each or "differ only" in each]
    assert said == ["Value", "Low", "High", "Sample size", "Question", "Location", "Sex", "Unit"]
    numbers, names = ("high", "low", "sample_size", "value"), ("question", "location", "stratum", "unit")
    assert about.plain == (*numbers, *names, "footnote_symbol")


def test_what_stands_beside_a_number_is_its_footnote(tmp_path: Path) -> None:
    snapshot = table(
        tmp_path,
        "Naps;Avalon;2020;18.4 e;;;",
        "Naps;Borduria;2020;(21.0);;;",
        "Naps;Cockaigne;2020;33*;;;",
        "Naps;Dorado;2020;7.25;;;",
        "Naps;Erewhon;2020;c;;;",
    )
    assert footnotes(snapshot) == {"Avalon": "e", "Borduria": "in parentheses", "Cockaigne": "*"}
    assert {place: mean for (_, place), mean in means(snapshot).items()} == {
        "Avalon": 18.4,
        "Borduria": 21,
        "Cockaigne": 33,
        "Dorado": 7.25,
    }
    assert [warning for warning in snapshot.about.warnings if "in parentheses" in warning]


def test_a_flag_comes_before_the_footnote_of_the_row(tmp_path: Path) -> None:
    header = "Question;Location;Value;Footnote_Symbol;Footnote"
    snapshot = table(tmp_path, "Naps;Avalon;18.4 e;;estimated", "Naps;Borduria;9 *;*;few asked", header=header)
    assert footnotes(snapshot) == {"Avalon": "e (estimated)", "Borduria": "* (few asked)"}


def test_numbers_with_a_percent_sign_are_percents_and_withheld_rows_of_their_question_too(tmp_path: Path) -> None:
    snapshot = table(tmp_path, "Naps;Avalon;2020;34.5%;;;", "Naps;Borduria;2020;*;;;", "Cups;Avalon;2020;2.5;;;")
    assert {each.text: each.unit for each in snapshot.about.questions} == {"Cups": None, "Naps": "percent"}
    assert len(snapshot.cube.labels.value_types) == 2


@pytest.mark.parametrize(
    ("header", "record"),
    [
        ("Question;Location;Value", "Tea;Avalon;30.1 (28.0-32.3)"),
        ("Question;Location;Value", "Tea;Avalon;30.1 [28.0 \u2013 32.3]"),
        ("Question;Location;Value;95% CI", "Tea;Avalon;30.1;28.0 to 32.3"),
        ("Question;Location;Value;Confidence Interval", "Tea;Avalon;30.1;(28.0, 32.3)"),
    ],
)
def test_intervals_in_one_cell_are_limits(tmp_path: Path, header: str, record: str) -> None:
    snapshot = table(tmp_path, record, header=header)
    assert means(snapshot) == {("Tea", "Avalon"): 30.1}
    assert limits(snapshot)[0][:2] == (28.0, 32.3)


def test_codes_for_missing_values_are_no_numbers(tmp_path: Path) -> None:
    snapshot = table(
        tmp_path,
        "Beds;Avalon;2020;-77;;;",
        "Beds;Borduria;2020;-666666666;-222222222;;-77",
        "Beds;Cockaigne;2020;12.5;;;",
        toml="missing = [-77]",
    )
    assert means(snapshot) == {("Beds", "Cockaigne"): 12.5}
    assert snapshot.cube.withheld_by_reason() == {
        "-666666666 (no or too few sample observations)": 1,
        "-77 (declared as missing)": 1,
    }
    assert np.isnan(limits(snapshot)).all()


def test_a_number_that_is_not_read_is_warned_of(tmp_path: Path) -> None:
    about = table(tmp_path, "Q;Avalon;2020;5k;;;", "Q;Borduria;2020;12 million;;;", "Q;Cockaigne;2020;7;;;").about
    assert '2 texts begin like a number but are not read as one in "Value": "12 million" and "5k"' in about.warnings[0]


def test_margins_with_their_sign_are_read_and_a_column_of_which_nothing_is_read_is_warned_of(tmp_path: Path) -> None:
    header, rows = "Question,County,Percent,{}\n", "Tea,Avalon,12.5,±1.5\nTea,Borduria,14.5,+/- 1.2\n"
    plain = read(write(tmp_path, header.format("MOE") + "Tea,Avalon,12.5,1.5\nTea,Borduria,14.5,1.2\n"))
    assert read(write(tmp_path, header.format("MOE") + rows)).fingerprint == plain.fingerprint
    unread = read(write(tmp_path, header.format("95% CI") + rows))
    assert np.isnan(limits(unread)).all()
    assert unread.about.warnings[0] == (
        'Nothing in "95% CI" can be read as an interval: "+/- 1.2" and "±1.5". So the column is not used. If they are '
        "margins of error: --column margin_of_error='95% CI'."
    )


@pytest.mark.parametrize(
    ("texts", "periods"),
    [
        (["2011/12", "2012/13"], [(2011, 2012), (2012, 2013)]),
        (["2013 - 15"], [(2013, 2015)]),
        (["31.12.2021", "31.12.2022"], [(2021, 2021), (2022, 2022)]),
        (["7/1/2020", "7/1/2021"], [(2020, 2020), (2021, 2021)]),
        (["2020 ", "2021.0"], [(2020, 2020), (2021, 2021)]),
    ],
)
def test_years_as_written_are_periods(tmp_path: Path, texts: Sequence[str], periods: list[tuple[int, int]]) -> None:
    snapshot = table(tmp_path, *(f"Q;Avalon;{text};1;;;" for text in texts))
    assert snapshot.cube.labels.periods == tuple(Period(*each) for each in periods)
    found = find_rows(snapshot, np.arange(len(texts)), after=None, limit=9)
    assert [row.row.cells["Year"] for row in found] == texts


def test_one_column_of_the_first_year_has_the_last_year_too(tmp_path: Path) -> None:
    snapshot = table(tmp_path, "Q;Avalon;2013-15;1", header="Question;Location;YearStart;Value")
    assert snapshot.cube.labels.periods == (Period(2013, 2015),)


def test_dates_of_parquet_are_years(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    query = "SELECT 'Q' AS Question, 'A' AS Location, DATE '2019-06-30' AS Year, 1 AS Value"
    with duckdb.connect() as database:
        database.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    assert read(path).cube.labels.periods == (Period(2019, 2019),)


def test_different_days_of_a_year_in_different_places_are_that_year(tmp_path: Path) -> None:
    snapshot = table(tmp_path, "Q;Avalon;2020-06-30;1;;;", "Q;Borduria;2020-12-31;2;;;")
    assert snapshot.cube.labels.periods == (Period(2020, 2020),)


@pytest.mark.parametrize(
    ("one", "two", "words"),
    [("2020Q1", "2020Q2", "quarters"), ("2020-01", "2020-02", "months"), ("1/5/2020", "1/6/2020", "days")],
)
def test_parts_of_a_year_of_the_same_thing_are_refused(tmp_path: Path, one: str, two: str, words: str) -> None:
    with pytest.raises(SourceUnreadable, match=f'"Year" has several {words} of a year .*whole years'):
        table(tmp_path, f"Q;Avalon;{one};1;;;", f"Q;Avalon;{two};2;;;")


def test_a_column_without_years_is_refused_and_a_text_among_years_rejected(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r'The column "Year" has no years: "spring" and "winter"'):
        table(tmp_path, "Q;Avalon;spring;1;;;", "Q;Avalon;winter;2;;;")
    snapshot = table(tmp_path, "Q;Avalon;spring;1;;;", "Q;Avalon;2019/20;2;;;")
    assert rejected(snapshot) == [(2, "the year cannot be read: spring")]
    with pytest.raises(TooManyRejected, match="years such as 2020, 2019/20") as refused:
        table(tmp_path, *(f"Q;Avalon;{text};1;;;" for text in ("spring", "fall", "winter", "2020")))
    assert "delimiter" not in str(refused.value)


def test_names_that_look_alike_are_one_and_their_rows_are_found(tmp_path: Path) -> None:
    places = ("New York", "New York ", " New York", "New\u00a0York", "New  York", "A\u030aland", "\u00c5land")
    snapshot = table(tmp_path, *(f"Q {'' if at % 2 else ' '};{place};2020;{at};;;" for at, place in enumerate(places)))
    assert means(snapshot) == {("Q", "New York"): 2, ("Q", "A\u030aland"): 5.5}
    assert [row.row.cells["Location"] for row in find_rows(snapshot, np.array([0]), after=None, limit=9)] == [
        *places[5:]
    ]
    assert [warning for warning in snapshot.about.warnings if warning.startswith('Names in "Location"')]


def test_names_are_compared_over_all_files(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, place in (("a.csv", "New York"), ("b.csv", "New  York"), ("c.csv", "New York")):
        write(folder, f"{HEADER}\nQ;{place};2020;2,5;;;\n", name)
    assert read(folder).cube.labels.locations == ("New York",)


@pytest.mark.parametrize("separator", [",", " ", "\u202f", "'", "."])
@settings(max_examples=one_in(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.integers(0, 10**7), min_size=1, max_size=5),
    year=st.integers(1990, 2030),
    pad=st.sampled_from(["", " ", "\u00a0"]),
)
def test_a_table_in_any_form_has_the_fingerprint_of_the_plain_one(
    tmp_path: Path, separator: str, numbers: list[int], year: int, pad: str
) -> None:
    decimal = "," if separator == "." else "."
    numbers = [*numbers, 1_234_567, 12]
    plain = [f"Q;P{at};{year};{number}.5;{number};{number + 1};{number + 1}" for at, number in enumerate(numbers)]

    def written(number: int) -> str:
        return f"{number:,}".replace(",", separator)

    as_written = [
        f"Q{pad};{pad}P{at};{year}-07-01;{written(number)}{decimal}5{pad};{written(number)};{written(number + 1)};"
        f"{written(number + 1)}"
        for at, number in enumerate(numbers)
    ]
    one, other = table(tmp_path, *plain), table(tmp_path, *as_written)
    assert other.fingerprint == one.fingerprint
