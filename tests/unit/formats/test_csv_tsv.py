"""CSV and TSV: what RFC 4180 wants, numbers that come back, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

import pandas as pd  # type: ignore[import-untyped]  # it ships no types
import polars as pl
import pytest
from hypothesis import given

from meantime.formats import csv_tsv
from meantime.formats.document import ROWS_A_PIECE, Document
from meantime.table import Column, Kind, Table
from tests.support import result_documents
from tests.support.result_documents import HOSTILE, MEAN, of, of_names, of_numbers

COMMA, TAB = (csv_tsv.pieces, ","), (csv_tsv.pieces_of_tsv, "\t")
BOTH = pytest.mark.parametrize(("pieces", "delimiter"), [COMMA, TAB], ids=["csv", "tsv"])
Pieces = Callable[[Document], Iterator[bytes]]


def encode(document: Document) -> bytes:
    return b"".join(csv_tsv.pieces(document))


def read(body: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline=""), delimiter=delimiter, strict=True))


def test_a_header_comes_first_and_lines_end_as_the_standard_says() -> None:
    assert encode(of_names("Utah", "Åland")) == "location,mean\r\nUtah,1.0\r\nÅland,1.0\r\n".encode()
    assert encode(of_names()) == b"location,mean\r\n"


def test_commas_quotes_and_line_ends_are_quoted() -> None:
    assert encode(of_names('a, "b"\nc')) == b'location,mean\r\n"a, ""b""\nc",1.0\r\n'


def test_in_tsv_tabs_are_quoted_and_commas_are_not() -> None:
    assert b"".join(csv_tsv.pieces_of_tsv(of_names("a\tb, c"))) == b'location\tmean\r\n"a\tb, c"\t1.0\r\n'


@BOTH
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "  =", "\xa0+"])
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(pieces: Pieces, delimiter: str, start: str) -> None:
    body = b"".join(pieces(of_names(f'{start}HYPERLINK("x")')))
    [_, [cell, _]] = read(body, delimiter)
    assert cell == f'\'{start}HYPERLINK("x")'


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("a;=1+1", "a;'=1+1"),  # Excel where the delimiter is a semicolon
        ("a,@SUM(1)", "a,'@SUM(1)"),  # TSV in a program that takes commas too
        ("a\t＋1", "a\t'＋1"),
        ("a\r\n-1;=2", "a\r\n'-1;'=2"),  # where our quotes are not known, the line ends here
        ("18 - 24; -, a=b", "18 - 24; -, a=b"),
        ("a,\nb", "a,\nb"),
    ],
)
def test_what_a_spreadsheet_of_another_delimiter_would_run_gets_one_too(text: str, harmless: str) -> None:
    for pieces, delimiter in (COMMA, TAB):
        assert read(b"".join(pieces(of_names(text))), delimiter)[1][0] == harmless


def test_so_does_a_name_of_a_column() -> None:
    column = Column(name="=1+1", kind=Kind.NUMBER, meaning="")
    assert encode(of(Table(columns=(column,), data=([1.0],)))) == b"'=1+1\r\n1.0\r\n"


def test_spaces_around_a_text_stay() -> None:
    assert read(encode(of_names("  a ")))[1][0] == "  a "


def test_negative_numbers_are_left_as_they_are() -> None:
    assert encode(of_numbers(-1.5)) == b"mean\r\n-1.5\r\n"


def test_what_is_not_there_is_empty() -> None:
    assert (
        encode(of(Table(columns=(result_documents.LOCATION, MEAN), data=([None], [None])))) == b"location,mean\r\n,\r\n"
    )


def test_a_row_of_one_cell_that_is_not_there_is_no_blank_line_which_readers_would_skip() -> None:
    body = encode(of_numbers(None, 1.0))
    assert body == b'mean\r\n""\r\n1.0\r\n'
    assert len(pd.read_csv(io.BytesIO(body))) == 2


@BOTH
@given(document=result_documents.documents)
def test_whatever_is_written_comes_back(pieces: Pieces, delimiter: str, document: Document) -> None:
    header, *rows = read(b"".join(pieces(document)), delimiter)
    assert header == [column.name for column in document.table.columns]
    for row, kept in zip(rows, document.table.rows(), strict=True):
        for cell, is_, column in zip(row, kept, document.table.columns, strict=True):
            if is_ is None:
                assert cell == ""
            elif column.kind is Kind.TEXT:
                assert cell == is_ or cell.replace("'", "") == str(is_).replace("'", "")
            else:
                assert repr(type(is_)(cell)) == repr(is_)


@BOTH
def test_data_frames_read_the_same(pieces: Pieces, delimiter: str) -> None:
    numbers = [0.1 + 0.2, -1e-300, 1e16]
    table = Table(columns=(result_documents.LOCATION, MEAN), data=(["a", "b,\t", "Åland"], numbers))
    body = b"".join(pieces(of(table)))
    by_pandas = pd.read_csv(io.BytesIO(body), sep=delimiter)
    assert by_pandas["mean"].tolist() == numbers
    by_polars = pl.read_csv(body, separator=delimiter)
    assert by_polars["mean"].to_list() == numbers
    assert by_polars["location"].to_list() == by_pandas["location"].tolist() == ["a", "b,\t", "Åland"]


def test_hostile_texts_keep_to_their_cells() -> None:
    rows = read(encode(of_names(*HOSTILE)))
    assert len(rows) == len(HOSTILE) + 1
    assert all(len(row) == 2 and row[1] == "1.0" for row in rows[1:])


def test_a_long_table_comes_in_pieces() -> None:
    pieces = list(csv_tsv.pieces(of_numbers(*[0.5] * (2 * ROWS_A_PIECE + 1))))
    assert len(pieces) == 3
    assert b"".join(pieces) == b"mean\r\n" + b"0.5\r\n" * (2 * ROWS_A_PIECE + 1)
