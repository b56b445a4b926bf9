"""Parquet files, as others read them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import duckdb
import pandas as pd  # type: ignore[import-untyped]  # it ships no types
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.parquet  # type: ignore[import-untyped]  # it ships no types
from hypothesis import given

from meantime.formats import document, parquet
from meantime.formats.document import Document
from meantime.table import Table
from tests.support import result_documents
from tests.support.result_documents import COUNT, LOCATION, MEAN, of, of_numbers, written

ANY = Table(columns=(LOCATION, MEAN, COUNT), data=(["Åland", None], [0.1 + 0.2, None], [2**53 + 1, None]))


def read(given_document: Document) -> pa.Table:
    table = pyarrow.parquet.read_table(io.BytesIO(b"".join(parquet.pieces(given_document))))
    table.validate(full=True)
    return table


@given(result_documents.documents)
def test_whatever_is_written_comes_back_exactly_with_the_document_in_the_metadata(given_document: Document) -> None:
    back = read(given_document)
    assert back.column_names == [column.name for column in given_document.table.columns]
    for column, cells in zip(back.columns, given_document.table.data, strict=True):
        assert written(column.to_pylist()) == written(cells)
    values = json.loads(document.encode(given_document))
    del values["rows"]
    assert json.loads(back.schema.metadata[b"meantime"]) == values


def test_a_table_without_rows_keeps_its_types() -> None:
    back = read(of(Table(columns=(LOCATION, MEAN, COUNT), data=([], [], []))))
    assert back.num_rows == 0
    assert back.schema.types == [pa.string(), pa.float64(), pa.int64()]


def test_duckdb_polars_and_pandas_read_the_same(tmp_path: Path) -> None:
    path = tmp_path / "result.parquet"
    path.write_bytes(b"".join(parquet.pieces(of(ANY))))
    with duckdb.connect() as connection:
        relation = connection.execute("FROM read_parquet(?)", [str(path)])
        assert [(name, str(kind)) for name, kind, *_ in relation.description] == [
            ("location", "VARCHAR"),
            ("mean", "DOUBLE"),
            ("count", "BIGINT"),
        ]
        assert relation.fetchall() == list(ANY.rows())
        about = connection.execute(
            "SELECT decode(value)::JSON->>'citation' FROM parquet_kv_metadata(?) WHERE decode(key) = 'meantime'",
            [str(path)],
        ).fetchall()
        assert about == [("Cite this.",)]
    assert pl.read_parquet(path).rows() == list(ANY.rows())
    frame = pd.read_parquet(path, dtype_backend="pyarrow")
    assert frame["count"].tolist()[0] == 2**53 + 1
    assert frame["mean"].tolist()[0] == 0.1 + 0.2


def test_a_long_table_has_the_same_bytes_each_time_and_its_order() -> None:
    numbers = [float(n * 7919 % 300_007) for n in range(300_000)]
    long = of_numbers(*numbers)
    pieces = list(parquet.pieces(long))
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= 1_000_000
    assert b"".join(parquet.pieces(long)) == b"".join(pieces)
    assert read(long).column("mean").to_pylist() == numbers
