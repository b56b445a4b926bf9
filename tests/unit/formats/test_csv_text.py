"""CSV: what RFC 4180 wants, numbers that come back, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.formats import csv_text
from meantime.table import Column, Kind, Table

LOCATION = Column(name="location", kind=Kind.TEXT, meaning="where")
MEAN = Column(name="mean", kind=Kind.NUMBER, meaning="mean of the rows")


def of_names(*names: str) -> Table:
    return Table(columns=(LOCATION, MEAN), data=(names, [1.0] * len(names)))


def test_a_header_comes_first_and_lines_end_as_the_standard_says() -> None:
    assert csv_text.encode(of_names("Utah", "Åland")) == "location,mean\r\nUtah,1.0\r\nÅland,1.0\r\n".encode()
    assert csv_text.encode(of_names()) == b"location,mean\r\n"


def test_commas_quotes_and_line_ends_are_quoted() -> None:
    assert csv_text.encode(of_names('a, "b"\nc')) == b'location,mean\r\n"a, ""b""\nc",1.0\r\n'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    written = csv_text.encode(of_names(f'{start}HYPERLINK("x")')).decode()
    [_, [cell, _]] = csv.reader(io.StringIO(written, newline=""))
    assert cell == f'\'{start}HYPERLINK("x")'


def test_negative_numbers_are_left_as_they_are() -> None:
    assert csv_text.encode(Table(columns=(MEAN,), data=([-1.5],))) == b"mean\r\n-1.5\r\n"


def test_what_is_not_there_is_empty() -> None:
    table = Table(columns=(LOCATION, MEAN), data=([None], [None]))
    assert csv_text.encode(table) == b"location,mean\r\n,\r\n"


@given(
    names=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
    number=st.floats(allow_nan=False, allow_infinity=False),
)
def test_what_is_written_comes_back(names: list[str], number: float) -> None:
    table = Table(columns=(LOCATION, MEAN), data=(names, [number] * len(names)))
    rows = list(csv.reader(io.StringIO(csv_text.encode(table).decode(), newline="")))
    assert rows[0] == ["location", "mean"]
    for name, (cell, written) in zip(names, rows[1:], strict=True):
        assert cell in (name, f"'{name}")
        assert float(written) == number
