"""How the columns of a table are written, in three steps: facts about their texts, decisions, and plain columns.

A column *as written* may have "2,288", "38.1 e", "2011/12" or "Utah " with a space behind it; the same column *plain*
has "2288", "38.1", 2011 and 2012, "Utah". Everything behind this module reads plain columns, and a table that is plain
already, as most are, costs nothing more than the look at its distinct texts. The rows that people see stay as written.

1. ``survey_forms`` collects facts that can be joined: shapes of numbers, texts of years, names, each with its rows.
2. ``decide_forms`` is pure: from the facts, and from what people declared, to what each text means.
3. ``plain_columns.make_plain`` writes the plain columns of each file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from meantime.dataset.reading.columns import NAMES, NUMBERS, YEARS
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.number_forms import Marks, NumberForms, Written, find_marks, join_forms, shape_sql
from meantime.dataset.reading.plain_names import shown_forms
from meantime.dataset.reading.tally import count_lines_sql
from meantime.dataset.reading.values import SPACES, parse_year
from meantime.dataset.reading.written_numbers import IN_PARENTHESES, MissingCodes, NumberReader, WrittenNumber
from meantime.dataset.reading.year_forms import WrittenYears, read_years
from meantime.errors import SourceUnreadable
from meantime.later import duckdb
from meantime.text import count, listed, quoted

INTERVAL = "interval"
# The roles of whole numbers, in which a comma can only separate thousands.
_WHOLE = ("sample_size",)
# A name with a space too many, or a character beyond ASCII: where some name is odd, all names are looked at.
_ODD = re.compile(r"\A | \Z|  |[^\x00-\x7F]|[\t\n]")
_NAMES_AT_A_TIME = 10_000
# How many texts a message shows.
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenForms:
    """Facts about the columns of a table or of a part of it, by role: in one order, in which people read of them."""

    numbers: Mapping[str, NumberForms] = field(default_factory=dict)
    years: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # text -> rows
    # Name -> rows, of the columns in which some name may look like another.
    names: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def join(self, other: WrittenForms) -> WrittenForms:
        """Return the facts about both parts."""
        return WrittenForms(
            numbers={
                role: join_forms(self.numbers.get(role, {}), other.numbers.get(role, {}))
                for role in (*NUMBERS, INTERVAL)
                if role in self.numbers or role in other.numbers
            },
            years=_joined_counts(self.years, other.years),
            names=_joined_counts(self.names, other.names),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainForms:
    """What the texts of a table mean: decided for all of its rows together."""

    marks: Mapping[str, Marks]  # of every column of numbers
    codes: MissingCodes
    rewritten: frozenset[str]  # roles of numbers whose texts are not plain
    years: Mapping[str, Mapping[str, WrittenYears]]  # of the columns that have more than years
    names: Mapping[str, Mapping[str, str]]  # name -> the form that is shown, for names that change
    warnings: tuple[str, ...]

    @property
    def decimal_mark(self) -> str:
        """The decimal mark of the values, and of every number in a plain column."""
        return self.marks["value"].decimal

    @property
    def is_plain(self) -> bool:
        """Whether nothing has to be rewritten."""
        return not (self.rewritten or self.years or self.names)


def odd_names(database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]) -> frozenset[str]:
    """Return the roles in whose columns some name may look like another: where one is odd, all are counted."""
    return frozenset(role for role in NAMES if role in columns and _has_odd_name(database, rows, columns[role]))


def survey_forms(
    database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str], odd: Collection[str]
) -> WrittenForms:
    """Collect the facts about some rows (SQL), given the SQL of the column of each role.

    ``odd`` are the roles whose names are counted: those of the whole table in whose columns some name is odd.
    """
    shapes: dict[str, dict[str, Written]] = {role: {} for role in (*NUMBERS, INTERVAL) if role in columns}
    texts = " UNION ALL ".join(
        f"SELECT '{role}' AS role, {columns[role]} AS text, {count_lines_sql(columns)} AS rows FROM {rows} GROUP BY ALL"
        for role in shapes
    )
    found = database.execute(
        f"SELECT role, {shape_sql('text')} AS shape, min(text), CAST(sum(rows) AS BIGINT) FROM ({texts}) "
        "GROUP BY role, shape"
    ).fetchall()
    for role, shape, example, number in found:
        shapes[role][shape] = Written(example, number)
    numbers = {role: join_forms(forms) for role, forms in shapes.items()}
    return WrittenForms(
        numbers=numbers,
        years={role: _counts(database, rows, columns, role) for role in YEARS if role in columns},
        names={role: _counts(database, rows, columns, role) for role in NAMES if role in odd},
    )


def decide_forms(
    facts: WrittenForms, description: Description, columns: Mapping[str, str], *, semicolons: bool
) -> PlainForms:
    """Decide what the texts mean; ``columns`` are the names of the columns of each role, for messages.

    ``semicolons`` separate the fields of the table.

    Raises:
        SourceUnreadable: the numbers of a column may be read in two ways, or a column of years has none.
    """
    marks, warnings = _decide_marks(facts, description, columns, semicolons=semicolons)
    codes = MissingCodes(description.missing)
    decimal = marks["value"].decimal if "value" in marks else "."
    rewritten = {
        role
        for role, forms in facts.numbers.items()
        if role == INTERVAL or _is_rewritten(forms, marks[role], codes, decimal)
    }
    years = {role: found for role in YEARS if (found := _decide_years(facts, role, columns))}
    warnings += _year_warnings(facts, columns)
    for role in facts.numbers:
        warnings += _number_warnings(facts.numbers[role], NumberReader(marks[role]), role, columns.get(role, role))
    names = {
        role: shown
        for role, texts in facts.names.items()
        if (shown := shown_forms(texts, ignore_case=description.ignore_case))
    }
    return PlainForms(
        marks=marks,
        codes=codes,
        rewritten=frozenset(rewritten),
        years=years,
        names=names,
        warnings=tuple(warnings) + tuple(_name_warnings(names, columns, ignore_case=description.ignore_case)),
    )


def _decide_marks(
    facts: WrittenForms, description: Description, columns: Mapping[str, str], *, semicolons: bool
) -> tuple[dict[str, Marks], list[str]]:
    find = partial(find_marks, decimal=description.decimal_mark, thousands=description.thousands, semicolons=semicolons)
    of_others = join_forms(*(forms for role, forms in facts.numbers.items() if role != "value"))
    values = find(facts.numbers.get("value", {}))
    if values.marks is None and (others := find_marks(of_others, semicolons=semicolons)).is_shown:
        values = find(facts.numbers["value"], otherwise=others.marks)
    shown = values.marks if values.is_shown else None
    marks: dict[str, Marks] = {}
    warnings = [values.warning] if values.warning else []
    for role, forms in facts.numbers.items():
        whole = role in _WHOLE
        found = values if role == "value" else find(forms, otherwise=shown, whole=whole)
        if found.marks is None:
            raise _ambiguous(found.ambiguous, columns.get(role, role))
        marks[role] = found.marks
    return marks, warnings


def _ambiguous(text: str, column: str) -> SourceUnreadable:
    mark = "," if "," in text else "."
    name = "comma" if mark == "," else "point"
    return SourceUnreadable(
        f"The numbers in {quoted(column)} can be read in two ways: {text} is {text.replace(mark, '')} if the {name} "
        f"separates thousands, and {text.replace(mark, '.')} if it is the decimal mark. Write one of these lines in "
        f'the TOML file next to the data: thousands = "{mark}" or decimal_mark = "{mark}".'
    )


def _is_rewritten(forms: NumberForms, marks: Marks, codes: MissingCodes, decimal: str) -> bool:
    """Whether some text of a column is a number, or stands for a missing one, but is no plain number."""
    read = NumberReader(marks)
    for shape, (example, _) in forms.items():
        if codes.may_have(shape):
            return True
        found = read(example)
        if found is None:
            continue
        has_other_mark = marks.decimal != decimal and marks.decimal in found.number
        if has_other_mark or found != WrittenNumber(example.strip(SPACES)):
            return True
    return False


def _decide_years(facts: WrittenForms, role: str, columns: Mapping[str, str]) -> dict[str, WrittenYears] | None:
    """Return the years of a column's texts; None where all are plain."""
    texts = [text for text in facts.years.get(role, ()) if text.strip()]
    years = read_years(texts)
    plain = {text: WrittenYears(year, year) for text in texts if (year := parse_year(text)) is not None}
    if texts and not years:
        shown = listed((quoted(text) for text in sorted(texts)), most=_SHOWN)
        raise SourceUnreadable(
            f"The column {quoted(columns[role])} has no years: {shown}. Meantime reads a year (2020), years that "
            "belong together (2019/20, 2013 - 15) and dates (31.12.2022, 2022-12-31). Name the column of the year: "
            f"--column {role}=NAME."
        )
    return None if plain == years else years


def _year_warnings(facts: WrittenForms, columns: Mapping[str, str]) -> Iterator[str]:
    """Warn of years with one or two digits."""
    for column in dict.fromkeys(columns[role] for role in YEARS if role in facts.years and role in columns):
        role = next(role for role in YEARS if columns.get(role) == column)
        years = sorted({year for text in facts.years[role] if (year := parse_year(text)) is not None})
        if years and years[-1] < 100:
            yield (
                f"The years in {quoted(column)} are {listed(map(str, years), most=_SHOWN)}, and read so. If years such "
                f"as {2000 + years[-1]} are meant, write them with four digits."
            )


def _number_warnings(forms: NumberForms, read: NumberReader, role: str, column: str) -> Iterator[str]:
    """Warn of texts that are not read as numbers, though they look like some, and of numbers in parentheses."""

    def is_read(written: Written) -> bool:
        return (read.interval(written.example) if role == INTERVAL else read(written.example)) is not None

    with_digits = [written for written in forms.values() if any(map(str.isdigit, written.example))]
    if role != "value" and with_digits and not any(map(is_read, with_digits)):
        shown = listed((quoted(written.example.strip()) for written in with_digits), most=_SHOWN)
        advice = f" If they are margins of error: --column margin_of_error={shlex.quote(column)}." * (role == INTERVAL)
        what = "an interval" if role == INTERVAL else "a number"
        yield f"Nothing in {quoted(column)} can be read as {what}: {shown}. So the column is not used.{advice}"
        return
    unread = [written for written in with_digits if written.example.strip()[:1].isdigit() and not is_read(written)]
    if rows := sum(written.rows for written in unread):
        examples = listed((quoted(written.example.strip()) for written in unread), most=_SHOWN)
        is_one = rows == 1
        begin = "text begins like a number but is" if is_one else "texts begin like a number but are"
        counts = "It counts" if is_one else "They count"
        ask = "it is a number, write it" if is_one else "they are numbers, write them"
        yield (
            f"{rows:,} {begin} not read as one in {quoted(column)}: {examples}. "
            f"{f'{counts} as missing. ' * (role == 'value')}If {ask} in the file without the text beside "
            f"{'it' if is_one else 'them'}."
        )
    in_parentheses = [
        written
        for written in forms.values()
        if (found := read(written.example)) is not None and IN_PARENTHESES in found.flag
    ]
    if rows := sum(written.rows for written in in_parentheses):
        yield (
            f"{count(rows, 'number')} in {quoted(column)} {'is' if rows == 1 else 'are'} in parentheses, such as "
            f"{in_parentheses[0].example.strip()}, and read as positive, with a footnote: statistical offices mark "
            "uncertain numbers so. If parentheses mean a negative number, write it with a minus sign."
        )


def _name_warnings(
    names: Mapping[str, Mapping[str, str]], columns: Mapping[str, str], *, ignore_case: bool
) -> Iterator[str]:
    in_letters = "in capital letters, or" if ignore_case else "or"
    for role, shown in names.items():
        if alike := sorted({form for form in shown.values() if form}):
            yield (
                f"Names in {quoted(columns[role])} that differ only in spaces, {in_letters} in how their letters are "
                f"composed, are read as one. Some are written in another way than here: "
                f"{listed(map(quoted, alike), most=_SHOWN)}."
            )


def _counts(database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str], role: str) -> dict[str, int]:
    query = f"SELECT {columns[role]} AS text, {count_lines_sql(columns)} FROM {rows} GROUP BY ALL"
    return dict(database.execute(query).fetchall())


def _has_odd_name(database: duckdb.DuckDBPyConnection, rows: str, column: str) -> bool:
    cursor = database.cursor().execute(f"SELECT DISTINCT {column} FROM {rows}")
    while batch := cursor.fetchmany(_NAMES_AT_A_TIME):
        if any(_ODD.search(name) for (name,) in batch):
            return True
    return False


def _joined_counts(
    one: Mapping[str, Mapping[str, int]], other: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    joined: dict[str, dict[str, int]] = {}
    for part in (one, other):
        for role, texts in part.items():
            of_role = joined.setdefault(role, {})
            for text, rows in texts.items():
                of_role[text] = of_role.get(text, 0) + rows
    return joined
