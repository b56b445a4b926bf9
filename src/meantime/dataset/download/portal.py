"""What a portal says about a table, and how many rows it has: Socrata's metadata and its query language."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import msgspec

from meantime.dataset.download.address import Address
from meantime.dataset.download.transfer import fetch_json
from meantime.errors import SourceUnreadable


class _License(msgspec.Struct):
    name: str = ""


class _View(msgspec.Struct, rename="camel"):
    name: str = ""
    attribution: str = ""
    license: _License | None = None
    rows_updated_at: int | None = None  # seconds since 1970


# Made at import, by one thread: see formats/document.py.
_VIEW = msgspec.json.Decoder(_View)


class TableFacts(msgspec.Struct, frozen=True):
    """What a portal says about a table; "" where it does not say."""

    title: str
    publisher: str
    license: str
    updated: str  # a date, 2024-05-31
    version: str  # another one when the rows have changed
    rows: int


def table_facts(address: Address, cancelled: threading.Event) -> TableFacts:
    """Ask the portal of a table about it.

    Raises:
        SourceUnreadable: the portal has no table of this id, or is no Socrata portal.
        LoadFailed: it is in trouble.
        LoadCancelled: ``cancelled`` was set.
    """
    what = f"{address.portal}/api/views/{address.table}.json"
    how_many = f"{address.portal}/resource/{address.table}.json?$select=count(*)"
    try:
        view = _VIEW.decode(fetch_json(what, shown=address.shown, cancelled=cancelled))
        counted = fetch_json(how_many, shown=address.shown, cancelled=cancelled)
        [row] = msgspec.json.decode(counted, type=list[dict[str, str]])
        [rows] = map(int, row.values())
    except (msgspec.MsgspecError, ValueError) as error:
        raise SourceUnreadable(
            f"{address.shown} is no table of a Socrata portal: its server does not describe it. Give the address of a "
            "file that can be downloaded."
        ) from error
    at = view.rows_updated_at
    return TableFacts(
        title=view.name.strip(),
        publisher=view.attribution.strip(),
        license=view.license.name.strip() if view.license else "",
        updated=datetime.fromtimestamp(at, UTC).date().isoformat() if at else "",
        version=f"rows of {at}" if at else "",
        rows=rows,
    )
