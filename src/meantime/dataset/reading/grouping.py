"""Staged rows become the cube: DuckDB groups them by cell, and what it hands over are codes, counts and exact sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import ABSENT, Cells, Cube, Integers, Labels, Moments, Period, ValueType, roll_up
from meantime.dataset.points import MOST_TEXTS, Points, locate
from meantime.dataset.reading import labels
from meantime.dataset.reading.columns import ROLES
from meantime.dataset.reading.exact_sums import IN_64_BITS, ParsedValues, insert_columns, parse_values, sums_of_groups
from meantime.dataset.reading.staging import StagedFile, reject_rows, sql_path, sql_text
from meantime.dataset.reading.values import SPACES, number_pattern, parse_year

# How many different reasons for withheld values are told apart. More are no reasons but a column of texts.
_MOST_REASONS = 1_000
_OTHER_REASONS = f"another text (there are more than {_MOST_REASONS:,} different ones)"

# The columns that the cells' keys come from; axes of two columns are told apart by both.
KEY_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "question": ("question",),
    "location": ("location",),
    "category": ("category",),
    "stratum": ("stratum",),
    "value_type": ("value_type", "unit"),
    "period": ("first_year", "last_year"),
}
_KEYS = ", ".join(column for columns in KEY_COLUMNS.values() for column in columns)

# What a row says about its own value: "~ (sample too small)".
_FOOTNOTE = """
    CASE WHEN footnote_symbol <> '' AND footnote <> '' THEN footnote_symbol || ' (' || footnote || ')'
         ELSE footnote_symbol || footnote END
"""


@dataclass(frozen=True, slots=True)
class DecimalMark:
    """The character between whole and fraction, and what a reader should know about how it was found."""

    mark: str
    warnings: tuple[str, ...]


def drop_incomplete(
    database: duckdb.DuckDBPyConnection, staged: Sequence[StagedFile], places: Mapping[str, int]
) -> list[StagedFile]:
    """Take out the rows that belong to no question, no location, or a year that is no whole number.

    Raises:
        TooManyRejected: that are more than the setting allows.
    """
    columns = _columns(places)
    question = columns["question"]
    # Of a place that has nothing but an id nobody knows what it is.
    location = labels.label_sql("location", {role: column for role, column in columns.items() if role != "location_id"})
    conditions = [f"trim({question}) = ''", f"trim({location}) = ''"]
    reasons = [f"WHEN {conditions[0]} THEN 'no question'", f"WHEN {conditions[1]} THEN 'no location'"]
    given: list[object] = []
    files = _parquet([file.parquet for file in staged])
    for role in ("first_year", "last_year"):
        column = columns.get(role, "''")
        found = database.execute(f"SELECT DISTINCT {column} FROM {files}").fetchall()
        wrong = [text for (text,) in found if text and parse_year(text) is None]
        if wrong:
            # Bound once for the whole statement, however often it is named.
            given.append(wrong)
            conditions.append(f"list_contains(${len(given)}::VARCHAR[], {column})")
            reasons.append(f"WHEN {conditions[-1]} THEN 'a year that is no whole number: ' || {column}[:40]")
    condition = " OR ".join(conditions)
    reason = f"CASE {' '.join(reasons)} END"
    kept = []
    for file in staged:
        count = f"SELECT count(*) FROM {_parquet([file.parquet])} WHERE {condition}"
        is_whole = _one(database, count, given) == 0
        kept.append(file if is_whole else reject_rows(database, file, condition, reason, given))
    return kept


def make_staged_view(database: duckdb.DuckDBPyConnection, files: Sequence[Path], places: Mapping[str, int]) -> None:
    """Make the view ``staged``: all rows of all files, with the roles as the columns' names; "" for absent ones.

    Question, location, category and stratum are whole labels, of as many columns as tell them.
    """
    given = _columns(places)
    columns = {role: given.get(role, "''") for role in ROLES}
    columns.update({axis: labels.label_sql(axis, given) for axis in labels.JOINED})
    # A file with one year has it in either column.
    if "last_year" not in places:
        columns["last_year"] = columns["first_year"]
    if "first_year" not in places:
        columns["first_year"] = columns["last_year"]
    selected = ", ".join(f"{column} AS {role}" for role, column in columns.items())
    database.execute(f"CREATE VIEW staged AS SELECT {selected} FROM {_parquet(files)}")


def locate_places(database: duckdb.DuckDBPyConnection) -> Points:
    """Return where the locations of the staged rows lie. Rows without a point say nothing against the others."""
    return locate(
        database.execute(
            f"""
            SELECT location, CASE WHEN count(*) <= {MOST_TEXTS} THEN list(point) END
            FROM (SELECT DISTINCT location, point FROM staged WHERE point <> '')
            GROUP BY location ORDER BY location
            """
        ).fetchall()
    )


def has_several_topics(
    database: duckdb.DuckDBPyConnection, staged: Sequence[StagedFile], places: Mapping[str, int]
) -> bool:
    """Whether a question has rows of several topics; then they are no topics of questions."""
    columns, rows = _columns(places), _parquet([file.parquet for file in staged])
    topic, question = columns["topic"], labels.label_sql("question", columns)
    several = f"SELECT {question} AS asked FROM {rows} GROUP BY asked HAVING min({topic}) <> max({topic}) LIMIT 1"
    return database.execute(several).fetchone() is not None


def find_shared_name(
    database: duckdb.DuckDBPyConnection, staged: Sequence[StagedFile], places: Mapping[str, int]
) -> str | None:
    """Return a name that several places of the staged files share, by their ids; None where every name is of one."""
    if "location_id" not in places:
        return None
    return labels.find_shared_name(database, _parquet([file.parquet for file in staged]), _columns(places))


def refuse_ambiguous_labels(
    database: duckdb.DuckDBPyConnection, staged: Sequence[StagedFile], places: Mapping[str, int]
) -> None:
    """See that each label of the staged files is of one thing.

    Raises:
        SourceUnreadable: two things would have one label.
    """
    labels.refuse_ambiguous_labels(database, _parquet([file.parquet for file in staged]), _columns(places))


def find_decimal_mark(database: duckdb.DuckDBPyConnection, delimiter: str) -> DecimalMark:
    """Tell from all values whether they are written with a point or a comma."""
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
    by_hand = 'if that is wrong, say decimal_mark = "{}" in the TOML beside the data'
    if not with_comma or (with_comma and with_point):
        return DecimalMark(".", ())
    if millions or (with_comma == thousands and delimiter == ","):
        told = "Values with a comma, such as 1,234, were not taken for numbers, since the comma may part thousands; "
        return DecimalMark(".", (told + by_hand.format(",") + ".",))
    told = "No value has a decimal point and some have a comma, so the comma was taken for the decimal mark; "
    return DecimalMark(",", (told + by_hand.format(".") + ".",))


def group_into_cube(database: duckdb.DuckDBPyConnection, decimal_mark: str) -> Cube:
    """Roll up the view ``staged``."""
    amounts = parse_values(database, decimal_mark)
    _make_valued(database)
    reasons = _make_reasons(database)
    _make_groups(database, amounts)
    found: dict[str, tuple[Any, ...]] = {
        "questions": _make_labels(database, "question"),
        "locations": _make_labels(database, "location"),
        "categories": _make_labels(database, "category"),
        "strata": _make_labels(database, "stratum"),
        "value_types": _make_value_types(database),
        "periods": _make_periods(database),
        "footnotes": _make_labels(database, "footnote"),
        "reasons": reasons,
    }
    columns = _fetch_groups(database, amounts, decimal_mark)
    return roll_up(Labels(**found), _cells(columns, amounts), scale=amounts.scale)


def _make_valued(database: duckdb.DuckDBPyConnection) -> None:
    """Make the view ``valued``: the rows with their numbers, or with the reason why there is none."""
    database.execute(
        f"""
        CREATE VIEW valued AS
        SELECT * EXCLUDE (footnote), mark AS footnote,
               CASE WHEN mantissa IS NOT NULL THEN NULL
                    WHEN said <> '' THEN said
                    WHEN mark <> '' THEN mark
                    ELSE 'empty' END AS reason
        FROM (SELECT *, {_FOOTNOTE} AS mark FROM staged) JOIN amounts ON value = text
        """
    )


def _make_reasons(database: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Make the table ``reason_codes`` of the most frequent reasons; the others share the code after the last.

    Before the rows are grouped: a column of nothing but different texts would make each row a group of its own.
    """
    found = database.execute(
        "SELECT reason FROM valued WHERE reason IS NOT NULL GROUP BY reason ORDER BY count(*) DESC, reason "
        f"LIMIT {_MOST_REASONS}"
    ).fetchall()
    reasons = [reason for (reason,) in found]
    database.execute("CREATE TABLE reason_codes (reason VARCHAR, code BIGINT)")
    insert_columns(database, "reason_codes", reason=reasons, code=list(range(len(reasons))))
    return (*reasons, _OTHER_REASONS)


def _make_groups(database: duckdb.DuckDBPyConnection, amounts: ParsedValues) -> None:
    """Make the table ``groups``: the rows of one key and one reason, counted and added up."""
    sums = ", ".join(f"{expression} AS {name}" for name, expression in amounts.way.sums.items())
    # Only a row that is alone in its cell keeps what it was published with, and which rows are alone shows here:
    # groups of one cell with different reasons or values are merged, and then mixed, by the cube.
    published = ", ".join(
        f"CASE WHEN count(*) = 1 THEN any_value({column}) ELSE '' END AS {column}"
        for column in ("low", "high", "sample_size", "footnote")
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
        GROUP BY {_KEYS}, reason_code{amounts.way.keys}
        """
    )
    # Both may be as long as the file; in memory there is room for one.
    database.execute("DROP VIEW valued; DROP TABLE amounts")


def _make_labels(database: duckdb.DuckDBPyConnection, column: str) -> tuple[str, ...]:
    """Make a table of a column's labels with their codes; nothing has none."""
    database.execute(
        f"""
        CREATE TABLE {column}_codes AS
        SELECT {column}, row_number() OVER (ORDER BY {column}) - 1 AS code
        FROM (SELECT DISTINCT {column} FROM groups WHERE {column} <> '')
        """
    )
    found = database.execute(f"SELECT {column} FROM {column}_codes ORDER BY code").fetchall()
    return tuple(label for (label,) in found)


def _make_value_types(database: duckdb.DuckDBPyConnection) -> tuple[ValueType, ...]:
    # A file without such columns has one value type, that of ("", "").
    found = database.execute("SELECT DISTINCT value_type, unit FROM groups ORDER BY ALL").fetchall()
    _make_pairs(database, "value_type", found, list(range(len(found))))
    return tuple(ValueType(*pair) for pair in found)


def _make_periods(database: duckdb.DuckDBPyConnection) -> tuple[Period, ...]:
    found = database.execute("SELECT DISTINCT first_year, last_year FROM groups ORDER BY ALL").fetchall()
    periods = [period_of_texts(first, last) for first, last in found]
    _make_pairs(database, "period", found, [ABSENT if period is None else code for code, period in enumerate(periods)])
    return tuple(period or Period(0, 0) for period in periods)


def period_of_texts(first: str, last: str) -> Period | None:
    """Return the period of two years as written; where one is missing it is the other, and of none there is none."""
    from_year, to_year = parse_year(first or last), parse_year(last or first)
    return None if from_year is None or to_year is None else Period(from_year, to_year)


def _make_pairs(
    database: duckdb.DuckDBPyConnection, axis: str, pairs: Sequence[tuple[str, str]], codes: Sequence[int]
) -> None:
    one, other = KEY_COLUMNS[axis]
    database.execute(f"CREATE TABLE {axis}_codes ({one} VARCHAR, {other} VARCHAR, code BIGINT)")
    given: dict[str, list[Any]] = {one: [pair[0] for pair in pairs], other: [pair[1] for pair in pairs]}
    insert_columns(database, f"{axis}_codes", **given, code=list(codes))


def _fetch_groups(
    database: duckdb.DuckDBPyConnection, amounts: ParsedValues, decimal_mark: str
) -> dict[str, npt.NDArray[Any]]:
    codes = ", ".join(f"coalesce({axis}_codes.code, {ABSENT}) AS {axis}" for axis in (*KEY_COLUMNS, "footnote"))
    joins = " ".join(
        f"LEFT JOIN {axis}_codes USING ({', '.join(columns)})"
        for axis, columns in {**KEY_COLUMNS, "footnote": ("footnote",)}.items()
    )
    doubles = ", ".join(_double(column, decimal_mark) for column in ("low", "high", "sample_size"))
    # Groups without values have no sums.
    nothing = "0" if amounts.way is IN_64_BITS else "'0'"
    values = ", ".join(f"coalesce({name}, {nothing}) AS {name}" for name in amounts.way.sums)
    return database.execute(
        f"""
        SELECT {codes}, reason_code, groups.rows AS rows, {values}, {doubles}
        FROM groups {joins}
        """
    ).fetchnumpy()


def _double(column: str, decimal_mark: str) -> str:
    """Return the SQL that reads a published limit or size: NaN where it is no number."""
    text = f"trim(groups.{column}, {sql_text(SPACES)})"
    number = f"TRY_CAST(replace({text}, {sql_text(decimal_mark)}, '.') AS DOUBLE)"
    is_number = f"regexp_full_match({text}, {sql_text(number_pattern(decimal_mark))})"
    return f"coalesce(CASE WHEN {is_number} THEN {number} END, 'nan'::DOUBLE) AS {column}"


def _cells(columns: Mapping[str, npt.NDArray[Any]], amounts: ParsedValues) -> Cells:
    rows = columns["rows"].astype(np.int64)
    reason = columns["reason_code"].astype(np.int64)
    is_given = reason == ABSENT
    withheld = np.flatnonzero(~is_given)
    count: Integers = np.where(is_given, rows, 0)
    sums = sums_of_groups(columns, count.tolist(), amounts)
    return Cells(
        keys=np.stack([columns[axis].astype(np.int64) for axis in KEY_COLUMNS], axis=1),
        moments=Moments(
            count=count,
            total=sums["total"],
            squares=sums["squares"],
            minimum=sums["least"],
            maximum=sums["most"],
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


def _one(database: duckdb.DuckDBPyConnection, query: str, given: Sequence[object] = ()) -> int:
    found = database.execute(query, list(given)).fetchone()
    return int(found[0]) if found else 0


def _columns(places: Mapping[str, int]) -> dict[str, str]:
    return {role: f"c{place}" for role, place in places.items()}


def _parquet(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(sql_path(file) for file in files)}])"
