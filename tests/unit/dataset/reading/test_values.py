from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meantime.dataset.reading.values import Number, number_pattern, parse_number, parse_year, withheld_reason


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", Number(0, 0)),
        ("-0.00", Number(0, 0)),
        ("0e999999", Number(0, 0)),
        ("28.8", Number(288, -1)),
        ("28.80", Number(288, -1)),
        ("2800", Number(28, 2)),
        ("+.5", Number(5, -1)),
        ("5.", Number(5, 0)),
        ("-1.25E+2", Number(-125, 0)),
        ("1e-3", Number(1, -3)),
        (" \t\u00a028.8 \r\n", Number(288, -1)),
        ("0.00001e310", Number(1, 305)),
        ("9" * 300, Number(int("9" * 300), 0)),
    ],
)
def test_numbers_are_read_exactly(text: str, number: Number) -> None:
    assert parse_number(text, ".") == number


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "~",
            "*",
            "<5",
            "N/A",
            "nan",
            "inf",
            "-Infinity",
            "0x1F",
            "1_000",
            "１２",
            "1,000",
            "1.2.3",
            "1e",
            "e5",
        ),
        *(".", "+", "--1", "1 2", "1e400", "1e-400", "9" * 5000, "1e" + "9" * 5000, "1\0", "٣", "1\u20092", "½", "$5"),
    ],
)
def test_whatever_is_not_a_number_is_a_reason(text: str) -> None:
    assert parse_number(text, ".") is None


def test_a_decimal_comma_is_read_where_it_is_the_mark() -> None:
    assert parse_number("28,8", ",") == Number(288, -1)
    assert parse_number("28,8", ".") is None
    assert parse_number("28.8", ",") is None


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30), st.sampled_from(".,"))
@example(Decimal("1E+5"), ".")
def test_every_decimal_is_itself(number: Decimal, mark: str) -> None:
    read = parse_number(str(number).replace(".", mark), mark)
    assert read is not None
    assert Fraction(read.mantissa) * Fraction(10) ** read.exponent == Fraction(number)


def test_the_pattern_is_for_duckdb_too() -> None:
    """RE2 knows no look-around and other classes; only what both read alike may be in it."""
    assert "\\d" not in number_pattern(".")
    assert "(?=" not in number_pattern(",")


def test_a_reason_is_the_text_itself_but_not_a_novel() -> None:
    assert withheld_reason("  <5 ") == "<5"
    assert len(withheld_reason("x" * 1000)) == 80
    assert withheld_reason(" \u00a0\t") == ""


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2020", 2020),
        (" 2020.0 ", 2020),
        ("-44", -44),
        ("2020.5", None),
        ("", None),
        ("twenty", None),
        ("２０２０", None),
    ],
)
def test_years_are_whole_numbers(text: str, year: int | None) -> None:
    assert parse_year(text) == year
