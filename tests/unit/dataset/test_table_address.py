"""Addresses of tables in databases."""

from __future__ import annotations

import pytest

from meantime.dataset.reading.source import parse_source
from meantime.dataset.table_address import TableAddress, parse_table_address
from meantime.errors import SourceUnreadable


def parsed(text: str) -> TableAddress:
    address = parse_table_address(text)
    assert address is not None
    assert parse_table_address(address.text) == address
    return address


@pytest.mark.parametrize(
    ("text", "schema", "table"),
    [
        ("postgresql://db.example/health?table=obesity", None, "obesity"),
        ("postgres://u@db.example:5433/health?table=survey.obesity", "survey", "obesity"),
        ("postgresql+psycopg:///health?table=select", None, "select"),
        ("postgresql://h/d?table=%22a.b%22.%22c%22%22d%22", "a.b", 'c"d'),
        ("sqlite:////srv/a.db?table=a%23b%26c", None, "a#b&c"),
        ("sqlite:///a.db?table=main.t", "main", "t"),
    ],
)
def test_an_address_has_one_form(text: str, schema: str | None, table: str) -> None:
    address = parsed(text)
    assert (address.schema, address.table) == (schema, table)


def test_what_people_see_has_neither_user_nor_options() -> None:
    assert parsed("postgresql://u@h:5/d?sslmode=require&table=t").shown == "t in h:5/d"
    assert parsed("sqlite:////srv/secret/a.db?table=t").shown == "t in a.db"


def test_a_host_that_is_waited_for_otherwise_is_not_given_a_time() -> None:
    assert parsed("postgresql://h/d?table=t").libpq_url == "postgresql://h/d?connect_timeout=20"
    assert parsed("postgresql://h/d?connect_timeout=3&table=t").libpq_url == "postgresql://h/d?connect_timeout=3"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:hunter2@h/d?table=t",
        "postgresql://u:@h/d?table=t",
        "postgresql://h/d?table=t&password=hunter2",
        "postgresql://h/d?table=t&PASSWORD=hunter2",
        "postgresql://u:hunter2@h:x/d?table=t",
    ],
)
def test_a_password_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SourceUnreadable) as raised:
        parse_source(text)
    assert "hunter2" not in raised.value.reason + raised.value.operator_reason


def test_what_to_do_instead_of_a_password_is_said() -> None:
    with pytest.raises(SourceUnreadable, match=r"Take it out, and set PGPASSWORD, or write it into ~/.pgpass"):
        parse_source("postgresql://u:hunter2@h/d?table=t")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postgresql://h/d", r"names no table\. Its form is postgresql://HOST/DATABASE\?table=SCHEMA\.TABLE"),
        ("postgresql://h/d?table=a.b.c", "names no table that can be read: 'a.b.c'"),
        ("postgresql://h/d?table=a.", "no table that can be read"),
        ("postgresql://h?table=t", "is incomplete"),
        ("postgresql://h/d/e?table=t", "is incomplete"),
        ("sqlite://h/a.db?table=t", r"Its form is sqlite:///PATH\?table"),
        ("postgresql://h:x/d?table=t", "cannot be read"),
        ("postgresql://h/d?tabel=t", r"no option 'tabel' .did you mean \"table\""),
        ("postgresql://h/d?table=t&options=-c", "Set others in the environment"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(text: str, words: str) -> None:
    with pytest.raises(SourceUnreadable, match=words):
        parse_table_address(text)
