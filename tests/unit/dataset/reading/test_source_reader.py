from __future__ import annotations

import csv
import errno
import io
import itertools
import os
import random
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from meantime.dataset.cube import ABSENT, Period, ValueType
from meantime.dataset.reading import containers, file_set, grouping, source_reader, staging
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask, read_source
from meantime.dataset.reading.staging import OpenedFile, open_file
from meantime.dataset.samples.csv_lines import SOURCE_NAME
from meantime.dataset.snapshot import Snapshot
from meantime.errors import (
    DataError,
    DescriptionInvalid,
    HeaderRepeated,
    LoadFailed,
    LoadMemoryTooSmall,
    MeantimeError,
    RolesMissing,
    SourceChanged,
    SourceEmpty,
    SourceUnreadable,
    TooManyRejected,
)
from tests.support.examples import one_in
from tests.support.table_files import HEADER, means, read, read_folder, rejected, rows, write
from tests.support.whole import whole

FULL = (
    "Question,LocationDesc,Data_Value,Data_Value_Unit,Data_Value_Type,YearStart,YearEnd,StratificationCategory1,"
    "Stratification1,Low_Confidence_Limit,High_Confidence_Limit ,Sample_Size,Data_Value_Footnote_Symbol,"
    "Data_Value_Footnote,Topic,Datasource"
)


def table(*records: str, header: str = HEADER) -> str:
    return "\n".join([header, *records, ""])


def write_parquet(path: Path, query: str) -> None:
    with duckdb.connect() as database:
        database.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def totals(snapshot: Snapshot) -> dict[str, Fraction]:
    """The exact sum of each location's values."""
    cube = snapshot.cube
    pairs = zip(whole(cube).by_location.keys.tolist(), whole(cube).by_location.moments.total.tolist(), strict=True)
    return {cube.labels.locations[location]: Fraction(total, 10**cube.scale) for (_, location), total in pairs}


def squares(snapshot: Snapshot) -> dict[str, Fraction]:
    cube = snapshot.cube
    pairs = zip(whole(cube).by_location.keys.tolist(), whole(cube).by_location.moments.squares.tolist(), strict=True)
    return {cube.labels.locations[location]: Fraction(total, 100**cube.scale) for (_, location), total in pairs}


# What a file may look like.


ENCODINGS_BY_NAME = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1")
ENDS = (("table.csv", "\n"), ("table.csv", "\r\n"), ("table.csv", "\r"), ("table.csv.gz", "\r\n"))


# Every delimiter and every end of a line in every encoding, but not all three with each other: a cross product takes
# three times as long and finds what two of them do. In `make test`, each of them once.
@pytest.mark.parametrize(
    ("delimiter", "encoding", "end"),
    [
        pytest.param(
            *(delimiter, encoding, ENDS[(at + way) % len(ENDS)]), marks=() if way == at % 3 else pytest.mark.thorough
        )
        for at, encoding in enumerate(ENCODINGS_BY_NAME)
        for way, delimiter in enumerate((",", ";", "\t", ","))
    ],
)
def test_all_usual_forms_give_the_same_numbers(
    tmp_path: Path, delimiter: str, encoding: str, end: tuple[str, str]
) -> None:
    name, ends = end
    content = table('Q,"Köln, Rhein",1.5', "Q,Köln,2", 'Q,"Köln, Rhein",2.5').replace(",", delimiter)
    path = write(tmp_path, content.replace("\n", ends), name, encoding=encoding)
    assert means(read(path)) == {("Q", f"Köln{delimiter} Rhein"): 2.0, ("Q", "Köln"): 2.0}


def test_the_content_and_not_its_form_makes_the_fingerprint(tmp_path: Path) -> None:
    content = table('Q,"Köln",1.5', "Q,Bonn,2")
    folders = []
    for number, (name, data) in enumerate(
        [
            ("a.csv", content.encode()),
            ("b.csv.gz", content.encode("utf-16")),
            ("c.csv", content.replace("\n", "\r").encode("utf-8-sig")),
            ("d.csv", table("Q,Bonn,2.0", "bad", "Q,Köln,15e-1").encode("cp1252")),
        ]
    ):
        folders.append(read_folder(write(tmp_path, data, name), into=tmp_path / str(number)).name)
    path = tmp_path / "e.parquet"
    write_parquet(
        path,
        "SELECT * FROM (VALUES ('Q', 'Köln', 1.5), ('Q', 'Bonn', 2)) AS t(Question, LocationDesc, Data_Value)",
    )
    folders.append(read_folder(path, into=tmp_path / "parquet").name)
    assert len(set(folders)) == 1


def test_a_column_of_another_name_is_set_by_hand(tmp_path: Path) -> None:
    path = write(tmp_path, table("Q,Utah,1", header="Frage,Ort,Wert"))
    with pytest.raises(RolesMissing, match="value, location"):
        read(path)
    by_hand = {"question": "Frage", "location": "Ort", "value": "Wert"}
    assert means(read(path, columns=by_hand)) == {("Q", "Utah"): 1.0}


def test_the_description_next_to_the_data_is_used_and_options_override_it(tmp_path: Path) -> None:
    path = write(tmp_path, table("Q,Utah,1,2", header="Frage,Ort,Wert,Anders"))
    write(
        tmp_path,
        'title = "Title"\n[columns]\nquestion = "Frage"\nlocation = "Ort"\nvalue = "Wert"\n'
        '[questions.Q]\nunit = "litres"\npolarity = "higher"\ntopic = "Beer"\n',
        "table.csv.toml",
    )
    snapshot = read(path, columns={"value": "Anders"})
    assert means(snapshot) == {("Q", "Utah"): 2.0}
    assert snapshot.about.title == "Title"
    (question,) = snapshot.about.questions
    assert (question.unit, question.polarity, question.topic) == ("litres", "higher", "Beer")
    assert snapshot.about.roles == {"question": "Frage", "value": "Anders", "location": "Ort"}
    write(tmp_path, "nonsense = 1", "table.csv.toml")
    with pytest.raises(DescriptionInvalid, match="nonsense"):
        read(path)


def test_a_described_question_that_is_not_in_the_data_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path, table("Adults with obesity,Utah,1", "Q,Utah,1"))
    write(tmp_path, '[questions.Q]\nunit = "m"\n[questions."Adult with obesity"]\npolarity = "lower"', "table.csv.toml")
    [warning] = read(path).about.warnings
    assert warning.startswith(
        "The TOML file next to the data describes questions that are not in the data: "
        '"Adult with obesity" (did you mean "Adults with obesity"?). '
    )


def test_of_many_described_questions_that_are_not_in_the_data_the_first_are_listed(tmp_path: Path) -> None:
    path = write(tmp_path, table("Q,Utah,1"))
    write(tmp_path, "\n".join(f'[questions."Of other files {n}"]\nunit = "m"' for n in range(7)), "table.csv.toml")
    [warning] = read(path).about.warnings
    assert '"Of other files 4", and 2 more. ' in warning
    assert "Of other files 5" not in warning


def test_files_of_a_folder_that_were_not_read_are_named(tmp_path: Path) -> None:
    write(tmp_path, table("Q,Utah,1"), "a.csv")
    write(tmp_path, table("Q,Utah,3"), "b.csv")
    write(tmp_path, "Fetched in spring.\n", "README.txt")
    snapshot = read(tmp_path, into=tmp_path / "into")
    assert means(snapshot) == {("Q", "Utah"): 2.0}
    [warning] = snapshot.about.warnings
    assert warning.startswith('"README.txt" in the folder was not read. In a folder, only files ending in .csv, ')


def test_the_built_in_questions_are_known(tmp_path: Path) -> None:
    text = "Percent of adults aged 18 years and older who have obesity"
    (question,) = read(write(tmp_path, table(f"{text},Utah,30"))).about.questions
    assert (question.unit, question.polarity) == ("percent", "lower")


def test_topic_and_unit_come_from_the_file(tmp_path: Path) -> None:
    header = f"{HEADER},Topic,Data_Value_Unit"
    snapshot = read(
        write(tmp_path, table("A,U,1,y,cm", "A,U,1,x,cm", "A,U,1,x,", "B,U,1,,m", "B,U,1,,km", header=header))
    )
    assert [(each.text, each.topic, each.unit) for each in snapshot.about.questions] == [
        ("A", "x", "cm"),
        ("B", "", None),
    ]


def test_guesses_are_warned_of(tmp_path: Path) -> None:
    content = table("Q;Köln;1,5;2", header="Question;LocationDesc;Value;Data_Value")
    about = read(write(tmp_path, content.replace(";2", ";2,5"), encoding="cp1252")).about
    assert (about.encoding, about.delimiter, about.decimal_mark) == ("cp1252", ";", ",")
    assert [warning.partition(" ")[0] for warning in about.warnings] == ["Of", "table.csv"]
    assert '"Data_Value" is used and "Value" is not' in about.warnings[0]


def test_labels_are_as_in_the_file_without_the_spaces_around_them(tmp_path: Path) -> None:
    snapshot = read(
        write(tmp_path, table(" Q ,\ufeffUtah\u200b,1", "Q, Utah ,2", 'Q,"it\'s ""x""",3', "q,New  York,4"))
    )
    assert snapshot.cube.labels.questions == ("Q", "q")
    assert snapshot.cube.labels.locations == ("New  York", "Utah", 'it\'s "x"')


# What is refused.


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", SourceEmpty, "has no bytes"),
        (b"\n\n", SourceEmpty, "only blank lines"),
        (f"{HEADER}\n", SourceEmpty, "a header but no rows"),
        (HEADER, SourceEmpty, "a header but no rows"),
        (f"{HEADER},Question\nQ,U,1,Q\n", HeaderRepeated, r'"Question" \(columns 1, 4\)'),
        ("Question,Where\nQ,U\n", RolesMissing, "value, location"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", SourceUnreadable, "a picture"),
    ],
)
def test_a_file_that_is_not_a_table_is_refused_in_one_clear_sentence(
    tmp_path: Path, content: str | bytes, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(write(tmp_path, content))


def test_a_folder_and_an_absent_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceUnreadable, match="has no data files"):
        read(tmp_path / "empty", into=tmp_path)
    with pytest.raises(SourceUnreadable, match="does not exist"):
        read(tmp_path / "absent.csv")


def test_too_many_rejected_lines_refuse_the_file_with_examples(tmp_path: Path) -> None:
    path = write(tmp_path, table(*["Q,Utah,1"] * 94, *["Q,Utah"] * 6))
    with pytest.raises(TooManyRejected, match=r"6 .*table\.csv, line 96: 2 fields .*delimiter.*rejected_limit"):
        read(path, rejected_limit=0.05)
    assert read(path, rejected_limit=0.06).about.rejected_total == 6


def test_a_hopeless_file_is_given_up_early(tmp_path: Path) -> None:
    path = write(tmp_path, table(*["Q,Utah"] * 100_000))
    with pytest.raises(TooManyRejected, match="at least 5,001 lines"):
        read(path, rejected_limit=0.05)


def test_a_single_rejected_line_is_named_in_the_singular(tmp_path: Path) -> None:
    path = write(tmp_path, table("Q,Utah,1", "Q,Utah"))
    with pytest.raises(TooManyRejected, match=r"as rows: at least 1 line\."):
        read(path, rejected_limit=0.0)


def test_without_any_row_there_is_no_data_set_whatever_the_limit(tmp_path: Path) -> None:
    with pytest.raises(SourceEmpty, match="none of its 2 lines can be read as a row"):
        read(write(tmp_path, table("Q,Utah", "Q,Utah")), rejected_limit=1.0)


# Rejected and withheld.


def test_rejected_lines_have_their_physical_numbers_and_reasons(tmp_path: Path) -> None:
    header = f"{HEADER},Year"
    path = write(
        tmp_path,
        table(
            "Q,Utah,1,2020",
            'Q,"Utah',
            "Q,Utah,1,20x0",
            '"Q\nQ",Utah,1,2020',
            ",Utah,1,2020",
            "Q,  ,1,2020",
            "Q,U\0tah,1,2020",
            "Q,Utah,1,2020.0",
            "Q,Utah,1,",
            header=header,
        ),
    )
    folder = read_folder(path, rejected_limit=0.6)
    snapshot = read(path, rejected_limit=0.6, into=tmp_path / "again")
    assert rejected(snapshot) == [
        (3, "a quote that is never closed (the next quote, on line 5, has text after it)"),
        (4, "the year cannot be read: 20x0"),
        (7, "no question"),
        (8, "no location"),
        (9, "a NUL byte"),
    ]
    assert snapshot.about.rejected_total == 5
    assert [row.line for row in rows(folder)] == [2, 5, 10, 11]
    assert snapshot.cube.labels.periods == (Period(2020, 2020),)
    assert sorted(whole(snapshot.cube).cells.keys[:, 5].tolist()) == [ABSENT, 0, 0]


def test_incomplete_rows_are_removed_from_a_plain_file_too(tmp_path: Path) -> None:
    path = write(tmp_path, table("Q,Utah,1", ",Utah,1", "Q,Utah,2"))
    folder = read_folder(path)
    assert [(row.line, row.cells["Data_Value"]) for row in rows(folder)] == [(2, "1"), (4, "2")]


def test_values_are_withheld_with_their_reasons(tmp_path: Path) -> None:
    header = f"{HEADER},Data_Value_Footnote_Symbol,Data_Value_Footnote"
    snapshot = read(
        write(
            tmp_path,
            table(
                "Q,A,,~,Sample too small",
                "Q,A,,~,",
                "Q,A, ,,",
                "Q,A,,,Only a text",
                "Q,A, <5 ,~,Sample too small",
                "Q,A,N/A,,",
                f"Q,A,{'x' * 100},,",
                "Q,A,1e400,,",
                "Q,A,28,~,A number is a value",
                header=header,
            ),
        )
    )
    assert snapshot.cube.withheld_by_reason() == {
        "1e400": 1,
        "<5": 1,
        "N/A": 1,
        "Only a text": 1,
        "empty": 1,
        "x" * 79 + "…": 1,
        "~": 1,
        "~ (Sample too small)": 1,
    }
    assert means(snapshot) == {("Q", "A"): 28.0}


def test_a_column_of_texts_is_withheld_with_a_bounded_number_of_reasons(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(1_500)]
    snapshot = read(write(tmp_path, table("Q,B,1", *[f"Q,A,{text}" for text in [*texts, *texts[:700]]])))
    reasons = snapshot.cube.withheld_by_reason()
    assert len(reasons) == 1_001
    assert sum(reasons.values()) == 2_200
    assert next(iter(reasons)).startswith("another text (there are more than 1,000")
    assert snapshot.cube.by_question.moments.count.tolist() == [1]


def test_a_table_without_a_single_value_is_refused_with_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(
        SourceUnreadable, match=r'None of the 3 rows has a value .* have "5k" \(2 rows\) and "~" \(1 row\)'
    ):
        read(write(tmp_path, table("Q,A,5k", "Q,B,5k", "Q,C,~")))


def test_a_row_alone_keeps_what_it_was_published_with(tmp_path: Path) -> None:
    snapshot = read(
        write(
            tmp_path,
            table(
                "Q,A,28.8,%,Crude,2019,2020,Sex,Female,27.5,30.1,812,*,Note,T,S",
                "Q,A,28.9,%,Crude,2019,2020,Sex,Male,abc,1e400,,,,T,S",
                "Q,A,1,%,Crude,2019,2020,Total,Total,1,2,3,*,Note,T,S",
                "Q,A,2,%,Crude,2019,2020,Total,Total,1,2,3,*,Note,T,S",
                "Q,A,7,,,2021,,,,1,2,3,,,T,S",
                header=FULL,
            ),
        )
    )
    cube = snapshot.cube
    assert cube.labels.value_types == (ValueType("", ""), ValueType("Crude", "percent"))
    assert cube.labels.periods == (Period(2019, 2020), Period(2021, 2021))
    assert cube.labels.strata == ("Female", "Male", "Total")
    assert cube.labels.footnotes == ("* (Note)",)
    nan = float("nan")
    np.testing.assert_array_equal(whole(cube).cells.low, [1, 27.5, nan, nan])
    np.testing.assert_array_equal(whole(cube).cells.high, [2, 30.1, nan, nan])
    np.testing.assert_array_equal(whole(cube).cells.sample_size, [3, 812, nan, nan])
    assert whole(cube).cells.footnote.tolist() == [ABSENT, 0, ABSENT, ABSENT]
    assert whole(cube).cells.rows.tolist() == [1, 1, 1, 2]


# Numbers.


def test_nothing_is_rounded_and_the_scale_is_the_smallest(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, table("Q,A,0.1000", "Q,A,2e-1", "Q,A,3", "Q,B,-1.25", "Q,B,1e2")))
    assert snapshot.cube.scale == 2
    assert totals(snapshot) == {"A": Fraction(33, 10), "B": Fraction(9875, 100)}
    assert read(write(tmp_path, table("Q,A,30.00", "Q,A,1e3", "Q,A,0.0")), into=tmp_path / "b").cube.scale == 0


@pytest.mark.parametrize(
    "texts",
    [
        ["28.8", "28.9", "31"],
        ["3037000499", "-3037000500", "1"],  # squares about 2 ** 63
        [str(2**90 - 1), str(1 - 2**90), "1"],
        [str(2**90), "1", "1"],
        ["-28.812345678901234", "99.999999999999999", "0.001"],
        ["123456789012345.678901234567", "-0.000000000000001", "1"],
        ["1e300", "-1e300", "1e-300"],
        ["9" * 40, "1", "0"],
        ["0", "0.00", "1e-30"],
        ["0", "1e-30", "0e5"],
        ["4611686018427387904", "4611686018427387904", "1"],
    ],
)
def test_sums_are_exact_however_wide_the_numbers(tmp_path: Path, texts: list[str]) -> None:
    snapshot = read(write(tmp_path, table(*[f"Q,A,{text}" for text in texts], "Q,A,~", "Q,B,~")))
    numbers = [Fraction(text) for text in texts]
    assert totals(snapshot)["A"] == sum(numbers)
    assert squares(snapshot)["A"] == sum(number**2 for number in numbers)
    moments = whole(snapshot.cube).by_location.moments
    scale = 10**snapshot.cube.scale
    assert (moments.count.tolist(), moments.withheld.tolist()) == ([3, 0], [1, 1])
    assert Fraction(int(moments.minimum[0]), scale) == min(numbers)
    assert Fraction(int(moments.maximum[0]), scale) == max(numbers)
    assert whole(snapshot.cube).by_location.mean[0] == float(sum(numbers) / 3)


@pytest.mark.parametrize(
    ("values", "delimiter", "mark"),
    [
        (["28,8", "29"], ",", ","),
        (["28,8", "29.1"], ",", "."),
        (["2,288", "194"], ",", "."),
        (["1,234", "2,34"], ",", ","),
        (["1,234,567", "2,3", "7"], ";", "."),
        (["~", "N/A, see note", "29"], ",", "."),
        (["-1,5e3"], "\t", ","),
        (["28", "29"], ";", "."),
    ],
)
def test_the_decimal_mark_is_recognized(tmp_path: Path, values: list[str], delimiter: str, mark: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([HEADER.split(","), *(["Q", "A", value] for value in values)])
    about = read(write(tmp_path, out.getvalue())).about
    assert about.decimal_mark == mark
    assert bool(about.warnings) == ("29.1" in values or "1,234,567" in values)


def test_the_decimal_mark_is_set_by_hand_for_limits_too(tmp_path: Path) -> None:
    header = f"{HEADER};Low_Confidence_Limit".replace(",", ";")
    write(tmp_path, 'decimal_mark = ","', "table.csv.toml")
    snapshot = read(write(tmp_path, table("Q;A;1,234;0,5", header=header)))
    assert totals(snapshot) == {"A": Fraction(1234, 1000)}
    assert whole(snapshot.cube).cells.low.tolist() == [0.5]
    assert snapshot.about.warnings == ()


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["Q", "R, with comma", "S"]),
        st.sampled_from(["Utah", "Ohio", "Zoë"]),
        st.sampled_from(["1", "28.8", "-3.25", "", "~", "1e2", "0.001", "12345678901234.5"]),
        st.sampled_from(["2019", "2020", ""]),
        st.sampled_from(["", "Sex"]),
        st.sampled_from(["", "Female", "Male"]),
    ),
    min_size=1,
    max_size=30,
)
ROWS_HEADER = ("Question", "LocationDesc", "Data_Value", "Year", "StratificationCategory1", "Stratification1")


def save(path: Path, records: Iterable[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([ROWS_HEADER, *records])
    return path


@settings(max_examples=one_in(6))
@given(ROWS, st.randoms(use_true_random=False), st.integers(0, 30))
def test_any_order_and_any_split_of_the_rows_is_the_same_snapshot(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, ...]], order: random.Random, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("split")
    whole = read(save(folder / "whole.csv", records))
    order.shuffle(records)
    (folder / "parts").mkdir()
    first, second = records[:cut], records[cut:]
    for name, part in (("a.csv", first), ("b.csv", second)):
        if part:
            save(folder / "parts" / name, part)
    parts = read(folder / "parts", into=folder / "b")
    assert parts.fingerprint == whole.fingerprint
    expected: dict[tuple[str, str], list[Fraction]] = {}
    for question, location, value, *_ in records:
        if value not in ("", "~"):
            expected.setdefault((question, location), []).append(Fraction(value))
    assert means(whole) == {key: float(sum(numbers) / len(numbers)) for key, numbers in expected.items()}


# What a whole table shows and a part of it may not: decimal marks, encodings, topics, shared names, sources, units.
PARTS_HEADER = ("Question", "LocationDesc", "LocationID", "Data_Value", "Category", "Datasource", "GeoLocation", "Unit")
PARTS = st.lists(
    st.tuples(
        st.sampled_from(["Q", "R"]),
        st.sampled_from(["Utah", "Zoë", "Ohio"]),
        st.sampled_from(["1", "01", "2", ""]),
        st.sampled_from(["1,5", "1.5", "1,234", "12", "~", "1,2,3", ""]),
        st.sampled_from(["", "Sex", "Age"]),
        st.sampled_from(["BRFSS", "ACS", ""]),
        st.sampled_from(["(40, -82)", "(41, -82)", ""]),
        st.sampled_from(["%", ""]),
    ),
    min_size=2,
    max_size=12,
)
ENCODINGS = st.lists(st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]), min_size=4, max_size=4)


def test_a_table_cut_anywhere_is_decided_as_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    # Each reads up to five files.
    @settings(max_examples=one_in(8), database=None)
    @given(PARTS, ENCODINGS, st.sets(st.integers(1, 11), max_size=3), st.randoms(use_true_random=False))
    def check(records: list[tuple[str, ...]], encodings: list[str], cuts: set[int], order: random.Random) -> None:
        folder = tmp_path_factory.mktemp("cut")
        try:
            whole = read(write(folder, semicolons(records), "whole.csv"))
        except SourceUnreadable:
            reject()  # its numbers can be read in two ways, or it has none
        order.shuffle(records)
        ends = [0, *sorted(cuts), len(records)]
        (folder / "parts").mkdir()
        for number, (start, end) in enumerate(itertools.pairwise(ends)):
            if part := records[start:end]:
                write(folder / "parts", semicolons(part), f"{number}.csv", encoding=encodings[number])
        parts = read(folder / "parts", into=folder / "b")
        assert parts.fingerprint == whole.fingerprint
        assert (parts.about.decimal_mark, parts.about.points) == (whole.about.decimal_mark, whole.about.points)
        assert parts.about.questions == whole.about.questions
        of_encodings = ("is a guess", "several encodings")
        others = [each for each in parts.about.warnings if not any(words in each for words in of_encodings)]
        assert others == list(whole.about.warnings)

    check()


def semicolons(records: Iterable[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\n").writerows([PARTS_HEADER, *records])
    return out.getvalue()


# Several files.


def test_one_file_with_a_point_and_one_with_a_comma_are_one_table(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    header = HEADER.replace(",", ";")
    write(data, table("Q;Utah;1,5", header=header), "a.csv")
    alone = read(data / "a.csv", into=tmp_path / "alone")
    assert (alone.about.decimal_mark, means(alone)) == (",", {("Q", "Utah"): 1.5})
    write(data, table("Q;Ohio;2.5", header=header), "b.csv")
    both = read(data, into=tmp_path / "both")
    assert (both.about.decimal_mark, means(both)) == (".", {("Q", "Ohio"): 2.5})
    assert both.cube.withheld_by_reason() == {"1,5": 1}


def test_the_files_of_a_folder_are_one_data_set(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write(data, table("Q,Utah,1", "bad"), "a.csv")
    write(data, table("Q,Utah,3", "Q,Köln,5"), "b.csv.gz", encoding="utf-16")
    write(data, 'title = "Both"', "meantime.toml")
    folder = read_folder(data, into=tmp_path)
    assert [(row.file, row.line) for row in rows(folder)] == [("a.csv", 2), ("b.csv.gz", 2), ("b.csv.gz", 3)]
    snapshot = read(data, into=tmp_path / "again")
    assert means(snapshot) == {("Q", "Köln"): 5.0, ("Q", "Utah"): 2.0}
    assert (snapshot.about.title, snapshot.about.files) == ("Both", ("a.csv", "b.csv.gz"))
    assert snapshot.about.encoding == "utf-8, utf-16"


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("Question,LocationDesc,Value\nQ,U,1\n", 'only a.csv has "Data_Value"; only b.csv has "Value"'),
        ("LocationDesc,Question,Data_Value\nU,Q,1\n", "their columns are in a different order"),
        ("Question;LocationDesc;Data_Value\nQ;U;1\n", 'one is delimited by ",", the other by ";"'),
    ],
)
def test_files_of_different_form_are_refused_with_the_difference(tmp_path: Path, second: str, message: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write(data, table("Q,U,1"), "a.csv")
    write(data, second, "b.csv")
    with pytest.raises(SourceUnreadable) as caught:
        read(data, into=tmp_path)
    assert "a.csv and b.csv do not have the same form" in caught.value.reason
    assert message in caught.value.reason


def test_parquet_rows_are_counted_and_empty_ones_rejected(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_parquet(
        path,
        "SELECT * FROM (VALUES ('Q', 'Utah', 28.8::DOUBLE, 2018), (NULL, 'Utah', 1, 2018), ('Q', 'Utah', NULL, NULL)) "
        "AS t(Question, LocationDesc, Data_Value, Year)",
    )
    folder = read_folder(path)
    snapshot = read(path, into=tmp_path / "again")
    assert rejected(snapshot) == [(2, "no question")]
    assert [row.line for row in rows(folder)] == [1, 3]
    assert (snapshot.cube.scale, snapshot.cube.withheld_by_reason()) == (1, {"empty": 1})


# What happens meanwhile.


@pytest.mark.parametrize("content", [table("Q,Ohio,2"), "", "Q"])
def test_a_file_that_is_replaced_while_it_is_read_is_noticed(tmp_path: Path, content: str) -> None:
    path = write(tmp_path, table("Q,Utah,1"))

    def replace(progress: Progress) -> None:
        if progress.phase == "reading":
            write(tmp_path, content, "new.csv").rename(path)

    with pytest.raises(SourceChanged, match=r"table\.csv was replaced or written to while it was being read"):
        _read_here(tmp_path, path, replace)


def test_a_file_that_goes_away_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path, table('Q,"Utah" ,1'))

    def remove(_: Progress) -> None:
        path.unlink(missing_ok=True)

    with pytest.raises(SourceChanged):
        _read_here(tmp_path, path, remove)


def test_progress_goes_through_the_phases_and_never_back(tmp_path: Path) -> None:
    reports: list[Progress] = []
    path = write(tmp_path, table('Q,"Utah" ,1', "Q,Utah,1"))
    _read_here(tmp_path, path, reports.append)
    assert [phase for phase, _ in itertools.groupby(each.phase for each in reports)] == [
        "looking",
        "reading",
        "rolling up",
        "writing",
    ]
    shares = [each.share for each in reports]
    assert shares == sorted(shares)
    assert reports[-1].rows == 1


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(source_reader, "stage_file", full)
    with pytest.raises(LoadFailed, match="is full"):
        read(write(tmp_path, table("Q,Utah,1")))


def test_a_bomb_of_zeros_is_refused_by_its_first_megabyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, bytes(2**26), "zeros.csv.gz")
    written: list[int] = []

    def kept(path: Path, work: Path, *rest: Any, **more: Any) -> OpenedFile:
        try:
            return open_file(path, work, *rest, **more)
        finally:
            written.extend(each.stat().st_size for each in work.iterdir())

    monkeypatch.setattr(file_set, "open_file", kept)
    with pytest.raises(SourceUnreadable, match=r"zeros\.csv\.gz is not text"):
        read(tmp_path / "zeros.csv.gz")
    assert sum(written) <= 2**20


def test_a_bomb_of_rows_is_refused_by_its_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = f"{HEADER}\n" + "Q,Utah,1\n" * 200_000
    assert read(write(tmp_path, content, "bomb.csv.gz")).about.rows == 200_000
    monkeypatch.setattr(containers, "_HARMLESS_BYTES", 2**20)
    with pytest.raises(SourceUnreadable, match="unpacks to more than 200 times its size"):
        read(tmp_path / "bomb.csv.gz", into=tmp_path / "other")


def test_a_parquet_file_with_more_rows_than_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.parquet"
    write_parquet(path, "SELECT 'Q' AS Question, 'Utah' AS LocationDesc, 1 AS Data_Value FROM range(1_000_000)")
    monkeypatch.setattr(staging, "_HARMLESS_ROWS", 1000)
    with pytest.raises(SourceUnreadable, match="says that it has 1,000,000 rows, far more than fit"):
        read(path)


@pytest.mark.parametrize("name", ["file_row_number", "File_Row_Number"])
def test_a_parquet_column_with_the_name_of_duckdbs_own_is_refused_in_plain_words(tmp_path: Path, name: str) -> None:
    path = tmp_path / "clash.parquet"
    write_parquet(path, f"SELECT 'Q' AS Question, 'Utah' AS LocationDesc, 1 AS Data_Value, 1 AS {name}")
    with pytest.raises(SourceUnreadable, match=f"has a column named {name}, .* Rename the column"):
        read(path)


def test_a_damaged_parquet_file_is_one_plain_sentence_or_no_error(tmp_path: Path) -> None:
    flips = one_in(3)
    path = tmp_path / "flipped.parquet"
    write_parquet(path, "SELECT 'Q' || i % 7 AS Question, 'Utah' AS LocationDesc, i AS Data_Value FROM range(300) r(i)")
    sound = path.read_bytes()
    errors: list[MeantimeError] = []
    for at in range(4, len(sound), max(1, len(sound) // flips)):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << at % 8]) + sound[at + 1 :])
        try:
            read(path, into=tmp_path / str(at))
        except MeantimeError as error:
            errors.append(error.with_traceback(None))
    assert len(errors) > flips / 6
    assert {isinstance(error, DataError) for error in errors} == {True}
    assert not any("\n" in error.reason + error.operator_reason for error in errors)
    assert not any(str(tmp_path) in error.reason for error in errors)


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (duckdb.OutOfMemoryException("no block (9 MiB/9 MiB used)"), LoadMemoryTooSmall, "_MEMORY_MB=1024"),
        (duckdb.OutOfMemoryException("failed to allocate data"), LoadFailed, "The system refused memory .*ulimit -v"),
        (duckdb.OutOfMemoryException("failed to offload: set 'max_temp_directory_size'"), LoadFailed, "disk is full"),
        (duckdb.IOException("IO Error: Could not write file: No space left on device"), LoadFailed, "disk is full"),
        (OSError(errno.EMFILE, "Too many open files", "/srv/x"), LoadFailed, "trouble of the server's machine"),
        (OSError(errno.EACCES, "Permission denied", "/srv/x"), LoadFailed, "trouble of the server's machine"),
    ],
)  # fmt: skip
def test_a_trouble_of_the_machine_is_none_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[LoadFailed], reason: str
) -> None:
    def short(*_: object, **__: object) -> None:
        # Not the very error: it would keep everything on the stack alive.
        raise type(error)(*error.args)

    monkeypatch.setattr(source_reader, "RolledUp", short)
    with pytest.raises(LoadFailed, match=reason) as caught:
        read(write(tmp_path, table("Q,Utah,1")))
    assert type(caught.value) is kind
    assert "/" not in caught.value.reason


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("at", ["table.csv", "table.csv.toml"])
def test_a_file_that_the_machine_cannot_open_now_is_not_a_bad_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, at: str
) -> None:
    path = write(tmp_path, table("Q,Utah,1"))
    opened = io.open

    def refuse(file: object, *rest: Any, **more: Any) -> Any:
        if str(file).endswith(f"/{at}"):
            raise OSError(number, os.strerror(number), str(file))
        return opened(file, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(io, "open", refuse)
    with pytest.raises(LoadFailed) as caught:
        read(path)
    assert str(tmp_path) not in caught.value.reason


def test_the_synthetic_sample_is_recognized_as_synthetic(tmp_path: Path) -> None:
    header = f"{HEADER},Datasource"
    assert read(write(tmp_path, table("Q,U,1,BRFSS", f"Q,U,1,{SOURCE_NAME}", header=header))).about.synthetic
    assert not read(write(tmp_path, table("Q,U,1,BRFSS", header=header)), into=tmp_path / "b").about.synthetic


# Hostile files.


def test_a_single_line_of_ten_megabytes_is_rejected_and_the_next_is_read(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, table(f"Q,{'x' * 10_000_000},1", "Q,Utah,1", "Q,Utah,2")))
    assert rejected(snapshot) == [(2, "longer than 2,097,152 characters")]
    assert snapshot.cube.rows == 2


def test_a_long_field_is_read(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, table(f"Q,{'x' * 2_000_000},1", 'Q,"Utah" ,1', f'Q,"{"é" * 1_000_000}",1')))
    assert [len(label) for label in snapshot.cube.labels.locations] == [2_000_000, 1_000_000]


# The larger number is more than 16 bits count.
@pytest.mark.parametrize("questions", [1_000, pytest.param(70_000, marks=pytest.mark.thorough)])
def test_many_questions_are_read(tmp_path: Path, questions: int) -> None:
    snapshot = read(write(tmp_path, table(*[f"Question {number},Utah,{number}" for number in range(questions)])))
    assert len(snapshot.about.questions) == questions
    assert snapshot.cube.by_question.moments.total.sum() == sum(range(questions))


def test_a_header_with_quotes_and_line_ends_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, 'Question,"Location\nDesc","Data ""Value"""\nQ,Utah,1\nbad\n')
    snapshot = read(path)
    assert means(snapshot) == {("Q", "Utah"): 1.0}
    assert rejected(snapshot) == [(4, "1 field where the header has 3")]


def _read_here(tmp_path: Path, path: Path, on_progress: object) -> Path:
    for name in ("into", "work"):
        (tmp_path / name).mkdir()
    job = ReadingTask(
        source=Source(name="x", path=str(path)),
        into=str(tmp_path / "into"),
        work=str(tmp_path / "work"),
        memory_mb=512,
        rejected_limit=0.5,
    )
    return read_source(job, on_progress)  # type: ignore[arg-type] # any of the callbacks above


@pytest.mark.parametrize("cells", [1, 7, 250_000])
@pytest.mark.parametrize("rows_in_memory", [0, 1_000])
def test_groups_in_memory_and_in_a_file_give_the_same_however_many_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: int, rows_in_memory: int
) -> None:
    records = [
        f"Question {number % 5},{place},{number}.5,%,Crude,2020,2020,Sex,{sex},1.5,,{number},,,,"
        for number in range(20)
        for place in ("Utah", "Ohio")
        for sex in ("Male", "Female")
    ]
    path = write(tmp_path, table(*records, records[0], header=FULL))
    expected = read(path, into=tmp_path / "expected")
    monkeypatch.setattr(grouping, "_CELLS_AT_A_TIME", cells)
    monkeypatch.setattr(grouping, "_ROWS_IN_MEMORY", rows_in_memory)
    found = read(path, into=tmp_path / "found")
    assert found.fingerprint == expected.fingerprint
    assert found.about == expected.about
    assert found.about.copies == 1
