"""Staged rows become the cube: DuckDB groups them by cell and returns codes, counts and exact sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import ABSENT, Cells, Cube, Integers, Labels, Moments, Period, ValueType, roll_up
from meantime.dataset.points import MOST_TEXTS, Points, locate
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.exact_sums import IN_64_BITS, ParsedValues, insert_columns, parse_values, sums_of_groups
from meantime.dataset.reading.question_info import collect_question_info
from meantime.dataset.reading.staged_view import KEY_COLUMNS, parse_period
from meantime.dataset.reading.staging import sql_text
from meantime.dataset.reading.uncertainty import ROLES as UNCERTAINTY
from meantime.dataset.reading.uncertainty import Levels, is_ratio, with_limits
from meantime.dataset.reading.values import SPACES, number_pattern
from meantime.dataset.snapshot import QuestionMetadata

# How many reasons for missing values are kept apart. More than these are not reasons but a column of arbitrary texts.
# The reasons are labels: they are part of the fingerprint and must keep their wording.
_MOST_REASONS = 1_000
_OTHER_REASONS = f"another text (there are more than {_MOST_REASONS:,} different ones)"

_PUBLISHED_NUMBERS = ("low", "high", "sample_size", *UNCERTAINTY)
_NO_DESCRIPTION = Description()
_USUAL_LEVELS = Levels()
_CV_IS_RATIO = (
    "No coefficient of variation is larger than 1, so they are read as ratios (0.05 is 5%). If they are percents, name "
    "another column, or multiply them by 100."
)

_KEYS = ", ".join(column for columns in KEY_COLUMNS.values() for column in columns)

# The footnote of a row's value: "~ (sample too small)".
_FOOTNOTE = """
    CASE WHEN footnote_symbol <> '' AND footnote <> '' THEN footnote_symbol || ' (' || footnote || ')'
         ELSE footnote_symbol || footnote END
"""


class Grouped(NamedTuple):
    """The cube, and what is known of its questions and limits."""

    cube: Cube
    questions: tuple[QuestionMetadata, ...]
    limits_from: str  # what the 95% limits were computed from; "" where all are those of the file
    warnings: tuple[str, ...]


def group_into_cube(
    database: duckdb.DuckDBPyConnection,
    decimal_mark: str,
    *,
    description: Description = _NO_DESCRIPTION,
    levels: Levels = _USUAL_LEVELS,
) -> Grouped:
    """Roll up the view ``staged``."""
    parsed = parse_values(database, decimal_mark)
    _make_valued_view(database)
    reasons = _make_reason_codes(database)
    _make_groups(database, parsed)
    labels: dict[str, tuple[Any, ...]] = {
        "questions": _make_labels(database, "question"),
        "locations": _make_labels(database, "location"),
        "categories": _make_labels(database, "category"),
        "strata": _make_labels(database, "stratum"),
        "value_types": _make_value_types(database),
        "periods": _make_periods(database),
        "footnotes": _make_labels(database, "footnote"),
        "reasons": reasons,
    }
    columns = _fetch_groups(database, parsed, decimal_mark)
    named = Labels(**labels)
    questions = collect_question_info(database, named.questions, description)
    published = {role: _finite(columns[role]) for role in UNCERTAINTY}
    cells, limits_from = with_limits(
        _cells(columns, parsed), published, named, questions, scale=parsed.scale, levels=levels
    )
    warnings = (_CV_IS_RATIO,) if is_ratio(published["cv"]) else ()
    return Grouped(roll_up(named, cells, scale=parsed.scale), questions, limits_from, warnings)


def _make_valued_view(database: duckdb.DuckDBPyConnection) -> None:
    """Make the view ``valued``: the rows with their number, or with the reason why they have none."""
    database.execute(
        f"""
        CREATE VIEW valued AS
        SELECT * EXCLUDE (footnote), mark AS footnote,
               CASE WHEN mantissa IS NOT NULL THEN NULL
                    WHEN text_reason <> '' THEN text_reason
                    WHEN mark <> '' THEN mark
                    ELSE 'empty' END AS reason
        FROM (SELECT *, {_FOOTNOTE} AS mark FROM staged) JOIN parsed ON value = text
        """
    )


def _make_reason_codes(database: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Make the table ``reason_codes`` of the most frequent reasons; all others share the code after the last.

    This happens before rows are grouped: in a column of arbitrary texts, each row would be its own group.
    """
    rows = database.execute(
        "SELECT reason FROM valued WHERE reason IS NOT NULL GROUP BY reason ORDER BY count(*) DESC, reason "
        f"LIMIT {_MOST_REASONS}"
    ).fetchall()
    reasons = [reason for (reason,) in rows]
    database.execute("CREATE TABLE reason_codes (reason VARCHAR, code BIGINT)")
    insert_columns(database, "reason_codes", reason=reasons, code=list(range(len(reasons))))
    return (*reasons, _OTHER_REASONS)


def _make_groups(database: duckdb.DuckDBPyConnection, parsed: ParsedValues) -> None:
    """Make the table ``groups``: rows with the same key and the same reason, counted and added up."""
    sums = ", ".join(f"{expression} AS {name}" for name, expression in parsed.method.sums.items())
    # Only a row that is alone in its cell keeps its published limits and footnote. Groups with the same key but
    # different reasons or values are merged later by the cube, which then drops these.
    published = ", ".join(
        f"CASE WHEN count(*) = 1 THEN any_value({column}) ELSE '' END AS {column}"
        for column in (*_PUBLISHED_NUMBERS, "footnote")
    )
    database.execute(
        f"""
        CREATE TABLE groups AS
        SELECT {_KEYS}, reason_code, count(*) AS rows, {sums}, {published}
        FROM (
            SELECT valued.*, CASE WHEN valued.reason IS NULL THEN {ABSENT} ELSE coalesce(code, {_MOST_REASONS}) END
                             AS reason_code
            FROM valued LEFT JOIN reason_codes USING (reason)
        )
        GROUP BY {_KEYS}, reason_code{parsed.method.extra_keys}
        """
    )
    # Tables as long as the file: there may be memory for only one of them.
    database.execute("DROP VIEW valued; DROP TABLE parsed")


def _make_labels(database: duckdb.DuckDBPyConnection, column: str) -> tuple[str, ...]:
    """Make a table of a column's labels and their codes; the empty text has no code."""
    database.execute(
        f"""
        CREATE TABLE {column}_codes AS
        SELECT {column}, row_number() OVER (ORDER BY {column}) - 1 AS code
        FROM (SELECT DISTINCT {column} FROM groups WHERE {column} <> '')
        """
    )
    rows = database.execute(f"SELECT {column} FROM {column}_codes ORDER BY code").fetchall()
    return tuple(label for (label,) in rows)


def _make_value_types(database: duckdb.DuckDBPyConnection) -> tuple[ValueType, ...]:
    # A file without these columns has a single value type, ("", "").
    pairs = database.execute("SELECT DISTINCT value_type, unit FROM groups ORDER BY ALL").fetchall()
    _make_pair_codes(database, "value_type", pairs, list(range(len(pairs))))
    return tuple(ValueType(*pair) for pair in pairs)


def _make_periods(database: duckdb.DuckDBPyConnection) -> tuple[Period, ...]:
    pairs = database.execute("SELECT DISTINCT first_year, last_year FROM groups ORDER BY ALL").fetchall()
    periods = [parse_period(first, last) for first, last in pairs]
    codes = [ABSENT if period is None else code for code, period in enumerate(periods)]
    _make_pair_codes(database, "period", pairs, codes)
    return tuple(period or Period(0, 0) for period in periods)


def _make_pair_codes(
    database: duckdb.DuckDBPyConnection, axis: str, pairs: Sequence[tuple[str, str]], codes: Sequence[int]
) -> None:
    one, other = KEY_COLUMNS[axis]
    database.execute(f"CREATE TABLE {axis}_codes ({one} VARCHAR, {other} VARCHAR, code BIGINT)")
    texts: dict[str, list[Any]] = {one: [pair[0] for pair in pairs], other: [pair[1] for pair in pairs]}
    insert_columns(database, f"{axis}_codes", **texts, code=list(codes))


def _fetch_groups(
    database: duckdb.DuckDBPyConnection, parsed: ParsedValues, decimal_mark: str
) -> dict[str, npt.NDArray[Any]]:
    codes = ", ".join(f"coalesce({axis}_codes.code, {ABSENT}) AS {axis}" for axis in (*KEY_COLUMNS, "footnote"))
    joins = " ".join(
        f"LEFT JOIN {axis}_codes USING ({', '.join(columns)})"
        for axis, columns in {**KEY_COLUMNS, "footnote": ("footnote",)}.items()
    )
    doubles = ", ".join(_double(column, decimal_mark) for column in _PUBLISHED_NUMBERS)
    # Groups without values have no sums.
    zero = "0" if parsed.method is IN_64_BITS else "'0'"
    values = ", ".join(f"coalesce({name}, {zero}) AS {name}" for name in parsed.method.sums)
    return database.execute(
        f"""
        SELECT {codes}, reason_code, groups.rows AS rows, {values}, {doubles}
        FROM groups {joins}
        """
    ).fetchnumpy()


def _double(column: str, decimal_mark: str) -> str:
    """Return the SQL that reads a published limit or sample size: NaN if it is not a number."""
    text = f"trim(groups.{column}, {sql_text(SPACES)})"
    number = f"TRY_CAST(replace({text}, {sql_text(decimal_mark)}, '.') AS DOUBLE)"
    is_number = f"regexp_full_match({text}, {sql_text(number_pattern(decimal_mark))})"
    return f"coalesce(CASE WHEN {is_number} THEN {number} END, 'nan'::DOUBLE) AS {column}"


def _cells(columns: Mapping[str, npt.NDArray[Any]], parsed: ParsedValues) -> Cells:
    rows = columns["rows"].astype(np.int64)
    reason = columns["reason_code"].astype(np.int64)
    has_value = reason == ABSENT
    withheld = np.flatnonzero(~has_value)
    count: Integers = np.where(has_value, rows, 0)
    sums = sums_of_groups(columns, count.tolist(), parsed)
    return Cells(
        keys=np.stack([columns[axis].astype(np.int64) for axis in KEY_COLUMNS], axis=1),
        moments=Moments(
            count=count,
            total=sums["total"],
            squares=sums["squares"],
            minimum=sums["minimum"],
            maximum=sums["maximum"],
            withheld=rows - count,
        ),
        low=_finite(columns["low"]),
        high=_finite(columns["high"]),
        sample_size=_finite(columns["sample_size"]),
        footnote=columns["footnote"].astype(np.int64),
        withheld_cell=withheld.astype(np.int64),
        withheld_reason=reason[withheld],
        withheld_count=rows[withheld],
    )


def _finite(numbers: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    doubles = numbers.astype(np.float64)
    return np.where(np.isfinite(doubles), doubles, np.nan)


def locate_places(database: duckdb.DuckDBPyConnection) -> Points:
    """Return where the locations of the staged rows are. Rows without a point do not contradict the others."""
    return locate(
        database.execute(
            f"""
            SELECT location, CASE WHEN count(*) <= {MOST_TEXTS} THEN list(point) END
            FROM (SELECT DISTINCT location, point FROM staged WHERE point <> '')
            GROUP BY location ORDER BY location
            """
        ).fetchall()
    )
