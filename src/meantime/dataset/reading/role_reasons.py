"""Why each role has the column that it has, in words: who named it, or by which name or rows it was recognized."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from meantime.dataset.facts.column_names import DIVISIONS, find_form, is_spelling_of, plain_name
from meantime.dataset.reading.columns import STRATA, YEARS, fitting_columns, level_in_name
from meantime.dataset.reading.file_table import FileTable
from meantime.text import listed, quoted

# Of columns that fit a role as well.
_NAMED = 3


def role_reasons(
    roles: Mapping[str, str],
    table: FileTable,
    *,
    options: Collection[str],
    described: Collection[str],
    described_in: str,
) -> dict[str, str]:
    """Return for each role why its column was taken.

    ``options`` are the roles whose columns were named by ``--column``, ``described`` those named in the TOML file
    ``described_in``. ``roles`` are the final ones, of which rows may have changed some.
    """
    fitting = fitting_columns(table.columns, table.evidence)
    return {
        role: _named_by_hand(role, options, described, described_in) or _recognized(role, column, table, fitting)
        for role, column in roles.items()
    }


def _named_by_hand(role: str, options: Collection[str], described: Collection[str], described_in: str) -> str:
    if role in options:
        return "named by --column"
    return f"named in {described_in}" if role in described else ""


def _recognized(role: str, column: str, table: FileTable, fitting: Mapping[str, Collection[str]]) -> str:
    if column in table.arrangement.constants:
        return "the same for all rows; no column says it"
    if table.arrangement.roles.get(role) == column:
        return "made from the names of columns that were turned" if table.arrangement.turned else "said by the file"
    form = find_form(table.columns)
    if form and plain_name(column) in map(plain_name, form.roles.get(role, ())):
        return f"called so in tables of {form.name}"
    others = [name for name in fitting.get(role, ()) if name != column and name not in table.roles.values()]
    beside = f"; {listed(map(quoted, others), most=_NAMED)} would fit too" if others else ""
    if is_spelling_of(role, column) or (role in YEARS and is_spelling_of("first_year", column)):
        return f"known by its name{beside}"
    if level := level_in_name(column):
        return f"known by its name, which says a level of {level:g}%{beside}"
    if role in STRATA and form and form.dimensions is not None:
        return f"varies, and divides numbers in tables of {form.name}"
    if role in STRATA and plain_name(column) in DIVISIONS:
        return "divides people, known by its name"
    return "shown by the rows"
