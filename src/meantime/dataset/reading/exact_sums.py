"""The values of a table as integers, and their exact sums by group, in as many bits as they need.

Texts are parsed once each, not once a row: a table has few different values. They become integers at the table's own
scale, the smallest that holds every value. How they are added up depends on the largest: most tables fit in 64 bits;
values with all the digits of a double fit in 128, with their squares in three parts; and for anything beyond, rows are
grouped by value and Python, whose integers have no end, multiplies and adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Exact, exact
from meantime.dataset.reading.values import parse_number, withheld_reason

# Sums that stay below this fit in 64 bits with room to spare; half of what fits, as in the cube.
_SAFE_64 = 2**62
# In 128 bits: numbers below 2 ** 90 are two halves of 45 bits, whose products are below 2 ** 90, and 2 ** 30 of those
# add up to less than 2 ** 120.
_HALF_BITS = 45
_MOST_ROWS_128 = 2**30
# Different values that are parsed at a time.
_VALUES_AT_A_TIME = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SumMethod:
    """How numbers of one width are added up, in SQL."""

    kind: str  # type of x
    halves: bool = False  # x is also there as x_high * 2 ** 45 + x_low
    keys: str = ""  # what rows are grouped by beside the keys of their cells
    sums: Mapping[str, str]  # name -> expression in the grouping


IN_64_BITS = SumMethod(
    kind="BIGINT",
    sums={
        "total": "CAST(sum(x) AS BIGINT)",
        "squares": "CAST(sum(x * x) AS BIGINT)",
        "least": "min(x)",
        "most": "max(x)",
    },
)
# As text, since numpy has no such integers and would take doubles.
IN_128_BITS = SumMethod(
    kind="HUGEINT",
    halves=True,
    sums={
        "total": "CAST(sum(x) AS VARCHAR)",
        "squares_high": "CAST(sum(x_high * x_high) AS VARCHAR)",
        "squares_middle": "CAST(sum(x_high * x_low) AS VARCHAR)",
        "squares_low": "CAST(sum(x_low * x_low) AS VARCHAR)",
        "least": "CAST(min(x) AS VARCHAR)",
        "most": "CAST(max(x) AS VARCHAR)",
    },
)
BY_VALUE = SumMethod(
    kind="BIGINT",  # of which nothing is used
    keys=", mantissa, exponent",
    sums={"one_mantissa": "any_value(mantissa)", "one_exponent": "CAST(any_value(exponent) AS VARCHAR)"},
)


@dataclass(frozen=True, slots=True)
class ParsedValues:
    """The table ``amounts``: for each text of the column value the number, or what it says instead of one."""

    scale: int
    way: SumMethod


def parse_values(database: duckdb.DuckDBPyConnection, decimal_mark: str) -> ParsedValues:
    """Make ``amounts`` from the view ``staged``."""
    database.execute("CREATE TABLE numbers (text VARCHAR, mantissa VARCHAR, exponent BIGINT, said VARCHAR)")
    largest: dict[int, int] = {}  # by exponent: the largest mantissa
    cursor = database.cursor().execute("SELECT DISTINCT value FROM staged")
    while batch := cursor.fetchmany(_VALUES_AT_A_TIME):
        texts = [text for (text,) in batch]
        numbers = [parse_number(text, decimal_mark) for text in texts]
        for number in numbers:
            if number and number.mantissa:
                largest[number.exponent] = max(largest.get(number.exponent, 0), abs(number.mantissa))
        insert_columns(
            database,
            "numbers",
            text=texts,
            # As text: a mantissa may be longer than any integer of DuckDB's.
            mantissa=[number and str(number.mantissa) for number in numbers],
            exponent=[number.exponent if number else 0 for number in numbers],
            said=[None if number else withheld_reason(text) for text, number in zip(texts, numbers, strict=True)],
        )
    scale = max([0, *(-exponent for exponent in largest)])
    most = max([0, *(mantissa * 10 ** (exponent + scale) for exponent, mantissa in largest.items())])
    found = database.execute("SELECT count(*) FROM staged").fetchall()
    way = _way(most, found[0][0])
    # Zero has no factor: at its scale that might be wider than all numbers are.
    factors = {} if way is BY_VALUE else {exponent: 10 ** (exponent + scale) for exponent in largest}
    database.execute(f"CREATE TABLE factors (exponent BIGINT, factor {way.kind})")
    for exponent, factor in factors.items():
        database.execute(f"INSERT INTO factors VALUES (?, CAST(? AS {way.kind}))", [exponent, str(factor)])
    halves = f", x // {2**_HALF_BITS} AS x_high, x % {2**_HALF_BITS} AS x_low" if way.halves else ""
    x = f"CASE WHEN mantissa = '0' THEN 0 WHEN factor IS NOT NULL THEN CAST(mantissa AS {way.kind}) * factor END"
    database.execute(
        f"CREATE TABLE amounts AS SELECT *{halves} FROM "
        f"(SELECT text, mantissa, exponent, said, {x} AS x FROM numbers LEFT JOIN factors USING (exponent))"
    )
    database.execute("DROP TABLE numbers")
    return ParsedValues(scale, way)


def sums_of_groups(
    columns: Mapping[str, npt.NDArray[Any]], count: Sequence[int], amounts: ParsedValues
) -> dict[str, Exact]:
    """Return total, squares, least and most of groups from what their way of adding makes; 0 without values."""
    if amounts.way is IN_64_BITS:
        return {name: columns[name].astype(np.int64) for name in IN_64_BITS.sums}
    whole = {name: [int(text) for text in columns[name].tolist()] for name in amounts.way.sums}
    if amounts.way is IN_128_BITS:
        parts = (whole[name] for name in ("squares_high", "squares_middle", "squares_low"))
        squares = [
            (high << 2 * _HALF_BITS) + (middle << _HALF_BITS + 1) + low
            for high, middle, low in zip(*parts, strict=True)
        ]
        return {name: exact(whole[name]) for name in ("total", "least", "most")} | {"squares": exact(squares)}
    pairs = zip(whole["one_mantissa"], whole["one_exponent"], strict=True)
    numbers = [mantissa * 10 ** (exponent + amounts.scale) if mantissa else 0 for mantissa, exponent in pairs]
    return {
        "total": exact([n * x for n, x in zip(count, numbers, strict=True)]),
        "squares": exact([n * x * x for n, x in zip(count, numbers, strict=True)]),
        "least": exact(numbers),
        "most": exact(numbers),
    }


def insert_columns(database: duckdb.DuckDBPyConnection, table: str, **columns: list[Any]) -> None:
    """Append to a table, column by column: texts and None, or whole numbers."""
    if not next(iter(columns.values())):
        return  # an array of nothing has no type
    arrays = {
        name: np.array(values, dtype=np.int64 if isinstance(values[0], int) else object)
        for name, values in columns.items()
    }
    database.register("given", arrays)
    database.execute(f"INSERT INTO {table} SELECT {', '.join(columns)} FROM given")
    database.unregister("given")


def _way(most: int, rows: int) -> SumMethod:
    if most * most * rows < _SAFE_64:
        return IN_64_BITS
    return IN_128_BITS if most < 2 ** (2 * _HALF_BITS) and rows < _MOST_ROWS_128 else BY_VALUE
