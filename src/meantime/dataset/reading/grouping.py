"""The third step of reading: staged rows become cells, question by question, as it was decided.

DuckDB replaces labels by their codes, groups the rows by cell and adds them up. The groups may be as many as the rows,
so they are kept in a file of DuckDB; they leave it some questions at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import ABSENT, Cells, Cube, Integers, Labels, Moments, Period, ValueType
from meantime.dataset.reading.decisions import MOST_REASONS, Decisions
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.exact_sums import IN_64_BITS, ExactNumbers, insert_columns, make_parsed, sums_of_groups
from meantime.dataset.reading.question_info import collect_question_info
from meantime.dataset.reading.staged_view import FOOTNOTE, KEY_COLUMNS, parse_period
from meantime.dataset.reading.staging import sql_text
from meantime.dataset.reading.survey import reason_sql
from meantime.dataset.reading.tally import LINES, count_distinct_sql, count_rows_sql, is_counted
from meantime.dataset.reading.uncertainty import ROLES as UNCERTAINTY
from meantime.dataset.reading.uncertainty import limits_words, with_limits
from meantime.dataset.reading.values import SPACES, number_pattern
from meantime.dataset.rolling_up import roll_up
from meantime.later import duckdb

_CV_IS_RATIO = (
    "No coefficient of variation is larger than 1, so they are read as ratios (0.05 is 5%). If they are percents, name "
    "another column, or multiply them by 100."
)
_OTHER_REASONS = f"another text (there are more than {MOST_REASONS:,} different ones)"
_PUBLISHED_NUMBERS = ("low", "high", "sample_size", *UNCERTAINTY)
# Cells that are made at a time, unless a single question has more.
_CELLS_AT_A_TIME = 250_000


class RolledUp:
    """The view ``staged`` grouped by cell, with the numbers in the table ``texts``; and its cells, some at a time."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, decisions: Decisions, description: Description, *, work: Path
    ) -> None:
        # In a file, DuckDB keeps a table compressed and reads it in pieces; in memory, it would keep 130 bytes a cell.
        database.execute(f"ATTACH {sql_text(str(work / 'groups.db'))} AS on_disk")
        self._database = database
        self._decisions = decisions
        self.labels, self.copies = _make_groups(database, decisions)
        self._is_cv_ratio = _is_cv_ratio(database, decisions.roles)
        self._limits_from: set[str] = set()
        self.questions = collect_question_info(
            self.labels.questions,
            decisions.topics,
            _units(database, self.labels),
            description,
            value_column=decisions.roles["value"],
        )

    def cubes(self) -> Iterator[Cube]:
        """Yield cubes of whole questions, in the order of their texts, at the scale of the table."""
        for columns in _fetch_groups(self._database, self._decisions):
            # A question may have most cells of the table, so nothing of it stays here twice.
            yield roll_up(self.labels, self._taken(columns), scale=self._decisions.numbers.scale)

    def _taken(self, columns: dict[str, npt.NDArray[Any]]) -> Cells:
        """Make cells with their limits of the columns of groups, and empty these."""
        cells = _cells(columns, self._decisions.numbers)
        published = {role: _finite(columns[role]) for role in UNCERTAINTY if role in columns}
        columns.clear()
        cells, computed_from = with_limits(
            cells,
            published,
            self.labels,
            self.questions,
            scale=self._decisions.numbers.scale,
            levels=self._decisions.levels,
            is_cv_ratio=self._is_cv_ratio,
        )
        self._limits_from |= computed_from
        return cells

    @property
    def limits_from(self) -> str:
        """What the 95% limits of the cubes so far were computed from; "" where all are those of the file."""
        return limits_words(self._limits_from, self._decisions.levels)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What people must know of how numbers were read."""
        return (_CV_IS_RATIO,) if self._is_cv_ratio else ()


def _make_groups(database: duckdb.DuckDBPyConnection, decisions: Decisions) -> tuple[Labels, int]:
    """Make the table ``on_disk.groups``; return what its codes mean, and how many rows are copies of another."""
    make_parsed(database, decisions.numbers)
    _make_valued_view(database)
    reasons = decisions.reasons if decisions.reasons is not None else _count_reasons(database, decisions.all_roles)
    _make_reason_codes(database, reasons)
    labels = Labels(
        questions=_make_labels(database, "question"),
        locations=_make_labels(database, "location"),
        categories=_make_labels(database, "category"),
        strata=_make_labels(database, "stratum"),
        value_types=_make_value_types(database),
        periods=_make_periods(database),
        footnotes=_make_labels(database, "footnote"),
        reasons=(*reasons, _OTHER_REASONS),
    )
    _group(database, decisions, others_code=len(reasons))
    copies = database.execute("SELECT sum(copies) FROM on_disk.groups").fetchall()[0][0] or 0
    return labels, int(copies)


def _make_valued_view(database: duckdb.DuckDBPyConnection) -> None:
    """Make the view ``marked``, the rows with their whole footnote, and ``valued``, with their number or the reason."""
    mark = FOOTNOTE.format(footnote_symbol="footnote_symbol", footnote="footnote")
    database.execute(
        f"""
        CREATE VIEW marked AS SELECT * REPLACE ({mark} AS footnote) FROM staged;
        CREATE VIEW valued AS
        SELECT *, CASE WHEN mantissa IS NULL THEN {reason_sql("text_reason", "footnote")} END AS reason
        FROM marked JOIN parsed ON value = text
        """
    )


def _count_reasons(database: duckdb.DuckDBPyConnection, roles: Collection[str]) -> tuple[str, ...]:
    rows = database.execute(
        "SELECT reason FROM valued WHERE reason IS NOT NULL GROUP BY reason "
        f"ORDER BY {count_rows_sql(roles)} DESC, reason LIMIT {MOST_REASONS}"
    ).fetchall()
    return tuple(reason for (reason,) in rows)


def _make_reason_codes(database: duckdb.DuckDBPyConnection, reasons: Sequence[str]) -> None:
    """Make the table ``reason_codes`` of the reasons that are kept apart; all others share the code after the last.

    This happens before rows are grouped: in a column of arbitrary texts, each row would be its own group.
    """
    database.execute("CREATE TABLE reason_codes (reason VARCHAR, code INTEGER)")
    insert_columns(database, "reason_codes", reason=list(reasons), code=list(range(len(reasons))))


def _group(database: duckdb.DuckDBPyConnection, decisions: Decisions, *, others_code: int) -> None:
    """Make the table ``on_disk.groups``: rows with the same key and the same reason, counted and added up.

    Keys are codes, not texts: so many groups need a third of the memory. A row that is alone in its group keeps its
    published limits and footnote. Groups with the same key but different reasons or values are merged later by the
    cube, which then drops these.
    """
    method = decisions.numbers.method
    counts = is_counted(decisions.all_roles)
    times = " * row_count" if counts else ""
    sums = ", ".join(f"{expression.format(times=times)} AS {name}" for name, expression in method.sums.items())
    is_tallied = LINES in decisions.plain
    lines = "CAST(sum(lines) AS BIGINT)" if is_tallied else "count(*)"
    distinct = count_distinct_sql(decisions.all_roles, lines)
    counted = [role for role in ("distinct_rows", LINES) if role in decisions.all_roles]
    inputs = ", ".join([*method.inputs, *(["row_count"] if counts else []), *counted])
    published = [role for role in _PUBLISHED_NUMBERS if role in decisions.all_roles]
    alone = ", ".join(
        [
            *(f"CASE WHEN {distinct} = 1 THEN any_value({role}) END AS {role}" for role in published),
            f"CASE WHEN {distinct} = 1 THEN any_value(footnote) ELSE {ABSENT} END AS footnote",
        ]
    )
    axes = {**KEY_COLUMNS, "footnote": ("footnote",)}
    codes = ", ".join(f"coalesce({axis}_codes.code, {ABSENT}) AS {axis}" for axis in axes)
    joins = " ".join(f"LEFT JOIN {axis}_codes USING ({', '.join(columns)})" for axis, columns in axes.items())
    texts = "".join(f"valued.{role}, " for role in published)
    keys = ", ".join((*KEY_COLUMNS, "reason_code")) + method.extra_keys
    reason = f"CASE WHEN reason IS NULL THEN {ABSENT} ELSE coalesce(reason_codes.code, {others_code}) END"
    numbers = [_double(role, decisions.numbers.decimal_mark) for role in published]
    rows = f"SELECT {codes}, {reason} AS reason_code, {texts}{inputs}, identity FROM valued {joins} " + (
        "LEFT JOIN reason_codes USING (reason)"
    )
    replaced = f"REPLACE ({', '.join(numbers)})" if numbers else ""
    database.execute(
        f"""
        CREATE TABLE on_disk.groups AS
        SELECT * {replaced}
        FROM (
            SELECT {keys}, CAST({count_rows_sql(decisions.all_roles)} AS BIGINT) AS rows, {distinct} AS lines,
                   CAST({count_rows_sql(decisions.all_roles)} - {distinct} AS BIGINT) AS copies, {sums}, {alone}
            FROM ({rows}) GROUP BY {keys}
        )
        """
    )
    _find_copies(database, rows, lines=lines, keys=keys, published=published, replaced=replaced)
    # Tables as long as the file: there may be memory for only one of them.
    database.execute("DROP VIEW valued; DROP VIEW marked; DROP TABLE parsed")


def _find_copies(
    database: duckdb.DuckDBPyConnection, rows: str, *, lines: str, keys: str, published: Sequence[str], replaced: str
) -> None:
    """Count the lines of each group that are exact copies; one of a single line and its copies keeps what that has.

    Only a table with groups of several lines is looked at, and of these the lines whose identity is there twice.
    """
    if database.execute("SELECT 1 FROM on_disk.groups WHERE lines > 1 LIMIT 1").fetchone() is not None:
        kept = ", ".join(f"any_value({name}) AS {name}" for name in (*published, "footnote"))
        database.execute(
            f"""
            CREATE TABLE twice AS SELECT identity FROM staged GROUP BY identity HAVING {lines} > 1;
            CREATE TABLE copied AS
            SELECT * {replaced} FROM (
                SELECT {keys}, {lines} AS lines, {lines} - count(DISTINCT identity) AS copies, {kept}
                FROM ({rows}) SEMI JOIN twice USING (identity) GROUP BY {keys}
            );
            """
        )
        is_one = "known.lines = copied.lines AND copied.lines - copied.copies = 1"
        taken = ", ".join(
            f"{name} = CASE WHEN {is_one} THEN copied.{name} ELSE known.{name} END" for name in (*published, "footnote")
        )
        same = " AND ".join(f"known.{key} IS NOT DISTINCT FROM copied.{key}" for key in keys.split(", "))
        database.execute(
            f"UPDATE on_disk.groups AS known SET copies = known.copies + copied.copies, {taken} "
            f"FROM copied WHERE {same}"
        )
        database.execute("DROP TABLE twice; DROP TABLE copied")
    database.execute("ALTER TABLE on_disk.groups DROP COLUMN lines")


def _make_labels(database: duckdb.DuckDBPyConnection, column: str) -> tuple[str, ...]:
    """Make a table of a column's labels and their codes; the empty text has no code."""
    database.execute(
        f"""
        CREATE TABLE {column}_codes AS
        SELECT {column}, CAST(row_number() OVER (ORDER BY {column}) - 1 AS INTEGER) AS code
        FROM (SELECT DISTINCT {column} FROM marked WHERE {column} <> '')
        """
    )
    rows = database.execute(f"SELECT {column} FROM {column}_codes ORDER BY code").fetchall()
    return tuple(label for (label,) in rows)


def _make_value_types(database: duckdb.DuckDBPyConnection) -> tuple[ValueType, ...]:
    # A file without these columns has a single value type, ("", "").
    pairs = database.execute("SELECT DISTINCT value_type, unit FROM staged ORDER BY ALL").fetchall()
    _make_pair_codes(database, "value_type", pairs, list(range(len(pairs))))
    return tuple(ValueType(*pair) for pair in pairs)


def _make_periods(database: duckdb.DuckDBPyConnection) -> tuple[Period, ...]:
    pairs = database.execute("SELECT DISTINCT first_year, last_year FROM staged ORDER BY ALL").fetchall()
    periods = [parse_period(first, last) for first, last in pairs]
    # "2020" and "2020.0" are one.
    distinct = sorted({period for period in periods if period is not None})
    code_of = {period: code for code, period in enumerate(distinct)}
    _make_pair_codes(database, "period", pairs, [ABSENT if period is None else code_of[period] for period in periods])
    return tuple(distinct)


def _make_pair_codes(
    database: duckdb.DuckDBPyConnection, axis: str, pairs: Sequence[tuple[str, str]], codes: Sequence[int]
) -> None:
    one, other = KEY_COLUMNS[axis]
    database.execute(f"CREATE TABLE {axis}_codes ({one} VARCHAR, {other} VARCHAR, code INTEGER)")
    texts: dict[str, list[Any]] = {one: [pair[0] for pair in pairs], other: [pair[1] for pair in pairs]}
    insert_columns(database, f"{axis}_codes", **texts, code=list(codes))


def _units(database: duckdb.DuckDBPyConnection, labels: Labels) -> dict[str, set[str]]:
    """Return the units of each question's rows, by its text."""
    units: dict[str, set[str]] = {}
    for question, kind in database.execute("SELECT DISTINCT question, value_type FROM on_disk.groups").fetchall():
        if unit := labels.value_types[kind].unit:
            units.setdefault(labels.questions[question], set()).add(unit)
    return units


def _is_cv_ratio(database: duckdb.DuckDBPyConnection, roles: Collection[str]) -> bool:
    """Whether coefficients of variation are written as ratios: none of them is larger than 1, and so 1%."""
    if "cv" not in roles:
        return False
    largest = database.execute("SELECT max(cv) FILTER (isfinite(cv)) FROM on_disk.groups").fetchall()[0][0]
    return largest is not None and largest <= 1


def _fetch_groups(database: duckdb.DuckDBPyConnection, decisions: Decisions) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """Yield the columns of the groups of whole questions, in order of their codes."""
    numbers = decisions.numbers
    # Groups without values have no sums.
    zero = "0" if numbers.method is IN_64_BITS else "'0'"
    values = ", ".join(f"coalesce({name}, {zero}) AS {name}" for name in numbers.method.sums)
    sizes = database.execute(
        "SELECT question, count(*) FROM on_disk.groups GROUP BY question ORDER BY question"
    ).fetchall()
    for first, last in _ranges(sizes):
        yield database.execute(
            f"SELECT * REPLACE ({values}) FROM on_disk.groups WHERE question BETWEEN {first} AND {last}"
        ).fetchnumpy()


def _ranges(sizes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of questions that are made at a time, given each question's cells."""
    first, cells = 0, 0
    for question, number in sizes:
        if cells and cells + number > _CELLS_AT_A_TIME:
            yield first, question - 1
            first, cells = question, 0
        cells += number
    if cells:
        yield first, sizes[-1][0]


def _double(column: str, decimal_mark: str) -> str:
    """Return the SQL that reads a published limit or sample size: NaN if it is not a number."""
    # Most texts have no spaces around them: trimming takes three times as long as all the rest.
    cases = " ".join(
        f"WHEN regexp_full_match({text}, {sql_text(number_pattern(decimal_mark))}) "
        f"THEN TRY_CAST(replace({text}, {sql_text(decimal_mark)}, '.') AS DOUBLE)"
        for text in (column, f"trim({column}, {sql_text(SPACES)})")
    )
    return f"coalesce(CASE {cases} END, 'nan'::DOUBLE) AS {column}"


def _cells(columns: Mapping[str, npt.NDArray[Any]], numbers: ExactNumbers) -> Cells:
    rows = columns["rows"].astype(np.int64)
    reason = columns["reason_code"].astype(np.int64)
    has_value = reason == ABSENT
    withheld = np.flatnonzero(~has_value)
    count: Integers = np.where(has_value, rows, 0)
    sums = sums_of_groups(columns, count, numbers)
    unknown = np.full(len(rows), np.nan)
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
        **{name: _finite(columns[name]) if name in columns else unknown for name in ("low", "high", "sample_size")},
        footnote=columns["footnote"].astype(np.int64),
        copies=columns["copies"].astype(np.int64),
        withheld_cell=withheld.astype(np.int64),
        withheld_reason=reason[withheld],
        withheld_count=rows[withheld],
    )


def _finite(numbers: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    doubles = numbers.astype(np.float64)
    return np.where(np.isfinite(doubles), doubles, np.nan)
