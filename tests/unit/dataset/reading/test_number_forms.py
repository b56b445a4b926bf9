from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.dataset.reading.number_forms import Marks, find_marks, forms_of, join_forms, shape, shape_sql
from meantime.dataset.reading.written_numbers import MissingCodes, NumberReader, WrittenNumber

POINT, COMMA = Marks(".", ","), Marks(",", ".")


@pytest.mark.parametrize(
    ("texts", "marks"),
    [
        (["4,133", "126", "88.09"], POINT),
        (["12,409", "87", "3"], POINT),
        (["1,234,567"], POINT),
        (["12,34,567", "9,999"], POINT),
        (["0.5", "1,200"], POINT),
        (["12.345", "9.876"], POINT),
        (["12.345", "1234"], POINT),
        (["12.345", "0"], POINT),
        ([".5", "7"], POINT),
        (["1.5e3", "1,000"], POINT),
        (["$1,250", "$980"], POINT),
        (["12,345 e", "120 u"], POINT),
        (["1 204", "98"], POINT),
        (["41,5", "1.500"], COMMA),
        (["1.234.567", "1.234"], COMMA),
        (["1.234,5"], COMMA),
        (["0,123", "1,234"], COMMA),
        ([",5"], COMMA),
        (["1234,567"], COMMA),
        (["1 234,567"], COMMA),
        (["(23,4)", "19"], COMMA),
        (["23,4 %"], COMMA),
        (["54,2-62,4"], COMMA),
        (["*", "", "n/a"], POINT),
    ],
)
def test_the_texts_of_a_column_show_its_decimal_mark(texts: list[str], marks: Marks) -> None:
    assert find_marks(forms_of(texts)).marks == marks


@pytest.mark.parametrize(
    "texts", [["1,234", "5,678"], ["2,288", "1,047", "12000"], ["2.288", "1.047", "194"], ["1,234", "1.234"]]
)
def test_what_a_column_does_not_show_is_asked(texts: list[str]) -> None:
    found = find_marks(forms_of(texts))
    assert found.marks is None
    assert found.ambiguous in texts


def test_what_is_declared_is_taken() -> None:
    forms = forms_of(["1,234", "5,678"])
    assert find_marks(forms, decimal=",").marks == COMMA
    assert find_marks(forms, decimal=".").marks == POINT
    assert find_marks(forms, thousands=",").marks == POINT
    assert find_marks(forms, decimal=",", thousands=" ").marks == Marks(",", "")


def test_other_columns_show_what_a_column_does_not() -> None:
    assert find_marks(forms_of(["1,234", "5,678"]), otherwise=COMMA).marks == COMMA
    assert find_marks(forms_of(["1,234"]), otherwise=COMMA, whole=True).marks == POINT
    assert find_marks(forms_of(["1.234", "98"]), otherwise=POINT, whole=True).marks == COMMA


def test_a_column_with_both_decimal_marks_is_read_with_points_and_says_so() -> None:
    found = find_marks(forms_of(["1,5", "2.5", "1,234"]))
    assert found.marks == Marks(".")
    assert '"1,5"' in found.warning
    assert NumberReader(found.marks)("1,234") is None


@given(st.lists(st.text(alphabet="0123456789.,-+ e%z", max_size=9)), st.integers(0, 9))
def test_a_column_is_decided_as_a_whole_wherever_it_is_cut(texts: list[str], at: int) -> None:
    whole = forms_of(texts)
    assert join_forms(forms_of(texts[at:]), forms_of(texts[:at])) == whole
    assert find_marks(whole) == find_marks(forms_of(reversed(texts)))


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@given(text=st.text(alphabet="0123456789.,-+ e\u00a0%\t'", max_size=70))
def test_the_database_sees_the_same_shapes(database: duckdb.DuckDBPyConnection, text: str) -> None:
    assert database.execute(f"SELECT {shape_sql('$1')}", [text]).fetchall() == [(shape(text),)]


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("1,026", WrittenNumber("1026")),
        ("1 204 331", WrittenNumber("1204331")),
        ("1\u202f204", WrittenNumber("1204")),
        ("1'204.5", WrittenNumber("1204.5")),
        ("12,34,567.8", WrittenNumber("1234567.8")),
        ("\u22123.5", WrittenNumber("-3.5")),
        ("69.1 u", WrittenNumber("69.1", flag="u")),
        ("12.0bu", WrittenNumber("12.0", flag="bu")),
        ("820E", WrittenNumber("820", flag="E")),
        ("820E5", WrittenNumber("820E5")),
        ("12.0*", WrittenNumber("12.0", flag="*")),
        ("12.0 \u2020\u2020", WrittenNumber("12.0", flag="\u2020\u2020")),
        ("12.0 [a]", WrittenNumber("12.0", flag="a")),
        ("12.0(2)", WrittenNumber("12.0", flag="2")),
        ("(23.4)", WrittenNumber("23.4", flag="in parentheses")),
        ("(23.4) u", WrittenNumber("23.4", flag="in parentheses, u")),
        ("34.5 %", WrittenNumber("34.5", unit="percent")),
        ("34.5% e", WrittenNumber("34.5", flag="e", unit="percent")),
        ("$ 52,100", WrittenNumber("52100", unit="$")),
        ("123.4 [116.0-130.6]", WrittenNumber("123.4", "116.0", "130.6")),
        ("30.1% (28.0%, 32.3%)", WrittenNumber("30.1", "28.0", "32.3", unit="percent")),
        ("1,200 (1,100 to 1,300)", WrittenNumber("1200", "1100", "1300")),
        ("-0.4 (-1.2--0.1)", WrittenNumber("-0.4", "-1.2", "-0.1")),
        ("30.1 (28.0,32.3)", WrittenNumber("30.1", "28.0", "32.3")),
        ("31.0* (5.0-57.0)", WrittenNumber("31.0", "5.0", "57.0", flag="*")),
    ],
)
def test_a_number_is_read_with_what_stands_beside_it(text: str, reading: WrittenNumber) -> None:
    assert NumberReader(POINT)(text) == reading


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "<5", ">95", "n/a", ": c", "..", "(X)", "12 million", "5k", "2.5M", "3 kg", "7 m", "1,5", "12,34"),
        *(
            "1,2345",
            "0,123",
            "1.2.3",
            "12 34",
            "54.2-62.4",
            "1-2-3",
            "(23.4",
            "--5",
            "5 per 100",
            "30.1 (1.2)",
            "30 (1,200)",
            "7 (1,2)",
        ),
    ],
)
def test_what_might_be_another_number_is_not_read(text: str) -> None:
    assert NumberReader(POINT)(text) is None


def test_numbers_keep_the_decimal_mark_of_their_file() -> None:
    read = NumberReader(COMMA)
    assert read("1.234.567,8") == WrittenNumber("1234567,8")
    assert read("(23,4)") == WrittenNumber("23,4", flag="in parentheses")
    assert read("30,1 (28,0; 32,3)") == WrittenNumber("30,1", "28,0", "32,3")
    assert read.interval("54,2\u201362,4") == WrittenNumber("", "54,2", "62,4")
    assert read.interval("54,2") is None


def test_codes_for_missing_values_are_declared_or_known() -> None:
    codes = MissingCodes([-99, "N", 7.5])
    assert [codes.reason(text, ".") for text in ("-99", " -99.0 ", "N", "7.50")] == [
        "-99 (declared as missing)",
        "-99.0 (declared as missing)",
        "N (declared as missing)",
        "7.50 (declared as missing)",
    ]
    assert codes.reason("-555555555", ".") == "-555555555 (controlled estimate, no margin of error)"
    assert [codes.reason(text, ".") for text in ("-999999", "99", "", "n")] == [None, None, None, None]
