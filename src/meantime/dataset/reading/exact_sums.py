"""The values of a table as integers, and their exact sums by group, in as many bits as they need.

Each distinct text is parsed once, not once a row: a table has few distinct values. Values become integers at the
table's own scale, the smallest that holds every value. How they are added depends on the largest one. Most tables fit
in 64 bits. Values with all the digits of a double fit in 128 bits, with their squares in three parts. For anything
beyond that, rows are grouped by value, and Python, whose integers are unlimited, multiplies and adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Exact, Integers, exact
from meantime.dataset.reading.values import parse_number, withheld_reason
from meantime.later import duckdb

# Sums below this fit in 64 bits with room to spare: half of what fits, as in the cube.
_SAFE_64 = 2**62
# In 128 bits: a number below 2 ** 90 is two halves of 45 bits, whose products are below 2 ** 90, and 2 ** 30 of those
# add up to less than 2 ** 120.
_HALF_BITS = 45
_MOST_ROWS_128 = 2**30
# Distinct values that are parsed at a time.
_VALUES_AT_A_TIME = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SumMethod:
    """How numbers of one width are added, in SQL."""

    type: str  # of x
    halves: bool = False  # x is also available as x_high * 2 ** 45 + x_low
    inputs: tuple[str, ...] = ("x",)  # what is read of each row
    extra_keys: str = ""  # what rows are grouped by in addition to the keys of their cells
    # name -> aggregate expression; {times} stands for what multiplies a row that counts several times
    sums: Mapping[str, str]


IN_64_BITS = SumMethod(
    type="BIGINT",
    sums={
        "total": "CAST(sum(x{times}) AS BIGINT)",
        "squares": "CAST(sum(x * x{times}) AS BIGINT)",
        "minimum": "min(x)",
        "maximum": "max(x)",
    },
)
# As text, because numpy has no integers of 128 bits and would take doubles.
IN_128_BITS = SumMethod(
    type="HUGEINT",
    halves=True,
    inputs=("x", "x_high", "x_low"),
    sums={
        "total": "CAST(sum(x{times}) AS VARCHAR)",
        "squares_high": "CAST(sum(x_high * x_high{times}) AS VARCHAR)",
        "squares_middle": "CAST(sum(x_high * x_low{times}) AS VARCHAR)",
        "squares_low": "CAST(sum(x_low * x_low{times}) AS VARCHAR)",
        "minimum": "CAST(min(x) AS VARCHAR)",
        "maximum": "CAST(max(x) AS VARCHAR)",
    },
)
BY_VALUE = SumMethod(
    type="BIGINT",  # x is not used
    inputs=("mantissa", "exponent"),
    extra_keys=", mantissa, exponent",
    sums={"one_mantissa": "any_value(mantissa)", "one_exponent": "CAST(any_value(exponent) AS VARCHAR)"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactNumbers:
    """How the numbers of a table become integers, and how these are added."""

    decimal_mark: str
    scale: int  # digits after the decimal point of the integers
    exponents: tuple[int, ...]  # those of the numbers other than zero
    method: SumMethod


def parse_texts(
    database: duckdb.DuckDBPyConnection, *, rows: str, value: str, decimal_mark: str, into: str
) -> Mapping[int, int]:
    """Parse each distinct text in a column of values once; what it is goes into a new table.

    Return, by exponent, the largest mantissa of the numbers other than zero, without its sign.
    """
    largest: dict[int, int] = {}
    database.execute(f"CREATE TABLE {into} (text VARCHAR, mantissa VARCHAR, exponent BIGINT, reason VARCHAR)")
    cursor = database.cursor().execute(f"SELECT DISTINCT {value} FROM {rows}")
    while batch := cursor.fetchmany(_VALUES_AT_A_TIME):
        texts = [text for (text,) in batch]
        numbers = [parse_number(text, decimal_mark) for text in texts]
        for number in numbers:
            if number and number.mantissa:
                largest[number.exponent] = max(largest.get(number.exponent, 0), abs(number.mantissa))
        insert_columns(
            database,
            into,
            text=texts,
            # As text: a mantissa may be longer than any of DuckDB's integers.
            mantissa=[number and str(number.mantissa) for number in numbers],
            exponent=[number.exponent if number else 0 for number in numbers],
            reason=[None if number else withheld_reason(text) for text, number in zip(texts, numbers, strict=True)],
        )
    return largest


def decide_numbers(largest: Mapping[int, int], rows: int, decimal_mark: str) -> ExactNumbers:
    """Return the scale and the method for numbers of which these are the largest, by exponent, in so many rows."""
    scale = max([0, *(-exponent for exponent in largest)])
    maximum = max([0, *(mantissa * 10 ** (exponent + scale) for exponent, mantissa in largest.items())])
    return ExactNumbers(decimal_mark=decimal_mark, scale=scale, exponents=tuple(largest), method=_method(maximum, rows))


def make_parsed(database: duckdb.DuckDBPyConnection, numbers: ExactNumbers) -> None:
    """Make the table ``parsed`` of ``texts``: for each text its number as an integer, or the reason why it has none."""
    method = numbers.method
    # Zero has no factor: at its own scale that factor might be wider than all the numbers.
    exponents = () if method is BY_VALUE else numbers.exponents
    factors = "".join(
        f" WHEN exponent = {exponent} THEN CAST(mantissa AS {method.type}) * "
        f"CAST('{10 ** (exponent + numbers.scale)}' AS {method.type})"
        for exponent in exponents
    )
    halves = f", x // {2**_HALF_BITS} AS x_high, x % {2**_HALF_BITS} AS x_low" if method.halves else ""
    x = f"CASE WHEN mantissa = '0' THEN CAST(0 AS {method.type}){factors} END"
    database.execute(
        f"CREATE TABLE parsed AS SELECT *{halves} "
        f"FROM (SELECT text, mantissa, exponent, reason AS text_reason, {x} AS x FROM texts)"
    )
    database.execute("DROP TABLE texts")


def sums_of_groups(columns: Mapping[str, npt.NDArray[Any]], count: Integers, numbers: ExactNumbers) -> dict[str, Exact]:
    """Return total, squares, minimum and maximum of groups from the results of the sum method; 0 without values."""
    if numbers.method is IN_64_BITS:
        return {name: columns[name].astype(np.int64) for name in IN_64_BITS.sums}
    integers = {name: [int(text) for text in columns[name].tolist()] for name in numbers.method.sums}
    if numbers.method is IN_128_BITS:
        parts = (integers[name] for name in ("squares_high", "squares_middle", "squares_low"))
        squares = [
            (high << 2 * _HALF_BITS) + (middle << _HALF_BITS + 1) + low
            for high, middle, low in zip(*parts, strict=True)
        ]
        return {name: exact(integers[name]) for name in ("total", "minimum", "maximum")} | {"squares": exact(squares)}
    pairs = zip(integers["one_mantissa"], integers["one_exponent"], strict=True)
    counts = count.tolist()
    values = [mantissa * 10 ** (exponent + numbers.scale) if mantissa else 0 for mantissa, exponent in pairs]
    return {
        "total": exact([n * x for n, x in zip(counts, values, strict=True)]),
        "squares": exact([n * x * x for n, x in zip(counts, values, strict=True)]),
        "minimum": exact(values),
        "maximum": exact(values),
    }


def insert_columns(database: duckdb.DuckDBPyConnection, table: str, **columns: list[Any]) -> None:
    """Append rows to a table, column by column: texts and None, or integers."""
    if not next(iter(columns.values())):
        return  # an empty array has no type
    arrays = {
        name: np.array(values, dtype=np.int64 if isinstance(values[0], int) else object)
        for name, values in columns.items()
    }
    database.register("new_rows", arrays)
    database.execute(f"INSERT INTO {table} SELECT {', '.join(columns)} FROM new_rows")
    database.unregister("new_rows")


def _method(maximum: int, rows: int) -> SumMethod:
    if maximum * maximum * rows < _SAFE_64:
        return IN_64_BITS
    return IN_128_BITS if maximum < 2 ** (2 * _HALF_BITS) and rows < _MOST_ROWS_128 else BY_VALUE
