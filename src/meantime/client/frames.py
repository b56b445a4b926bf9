"""Tables of other libraries, where these are installed. They are imported here and nowhere else."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from meantime.errors import PackageMissing
from meantime.table import Kind, Table

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # its types are a package of their own
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped]  # has no types

# Each can say of any cell that it is not there, which plain integers of pandas cannot.
_PANDAS = {Kind.TEXT: "string", Kind.NUMBER: "Float64", Kind.INTEGER: "Int64"}


def to_pandas(table: Table) -> pd.DataFrame:
    """Copy a table into a data frame of pandas."""
    pandas = _imported("pandas")
    return pandas.DataFrame(
        {
            column.name: pandas.array(list(cells), dtype=_PANDAS[column.kind])
            for column, cells in zip(table.columns, table.data, strict=True)
        }
    )


def to_polars(table: Table) -> pl.DataFrame:
    """Copy a table into a data frame of polars."""
    polars = _imported("polars")
    types = {Kind.TEXT: polars.String, Kind.NUMBER: polars.Float64, Kind.INTEGER: polars.Int64}
    schema = {column.name: types[column.kind] for column in table.columns}
    frame: pl.DataFrame = polars.DataFrame([list(cells) for cells in table.data], schema=schema)
    return frame


def to_arrow(table: Table) -> pa.Table:
    """Copy a table into one of pyarrow; units and meanings go with the columns, as metadata."""
    pyarrow = _imported("pyarrow")
    types = {Kind.TEXT: pyarrow.string(), Kind.NUMBER: pyarrow.float64(), Kind.INTEGER: pyarrow.int64()}
    fields = [
        pyarrow.field(column.name, types[column.kind], metadata={"meaning": column.meaning, "unit": column.unit or ""})
        for column in table.columns
    ]
    arrays = [pyarrow.array(cells, type=field.type) for cells, field in zip(table.data, fields, strict=True)]
    return pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields))


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise PackageMissing(f"This needs {name}, which is not installed here ({error}): pip install {name}") from error
