"""Downloaded tables as files: whole or not at all, and not downloaded again while they have not changed.

Next to a file is its TOML description, with what the portal or the address says: title, source, license.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from meantime.dataset.disk_reserve import DiskReserve
from meantime.dataset.download.address import Address
from meantime.dataset.download.portal import TableFacts, table_facts
from meantime.dataset.download.transfer import Limits, download
from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.durable import durable_file
from meantime.errors import LoadFailed, SettingInvalid
from meantime.text import toml_text

# The first line of a description that was written here, and is written again with each version of the file.
_MARK = "# Written by the download, from what the portal says. Without this line it is kept as it is.\n"


class _Record(msgspec.Struct):
    """What is known of a downloaded file."""

    url: str
    version: str
    size_bytes: int


# Made at import, by one thread: see formats/document.py.
_RECORD = msgspec.json.Decoder(_Record)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that was downloaded."""

    path: Path
    size_bytes: int
    rows: int | None  # as the portal counts them; None where nobody does
    is_new: bool  # it was downloaded now: there was none, or another version


def fetch_table(
    address: Address,
    path: Path,
    *,
    limit_mb: int,
    reserve_mb: int = 0,
    on_share: Callable[[float], None] = lambda _: None,
    cancelled: threading.Event | None = None,
    if_changed: bool = False,
) -> Downloaded:
    """Download the table at an address into a file, and describe it in a TOML file beside it, if there is none.

    ``if_changed``: not if the file is there and the server says that it is still the same.

    Raises:
        SourceUnreadable: there is no such table, or it is too large.
        LoadFailed: the network, the server or the disk is in trouble.
        LoadCancelled: ``cancelled`` was set.
    """
    cancelled = cancelled or threading.Event()
    known = _known(path, address) if if_changed else None
    facts = table_facts(address, cancelled) if address.portal else None
    rows = facts.rows if facts else None
    if known and facts and facts.version == known.version:
        return Downloaded(path, known.size_bytes, rows, is_new=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with durable_file(path) as file:
            received = download(
                address.url,
                file,
                shown=address.shown,
                version=known.version if known and not facts else "",
                limits=Limits(limit_mb * 2**20, _space_check(path.parent, reserve_mb)),
                on_share=on_share,
                cancelled=cancelled,
            )
            if received is None:
                raise _Unchanged
            # Each row ends a line, and there is a header.
            if facts and received.lines < facts.rows:
                raise LoadFailed(f"Only {received.lines:,} of the {facts.rows:,} rows of {address.shown} arrived.")
        version = facts.version if facts else received.version
        with durable_file(_record_path(path)) as file:
            file.write(msgspec.json.encode(_Record(address.url, version, received.size_bytes)))
        _describe(path, address, facts)
    except _Unchanged:
        return Downloaded(path, path.stat().st_size, rows, is_new=False)
    except OSError as error:
        what = f"{address.shown} cannot be written to the disk: {error.strerror or error}."
        kind = LoadFailed if is_machine_trouble(error) else SettingInvalid
        raise kind(what).for_operator(f"{what} The file would be {path}.") from error
    return Downloaded(path, received.size_bytes, rows, is_new=True)


class _Unchanged(Exception):
    """The server has no other version."""


def _known(path: Path, address: Address) -> _Record | None:
    """Return the record of a file that is there as it was downloaded."""
    try:
        record = _RECORD.decode(_record_path(path).read_bytes())
        is_whole = path.stat().st_size == record.size_bytes
    except (OSError, msgspec.MsgspecError):
        return None
    return record if is_whole and record.url == address.url and record.version else None


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.download.json")


def _space_check(folder: Path, reserve_mb: int) -> Callable[[int], None]:
    reserve = DiskReserve(folder, reserve_mb)

    def check(size_bytes: int) -> None:
        if (shortage := reserve.shortage_at(size_bytes)) is not None:
            raise LoadFailed(f"The disk {shortage}.")

    return check


def _describe(path: Path, address: Address, facts: TableFacts | None) -> None:
    """Write what is known of the table, unless somebody has described it."""
    description = path.with_name(f"{path.name}.toml")
    if facts is None:
        return
    said = {
        "title": facts.title,
        "publisher": facts.publisher,
        "url": f"{address.portal}/d/{address.table}",
        "license": facts.license,
        "updated": facts.updated,
    }
    lines = [f"{key} = {toml_text(text)}\n" for key, text in said.items() if text]
    is_ours = False
    with suppress(OSError, UnicodeDecodeError):
        is_ours = description.read_text(encoding="utf-8").startswith(_MARK)
    if is_ours or not description.exists():
        description.write_text(_MARK + "".join(lines), encoding="utf-8")
