"""XLSX workbooks, as openpyxl and pandas read them: numbers to the bit, and texts that are nothing but texts."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pandas as pd  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import given
from openpyxl.utils.escape import unescape  # type: ignore[import-untyped]  # it ships no types

from meantime.errors import NotAcceptable
from meantime.formats import xlsx
from meantime.formats.document import Document
from meantime.table import Cell, Column, Kind, Table
from tests.support import result_documents
from tests.support.result_documents import COUNT, HOSTILE, LOCATION, MEAN, of, of_names, of_numbers


def encode(document: Document) -> bytes:
    return b"".join(xlsx.pieces(document))


def sheet(document: Document, name: str = "Result") -> Any:
    return openpyxl.load_workbook(io.BytesIO(encode(document)))[name]


def shown(cell: Any) -> Any:
    """What a spreadsheet shows: openpyxl leaves the format's way to write control characters (_x000D_) as it is."""
    return unescape(cell.value) if isinstance(cell.value, str) else cell.value


def as_shown(kind: Kind, cell: Cell) -> Cell:
    if kind is Kind.INTEGER and cell is not None and abs(int(cell)) > 2**53:
        return str(cell)
    return None if cell == "" else cell


@given(result_documents.documents)
def test_whatever_is_written_comes_back(document: Document) -> None:
    header, *rows = sheet(document).iter_rows(max_col=len(document.table.columns))
    assert [cell.value for cell in header] == [column.name for column in document.table.columns]
    kept_rows = list(document.table.rows())
    # Rows at the end that have no cell at all are not in the file.
    assert all(cell in (None, "") for row in kept_rows[len(rows) :] for cell in row)
    for row, kept in zip(rows, kept_rows, strict=False):
        for cell, is_, column in zip(row, kept, document.table.columns, strict=True):
            back = shown(cell)
            if column.kind is Kind.NUMBER and is_ is not None:
                assert float(back).hex() == float(is_).hex()
            else:
                assert (None if back == "" else back) == as_shown(column.kind, is_)


def test_hostile_texts_are_texts() -> None:
    hostile = (*HOSTILE, "<r><t>x</t></r>", '<r></c><c t="str"><f>1+1</f></c></r>')
    body = encode(of_names(*hostile))
    for row, is_ in zip(openpyxl.load_workbook(io.BytesIO(body))["Result"].iter_rows(min_row=2), hostile, strict=True):
        assert row[0].data_type in ("s", "inlineStr", "n" if is_ == "" else "s")
        assert (shown(row[0]) or "") == is_
        assert row[0].hyperlink is None
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        for name in parts.namelist():
            assert not re.search(rb"<f[ >]|<hyperlink", parts.read(name)), name


def test_a_double_is_written_with_all_its_digits() -> None:
    assert [row[0].value for row in sheet(of_numbers(0.1 + 0.2, 1e300, -5e-324)).iter_rows(min_row=2)] == [
        0.30000000000000004,
        1e300,
        -5e-324,
    ]


def test_an_integer_that_a_spreadsheet_would_round_is_a_text() -> None:
    values = [2**53, 2**53 + 1, -(2**63)]
    cells = [row[0] for row in sheet(of(Table(columns=(COUNT,), data=(values,)))).iter_rows(min_row=2)]
    assert [(cell.data_type == "n", str(cell.value)) for cell in cells] == [
        (True, str(2**53)),
        (False, str(2**53 + 1)),
        (False, str(-(2**63))),
    ]


def test_the_second_sheet_says_what_the_first_is() -> None:
    table = Table(
        columns=(LOCATION, MEAN), data=([], []), notes=("=a note",), warnings=("a warning",), findings=("a finding",)
    )
    document = of(table, parameters={"question": "Q", "years": [2020, 2021]}, citation="SYNTHETIC")
    texts = [
        tuple(shown(cell) or "" for cell in row if cell.value is not None)
        for row in sheet(document, "About").iter_rows()
    ]
    assert texts == [
        ("Statistic", "states_mean"),
        ("Parameter question", "Q"),
        ("Parameter years", "[2020,2021]"),
        ("Data set", "cdc"),
        ("Fingerprint", "f" * 64),
        ("Method version", "3"),
        ("Finding", "a finding"),
        ("Warning", "a warning"),
        ("Note", "=a note"),
        ("Suggested citation", "SYNTHETIC"),
        ("",),
        ("Column", "Meaning", "Unit", "Kind"),
        ("location", "where", "", "text"),
        ("mean", "mean of the rows", "percent", "number"),
    ]


def test_pandas_reads_the_same() -> None:
    table = Table(columns=(LOCATION, MEAN), data=(["Åland", "=1+1"], [0.1 + 0.2, None]))
    frame = pd.read_excel(io.BytesIO(encode(of(table))), engine="openpyxl")
    assert frame["location"].tolist() == ["Åland", "=1+1"]
    assert frame["mean"].tolist()[0] == 0.1 + 0.2
    assert frame["mean"].isna().tolist() == [False, True]


def test_a_table_without_rows_keeps_its_header() -> None:
    assert [[cell.value for cell in row] for row in sheet(of_numbers()).iter_rows()] == [["mean"]]


def test_more_rows_than_there_is_room_for_are_refused_before_anything_is_written() -> None:
    with pytest.raises(NotAcceptable, match="1,048,575 rows"):
        xlsx.pieces(of(Table(columns=(MEAN,), data=([1.0] * 1_048_576,))))


@pytest.mark.parametrize("text", ["x" * 32_768, "🏝" * 16_384])
def test_a_text_that_a_cell_has_no_room_for_is_refused_and_not_cut(text: str) -> None:
    with pytest.raises(NotAcceptable, match="column location"):
        xlsx.pieces(of_names(text))
    with pytest.raises(NotAcceptable, match="citation"):
        xlsx.pieces(of(of_numbers().table, citation=text))


@pytest.mark.parametrize("text", ["x" * 32_767, "🏝" * 16_383])
def test_a_text_that_just_has_room_comes_back(text: str) -> None:
    assert sheet(of_names(text)).cell(row=2, column=1).value == text


def test_a_column_may_be_named_like_a_formula() -> None:
    column = Column(name="=1+1", kind=Kind.NUMBER, meaning="")
    header = sheet(of(Table(columns=(column,), data=([1.0],)))).cell(row=1, column=1)
    assert (header.value, header.data_type) == ("=1+1", "s")
