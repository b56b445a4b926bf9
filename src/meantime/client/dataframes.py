"""Results as tables of pandas, polars and pyarrow, where these are installed. They are imported only here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from meantime.errors import PackageMissing
from meantime.table import Kind, Table

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # its types are a separate package
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped]  # has no types

# Nullable types: in plain integers of pandas no value can be missing.
_PANDAS = {Kind.TEXT: "string", Kind.NUMBER: "Float64", Kind.INTEGER: "Int64"}


def to_pandas(table: Table) -> pd.DataFrame:
    """Copy a table into a pandas data frame."""
    pandas = _import_package("pandas")
    return pandas.DataFrame(
        {
            column.name: pandas.array(list(cells), dtype=_PANDAS[column.kind])
            for column, cells in zip(table.columns, table.data, strict=True)
        }
    )


def to_polars(table: Table) -> pl.DataFrame:
    """Copy a table into a polars data frame."""
    polars = _import_package("polars")
    types = {Kind.TEXT: polars.String, Kind.NUMBER: polars.Float64, Kind.INTEGER: polars.Int64}
    schema = {column.name: types[column.kind] for column in table.columns}
    frame: pl.DataFrame = polars.DataFrame([list(cells) for cells in table.data], schema=schema)
    return frame


def to_arrow(table: Table) -> pa.Table:
    """Copy a table into a pyarrow table, with units and meanings as metadata of the columns."""
    pyarrow = _import_package("pyarrow")
    types = {Kind.TEXT: pyarrow.string(), Kind.NUMBER: pyarrow.float64(), Kind.INTEGER: pyarrow.int64()}
    fields = [
        pyarrow.field(column.name, types[column.kind], metadata={"meaning": column.meaning, "unit": column.unit or ""})
        for column in table.columns
    ]
    arrays = [pyarrow.array(cells, type=field.type) for cells, field in zip(table.data, fields, strict=True)]
    return pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields))


def _import_package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise PackageMissing(f"{name} is not installed ({error}). Install it: pip install {name}") from error
