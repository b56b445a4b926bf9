"""The third step of reading: staged rows become cells, question by question, as it was decided.

DuckDB replaces labels by their codes, groups the rows by cell and adds them up. The groups may be as many as the rows,
so those of a large table are kept in a file of DuckDB; they leave it some questions at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import ABSENT, Cells, Cube, Integers, Labels, Moments, ValueType
from meantime.dataset.reading.decisions import MOST_REASONS, Decisions
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.exact_sums import IN_64_BITS, ExactNumbers, insert_columns, make_parsed, sums_of_groups
from meantime.dataset.reading.question_info import collect_question_info
from meantime.dataset.reading.staged_view import FOOTNOTE, KEY_COLUMNS, StagedRows, parse_period
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
# Of a table with so many rows at most for each MB of memory, the groups stay there, where they take 130 bytes each.
_ROWS_IN_MEMORY = 1_000
# What has codes: the axes of a key, and the footnote; by the columns of the staged rows.
_CODED: Mapping[str, tuple[str, ...]] = {**KEY_COLUMNS, "footnote": ("footnote",)}


class RolledUp:
    """Staged rows grouped by cell, with the numbers in the table ``texts``; and their cells, some at a time."""

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        staged: StagedRows,
        decisions: Decisions,
        description: Description,
        *,
        work: Path,
        rows: int,
        memory_mb: int,
    ) -> None:
        # In a file, DuckDB keeps a table compressed and reads it in pieces, which takes longer.
        file = ":memory:" if rows <= _ROWS_IN_MEMORY * memory_mb else str(work / "groups.db")
        database.execute(f"ATTACH {sql_text(file)} AS grouped")
        self._database = database
        self._decisions = decisions
        self.labels, self._groups, self.copies = _make_groups(database, staged, decisions)
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
        for columns in _fetch_groups(self._database, self._decisions, self._groups):
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


def _make_groups(
    database: duckdb.DuckDBPyConnection, staged: StagedRows, decisions: Decisions
) -> tuple[Labels, int, int]:
    """Make the table ``grouped.groups``; return what its codes mean, its length, and how many rows are copies."""
    make_parsed(database, decisions.numbers)
    if staged.has_any(marks := ("footnote_symbol", "footnote")):
        whole = FOOTNOTE.format(**{role: staged.columns[role] for role in marks})
        staged = staged._replace(columns={**staged.columns, "footnote": whole})
    reasons = decisions.reasons
    if reasons is None:
        reasons = _count_reasons(database, staged, decisions.all_roles)
    labels = _make_codes(database, staged, reasons)
    groups, copies = _group(database, staged, decisions, others_code=len(reasons))
    return labels, groups, copies


def _valued_sql(staged: StagedRows, names: Iterable[str]) -> str:
    """Return the SQL of rows with these columns, their number, or else the reason why they have none."""
    reason = f"CASE WHEN mantissa IS NULL THEN {reason_sql('text_reason', 'footnote')} END"
    selected = staged.select(dict.fromkeys(("value", "footnote", *names)))
    return f"SELECT *, {reason} AS reason FROM ({selected}) JOIN parsed ON value = text"


def _count_reasons(database: duckdb.DuckDBPyConnection, staged: StagedRows, roles: Collection[str]) -> tuple[str, ...]:
    rows = database.execute(
        f"SELECT reason FROM ({_valued_sql(staged, ['row_count'])}) WHERE reason IS NOT NULL GROUP BY reason "
        f"ORDER BY {count_rows_sql(roles)} DESC, reason LIMIT {MOST_REASONS}"
    ).fetchall()
    return tuple(reason for (reason,) in rows)


def _make_codes(database: duckdb.DuckDBPyConnection, staged: StagedRows, reasons: Sequence[str]) -> Labels:
    """Make the table ``codes`` of texts, or pairs of texts, and return what the codes mean; "" alone has no code.

    Of the reasons, it has those that are kept apart; all others share the code after the last. This happens before rows
    are grouped: in a column of arbitrary texts, each row would be its own group.
    """
    texts: dict[str, list[tuple[str, ...]]] = {
        axis: database.execute(f"SELECT DISTINCT * FROM ({staged.select(of_axis)})").fetchall()
        if staged.has_any(of_axis)
        else [("",) * len(of_axis)]
        for axis, of_axis in _CODED.items()
    }
    names = {axis: sorted(text for (text,) in texts[axis] if text) for axis, of in _CODED.items() if len(of) == 1}
    # A file without these columns has a single value type, ("", "").
    kinds = sorted(texts["value_type"])
    years = [(pair, parse_period(*pair)) for pair in texts["period"]]
    # "2020" and "2020.0" are one.
    periods = sorted({period for _, period in years if period is not None})
    code_of = {period: code for code, period in enumerate(periods)}
    codes: list[tuple[str, tuple[str, ...], int]] = [
        *((axis, (name, ""), code) for axis, of_axis in names.items() for code, name in enumerate(of_axis)),
        *(("reason", (reason, ""), code) for code, reason in enumerate(reasons)),
        *(("value_type", kind, code) for code, kind in enumerate(kinds)),
        *(("period", pair, ABSENT if period is None else code_of[period]) for pair, period in years),
    ]
    database.execute("CREATE TABLE codes (axis VARCHAR, text VARCHAR, other VARCHAR, code INTEGER)")
    insert_columns(
        database,
        "codes",
        axis=[axis for axis, _, _ in codes],
        text=[of_text[0] for _, of_text, _ in codes],
        other=[of_text[1] for _, of_text, _ in codes],
        code=[code for _, _, code in codes],
    )
    return Labels(
        questions=tuple(names["question"]),
        locations=tuple(names["location"]),
        categories=tuple(names["category"]),
        strata=tuple(names["stratum"]),
        value_types=tuple(ValueType(*kind) for kind in kinds),
        periods=tuple(periods),
        footnotes=tuple(names["footnote"]),
        reasons=(*reasons, _OTHER_REASONS),
    )


def _group(
    database: duckdb.DuckDBPyConnection, staged: StagedRows, decisions: Decisions, *, others_code: int
) -> tuple[int, int]:
    """Make the table ``grouped.groups``: rows with the same key and the same reason, counted and added up.

    Return its length, and how many rows are copies of another.

    Keys are codes, not texts: so many groups need a third of the memory. A row that is alone in its group keeps its
    published limits and footnote. Groups with the same key but different reasons or values are merged later by the
    cube, which then drops these.
    """
    method = decisions.numbers.method
    counts = is_counted(decisions.all_roles)
    times = " * row_count" if counts else ""
    sums = ", ".join(f"{expression.format(times=times)} AS {name}" for name, expression in method.sums.items())
    lines = f"CAST(sum({LINES}) AS BIGINT)" if LINES in decisions.plain else "count(*)"
    distinct = count_distinct_sql(decisions.all_roles, lines)
    counted = [role for role in ("distinct_rows", LINES) if role in decisions.all_roles]
    published = [role for role in _PUBLISHED_NUMBERS if role in decisions.all_roles]
    # Where rows are read, not where they are grouped: there DuckDB computes what depends on one column once a text.
    numbers = {role: _double(staged.columns[role], decisions.numbers.decimal_mark) for role in published}
    staged = staged._replace(columns={**staged.columns, **numbers})
    alone = ", ".join(
        [
            *(f"CASE WHEN {distinct} = 1 THEN any_value({role}) ELSE 'nan' END AS {role}" for role in published),
            f"CASE WHEN {distinct} = 1 THEN any_value(footnote) ELSE {ABSENT} END AS footnote",
        ]
    )
    keys = ", ".join((*KEY_COLUMNS, "reason_code")) + method.extra_keys
    of_rows = [*published, *(["row_count"] if counts else []), *counted]
    rows = _coded_sql(staged, of_rows, method.inputs, others_code=others_code)
    made = database.execute(
        f"""
        CREATE TABLE grouped.groups AS
        SELECT {keys}, CAST({count_rows_sql(decisions.all_roles)} AS BIGINT) AS rows, {distinct} AS lines,
               CAST({count_rows_sql(decisions.all_roles)} - {distinct} AS BIGINT) AS copies, {sums}, {alone}
        FROM ({rows}) GROUP BY {keys}
        """
    ).fetchall()
    several, copies = database.execute("SELECT max(lines) > 1, sum(copies) FROM grouped.groups").fetchall()[0]
    if several:
        database.execute(
            f"CREATE TABLE twice AS SELECT identity AS same FROM ({staged.select(['identity', LINES])}) "
            f"GROUP BY identity HAVING {lines} > 1"
        )
        # Before anything else is done with the rows: copies are few.
        there_twice = f"(SELECT * FROM {staged.source} SEMI JOIN twice ON {staged.columns['identity']} = twice.same)"
        rows = _coded_sql(
            staged._replace(source=there_twice), [*of_rows, "identity"], method.inputs, others_code=others_code
        )
        copies += _find_copies(database, rows, lines=lines, keys=keys, kept=[*published, "footnote"])
        database.execute("DROP TABLE twice")
    # As long as the file: there may be memory for only one such table.
    database.execute("DROP TABLE parsed")
    return made[0][0], int(copies or 0)


def _coded_sql(staged: StagedRows, names: Sequence[str], inputs: Sequence[str], *, others_code: int) -> str:
    """Return the SQL of rows with their codes, these columns, and what their sums are made of."""
    axes = {axis: of_axis for axis, of_axis in _CODED.items() if staged.has_any(of_axis)}
    codes = {axis: str(0 if axis == "value_type" else ABSENT) for axis in _CODED}
    codes |= {axis: f"coalesce({axis}_codes.code, {ABSENT})" for axis in axes}
    codes["reason_code"] = f"CASE WHEN reason IS NULL THEN {ABSENT} ELSE coalesce(reason_codes.code, {others_code}) END"
    joins = []
    for axis, of_axis in {**axes, "reason": ("reason",)}.items():
        of = f"{axis}_codes"
        same = "".join(f" AND {of}.{a} = {b}" for a, b in zip(("text", "other"), of_axis, strict=False))
        joins.append(f"LEFT JOIN codes AS {of} ON {of}.axis = '{axis}'{same}")
    selected = [*(f"{code} AS {name}" for name, code in codes.items()), *names, *inputs]
    texts = [column for of_axis in axes.values() for column in of_axis]
    rows = f"({_valued_sql(staged, [*texts, *names])}) AS valued"
    return f"SELECT {', '.join(selected)} FROM {rows} {' '.join(joins)}"


def _find_copies(database: duckdb.DuckDBPyConnection, rows: str, *, lines: str, keys: str, kept: Sequence[str]) -> int:
    """Count the lines of each group that are exact copies; one of a single line and its copies keeps what that has.

    ``rows`` (SQL) are those whose identity is there twice, in a table that has groups of several lines.
    """
    of_one = ", ".join(f"any_value({name}) AS {name}" for name in kept)
    database.execute(
        f"""
        CREATE TABLE copied AS
        SELECT {keys}, {lines} AS lines, {lines} - count(DISTINCT identity) AS copies, {of_one}
        FROM ({rows}) GROUP BY {keys}
        """
    )
    is_one = "known.lines = copied.lines AND copied.lines - copied.copies = 1"
    taken = ", ".join(f"{name} = CASE WHEN {is_one} THEN copied.{name} ELSE known.{name} END" for name in kept)
    same = " AND ".join(f"known.{key} IS NOT DISTINCT FROM copied.{key}" for key in keys.split(", "))
    database.execute(
        f"UPDATE grouped.groups AS known SET copies = known.copies + copied.copies, {taken} FROM copied WHERE {same}"
    )
    copies = database.execute("SELECT sum(copies) FROM copied").fetchall()[0][0] or 0
    database.execute("DROP TABLE copied")
    return int(copies)


def _units(database: duckdb.DuckDBPyConnection, labels: Labels) -> dict[str, set[str]]:
    """Return the units of each question's rows, by its text."""
    units: dict[str, set[str]] = {}
    if not any(kind.unit for kind in labels.value_types):
        return units
    for question, kind in database.execute("SELECT DISTINCT question, value_type FROM grouped.groups").fetchall():
        if unit := labels.value_types[kind].unit:
            units.setdefault(labels.questions[question], set()).add(unit)
    return units


def _is_cv_ratio(database: duckdb.DuckDBPyConnection, roles: Collection[str]) -> bool:
    """Whether coefficients of variation are written as ratios: none of them is larger than 1, and so 1%."""
    if "cv" not in roles:
        return False
    largest = database.execute("SELECT max(cv) FILTER (isfinite(cv)) FROM grouped.groups").fetchall()[0][0]
    return largest is not None and largest <= 1


def _fetch_groups(
    database: duckdb.DuckDBPyConnection, decisions: Decisions, groups: int
) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """Yield the columns of the groups of whole questions, in order of their codes."""
    numbers = decisions.numbers
    # Groups without values have no sums.
    zero = "0" if numbers.method is IN_64_BITS else "'0'"
    values = ", ".join(f"coalesce({name}, {zero}) AS {name}" for name in numbers.method.sums)
    query = f"SELECT * EXCLUDE (lines) REPLACE ({values}) FROM grouped.groups"
    if groups <= _CELLS_AT_A_TIME:
        yield database.execute(query).fetchnumpy()
        return
    sizes = database.execute(
        "SELECT question, count(*) FROM grouped.groups GROUP BY question ORDER BY question"
    ).fetchall()
    for first, last in _ranges(sizes):
        yield database.execute(f"{query} WHERE question BETWEEN {first} AND {last}").fetchnumpy()


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
    return f"coalesce(CASE {cases} END, 'nan'::DOUBLE)"


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
