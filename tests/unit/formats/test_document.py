"""The JSON document: everything that a reader needs, beside the numbers."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from meantime.formats import document
from meantime.table import Column, Kind, Table

LOCATION = Column(name="location", kind=Kind.TEXT, meaning="where")
MEAN = Column(name="mean", kind=Kind.NUMBER, unit="percent", meaning="mean of the rows")
COUNT = Column(name="count", kind=Kind.INTEGER, meaning="rows")


def encode(table: Table) -> bytes:
    return document.encode(
        table,
        statistic="states_mean",
        parameters={"question": "Q"},
        dataset="cdc",
        fingerprint=None,
        method_version=3,
    )


def test_it_says_what_was_asked_of_what_and_what_the_columns_mean() -> None:
    table = Table(
        columns=(LOCATION, MEAN, COUNT),
        data=(["Utah", "Åland"], [0.1 + 0.2, None], [3, 0]),
        notes=("a note",),
        warnings=("a warning",),
    )
    assert json.loads(encode(table)) == {
        "statistic": "states_mean",
        "parameters": {"question": "Q"},
        "dataset": "cdc",
        "fingerprint": None,
        "method_version": 3,
        "columns": [
            {"name": "location", "kind": "text", "unit": None, "meaning": "where"},
            {"name": "mean", "kind": "number", "unit": "percent", "meaning": "mean of the rows"},
            {"name": "count", "kind": "integer", "unit": None, "meaning": "rows"},
        ],
        "rows": [
            {"location": "Utah", "mean": 0.30000000000000004, "count": 3},
            {"location": "Åland", "mean": None, "count": 0},
        ],
        "notes": ["a note"],
        "warnings": ["a warning"],
    }


def test_a_table_without_rows_keeps_its_columns() -> None:
    told = json.loads(encode(Table(columns=(MEAN,), data=([],))))
    assert told["rows"] == []
    assert [column["name"] for column in told["columns"]] == ["mean"]


def test_names_stay_readable() -> None:
    assert "Åland".encode() in encode(Table(columns=(LOCATION,), data=(["Åland"],)))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_as_the_same_doubles(number: float) -> None:
    [row] = json.loads(encode(Table(columns=(MEAN,), data=([number],))))["rows"]
    assert row["mean"] == number
    assert math.copysign(1, row["mean"]) == math.copysign(1, number)
