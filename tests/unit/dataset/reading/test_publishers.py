"""Headers of large publishers, as published: they need no option, in any order of their columns."""

from __future__ import annotations

import csv
import io
import random
import tomllib
from pathlib import Path

import msgspec
import pytest

from meantime.dataset.reading.description import Description
from meantime.dataset.reading.file_table import FileTable, find_file_table
from meantime.errors import RolesMissing


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A header and some rows under it, and the roles that they show."""

    address: str
    table: str
    roles: dict[str, str]
    delimiter: str = ","

    @property
    def records(self) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.table.strip("\n")), delimiter=self.delimiter))


_FILE = Path(__file__).parents[3] / "fixtures" / "published_tables.toml"
PUBLISHED = msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), dict[str, Published])


def form_of(records: list[list[str]], *, title: str = "a title") -> FileTable:
    header, *rows = records
    return find_file_table(
        header,
        labels=(),
        records=rows,
        description=Description(),
        by_hand={},
        title=title,
        described_in="table.csv.toml",
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_publishers_header_needs_no_option(name: str) -> None:
    published = PUBLISHED[name]
    roles = form_of(published.records).roles
    assert {role: roles.get(role) for role in published.roles} == published.roles


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_order_of_columns_does_not_matter(name: str) -> None:
    published = PUBLISHED[name]
    order = list(range(len(published.records[0])))
    random.Random(7).shuffle(order)  # noqa: S311 - not for secrets
    shuffled = form_of([[record[at] for at in order] for record in published.records]).roles
    assert {role: shuffled.get(role) for role in published.roles} == published.roles


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_renamed_column_moves_no_other_role_in_silence(name: str) -> None:
    published = PUBLISHED[name]
    header, *rows = published.records
    usual = form_of(published.records)
    problems: list[tuple[str, str]] = []
    for at, column in enumerate(header):
        renamed = [*header[:at], "Xyzzy", *header[at + 1 :]]
        try:
            form = form_of([renamed, *rows])
        except RolesMissing as error:
            problems.append((column, error.reason))
            continue
        if column not in usual.roles.values():
            kept = {role: form.roles.get(role) for role in published.roles}
            assert kept == published.roles or form.arrangement.said, column
            continue
        moved = {
            role: taken
            for role, taken in form.roles.items()
            if usual.roles.get(role) not in (taken, column) and taken != "Xyzzy" and role in published.roles
        }
        assert not moved or form.arrangement.said, (column, moved)
    for column, reason in problems:
        assert column in usual.roles.values() or name == "our-world-in-data"
        assert "--column" in reason or "--set" in reason


def test_the_place_of_national_tables_is_said() -> None:
    form = form_of(PUBLISHED["nchs"].records)
    assert any("United States" in text and "--set location" in text for text in form.arrangement.said)
    assert {row[-1] for row in form.evidence.rows} == {"United States"}


def test_intervals_of_the_census_bureau_have_their_level() -> None:
    assert form_of(PUBLISHED["tidycensus"].records).arrangement.level == 90
