from __future__ import annotations

import pytest

from meantime.table import Column, Kind, Table

STATE = Column(name="state", kind=Kind.TEXT, meaning="The state.")
MEAN = Column(name="mean", kind=Kind.NUMBER, meaning="The mean of its rows.", unit="percent")


def test_a_table_gives_its_rows_in_order_and_its_columns_by_name() -> None:
    table = Table(columns=(STATE, MEAN), data=(["Utah", "Ohio"], [1.5, None]))
    assert len(table) == 2
    assert list(table.rows()) == [("Utah", 1.5), ("Ohio", None)]
    assert table.column("mean") == [1.5, None]


def test_a_table_may_have_no_rows_and_even_no_columns() -> None:
    assert list(Table(columns=(STATE,), data=([],)).rows()) == []
    empty = Table(columns=(), data=())
    assert (len(empty), list(empty.rows())) == (0, [])


def test_a_column_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="median"):
        Table(columns=(STATE,), data=([],)).column("median")


def test_columns_of_different_lengths_are_a_bug() -> None:
    with pytest.raises(ValueError, match=r"differ in length: \[1, 2\]"):
        Table(columns=(STATE, MEAN), data=(["Utah"], [1.0, 2.0]))


def test_data_without_a_column_is_a_bug() -> None:
    with pytest.raises(ValueError, match="1 column descriptions for 2 columns"):
        Table(columns=(STATE,), data=(["Utah"], [1.0]))
