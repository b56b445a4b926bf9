"""JSON Lines: every line is a row with every column."""

from __future__ import annotations

import io
import json

import pandas as pd  # type: ignore[import-untyped]  # it ships no types
import polars as pl
from hypothesis import given

from meantime.formats import json_lines
from meantime.formats.document import ROWS_A_PIECE, Document
from meantime.table import Table
from tests.support import result_documents
from tests.support.result_documents import LOCATION, MEAN, of, of_numbers, written


def encode(document: Document) -> bytes:
    return b"".join(json_lines.pieces(document))


@given(result_documents.documents)
def test_whatever_is_written_comes_back_exactly(document: Document) -> None:
    # Not splitlines, which also splits at what only Unicode takes for a line end.
    lines = encode(document).decode().split("\n")
    assert lines.pop() == ""
    names = [column.name for column in document.table.columns]
    for line, kept in zip(lines, document.table.rows(), strict=True):
        row = json.loads(line)
        assert list(row) == names
        assert written(list(row.values())) == written(kept)


def test_data_frames_read_the_same() -> None:
    table = Table(columns=(LOCATION, MEAN), data=(["Åland", "=1"], [0.1 + 0.2, None]))
    body = encode(of(table))
    by_polars = pl.read_ndjson(body)
    assert by_polars.rows() == list(table.rows())
    by_pandas = pd.read_json(io.BytesIO(body), lines=True, precise_float=True)
    assert by_pandas["location"].tolist() == ["Åland", "=1"]
    assert by_pandas["mean"].isna().tolist() == [False, True]


def test_a_table_without_rows_has_no_lines() -> None:
    assert encode(of_numbers()) == b""


def test_a_long_table_comes_in_pieces() -> None:
    pieces = list(json_lines.pieces(of_numbers(*[0.5] * (2 * ROWS_A_PIECE + 1))))
    assert len(pieces) == 3
    assert b"".join(pieces) == b'{"mean":0.5}\n' * (2 * ROWS_A_PIECE + 1)
