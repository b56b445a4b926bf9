"""Arrow streams, as others read them."""

from __future__ import annotations

import io
import json

import pandas as pd  # type: ignore[import-untyped]  # it ships no types
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.ipc  # type: ignore[import-untyped]  # it ships no types
from hypothesis import given, settings

from meantime.formats import arrow, document
from meantime.formats.document import Document
from meantime.table import Table
from tests.support import result_documents
from tests.support.result_documents import COUNT, LOCATION, MEAN, of, of_numbers, written


def read(given_document: Document) -> pa.Table:
    table = pyarrow.ipc.open_stream(b"".join(arrow.pieces(given_document))).read_all()
    table.validate(full=True)
    return table


@settings(deadline=None)
@given(result_documents.documents)
def test_whatever_is_written_comes_back_exactly(given_document: Document) -> None:
    back = read(given_document)
    assert back.column_names == [column.name for column in given_document.table.columns]
    for column, cells in zip(back.columns, given_document.table.data, strict=True):
        assert written(column.to_pylist()) == written(cells)
    for field, column in zip(back.schema, given_document.table.columns, strict=True):
        metadata = {key.decode(): text.decode() for key, text in field.metadata.items()}
        facts = {"meaning": column.meaning} | ({} if column.unit is None else {"unit": column.unit})
        assert metadata == {key: text.replace("\0", "\ufffd") for key, text in facts.items()}


@given(result_documents.documents)
def test_the_schema_carries_the_document_without_its_rows(given_document: Document) -> None:
    values = json.loads(document.encode(given_document))
    del values["rows"]
    assert json.loads(read(given_document).schema.metadata[b"meantime"]) == values


def test_a_table_without_rows_keeps_its_types() -> None:
    back = read(of(Table(columns=(LOCATION, MEAN, COUNT), data=([], [], []))))
    assert back.num_rows == 0
    assert back.schema.types == [pa.string(), pa.float64(), pa.int64()]


def test_a_long_table_comes_in_batches_of_which_each_is_a_piece() -> None:
    numbers = [n / 7 for n in range(40_000)]
    pieces = list(arrow.pieces(of_numbers(*numbers)))
    assert len(pieces) == 4  # three batches, and the end
    assert max(map(len, pieces)) < 1_000_000
    reader = pyarrow.ipc.open_stream(b"".join(pieces))
    assert [batch.num_rows for batch in reader] == [16_384, 16_384, 7_232]
    assert read(of_numbers(*numbers)).column("mean").to_pylist() == numbers


def test_data_frames_read_the_same() -> None:
    table = Table(columns=(LOCATION, MEAN, COUNT), data=(["Åland", None], [0.1 + 0.2, None], [2**53 + 1, None]))
    assert pl.read_ipc_stream(io.BytesIO(b"".join(arrow.pieces(of(table))))).rows() == list(table.rows())
    frame = read(of(table)).to_pandas(types_mapper=pd.ArrowDtype)
    assert frame["count"].tolist()[0] == 2**53 + 1
    assert frame["mean"].tolist()[0] == 0.1 + 0.2
