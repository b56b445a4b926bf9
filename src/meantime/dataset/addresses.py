"""Addresses of tables that are no files here: on the web, or in a database."""

from __future__ import annotations

import importlib.util

from meantime.dataset.download.address import Address
from meantime.dataset.download.address import parse_address as parse_web_address
from meantime.dataset.table_address import TableAddress, parse_table_address
from meantime.errors import SourceUnreadable

AnyAddress = Address | TableAddress


def parse_address(text: str) -> AnyAddress | None:
    """Return the address that a text is, or None if it is none.

    Whether a file of that name exists is for the caller to look at first.

    Raises:
        SourceUnreadable: it is an address, but not one that can be read from, or the packages for it are absent.
    """
    table = parse_table_address(text)
    if table is not None:
        _require("sqlalchemy", "Tables in databases need", "sql")
    return table or parse_web_address(text)


def is_table(text: str) -> bool:
    """Whether an address is that of a table in a database.

    >>> is_table("postgresql://db.example/health?table=heart"), is_table("cdc:hn4x-zwk7")
    (True, False)
    """
    return parse_table_address(text) is not None


def _require(package: str, what: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise SourceUnreadable(f"{what} more packages: pip install 'meantime[{extra}]'.")
