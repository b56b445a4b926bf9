"""The first step of reading: what is in the rows of a file, as far as anything is decided by it.

Each file is surveyed alone, and the facts of all of them are joined: by or, sum, the smallest, the largest and union.
So they are the same however a table is cut into files, and in which order these come. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

from meantime.dataset.points import MOST_TEXTS
from meantime.dataset.reading.exact_sums import parse_texts
from meantime.dataset.reading.labels import JOINED, label_roles, label_sql, parts_sql
from meantime.dataset.reading.staged_view import FOOTNOTE, rows_sql
from meantime.dataset.reading.tally import count_rows_sql, row_count_sql
from meantime.dataset.samples.synthetic import is_synthetic
from meantime.later import duckdb

# How many different texts are counted: more of them are no reasons, topics or sources but a column of arbitrary texts,
# and might be as many as there are rows.
MOST_REASONS_COUNTED = 100_000
_MOST_OF_QUESTION = 1_000
_ROWS_AT_A_TIME = 10_000

# How many rows have each text; None if there are too many texts to count.
Counted = Mapping[str, int] | None
# The smallest and the largest of several texts.
Bounds = tuple[str, str]

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class QuestionTexts:
    """The topics and sources that the rows of a question name, "" too."""

    topics: Counted
    sources: Counted

    def join(self, other: QuestionTexts) -> QuestionTexts:
        """Return those of the rows of both."""
        return QuestionTexts(
            _added(self.topics, other.topics, _MOST_OF_QUESTION), _added(self.sources, other.sources, _MOST_OF_QUESTION)
        )


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """What the rows with one name and id say of the place."""

    parts: Bounds  # of what its name is made of: two different ones make it ambiguous
    points: tuple[str, ...]  # its different points as written, the first ones in their order: too many are no point

    def join(self, other: PlaceFacts) -> PlaceFacts:
        """Return what the rows of both say."""
        return PlaceFacts(_bounds(self.parts, other.parts), _first_points({*self.points, *other.points}))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """The facts about the rows of a file, or of several: ``join`` is associative and commutative."""

    rows: int = 0  # as often as they count
    is_synthetic: bool = False
    largest: Mapping[int, int] = field(default_factory=dict)  # of values: by exponent, the largest mantissa
    reasons: Counted = field(default_factory=dict)  # why rows have no value
    questions: Mapping[str, QuestionTexts] = field(default_factory=dict)
    places: Mapping[tuple[str, str], PlaceFacts] = field(default_factory=dict)  # by name and id, where anything matters
    # By the roles of several columns that make a label, then by label: what the label is made of.
    parts: Mapping[tuple[str, ...], Mapping[str, Bounds]] = field(default_factory=dict)

    def join(self, other: FileFacts) -> FileFacts:
        """Return the facts about the rows of both."""
        return FileFacts(
            rows=self.rows + other.rows,
            is_synthetic=self.is_synthetic or other.is_synthetic,
            largest=_united(self.largest, other.largest, max),
            reasons=_added(self.reasons, other.reasons, MOST_REASONS_COUNTED),
            questions=_united(self.questions, other.questions, QuestionTexts.join),
            places=_united(self.places, other.places, PlaceFacts.join),
            parts={
                roles: _united(self.parts.get(roles, {}), other.parts.get(roles, {}), _bounds)
                for roles in sorted(self.parts.keys() | other.parts.keys())
            },
        )


def join_all(facts: Sequence[FileFacts]) -> FileFacts:
    """Return the facts about the rows of all files."""
    return reduce(FileFacts.join, facts, FileFacts())


def survey_file(
    database: duckdb.DuckDBPyConnection,
    parquet: Path,
    columns: Mapping[str, str],
    *,
    decimal_mark: str,
    may_be_category: bool,
) -> FileFacts:
    """Survey the staged rows of a file, given its columns by role.

    What its values are as numbers goes into the table ``texts`` of the database, which all files share. With
    ``may_be_category`` the column for topics may turn out to be one of categories.
    """
    rows = rows_sql([parquet], columns)
    largest = parse_texts(database, rows=rows, value=columns["value"], decimal_mark=decimal_mark, into="texts_of_file")
    reasons = _count_reasons(database, rows, columns)
    _keep_texts(database)
    questions, synthetic = _survey_questions(database, rows, columns)
    as_category = {"category" if role == "topic" else role: column for role, column in columns.items()}
    return FileFacts(
        rows=database.execute(f"SELECT {_count_sql(columns)} FROM {rows}").fetchall()[0][0] or 0,
        is_synthetic=synthetic,
        largest=largest,
        reasons=reasons,
        questions=questions,
        places=_survey_places(database, rows, columns),
        parts={
            roles: _survey_parts(database, rows, axis, given)
            for given in ((columns, as_category) if may_be_category else (columns,))
            for axis in JOINED
            if axis != "location" and len(roles := label_roles(axis, given)) > 1
        },
    )


def _keep_texts(database: duckdb.DuckDBPyConnection) -> None:
    """Add the texts of a file to those of the files before it."""
    try:
        database.execute("ALTER TABLE texts_of_file RENAME TO texts")
    except duckdb.CatalogException:  # there is one
        database.execute("INSERT INTO texts SELECT new.* FROM texts_of_file AS new ANTI JOIN texts USING (text)")
        database.execute("DROP TABLE texts_of_file")


def _count_reasons(database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]) -> Counted:
    """Return the reasons for missing values, with their rows."""
    if database.execute("SELECT 1 FROM texts_of_file WHERE mantissa IS NULL LIMIT 1").fetchone() is None:
        return {}
    footnote = FOOTNOTE.format(**{role: columns.get(role, "''") for role in ("footnote_symbol", "footnote")})
    counted = database.execute(
        f"""
        SELECT {reason_sql("reason", "footnote")} AS why, {count_rows_sql(columns)}
        FROM (SELECT {columns["value"]} AS text, {footnote} AS footnote, {row_count_sql(columns)} AS row_count
              FROM {rows})
             JOIN (SELECT text, reason FROM texts_of_file WHERE mantissa IS NULL) USING (text)
        GROUP BY why LIMIT {MOST_REASONS_COUNTED + 1}
        """
    ).fetchall()
    return dict(counted) if len(counted) <= MOST_REASONS_COUNTED else None


def reason_sql(text_reason: str, footnote: str) -> str:
    """Return the SQL of the reason why a row has no value: its text, else its footnote."""
    return f"CASE WHEN {text_reason} <> '' THEN {text_reason} WHEN {footnote} <> '' THEN {footnote} ELSE 'empty' END"


def _survey_questions(
    database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]
) -> tuple[dict[str, QuestionTexts], bool]:
    """Return the topics and sources of each question, and whether a source says that the table is synthetic."""
    question = label_sql("question", columns)
    topics: dict[str, dict[str, int] | None] = {}
    sources: dict[str, dict[str, int] | None] = {}
    synthetic = False
    for role, of in (("topic", topics), ("source", sources)):
        text = columns.get(role, "''")
        cursor = database.cursor().execute(
            f"SELECT {question} AS question, {text} AS text, {_count_sql(columns)} FROM {rows} GROUP BY ALL"
        )
        while batch := cursor.fetchmany(_ROWS_AT_A_TIME):
            for each, named, number in batch:
                if (counted := of.setdefault(each, {})) is not None:
                    counted[named] = number
                    if len(counted) > _MOST_OF_QUESTION:
                        of[each] = None
                synthetic = synthetic or (role == "source" and is_synthetic(named))
    return {each: QuestionTexts(topics[each], sources[each]) for each in topics}, synthetic


def _survey_places(
    database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]
) -> dict[tuple[str, str], PlaceFacts]:
    if not columns.keys() & {"location_id", "location_within", "point"}:
        return {}
    without_id = {role: column for role, column in columns.items() if role != "location_id"}
    number, point = (columns.get(role, "''") for role in ("location_id", "point"))
    cursor = database.cursor().execute(
        f"""
        SELECT name, number, min(parts), max(parts), min(nullif(point, ''), {MOST_TEXTS + 1})
        FROM (SELECT DISTINCT {label_sql("location", without_id)} AS name, {number} AS number,
                              {parts_sql("location", columns)} AS parts, {point} AS point FROM {rows})
        GROUP BY name, number
        """
    )
    places: dict[tuple[str, str], PlaceFacts] = {}
    while batch := cursor.fetchmany(_ROWS_AT_A_TIME):
        for name, number, first, last, points in batch:
            places[name, number] = PlaceFacts((first, last), _first_points(points or ()))
    return places


def _survey_parts(
    database: duckdb.DuckDBPyConnection, rows: str, axis: str, columns: Mapping[str, str]
) -> dict[str, Bounds]:
    found = database.execute(
        f"SELECT label, min(parts), max(parts) "
        f"FROM (SELECT DISTINCT {label_sql(axis, columns)} AS label, {parts_sql(axis, columns)} AS parts FROM {rows}) "
        "GROUP BY label"
    ).fetchall()
    return {label: (first, last) for label, first, last in found}


def _count_sql(columns: Mapping[str, str]) -> str:
    return count_rows_sql(columns, row_count_sql(columns))


def _added(one: Counted, other: Counted, most: int) -> Counted:
    if one is None or other is None:
        return None
    added = {text: one.get(text, 0) + other.get(text, 0) for text in one.keys() | other.keys()}
    return added if len(added) <= most else None


def _bounds(one: Bounds, other: Bounds) -> Bounds:
    return min(one[0], other[0]), max(one[1], other[1])


def _first_points(points: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(set(points))[: MOST_TEXTS + 1])


def _united(one: Mapping[K, V], other: Mapping[K, V], join: Any) -> dict[K, V]:
    united = {**one, **other}
    for key in one.keys() & other.keys():
        united[key] = join(one[key], other[key])
    return united
