"""Staged files get plain columns beside those that are not written plainly.

A file whose ``value`` is not plain gets a column ``plain_value``; whatever groups, adds up or finds rows reads that,
and the columns of the file stay as written. Each distinct text is read once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import NamedTuple

from meantime.dataset.reading.as_written import (
    INTERVAL,
    PlainForms,
    WrittenForms,
    decide_forms,
    odd_names,
    survey_forms,
)
from meantime.dataset.reading.columns import NAMES, NUMBERS, YEARS
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.exact_sums import insert_columns
from meantime.dataset.reading.staged_view import plain_column, rows_sql
from meantime.dataset.reading.staging import StagedFile, copy_rows, sql_path, sql_text
from meantime.dataset.reading.written_numbers import NumberReader, WrittenNumber
from meantime.dataset.reading.year_forms import finest
from meantime.errors import SourceUnreadable
from meantime.later import duckdb
from meantime.text import quoted


class _Joined(NamedTuple):
    """A table of the texts of a column, and what they mean."""

    table: str
    column: str  # of the file
    meanings: tuple[str, ...]


def read_plain(
    database: duckdb.DuckDBPyConnection,
    staged: Sequence[StagedFile],
    columns: Mapping[str, str],
    names: Mapping[str, str],
    description: Description,
    *,
    semicolons: bool = False,
    remarks_of_none: Collection[str] = (),
    everyone: Collection[str] = (),
) -> tuple[list[StagedFile], tuple[str, ...], PlainForms]:
    """Survey how all files are written, decide what their texts mean, and write plain columns where they are needed.

    ``columns`` are those of the staged files, by role; ``names`` are what they are called. ``semicolons`` separate the
    fields of the table. ``remarks_of_none`` are footnotes that say nothing, and are read as none;
    ``everyone`` are categories whose strata are no groups, but all people of a place.

    Raises:
        SourceUnreadable: the numbers of a column may be read in two ways, or a column of years has none; or the rows
            about one thing are about several parts of a year.
    """
    rows = [rows_sql([file.parquet], {}) for file in staged]
    every = rows_sql([file.parquet for file in staged], {})
    odd = frozenset(NAMES) & columns.keys() if description.ignore_case else odd_names(database, every, columns)
    facts = reduce(WrittenForms.join, (survey_forms(database, each, columns, odd) for each in rows))
    forms = decide_forms(facts, description, names, semicolons=semicolons)
    silent = _silent_remarks(database, every, columns, remarks_of_none) | _everyone(database, every, columns, everyone)
    if silent:
        forms = replace(forms, names={**forms.names, **silent})
    files, plain = make_plain(database, staged, columns, forms)
    if "value" in forms.rewritten and "unit" not in columns:
        mixed = _mixed_signs(database, rows_sql([file.parquet for file in files], {}), columns, names["value"])
        forms = replace(forms, warnings=(*forms.warnings, *mixed))
    # The years as written, everything else plain.
    of_things = {**columns, **{role: plain_column(role) for role in plain if role not in YEARS}}
    refuse_parts_of_years(database, rows_sql([file.parquet for file in files], {}), of_things, names, forms)
    return files, plain, forms


def _silent_remarks(
    database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str], remarks: Collection[str]
) -> dict[str, dict[str, str]]:
    """Return, for each role of footnotes in whose column some text says nothing, what is read instead of it."""
    if not remarks:
        return {}
    listed = ", ".join(map(sql_text, remarks))
    found = {}
    for role in ("footnote_symbol", "footnote"):
        if role in columns:
            query = f"SELECT DISTINCT {columns[role]} FROM {rows} WHERE trim({columns[role]}) IN ({listed})"
            if texts := database.execute(query).fetchall():
                found[role] = {text: "" for (text,) in texts}
    return found


def _everyone(
    database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str], categories: Collection[str]
) -> dict[str, dict[str, str]]:
    """Return that these categories, and their strata, are read as none: all people of the place."""
    if not categories or not {"category", "stratum"} <= columns.keys():
        return {}
    category, stratum = columns["category"], columns["stratum"]
    listed = ", ".join(map(sql_text, categories))
    found = database.execute(f"SELECT DISTINCT {stratum} FROM {rows} WHERE {category} IN ({listed})").fetchall()
    if not found:
        return {}
    return {"category": dict.fromkeys(categories, ""), "stratum": {text: "" for (text,) in found}}


def make_plain(
    database: duckdb.DuckDBPyConnection,
    staged: Sequence[StagedFile],
    columns: Mapping[str, str],
    forms: PlainForms,
) -> tuple[list[StagedFile], tuple[str, ...]]:
    """Write the plain columns of all files; return the files, and the roles that have one.

    ``columns`` are those of the staged files, by role.
    """
    if forms.is_plain:
        return list(staged), ()
    rows = rows_sql([file.parquet for file in staged], {})
    joined = {role: _make_numbers(database, rows, role, columns, forms) for role in sorted(forms.rewritten)}
    joined |= {role: _make_years(database, role, columns[role], forms) for role in forms.years}
    joined |= {role: _make_names(database, role, columns[role], forms) for role in forms.names}
    plain = _plain_columns(database, columns, joined)
    if "value" in joined and "unit" not in columns:
        units = _make_units(database, rows, columns)
        if units:
            joined["unit"] = _Joined("written_unit", columns["question"], ("unit",))
            plain["unit"] = "coalesce(written_unit.unit, '')"
    joins = " ".join(f"LEFT JOIN {each.table} ON {each.table}.text = source.{each.column}" for each in joined.values())
    selected = ", ".join(f"{expression} AS {plain_column(role)}" for role, expression in plain.items())
    files = []
    for file in staged:
        into = file.parquet.with_suffix(".plain.parquet")
        copy_rows(
            database,
            f"SELECT source.* EXCLUDE (file_row_number), {selected} "
            f"FROM read_parquet({sql_path(file.parquet)}, file_row_number = true) AS source {joins} "
            "ORDER BY source.file_row_number",
            into,
        )
        file.parquet.unlink()
        files.append(replace(file, parquet=into))
    return files, tuple(plain)


def refuse_parts_of_years(
    database: duckdb.DuckDBPyConnection,
    rows: str,
    columns: Mapping[str, str],
    names: Mapping[str, str],
    forms: PlainForms,
) -> None:
    """Refuse rows about the same thing in several months, quarters or days of a year: periods are whole years.

    ``rows`` (SQL) have the columns ``columns``; ``names`` are what they are called in the file.

    Raises:
        SourceUnreadable: there are such rows.
    """
    for role in YEARS:
        years = forms.years.get(role, {})
        if (part := finest(years)) is None:
            continue
        within = {text: found for text, found in years.items() if found.within}
        database.execute("CREATE TABLE written_parts (text VARCHAR, year BIGINT, part VARCHAR)")
        insert_columns(
            database,
            "written_parts",
            text=list(within),
            year=[found.first for found in within.values()],
            part=[found.within for found in within.values()],
        )
        keys = ", ".join(columns[key] for key in NAMES if key in columns)
        several = database.execute(
            f"SELECT min(text), max(text) FROM {rows} AS source JOIN written_parts ON text = source.{columns[role]} "
            f"GROUP BY {keys}, year HAVING min(part) <> max(part) ORDER BY ALL LIMIT 1"
        ).fetchone()
        database.execute("DROP TABLE written_parts")
        if several:
            grain = part[0]
            raise SourceUnreadable(
                f"The column {quoted(names[role])} has several {_PLURALS[grain]} of a year for the same question and "
                f"place, such as {quoted(several[0])} and {quoted(several[1])}, and a period of Meantime is one or "
                f"more whole years. Keep one row a year; or make a column of the year and one of the {grain}, and name "
                f"both: --column {role}=NAME --column stratum=NAME."
            )


_PLURALS: Mapping[str, str] = {
    "day": "days",
    "week": "weeks",
    "month": "months",
    "quarter": "quarters",
    "half-year": "half-years",
}


def _make_numbers(
    database: duckdb.DuckDBPyConnection, rows: str, role: str, columns: Mapping[str, str], forms: PlainForms
) -> _Joined:
    """Make the table of the texts of a column of numbers that mean something else than they are."""
    marks = forms.marks[role]
    read = NumberReader(marks)
    meanings: dict[str, WrittenNumber] = {}
    codes: set[str] = set()
    cursor = database.cursor().execute(f"SELECT DISTINCT {columns[role]} FROM {rows}")
    while batch := cursor.fetchmany(50_000):
        for (text,) in batch:
            found = read.interval(text) if role == INTERVAL else read(text)
            if found is None:
                continue
            if reason := forms.codes.reason(found.number, marks.decimal):
                # Of a value, the reason why it is missing: no number.
                found = WrittenNumber(reason if role == "value" else "")
                codes.add(text)
            meanings[text] = found
    table = f"written_{role}"
    names = ("number", "low", "high", "flag", "unit")
    database.execute(f"CREATE TABLE {table} (text VARCHAR, {', '.join(f'{name} VARCHAR' for name in names)})")

    def plain(number: str) -> str:
        return number.replace(marks.decimal, forms.decimal_mark)

    insert_columns(
        database,
        table,
        text=list(meanings),
        number=[found.number if text in codes else plain(found.number) for text, found in meanings.items()],
        low=[plain(found.low) for found in meanings.values()],
        high=[plain(found.high) for found in meanings.values()],
        flag=[found.flag for found in meanings.values()],
        unit=[None if text in codes else found.unit for text, found in meanings.items()],
    )
    return _Joined(table, columns[role], names)


def _make_years(database: duckdb.DuckDBPyConnection, role: str, column: str, forms: PlainForms) -> _Joined:
    years = forms.years[role]
    database.execute(f"CREATE TABLE written_{role} (text VARCHAR, first VARCHAR, last VARCHAR)")
    insert_columns(
        database,
        f"written_{role}",
        text=list(years),
        first=[str(found.first) for found in years.values()],
        last=[str(found.last) for found in years.values()],
    )
    return _Joined(f"written_{role}", column, ("first", "last"))


def _make_names(database: duckdb.DuckDBPyConnection, role: str, column: str, forms: PlainForms) -> _Joined:
    names = forms.names[role]
    database.execute(f"CREATE TABLE written_{role} (text VARCHAR, shown VARCHAR)")
    insert_columns(database, f"written_{role}", text=list(names), shown=list(names.values()))
    return _Joined(f"written_{role}", column, ("shown",))


def _plain_columns(
    database: duckdb.DuckDBPyConnection, columns: Mapping[str, str], joined: Mapping[str, _Joined]
) -> dict[str, str]:
    """Return the SQL of each plain column."""
    plain: dict[str, str] = {}
    for role, each in joined.items():
        text = f"source.{each.column}"
        if role in NUMBERS:
            plain[role] = f"coalesce({each.table}.number, {text})"
        elif role in YEARS:
            # A column that is only the first or the last year is both.
            for year in (role,) if set(YEARS) <= columns.keys() else YEARS:
                plain[year] = f"coalesce({each.table}.{year.removesuffix('_year')}, {text})"
        elif role != INTERVAL:
            plain[role] = f"coalesce({each.table}.shown, {text})"
    # Limits and flags that stand beside the value, or limits in a column of their own.
    for role in ("low", "high"):
        sources = [of for of in (INTERVAL, "value") if of in joined and _has(database, of, role)]
        beside = [f"nullif(written_{of}.{role}, '')" for of in sources]
        if beside:
            own = plain.get(role) or (f"source.{columns[role]}" if role in columns else "''")
            plain[role] = f"coalesce(nullif(trim({own}), ''), {', '.join(beside)}, '')"
    if "value" in joined and _has(database, "value", "flag"):
        own = f"source.{columns['footnote_symbol']}" if "footnote_symbol" in columns else "''"
        own = plain.get("footnote_symbol", own)
        flag = "coalesce(written_value.flag, '')"
        plain["footnote_symbol"] = (
            f"CASE WHEN {flag} = '' OR {flag} = trim({own}) THEN {own} WHEN trim({own}) = '' THEN {flag} "
            f"ELSE {flag} || ', ' || {own} END"
        )
    return plain


def _has(database: duckdb.DuckDBPyConnection, role: str, meaning: str) -> bool:
    query = f"SELECT 1 FROM written_{role} WHERE {meaning} <> {sql_text('')} LIMIT 1"
    return database.execute(query).fetchone() is not None


def _mixed_signs(
    database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str], value: str
) -> Iterator[str]:
    """Warn of questions of which only some numbers have the sign of a unit; ``value`` is the name of their column."""
    found = database.execute(
        f"""
        SELECT source.{columns["question"]} AS question, min(written.text) FILTER (unit <> ''),
               min(written.text) FILTER (unit = '')
        FROM {rows} AS source JOIN written_value AS written ON written.text = source.{columns["value"]}
        GROUP BY question HAVING min(unit) = '' AND max(unit) <> '' ORDER BY question
        """
    ).fetchall()
    if found:
        question, with_sign, without = found[0]
        which = "A question has" if len(found) == 1 else f"{len(found):,} questions have"
        yield (
            f"{which} numbers with the sign of a unit and numbers without, such as {quoted(with_sign)} and "
            f"{quoted(without)} in {quoted(value)} of {quoted(question)}. All are read as they are, none is converted. "
            "Write all of them in one unit, with the sign or without."
        )


def _make_units(database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]) -> bool:
    """Make the table of questions all of whose numbers have the same sign of a unit; return whether there are any."""
    question, value = columns["question"], columns["value"]
    database.execute(
        f"""
        CREATE TABLE written_unit AS
        SELECT source.{question} AS text, min(written.unit) AS unit
        FROM {rows} AS source JOIN written_value AS written ON written.text = source.{value}
        GROUP BY ALL HAVING min(written.unit) = max(written.unit) AND min(written.unit) <> ''
        """
    )
    return database.execute("SELECT 1 FROM written_unit LIMIT 1").fetchone() is not None
