"""Addresses of tables that are no files here: on the web, in object storage, or in a database."""

from __future__ import annotations

import importlib.util

from meantime.dataset.download.address import Address
from meantime.dataset.download.address import parse_address as parse_web_address
from meantime.dataset.object_address import ObjectAddress, parse_object_address
from meantime.dataset.table_address import TableAddress, parse_table_address
from meantime.errors import SourceUnreadable

AnyAddress = Address | ObjectAddress | TableAddress


def parse_address(text: str) -> AnyAddress | None:
    """Return the address that a text is, or None if it is none.

    Whether a file of that name exists is for the caller to look at first.

    Raises:
        SourceUnreadable: it is an address, but not one that can be read from, or the packages for it are absent.
    """
    if table := parse_table_address(text):
        _require("sqlalchemy", "Tables in databases need", "sql")
        return table
    if objects := parse_object_address(text):
        _require("obstore", "Files in object storage need", "object")
        return objects
    return parse_web_address(text)


def is_table(text: str) -> bool:
    """Whether an address is that of a table in a database.

    >>> is_table("postgresql://db.example/health?table=heart"), is_table("cdc:hn4x-zwk7")
    (True, False)
    """
    return parse_table_address(text) is not None


def is_in_storage(text: str) -> bool:
    """Whether an address is one in object storage.

    >>> is_in_storage("s3://health/obesity.csv"), is_in_storage("cdc:hn4x-zwk7")
    (True, False)
    """
    return parse_object_address(text) is not None


def _require(package: str, what: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise SourceUnreadable(f"{what} more packages: pip install 'meantime[{extra}]'.")
