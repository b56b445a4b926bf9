"""Whether the values of a table are written with a decimal point or a decimal comma."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from meantime.dataset.reading.staging import sql_text
from meantime.dataset.reading.values import SPACES, number_pattern


@dataclass(frozen=True, slots=True)
class DecimalMark:
    """The decimal mark, and warnings for people if it is a guess."""

    mark: str
    warnings: tuple[str, ...] = ()


def find_decimal_mark(database: duckdb.DuckDBPyConnection, delimiter: str) -> DecimalMark:
    """Infer the decimal mark from all values in the view ``staged``."""
    text = f"trim(value, {sql_text(SPACES)})"
    with_point, with_comma, thousands, millions = database.execute(
        f"""
        SELECT count(*) FILTER (WHERE contains(text, '.') AND regexp_full_match(text, {sql_text(number_pattern("."))})),
               count(*) FILTER (WHERE contains(text, ',') AND regexp_full_match(text, {sql_text(number_pattern(","))})),
               count(*) FILTER (WHERE regexp_full_match(text, '[+-]?[0-9]{{1,3}},[0-9]{{3}}')),
               count(*) FILTER (WHERE regexp_full_match(text, '[+-]?[0-9]{{1,3}}(,[0-9]{{3}}){{2,}}'))
        FROM (SELECT DISTINCT {text} AS text FROM staged)
        """
    ).fetchall()[0]
    if not with_comma or (with_comma and with_point):
        return DecimalMark(".")
    if millions or (with_comma == thousands and delimiter == ","):
        return DecimalMark(
            ".",
            (
                "Values with a comma, such as 1,234, are not read as numbers, because the comma may separate "
                f"thousands. {_by_hand(',')}",
            ),
        )
    return DecimalMark(
        ",",
        (
            "No value has a decimal point and some have a comma, so the comma is read as the decimal mark. "
            f"{_by_hand('.')}",
        ),
    )


def _by_hand(mark: str) -> str:
    return f'If this is wrong, write decimal_mark = "{mark}" in the TOML file next to the data.'
